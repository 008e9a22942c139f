"""``WebhookVerifier``: other implementations' signatures, every header container, any bytes."""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import hmac
import json
import pickle
import subprocess
import time
from typing import Any

import pytest
import revrag
import stripe
from hypothesis import given
from hypothesis import strategies as st
from revrag import WebhookVerifier, errors
from support import CALL

SECRET = "whsec_test"
BODY = json.dumps(CALL).encode()
NOW = 1_780_000_000
VERIFIER = WebhookVerifier(SECRET)


def headers(signature: str, timestamp: int = NOW) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-Webhook-Event": "call.ended",
        "X-Webhook-Timestamp": str(timestamp),
        "X-Webhook-Signature": signature,
        "X-Webhook-ID": "evt_01HC3Q0MZQABR3",
    }


def digest(body: bytes = BODY, timestamp: int = NOW, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), b"%d.%b" % (timestamp, body), hashlib.sha256).hexdigest()


def signed(body: bytes = BODY, timestamp: int = NOW, secret: str = SECRET) -> dict[str, str]:
    return headers(f"t={timestamp},v1={digest(body, timestamp, secret)}", timestamp)


GOOD = signed()


def test_what_pythons_hmac_signs_is_an_event() -> None:
    event = VERIFIER.verify(BODY, GOOD, now=NOW)
    assert (event.id, event.type) == ("evt_01HC3Q0MZQABR3", "call.ended")
    assert event.timestamp == dt.datetime.fromtimestamp(NOW, dt.UTC)
    assert event.payload == CALL
    assert event.call == revrag.Call.from_dict(CALL)


def test_what_openssl_signs_is_accepted() -> None:
    made = subprocess.run(
        ["openssl", "dgst", "-sha256", "-hmac", SECRET],
        input=b"%d.%b" % (NOW, BODY),
        capture_output=True,
        check=True,
        timeout=10,
    )
    mac = made.stdout.decode().split("=")[-1].strip()
    VERIFIER.verify_signature(BODY, headers(f"t={NOW},v1={mac}"), now=NOW)


# printf '1780000000.{"call_status":"completed","call_id":"x"}' | openssl dgst -sha256 -hmac k1
VECTOR = "280fcc77f2bb9ec8022b52308125f9603f7712704fec16efb22437b597692244"


def test_a_vector_of_openssl() -> None:
    body = '{"call_status":"completed","call_id":"x"}'
    WebhookVerifier("k1").verify_signature(body, headers(f"t={NOW},v1={VECTOR}"), now=NOW)


def test_what_stripe_signs_is_accepted() -> None:
    text = BODY.decode()
    header = stripe.WebhookSignature._compute_signature(f"{NOW}.{text}", SECRET)
    VERIFIER.verify_signature(BODY, headers(f"t={NOW},v1={header}"), now=NOW)
    ours = VERIFIER.sign(BODY, event_id="evt_1", timestamp=time.time())
    assert stripe.WebhookSignature.verify_header(text, ours["X-Webhook-Signature"], SECRET, 300)


def test_what_it_signs_it_verifies() -> None:
    made = VERIFIER.sign(BODY, event_id="evt_1")
    assert set(made) == set(GOOD) - {"Content-Type"}
    assert VERIFIER.verify(BODY, made).id == "evt_1"
    assert (
        VERIFIER.sign(BODY, event_id="e", timestamp=NOW)["X-Webhook-Signature"]
        == (GOOD["X-Webhook-Signature"])
    )
    moment = dt.datetime.fromtimestamp(NOW, dt.UTC)
    assert VERIFIER.sign(BODY, event_id="e", timestamp=moment) == VERIFIER.sign(
        BODY, event_id="e", timestamp=NOW + 0.9
    )


class Case(dict[str, str]):
    """A mapping like the frameworks': case-insensitive, and not a plain dict."""


CONTAINERS: dict[str, Any] = {
    "dict": GOOD,
    "lower case": {name.lower(): value for name, value in GOOD.items()},
    "bytes": {name.encode(): value.encode() for name, value in GOOD.items()},
    "pairs": list(GOOD.items()),
    "asgi": [(name.lower().encode(), value.encode()) for name, value in GOOD.items()],
    "a generator": ((name, value) for name, value in GOOD.items()),
    "a subclass": Case(GOOD),
    "wsgi": {
        "REQUEST_METHOD": "POST",
        "wsgi.version": (1, 0),
        "wsgi.input": object(),
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in GOOD.items()},
    },
}


@pytest.mark.parametrize("kind", CONTAINERS)
def test_headers_come_in_many_containers(kind: str) -> None:
    VERIFIER.verify_signature(BODY, CONTAINERS[kind], now=NOW)


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview, bytes.decode])
def test_raw_bodies(make: Any) -> None:
    assert VERIFIER.verify(make(BODY), GOOD, now=NOW).call is not None


@pytest.mark.parametrize("parsed", [CALL, None, [CALL], 7])
def test_a_parsed_body_is_a_type_error(parsed: Any) -> None:
    with pytest.raises(TypeError, match="raw"):
        VERIFIER.verify(parsed, GOOD, now=NOW)


MAC = digest()
ACCEPTED = [
    f"v1={MAC},t={NOW}",
    f" t = {NOW} , v1 = {MAC} ",
    f"t={NOW},v1={MAC.upper()}",
    f"t={NOW},v1={'0' * 64},v1={MAC}",
    f"t={NOW},v0=abc,v2=xyz,v1={MAC}",
]


@pytest.mark.parametrize("signature", ACCEPTED)
def test_signatures_that_are_read(signature: str) -> None:
    VERIFIER.verify_signature(BODY, headers(signature), now=NOW)


REFUSED: dict[str, tuple[dict[str, str], type[Exception]]] = {
    "no t": (headers(f"v1={MAC}"), errors.MalformedHeaderError),
    "two t": (headers(f"t={NOW},t={NOW},v1={MAC}"), errors.MalformedHeaderError),
    "no v1": (headers(f"t={NOW}"), errors.MalformedHeaderError),
    "no hex": (headers(f"t={NOW},v1={'z' * 64}"), errors.MalformedHeaderError),
    "empty": (headers(""), errors.MissingHeaderError),
    "t of another time": (headers(f"t={NOW + 1},v1={MAC}"), errors.MalformedHeaderError),
    "t that is no number": (headers(f"t=soon,v1={MAC}"), errors.MalformedHeaderError),
    "another body's": (signed(b"{}"), errors.SignatureMismatchError),
    "another secret's": (signed(secret="other"), errors.SignatureMismatchError),
    "too old": (signed(timestamp=NOW - 301), errors.TimestampOutOfToleranceError),
    "too new": (signed(timestamp=NOW + 301), errors.TimestampOutOfToleranceError),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_signatures_that_are_refused(kind: str) -> None:
    given_headers, error = REFUSED[kind]
    for check in (VERIFIER.verify, VERIFIER.verify_signature):
        with pytest.raises(errors.WebhookVerificationError) as info:
            check(BODY, given_headers, now=NOW)  # type: ignore[operator]
        assert type(info.value) is error
        assert MAC not in str(info.value)


@pytest.mark.parametrize("name", [name for name in GOOD if name.startswith("X-")])
def test_each_header_is_required(name: str) -> None:
    with pytest.raises(errors.MissingHeaderError, match=name):
        VERIFIER.verify(BODY, {k: v for k, v in GOOD.items() if k != name}, now=NOW)


@pytest.mark.parametrize("offset", [-300, 300])
def test_exactly_the_tolerance_is_inside(offset: int) -> None:
    VERIFIER.verify(BODY, signed(timestamp=NOW + offset), now=NOW)


def test_tolerances_are_settable() -> None:
    strict = WebhookVerifier(SECRET, tolerance=10, future_tolerance=0)
    strict.verify(BODY, signed(timestamp=NOW - 10), now=NOW)
    for timestamp in (NOW - 11, NOW + 1):
        with pytest.raises(errors.TimestampOutOfToleranceError):
            strict.verify(BODY, signed(timestamp=timestamp), now=NOW)
    moment = dt.datetime.fromtimestamp(NOW, dt.UTC)
    strict.verify(BODY, GOOD, now=moment)
    with pytest.raises((errors.InvalidArgumentError, TypeError, ValueError), match=r"now|aware"):
        strict.verify(BODY, GOOD, now=moment.replace(tzinfo=None))


def test_secrets_rotate() -> None:
    rotating = WebhookVerifier(["new", "old"])
    for secret in ("new", "old"):
        rotating.verify(BODY, signed(secret=secret), now=NOW)
    with pytest.raises(errors.SignatureMismatchError):
        rotating.verify(BODY, signed(secret="older"), now=NOW)
    WebhookVerifier("new").verify(BODY, rotating.sign(BODY, event_id="e", timestamp=NOW), now=NOW)


@pytest.mark.parametrize("secret", ["", [], [""], ["good", ""]])
def test_an_empty_secret_is_refused(secret: Any) -> None:
    with pytest.raises(errors.InvalidArgumentError, match="secret"):
        WebhookVerifier(secret)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b'{"id": 7}', b"\xff", b"[" * 9999])
def test_a_signed_body_that_is_no_call(body: bytes) -> None:
    with pytest.raises(errors.InvalidPayloadError):
        VERIFIER.verify(body, signed(body), now=NOW)
    VERIFIER.verify_signature(body, signed(body), now=NOW)


def test_an_unknown_event_type_verifies() -> None:
    for body, is_call in [(b'{"some": "thing"}', False), (BODY, True)]:
        unknown = signed(body) | {"X-Webhook-Event": "call.of.tomorrow"}
        event = VERIFIER.verify(body, unknown, now=NOW)
        assert event.type == "call.of.tomorrow"
        assert (event.call is not None) is is_call
        assert event.payload == json.loads(body)


def test_secrets_are_shown_nowhere_but_in_pickles() -> None:
    assert SECRET not in repr(VERIFIER) + str(VERIFIER)
    for twin in (pickle.loads(pickle.dumps(VERIFIER)), copy.deepcopy(VERIFIER)):
        twin.verify(BODY, GOOD, now=NOW)


texts = st.text() | st.sampled_from([*GOOD.values(), str(NOW), f"t={NOW},v1={MAC}"])
names = st.sampled_from([*GOOD, *map(str.lower, GOOD)]) | st.text()


@given(
    body=st.binary() | st.text() | st.just(BODY),
    given_headers=st.dictionaries(names, texts)
    | st.lists(st.tuples(names, texts))
    | st.lists(st.tuples(st.binary(), st.binary())),
)
def test_any_bytes_raise_only_the_family(body: Any, given_headers: Any) -> None:
    for check in (VERIFIER.verify, VERIFIER.verify_signature):
        try:
            check(body, given_headers, now=NOW)
        except errors.WebhookVerificationError:
            continue
        assert body in (BODY, BODY.decode())


@given(body=st.binary())
def test_any_signed_bytes_raise_only_the_family(body: bytes) -> None:
    try:
        event = VERIFIER.verify(body, signed(body), now=NOW)
    except errors.InvalidPayloadError:
        return
    assert event.payload == json.loads(body)


odd = st.one_of(
    st.none(), st.integers(), st.floats(), st.binary(), st.text(st.characters()), st.just("\ud800")
)


@given(given_headers=st.dictionaries(odd.filter(lambda v: v == v), odd) | st.lists(odd) | odd)
def test_headers_of_any_kind(given_headers: Any) -> None:
    with pytest.raises((errors.WebhookVerificationError, TypeError)):
        VERIFIER.verify(BODY, given_headers, now=NOW)
