"""A dataset of Ray into a campaign: each row once, however often its tasks run.

Example:
    >>> sink = revrag.ray.RevragDatasink(
    ...     "11111111-1111-1111-1111-111111111111", key="crm_id", name="diwali-2026"
    ... )
    >>> dataset.write_datasink(sink)
    >>> sink.receipt.accepted
    1000000
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from revrag.engines.coordinator import Coordinator
from revrag.engines.settings import Settings
from revrag.errors import InvalidArgumentError

try:
    from ray.data import Datasink
    from ray.data.block import BlockAccessor
    from ray.util import get_node_ip_address

    from revrag.engines import attempt, whole
except ImportError as error:
    raise ImportError(
        f'revrag.ray needs Ray Data and pyarrow: pip install "revrag[ray]" (for {sys.executable}, '
        f"where {error})"
    ) from error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pyarrow as pa

    from revrag.engines.jobs import Receipt

__all__ = ["RevragDatasink"]


class RevragDatasink(Datasink[attempt.Sent]):
    """Where ``Dataset.write_datasink`` sends rows: a campaign.

    It listens in the process that makes it: tasks ask there before they send a row, and stop
    sending when they can't. The key of the service comes from ``REVRAG_API_KEY`` in the
    environment of the driver and of the workers, or from a file there, ``api_key_file``; it is
    part of nothing that travels. A sink is for one write.

    Args:
        campaign_id: The campaign.
        key: The column by which a row is known, or several.
        name: What tells rounds apart.
        outcomes: Where the outcome of each row is written as Parquet: a path that driver and
            workers share, or a URI as ``s3://…``.
        max_records_per_second: Rows a second, for all tasks together.
        limit: How many rows are sent, by all tasks together; the rest is ``not_sent``, and goes
            with the next job of the name.
        max_invalid: How many rows may be invalid, as a share (a float from 0.0 to 1.0) or a count
            (an int). With more of those that were checked so far, nothing more is sent, and the
            job fails; a share is judged from the first thousand rows on.
        exclude: Numbers that are not to be called, as for ``Campaign.upload``: they stay with the
            driver.
        base_url: The service; None takes ``REVRAG_BASE_URL``, or production.
        api_key_file: A file on driver and workers that holds the key.
        host: The name by which workers reach this process; None takes this node's address.
        bind: The address to listen at; None takes ``host``.
        port: The port to listen at; 0 takes a free one.
        options: ``phone_number``, ``variables``, ``app_user_id``, ``region``, ``on_invalid``,
            ``required``, ``max_records``, ``max_bytes``, ``concurrency``, ``on_unknown``,
            ``settle_after`` and ``give_up_after`` as for ``Campaign.upload``; ``timeout``,
            ``connect_timeout``, ``max_retries``, ``ca_bundle`` and ``proxy`` as for ``Client``.

    Raises:
        InvalidArgumentError: An option is missing, unknown, or can't be used.

    Example:
        >>> sink = revrag.ray.RevragDatasink(campaign_id, key="crm_id", outcomes="/shared/outcomes")
    """

    def __init__(
        self,
        campaign_id: str,
        *,
        key: str | Iterable[str],
        name: str | None = None,
        outcomes: str | None = None,
        max_records_per_second: float | None = None,
        limit: int | None = None,
        max_invalid: float | int | None = None,
        exclude: object | None = None,
        base_url: str | None = None,
        api_key_file: str | None = None,
        host: str | None = None,
        bind: str | None = None,
        port: int = 0,
        **options: Any,
    ) -> None:
        given: Mapping[str, Any] = {
            "campaign_id": campaign_id,
            "key": key,
            "name": name,
            "outcomes": outcomes,
            "max_records_per_second": max_records_per_second,
            "limit": limit,
            "max_invalid": max_invalid,
            "exclude": exclude,
            "base_url": base_url,
            "api_key_file": api_key_file,
            **options,
        }
        self._settings = Settings.of(given)
        self._coordinator: Coordinator | None = Coordinator(
            host or get_node_ip_address(), bind, port
        )
        self._driver = (self._coordinator.address, self._coordinator.secret)
        self._job = self._coordinator.open(self._settings, exclude)

    def __getstate__(self) -> dict[str, Any]:
        # What listens stays where it is.
        return self.__dict__ | {"_coordinator": None}

    @property
    def receipt(self) -> Receipt | None:
        """What it came to, in the driver; None before its end."""
        receipts = self._coordinator.receipts if self._coordinator is not None else []
        return receipts[-1] if receipts else None

    def get_name(self) -> str:
        """What it is called on Ray's pages."""
        return "Revrag"

    def on_write_start(self, schema: Any = None) -> None:
        """Looks at the campaign before any task sends."""
        # What comes first into a chain of operators is not what comes to its end.
        del schema
        if self._coordinator is None or self.receipt is not None:
            raise InvalidArgumentError("a sink is for one write; make another")
        job = self._coordinator.job(self._job)
        job.start()
        job.wait()

    def write(self, blocks: Iterable[Any], ctx: Any) -> attempt.Sent:
        """Sends the rows of one task."""
        tables: Iterator[pa.Table] = (BlockAccessor.for_block(one).to_arrow() for one in blocks)
        place = attempt.Place(*self._driver, self._job, ctx.task_idx)
        return attempt.send(tables, self._settings, place)

    def on_write_complete(self, write_result: Any) -> None:
        """All tasks have ended as they should."""
        whole.commit(self._driver, self._job, self._settings, write_result.write_returns)

    def on_write_failed(self, error: Exception) -> None:
        """A task failed for good: what is known is in the receipt."""
        del error
        if self.receipt is None:
            whole.abort(self._driver, self._job, self._settings)
