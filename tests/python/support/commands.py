"""The ``revrag`` command as a process, in a pipe and in a pseudo-terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

COMMAND = [sys.executable, "-m", "revrag"]
# Nothing of whoever runs the tests.
OWN = (
    "REVRAG_",
    "XDG_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT",
    "NO_COLOR",
)


def environment(home: Path, **more: str) -> dict[str, str]:
    """An environment with a home of its own, and no key."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(OWN)}
    return {**kept, "HOME": str(home), "TERM": "xterm-256color", **more}


def run(
    arguments: Sequence[str],
    env: Mapping[str, str],
    *,
    stdin: bytes = b"",
    limit: float = 60,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run it in pipes."""
    return subprocess.run(
        [*COMMAND, *arguments],
        input=stdin,
        env=dict(env),
        capture_output=True,
        timeout=limit,
        check=False,
        cwd=cwd,
    )


class Terminal:
    """A command in a pseudo-terminal."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        self._leader, follower = pty.openpty()
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            env=dict(env),
            stdin=follower,
            stdout=follower,
            stderr=follower,
            start_new_session=True,
        )
        os.close(follower)
        self.text = ""

    def until(self, what: str, limit: float = 30) -> str:
        """Read until a text was shown; all that was shown."""
        end = time.monotonic() + limit
        while what not in self.text:
            assert self._read(end), f"{what!r} is not in {self.text!r}"
        return self.text

    def finish(self, limit: float = 30) -> tuple[int, str]:
        """Read to the end; the exit code and all that was shown."""
        end = time.monotonic() + limit
        while self._read(end):
            pass
        return self.process.wait(limit), self.text

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
        os.close(self._leader)

    def _read(self, end: float) -> bool:
        ready, _, _ = select.select([self._leader], [], [], max(0, end - time.monotonic()))
        if not ready:
            return False
        with contextlib.suppress(OSError):
            if piece := os.read(self._leader, 1 << 16):
                self.text += piece.decode(errors="replace")
                return True
        return False
