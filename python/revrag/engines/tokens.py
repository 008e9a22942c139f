"""How session ids and phone numbers are known where there are many of them."""

from __future__ import annotations

import hashlib

# The most digits of a number in E.164, and those that a listing may be expected to show.
MOST, END = 15, 7


def digest(text: str) -> bytes:
    """What a text is known by where there are many of them."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def digits(text: str | None) -> int | None:
    """The digits of a phone number, however it is written; None where it is no number."""
    found = "".join(one for one in text or "" if one.isdecimal())
    return int(found[-MOST:]) if len(found) >= END else None


def number(text: str | None) -> int | None:
    """The end of a phone number; None where it is no number."""
    found = digits(text)
    return None if found is None else found % 10**END
