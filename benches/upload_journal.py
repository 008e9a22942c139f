"""What a journal costs an upload: rows a second with it and without it, in turns.

Usage: ``python benches/upload_journal.py [ROWS] [ROUNDS]``
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import revrag
from counting import CAMPAIGN_ID, leads, server


def main() -> None:
    """Measure in turn, and print the ratio of the medians."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    frame = leads(count)
    rates: dict[str, list[float]] = {"without a journal": [], "with a journal": []}
    size = 0
    # Beside the sources, because /tmp may be memory, where a write costs nothing.
    with (
        tempfile.TemporaryDirectory(dir=Path(__file__).parents[1] / "target") as folder,
        server() as (url, _),
        revrag.Client("key", base_url=url) as client,
    ):
        campaign = client.campaign(CAMPAIGN_ID)
        for number in range(rounds):
            journal = Path(folder) / f"{number}.journal"
            for name, path in zip(rates, (None, journal), strict=True):
                started = time.perf_counter()
                report = campaign.upload(frame, region=None, journal=path)
                rates[name].append(count / (time.perf_counter() - started))
                assert report.accepted == count
            size = journal.stat().st_size
            journal.unlink()
    print(f"{count} rows; medians of {rounds} rounds; {size / count:.0f} bytes of journal a row")
    for name, taken in rates.items():
        print(f"  {name:20}{statistics.median(taken):12,.0f} rows/s")
    without, with_journal = (statistics.median(taken) for taken in rates.values())
    share = with_journal / without
    verdict = "met" if share >= 0.7 else "MISSED"
    print(f"with / without: {share:.2f} (at least 0.7: {verdict})")


if __name__ == "__main__":
    main()
