"""What an upload runs through, for the linker to put side by side: `src/python/extension/build.rs`.

Valgrind counts the instructions of each function in two uploads of different lengths: what grows
with the length is run by pushes. Functions are known by their crates and paths, without the hash
that differs from one compiler to the next; a name that fits nothing any more does no harm.

Usage: ``python benches/layout.py MODULE CRATES``, a build of the module that has its symbols, in a
package that can be imported, and the folder of what it is linked of. ``make layout`` does it all.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from counting import CAMPAIGN_ID, ROOT, leads, server

if TYPE_CHECKING:
    from collections.abc import Iterable

SCRIPT = ROOT / "src" / "python" / "extension" / "layout.ld"
CHUNK = 500
SHORT, LONG = 50_000, 200_000
# What shares a name comes along, called or not. How much of it, and how many bytes at any rate, a
# name may bring that stands among the others, and one that stands behind them.
FEW, MANY = (1.2, 256), (3, 2048)
# Bytes of functions that stay together however much of it is run.
GROUP = 64 << 10

HEAD = """\
/* Functions that uploads run through, each near what calls it; `make layout` writes them. */
SECTIONS
{
  .text.pushes : ALIGN(4096)
  {
"""
TAIL = """\
  }
}
INSERT BEFORE .text;
"""


def upload(url: str, rows: int) -> None:
    """What is looked at: the upload of `upload.py`."""
    import revrag

    with revrag.Client("key", base_url=url) as client:
        campaign = client.campaign(CAMPAIGN_ID)
        report = campaign.upload(leads(rows), region=None, max_records=CHUNK, concurrency=4)
    assert report.accepted == rows, report


@dataclass
class Profile:
    """What callgrind counted, by the names that linkers know."""

    instructions: Counter[str] = field(default_factory=Counter)
    """Of each function, without those that it calls."""
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Of caller and callee."""

    @classmethod
    def read(cls, lines: Iterable[str]) -> Profile:
        """Read a profile: https://valgrind.org/docs/manual/cl-format.html."""
        known: dict[str, str] = {}

        def name(told: str) -> str:
            number, _, text = told.partition(" ")
            # A number stands for the name that it first came with. A level of recursion is none.
            return known.setdefault(number, re.sub(r"'\d+$", "", text))

        profile, here, callee, is_call = cls(), "", "", False
        for line in lines:
            key, _, value = line.strip().partition("=")
            if key == "fn":
                here = name(value)
            elif key == "cfn":
                callee = name(value)
            elif key == "calls":
                profile.calls[here, callee] += int(value.split()[0])
                is_call = True
            elif re.match(r"[\d+*-]", line):
                # What follows a call is what was counted inside of it.
                if not is_call:
                    profile.instructions[here] += int(line.split()[1])
                is_call = False
        return profile

    def since(self, earlier: Profile) -> Profile:
        """What was counted in this one alone."""
        return Profile(self.instructions - earlier.instructions, self.calls - earlier.calls)


def profiled(url: str, rows: int) -> Profile:
    """What an upload runs through."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind"
        watched = [sys.executable, __file__, "--upload", url, str(rows)]
        tool = [
            "valgrind",
            "-q",
            "--tool=callgrind",
            "--demangle=no",
            f"--callgrind-out-file={out}",
        ]
        subprocess.run([*tool, *watched], check=True, timeout=900)
        with out.open() as lines:
            return Profile.read(lines)


def ordered(run: Counter[str], calls: Counter[tuple[str, str]], size: dict[str, int]) -> list[str]:
    """Each function behind the one that calls it most, in groups; most instructions a byte first.

    This is call-chain clustering (Ottoni and Maher, 2017): what is called next is near.
    """
    callers: dict[str, tuple[int, str]] = {}
    for (caller, callee), count in calls.items():
        if caller in run and callee in run and caller != callee:
            callers[callee] = max(callers.get(callee, (0, "")), (count, caller))

    def density(group: list[str]) -> float:
        return sum(run[name] for name in group) / sum(size[name] for name in group)

    group_of = {name: [name] for name in run}
    for callee in sorted(run, key=lambda name: density([name]), reverse=True):
        if callee not in callers:
            continue
        before, behind = group_of[callers[callee][1]], group_of[callee]
        if before is not behind and sum(size[name] for name in before + behind) <= GROUP:
            before.extend(behind)
            group_of.update(dict.fromkeys(behind, before))
    groups = {id(group): group for group in group_of.values()}
    return [name for group in sorted(groups.values(), key=density, reverse=True) for name in group]


def pattern_of(name: str, crate: str | None) -> str:
    """The linker's name of a function of a crate, whatever its hash or those of its crates."""
    # What is generic is in each crate that needs it, and its path doesn't tell for which types.
    archive = f"*lib{crate}-*.rlib:*" if crate else "*"
    name = re.sub(r"(17h)[0-9a-f]{16}E$", r"\1*", name)
    if name.startswith("_R"):
        archive, name = "*", re.sub(r"Cs[0-9A-Za-z]+_", "Cs*_", name)
    return f"{archive}(.text.{name})"


def symbols(*files: Path) -> list[str]:
    """What is defined in files, a line each."""
    told = subprocess.run(
        ["nm", "--print-file-name", "--print-size", "--defined-only", *files],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return told.stdout.splitlines()


def sizes(module: Path) -> dict[str, int]:
    """The bytes of each function."""
    code = (re.search(r" ([0-9a-f]+) [tTwW] (\S+)$", line) for line in symbols(module))
    return {each[2]: size for each in code if each and (size := int(each[1], 16))}


def crates_in(folder: Path) -> dict[str, str]:
    """The crate in which each function was compiled."""
    lines = symbols(*folder.glob("*.rlib"))
    found = (re.search(r"/lib(\w+)-[0-9a-f]{16}\.rlib:.* (\S+)$", line) for line in lines)
    return {each[2]: each[1] for each in found if each}


def chosen(names: list[str], pattern: dict[str, str], size: dict[str, int]) -> list[str]:
    """The patterns of `names` in their order, first those that bring next to nothing along."""
    hot: Counter[str] = Counter()
    every: Counter[str] = Counter()
    for name in names:
        hot[pattern[name]] += size[name]
    for name, of_it in size.items():
        every[pattern[name]] += of_it

    def with_at_most(times: float, total: int) -> dict[str, None]:
        return dict.fromkeys(it for it in hot if every[it] <= max(times * hot[it], total))

    return list(with_at_most(*FEW) | with_at_most(*MANY))


def main(module: Path, crates: Path) -> None:
    """Write the linker's script."""
    size, crate_of = sizes(module), crates_in(crates)
    with server() as (url, _):
        short, long = profiled(url, SHORT), profiled(url, LONG)
    pushes = (LONG - SHORT) // CHUNK
    more = long.since(short)
    counts = more.instructions.items()
    run = Counter({name: count for name, count in counts if name in size and count >= pushes})
    pattern = {name: pattern_of(name, crate_of.get(name)) for name in size}
    patterns = chosen(ordered(run, more.calls, size), pattern, size)
    SCRIPT.write_text(HEAD + "".join(f"    {it}\n" for it in patterns) + TAIL)
    kib = sum(size[name] for name in run) >> 10
    print(f"{len(run)} functions, {kib} KiB; {len(patterns)} names in {SCRIPT.name}")


if __name__ == "__main__":
    if sys.argv[1] == "--upload":
        upload(sys.argv[2], int(sys.argv[3]))
    else:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
