"""The commands of the reference, typed into a shell: with the sandbox's URL, id and key."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from revrag.sandbox import Sandbox

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")

# What the reference shows of each answer: the fields, and the type of each.
TEXT, COUNT, MAYBE = (str,), (int,), (str, type(None))
PUSHED = {
    "phone_number": TEXT,
    "accepted": (bool,),
    "run_id": MAYBE,
    "status": MAYBE,
    "error": MAYBE,
}
RECORD = {
    "id": TEXT,
    "campaign_id": TEXT,
    "workspace_id": TEXT,
    "phone_number": TEXT,
    "status": TEXT,
    "variables": (dict,),
    "app_user_id": MAYBE,
    "app_session_id": MAYBE,
    "attempt_count": COUNT,
    "max_attempts": COUNT,
    "call_history": (list,),
    "next_attempt_at": MAYBE,
    "dnc_at": MAYBE,
    "dnc_reason": MAYBE,
    "created_at": TEXT,
    "updated_at": TEXT,
}
CALL = {
    "call_status": TEXT,
    "call_id": TEXT,
    "agent_id": TEXT,
    "from_number": TEXT,
    "to_number": TEXT,
    "summary": TEXT,
    "start_time": TEXT,
    "end_time": TEXT,
    "duration": COUNT,
    "disconnection_reason": TEXT,
    "recording_url": TEXT,
    "transcription": (dict,),
    "custom_variables": (list,),
    "variables_fields": (dict,),
    "campaign_id": TEXT,
    "attempt_no": COUNT,
    "app_user_id": MAYBE,
    "app_session_id": MAYBE,
}
STATS = [
    "total_records",
    "queued",
    "in_progress",
    "completed",
    "failed",
    "dnc",
    "rescheduled",
    "retry_pending",
    "follow_up_pending",
]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(time="manual") as sandbox:
        sandbox.script("+919876543210", ["completed"])
        yield sandbox


def curl(sandbox: Sandbox, method: str, path: str, body: object = None) -> Any:
    """What the command prints."""
    path = path.format(campaign_id=sandbox.campaign_id)
    line = f'curl -X {method} "{sandbox.url}{path}" -H "X-API-Key: {sandbox.api_key}"'
    if body is not None:
        line += f' -H "Content-Type: application/json" -d {shlex.quote(json.dumps(body))}'
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, timeout=30, check=True
    )
    return json.loads(done.stdout)


def is_as_shown(answer: dict[str, Any], fields: dict[str, tuple[type, ...]]) -> bool:
    assert list(answer) == list(fields)
    wrong = {
        name: answer[name] for name, types in fields.items() if type(answer[name]) not in types
    }
    assert not wrong
    return True


def push(sandbox: Sandbox, *records: dict[str, Any]) -> Any:
    path = "/v1/campaigns/{campaign_id}/records/push-bulk"
    return curl(sandbox, "POST", path, {"records": records})


LEAD = {
    "phone_number": "+919876543210",
    "variables": {"first_name": "Pankaj"},
    "app_user_id": "user_12345",
    "app_session_id": "sess_abcdef",
}


def test_push_records(sandbox: Sandbox):
    riya = {"phone_number": "+919876543211", "variables": {"first_name": "Riya"}}
    answer = push(sandbox, LEAD, riya, {"phone_number": "not-a-number"})
    assert (answer["accepted"], answer["rejected"]) == (2, 1)
    assert all(is_as_shown(one, PUSHED) for one in answer["results"])
    assert [one["accepted"] for one in answer["results"]] == [True, True, False]


def test_get_record_list_records_and_campaign_status(sandbox: Sandbox):
    run_id = push(sandbox, LEAD)["results"][0]["run_id"]
    sandbox.run_until_idle()
    record = curl(sandbox, "GET", f"/v1/campaigns/{{campaign_id}}/records/{run_id}")
    assert is_as_shown(record, RECORD)
    assert record.items() >= {**LEAD, "id": run_id, "status": "completed"}.items()
    assert set(record["call_history"][0]) >= {"call_id", "status"}
    assert datetime.fromisoformat(record["created_at"]).tzinfo is not None

    query = "status=completed&page=1&page_size=50"
    page = curl(sandbox, "GET", f"/v1/campaigns/{{campaign_id}}/records?{query}")
    assert page == {"items": [record], "total": 1, "has_more": False, "page": 1, "page_size": 50}

    status = curl(sandbox, "GET", "/v1/campaigns/{campaign_id}/status")
    assert list(status) == ["campaign_id", "status", "stats"]
    assert list(status["stats"]) == STATS
    assert status["stats"] == dict.fromkeys(STATS, 0) | {"total_records": 1, "completed": 1}


def test_get_call_status(sandbox: Sandbox):
    run_id = push(sandbox, LEAD)["results"][0]["run_id"]
    sandbox.run_until_idle()
    record = curl(sandbox, "GET", f"/v1/campaigns/{{campaign_id}}/records/{run_id}")
    call_id = record["call_history"][0]["call_id"]
    call = curl(sandbox, "GET", f"/v1/campaigns/trigger/status/{call_id}")
    assert is_as_shown(call, CALL)
    assert call["variables_fields"] == LEAD["variables"]
    assert (call["app_user_id"], call["app_session_id"]) == ("user_12345", "sess_abcdef")
    assert {role for one in call["transcription"]["messages"] for role in [one["role"]]} == {
        "assistant",
        "user",
    }
    for variable in call["custom_variables"]:
        assert list(variable) == ["key", "type", "value"]
    with_audio = subprocess.run(
        ["curl", "--silent", "--fail", call["recording_url"]],
        capture_output=True,
        timeout=30,
        check=True,
    )
    assert len(with_audio.stdout) > 1000
