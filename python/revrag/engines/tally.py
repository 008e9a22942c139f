"""How many rows of a job are not valid, and whether those are too many."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

# Rows after which a share is judged, beside the end of the job.
ENOUGH = 1000


@dataclass
class Tally:
    """Rows as tasks check them: those of a part's latest attempt, for all others ran in vain.

    ``most`` is a share where it is a float, and a count where it is an int.
    """

    most: float | int | None
    column: str
    rows: int = 0
    invalid: int = 0
    _parts: dict[int, tuple[int, int]] = field(default_factory=dict)
    _reasons: Counter[str] = field(default_factory=Counter)

    def begin(self, part: int) -> None:
        """A part of the job is read from its beginning."""
        rows, invalid = self._parts.pop(part, (0, 0))
        self.rows -= rows
        self.invalid -= invalid

    def add(self, part: int, rows: int, reasons: dict[str, int]) -> None:
        """Some more rows of a part were checked."""
        invalid = sum(reasons.values())
        before = self._parts.get(part, (0, 0))
        self._parts[part] = (before[0] + rows, before[1] + invalid)
        self.rows += rows
        self.invalid += invalid
        self._reasons.update(reasons)

    def problem(self, *, is_all: bool) -> str | None:
        """Why no more is to be sent, if it is not."""
        if self.most is None:
            return None
        is_share = isinstance(self.most, float)
        if is_share and not is_all and self.rows < ENOUGH:
            return None
        # 0.29 of 100 is 28.999999999999996.
        most = int(self.most * self.rows + 1e-9) if is_share else int(self.most)
        if self.invalid <= most:
            return None
        shown = f"{most} ({self.most})" if is_share else str(most)
        why = "".join(f"; most often: {why}" for why, _ in self._reasons.most_common(1))
        return (
            f"max_invalid: {self.invalid} of the {self.rows} rows that were checked are not valid, "
            f"and at most {shown} may be{why}; {self.column!r} may be the wrong column, or region "
            "another. Nothing more is sent; what went before is in the receipt"
        )
