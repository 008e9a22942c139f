"""How many rows of a job may yet go, where that has a limit."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Allowance:
    """Counts the rows that went or are under way.

    Those that an attempt had under way when it was lost count as gone until another knows better:
    so there are never more than the limit.
    """

    def __init__(self, limit: int, is_live: Callable[[int], bool]) -> None:
        self.limit = limit
        self._is_live = is_live
        self._used = 0
        # Those under way, by their attempt, and how many of them may come back.
        self._out = Counter[int]()
        self._live = 0

    def begin(self) -> None:
        """Before some rows are asked for: who is still at work?"""
        self._live = sum(count for one, count in self._out.items() if self._is_live(one))

    def take(self, attempt: int) -> bool | None:
        """Whether one more row may go; None where that shows once those under way have ended."""
        if self._used < self.limit:
            self._used += 1
            self._live += 1
            self._out[attempt] += 1
            return True
        return None if self._used - self._live < self.limit else False

    def move(self, owner: int, attempt: int, *, is_out: bool) -> None:
        """A row in doubt is another attempt's now."""
        if is_out:
            self._end(owner)
        self._live += 1
        self._out[attempt] += 1

    def tell(self, attempt: int, *, went: bool) -> None:
        """What became of a row that an attempt had under way."""
        self._end(attempt)
        self._used -= not went

    def _end(self, attempt: int) -> None:
        self._out[attempt] -= 1
        if self._out[attempt] <= 0:
            del self._out[attempt]
