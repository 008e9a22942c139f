"""What strace wrote down, as calls in their order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .strace import FILE_CALLS, READ_CALLS, SEND_CALLS

LINE = re.compile(r"(?P<thread>\d+) +(?:<\.\.\. \w+ resumed>|(?P<name>\w+)\()(?P<rest>.*)")
RESULT = re.compile(r"\) += (?P<result>-?\d+|\?)(?P<why>.*)$")
DESCRIPTOR = re.compile(r"\w+<(?P<path>.*?)>(?:\(deleted\))?(?=,|\)|$)")
# Calls that take names of files.
NAMING = ("open", "creat", "unlink", "rename", "link", "symlink", "truncate")
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass
class Call:
    """One system call."""

    thread: int
    name: str
    args: str
    result: int | None = None
    # Its strings, which are the data of a write.
    strings: list[bytes] = field(default_factory=list)
    # What its first descriptor stands for: a path, or `TCP:[…]`.
    target: str = ""
    # The words behind its result.
    why: str = ""

    @property
    def numbers(self) -> list[int]:
        """Its arguments that are numbers, in order."""
        plain = STRING.sub("", re.sub(r"<.*?>(?=,|$)", "", self.args))
        return [int(word) for word in re.findall(r"(?<=, )-?\d+(?=,|$|\))", plain)]

    @property
    def data(self) -> bytes:
        """What a write writes."""
        return b"".join(self.strings)

    @property
    def is_send(self) -> bool:
        """Whether it hands bytes to a connection."""
        return self.name in SEND_CALLS and self.target.startswith("TCP")

    @property
    def starts_request(self) -> bool:
        """Whether a request begins with it."""
        return self.is_send and self.data.startswith((b"GET ", b"POST "))

    @property
    def starts_push(self) -> bool:
        """Whether a push begins with it."""
        return self.is_send and self.data.startswith(b"POST ")

    @property
    def brings_answer(self) -> bool:
        """Whether something came from a connection: bytes, its end, or that it is broken."""
        is_of_service = self.target.startswith("TCP")
        return is_of_service and self.name in READ_CALLS and "EAGAIN" not in self.why

    def paths(self) -> list[Path]:
        """The files that it names, or the one whose descriptor it takes."""
        if self.name.startswith(NAMING):
            return [Path(text.decode()) for text in self.strings]
        return [Path(self.target)] if self.target.startswith("/") else []

    def is_of_file(self, folder: Path) -> bool:
        """Whether it changes or syncs something in the folder, or the folder."""
        here = [path for path in self.paths() if path == folder or path.parent == folder]
        return self.name in FILE_CALLS and bool(here)


@dataclass(frozen=True)
class Event:
    """A call that begins or ends; most do both before another begins."""

    call: Call
    ends: bool


def events(lines: Iterable[str]) -> Iterator[Event]:
    """The calls' begins and ends, in their order."""
    open_calls: dict[int, Call] = {}
    for line in lines:
        found = LINE.match(line)
        if found is None:
            continue  # a signal, or the end of a thread
        thread, rest = int(found["thread"]), found["rest"]
        if found["name"]:
            call = Call(thread, found["name"], "")
            is_unfinished = rest.endswith("<unfinished ...>")
            _read_args(call, rest.removesuffix("<unfinished ...>").rstrip())
            yield Event(call, ends=False)
            if is_unfinished:
                open_calls[thread] = call
                continue
        else:
            call = open_calls.pop(thread)
        if ended := RESULT.search(rest):
            call.result = None if ended["result"] == "?" else int(ended["result"])
            call.why = ended["why"]
        yield Event(call, ends=True)


def _read_args(call: Call, text: str) -> None:
    call.args = RESULT.sub("", text)
    call.strings = [_bytes(string) for string in STRING.findall(call.args)]
    if first := DESCRIPTOR.match(call.args):
        call.target = _text(first["path"])


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _text(text: str) -> str:
    return re.sub(r"\\x([0-9a-f]{2})", lambda hexed: chr(int(hexed[1], 16)), text)
