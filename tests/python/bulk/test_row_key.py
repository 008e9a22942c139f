"""The token of a row that is known by a key, and the way back."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
import revrag
from hypothesis import given
from revrag import _revrag

VECTORS = Path(__file__).parents[2] / "data" / "row-keys.json"
PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._@"

Key = tuple[str, ...]


def token(name: str | None, key: Key) -> str:
    """The documented format, once more."""

    def escaped(text: str) -> str:
        return "".join(
            chr(byte) if chr(byte) in PLAIN else f"%{byte:02X}" for byte in text.encode()
        )

    start, keys = f"{escaped(name or '')}:", ":".join(escaped(part) for part in key)
    if len(start + keys) > 100:
        digest = hashlib.sha256(keys.encode()).digest()
        keys = "~" + urlsafe_b64encode(digest).decode().rstrip("=")
    return start + keys


@pytest.mark.parametrize(
    "vector", json.loads(VECTORS.read_text("utf-8")), ids=lambda one: str(one["token"])[:30]
)
def test_tokens_are_what_they_were(vector: dict[str, Any]) -> None:
    name, key = vector["name"], tuple(vector["key"])
    assert token(name, key) == vector["token"]
    # The writers for clusters make them of what a report shows.
    is_joined = len(key) > 1
    reported = ":".join(token(None, (part,))[1:] for part in key) if is_joined else key[0]
    assert _revrag.row_tokens(name, [reported], is_joined=is_joined) == [vector["token"]]
    prefix = _revrag.token_prefix(name)
    assert vector["token"].startswith(prefix)
    assert _revrag.is_row_token(vector["token"], prefix)
    shown = None if vector["is_digest"] else key[0] if len(key) == 1 else key
    assert revrag.row_key(vector["token"]) == (name, shown)


@pytest.mark.parametrize("text", [None, "", "17", "visit-1", "n:", "a b:1", "n:%2f", "n:~short"])
def test_what_is_no_token_leads_nowhere(text: str | None) -> None:
    assert revrag.row_key(text) is None


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
NAMES = st.none() | st.text("ab:%~é", min_size=1, max_size=6)
KEYS = st.lists(TEXTS | st.text("ab:%~", min_size=1, max_size=3), min_size=1, max_size=3)


@given(NAMES, KEYS)
def test_every_token_goes_back(name: str | None, parts: list[str]) -> None:
    made = token(name, tuple(parts))
    told = revrag.row_key(made)
    assert told is not None
    assert told[0] == name
    if "~" not in made:
        assert told[1] == (parts[0] if len(parts) == 1 else tuple(parts))


@given(NAMES, KEYS, NAMES, KEYS)
def test_two_keys_have_two_tokens(
    name: str | None, one: list[str], other_name: str | None, other: list[str]
) -> None:
    is_same = (name, one) == (other_name, other)
    assert (token(name, tuple(one)) == token(other_name, tuple(other))) == is_same
