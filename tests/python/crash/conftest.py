"""Where crashes can be made, and the upload that is crashed."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest
from support.crash.leads import Case
from support.crash.power import Recording, record
from support.crash.strace import reason_against

# `REVRAG_TEST_CRASHES=all`: more chunks, several requests at a time, more kinds of failures, more
# states. It takes its time.
ALL = os.environ.get("REVRAG_TEST_CRASHES") == "all"
SEED = int(os.environ.get("REVRAG_TEST_SEED", "0"))
CHUNKS = 8 if ALL else 3
LIMIT = 3600 if ALL else 240
AT_A_TIME = 4

T = TypeVar("T")


@pytest.fixture(scope="session", autouse=True)
def _strace() -> None:
    """These tests need strace, and that it may trace."""
    if sys.platform != "linux":
        pytest.skip("crashes are made with strace, which Linux has")
    if reason := reason_against():
        if "CI" in os.environ:
            pytest.fail(f"CI has to install strace, and let it trace: {reason}")
        pytest.skip(reason)


Watched = Callable[[Case], Recording]


@pytest.fixture(scope="session")
def watched(_strace: None, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """Watch an upload three times; the one with the most calls."""

    def watched(case: Case) -> Recording:
        # What is written down together differs from time to time.
        folders = [tmp_path_factory.mktemp("watched") for _ in range(3)]
        recordings = filter(None, (record(case, folder) for folder in folders))
        return max(recordings, key=lambda one: len(one.events))

    return watched


def all_of(work: Callable[[int, T], str | None], what: Sequence[T]) -> None:
    """Do it for each, several at a time, and tell of all that failed."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        told = list(pool.map(work, range(len(what)), what))
    # Many fail in the same way: one of each stands for the others.
    kinds: dict[str, list[T]] = {}
    for one, failure in zip(what, told, strict=True):
        if failure:
            kinds.setdefault(re.sub(r"/\S*/|[0-9a-f]{8}-[-0-9a-f]{27}", "", failure), []).append(
                one
            )
    if kinds:
        shown = [f"{len(ones)} times, first {ones[0]}:\n  {kind}" for kind, ones in kinds.items()]
        count = sum(map(len, kinds.values()))
        pytest.fail(f"{count} of {len(what)} failed:\n" + "\n".join(shown[:20]), pytrace=False)


def folder_of(parent: Path, number: int) -> Path:
    """A fresh folder for one of many."""
    made = parent / str(number)
    made.mkdir()
    return made
