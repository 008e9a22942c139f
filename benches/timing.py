"""Timing by interleaved rounds: contenders take turns, so that a noisy machine is noisy to all."""

from __future__ import annotations

import statistics
import timeit
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def microseconds(
    contenders: dict[str, Callable[[], object]], *, rounds: int = 31, number: int = 2000
) -> dict[str, float]:
    """The median time of one call of each contender, in microseconds."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, call in contenders.items():
            times[name].append(timeit.timeit(call, number=number) / number * 1e6)
    return {name: statistics.median(taken) for name, taken in times.items()}


def report(title: str, ratio: float, bound: float) -> None:
    """One line: a ratio and the bound it should keep."""
    verdict = "within" if ratio <= bound else "OVER"
    print(f"{title}: {ratio:.2f} ({verdict} {bound:g})")
