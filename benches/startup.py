"""What ``import revrag`` costs over bare Python, as whole fresh processes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 41


def milliseconds(code: str) -> float:
    """The wall-clock time of one fresh interpreter that runs ``code``."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return (time.perf_counter() - started) * 1000


def main() -> None:
    """Measure the two in turn and print the medians and the median difference."""
    pairs = [(milliseconds("pass"), milliseconds("import revrag")) for _ in range(ROUNDS)][1:]
    bare = statistics.median(pair[0] for pair in pairs)
    with_import = statistics.median(pair[1] for pair in pairs)
    difference = statistics.median(pair[1] - pair[0] for pair in pairs)
    print(f"bare {bare:.1f} ms, import revrag {with_import:.1f} ms")
    print(f"import revrag costs {difference:.1f} ms (bound: 15 ms)")


if __name__ == "__main__":
    main()
