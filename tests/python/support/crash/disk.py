"""What a power cut leaves of a folder.

What was not synced may be there or not, each write by itself, and of a write some sectors; so may
the name of a file whose folder was not synced. What was synced is there.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .calls import Event
from .strace import READ_CALLS

SECTOR = 512
# So many changes are tried in all their combinations.
FEW = 6


@dataclass(frozen=True)
class Change:
    """One change that a call made."""

    # `write`, `cut`, `name`, `unname` or `rename`.
    kind: str
    file: int
    # Where a write begins, or the size that a file is cut to.
    at: int = 0
    data: bytes = b""
    name: str = ""
    # What a file is called from now on, in one step.
    renamed: str = ""

    def torn(self, *, begins: bool) -> Change:
        """Its first sectors, or the others."""
        middle = len(self.data) // SECTOR // 2 * SECTOR
        if begins:
            return Change("write", self.file, self.at, self.data[:middle])
        return Change("write", self.file, self.at + middle, self.data[middle:])

    @property
    def may_tear(self) -> bool:
        return self.kind == "write" and len(self.data) >= 2 * SECTOR


Files = dict[str, bytes]


class Disk:
    """A folder, and what of it is certain to stay.

    Args:
        folder: The folder.
        before: What was in it, and is certain to stay.
        ignored: The files whose syncs have no effect, the folder's under its name.
    """

    def __init__(self, folder: Path, before: Files, ignored: Iterable[str] = ()) -> None:
        self.folder = folder
        self.ignored = set(ignored)
        # Changes that are synced, and the others, each in their order.
        self.settled: list[Change] = []
        self.pending: list[Change] = []
        self._files: dict[str, int] = {}
        self._made = 0
        # What a sync that has begun will have settled.
        self._syncing: dict[int, list[Change]] = {}
        for name, content in before.items():
            self._create(name)
            self._change(name, "write", 0, content)
        self._settle(self.pending)

    def take(self, event: Event) -> bool:
        """Take in a call that begins or ends; whether it changed anything."""
        call = event.call
        paths = [path for path in call.paths() if self.folder in (path, path.parent)]
        if not paths or (event.ends and call.result is not None and call.result < 0):
            return False
        names = [path.name for path in paths]
        before = list(self.pending)
        match call.name:
            case "open" | "openat" | "creat":
                if event.ends and ("O_CREAT" in call.args or call.name == "creat"):
                    self._create(names[0])
                if event.ends and "O_TRUNC" in call.args:
                    self._change(names[0], "cut")
            case "pwrite64" | "pwritev":
                if not event.ends:
                    self._change(names[0], "write", call.numbers[-1], call.data)
                else:
                    assert call.result == len(call.data), call
            case "ftruncate":
                if not event.ends:
                    self._change(names[0], "cut", call.numbers[0])
            case "unlink" | "unlinkat":
                if event.ends:
                    self._unname(names[0])
            case "rename" | "renameat" | "renameat2":
                if event.ends:
                    file = self._files.pop(names[0])
                    self._files[names[1]] = file
                    self.pending.append(Change("rename", file, name=names[0], renamed=names[1]))
            case "fsync" | "fdatasync":
                if not event.ends:
                    self._syncing[id(call)] = self._of(paths[0])
                elif not self.ignored.intersection(names):
                    self._settle(self._syncing.pop(id(call)))
            case name if name not in READ_CALLS:
                raise AssertionError(f"a call that is not played: {call}")
        return before != self.pending

    def left(self, kept: Sequence[Change]) -> Files:
        """The files, if these of the changes under way have come to the disk."""
        names: dict[str, int] = {}
        contents: dict[int, bytearray] = {}
        for change in (*self.settled, *kept):
            content = contents.setdefault(change.file, bytearray())
            end = change.at + len(change.data)
            match change.kind:
                case "name":
                    names[change.name] = change.file
                case "unname":
                    names.pop(change.name, None)
                case "rename":
                    names.pop(change.name, None)
                    names[change.renamed] = change.file
                case "cut":
                    del content[change.at :]
                    content.extend(bytes(change.at - len(content)))
                case "write":
                    content.extend(bytes(max(0, end - len(content))))
                    content[change.at : end] = change.data
        return {name: bytes(contents[file]) for name, file in names.items()}

    def _create(self, name: str) -> None:
        if name not in self._files:
            self._made += 1
            self._name(name, self._made)

    def _name(self, name: str, file: int) -> None:
        self._files[name] = file
        self.pending.append(Change("name", file, name=name))

    def _unname(self, name: str) -> None:
        self.pending.append(Change("unname", self._files.pop(name), name=name))

    def _change(self, name: str, kind: str, at: int = 0, data: bytes = b"") -> None:
        # A file without a name is gone with its last descriptor.
        if name in self._files:
            self.pending.append(Change(kind, self._files[name], at, data))

    def _of(self, path: Path) -> list[Change]:
        """What a sync of this path is about."""
        if path == self.folder:
            return [change for change in self.pending if change.kind.endswith("name")]
        file = self._files.get(path.name)
        return [
            change
            for change in self.pending
            if change.file == file and change.kind in ("write", "cut")
        ]

    def _settle(self, changes: list[Change]) -> None:
        done = set(map(id, changes))
        self.settled += [change for change in self.pending if id(change) in done]
        self.pending = [change for change in self.pending if id(change) not in done]


def subsets(
    pending: Sequence[Change], rng: random.Random, drawn: int
) -> Iterator[tuple[str, list[Change]]]:
    """Which of the changes under way may have come to the disk, and in words.

    All that came before some moment, also with the last one torn; all but one; one alone; any of
    them where they are few, and else some that are drawn.
    """
    count = len(pending)
    for end in range(count + 1):
        yield f"the first {end} of {count}", [*pending[:end]]
        if end and pending[end - 1].may_tear:
            for begins in (True, False):
                torn = pending[end - 1].torn(begins=begins)
                words = f"the first {end} of {count}, the last torn"
                yield words, [*pending[: end - 1], torn]
    for one in range(count):
        yield f"all {count} but number {one}", [*pending[:one], *pending[one + 1 :]]
        yield f"number {one} of {count}", [pending[one]]
    for mask in range(1 << count if count <= FEW else 0):
        kept = [change for at, change in enumerate(pending) if mask >> at & 1]
        yield f"{len(kept)} of {count}, number {mask}", kept
    for _ in range(drawn if count > 1 else 0):
        kept = [
            change.torn(begins=rng.random() < 0.5)
            if change.may_tear and rng.random() < 0.2
            else change
            for change in pending
            if rng.random() < 0.5
        ]
        yield f"{len(kept)} of {count}, drawn", kept
