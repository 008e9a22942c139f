"""What the service says is read as far as Python's own ``json`` reads it, and never costs more."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import math
from typing import Any

import pytest
import revrag
from hypothesis import given, settings
from hypothesis import strategies as st
from support import CALL, CAMPAIGN_ID, LEAD, PAGE, PUSHED, RECORD, RUN_ID, STATUS, campaign_at
from support.both import Invoke
from support.server import Serve, reply

VERIFIER = revrag.WebhookVerifier("secret")
MODELS: dict[Any, dict[str, Any]] = {
    revrag.PushResult: PUSHED,
    revrag.PushOutcome: PUSHED["results"][0],
    revrag.Record: RECORD,
    revrag.CallAttempt: RECORD["call_history"][0],
    revrag.RecordPage: PAGE,
    revrag.CampaignStatus: STATUS,
    revrag.CampaignStats: STATUS["stats"],
    revrag.Call: CALL,
    revrag.Transcription: CALL["transcription"],
    revrag.Message: CALL["transcription"]["messages"][0],
    revrag.CustomVariable: CALL["custom_variables"][0],
}
# Half surrogates are among them.
texts = st.text(st.characters(), max_size=8)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)


def event_of(body: bytes, kind: str = "call.ended") -> revrag.WebhookEvent:
    return VERIFIER.verify(body, VERIFIER.sign(body, event_id="evt_1", event_type=kind))


def same(one: Any, other: Any) -> bool:
    """Equal, NaN being NaN, and 1 being neither 1.0 nor True."""
    return repr(one) == repr(other)


# --- what is JSON ----------------------------------------------------------------------------


@given(
    more=st.dictionaries(texts, anything, max_size=4),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 0, 2]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]),
)
@settings(max_examples=300)
def test_what_json_loads_takes_is_read(
    more: dict[str, Any], ascii_only: bool, indent: int | None, encoding: str
) -> None:
    text = json.dumps(more | {"call_id": "c1"}, ensure_ascii=ascii_only, indent=indent)
    body = text.encode(encoding, "surrogatepass")
    event = event_of(body)
    assert same(event.payload, json.loads(body))
    assert event.call is not None
    assert event.call.call_id == "c1"
    assert same(event.call.to_dict(), event.payload)
    again = revrag.Call.from_dict(event.call.to_dict())
    assert same(again.to_dict(), json.loads(json.dumps(event.payload)))
    repr(event)


@given(
    body=st.binary(max_size=30)
    | st.from_regex(r"[\[\]{}:,\"\\u0-9a-dD.eE+\-NInfinity ]{0,25}").map(str.encode)
)
@settings(max_examples=500)
def test_what_json_loads_refuses_is_refused(body: bytes) -> None:
    try:
        expected = json.loads(body)
    except (ValueError, RecursionError):
        expected = None
    try:
        read: Any = event_of(body, "agent.born").payload
    except revrag.InvalidPayloadError:
        read = None
    assert same(read, expected if isinstance(expected, dict) else None), body


@pytest.mark.parametrize(
    "text",
    [
        '{"call_id": "c\\ud83d", "summary": "half \\ud83d", "\\ude00": ["\\ud83d\\ud83d\\ude00"]}',
        '{"call_id": "c1", "duration": NaN, "x": [Infinity, -Infinity, 1e999, -0, -0.0, 1E+2]}',
        '{"call_id": "first", "call_id": "c1", "a": {"b": 1, "b": 2}}',
        '{"c\\u0061ll_id": "c1", "\\/": "\\/\\b\\f\\n\\r\\t\\"\\\\"}',
        '{"call_id": "c1", "big": 123456789012345678901234567890, "n": 9223372036854775808}',
        ' \t\r\n{"call_id":"c1"}\n ',
    ],
)
def test_odd_json(invoke: Invoke, serve: Serve, text: str) -> None:
    event = event_of(text.encode())
    assert same(event.payload, json.loads(text))
    served = campaign_at(serve(reply(200, text)).url).client
    call = invoke(served, "call", RUN_ID)
    assert call == event.call
    assert hash(call) == hash(event.call)
    assert same(call.to_dict(), json.loads(text))
    assert same(call.extra, {k: v for k, v in json.loads(text).items() if k not in CALL})
    if call.summary:
        assert call.summary == "half �"
        assert call.call_id == "c�"


def test_nesting_has_a_bound(invoke: Invoke, serve: Serve) -> None:
    def nested(depth: int) -> str:
        opened, closed = '[{"y":' * depth, "}]" * depth
        return '{"call_id": "c1", "x": ' + opened + "1" + closed + "}"

    payload = event_of(nested(490).encode()).payload["x"]
    for _ in range(490):
        payload = payload[0]["y"]
    assert payload == 1
    for depth in (500, 100_000):
        with pytest.raises(revrag.InvalidPayloadError, match="nested deeper than 1000 levels"):
            event_of(nested(depth).encode())
    served = campaign_at(serve(reply(200, nested(100_000))).url).client
    with pytest.raises(revrag.InvalidResponseError, match="nested deeper"):
        invoke(served, "call", RUN_ID)


def test_integers_have_a_bound() -> None:
    assert event_of(b'{"call_id": %s}' % (b"9" * 4300)).payload == {"call_id": int("9" * 4300)}
    with pytest.raises(revrag.InvalidPayloadError, match="4300 digits"):
        event_of(b'{"call_id": %s}' % (b"9" * 4301))


# --- fields of other types -------------------------------------------------------------------


@given(data=st.data(), value=anything)
@settings(max_examples=300)
def test_no_field_of_another_type_raises(data: st.DataObject, value: Any) -> None:
    model = data.draw(st.sampled_from(list(MODELS)))
    name = data.draw(st.sampled_from(list(MODELS[model])))
    document = MODELS[model] | {name: value}
    made = model.from_dict(document)
    assert same(made.to_dict(), json.loads(json.dumps(document)))
    for field in MODELS[model]:
        seen = getattr(made, field)
        if field != name:
            assert seen == getattr(model.from_dict(MODELS[model]), field), field
    repr(made)
    made._repr_html_()
    hash(made)


@given(name=st.sampled_from(list(CALL)), value=anything)
def test_what_has_a_call_id_reaches_the_handler(name: str, value: Any) -> None:
    event = event_of(json.dumps(CALL | {name: value}).encode())
    assert event.call is not None
    for field in CALL:
        getattr(event.call, field)


CONVERTED: list[tuple[Any, str, Any, Any]] = [
    (revrag.Record, "attempt_count", "72", 72),
    (revrag.Record, "attempt_count", " 1 ", 1),
    (revrag.Record, "attempt_count", 1.0, 1),
    (revrag.Record, "attempt_count", "1.0", 1),
    (revrag.Record, "attempt_count", -1, -1),
    (revrag.Record, "attempt_count", 10**30, 10**30),
    (revrag.Record, "attempt_count", 1.5, None),
    (revrag.Record, "attempt_count", "many", None),
    (revrag.Record, "attempt_count", True, None),
    (revrag.Record, "attempt_count", [1], None),
    (revrag.Record, "attempt_count", math.inf, None),
    (revrag.Record, "id", 17, "17"),
    (revrag.Record, "id", 10**30, str(10**30)),
    (revrag.Record, "id", {"$oid": "x"}, None),
    (revrag.Record, "phone_number", 919876543210, "919876543210"),
    (revrag.Record, "status", None, None),
    (revrag.Record, "variables", "x", None),
    (revrag.Record, "variables", [], None),
    (revrag.Record, "next_attempt_at", "", None),
    (revrag.Record, "next_attempt_at", "soon", None),
    (revrag.Record, "next_attempt_at", "-000005-01-01T00:00:00Z", None),
    (revrag.Record, "next_attempt_at", 0, None),
    (revrag.Record, "call_history", {"call_id": "x"}, []),
    (revrag.PushOutcome, "accepted", "true", True),
    (revrag.PushOutcome, "accepted", 0, False),
    (revrag.PushOutcome, "accepted", "perhaps", None),
    (revrag.Call, "duration", "72", 72),
    (revrag.Call, "duration", "72.5", 72.5),
    (revrag.Call, "duration", "72 s", None),
    (revrag.Call, "duration", 72.0, 72.0),
    (revrag.Call, "transcription", "Hello", None),
    (revrag.CampaignStatus, "stats", 7, None),
    (revrag.CampaignStats, "queued", "18", 18),
    (revrag.CampaignStats, "queued", "x", None),
    (revrag.CampaignStats, "queued", None, 0),
]


@pytest.mark.parametrize(("model", "name", "value", "expected"), CONVERTED)
def test_what_is_converted(model: Any, name: str, value: Any, expected: Any) -> None:
    made = model.from_dict(MODELS[model] | {name: value})
    assert same(getattr(made, name), expected)
    assert same(made.to_dict()[name], value)


def test_offsets_and_blanks_around_a_moment() -> None:
    made = revrag.Record.from_dict(RECORD | {"created_at": " 2026-05-27T03:00:00+00:00 "})
    assert made.created_at == dt.datetime(2026, 5, 27, 3, tzinfo=dt.UTC)


# --- items that are none ---------------------------------------------------------------------

ODD = [
    RECORD | {"id": 5, "call_history": [{"status": "ringing"}, 7]},
    "no record",
    None,
    {"status": "queued"},
    RECORD | {"attempt_count": "1", "next_attempt_at": "", "variables": {"a": "\ud83d"}},
]


@pytest.fixture
def page() -> dict[str, Any]:
    return PAGE | {"items": ODD, "has_more": False}


def test_an_odd_item_costs_itself(
    invoke: Invoke, serve: Serve, page: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    campaign = campaign_at(serve(reply(200, page)).url)
    with caplog.at_level(logging.WARNING, "revrag"):
        read = invoke(campaign, "records_page")
        assert [record.id for record in read.items] == ["5", RECORD["id"]]
    assert "3 of 5 entries" in caplog.text
    assert "no record" not in caplog.text
    assert read.left_out == ODD[1:4]
    assert read.to_dict() == page
    first = read.items[0]
    assert [attempt.call_id for attempt in first.call_history] == [None]
    assert first.to_dict() == ODD[0]


def test_the_pager_goes_on_after_odd_pages(serve: Serve, page: dict[str, Any]) -> None:
    more, other = {"has_more": True, "total": None}, {"items": [RECORD | {"id": 6}, *ODD[1:4]]}
    pages = [page | more, page | more | {"items": [7]}, page | more | other]
    pages += [page | more | {"items": [RECORD | {"id": 7}], "has_more": "no idea"}]
    pages += [page | more | {"items": [RECORD | {"id": 8}, {}], "has_more": False}]
    campaign = campaign_at(serve(*(reply(200, one) for one in pages)).url)
    found = [record.id for record in campaign.records()]
    assert found == ["5", RECORD["id"], "6", "7", "8"]


@pytest.mark.parametrize("more", [True, None, "no idea"])
@pytest.mark.parametrize("form", ["for", "async for"])
def test_the_pager_ends_where_pages_repeat(
    serve: Serve, page: dict[str, Any], form: str, more: Any
) -> None:
    server = serve(reply(200, page | {"has_more": more}))
    pager = campaign_at(server.url).records()

    async def every() -> list[revrag.Record]:
        return [record async for record in pager]

    with pytest.raises(revrag.InvalidResponseError, match="again and again"):
        list(pager) if form == "for" else asyncio.run(every())
    assert len(server.requests) == 2


@pytest.mark.parametrize("items", [None, {}, "x", 7])
def test_a_page_without_a_list_is_no_empty_page(invoke: Invoke, serve: Serve, items: Any) -> None:
    campaign = campaign_at(serve(reply(200, PAGE | {"items": items})).url)
    with pytest.raises(revrag.InvalidResponseError, match="items: expected a list"):
        invoke(campaign, "records_page")


@pytest.mark.parametrize("result", [7, {}, {"accepted": None}, {"accepted": "who knows"}])
def test_a_push_with_a_result_that_says_nothing(invoke: Invoke, serve: Serve, result: Any) -> None:
    server = serve(reply(200, PUSHED | {"results": [result]}))
    with pytest.raises(revrag.PushOutcomeUnknownError):
        invoke(campaign_at(server.url), "push", [LEAD])
    assert len(server.requests) == 1


def test_wait_reads_odd_records(invoke: Invoke, serve: Serve) -> None:
    due = RECORD | {"status": "failed", "attempt_count": None, "next_attempt_at": "tomorrow"}
    last = RECORD | {"status": "failed", "attempt_count": "3", "max_attempts": 3.0, "x": "\ud83d"}
    server = serve(reply(200, due), reply(200, last))
    record = invoke(campaign_at(server.url), "wait", RUN_ID, timeout=10, poll_interval=0.01)
    assert record.to_dict() == last
    assert len(server.requests) == 2


def test_models_hash_as_they_compare() -> None:
    for model, document in MODELS.items():
        one = model.from_dict(document)
        other = model.from_dict(dict(reversed(document.items())))
        assert len({one, other, model.from_dict(document | {"more": 1})}) == 2
    assert len({event_of(json.dumps(CALL).encode()) for _ in range(2)}) == 1
    assert CAMPAIGN_ID


@pytest.mark.parametrize(
    ("text", "body"),
    [
        (r'{"detail": "cut \ud83d off"}', {"detail": "cut \ud83d off"}),
        ('\ufeff{"detail": "a mark"}', {"detail": "a mark"}),
        (r'{"detail": [{"msg": "\udc00 no", "type": "t", "loc": ["body", 0]}]}', ...),
        ('{"detail": NaN, "detail": "the last", "n": 98765432109876543210}', ...),
        ("[1, Infinity]", [1, float("inf")]),
        ("<html>no", "<html>no"),
        ('{"detail": "cut', '{"detail": "cut'),
        ("", ""),
    ],
)
def test_a_refusal_is_read_as_python_reads_it(
    invoke: Invoke, serve: Serve, text: str, body: Any
) -> None:
    raw = text.encode()
    expected = json.loads(text) if body is ... else body
    with pytest.raises(revrag.BadRequestError) as info:
        invoke(campaign_at(serve(reply(400, raw)).url), "push", [LEAD])
    error = info.value
    assert error.body == expected
    assert type(error.body) is type(expected)
    detail = expected.get("detail") if isinstance(expected, dict) else None
    assert error.detail == detail
    # What is printed can be printed.
    str(error).encode()
    if isinstance(detail, str):
        assert detail.replace("\ud83d", "\ufffd") in str(error)
    if isinstance(detail, list):
        assert error.errors[0].msg == detail[0]["msg"]
