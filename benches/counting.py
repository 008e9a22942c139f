"""The service that only counts and answers, as a process, and the leads that go to it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
CAMPAIGN_ID = "11111111-1111-1111-1111-111111111111"
NAMES = ("Aarav", "Diya", "Ishaan", "Kavya", "Pankaj", "Riya", "Vihaan", "Zoya")
TICKS = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def server(*habits: int) -> Iterator[tuple[str, int]]:
    """The service under way: its URL and its process id.

    ``habits`` are how many records of others it lists, of how many pushes it loses one, and how
    many it refuses at first.
    """
    path = ROOT / "target" / "counting_server"
    if not path.exists():
        source = ROOT / "benches" / "counting_server.rs"
        subprocess.run(["rustc", "--edition", "2024", "-O", "-o", path, source], check=True)
    # It ends when its stdin does, so it never outlives this process.
    command = [path, *map(str, habits)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}", process.pid
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(10)


def cpu_seconds(pid: int) -> float:
    """The processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def leads(count: int, start: int = 0) -> pl.DataFrame:
    """Leads with one phone column and four variables."""
    row = pl.int_range(start, start + count, eager=False)
    return pl.select(
        phone_number=pl.lit("+9198") + (row % 100_000_000).cast(pl.String).str.zfill(8),
        first_name=pl.lit(pl.Series(NAMES)).gather(row % len(NAMES)),
        company=pl.lit("Acme Industries, branch ") + (row % 977).cast(pl.String),
        amount=(row * 37 % 1_000_003) / 100,
        visits=row % 31,
    )
