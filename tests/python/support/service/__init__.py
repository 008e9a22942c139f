"""The Campaign API over real sockets, hostile where a test asks for it.

It answers as the reference says, remembers every record that it applied, and fails as it is told.
A push is applied in the moment its connection is seen to be open, never afterwards: so a client
that gave up on a request and then looks at the listing sees all that will ever come of it, however
busy the machine. ``late`` is the one exception, and is asked for. ``shows`` has what its listing
makes of what it was sent, and ``answers`` what it says of a push against the truth.
"""

from . import answers, shows
from .faults import (
    Exchange,
    Fault,
    Plan,
    always,
    answer,
    at,
    delay,
    dies,
    drawn,
    each,
    every,
    first,
    garbage,
    gate,
    hold,
    is_numbered,
    late,
    poison,
    refuse,
    reset,
    status,
    tell,
    truncate,
)
from .server import Push, Service
from .store import Stored, unprocessable

__all__ = [
    "Exchange",
    "Fault",
    "Plan",
    "Push",
    "Service",
    "Stored",
    "always",
    "answer",
    "answers",
    "at",
    "delay",
    "dies",
    "drawn",
    "each",
    "every",
    "first",
    "garbage",
    "gate",
    "hold",
    "is_numbered",
    "late",
    "poison",
    "refuse",
    "reset",
    "shows",
    "status",
    "tell",
    "truncate",
    "unprocessable",
]
