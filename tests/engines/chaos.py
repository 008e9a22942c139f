"""What a cluster does to its tasks."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def children(ancestor: int, word: str) -> list[int]:
    """Processes below another whose command line has a word."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            is_named = folder.name.isdecimal() and word in (folder / "cmdline").read_text()
            if is_named and is_below(int(folder.name), ancestor):
                found.append(int(folder.name))
    return found


def parent(process: int) -> int:
    """The process above; of one that is gone, none."""
    try:
        status = (Path("/proc") / str(process) / "stat").read_text()
    except OSError:
        return 0
    return int(status.rsplit(")", 1)[1].split()[1])


def is_below(process: int, ancestor: int) -> bool:
    while process > 1:
        if process == ancestor:
            return True
        process = parent(process)
    return False


@contextmanager
def killing(
    rng: random.Random, word: str, pauses: tuple[float, float], most: int
) -> Iterator[Callable[[], int]]:
    """Kills processes of this test's, one now and then: those whose command line has a word."""
    over, kills = threading.Event(), [0]

    def kill() -> None:
        while kills[0] < most and not over.wait(rng.uniform(*pauses)):
            victims = children(os.getpid(), word)
            if victims:
                with suppress(ProcessLookupError):
                    os.kill(rng.choice(victims), signal.SIGKILL)
                    kills[0] += 1

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield lambda: kills[0]
    finally:
        over.set()
        thread.join()
