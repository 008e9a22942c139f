"""What a verifier takes for a secret, and for a header."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from revrag import WebhookVerifier, errors

BODY = b'{"a": 1}'


@pytest.fixture
def headers() -> dict[str, str]:
    return WebhookVerifier("secret").sign(BODY, event_id="evt_1", event_type="test.event")


@pytest.mark.parametrize("secret", [b"secret", bytearray(b"secret"), ["other", b"secret"]])
def test_bytes(secret: Any, headers: dict[str, str]) -> None:
    for verifier in (WebhookVerifier(secret), pickle.loads(pickle.dumps(WebhookVerifier(secret)))):
        assert verifier.verify(BODY, headers).id == "evt_1"


@pytest.mark.parametrize("secret", [{"secret": 1}, {}, 7, None, [7], [None], ["a", ["b"]]])
def test_what_is_no_secret(secret: Any) -> None:
    with pytest.raises(TypeError, match="secret must be"):
        WebhookVerifier(secret)


@pytest.mark.parametrize("around", ["\n", "\r\n", " ", "\t", "\ufeff", "\u200b", "\xa0", "\0"])
def test_blanks_and_line_ends_around_it(around: str) -> None:
    secret: Any
    for text in (f"{around}secret", f"secret{around}", f"{around}secret{around}"):
        for secret in (text, text.encode(), ["fine", text]):
            with pytest.raises(errors.InvalidArgumentError, match="strip it") as info:
                WebhookVerifier(secret)
            assert text not in str(info.value)
    assert "1 secret" in repr(WebhookVerifier(f"sec{around}ret"))


@pytest.mark.parametrize("secret", [b"\xff\xfe", b"\xff" * 32])
def test_bytes_that_are_no_text(secret: bytes) -> None:
    with pytest.raises(errors.InvalidArgumentError, match="UTF-8"):
        WebhookVerifier(secret)


@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: (v,), lambda v: [v.encode()]])
def test_headers_in_lists_of_one(wrap: Any, headers: dict[str, str]) -> None:
    """As AWS's ``multiValueHeaders``."""
    lists = {name: wrap(value) for name, value in headers.items()}
    for given in (lists, list(lists.items())):
        assert WebhookVerifier("secret").verify(BODY, given).id == "evt_1"


def test_headers_in_lists_of_more_or_less(headers: dict[str, str]) -> None:
    name = next(name for name in headers if name.lower() == "x-webhook-signature")
    verifier = WebhookVerifier("secret")
    value = headers[name]
    with pytest.raises(errors.MalformedHeaderError):
        verifier.verify(BODY, headers | {name: [value, "t=1,v1=00"]})
    with pytest.raises(errors.MissingHeaderError):
        verifier.verify(BODY, headers | {name: []})
    with pytest.raises(errors.MalformedHeaderError):
        verifier.verify(BODY, headers | {name: [7]})
