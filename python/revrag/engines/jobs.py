"""Jobs, and the attempts at their parts: who is at work, who may look, and how fast each sends."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from revrag.engines.claim import Claim
from revrag.engines.leases import WAIT, Leases
from revrag.engines.link import JobStoppedError
from revrag.engines.listing import look
from revrag.engines.tally import Tally
from revrag.errors import JournalError, RevragError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from revrag.engines.leases import Ask, Told, Verdict
    from revrag.engines.settings import Settings

log = logging.getLogger("revrag")

# Seconds without a word after which an attempt is lost. It stops by itself before.
LOST_AFTER = 30.0


@dataclass
class Attempt:
    """One try of a task."""

    id: int
    partition: int
    state: str = "live"
    share: float = 0.0


@dataclass
class Receipt:
    """What a job came to.

    Attributes:
        campaign_id: The campaign.
        name: The round, if it has a name.
        rows: Rows by their outcome. A row that several attempts told of counts once.
        attempts: How many attempts there were, and how many of them were lost or failed.
        outcomes: Where the outcome of each row is, if it was written.
        committed: Whether all tasks ended as they should.
    """

    campaign_id: str
    name: str | None
    rows: dict[str, int]
    attempts: int
    lost: int
    outcomes: str | None
    committed: bool

    def __getattr__(self, outcome: str) -> int:
        """``receipt.accepted`` and its like."""
        rows: dict[str, int] = self.__dict__.get("rows", {})
        if outcome in OUTCOMES:
            return rows.get(outcome, 0)
        raise AttributeError(outcome)


OUTCOMES = (
    "accepted",
    "existing",
    "rejected",
    "invalid",
    "excluded",
    "duplicate",
    "unknown",
    "not_sent",
)


class Job:
    """One write of one table."""

    def __init__(self, settings: Settings, before: list[Job], exclude: object = None) -> None:
        self.settings = settings
        self._exclude = exclude
        self._tally = Tally(settings.max_invalid, settings.phone_number)
        self._stopped: str | None = None
        self.attempts: dict[int, Attempt] = {}
        # Not before this may anybody look: what was on its way may be applied yet.
        self.quiet_at = 0.0
        self._before = before
        self.is_over = False
        self.failure: BaseException | None = None
        self._looker: int | None = None
        self._prober: int | None = None
        self._is_started = self._is_ready = False
        self._claim: Claim | None = None
        self._changed = threading.RLock()
        self.leases = Leases(
            lambda attempt: self.attempts[attempt].state,
            lambda attempt: self.attempts[attempt].partition,
            settings.limit,
        )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else is at the leases."""
        with self._changed:
            yield

    def _is_quiet(self) -> bool:
        """Whether nothing of earlier jobs can be under way."""
        jobs = [self, *self._before]
        return all(job.quiet_at <= time.monotonic() for job in jobs) and not any(
            job.is_at_work for job in self._before
        )

    @property
    def is_at_work(self) -> bool:
        """Whether an attempt may be sending."""
        return any(one.state == "live" for one in list(self.attempts.values()))

    def start(self) -> None:
        """Begins with the look, beside all else."""
        with self._changed:
            if not self._is_started:
                self._claim = Claim(*self.settings.what)
                wait = self._claim.wait
                if wait is None:
                    # Its tasks stop by themselves once they miss it.
                    wait = LOST_AFTER + self.settings.settle_after
                self.quiet_at = time.monotonic() + wait if wait else 0.0
                self._is_started = True
                threading.Thread(target=self._look, name="revrag-look", daemon=True).start()

    def _look(self) -> None:
        """Reads the campaign; until then nobody begins."""
        try:
            if self._exclude is not None:
                numbers = self.settings.numbers(self._exclude)
                with self._changed:
                    self.leases.exclude(numbers)
            while not self._is_quiet():
                time.sleep(0.05)
            with self.settings.client() as client:
                campaign = client.campaign(self.settings.campaign_id)
                look(campaign, self.leases, self.settings.prefix, self.locked)
        except BaseException as error:
            self.failure = error
            # Nothing of it was sent.
            self.release(0.0)
        self._is_ready = True

    def wait(self) -> None:
        """Returns once the look is over.

        Raises:
            RevragError: The campaign can't be read.
        """
        while not self._is_ready:
            time.sleep(0.02)
        if self.failure is not None:
            raise self.failure

    @property
    def is_ready(self) -> bool:
        """Whether the look is over."""
        return self._is_ready

    def begin(self, attempt: int, partition: int) -> bool:
        """Whether an attempt may begin: no other has its part of the job."""
        with self._changed:
            if self.is_over or self.failure is not None:
                raise LookupError("the job is over")
            if not self._is_ready or any(
                other.partition == partition and other.state == "live"
                for other in self.attempts.values()
            ):
                return False
            self._go_on()
            self._tally.begin(partition)
            self.attempts[attempt] = Attempt(attempt, partition)
            return True

    def _live(self, attempt: int) -> Attempt:
        found = self.attempts[attempt]
        if found.state != "live" or self.is_over:
            raise LookupError("another may have taken this part of the job")
        return found

    def _go_on(self) -> None:
        if self._stopped is not None:
            raise JobStoppedError(self._stopped)

    def checked(self, attempt: int, rows: int, reasons: dict[str, int]) -> None:
        """An attempt has checked rows that it is about to send; some are not valid."""
        with self._changed:
            self._tally.add(self._live(attempt).partition, rows, reasons)
            self.stopped(is_all=False)
            self._go_on()

    def stopped(self, *, is_all: bool) -> str | None:
        """Why nothing more is sent, if so; ``is_all`` says that no more rows decide."""
        with self._changed:
            self._stopped = self._stopped or self._tally.problem(is_all=is_all)
            return self._stopped

    def share(self, attempt: int) -> float | None:
        """The rows a second that an attempt may send now; 0 where it has to wait for others."""
        with self._changed:
            self._go_on()
            mine, rate = self._live(attempt), self.settings.max_records_per_second
            if rate is None:
                return None
            live = [other for other in self.attempts.values() if other.state == "live"]
            fair = rate / len(live)
            free = rate - sum(other.share for other in live if other is not mine)
            # Others have more than their share until they come back for the next.
            mine.share = min(fair, free) if free >= fair / 2 else 0.0
            return mine.share

    def lease(self, attempt: int, asks: list[Ask]) -> list[Verdict]:
        """What an attempt is to do with rows."""
        with self._changed:
            self._live(attempt)
            self._go_on()
            if not self.leases.is_proven:
                # One goes first, and shows whether ids come back as they were sent.
                prober = self.attempts.get(self._prober or 0)
                if prober is None or prober.state != "live":
                    self._prober = attempt
                if self._prober != attempt:
                    return [WAIT] * len(asks)
            return self.leases.lease(attempt, asks)

    def tell(self, attempt: int, told: list[Told]) -> None:
        """An attempt tells what became of keys; its share of the rate is free."""
        with self._changed:
            self._live(attempt).share = 0.0
            self.leases.tell(attempt, told)

    def may_look(self, attempt: int) -> bool:
        """Whether an attempt may look for rows in doubt now: one at a time does."""
        with self._changed:
            self._live(attempt)
            if self._looker not in (None, attempt) or time.monotonic() < self.quiet_at:
                return False
            self._looker = attempt
            return True

    def looked(self, attempt: int, *, is_proven: bool) -> None:
        """It has looked. Where rows came back under their tokens, the listing can be believed."""
        if is_proven and not self.leases.is_proven:
            again = threading.Thread(target=self._look_again, args=(attempt,), daemon=True)
            again.start()
        else:
            self._over(attempt)

    def _look_again(self, attempt: int) -> None:
        try:
            with self.settings.client() as client:
                campaign = client.campaign(self.settings.campaign_id)
                look(campaign, self.leases, self.settings.prefix, self.locked)
        except RevragError:
            # Those who send go on looking for themselves.
            log.warning("the campaign could not be read again", exc_info=True)
        self._over(attempt)

    def _over(self, attempt: int) -> None:
        with self._changed:
            if self._looker == attempt:
                self._looker = None

    def adopt(self, attempts: list[int], wanted: list[str]) -> list[Verdict | None]:
        """What became of keys that no attempt has that counts."""
        with self._changed:
            return self.leases.adopt(set(attempts), wanted)

    def end(self, attempt: int) -> None:
        """An attempt has sent all that it had."""
        with self._changed:
            self._live(attempt).state = "ended"
            self._free(attempt)

    def lose(self, attempt: int) -> None:
        """An attempt is heard of no more: what it had under way is in doubt."""
        with self._changed:
            found = self.attempts.get(attempt)
            if found is None or found.state != "live":
                return
            found.state = "lost"
            self.quiet_at = max(self.quiet_at, time.monotonic() + self.settings.settle_after)
            self._free(attempt)

    def _free(self, attempt: int) -> None:
        self.attempts[attempt].share = 0.0
        if self._looker == attempt:
            self._looker = None

    def receipt(self, rows: dict[str, int], *, committed: bool) -> Receipt:
        """What it came to. No attempt may send from here on."""
        with self._changed:
            self.is_over = True
            wait = 0.0 if committed else self.settings.settle_after
            self.quiet_at = max(self.quiet_at, time.monotonic() + wait)
            self.release(wait + (LOST_AFTER if self.is_at_work else 0.0))
            counts = self.leases.counts()
            if committed:
                # By key, for attempts may have told of rows that others sent.
                home = rows.get("invalid", 0)
                twice = max(0, sum(rows.values()) - home - sum(counts.values()))
                counts |= {"invalid": home, "duplicate": twice}
            lost = sum(one.state != "ended" for one in self.attempts.values())
            settings = self.settings
            return Receipt(
                campaign_id=settings.campaign_id,
                name=settings.name,
                rows={name: count for name, count in counts.items() if count},
                attempts=len(self.attempts),
                lost=lost,
                outcomes=settings.outcomes,
                committed=committed,
            )

    def release(self, wait: float) -> None:
        """Others may have the name, and wait so long."""
        if self._claim is not None:
            self._claim.end(wait)
            self._claim = None

    def close(self) -> None:
        """Removes its file."""
        with self._changed:
            self.is_over = True
            self.release(LOST_AFTER + self.settings.settle_after if self.attempts else 0.0)
            self.leases.close()


@dataclass
class Jobs:
    """All jobs of one driver."""

    by_id: dict[int, Job] = field(default_factory=dict)
    receipts: list[Receipt] = field(default_factory=list)
    ended: dict[int, Receipt] = field(default_factory=dict)
    count: int = 0

    def open(self, settings: Settings, exclude: object = None) -> int:
        """A new job, not started."""
        before = [job for job in self.by_id.values() if job.settings.what == settings.what]
        for job in before:
            if not job.is_over:
                if job.is_at_work:
                    raise JournalError(
                        "another job of this driver writes the same name into the same campaign; "
                        "wait for its end, and run this one again: what it sent is recognised then"
                    )
                job.close()
        self.count += 1
        job = Job(settings, before, exclude)
        self.by_id[self.count] = job
        return self.count

    def over(self, number: int, rows: dict[str, int], *, committed: bool) -> Receipt:
        """A job is over, once: an engine aborts what failed to commit."""
        if number not in self.ended:
            self.ended[number] = self.by_id[number].receipt(rows, committed=committed)
            self.receipts.append(self.ended[number])
        return self.ended[number]
