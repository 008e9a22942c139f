"""Uploads of which one system call is struck: each of them in turn."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.script import Finished
from support.service import Exchange, Service

from .calls import Call, Event, events
from .leads import Case, Ended, ended
from .strace import Strace, Strike

# Where strace comes before anything is done, and not while a request is held by the service.
START = -1


@dataclass(frozen=True)
class Point:
    """A system call of an upload."""

    # The request at whose arrival counting begins: the calls are counted for each thread.
    gate: int
    call: str
    nth: int
    is_send: bool


class Gate:
    """Holds an upload, at its start or at one of its requests, until strace is there.

    Args:
        number: The request, from 0, or ``START``.
        log: Where strace writes down the calls.
        strike: What is done to one of them.
        paths: The only files whose calls are looked at; none for all.
    """

    def __init__(
        self, number: int, log: Path, strike: Strike | None = None, paths: Iterable[Path] = ()
    ) -> None:
        self.number = number
        self.log = log
        self.strike = strike
        self.paths = list(paths)
        self._process = 0
        self._arrived = 0
        self._strace: Strace | None = None
        self._failure: Exception | None = None

    def watch(self, _: Exchange, phase: str) -> None:
        """Told by the service of each request, which waits meanwhile."""
        if phase == "arrived":
            self._open(self._arrived)
            self._arrived += 1

    def run(self, case: Case, service: Service, journal: Path, folder: Path) -> Finished:
        """Upload in a process of its own, traced from the gate on."""
        script = case.begin(service, journal, folder)
        try:
            self._process = script.process.pid
            self._open(START)
            script.say("go")
            return script.finish(25)
        finally:
            self._process = 0  # which may be another's from here on
            script.kill()

    def lines(self) -> list[str]:
        """What strace wrote down."""
        if self._failure:
            raise self._failure
        return self._strace.lines() if self._strace else []

    def _open(self, number: int) -> None:
        if number != self.number or not self._process:
            return
        try:
            self._strace = Strace(self._process, self.log, self.strike, self.paths)
        except (AssertionError, OSError) as error:
            self._failure = error  # the service can do nothing with it


def journal_in(folder: Path) -> Path:
    """Where a journal may be: alone in a folder."""
    alone = folder / "journals"
    alone.mkdir(parents=True, exist_ok=True)
    return alone / "leads.journal"


def observed(case: Case, service: Service, folder: Path) -> list[Event]:
    """The calls of an upload that nothing happens to."""
    gate = Gate(START, folder / "observed.log")
    finished = gate.run(case, service, journal_in(folder), folder)
    assert (finished.code, finished.err) == (0, ""), finished
    report = ended(finished.out)
    assert not isinstance(report, Exception), report
    case.check_whole(report, service)
    seen = list(events(gate.lines()))
    assert any(event.call.starts_request for event in seen), "strace saw no request"
    return seen


def points(seen: Sequence[Event], folder: Path) -> dict[Point, Call]:
    """Where each write, sync and send of an upload can be struck.

    strace counts the calls of each thread apart. So each is counted from a moment from which its
    thread is the first to come to its number.
    """
    calls = [event.call for event in seen if not event.ends]
    of_file = [call.is_of_file(folder) for call in calls]
    requests = [index for index, call in enumerate(calls) if call.starts_request]
    found: dict[Point, Call] = {}
    missed = []
    for index, call in enumerate(calls):
        if not (call.is_send or of_file[index]):
            continue
        for gate, since in enumerate([-1, *requests], START):
            if since >= index:
                missed.append(call)
                break
            # Only for files can strace look at theirs alone.
            counts = Counter(
                one.thread
                for one, is_of_file in zip(
                    calls[since + 1 : index], of_file[since + 1 :], strict=False
                )
                if one.name == call.name and (call.is_send or is_of_file)
            )
            nth = counts.pop(call.thread, 0) + 1
            if all(count < nth for count in counts.values()):
                found[Point(gate, call.name, nth, call.is_send)] = call
                break
        else:
            missed.append(call)
    assert not missed, missed
    return found


def names(seen: Sequence[Event], folder: Path) -> list[str]:
    """All files that were ever in a folder."""
    paths = {path for event in seen for path in event.call.paths()}
    return sorted(path.name for path in paths if path.parent == folder)


@dataclass
class Struck:
    """What became of an upload that was struck."""

    was_struck: bool
    # None where it was killed.
    ended: Ended | None


def struck(case: Case, point: Point, strike: Strike, files: Iterable[str], folder: Path) -> Struck:
    """Upload, be struck, look at what was told, and go on to the end."""
    journal = journal_in(folder)
    here = [journal.parent, *(journal.parent / name for name in files)]
    gate = Gate(point.gate, folder / "struck.log", strike, [] if point.is_send else here)
    with case.host(gate.watch) as service:
        finished = gate.run(case, service, journal, folder)
        lines = gate.lines()
        if strike.kills and finished.code == -signal.SIGKILL:
            result = Struck(was_struck=True, ended=None)
        else:
            assert (finished.code, finished.err) == (0, ""), finished
            told = ended(finished.out)
            result = Struck(any("(INJECTED)" in line for line in lines), told)
            # Once it answers, the service has seen all that came before.
            service.campaign().status()
            try:
                case.check_told(told, service, is_of_file=not point.is_send)
            except AssertionError:
                # That nothing is lost or sent twice weighs more than what is told of it.
                case.resume(service, journal)
                raise
        case.resume(service, journal)
    return result
