"""Which key is whose, and what became of it: a table in a file, however many keys there are."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from revrag import row_key
from revrag.engines import tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# A key's state: under way, or what an attempt told of it.
OUT, ACCEPTED, EXISTING, REJECTED, UNKNOWN, NOT_SENT = range(6)
STATES = {
    "accepted": ACCEPTED,
    "existing": EXISTING,
    "rejected": REJECTED,
    "unknown": UNKNOWN,
    "not_sent": NOT_SENT,
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
"""


@dataclass(frozen=True)
class Ask:
    """A row whose key an attempt would send."""

    token: str
    number: int | None


@dataclass(frozen=True)
class Verdict:
    """What an attempt is to do with a row.

    ``send`` it; ``look`` for it and send what is not there; ``wait``, for another has it; or it is
    ``done``, with an outcome.
    """

    do: str
    outcome: str = ""
    run: str | None = None
    status: str | None = None
    error: str | None = None


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
# What is found was sent by an attempt before.
LOOK_AGAIN = Verdict("look", "accepted")
DUPLICATE = Verdict("done", "duplicate", error="another row of this job has this key")


class Leases:
    """The keys of one job.

    Not safe for threads by itself. ``standing`` says of an attempt whether it is ``live``,
    ``ended`` as it should, or ``lost``, and ``partition`` which part of the job it has.
    """

    def __init__(self, standing: Callable[[int], str], partition: Callable[[int], int]) -> None:
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
                self._is_ours = (
                    session.startswith(prefix) or row_key(session) is not None or of_place(session)
                )
            length = len(session.encode("utf-8", "surrogatepass"))
            self.longest = max(self.longest, length)
            folded, exact = tokens.digest(session.lower()), tokens.digest(session)
            self._db.execute(
                "INSERT OR REPLACE INTO listed VALUES (?, ?, ?, ?, ?, ?)",
                (folded, exact, length, number, one.run, one.status),
            )
        self._db.execute("COMMIT")

    def believe(self, count: int) -> bool:
        """Whether the listing shows all of ``count`` records, and ids as they were sent."""
        is_whole = self.shown >= count
        self.is_proven = is_whole and (self.shown == 0 or self._is_ours)
        return self.is_proven

    # Who has what.

    def lease(self, attempt: int, asks: list[Ask]) -> list[Verdict]:
        """What an attempt is to do with each row; those to send or look for are its own then."""
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
            verdict = self._listed(ask, token)
            state = EXISTING if verdict.do == "done" else OUT
            self._db.execute(
                "INSERT INTO sent VALUES (?, ?, ?, ?, ?, NULL)",
                (token, attempt, state, verdict.run, verdict.status),
            )
            return verdict
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
        if state in (ACCEPTED, EXISTING, REJECTED):
            verdict = Verdict("done", NAMES[state], run, status, error)
            self._db.execute("UPDATE sent SET attempt = ? WHERE token = ?", (attempt, token))
            return verdict
        self._db.execute(
            "UPDATE sent SET attempt = ?, state = ? WHERE token = ?", (attempt, OUT, token)
        )
        # What was never sent, or was not found, may go as it is; of all else nobody knows.
        return self._listed(ask, token) if state == NOT_SENT else LOOK_AGAIN

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

    def counts(self) -> dict[str, int]:
        """How many keys have come to what; those under way are unknown."""
        counts = dict.fromkeys(STATES, 0)
        for state, count in self._db.execute("SELECT state, count(*) FROM sent GROUP BY state"):
            counts[NAMES.get(state, "unknown")] += count
        return counts


def of_place(session: str) -> bool:
    """Whether a session id is that of a row that is known by its place in an upload."""
    upload, _, row = session.partition("-")
    return len(upload) == 32 and row.isdecimal() and not upload.strip("0123456789abcdefABCDEF")
