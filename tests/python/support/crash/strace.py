"""`strace`, attached to a process that is held still for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# The question mark: not every machine has all of them.
FILE_CALLS = (
    "write", "writev", "pwrite64", "pwritev", "pwritev2", "fsync", "fdatasync", "sync_file_range",
    "ftruncate", "fallocate", "copy_file_range", "sendfile", "unlink", "unlinkat", "rename",
    "renameat", "renameat2",
)  # fmt: skip
SEND_CALLS = ("write", "writev", "sendto", "sendmsg", "sendmmsg")
# Not struck, but told of in a trace: what comes from the service, and what else changes files.
READ_CALLS = ("read", "readv", "recvfrom", "recvmsg")
OTHER_CALLS = (
    "open", "openat", "openat2", "creat", "link", "linkat", "symlink", "symlinkat", "truncate",
    "msync",
)  # fmt: skip

# What a program does that is to be traced: where only parents may trace, it lets others do so too.
LET_TRACE = """
import ctypes
ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1))
"""


@dataclass(frozen=True)
class Strike:
    """What happens at the nth call of a kind in a thread, counted from when strace came."""

    call: str
    nth: int
    # `signal=KILL` or `error=EIO`, say, in strace's words.
    how: str
    # Whether each later call of the kind fails too.
    lasts: bool = False

    @property
    def kills(self) -> bool:
        return self.how == "signal=KILL"

    @property
    def option(self) -> str:
        return f"--inject={self.call}:{self.how}:when={self.nth}{'+' if self.lasts else ''}"


class Strace:
    """An strace of all threads of a process, from the moment in which it is made.

    Args:
        pid: The process, which should be waiting for something meanwhile.
        log: Where the calls are written down.
        strike: What is done to one of them.
        paths: The only files whose calls are looked at; none for all, and for those of sockets.
    """

    def __init__(
        self, pid: int, log: Path, strike: Strike | None = None, paths: Iterable[Path] = ()
    ) -> None:
        self.log = log
        calls = (strike.call,) if strike else (*FILE_CALLS, *SEND_CALLS, *READ_CALLS, *OTHER_CALLS)
        trace = ",".join(f"?{call}" for call in dict.fromkeys(calls))
        command = ["strace", "--follow-forks", f"--attach={pid}", f"--output={log}"]
        command += ["--decode-fds=all", "--strings-in-hex=all", f"--string-limit={1 << 24}"]
        command += [f"--trace={trace}"]
        command += [f"--trace-path={path}" for path in paths]
        command += [strike.option] if strike else []
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stderr is not None
        # strace tells once it holds every thread.
        told = self._process.stderr.readline()
        assert "attached" in told, told + self._process.stderr.read()

    def lines(self) -> list[str]:
        """What it wrote down, once the process has ended."""
        self._process.communicate(timeout=10)
        return self.log.read_text().splitlines()


@cache
def reason_against() -> str | None:
    """Why `strace` can't be used here, if it can't."""
    if shutil.which("strace") is None:
        return "no strace here: apt-get install strace"
    program = LET_TRACE + "print('ready', flush=True)\ninput()"
    waits = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert waits.stdout is not None
    waits.stdout.readline()
    try:
        command = ["strace", f"--attach={waits.pid}", f"--output={os.devnull}"]
        tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert tracer.stderr is not None
        told = tracer.stderr.readline().strip()
        tracer.terminate()
        tracer.communicate(timeout=10)
    finally:
        waits.kill()
        waits.communicate(timeout=10)
    return None if told.endswith("attached") else f"strace may not trace here: {told}"
