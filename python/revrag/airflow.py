"""An operator of Airflow that uploads a table, safe to retry.

Rows are known by their key, so a task that failed, or whose worker was killed, is simply run again.

Example:
    >>> RevragUploadOperator(
    ...     task_id="call",
    ...     source="/data/leads-{{ ds }}.parquet",
    ...     campaign_id="11111111-1111-1111-1111-111111111111",
    ...     key="crm_id",
    ...     name="daily-{{ ds }}",
    ...     retries=3,
    ... )
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from revrag import Client
from revrag.errors import InvalidArgumentError

try:
    try:
        from airflow.sdk import BaseHook, BaseOperator
    except ImportError:
        # Airflow 2.
        from airflow.hooks.base import BaseHook
        from airflow.models import BaseOperator
except ImportError as error:
    raise ImportError(
        f'revrag.airflow needs Airflow: pip install "revrag[airflow]" (for {sys.executable}, '
        f"where {error})"
    ) from error

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["RevragUploadOperator"]

COUNTS = (
    "total",
    "accepted",
    "existing",
    "rejected",
    "invalid",
    "excluded",
    "duplicate",
    "unknown",
    "not_sent",
)


class RevragUploadOperator(BaseOperator):
    """Uploads a file into a campaign by key; its result is the counts of the report.

    Args:
        source: The path of a file that ``Campaign.upload`` reads. A template.
        campaign_id: The campaign. A template.
        key: The column by which a row is known, or several.
        name: What tells rounds apart, at most 55 bytes; the same for every try of a run, as
            ``"daily-{{ ds }}"``. None is one round for ever: who was called is never called again.
            A template.
        report: Where the outcome of each row is written: a path that ends in ``.parquet``, ``.csv``
            or ``.jsonl``. It holds phone numbers. A template.
        conn_id: The connection with the service: its password is the API key, its host the base
            URL, if it has one. None takes ``REVRAG_API_KEY`` and ``REVRAG_BASE_URL`` of the worker.
        upload_options: What else ``Campaign.upload`` takes, by name, but for ``limit``.

    Raises:
        InvalidArgumentError: There is no key, or a limit.

    Example:
        >>> RevragUploadOperator(
        ...     task_id="call", source="leads.csv", campaign_id=campaign_id, key="id", name="may"
        ... )
    """

    template_fields: Sequence[str] = ("source", "campaign_id", "name", "report")
    ui_color = "#e8e3ff"

    def __init__(
        self,
        *,
        source: str,
        campaign_id: str,
        key: str | Iterable[str],
        name: str | None,
        report: str | None = None,
        conn_id: str | None = None,
        upload_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.campaign_id = campaign_id
        self.key = [key] if isinstance(key, str) else list(key)
        self.name = name
        self.report = report
        self.conn_id = conn_id
        self.upload_options = upload_options or {}
        if self.upload_options.get("limit") is not None:
            raise InvalidArgumentError(
                "limit: each try has a limit of its own, so a task that is retried would send "
                "more; cut the source instead"
            )
        if not any(self.key):
            raise InvalidArgumentError(
                "key: a task that is run again must know its rows, and can't by their places: name "
                'the column that identifies a row, as key="crm_id"'
            )

    def execute(self, context: Any) -> dict[str, int]:
        """Uploads. What an earlier try sent is ``existing``."""
        del context
        with self._client() as client:
            report = client.campaign(self.campaign_id).upload(
                self.source, key=self.key, name=self.name, **self.upload_options
            )
        if self.report is not None:
            report.write(self.report)
        counts = {name: int(getattr(report, name)) for name in COUNTS}
        self.log.info("Uploaded: %s", {name: count for name, count in counts.items() if count})
        return counts

    def _client(self) -> Client:
        if self.conn_id is None:
            return Client()
        connection = BaseHook.get_connection(self.conn_id)
        return Client(connection.password, base_url=connection.host or None)
