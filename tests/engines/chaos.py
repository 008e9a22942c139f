"""What a cluster does to its tasks."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def children(parent: int | None, word: str) -> list[int]:
    """Processes whose command line has a word; of a parent, or of anybody below this process."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        with suppress(OSError, IndexError):
            status = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            above = int(status[1])
            if word not in (folder / "cmdline").read_text():
                continue
            if parent is None or above == parent or is_below(above, parent):
                found.append(int(folder.name))
    return found


def is_below(process: int, ancestor: int) -> bool:
    while process > 1:
        if process == ancestor:
            return True
        process = int(
            (Path("/proc") / str(process) / "stat").read_text().rsplit(")", 1)[1].split()[1]
        )
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
