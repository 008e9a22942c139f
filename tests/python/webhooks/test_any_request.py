"""Any method, headers and body: one of the documented answers, and none that the handler caused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest
import revrag
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from revrag import testing
from revrag.webhooks.stores import MemoryStore
from support.endpoints import ENDPOINTS
from support.raw import Call

NOW = 1_780_000_000
SECRET = "whsec"
MAX_BODY = 2_000
VERIFIER = revrag.WebhookVerifier(SECRET)
DOCUMENTED = {200, 400, 401, 405, 409, 413, 503}


@pytest.fixture(params=ENDPOINTS)
def call(request: pytest.FixtureRequest) -> Iterator[Call]:
    logging.disable(logging.CRITICAL)
    options = {"store": MemoryStore(), "max_body": MAX_BODY, "clock": lambda: NOW}
    with asyncio.Runner() as runner:
        yield ENDPOINTS[request.param](lambda _event: 200, runner, options)
    logging.disable(logging.NOTSET)


GOOD = testing.delivery(testing.sample_call(), VERIFIER, event_id="evt_1", timestamp=NOW)
OTHER = testing.delivery({"any": 1}, VERIFIER, event_id="e", event_type="x", timestamp=NOW - 9)
assert len(GOOD.body) < MAX_BODY

signed = [(name.encode(), text.encode()) for name, text in (GOOD.headers | OTHER.headers).items()]
signed += [(name.encode(), text.encode()) for name, text in GOOD.headers.items()]
# What a server lets through: a token as the name, no line ends and no NUL in the value.
tokens = st.text(
    "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789!#$%&'*+-.^_`|~", min_size=1, max_size=20
)
names = tokens.map(str.encode) | st.sampled_from(
    [name for name, _ in signed]
    + [b"Content-Length", b"Content-Type", b"Transfer-Encoding", b"Host", b"Expect", b"Cookie"]
)
values = (
    st.binary(max_size=60).map(lambda text: bytes(c for c in text if c not in b"\r\n\0").strip())
    | st.sampled_from([value for _, value in signed])
    | st.sampled_from([b"0", b"-1", b"1e9", b"9" * 5000, b"\xb2", b"1_0", b"chunked"])
    | st.sampled_from([b"multipart/form-data", b"application/x-www-form-urlencoded"])
    | st.sampled_from([b"application/json; charset=\xff", b"100-continue"])
)
others = st.lists(st.tuples(names, values), max_size=6)
some_signed = st.lists(st.sampled_from(signed), max_size=6)
headers = (
    others
    | some_signed
    | st.builds(lambda given, more: signed[-5:] + given + more, some_signed, others)
    | st.just(signed[-5:])
)
bodies = (
    st.binary(max_size=100)
    | st.sampled_from([GOOD.body, OTHER.body, b"", b" " * (MAX_BODY + 1)])
    | st.builds(lambda body, at: body[:at], st.just(GOOD.body), st.integers(0, len(GOOD.body)))
)
pieces = bodies.flatmap(
    lambda body: st.integers(0, len(body)).map(lambda at: [body[:at], body[at:]])
)
methods = st.sampled_from(["POST"] * 6 + ["GET", "PUT", "HEAD", "DELETE", "OPTIONS"]) | tokens


@example(  # a body that is cut short
    method="POST",
    given_headers=[(b"Content-Length", b"100")],
    given_pieces=[b"", b""],
    with_length=False,
)
@given(method=methods, given_headers=headers, given_pieces=pieces, with_length=st.booleans())
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_request_has_a_documented_answer(
    call: Call, method: str, given_headers, given_pieces: list[bytes], with_length: bool
):
    if with_length and not any(name.lower() == b"content-length" for name, _ in given_headers):
        length = str(sum(map(len, given_pieces))).encode()
        given_headers = [*given_headers, (b"Content-Length", length)]
    status = call(method, given_headers, given_pieces)
    assert status in DOCUMENTED
    if method not in {"POST", "OPTIONS"}:
        assert status in {400, 405}
    if status == 200 and method == "POST":
        # Flask and FastAPI answer some OPTIONS themselves; everything else was signed.
        assert b"".join(given_pieces) in {GOOD.body, OTHER.body}


def test_the_good_one_is_among_them(call: Call):
    length = (b"Content-Length", str(len(GOOD.body)).encode())
    for given_headers in ([*signed[-5:], length], signed[-5:]):
        assert call("POST", given_headers, [GOOD.body]) == 200
