"""Which key is whose, and what became of it: a table in a file, however many keys there are."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from revrag._revrag import is_row_token
from revrag.engines import tokens
from revrag.engines.allowance import Allowance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# A key's state: under way, or what an attempt told of it.
OUT, ACCEPTED, EXISTING, REJECTED, UNKNOWN, NOT_SENT, EXCLUDED = range(7)
STATES = {
    "accepted": ACCEPTED,
    "existing": EXISTING,
    "rejected": REJECTED,
    "unknown": UNKNOWN,
    "not_sent": NOT_SENT,
    "excluded": EXCLUDED,
}
NAMES = {state: name for name, state in STATES.items()}

SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA cache_size = -65536;
CREATE TABLE sent (
    token BLOB PRIMARY KEY, attempt INTEGER, state INTEGER, run TEXT, status TEXT, error TEXT
) WITHOUT ROWID;
CREATE TABLE listed (
    folded BLOB, exact BLOB, length INTEGER, number INTEGER, run TEXT, status TEXT,
    PRIMARY KEY (folded, exact, run)
) WITHOUT ROWID;
CREATE TABLE nameless (number INTEGER PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE excluded (number INTEGER PRIMARY KEY) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Ask:
    """A row whose key an attempt would send, and the digits of its number."""

    token: str
    digits: int | None

    @property
    def number(self) -> int | None:
        """The end of its number."""
        return None if self.digits is None else self.digits % 10**tokens.END


@dataclass(frozen=True)
class Verdict:
    """What an attempt is to do with a row.

    ``send`` it; ``look`` for it and send what is not there; ``wait``, for another has it; or it is
    ``done``, with an outcome. Where nobody is to be called at its number, what is looked for and
    not there stays home.
    """

    do: str
    outcome: str = ""
    run: str | None = None
    status: str | None = None
    error: str | None = None
    is_excluded: bool = False


@dataclass(frozen=True)
class Told:
    """What became of a key."""

    token: str
    outcome: str
    run: str | None = None
    status: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class Shown:
    """A record, as the campaign's listing shows it."""

    run: str
    session: str | None
    phone_number: str | None
    status: str | None


SEND, LOOK, WAIT = Verdict("send"), Verdict("look"), Verdict("wait")
EXCLUDE = Verdict("done", "excluded")
DUPLICATE = Verdict("done", "duplicate", error="another row of this job has this key")


class Leases:
    """The keys of one job.

    Not safe for threads by itself. ``standing`` says of an attempt whether it is ``live``,
    ``ended`` as it should, or ``lost``, and ``partition`` which part of the job it has.
    """

    def __init__(
        self,
        standing: Callable[[int], str],
        partition: Callable[[int], int],
        limit: int | None = None,
    ) -> None:
        self._allowance: Allowance | None = None
        if limit is not None:
            self._allowance = Allowance(limit, lambda attempt: standing(attempt) == "live")
        self._excludes = False
        self._standing = standing
        self._partition = partition
        self._folder = TemporaryDirectory(prefix="revrag-")
        path = Path(self._folder.name) / "leases.sqlite"
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.executescript(SCHEMA)
        self.longest = 0
        self.shown = 0
        self.nameless = 0
        # Whether a record shows neither a session id nor a number.
        self.hides = False
        # Whether the listing is known to show session ids as they were sent.
        self.is_proven = False
        self._is_ours = False

    def close(self) -> None:
        """Removes the file."""
        self._db.close()
        self._folder.cleanup()

    # What the campaign shows.

    def forget_listing(self) -> None:
        """Before another look."""
        self._db.executescript("DELETE FROM listed; DELETE FROM nameless")
        self.longest = self.shown = self.nameless = 0
        self.hides = self._is_ours = False

    def take(self, records: Iterable[Shown], prefix: str) -> None:
        """Takes in records of the listing."""
        self._db.execute("BEGIN")
        for one in records:
            self.shown += 1
            number = tokens.number(one.phone_number)
            if not one.session:
                self.nameless += 1
                self.hides |= number is None
                if number is not None:
                    self._db.execute("INSERT OR IGNORE INTO nameless VALUES (?)", (number,))
                continue
            session = one.session
            if not self._is_ours:
                self._is_ours = is_row_token(session, prefix)
            length = len(session.encode("utf-8", "surrogatepass"))
            self.longest = max(self.longest, length)
            folded, exact = tokens.digest(session.lower()), tokens.digest(session)
            self._db.execute(
                "INSERT OR REPLACE INTO listed VALUES (?, ?, ?, ?, ?, ?)",
                (folded, exact, length, number, one.run, one.status),
            )
        self._db.execute("COMMIT")

    def exclude(self, numbers: Iterable[int]) -> None:
        """Nobody is to be called at these, of which the digits stand here."""
        self._excludes = True
        self._db.execute("BEGIN")
        rows = ((number,) for number in numbers)
        self._db.executemany("INSERT OR IGNORE INTO excluded VALUES (?)", rows)
        self._db.execute("COMMIT")

    def believe(self, count: int) -> bool:
        """Whether the listing shows all of ``count`` records, and ids as they were sent."""
        is_whole = self.shown >= count
        self.is_proven = is_whole and (self.shown == 0 or self._is_ours)
        return self.is_proven

    # Who has what.

    def lease(self, attempt: int, asks: list[Ask]) -> list[Verdict]:
        """What an attempt is to do with each row; those to send or look for are its own then."""
        if self._allowance is not None:
            self._allowance.begin()
        self._db.execute("BEGIN")
        verdicts = [self._lease(attempt, ask) for ask in asks]
        self._db.execute("COMMIT")
        return verdicts

    def _lease(self, attempt: int, ask: Ask) -> Verdict:
        token = tokens.digest(ask.token)
        found = self._db.execute(
            "SELECT attempt, state, run, status, error FROM sent WHERE token = ?", (token,)
        ).fetchone()
        if found is None:
            return self._fresh(attempt, ask, token)
        owner, state, run, status, error = found
        if owner == attempt:
            return DUPLICATE
        standing = self._standing(owner)
        is_ours = self._partition(owner) == self._partition(attempt)
        if standing == "live":
            # Two attempts of one partition never run at once: it is another's.
            return WAIT if state == OUT else DUPLICATE
        if standing == "ended" and not is_ours:
            return DUPLICATE
        if state in (NOT_SENT, EXCLUDED):
            # It never went, and may do so as it is now.
            return self._fresh(attempt, ask, token)
        if state in (ACCEPTED, EXISTING, REJECTED):
            verdict = Verdict("done", NAMES[state], run, status, error)
            self._db.execute("UPDATE sent SET attempt = ? WHERE token = ?", (attempt, token))
            return verdict
        self._db.execute(
            "UPDATE sent SET attempt = ?, state = ? WHERE token = ?", (attempt, OUT, token)
        )
        if self._allowance is not None:
            self._allowance.move(owner, attempt, is_out=state == OUT)
        # What is found was sent by an attempt before.
        return Verdict("look", "accepted", is_excluded=self._is_excluded(ask))

    def _fresh(self, attempt: int, ask: Ask, token: bytes) -> Verdict:
        """What is to become of a row that no attempt of this job has sent."""
        verdict = self._listed(ask, token)
        if verdict.do != "done" and self._is_excluded(ask):
            is_plain = verdict.do == "send"
            verdict = EXCLUDE if is_plain else replace(verdict, is_excluded=True)
        if verdict.do != "done" and self._allowance is not None:
            may_go = self._allowance.take(attempt)
            if may_go is None:
                return WAIT
            if not may_go:
                error = f"it is beyond limit={self._allowance.limit}; it goes with the next job"
                verdict = Verdict("done", "not_sent", error=error)
        state = STATES[verdict.outcome] if verdict.do == "done" else OUT
        self._db.execute(
            "INSERT OR REPLACE INTO sent VALUES (?, ?, ?, ?, ?, ?)",
            (token, attempt, state, verdict.run, verdict.status, verdict.error),
        )
        return verdict

    def _is_excluded(self, ask: Ask) -> bool:
        """Whether nobody is to be called at its number."""
        if not self._excludes or ask.digits is None:
            return False
        query = "SELECT 1 FROM excluded WHERE number = ?"
        return self._db.execute(query, (ask.digits,)).fetchone() is not None

    def _listed(self, ask: Ask, exact: bytes) -> Verdict:
        """What the listing shows of a row. Where that is not plain, the upload itself looks."""
        if not self.is_proven or self.hides:
            return LOOK
        if self.shown == 0:
            return SEND
        text = ask.token.lower()
        same = self._db.execute(
            "SELECT exact, number, run, status FROM listed WHERE folded = ?", (tokens.digest(text),)
        ).fetchall()
        for shown, number, run, status in same:
            # As long as the longest, it may be a longer one's, cut short.
            is_sure = len(text) < self.longest or (number is not None and number == ask.number)
            if shown == exact and is_sure:
                return Verdict("done", "existing", run, status)
        if same:
            return LOOK
        if len(text) > self.longest > 0:
            beginning = tokens.digest(text[: self.longest])
            query = "SELECT 1 FROM listed WHERE folded = ? AND length = ?"
            if self._db.execute(query, (beginning, self.longest)).fetchone():
                return LOOK
        if self.nameless:
            query = "SELECT 1 FROM nameless WHERE number = ?"
            if ask.number is None or self._db.execute(query, (ask.number,)).fetchone():
                return LOOK
        return SEND

    def tell(self, attempt: int, told: Iterable[Told]) -> None:
        """An attempt tells what became of keys that are its own."""
        told = list(told)
        if self._allowance is not None:
            for one in told:
                went = STATES.get(one.outcome, UNKNOWN) in (ACCEPTED, REJECTED, UNKNOWN)
                self._allowance.tell(attempt, went=went)
        self._db.execute("BEGIN")
        self._db.executemany(
            "UPDATE sent SET state = ?, run = ?, status = ?, error = ? "
            "WHERE token = ? AND attempt = ?",
            (
                (
                    STATES.get(one.outcome, UNKNOWN),
                    one.run,
                    one.status,
                    one.error,
                    tokens.digest(one.token),
                    attempt,
                )
                for one in told
            ),
        )
        self._db.execute("COMMIT")

    def adopt(self, attempts: set[int], wanted: Iterable[str]) -> list[Verdict | None]:
        """What became of keys that none of these attempts has, of each once.

        They are the attempts that count in the end. Where an engine ran a part again, with other
        rows, a row may have been another's of an attempt that does not count.
        """
        self._db.execute("BEGIN")
        adopted = [self._adopt(attempts, tokens.digest(token)) for token in wanted]
        self._db.execute("COMMIT")
        return adopted

    def _adopt(self, attempts: set[int], token: bytes) -> Verdict | None:
        found = self._db.execute(
            "SELECT attempt, state, run, status, error FROM sent WHERE token = ?", (token,)
        ).fetchone()
        if found is None or found[0] in attempts:
            return None
        update = "UPDATE sent SET attempt = ? WHERE token = ?"
        self._db.execute(update, (min(attempts), token))
        return Verdict("done", NAMES.get(found[1], "unknown"), *found[2:])

    def counts(self) -> dict[str, int]:
        """How many keys have come to what; those under way are unknown."""
        counts = dict.fromkeys(STATES, 0)
        for state, count in self._db.execute("SELECT state, count(*) FROM sent GROUP BY state"):
            counts[NAMES.get(state, "unknown")] += count
        return counts
