"""A table of Spark into a campaign: each row once, however often its tasks run.

Example:
    >>> uploads = revrag.spark.register(spark)
    >>> (
    ...     df.write.format("revrag")
    ...     .option("campaign_id", "11111111-1111-1111-1111-111111111111")
    ...     .option("key", "crm_id")
    ...     .option("name", "diwali-2026")
    ...     .mode("append")
    ...     .save("/shared/outcomes")
    ... )
    >>> uploads.receipts[-1].accepted
    1000000
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from revrag.engines.coordinator import Coordinator
from revrag.engines.settings import Settings
from revrag.errors import InvalidArgumentError

try:
    from pyspark import TaskContext
    from pyspark.sql.datasource import DataSource, DataSourceArrowWriter, WriterCommitMessage

    from revrag.engines import attempt, whole
except ImportError as error:
    raise ImportError(
        f'revrag.spark needs Spark 4 and pyarrow: pip install "revrag[spark]" (for '
        f"{sys.executable}, "
        f"where {error})"
    ) from error

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

__all__ = ["RevragDataSource", "register"]


def register(
    spark: SparkSession, *, host: str | None = None, bind: str | None = None, port: int = 0
) -> Coordinator:
    """Registers the format ``revrag``, and listens for its tasks.

    It runs in the driver's own process: tasks ask there before they send a row, and stop sending
    when they can't. Call it once a session.

    Args:
        spark: The session. It must be a driver's own, not one of Spark Connect.
        host: The name by which executors reach this process; None takes ``spark.driver.host``.
        bind: The address to listen at; None takes ``spark.driver.bindAddress``, or ``host``.
        port: The port to listen at; 0 takes a free one.

    Returns:
        What listens, with the ``receipts`` of the writes that are over. It ends with the process.

    Raises:
        InvalidArgumentError: The session is one of Spark Connect.

    Example:
        >>> uploads = revrag.spark.register(spark)
    """
    try:
        conf = spark.sparkContext.getConf()
    except Exception as error:
        raise InvalidArgumentError(
            "spark: executors can't reach the client of a Spark Connect session, which is to "
            "lease keys to them; run this in the driver"
        ) from error
    host = host or conf.get("spark.driver.host") or "127.0.0.1"
    coordinator = Coordinator(host, bind or conf.get("spark.driver.bindAddress"), port)
    # Spark pickles the class, and with it how its tasks find the driver. It is in no plan.
    where = {"address": coordinator.address, "secret": coordinator.secret}
    spark.dataSource.register(type("RevragDataSource", (RevragDataSource,), where))
    return coordinator


class RevragDataSource(DataSource):
    """The format ``revrag``, to write to. ``register`` makes it known to a session.

    Options: ``campaign_id`` and ``key`` (a column or several, between commas) are needed; ``name``
    tells rounds apart, ``outcomes`` (or the path to save to) is where each row's outcome is
    written as Parquet, ``max_records_per_second`` and ``limit`` are for all tasks together,
    ``max_invalid`` (a share as ``0.05``, or a count) ends the job once it has checked more invalid
    rows, a share from the first thousand rows on; ``exclude`` is the path of a file of numbers that
    are not to be called, on the driver. ``phone_number``,
    ``variables``, ``app_user_id``, ``region``, ``on_invalid``, ``required``, ``max_records``,
    ``max_bytes``, ``concurrency``, ``on_unknown``, ``settle_after`` and ``give_up_after`` are
    those of ``Campaign.upload``; ``base_url``, ``timeout``, ``connect_timeout``, ``max_retries``,
    ``ca_bundle`` and ``proxy`` those of ``Client``. The key of the service is none: it comes from
    ``REVRAG_API_KEY`` in the environment of driver and executors, or from a file there,
    ``api_key_file``.
    """

    address: tuple[str, int] | None = None
    secret: bytes = b""

    @classmethod
    def name(cls) -> str:
        """What it is called in ``format``."""
        return "revrag"

    def writer(self, schema: StructType, overwrite: bool) -> DataSourceArrowWriter:
        """A writer of one job. The campaign is looked at before any task begins."""
        if self.address is None:
            raise InvalidArgumentError(
                "nobody would lease keys to the tasks: call revrag.spark.register(spark) in the "
                "driver"
            )
        if overwrite:
            raise InvalidArgumentError(
                "mode: a call can't be taken back, so there is nothing to overwrite; "
                '.mode("append")'
            )
        settings = Settings.of(self.options)
        for column in settings.key:
            if column not in schema.fieldNames():
                raise InvalidArgumentError(f"key: there is no column {column!r}")
        exclude = self.options.get("exclude")
        job = whole.begin((self.address, self.secret), settings, exclude)
        return Writer(self.address, self.secret, job, settings)


@dataclass
class Message(WriterCommitMessage):
    """What a task tells the driver in the end."""

    sent: attempt.Sent


class Writer(DataSourceArrowWriter):
    """One job's writer, which travels to its tasks."""

    def __init__(
        self, address: tuple[str, int], secret: bytes, job: int, settings: Settings
    ) -> None:
        self._driver = (address, secret)
        self._job = job
        self._settings = settings

    def write(self, iterator: Iterator[pa.RecordBatch]) -> Message:
        """Sends one partition."""
        context = TaskContext.get()
        if context is None:
            raise InvalidArgumentError("this runs in a task of Spark, and nowhere else")
        place = attempt.Place(*self._driver, self._job, context.partitionId())
        return Message(attempt.send(iterator, self._settings, place))

    def commit(self, messages: list[WriterCommitMessage | None]) -> None:
        """All tasks have ended as they should."""
        sent = [one.sent for one in messages if isinstance(one, Message)]
        whole.commit(self._driver, self._job, self._settings, sent)

    def abort(self, messages: list[WriterCommitMessage | None]) -> None:
        """A task failed for good: what is known is in the receipt."""
        del messages
        whole.abort(self._driver, self._job, self._settings)
