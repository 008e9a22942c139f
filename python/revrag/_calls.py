"""The calls of many records, fetched side by side."""

from __future__ import annotations

import itertools
import uuid

from revrag import _revrag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator
    from typing import Any

    from revrag import Call, Campaign
    from revrag._revrag import CallBatch, CallFetcher

# As many are asked for together: the slowest of them holds up the others.
TOGETHER = 64


class CallPager:
    """Calls, for ``for``, for ``async for`` and as an Arrow stream; made by ``Campaign.calls``.

    Calls come in the order of their source.

    Attributes:
        missing: Ids of calls and records that the service does not know, as the last iteration
            found them.

    Example:
        >>> calls = campaign.calls([run_id])
        >>> [call.call_status for call in calls], calls.missing
        (['completed'], [])
    """

    __slots__ = ("_by", "_call_ids", "_campaign", "_fetcher", "_source", "_variables", "missing")

    def __init__(
        self,
        campaign: Campaign,
        fetcher: CallFetcher,
        source: Iterable[Any] | None,
        status: str | None,
        call_ids: Iterable[Any] | None,
        by: str,
        variables: str,
    ) -> None:
        if sum(given is not None for given in (source, status, call_ids)) != 1:
            raise _invalid("calls", "give one of source, status and call_ids")
        if by not in ("call", "message"):
            raise _invalid("by", 'it must be "call" or "message"')
        if variables not in ("json", "map"):
            raise _invalid("variables", 'it must be "json" or "map"')
        for name, given in (("source", source), ("call_ids", call_ids)):
            if isinstance(given, str | bytes) or not (
                given is None or hasattr(given, "__iter__") or hasattr(given, "__aiter__")
            ):
                raise _invalid(name, f"it must be an iterable, not {type(given).__name__}")
        self._campaign = campaign
        self._fetcher = fetcher
        self._source = campaign.records(status=status) if source is call_ids is None else source
        self._call_ids = call_ids
        self._by = by
        self._variables = variables
        self.missing: list[str] = []

    def __iter__(self) -> Iterator[Call]:
        for batch in self._batches():
            yield from batch.calls()

    async def __aiter__(self) -> AsyncIterator[Call]:
        self.missing = []
        waiting: list[tuple[bool, str]] = []
        source: Any = self._call_ids if self._source is None else self._source
        if not hasattr(source, "__aiter__"):
            source = _as_async(source)
        async for item in source:
            waiting += self._wanted(item)
            while len(waiting) >= TOGETHER:
                for call in await self._fetch_async(waiting[:TOGETHER]):
                    yield call
                del waiting[:TOGETHER]
        if waiting:
            for call in await self._fetch_async(waiting):
                yield call

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The calls, or their messages, as an Arrow stream (the Arrow PyCapsule interface)."""
        by_message = self._by == "message"
        return self._fetcher.stream(self._batches(), by_message, self._variables, requested_schema)

    def _batches(self) -> Iterator[CallBatch]:
        self.missing = []
        # Whether it is empty, not every source can be asked.
        source: Any = self._call_ids if self._source is None else self._source
        wanted = itertools.chain.from_iterable(map(self._wanted, source))
        while together := list(itertools.islice(wanted, TOGETHER)):
            batch = self._fetcher.fetch(together)
            self.missing += batch.missing()
            yield batch

    async def _fetch_async(self, together: list[tuple[bool, str]]) -> list[Call]:
        batch = await self._fetcher.fetch_async(together)
        self.missing += batch.missing()
        return batch.calls()

    def _wanted(self, item: Any) -> list[tuple[bool, str]]:
        if self._source is None:
            try:
                return [(True, str(uuid.UUID(str(item))))]
            except ValueError:
                raise _invalid("call_ids", f"{_revrag.masked(repr(item))} is not a UUID") from None
        if isinstance(item, str | uuid.UUID):
            return [(False, str(item))]
        if isinstance(item, _revrag.Record):
            return [(True, call.call_id) for call in item.call_history if call.call_id]
        if isinstance(item, _revrag.CallAttempt):
            return [(True, item.call_id)] if item.call_id else []
        if isinstance(item, _revrag.PushOutcome):
            return [(False, item.run_id)] if item.run_id else []
        kind = type(item).__name__
        raise _invalid(
            "source", f"it must hold run ids, records, push outcomes or call attempts, not {kind}"
        )

    def _repr_html_(self) -> str:
        from revrag import _html

        shown = {"by": self._by, "missing": len(self.missing)}
        return _html.named("CallPager", {"campaign_id": self._campaign.id} | shown)

    def __repr__(self) -> str:
        return f"CallPager(campaign_id={self._campaign.id!r}, by={self._by!r})"


async def _as_async(source: Iterable[Any]) -> AsyncIterator[Any]:
    for item in source:
        yield item


def _invalid(argument: str, problem: str) -> Exception:
    from revrag.errors import InvalidArgumentError

    return InvalidArgumentError(f"{argument}: {problem}")
