"""What a driver's leases cost: keys asked for and told of, as a job's tasks do.

Usage: python benches/leases.py [KEYS]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from revrag.engines.leases import Ask, Leases, Shown, Told

SLICE = 10_000


def main(keys: int) -> None:
    standing, parts = {1: "live"}, {1: 0}
    leases = Leases(standing.__getitem__, parts.__getitem__)
    # A campaign of a round before, of a tenth as many.
    began = time.perf_counter()
    shown = range(keys // 10)
    leases.take((Shown(str(at), f"before:{at}", f"+9198{at:08d}", "queued") for at in shown), "d:")
    leases.believe(len(shown))
    took = time.perf_counter() - began
    print(f"{len(shown):,} records taken in: {len(shown) / took:,.0f} a second")
    began = time.perf_counter()
    for start in range(0, keys, SLICE):
        asks = [Ask(f"diwali:{at}", at) for at in range(start, min(start + SLICE, keys))]
        verdicts = leases.lease(1, asks)
        assert all(one.do == "send" for one in verdicts)
        leases.tell(1, [Told(ask.token, "accepted", "0" * 36) for ask in asks])
    took = time.perf_counter() - began
    size = sum(file.stat().st_size for file in Path(leases._folder.name).iterdir())
    print(f"{keys:,} keys leased and told of: {keys / took:,.0f} a second")
    print(f"their file: {size / (keys * 1.1):.0f} bytes a key")
    leases.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 500_000)
