"""One driver at a time on one machine for a name, and how the one before ended."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from revrag.errors import JournalError

# There are no such locks on Windows, where drivers of clusters rarely run.
locks: Any = None
with contextlib.suppress(ImportError):
    import fcntl as locks


UNDER_WAY = "under way"


class Claim:
    """The right to write one name into one campaign, from this machine.

    It dies with its process. Where no file can be made, it is given out without one.

    Attributes:
        wait: Seconds for which requests of a driver that had it may be under way yet; None where
            that did not come to its end, and its tasks may be at work.

    Raises:
        JournalError: Another driver of this machine has it.
    """

    def __init__(self, base_url: str | None, campaign: str, name: str | None) -> None:
        self.wait: float | None = 0.0
        self._file: int | None = None
        if locks is None:
            return
        what = repr((base_url or os.environ.get("REVRAG_BASE_URL"), campaign, name))
        digest = hashlib.sha256(what.encode()).hexdigest()[:32]
        self._path = folder() / f"engines-{digest}.lock"
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return
        try:
            locks.flock(file, locks.LOCK_EX | locks.LOCK_NB)
        except OSError as error:
            os.close(file)
            raise JournalError(
                "another driver on this machine writes the same name into the same campaign; wait "
                "for its end, and run this one again: what it sent is recognised then"
            ) from error
        self._file = file
        written = os.pread(file, 64, 0).decode("ascii", "replace").strip()
        if written:
            try:
                self.wait = max(0.0, float(written) - time.time())
            except ValueError:
                self.wait = None
        self._write(UNDER_WAY)

    def end(self, wait: float) -> None:
        """Gives it back; the next waits so many seconds for what may be under way."""
        if self._file is not None:
            self._write(str(time.time() + wait) if wait else "")
            os.close(self._file)
            self._file = None

    def _write(self, text: str) -> None:
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, text.encode(), 0)


def folder() -> Path:
    """A folder of the user's own."""
    state = os.environ.get("XDG_STATE_HOME", "")
    if Path(state).is_absolute():
        return Path(state) / "revrag"
    try:
        return Path.home() / ".local" / "state" / "revrag"
    except RuntimeError:
        return Path(gettempdir()) / "revrag"
