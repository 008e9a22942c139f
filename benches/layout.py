"""What an upload runs through, for the linker to put side by side: `src/python/extension/build.rs`.

Valgrind counts the instructions of each function in two uploads of different lengths: what grows
with the length is run by pushes. Functions are known by their paths, without the hash that differs
from one compiler to the next; a name that fits nothing any more does no harm.

Usage: ``python benches/layout.py MODULE``, a build of the module that has its symbols, in a package
that can be imported. ``make layout`` does it all.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from counting import CAMPAIGN_ID, ROOT, leads, server

SCRIPT = ROOT / "src" / "python" / "extension" / "layout.ld"
CHUNK = 500
SHORT, LONG = 50_000, 200_000
# A path that many functions share, of which pushes call few, would bring the others along.
SHARE, SMALL = 3, 2048

HEAD = """\
/* Functions that uploads run through, most instructions first; `make layout` writes them. */
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


def instructions(url: str, rows: int) -> Counter[str]:
    """The instructions of each function, by its name as linkers know it."""
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
        told = subprocess.run(
            ["callgrind_annotate", "--threshold=100", out],
            check=True,
            capture_output=True,
            text=True,
            timeout=300,
        )
    counts: Counter[str] = Counter()
    for line in told.stdout.splitlines():
        # Which module it is in is not told of all: by its name it is known to be in this one.
        found = re.match(r"\s*([\d,]+) \([ \d.]+%\)\s+\S+?:(\S+?)(?:'\d+)? \[", line)
        if found:
            counts[found[2]] += int(found[1].replace(",", ""))
    return counts


def pattern(name: str) -> str:
    """A function's path, whatever its hash or those of its crates."""
    name = re.sub(r"(17h)[0-9a-f]{16}E$", r"\1*", name)
    return re.sub(r"Cs[0-9A-Za-z]+_", "Cs*_", name) if name.startswith("_R") else name


def sizes(module: Path) -> dict[str, int]:
    """The bytes of each function."""
    told = subprocess.run(
        ["nm", "--print-size", "--defined-only", module],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    rows = [line.split() for line in told.stdout.splitlines()]
    return {row[3]: int(row[1], 16) for row in rows if len(row) == 4 and row[2] in "tTwW"}


def chosen(run: Counter[str], size: dict[str, int]) -> list[str]:
    """The patterns that bring little else along, most instructions first."""
    hot: Counter[str] = Counter()
    every: Counter[str] = Counter()
    for name, _ in run.most_common():
        hot[pattern(name)] += size[name]
    for name, of_it in size.items():
        if pattern(name) in hot:
            every[pattern(name)] += of_it
    return [it for it in hot if every[it] <= max(SHARE * hot[it], SMALL)]


def main(module: Path) -> None:
    """Write the linker's script."""
    size = sizes(module)
    with server() as (url, _):
        short, long = instructions(url, SHORT), instructions(url, LONG)
    pushes = (LONG - SHORT) // CHUNK
    more = {name: long[name] - short[name] for name in long if name in size}
    run = Counter({name: count for name, count in more.items() if count >= pushes})
    patterns = chosen(run, size)
    SCRIPT.write_text(HEAD + "".join(f"    *(.text.{it})\n" for it in patterns) + TAIL)
    kib = sum(size[name] for name in run) >> 10
    print(f"{len(run)} functions, {kib} KiB; {len(patterns)} names in {SCRIPT.name}")


if __name__ == "__main__":
    if sys.argv[1] == "--upload":
        upload(sys.argv[2], int(sys.argv[3]))
    else:
        main(Path(sys.argv[1]))
