"""Deliveries remembered in a file, for the processes of one machine."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from revrag.errors import InvalidArgumentError
from revrag.webhooks import _clock
from revrag.webhooks.stores._store import (
    CLAIM_TTL,
    DONE_TTL,
    PATIENCE,
    check_ttls,
    new_owner,
    owner_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from revrag.webhooks.stores._store import State

# A row without an owner is done.
SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    key TEXT PRIMARY KEY, owner TEXT, expires REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS deliveries_expires ON deliveries (expires);
"""
FIND = "SELECT owner FROM deliveries WHERE key = ? AND expires > ?"
CLAIM = """
INSERT INTO deliveries (key, owner, expires) VALUES (:key, :owner, :expires)
ON CONFLICT (key) DO UPDATE SET owner = :owner, expires = :expires WHERE expires <= :now
"""
COMMIT = """
INSERT INTO deliveries (key, owner, expires) VALUES (:key, NULL, :expires)
ON CONFLICT (key) DO UPDATE SET owner = NULL, expires = :expires
"""
RELEASE = "DELETE FROM deliveries WHERE key = ? AND owner = ?"
PRUNE = """
DELETE FROM deliveries WHERE key IN (SELECT key FROM deliveries WHERE expires <= ? LIMIT 200)
"""
PRUNE_EVERY = 50  # claims


class SqliteStore:
    """Remembers deliveries in a SQLite file that all processes of a machine may share.

    It survives a worker killed at any moment. The file must be on a local disk: the processes share
    memory beside it. Rows that expired are removed a few at a time.

    A worker that is killed between its handler's end and the mark leaves the event to be handled
    again; `DjangoStore` and `SqlAlchemyStore` don't.

    Args:
        path: The file; it is made on first use. Its folder must exist.
        claim_ttl: Seconds after which a claim that was neither committed nor released expires.
        done_ttl: Seconds for which a handled delivery is remembered.
        clock: What tells the time, in Unix seconds.

    Raises:
        InvalidArgumentError: A time is not positive, or the path names no file. One that
            can't be made is a `sqlite3.OperationalError` at the first claim.

    Example:
        >>> store = revrag.webhooks.stores.SqliteStore("webhooks.sqlite")
        >>> store.claim("key")
        'new'
        >>> store.commit("key")
        >>> store.close()
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        claim_ttl: float = CLAIM_TTL,
        done_ttl: float = DONE_TTL,
        clock: Callable[[], float] = _clock.now,
    ) -> None:
        check_ttls(claim_ttl, done_ttl)
        self._path = os.fspath(path)
        if self._path in {"", ":memory:"}:
            raise InvalidArgumentError("path: it must be a file; in memory there is MemoryStore")
        self._path = os.path.abspath(self._path)  # noqa: PTH100  # a Path would resolve links
        self._name = new_owner()
        self._claim_ttl = claim_ttl
        self.done_ttl = done_ttl
        self._clock = clock
        self._connections: dict[_Process, _Connection] = {}

    def claim(self, key: str) -> State:
        """Answer `"new"`, `"in_progress"` or `"done"`; claim the key where it is new."""
        now = self._clock()
        with self._connection(key) as connection:
            # Most duplicates need no write lock.
            row = connection.execute(FIND, (key, now)).fetchone()
            if row is not None and row[0] is None:
                return "done"
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                owner = owner_of(key, self._name)
                values = {"key": key, "owner": owner, "expires": now + self._claim_ttl, "now": now}
                if connection.execute(CLAIM, values).rowcount > 0:
                    self._prune(connection, now)
                    return "new"
                row = connection.execute(FIND, (key, now)).fetchone()
                return "done" if row[0] is None else "in_progress"

    def commit(self, key: str) -> None:
        """Remember the key as done."""
        with self._connection(key) as connection:
            connection.execute(COMMIT, {"key": key, "expires": self._clock() + self.done_ttl})

    def release(self, key: str) -> None:
        """Give the claim back, if it is still its owner's."""
        with self._connection(key) as connection:
            connection.execute(RELEASE, (key, owner_of(key, self._name)))

    def close(self) -> None:
        """Close this process's connection; the next use opens another."""
        current = self._connections.get(_process)
        if current is not None:
            current.close()

    @contextmanager
    def _connection(self, key: str) -> Iterator[sqlite3.Connection]:
        # `setdefault` is atomic: two threads get the same one.
        current = self._connections.get(_process) or self._connections.setdefault(
            _process, _Connection(self._path)
        )
        # One deadline for the other threads and the other processes, and for all that a delivery
        # asks; waits would add up.
        until = getattr(key, "until", None) or time.monotonic() + PATIENCE
        if not current.lock.acquire(timeout=max(0.0, until - time.monotonic())):
            raise TimeoutError(f"{self._path}: its lock was not to be had in time")
        try:
            yield current.open(max(0.0, until - time.monotonic()))
        finally:
            current.lock.release()

    def _prune(self, connection: sqlite3.Connection, now: float) -> None:
        current = self._connections[_process]
        current.claims += 1
        if current.claims % PRUNE_EVERY == 0:
            connection.execute(PRUNE, (now,))


class _Connection:
    """One process's connection: its threads take turns, as SQLite's writers do anyway."""

    def __init__(self, path: str) -> None:
        self.lock = threading.Lock()
        self.claims = 0
        self._path = path
        self._opened: sqlite3.Connection | None = None

    def open(self, patience: float) -> sqlite3.Connection:
        """Open it where it is not, to wait for other processes for some seconds at most."""
        if self._opened is None:
            connection = sqlite3.connect(
                self._path, timeout=patience, isolation_level=None, check_same_thread=False
            )
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                # Nothing is lost when a process dies; a power cut may lose the last moments.
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.executescript(SCHEMA)
            except BaseException:
                connection.close()
                raise
            self._opened = connection
        self._opened.execute(f"PRAGMA busy_timeout = {round(patience * 1000)}")
        return self._opened

    def close(self) -> None:
        with self.lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def __del__(self) -> None:
        if self._opened is not None:
            self._opened.close()


class _Process:
    """Stands for this process. Unlike a process id, it is never used again."""


_process = _Process()


def _forked() -> None:
    # SQLite forbids a child to touch, or even close, a connection of its parent: the parent's stay
    # in `_connections`, under the old name.
    global _process
    _process = _Process()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
