"""The ``revrag`` command under way."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

COLUMNS = 120
LIMIT = 20.0


class Command:
    """The command in a process of its own.

    Args:
        args: Its arguments.
        env: Its environment.
        folder: Where it runs.
        script: The console script; None runs ``python -m revrag``.
    """

    process: subprocess.Popen[bytes]

    def __init__(
        self, args: list[str], env: dict[str, str], folder: Path, script: Path | None
    ) -> None:
        words = [str(script)] if script else [sys.executable, "-m", "revrag"]
        self.spawn([*words, *args], env, folder)

    def spawn(self, words: list[str], env: dict[str, str], folder: Path) -> None:
        raise NotImplementedError

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(LIMIT)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def close(self) -> None:
        if self.process.poll() is None:
            self.kill()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


class Pipe(Command):
    """Its output goes into pipes."""

    def spawn(self, words: list[str], env: dict[str, str], folder: Path) -> None:
        self.process = subprocess.Popen(
            words,
            env=env,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def end(self) -> tuple[int, str, str]:
        """Its exit code and all that it wrote."""
        out, err = self.process.communicate(timeout=LIMIT)
        return self.process.returncode, out.decode(), err.decode()


class Terminal(Command):
    """Its input and output are a terminal."""

    def spawn(self, words: list[str], env: dict[str, str], folder: Path) -> None:
        self.text = ""
        self.master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (40, COLUMNS))
        # `setsid` alone gives it no terminal to press Ctrl-C at.
        lead = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
        lead += "os.execv(sys.argv[1], sys.argv[1:])"
        self.process = subprocess.Popen(
            [sys.executable, "-c", lead, *words],
            env=env,
            cwd=folder,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def wait_for(self, text: str) -> str:
        """Read until this is there; all that was written so far."""
        deadline = time.monotonic() + LIMIT
        while text not in self.plain():
            assert time.monotonic() < deadline, self.text
            assert self._read(), self.text
        return self.plain()

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self.master, text.encode(errors="surrogateescape"))

    def interrupt(self) -> None:
        self.type("\x03")

    def end(self) -> tuple[int, str]:
        """Its exit code, and what the terminal showed, colours included."""
        while self._read():
            pass
        return self.process.wait(LIMIT), self.text

    def plain(self) -> str:
        """What the terminal showed, without colours."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.text)

    def _read(self) -> bool:
        ready, _, _ = select.select([self.master], [], [], LIMIT)
        assert ready, f"nothing more came: {self.text}"
        try:
            piece = os.read(self.master, 65536)
        except OSError:  # the other end is closed
            return False
        self.text += piece.decode(errors="replace")
        return bool(piece)

    def close(self) -> None:
        super().close()
        with contextlib.suppress(OSError):
            os.close(self.master)
