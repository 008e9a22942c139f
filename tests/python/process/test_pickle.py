"""What is pickled in one process works in another, and a copy works beside its original."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from revrag.sandbox import Sandbox
from support.script import Run

# What is pickled and copied, and what each must still be and do.
OBJECTS = f"""
import copy, pickle
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
import support
from revrag import errors
url = sys.argv[1]
seen = []
def note(event):
    seen.append(event.status)
MODELS = {{
    "PushResult": support.PUSHED, "PushOutcome": support.REJECTION, "Record": support.RECORD,
    "CallAttempt": support.RECORD["call_history"][0], "RecordPage": support.PAGE,
    "CampaignStatus": support.STATUS, "CampaignStats": support.STATUS["stats"],
    "Call": support.CALL, "Transcription": support.CALL["transcription"],
    "Message": support.CALL["transcription"]["messages"][0],
    "CustomVariable": support.CALL["custom_variables"][0],
    "WebhookEvent": {{
        "id": "evt_1", "type": "call.ended", "timestamp": 1_780_000_000, "payload": support.CALL,
    }},
}}
def models():
    for name, document in MODELS.items():
        yield getattr(revrag, name).from_dict(document | {{"new": [1, None]}})
    yield revrag.RequestEvent("GET", "/v1", 200, 2, 0.5, "req-1", "why")
def raised():
    fields = {{"status_code": 422, "body": {{"detail": [{{"loc": ["body", 0], "msg": "m"}}]}},
               "request_id": "req-1"}}
    for name in errors.__all__:
        kind = getattr(errors, name)
        if name == "ErrorDetail":
            continue
        if issubclass(kind, errors.APIStatusError):
            error = kind("text", **fields)
        elif kind is errors.InvalidResponseError:
            error = kind("text", status_code=200, request_id="req-1")
        else:
            error = kind("text")
        if kind is errors.RateLimitError:
            error.retry_after = 7.5
        if kind is errors.WaitTimeoutError:
            error.record = revrag.Record.from_dict(support.RECORD)
        error.__cause__ = errors.APITimeoutError("why")
        yield error
def told(error):
    return [type(error), error.args, str(error.__cause__), error.errors if hasattr(error, "errors")
            else None, {{k: v for k, v in vars(error).items() if k != "__cause__"}}]
def objects():
    leads = campaign(url, timeout=7.5, connect_timeout=1.5, max_retries=0, on_request=note)
    return {{
        "client": leads.client, "campaign": leads, "pager": leads.records(page_size=1),
        "verifier": revrag.WebhookVerifier(["new", "old"], tolerance=7, future_tolerance=8),
        "models": list(models()), "errors": list(raised()),
        "detail": errors.ErrorDetail(("body", 0), "m", "t"),
    }}
def check(held):
    seen.clear()
    assert held["client"].base_url == url
    assert held["client"].campaign(CAMPAIGN_ID).push([LEAD]).accepted == 1
    assert held["campaign"].push([LEAD]).accepted == 1
    assert asyncio.run(held["campaign"].status_async()).status == "running"
    assert len(list(held["pager"])) >= 2
    assert len(seen) >= 5 and set(seen) == {{200}}
    body, sent = b'{{"a": 1}}', 1_780_000_000
    for secret in ("new", "old"):
        headers = revrag.WebhookVerifier(secret).sign(body, event_id="e", event_type="x",
                                                      timestamp=sent)
        held["verifier"].verify(body, headers, now=sent + 7)
        try:
            held["verifier"].verify(body, headers, now=sent + 8)
        except errors.TimestampOutOfToleranceError:
            continue
        raise AssertionError("another tolerance")
    assert held["models"] == list(models())
    assert [model.to_dict() for model in held["models"][:-1]] == [
        model.to_dict() for model in list(models())[:-1]]
    assert [told(error) for error in held["errors"]] == [told(error) for error in raised()]
    assert held["detail"] == errors.ErrorDetail(("body", 0), "m", "t")
"""


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_work_in_another_process(run: Run, service: Sandbox, protocol: int) -> None:
    made = run(
        OBJECTS + "print(pickle.dumps(objects(), int(sys.argv[2])).hex())", service.url, protocol
    )
    run(OBJECTS + "check(pickle.loads(bytes.fromhex(sys.argv[2])))", service.url, made.out.strip())


@pytest.mark.parametrize("way", ["copy", "deepcopy"])
def test_copies_work_beside_their_originals(run: Run, service: Sandbox, way: str) -> None:
    run(
        OBJECTS
        + """
held = objects()
twins = {name: getattr(copy, sys.argv[2])(value) for name, value in held.items()}
check(twins)
twins["client"].close()
check(held)
""",
        service.url,
        way,
    )


def test_a_sandbox_says_that_it_cannot(run: Run) -> None:
    run(
        """
        import copy, pickle
        from revrag.sandbox import Sandbox
        with Sandbox() as sandbox:
            for way in (pickle.dumps, copy.copy, copy.deepcopy):
                try:
                    way(sandbox)
                except TypeError:
                    continue
                raise AssertionError(way)
        """
    )
