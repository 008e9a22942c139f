"""The session id that a keyed upload gives to a row: the format of ``revrag.row_key``."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from urllib.parse import quote

LONGEST = 100


def escaped(text: str) -> str:
    """A text with all but letters, digits, ``-``, ``.``, ``_`` and ``@`` escaped."""
    return quote(text, safe="@").replace("~", "%7E")


def token(prefix: str, key: str, *, is_joined: bool) -> str:
    """The token of a key, as a report shows it: several columns are joined there, and escaped."""
    keys = key if is_joined else escaped(key)
    if len(prefix) + len(keys) > LONGEST:
        digest = hashlib.sha256(keys.encode()).digest()
        keys = "~" + urlsafe_b64encode(digest).decode().rstrip("=")
    return prefix + keys


def digest(text: str) -> bytes:
    """What a text is known by where there are many of them."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def number(text: str | None) -> int | None:
    """The end of a phone number, however it is written; None where it is no number."""
    digits = "".join(one for one in text or "" if one.isdecimal())
    return int(digits[-7:]) if len(digits) >= 7 else None
