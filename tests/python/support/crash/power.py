"""Power cuts, played: an upload is watched once, and goes on from what each of them leaves."""

from __future__ import annotations

import hashlib
import random
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from support.service import Exchange, Service, Stored

from .calls import Event
from .disk import Disk, Files, subsets
from .leads import Case
from .strace import Strike
from .strike import Gate, Point, journal_in, observed

# So that no run id of before comes again.
SEED = 1


@dataclass
class Recording:
    """An upload that was watched."""

    case: Case
    folder: Path
    # What was in the folder before.
    before: Files
    events: list[Event]
    # What the service had, and how much of it before the first push and after each.
    records: list[Stored]
    counts: list[int]


@dataclass(frozen=True)
class State:
    """What a power cut left: files, and how many of the service's records."""

    words: str
    files: Files
    records: int

    def __str__(self) -> str:
        sizes = {name: len(content) for name, content in self.files.items()}
        return f"the cut {self.words}; files {sizes}"


def record(
    case: Case, folder: Path, killed_at: Point | None = None, files: Iterable[str] = ()
) -> Recording | None:
    """Watch an upload, or one that goes on after it was killed at some point.

    None where it did not come to that point.
    """
    journal = journal_in(folder)
    watches: list[Callable[[Exchange, str], None]] = []
    with case.host(lambda exchange, phase: watches[-1](exchange, phase)) as service:
        if killed_at:
            here = [journal.parent, *(journal.parent / name for name in files)]
            strike = Strike(killed_at.call, killed_at.nth, "signal=KILL")
            gate = Gate(killed_at.gate, folder / "killed.log", strike, here)
            watches.append(gate.watch)
            finished = gate.run(case, service, journal, folder)
            gate.lines()
            if finished.code != -signal.SIGKILL:
                return None
        before = {path.name: path.read_bytes() for path in journal.parent.iterdir()}
        counts = [len(service.store)]

        def count(exchange: Exchange, phase: str) -> None:
            if exchange.kind == "push" and phase == "answered":
                counts.append(len(service.store))

        watches.append(count)
        seen = observed(case, service, folder)
        records = [replace(stored) for stored in service.store.records]
    return Recording(case, journal.parent, before, seen, records, counts)


def states(
    recording: Recording, rng: random.Random, *, drawn: int, ignored: Iterable[str] = ()
) -> Iterator[State]:
    """Every state that a power cut may leave, each once.

    Args:
        recording: The upload that is cut.
        rng: What draws some of the states.
        drawn: How many of them, at each moment.
        ignored: The files whose syncs are taken for nothing, the folder's under its name.
    """
    disk = Disk(recording.folder, recording.before, ignored)
    pushes, is_out = 0, False
    told: set[tuple[object, ...]] = set()
    for index, event in enumerate(recording.events):
        call = event.call
        has_changed = disk.take(event)
        if call.starts_push and not event.ends:
            pushes, is_out, has_changed = pushes + 1, True, True
        elif call.brings_answer and event.ends and is_out:
            is_out, has_changed = False, True
        if not has_changed:
            continue
        # Of a push that is out, all may have been applied, a part, or nothing.
        after, before = recording.counts[pushes], recording.counts[pushes - is_out]
        counts = {before, (before + after) // 2, after}
        where = f"at event {index}, {call.name} of {Path(call.target).name}"
        for words, kept in subsets(disk.pending, rng, drawn):
            files = disk.left(kept)
            hashed = sorted((name, hashlib.sha256(data).digest()) for name, data in files.items())
            for records in counts:
                if (key := (records, *hashed)) not in told:
                    told.add(key)
                    yield State(f"{where}: {words}; {records} records", files, records)


def go_on(recording: Recording, state: State, folder: Path) -> None:
    """Go on from a state to the end, with the service as it was."""
    journal = journal_in(folder)
    for name, content in state.files.items():
        (journal.parent / name).write_bytes(content)
    with Service(seed=SEED) as service:
        service.store.records += map(replace, recording.records[: state.records])
        recording.case.resume(service, journal)
