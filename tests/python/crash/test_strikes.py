"""Uploads struck at each of their writes, syncs and sends, and started again until they end."""

from __future__ import annotations

from pathlib import Path

import pytest
from crash.conftest import ALL, CHUNKS, LIMIT, Watched, all_of, folder_of
from support.crash.leads import Case
from support.crash.power import Recording
from support.crash.strace import Strike
from support.crash.strike import Point, names, points, struck

# Each test takes a part of the calls, so that none takes long.
COUNT = 4
PARTS = pytest.mark.parametrize("part", range(COUNT))
KILL = "signal=KILL"
EIO = "error=EIO"
ENOSPC = "error=ENOSPC"


@pytest.fixture(scope="module")
def unharmed(watched: Watched) -> Recording:
    """The upload as it is when nothing happens to it."""
    return watched(Case(CHUNKS, concurrency=3 if ALL else 1))


def check_part(
    unharmed: Recording, tmp_path: Path, part: int, how: str, *, lasts: bool = False
) -> None:
    """Strike each of these calls; check what the upload tells and what comes of it."""
    every = list(points(unharmed.events, unharmed.folder))[part::COUNT]
    files = names(unharmed.events, unharmed.folder)
    hit: list[Point] = []

    def strike_at(number: int, point: Point) -> str | None:
        # A disk may stay as it is. Were the network to, nothing would come of it but its end.
        strike = Strike(point.call, point.nth, how, lasts and not point.is_send)
        folder = folder_of(tmp_path, number)
        try:
            if struck(unharmed.case, point, strike, files, folder).was_struck:
                hit.append(point)
        except (Exception, pytest.fail.Exception) as error:
            return f"{error!r}"
        return None

    all_of(strike_at, every)
    # Where more was written down at once than in the upload that was watched, there were fewer.
    assert len(hit) > len(every) / 3


@PARTS
@pytest.mark.timeout(LIMIT)
def test_killed(unharmed: Recording, tmp_path: Path, part: int) -> None:
    """Every row is there once, and the last report says so."""
    check_part(unharmed, tmp_path, part, KILL)


@PARTS
@pytest.mark.timeout(LIMIT)
def test_one_call_fails(unharmed: Recording, tmp_path: Path, part: int) -> None:
    """The upload tells what is true of every row, and the same call goes on afterwards."""
    check_part(unharmed, tmp_path, part, EIO)


@PARTS
@pytest.mark.timeout(LIMIT)
def test_the_disk_is_full(unharmed: Recording, tmp_path: Path, part: int) -> None:
    """The same of a disk that is full from some call on, until room is made."""
    check_part(unharmed, tmp_path, part, ENOSPC, lasts=True)


@pytest.mark.skipif(not ALL, reason="it takes long: REVRAG_TEST_CRASHES=all")
@PARTS
@pytest.mark.timeout(LIMIT)
@pytest.mark.parametrize(("how", "lasts"), [(ENOSPC, False), (EIO, True)])
def test_other_disks(unharmed: Recording, tmp_path: Path, part: int, how: str, lasts: bool) -> None:
    """The same of one that is full for a moment, and of one that is broken until it is replaced."""
    check_part(unharmed, tmp_path, part, how, lasts=lasts)
