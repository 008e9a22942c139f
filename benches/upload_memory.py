"""How much memory an upload of a large Parquet file takes, with a journal.

Usage: ``python benches/upload_memory.py [ROWS]``
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
from counting import CAMPAIGN_ID, leads, server

STEP = 500_000
BOUND_MB = 100

# In a process of its own, so that nothing else has raised the peak: idle, then the upload.
SCRIPT = """
import re, sys
import revrag
def peak():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read())[1])
url, campaign_id, source, journal = sys.argv[1:]
campaign = revrag.Client("key", base_url=url).campaign(campaign_id)
campaign.status()
idle = peak()
report = campaign.upload(source, journal=journal)
print(idle, peak(), report.accepted, report.elapsed)
"""


def write(path: Path, count: int) -> None:
    """A Parquet file, made in steps."""
    parts = path.parent / "parts"
    parts.mkdir()
    for start in range(0, count, STEP):
        frame = leads(min(STEP, count - start), start)
        frame.write_parquet(parts / f"{start:010d}.parquet")
    pl.scan_parquet(parts / "*.parquet").sink_parquet(path)


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    target = Path(__file__).parents[1] / "target"
    with tempfile.TemporaryDirectory(dir=target) as folder, server() as (url, _):
        source, journal = Path(folder) / "leads.parquet", Path(folder) / "leads.journal"
        write(source, count)
        arguments = [url, CAMPAIGN_ID, source, journal]
        finished = subprocess.run(
            [sys.executable, "-c", SCRIPT, *arguments], check=True, capture_output=True, text=True
        )
        idle, peak, accepted, elapsed = finished.stdout.split()
        assert int(accepted) == count, finished.stdout
        print(
            f"{count} rows, {source.stat().st_size / 1e6:.0f} MB of Parquet, "
            f"{journal.stat().st_size / 1e6:.0f} MB of journal, {float(elapsed):.0f} s"
        )
    grown = (int(peak) - int(idle)) * 1024 / 1e6
    verdict = "within" if grown <= BOUND_MB else "OVER"
    print(f"peak memory over idle: {grown:.0f} MB ({verdict} {BOUND_MB} MB)")


if __name__ == "__main__":
    main()
