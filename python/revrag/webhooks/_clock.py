"""The clock of endpoints and stores that were given none; tests put another in its place."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

source: Callable[[], float] = time.time


def now() -> float:
    """Unix seconds."""
    return source()
