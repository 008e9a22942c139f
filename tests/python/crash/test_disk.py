"""What a power cut is said to leave of a folder: a program's calls, and the states they allow."""

from __future__ import annotations

import random
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from support.crash.calls import events
from support.crash.disk import Disk, subsets
from support.crash.strace import LET_TRACE, Strace
from support.script import Start

Left = Callable[..., set[tuple[tuple[str, bytes], ...]]]

PRELUDE = f"""
{LET_TRACE}
def at(name):
    return f"{{sys.argv[1]}}/{{name}}"
print("ready", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def left(start: Start, tmp_path: Path) -> Left:
    """What may be left once a script has run: ``left(body, before={…}, ignored=[…])``."""

    def left(
        body: str, before: dict[str, bytes] | None = None, ignored: Iterable[str] = ()
    ) -> set[tuple[tuple[str, bytes], ...]]:
        folder = tmp_path / "disk"
        folder.mkdir()
        for name, content in (before or {}).items():
            (folder / name).write_bytes(content)
        script = start(PRELUDE + textwrap.dedent(body), folder)
        assert script.line() == "ready"
        strace = Strace(script.process.pid, tmp_path / "strace.log")
        script.say("go")
        assert script.finish(10).code == 0
        disk = Disk(folder, before or {}, ignored)
        for event in events(strace.lines()):
            disk.take(event)
        found = (disk.left(kept) for _, kept in subsets(disk.pending, random.Random(0), 50))
        return {tuple(sorted(files.items())) for files in found}

    return left


APPEND = """
file = os.open(at("a"), os.O_RDWR)
os.pwrite(file, b"1" * 512 + b"2" * 512, 4)
"""


def test_a_write_may_be_lost_or_torn(left: Left) -> None:
    """What was there before stays."""
    found = left(APPEND, {"a": b"0000"})
    first, last = b"1" * 512, b"2" * 512
    contents = (b"", first, bytes(512) + last, first + last)
    assert found == {(("a", b"0000" + content),) for content in contents}


def test_a_synced_write_stays(left: Left) -> None:
    found = left(APPEND + "os.fsync(file)", {"a": b"0000"})
    assert found == {(("a", b"0000" + b"1" * 512 + b"2" * 512),)}


def test_a_sync_that_is_ignored(left: Left) -> None:
    assert len(left(APPEND + "os.fsync(file)", {"a": b"0000"}, ["a"])) == 4


def test_a_later_write_may_stay_without_an_earlier_one(left: Left) -> None:
    body = """
    file = os.open(at("a"), os.O_RDWR)
    os.pwrite(file, b"x", 0)
    os.ftruncate(file, 2)
    os.pwrite(file, b"y", 3)
    """
    expected = {b"0000", b"x000", b"00", b"x0", b"000y", b"x00y", b"00\0y", b"x0\0y"}
    assert left(body, {"a": b"0000"}) == {(("a", content),) for content in expected}


def test_a_name_stays_with_its_folder(left: Left) -> None:
    """A file that is synced may lack its name, until its folder is synced."""
    body = """
    file = os.open(at("a"), os.O_RDWR | os.O_CREAT)
    os.pwrite(file, b"x", 0)
    os.fsync(file)
    """
    assert left(body) == {(), (("a", b"x"),)}


def test_a_synced_folder_has_names_and_not_contents(left: Left) -> None:
    body = """
    file = os.open(at("a"), os.O_RDWR | os.O_CREAT)
    os.pwrite(file, b"x", 0)
    os.fsync(os.open(at("."), os.O_RDONLY))
    """
    assert left(body) == {(("a", b""),), (("a", b"x"),)}


def test_what_was_removed_may_come_back(left: Left) -> None:
    """A file that is renamed has one of its names."""
    found = left("os.unlink(at('a'))\nos.rename(at('b'), at('c'))", {"a": b"1", "b": b"2"})
    firsts, seconds = ((), (("a", b"1"),)), ((("b", b"2"),), (("c", b"2"),))
    assert found == {(*first, *second) for first in firsts for second in seconds}
