"""A campaign as a destination of dlt, safe to load into again.

Rows are known by their key, so a load that failed, or was killed, is simply loaded again.

Example:
    >>> pipeline = dlt.pipeline(
    ...     "leads", destination=revrag.dlt.campaign(campaign_id, key="crm_id", name="diwali-2026")
    ... )
    >>> pipeline.run(leads, table_name="leads")
"""

from __future__ import annotations

import sys
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from revrag.engines.settings import Settings

try:
    import dlt
    import pyarrow as _  # noqa: F401, ICN001  # what writes the files
    from dlt.common.destination.exceptions import DestinationTerminalException
except ImportError as error:
    raise ImportError(
        f'revrag.dlt needs dlt and pyarrow: pip install "revrag[dlt]" (for {sys.executable}, '
        f"where {error})"
    ) from error

from revrag.errors import APIStatusError, InvalidArgumentError, RateLimitError, ServerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["campaign"]


def campaign(
    campaign_id: str,
    *,
    key: str | Iterable[str],
    name: str | None = None,
    outcomes: str | None = None,
    base_url: str | None = None,
    api_key_file: str | None = None,
    **options: Any,
) -> Any:
    """A destination for ``dlt.pipeline``: the rows of each table that is loaded go into a campaign.

    The key of the service comes from ``REVRAG_API_KEY``, or from a file. Files of a load go one
    after the other, for each looks at the campaign first.

    Args:
        campaign_id: The campaign.
        key: The column by which a row is known, or several.
        name: What tells rounds apart. A load that is run again must have the name of the first.
        outcomes: A folder in which the outcome of each row is left, as a Parquet file for each file
            of the load.
        base_url: The service; None takes ``REVRAG_BASE_URL``, or production.
        api_key_file: A file that holds the key.
        options: As for ``Campaign.upload`` and ``Client``: ``phone_number``, ``variables``,
            ``app_user_id``, ``region``, ``on_invalid``, ``required``, ``max_records``,
            ``max_bytes``, ``max_records_per_second``, ``concurrency``, ``on_unknown``,
            ``settle_after``, ``give_up_after``, ``exclude``, ``max_invalid`` (of each file of the
            load by itself), ``timeout``, ``connect_timeout``, ``max_retries``,
            ``ca_bundle`` and ``proxy``.

    Raises:
        InvalidArgumentError: An option is missing, unknown, or can't be used.

    Example:
        >>> destination = revrag.dlt.campaign(campaign_id, key="crm_id", name="diwali-2026")
    """
    given: Mapping[str, Any] = {
        "campaign_id": campaign_id,
        "key": key,
        "name": name,
        "outcomes": outcomes,
        "base_url": base_url,
        "api_key_file": api_key_file,
        **options,
    }
    settings = Settings.of(given)
    if settings.limit is not None:
        raise InvalidArgumentError(
            "limit: it would hold for each file of a load, and again for each try; limit what is "
            "loaded, as leads.add_limit(100)"
        )
    exclude = options.get("exclude")
    if exclude is not None and not isinstance(exclude, (str, PathLike)):
        # Each file of a load needs all of them, and each try: an iterator would be at its end.
        exclude = [f"+{number}" for number in settings.numbers(exclude)]

    @dlt.destination(  # type: ignore[untyped-decorator, unused-ignore]
        name="revrag",
        loader_file_format="parquet",
        batch_size=0,
        naming_convention="direct",
        skip_dlt_columns_and_tables=True,
        loader_parallelism_strategy="sequential",
    )
    def revrag(file: Any, table: Any) -> None:
        del table
        try:
            load(str(file), settings, exclude)
        except (RateLimitError, ServerError):
            raise
        except (InvalidArgumentError, APIStatusError) as error:
            # Another try would fail, too.
            raise DestinationTerminalException(str(error)) from error

    return revrag


def load(file: str, settings: Settings, exclude: Any = None) -> None:
    """Loads one file; an error is raised for dlt to load it again."""
    with settings.client() as client:
        report = client.campaign(settings.campaign_id).upload(
            file,
            key=list(settings.key),
            name=settings.name,
            max_records_per_second=settings.max_records_per_second,
            max_invalid=settings.max_invalid,
            exclude=exclude,
            **settings.upload,
        )
    if settings.outcomes is not None:
        folder = Path(settings.outcomes)
        folder.mkdir(parents=True, exist_ok=True)
        report.write(folder / f"{Path(file).name.split('.', 1)[1]}")
