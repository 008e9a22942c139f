"""The records of a campaign, page after page."""

from __future__ import annotations

from itertools import chain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from revrag import Campaign, Record
    from revrag._revrag import RecordPages


class RecordPager:
    """A campaign's records, for ``for``, for ``async for`` and as an Arrow stream.

    Made by ``Campaign.records``.

    Each iteration asks the service anew, and fetches a few pages ahead while the caller works on
    one. Each record comes once. The service promises no order, and a listing may shift while it is
    read: where a look has shown that it did, it is read again for what it then shows anew, up to
    six times. A listing that does not end is an ``InvalidResponseError``.

    Example:
        >>> for record in campaign.records(status="completed"):
        ...     assert record.is_final
    """

    __slots__ = ("_campaign", "_page_size", "_status", "_timeout", "_variables")

    def __init__(
        self,
        campaign: Campaign,
        status: str | None,
        page_size: int,
        timeout: float | None = None,
        variables: str = "json",
    ) -> None:
        self._campaign = campaign
        self._status = status
        self._page_size = page_size
        self._timeout = timeout
        self._variables = variables

    def __iter__(self) -> Iterator[Record]:
        # Nothing of Python's runs between two records of a page.
        return chain.from_iterable(iter(self._pages().next, None))

    async def __aiter__(self) -> AsyncIterator[Record]:
        pages = self._pages()
        while (handful := await pages.next_async()) is not None:
            for record in handful.records():
                yield record

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The records as an Arrow stream (the Arrow PyCapsule interface), page by page.

        Example:
            >>> import polars
            >>> frame = polars.DataFrame(campaign.records())
            >>> run_id in frame["id"]
            True
        """
        return self._pages().stream(self._variables, requested_schema)

    def _pages(self) -> RecordPages:
        return self._campaign._record_pages(self._status, self._page_size, self._timeout)

    def _repr_html_(self) -> str:
        from revrag import _html

        asks = {"status": self._status, "page_size": self._page_size}
        return _html.named("RecordPager", {"campaign_id": self._campaign.id} | asks)

    def __repr__(self) -> str:
        return (
            f"RecordPager(campaign_id={self._campaign.id!r}, status={self._status!r}, "
            f"page_size={self._page_size})"
        )
