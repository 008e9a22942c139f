"""What the reference says of the wire, asked of the sandbox and of the tests' own service alike.

They were written apart, and share no code: where both agree with this, what is tested against one
holds against the other.
"""

from __future__ import annotations

import http.client
import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import revrag
from revrag.sandbox import Sandbox
from support import CAMPAIGN_ID
from support.service import Service, answer, at, refuse, reset, status, truncate

RECORDS = f"/v1/campaigns/{CAMPAIGN_ID}/records"
PUSH = f"{RECORDS}/push-bulk"
STATUS = f"/v1/campaigns/{CAMPAIGN_ID}/status"
COUNTS = {
    "queued",
    "in_progress",
    "completed",
    "failed",
    "dnc",
    "rescheduled",
    "retry_pending",
    "follow_up_pending",
}
RECORD = {
    "id",
    "campaign_id",
    "workspace_id",
    "phone_number",
    "status",
    "variables",
    "app_user_id",
    "app_session_id",
    "attempt_count",
    "max_attempts",
    "call_history",
    "next_attempt_at",
    "dnc_at",
    "dnc_reason",
    "created_at",
    "updated_at",
}


@dataclass
class Double:
    """One that answers as the service does."""

    url: str
    key: str
    # Makes the request to push with this number, from 0, go wrong in this way.
    fail: Callable[[int, str], None]

    def ask(
        self, method: str, path: str, body: object = None, *, key: str | None = ""
    ) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if key is not None:
            headers["X-API-Key"] = key or self.key
        sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=20)
        try:
            connection.request(method, path, sent, headers)
            answered = connection.getresponse()
            assert answered.headers["content-type"] == "application/json"
            return answered.status, json.loads(answered.read())
        finally:
            connection.close()

    def push(self, *records: dict[str, Any]) -> Any:
        code, body = self.ask("POST", PUSH, {"records": records})
        assert code == 200
        return body

    def campaign(self) -> revrag.Campaign:
        return revrag.Client(self.key, base_url=self.url).campaign(CAMPAIGN_ID)


def of_sandbox() -> Iterator[Double]:
    """Nothing happens to its records: its time is moved by hand, and nobody moves it."""
    with Sandbox(time="manual", campaign_id=CAMPAIGN_ID) as sandbox:

        def fail(number: int, how: str) -> None:
            faults: dict[str, dict[str, Any]] = {
                "lost": {"kind": "dropped", "applied": 1.0},
                "half": {"kind": "dropped", "applied": 0.5},
                "away": {"kind": "dropped", "applied": 0.0},
                "broken": {"kind": "status", "status": 503},
                "malformed": {"kind": "malformed"},
                "truncated": {"kind": "truncated"},
                "closed": {"kind": "refused", "seconds": 0.2},
            }
            sandbox.fault("push", **faults[how], after=number, times=1)

        yield Double(sandbox.url, sandbox.api_key, fail)


def of_tests() -> Iterator[Double]:
    with Service() as service:

        def fail(number: int, how: str) -> None:
            faults = {
                "lost": reset(),
                "half": reset(applied=0.5),
                "away": reset(applied=0.0),
                "broken": status(503),
                "malformed": answer(200, b"<html>"),
                "truncated": truncate(),
                "closed": refuse(seconds=0.2),
            }
            service.faults = at({number: faults[how]})

        yield Double(service.url, "key", fail)


@pytest.fixture(params=[of_sandbox, of_tests], ids=["sandbox", "tests"])
def double(request: pytest.FixtureRequest) -> Iterator[Double]:
    yield from request.param()


def lead(number: int, **more: Any) -> dict[str, Any]:
    return {"phone_number": f"+9198765{number:05d}", **more}


def is_uuid(text: Any) -> bool:
    return str(uuid.UUID(text)) == text


def test_each_record_of_a_push_has_a_result_in_its_place(double: Double):
    wrong = {"phone_number": "not-a-number"}
    body = double.push(lead(0, variables={"first_name": "Pankaj"}), wrong, lead(1))
    assert list(body) == ["accepted", "rejected", "results"]
    assert (body["accepted"], body["rejected"]) == (2, 1)
    first, second, third = body["results"]
    for result, number in ((first, 0), (third, 1)):
        assert is_uuid(run := result.pop("run_id"))
        assert result == {
            "phone_number": lead(number)["phone_number"],
            "accepted": True,
            "status": "queued",
            "error": None,
        }, run
    assert second == {
        "phone_number": "not-a-number",
        "accepted": False,
        "run_id": None,
        "status": None,
        "error": "Invalid Indian phone number: not-a-number",
    }


def test_a_record_is_listed_as_it_was_sent(double: Double):
    variables = {"first_name": "Zoë", "visits": 3, "vip": True, "note": None, "tags": ["a", {}]}
    sent = lead(0, variables=variables, app_user_id="user_1", app_session_id="sess_1")
    run = double.push(sent)["results"][0]["run_id"]
    code, page = double.ask("GET", RECORDS)
    assert code == 200
    assert {key: value for key, value in page.items() if key != "items"} == {
        "total": 1,
        "has_more": False,
        "page": 1,
        "page_size": 50,
    }
    [item] = page["items"]
    assert set(item) == RECORD
    assert item.items() >= {**sent, "id": run, "campaign_id": CAMPAIGN_ID}.items()
    assert item["status"] in COUNTS
    assert (item["attempt_count"], item["call_history"]) == (0, [])
    assert revrag.Record.from_dict(item).created_at is not None


def test_pages_are_the_whole_listing(double: Double):
    runs = [one["run_id"] for one in double.push(*map(lead, range(120)))["results"]]
    seen = []
    for number in (1, 2, 3):
        code, page = double.ask("GET", f"{RECORDS}?page={number}&page_size=50")
        assert code == 200
        assert (page["total"], page["page"], page["page_size"]) == (120, number, 50)
        assert page["has_more"] is (number < 3)
        seen += [item["id"] for item in page["items"]]
    assert Counter(seen) == Counter(runs)
    code, beyond = double.ask("GET", f"{RECORDS}?page=4&page_size=50")
    assert (code, beyond["items"], beyond["has_more"]) == (200, [], False)
    assert double.ask("GET", f"{RECORDS}?page_size=200")[1]["page_size"] == 200


@pytest.mark.parametrize("query", ["page=0", "page_size=0", "page_size=201"])
def test_a_page_that_can_not_be(double: Double, query: str):
    code, body = double.ask("GET", f"{RECORDS}?{query}")
    assert code == 422
    assert body["detail"]


def test_counts_add_up(double: Double):
    double.push(*map(lead, range(7)))
    code, body = double.ask("GET", STATUS)
    assert code == 200
    assert (body["campaign_id"], body["status"]) == (CAMPAIGN_ID, "running")
    stats = body["stats"]
    assert set(stats) == COUNTS | {"total_records"}
    assert stats["total_records"] == sum(stats[one] for one in COUNTS) == 7


def test_a_filter_shows_those_of_a_status_alone(double: Double):
    double.push(*map(lead, range(3)))
    shown = 0
    for one in sorted(COUNTS):
        _, page = double.ask("GET", f"{RECORDS}?status={one}")
        assert {item["status"] for item in page["items"]} <= {one}
        shown += page["total"]
    # The tests' service moves records between statuses while they are read.
    assert shown <= 3 * len(COUNTS)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        {},
        {"records": None},
        {"records": [{}]},
        {"records": [{"phone_number": 919876543210}]},
        {"records": [lead(0), {**lead(1), "variables": []}]},
        {"records": [{**lead(0), "app_user_id": 7}]},
    ],
)
def test_what_does_not_match_the_schema_is_refused_whole(double: Double, body: Any):
    code, answered = double.ask("POST", PUSH, body)
    assert code == 422
    assert answered["detail"]
    assert double.ask("GET", STATUS)[1]["stats"]["total_records"] == 0


def test_a_refusal_names_the_record_and_the_field(double: Double):
    records = [lead(0), {**lead(1), "variables": []}]
    _, body = double.ask("POST", PUSH, {"records": records})
    assert [one["loc"] for one in body["detail"]] == [["body", "records", 1, "variables"]]
    assert all({"loc", "msg", "type"} <= set(one) for one in body["detail"])


@pytest.mark.parametrize(("method", "path"), [("POST", PUSH), ("GET", RECORDS), ("GET", STATUS)])
def test_no_key_no_answer(double: Double, method: str, path: str):
    sent = {"records": [lead(0)]} if method == "POST" else None
    code, body = double.ask(method, path, sent, key=None)
    assert code == 401
    assert body["detail"]
    assert double.ask("GET", STATUS)[1]["stats"]["total_records"] == 0


def test_a_campaign_that_is_not_there(double: Double):
    code, body = double.ask("GET", STATUS.replace(CAMPAIGN_ID, str(uuid.UUID(int=7))))
    assert code == 404
    assert body["detail"]


@pytest.mark.parametrize(
    "how", ["lost", "half", "away", "broken", "malformed", "truncated", "closed"]
)
def test_an_upload_calls_everybody_once_whatever_goes_wrong(double: Double, how: str):
    double.fail(1, how)
    leads = [lead(number) for number in range(40)]
    campaign = double.campaign()
    report = campaign.upload(leads, max_records=10, concurrency=2, settle_after=0.1)
    assert (report.accepted, report.unknown) == (40, 0)
    found = Counter(record.phone_number for record in campaign.records())
    assert found == Counter(one["phone_number"] for one in leads)
