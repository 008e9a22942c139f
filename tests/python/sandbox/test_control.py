"""Orders over HTTP, under ``/_sandbox/``: the same as from Python, and from this machine alone."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from revrag.sandbox import Sandbox
from support.receiver import SECRET, Receiver

NUMBER = "+919876543210"


class Control:
    """Sends orders."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.host = sandbox.url.removeprefix("http://")

    def __call__(
        self, method: str, path: str, body: Any = None, *, status: int = 200, **headers: str
    ) -> Any:
        """Send one, expect its status, and read its answer."""
        connection = http.client.HTTPConnection(self.host, timeout=30)
        sent = {"content-type": "application/json"} if body is not None else {}
        if isinstance(body, bytes):
            sent = {"content-type": "application/octet-stream"}
        elif body is not None:
            body = json.dumps(body).encode()
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, f"/_sandbox{path}", body, sent)
        answer = connection.getresponse()
        text, kind = answer.read(), answer.headers["content-type"]
        connection.close()
        assert answer.status == status, (answer.status, text)
        return json.loads(text) if kind == "application/json" else text


@pytest.fixture
def control() -> Iterator[Control]:
    with Sandbox(time="manual", dispatch_after=0, call_duration=60, failure_rate=0) as sandbox:
        yield Control(sandbox)


def push(control: Control, *numbers: str) -> None:
    campaign = control.sandbox.client().campaign(control.sandbox.campaign_id)
    campaign.push([{"phone_number": number} for number in numbers])


def test_it_is_ready_and_lists_every_order(control: Control):
    assert control("GET", "/readyz")["ready"] is True
    orders = control("GET", "/")
    assert len(orders) > 25
    for order in orders:
        path = order["path"].removeprefix("/_sandbox")
        assert path.startswith("/")
        # Each is there: with a method nobody has, its path is known.
        refused = control("TRACE", path.replace("{", "%7B").replace("}", "%7D"), status=405)
        assert "Another method" in refused["detail"]
    control("GET", "/nothing", status=404)
    # They are no requests to the service.
    assert control.sandbox.requests == []
    assert control.sandbox.request_count == 0


def test_time_moves(control: Control):
    assert control("GET", "/time")["now"].startswith("2026-06-01T04:30:00")
    assert control("POST", "/time/advance", {"hours": 1, "minutes": 30})["now"].startswith(
        "2026-06-01T06:00"
    )
    to = {"to": "2026-06-02T00:00:00+05:30"}
    assert control("POST", "/time/advance_to", to)["now"].startswith("2026-06-01T18:30")
    control("POST", "/time/advance_to", to)
    for path, body in [
        ("/time/advance", {"hours": -1}),
        ("/time/advance", {"fortnights": 1}),
        ("/time/advance", {"hours": "1"}),
        ("/time/advance_to", {"to": "2026-06-01T00:00:00Z"}),
        ("/time/advance_to", {"to": "soon"}),
        ("/time/advance_to", {}),
    ]:
        assert control("POST", path, body, status=422)["detail"]
    push(control, NUMBER)
    assert control("POST", "/time/run_until_idle")["now"].startswith("2026-06-01T18:31")


def test_campaigns_are_added_looked_at_and_changed(control: Control):
    (first,) = control("GET", "/campaigns")
    assert first["campaign_id"] == control.sandbox.campaign_id
    assert first["waits_for"] is None
    added = control(
        "POST", "/campaigns", {"settings": {"window": ["11:00", "12:00"], "name": "x"}}, status=201
    )["campaign_id"]
    shown = control("GET", f"/campaigns/{added}")
    assert shown["settings"]["window"] == ["11:00:00", "12:00:00"]
    assert shown["waits_for"] == "outside the window until 11:00 IST"
    changed = control(
        "PATCH", f"/campaigns/{added}", {"status": "paused", "settings": {"max_concurrency": 7}}
    )
    assert (changed["status"], changed["settings"]["max_concurrency"]) == ("paused", 7)
    assert changed["settings"]["name"] == "x"
    refused = control("PATCH", f"/campaigns/{added}", {"settings": {"colour": 1}}, status=422)
    assert "colour" in refused["detail"]
    control("PATCH", f"/campaigns/{added}", {"settings": {"max_concurrency": 0}}, status=422)
    control("GET", "/campaigns/x", status=404)
    other = control("POST", "/workspaces", {"api_key": "other"}, status=201)["workspace_id"]
    theirs = control("POST", "/campaigns", {"workspace_id": other}, status=201)["campaign_id"]
    client = control.sandbox.client(api_key="other")
    assert client.campaign(theirs).status().status == "running"
    control("POST", "/workspaces", {"api_key": "other"}, status=422)
    assert "other" not in json.dumps(control("GET", "/workspaces"))


def test_scripts_and_do_not_call(control: Control):
    control("PUT", f"/scripts/{NUMBER}", ["callback", {"outcome": "dnc"}], status=204)
    assert [it["number"] for it in control("GET", "/scripts")] == [9876543210]
    refused = control("PUT", f"/scripts/{NUMBER}", ["sing"], status=422)
    assert "sing" in refused["detail"]
    push(control, NUMBER)
    control("POST", "/time/run_until_idle")
    (listed,) = control("GET", "/dnc")
    assert (listed["number"], listed["reason"]) == (NUMBER, "Asked during the call")
    control("DELETE", "/dnc/9876543210", status=204)
    assert control("GET", "/dnc") == []
    control("PUT", "/dnc/9876543211", {"reason": "by hand"}, status=204)
    assert control("GET", "/dnc")[0]["reason"] == "by hand"
    control("PUT", "/dnc/12", {}, status=422)
    control("DELETE", f"/scripts/{NUMBER}", status=204)
    assert control("GET", "/scripts") == []


def test_a_snapshot_is_given_back(control: Control):
    push(control, NUMBER)
    taken = control("POST", "/snapshot")
    control("POST", "/time/advance", {"days": 1})
    control("POST", "/faults", {"kind": "status", "probability": 1}, status=201)
    assert control("POST", "/reset")["now"].startswith("2026-06-01T04:30:00")
    assert control("GET", "/faults") == []
    assert control("GET", "/campaigns")[0]["stats"]["total_records"] == 0
    control("POST", "/restore", taken)
    assert control("GET", "/campaigns")[0]["stats"]["total_records"] == 1
    control("POST", "/restore", taken[:-1], status=422)
    # A form can send a body of any kind but this.
    control("POST", "/restore", taken, content_type="text/plain", status=415)
    assert control("GET", "/campaigns")[0]["stats"]["total_records"] == 1


def test_faults_and_logs(control: Control):
    order = {"endpoint": "push", "kind": "status", "status": 503, "times": 2}
    first = control("POST", "/faults", order, status=201)["id"]
    second = control("POST", "/faults", {"kind": "dropped"}, status=201)["id"]
    control("DELETE", f"/faults/{second}", status=204)
    (left,) = control("GET", "/faults")
    assert (left["id"], left["times"], left["struck"]) == (first, 2, 0)
    for bad in ({}, {"kind": "x"}, {"kind": "status", "colour": 1}, [], "x"):
        control("POST", "/faults", bad, status=422)
    with pytest.raises(Exception, match="503"):
        control.sandbox.client(max_retries=0).campaign(control.sandbox.campaign_id).push(
            [{"phone_number": NUMBER}]
        )
    log = control("GET", "/requests?limit=1")
    assert (log["total"], len(log["items"])) == (1, 1)
    assert log["items"][0]["rule"]["name"] == f"fault {first}: status"
    assert NUMBER in log["items"][0]["request_body"]["text"]
    control("GET", "/requests?limit=x", status=422)
    control("DELETE", "/faults", status=204)
    assert control("GET", "/faults") == []


def test_webhooks_are_set_followed_and_sent_again(control: Control):
    with Receiver() as receiver:
        workspace = control("GET", "/workspaces")[0]["workspace_id"]
        path = f"/workspaces/{workspace}/webhook"
        control("PUT", path, {"url": receiver.url, "secret": SECRET}, status=204)
        control("PUT", path, {"url": "http://192.0.2.1/", "secret": "s"}, status=422)
        push(control, NUMBER)
        control("POST", "/time/run_until_delivered", {"timeout": 20})
        (entry,) = control("GET", "/deliveries")["items"]
        assert (entry["status"], entry["event_id"]) == (200, receiver.ids[0])
        control("POST", f"/deliveries/{entry['event_id']}/resend", status=202)
        control("POST", "/time/run_until_delivered")
        call = json.loads(receiver.arrivals[0].body)["call_id"]
        control("POST", f"{path}/rotate", {"secret": "whsec_2"}, status=204)
        control("POST", f"/calls/{call}/resend", status=202)
        control("POST", "/time/run_until_delivered")
        assert len(set(receiver.ids)) == 1
        assert len(receiver.ids) == 3
        assert receiver.arrivals[-1].is_signed_with("whsec_2")
        control("POST", "/deliveries/evt_x/resend", status=422)
        control("PUT", path, json.loads("null") or {}, status=422)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "localhost.evil.example:80"},
        {"host": "192.168.0.1"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
    ids=str,
)
def test_other_sites_give_no_orders(control: Control, headers: dict[str, str]):
    control("POST", "/time/advance", {"hours": 1}, status=403, **headers)
    control("POST", "/reset", status=403, **headers)
    control("GET", "/requests", status=403, **headers)
    assert control("GET", "/time")["now"].startswith("2026-06-01T04:30:00")


def test_a_form_gives_no_orders(control: Control):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        control("POST", "/faults", {"kind": "status"}, status=415, content_type=kind)
    control("POST", "/time/advance", {"hours": 1}, origin=control.sandbox.url)
    control("POST", "/time/advance", {"hours": 1}, host="localhost:1")


def test_the_handset(control: Control):
    control("PUT", f"/handset/{NUMBER}", status=204)
    control("POST", f"/handset/{NUMBER}", {"act": "answer"}, status=404)
    push(control, NUMBER)
    control("POST", "/time/advance", {"seconds": 1})
    (phone,) = control("GET", "/handset")
    assert (phone["number"], phone["is_ringing"], phone["conversation"]) == (NUMBER, True, [])
    control("POST", f"/handset/{NUMBER}", {"act": "say", "words": "Hello?"}, status=422)
    control("POST", f"/handset/{NUMBER}", {"act": "dance"}, status=422)
    control("POST", f"/handset/{NUMBER}", {"act": "answer"}, status=204)
    control("POST", f"/handset/{NUMBER}", {"act": "answer"}, status=422)
    control("POST", f"/handset/{NUMBER}", {"act": "say"}, status=422)
    control("POST", f"/handset/{NUMBER}", {"act": "say", "words": "x" * 2_001}, status=422)
    control("POST", f"/handset/{NUMBER}", {"act": "say", "words": "Never again."}, status=204)
    (phone,) = control("GET", "/handset")
    assert [it["role"] for it in phone["conversation"]] == ["assistant", "user", "assistant"]
    control("POST", f"/handset/{NUMBER}", {"act": "dnc"}, status=204)
    assert control("GET", "/dnc")[0]["number"] == NUMBER
    control("DELETE", f"/handset/{NUMBER}", status=204)
    assert control("GET", "/handset") == []


def test_the_document_has_every_order(control: Control):
    document = control("GET", "/openapi.json")
    described = {
        (method.upper(), path) for path, orders in document["paths"].items() for method in orders
    }
    assert described == {(it["method"], it["path"]) for it in control("GET", "/")}
    ids = [it["operationId"] for orders in document["paths"].values() for it in orders.values()]
    assert len(ids) == len(set(ids))
