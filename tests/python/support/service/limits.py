"""What a service takes at most, of one push and of all."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Refusal:
    """The answer to a push that is beyond a limit."""

    status: int
    detail: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class Limits:
    """The limits, and what counts towards them."""

    max_body: int
    max_batch: int
    # So many pushes within so many seconds.
    rate: tuple[int, float] | None
    busy_above: int
    taken: deque[float] = field(default_factory=deque)

    def refuse(self, size: int, records: int, in_flight: int) -> Refusal | None:
        """Why a push is not taken, if it is not."""
        if size > self.max_body or records > self.max_batch:
            return Refusal(413, "Too large.")
        if in_flight >= self.busy_above:
            return Refusal(429, "Too many requests at once.")
        if self.rate is None:
            return None
        most, seconds = self.rate
        now = time.monotonic()
        while self.taken and self.taken[0] <= now - seconds:
            self.taken.popleft()
        if len(self.taken) >= most:
            # Whole seconds are all that the header can say.
            wait = math.ceil(self.taken[0] + seconds - now)
            return Refusal(429, "Too many requests.", (("retry-after", str(wait)),))
        self.taken.append(now)
        return None
