"""What SQL databases have in common."""

from __future__ import annotations

import hashlib

SQLITE = {5, 6, 261, 262, 517}  # SQLITE_BUSY, SQLITE_LOCKED, and their kin
POSTGRESQL = {"40001", "40P01", "55P03"}  # serialization failure, deadlock, lock not available
MYSQL = {1205, 1213, 3572}  # lock wait timeout, deadlock, lock not available
PRUNE_EVERY = 50  # deliveries
PRUNE_ROWS = 200


def is_locked(error: BaseException | None) -> bool:
    """Whether a database refused because another transaction is in the way."""
    while error is not None:
        if getattr(error, "sqlite_errorcode", None) in SQLITE:
            return True
        if getattr(error, "sqlstate", None) in POSTGRESQL:
            return True
        if error.args and error.args[0] in MYSQL:
            return True
        error = getattr(error, "orig", None) or error.__cause__
    return False


def lock_numbers(keys: list[str]) -> list[int]:
    """The keys as numbers of PostgreSQL's advisory locks: signed, of 64 bits."""
    return [
        int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)
        for key in keys
    ]
