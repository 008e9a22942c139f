"""One try of a task: its rows are asked for by key, sent, and told of."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from revrag.engines import tokens
from revrag.engines.link import JobStoppedError, Link
from revrag.engines.outcomes import Outcomes
from revrag.errors import UploadError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from revrag import Campaign, UploadReport
    from revrag.engines.settings import Settings

# Rows between two words with the driver: what a lost attempt leaves in doubt.
SLICE = 10_000
# Rows that wait for others, beyond which no more are read: they are kept meanwhile.
MOST_WAITING = 4 * SLICE
# Reasons that are told apart.
REASONS = 10
# Seconds that a slice takes where there is a rate.
BREATH = 5.0


@dataclass(frozen=True)
class Place:
    """A part of a job, and where its driver is."""

    address: tuple[str, int]
    secret: bytes
    job: int
    partition: int


@dataclass(frozen=True)
class Sent:
    """What an attempt tells in the end."""

    counts: dict[str, int]
    file: str | None
    attempt: int


@dataclass(frozen=True)
class Row:
    """A row that may go."""

    at: int
    key: str
    token: str
    number: str | None


def send(tables: Iterable[pa.Table | pa.RecordBatch], settings: Settings, place: Place) -> Sent:
    """Sends a part of a job, of which earlier attempts may have sent some.

    Raises:
        LeaseLostError: Another attempt has it now.
        UploadError: The service refuses or is away; what is known of the rows is told.
    """
    with (
        Link(place.address, place.secret, place.job) as link,
        settings.client() as client,
        Outcomes(settings.outcomes, place.partition) as outcomes,
    ):
        attempt = Attempt(link, client.campaign(settings.campaign_id), settings, outcomes)
        # An error would be tried again, and in vain: the end of the job tells of it.
        with suppress(JobStoppedError):
            link.begin(place.partition)
            with suppress(JobStoppedError):
                for table in slices(tables):
                    attempt.take(table)
                attempt.finish()
            link.ask("end")
    return Sent(outcomes.counts, outcomes.file, link.attempt)


def slices(tables: Iterable[pa.Table | pa.RecordBatch]) -> Iterator[pa.Table]:
    """The rows, some thousands at a time."""
    held: list[pa.RecordBatch] = []
    count = 0
    for table in tables:
        batches = [table] if isinstance(table, pa.RecordBatch) else table.to_batches()
        for batch in batches:
            whole = batch
            while whole.num_rows:
                part = whole.slice(0, SLICE - count)
                whole = whole.slice(part.num_rows)
                held.append(part)
                count += part.num_rows
                if count == SLICE:
                    yield pa.Table.from_batches(held)
                    held, count = [], 0
    if held:
        yield pa.Table.from_batches(held)


class Attempt:
    """The rows of one try, on their way."""

    def __init__(
        self, link: Link, campaign: Campaign, settings: Settings, outcomes: Outcomes
    ) -> None:
        self._link = link
        self._campaign = campaign
        self._settings = settings
        self._outcomes = outcomes
        self._waiting: list[tuple[pa.Table, list[Row]]] = []
        self._options: dict[str, Any] = {
            **settings.upload,
            "key": list(settings.key),
            "name": settings.name,
        }

    def take(self, table: pa.Table) -> None:
        """Sends rows as they come. Those that another attempt has under way come last."""
        checked = self._link.run(
            self._campaign.upload_async(table, **self._options, existing="caller", dry_run=True)
        )
        fit: list[tuple[int, Any]] = []
        home: list[tuple[int, Any]] = []
        for at, row in enumerate(told(checked)):
            (fit if row[2] == "not_sent" and row[0] is not None else home).append((at, row))
        self._outcomes.add([row for _, row in home])
        if self._settings.max_invalid is not None:
            why = Counter(str(row[5]) for _, row in home if row[2] == "invalid")
            reasons = dict(why.most_common(REASONS))
            if rest := why.total() - sum(reasons.values()):
                reasons["other reasons"] = rest
            self._link.ask("checked", rows=table.num_rows, reasons=reasons)
        made = self._settings.tokens([row[0] for _, row in fit])
        rows = [Row(at, row[0], token, row[1]) for (at, row), token in zip(fit, made, strict=True)]
        self._send(table, rows)
        if sum(len(rows) for _, rows in self._waiting) > MOST_WAITING:
            self.finish()

    def finish(self) -> None:
        """Sees to the rows that had to wait."""
        pause = 0.05
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            before = sum(len(rows) for _, rows in waiting)
            for table, rows in waiting:
                self._send(table, rows)
            if sum(len(rows) for _, rows in self._waiting) == before:
                time.sleep(pause)
                pause = min(pause * 2, 2.0)
            else:
                pause = 0.05

    def _send(self, table: pa.Table, rows: list[Row]) -> None:
        while rows:
            share = self._link.wait("share")
            # From when it has its share: the time that it waited for it was the others'.
            began = time.monotonic()
            most = len(rows) if share is None else max(1, int(share * BREATH))
            self._lease(table, rows[:most], share, began)
            rows = rows[most:]

    def _lease(self, table: pa.Table, rows: list[Row], share: float | None, began: float) -> None:
        # Where nobody is excluded, no whole number goes over the wire.
        number = tokens.digits if self._settings.excludes else tokens.number
        asks = [(row.token, number(row.number)) for row in rows]
        verdicts = self._link.ask("lease", rows=asks)
        by: dict[str, list[Row]] = {"send": [], "look": [], "wait": []}
        done, again, barred = [], set(), []
        for row, (do, outcome, run, status, error, is_excluded) in zip(rows, verdicts, strict=True):
            if do == "done":
                done.append((row.key, row.number, outcome, run, status, error))
            else:
                by[do].append(row)
                if outcome:
                    again.add(row.token)
                if is_excluded and row.number is not None:
                    barred.append(row.number)
        self._outcomes.add(done)
        if by["wait"]:
            self._waiting.append((table, by["wait"]))
        if by["send"]:
            self._upload(table, by["send"], share, began, "caller")
        elif share is not None:
            self._link.ask("tell", rows=[])
        if by["look"]:
            self._link.wait("may_look")
            began = time.monotonic()
            report = self._upload(table, by["look"], share, began, "campaign", again, barred)
            is_proven = report.accepted + report.existing > 0
            self._link.ask("looked", is_proven=is_proven)

    def _upload(
        self,
        table: pa.Table,
        rows: list[Row],
        share: float | None,
        began: float,
        existing: Literal["campaign", "caller"],
        again: Collection[str] = (),
        barred: Collection[str] = (),
    ) -> UploadReport:
        picked = table.take(pa.array([row.at for row in rows], pa.int64()))
        failure = None
        try:
            report = self._link.run(
                self._campaign.upload_async(
                    picked,
                    **self._options,
                    existing=existing,
                    exclude=barred or None,
                    max_records_per_second=share,
                )
            )
        except UploadError as error:
            failure, report = error, error.report
        found = [
            # An attempt before sent it: to this job it is no row of before.
            (*one[:2], "accepted", *one[3:]) if one[2] == "existing" and row.token in again else one
            for row, one in zip(rows, told(report), strict=False)
        ]
        if share is not None:
            # The next slice begins when this one's time is over.
            time.sleep(max(0.0, began + len(rows) / share - time.monotonic()))
        self._link.ask(
            "tell",
            rows=[
                (row.token, outcome, run, status, error)
                for row, (_, _, outcome, run, status, error) in zip(rows, found, strict=False)
            ],
        )
        if failure is not None:
            raise failure
        self._outcomes.add(found)
        return report  # type: ignore[no-any-return]


def told(report: UploadReport) -> Iterator[tuple[Any, ...]]:
    """The rows of a report: key, number, outcome, run id, status and error."""
    table = pa.table(report)
    names = ("key", "phone_number", "outcome", "run_id", "status", "error")
    return zip(*(table[name].to_pylist() for name in names), strict=True)
