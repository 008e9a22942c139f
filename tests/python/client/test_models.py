"""The models: what they read, keep, show, and refuse to change."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
import revrag
from hypothesis import given
from hypothesis import strategies as st
from support import (
    CALL,
    OUTCOME,
    PAGE,
    PUSHED,
    RECORD,
    REJECTION,
    STATUS,
)

EVENT = {"id": "evt_1", "type": "call.ended", "timestamp": 1_780_000_000, "payload": CALL}
DOCUMENTS: dict[type, dict[str, Any]] = {
    revrag.PushResult: PUSHED,
    revrag.PushOutcome: REJECTION,
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
# Without it, an object is something else.
REQUIRED: dict[type, set[str]] = {
    revrag.PushResult: {"results"},
    revrag.PushOutcome: {"accepted"},
    revrag.Record: {"id"},
    revrag.CallAttempt: set(),
    revrag.RecordPage: {"items"},
    revrag.CampaignStatus: {"status"},
    revrag.CampaignStats: set(),
    revrag.Call: {"call_id"},
    revrag.Transcription: set(),
    revrag.Message: set(),
    revrag.CustomVariable: set(),
}
models = pytest.mark.parametrize("model", DOCUMENTS, ids=lambda model: model.__name__)


@models
def test_every_documented_field_is_an_attribute(model: Any) -> None:
    document = DOCUMENTS[model]
    made = model.from_dict(document)
    for name, value in document.items():
        seen = getattr(made, name)
        if isinstance(seen, dt.datetime):
            assert seen.utcoffset() is not None
            assert seen == dt.datetime.fromisoformat(value)
        elif isinstance(seen, list):
            assert [one.to_dict() for one in seen] == value
        elif hasattr(seen, "to_dict"):
            assert seen.to_dict() == value
        else:
            assert (seen, type(seen)) in [(value, type(value)), (value, float)]
    assert made.extra == {}
    assert made.to_dict() == document


@models
def test_unknown_fields_are_kept(model: Any) -> None:
    more = {"of tomorrow": {"a": [1, None, "é"]}, "real": 0.1, "_extra": 10**30}
    made = model.from_dict(DOCUMENTS[model] | more)
    assert made.extra == more
    assert made.to_dict() == DOCUMENTS[model] | more
    with pytest.raises(AttributeError):
        _ = made.of_tomorrow


@models
def test_absent_optional_fields_are_none_or_empty(model: Any) -> None:
    document = {name: DOCUMENTS[model][name] for name in REQUIRED[model]}
    for bare in (document, document | dict.fromkeys(set(DOCUMENTS[model]) - REQUIRED[model])):
        made = model.from_dict(bare)
        for name in set(DOCUMENTS[model]) - REQUIRED[model]:
            assert getattr(made, name) in (None, [], 0), name
        assert made.to_dict() == bare


@models
def test_absent_required_fields_are_named(model: Any) -> None:
    for name in REQUIRED[model]:
        document = {key: value for key, value in DOCUMENTS[model].items() if key != name}
        with pytest.raises(revrag.InvalidArgumentError, match=name):
            model.from_dict(document)


@models
def test_what_is_no_dict_is_refused(model: Any) -> None:
    for bad in (None, 7, "x", [], object(), {"a": object()}):
        with pytest.raises((revrag.InvalidArgumentError, TypeError)):
            model.from_dict(bad)


@models
def test_they_are_frozen(model: Any) -> None:
    made = model.from_dict(DOCUMENTS[model])
    for name in (*DOCUMENTS[model], "extra", "new"):
        with pytest.raises(AttributeError):
            setattr(made, name, 1)
    with pytest.raises(TypeError):
        type("Sub", (model,), {})
    made.to_dict().clear()
    assert made.to_dict() == DOCUMENTS[model]


@models
def test_they_compare_by_their_documents(model: Any) -> None:
    document = DOCUMENTS[model]
    made, same = model.from_dict(document), model.from_dict(dict(reversed(document.items())))
    assert made == same
    assert made != model.from_dict(document | {"more": 1})
    assert made != document
    assert (made == 7) is False


@models
def test_they_show_their_fields(model: Any) -> None:
    made = model.from_dict(DOCUMENTS[model])
    shown = repr(made)
    assert shown.startswith(f"{model.__name__}(")
    for name in DOCUMENTS[model]:
        assert f"{name}=" in shown
    assert "<table" in made._repr_html_()


def test_a_table_escapes_what_it_shows() -> None:
    evil = "<script>alert(1)</script>"
    html = revrag.Record.from_dict(RECORD | {"status": evil})._repr_html_()
    assert evil not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("status", ["QUEUED", "a status of tomorrow", ""])
def test_statuses_are_open(status: str) -> None:
    assert revrag.Record.from_dict(RECORD | {"status": status}).status == status
    assert revrag.Call.from_dict(CALL | {"call_status": status}).call_status == status
    assert revrag.CampaignStatus.from_dict(STATUS | {"status": status}).status == status
    assert revrag.PushOutcome.from_dict(OUTCOME | {"status": status}).status == status


@pytest.mark.parametrize(
    ("status", "attempts", "most", "final"),
    [
        ("completed", 1, 3, True),
        ("dnc", 0, 3, True),
        ("failed", 3, 3, True),
        ("failed", 4, 3, True),
        ("failed", 1, 3, False),
        ("failed", None, None, False),
        ("queued", 3, 3, False),
        ("rescheduled", 3, 3, False),
    ],
)
def test_what_is_final(status: str, attempts: int | None, most: int | None, final: bool) -> None:
    document = RECORD | {"status": status, "attempt_count": attempts, "max_attempts": most}
    assert revrag.Record.from_dict(document).is_final is final


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-27T03:00:00.123456+00:00",
        "2026-05-27T03:00:00Z",
        "2026-05-27T03:00:00",
        "2026-05-27T08:30:00+05:30",
    ],
)
def test_timestamps_are_aware(text: str) -> None:
    moment = revrag.Record.from_dict(RECORD | {"created_at": text}).created_at
    assert moment is not None
    expected = dt.datetime.fromisoformat(text)
    assert moment == (expected if expected.tzinfo else expected.replace(tzinfo=dt.UTC))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(variables=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), json_values))
def test_any_variables_come_back_as_they_were(variables: dict[str, Any]) -> None:
    record = revrag.Record.from_dict(RECORD | {"variables": variables})
    assert json.dumps(record.variables) == json.dumps(json.loads(json.dumps(variables)))
    assert revrag.Record.from_dict(record.to_dict()) == record


@given(document=json_values)
def test_any_json_makes_a_model_or_an_error(document: Any) -> None:
    for model in DOCUMENTS:
        try:
            made = model.from_dict(document)  # type: ignore[attr-defined]
        except (revrag.InvalidArgumentError, TypeError):
            continue
        assert made.to_dict() == document
        repr(made)
        made._repr_html_()
