"""A clock that stands still."""

from __future__ import annotations


class FixedClock:
    """A clock that moves when it is told to; calling it tells the time.

    Endpoints, stores and `delivery` take it as their clock; the fixture `revrag_clock` makes one
    the clock of those that were given none.

    Args:
        now: Unix seconds.

    Example:
        >>> clock = revrag.testing.FixedClock(1_780_000_000)
        >>> clock.advance(300)
        >>> clock()
        1780000300.0
    """

    def __init__(self, now: float = 1_780_000_000) -> None:
        self.now = float(now)

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Move on by some seconds."""
        self.now += seconds
