"""Power cuts: the same call goes on to the end from every state that one may leave."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from crash.conftest import ALL, CHUNKS, LIMIT, SEED, Watched, all_of, folder_of
from support.crash.leads import Case
from support.crash.power import Recording, State, go_on, record, states
from support.crash.strike import names, points

# How many states are drawn at each moment, beside those that are tried in any case.
DRAWN = 60 if ALL else 4
# How many states without syncs are tried at most.
CONTROLS = 400


@pytest.fixture(scope="module")
def uncut(watched: Watched) -> Recording:
    """The upload as it is when nothing happens to it."""
    return watched(Case(CHUNKS, is_proxied=True))


def check_all(recording: Recording, tmp_path: Path) -> None:
    """Go on from each state."""

    def from_state(number: int, state: State) -> str | None:
        try:
            go_on(recording, state, folder_of(tmp_path, number))
        except Exception as error:
            return f"{error!r}"
        return None

    every = list(states(recording, random.Random(SEED), drawn=DRAWN))
    # Both before anything was sent, and after everything was.
    assert {state.records for state in every} >= {recording.counts[0], recording.counts[-1]}
    all_of(from_state, every)


@pytest.mark.timeout(LIMIT)
def test_every_state_left_by_a_power_cut(uncut: Recording, tmp_path: Path) -> None:
    """Every row is there once, and the report says so."""
    check_all(uncut, tmp_path)


@pytest.mark.timeout(LIMIT)
@pytest.mark.parametrize("share", [0.4, 0.8])
def test_a_power_cut_after_a_kill(uncut: Recording, tmp_path: Path, share: float) -> None:
    """Killed while it writes its journal, going on, and then the power is cut."""
    calls = points(uncut.events, uncut.folder)
    files = [point for point in calls if not point.is_send]
    # In the middle of a transaction.
    inside = [point for point in files if calls[point].target.endswith(".journal")] or files
    # Where more was written down at once than in the upload that was watched, there are fewer.
    earlier = inside[int(len(inside) * share) :: -3]
    paths = names(uncut.events, uncut.folder)
    found = (
        record(uncut.case, folder_of(tmp_path, number), point, paths)
        for number, point in enumerate(earlier)
    )
    after = next(recording for recording in found if recording)
    check_all(after, folder_of(tmp_path, len(earlier)))


@pytest.mark.timeout(LIMIT)
@pytest.mark.parametrize("of", ["everything", "the journal", "the folder"])
def test_without_syncs_a_row_is_sent_twice(uncut: Recording, tmp_path: Path, of: str) -> None:
    """Were there no syncs, the same states would show it: so they are able to."""
    everything = {uncut.folder.name, *names(uncut.events, uncut.folder)}
    ignored = {
        "everything": everything,
        "the journal": {"leads.journal"},
        "the folder": {uncut.folder.name},
    }
    rng = random.Random(SEED)
    every = list(states(uncut, rng, drawn=4, ignored=ignored[of]))
    rng.shuffle(every)
    for number, state in enumerate(every[:CONTROLS]):
        try:
            go_on(uncut, state, folder_of(tmp_path, number))
        except AssertionError as error:
            if "sent twice" in str(error):
                return
        except Exception:
            # Not even read any more.
            continue
    pytest.fail(f"none of {min(len(every), CONTROLS)} states without syncs sent a row twice")
