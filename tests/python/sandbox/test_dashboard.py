"""The dashboard's answers: what it shows, what it hides, whom it refuses."""

from __future__ import annotations

import html
import http.client
import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from revrag.sandbox import Sandbox

NUMBER = "+919876543210"
HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>\u202e"\'&'


class Answer:
    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self) -> str:
        return self.body.decode()


def ask(
    sandbox: Sandbox,
    path: str,
    form: dict[str, str] | None = None,
    method: str | None = None,
    **headers: str,
) -> Answer:
    """Sends a request as no browser would: with just these headers."""
    address = urlsplit(sandbox.url).netloc
    connection = http.client.HTTPConnection(address, timeout=10)
    method = method or ("GET" if form is None else "POST")
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    body = None
    if form is not None:
        body = urlencode(form)
        sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
    connection.putrequest(method, path, skip_host="Host" in sent)
    for name, value in sent.items():
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body.encode() if body else None)
    response = connection.getresponse()
    answer = Answer(response.status, response.headers, response.read())
    connection.close()
    return answer


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(
        time="manual", call_duration=60, failure_rate=0, window=("09:00", "21:00"), name=HOSTILE
    ) as sandbox:
        yield sandbox


def push(sandbox: Sandbox, **more: Any) -> str:
    pushed = sandbox.client().campaign(sandbox.campaign_id).push([{"phone_number": NUMBER, **more}])
    run_id = pushed.results[0].run_id
    assert run_id is not None
    return run_id


def paths(sandbox: Sandbox, run_id: str) -> list[str]:
    """Every page about a record that was called."""
    record = sandbox.client().campaign(sandbox.campaign_id).record(run_id)
    call = (record.call_history or [])[0].call_id
    campaign = f"/campaigns/{sandbox.campaign_id}"
    lists = ["/", "/handset", "/do-not-call", "/webhooks", "/requests", "/requests/1", "/faults"]
    pages = [
        campaign,
        f"{campaign}/settings",
        f"{campaign}/records",
        f"{campaign}/records/{run_id}",
    ]
    return [*lists, *pages, f"/calls/{call}"]


def test_every_page_forbids_what_it_does_not_need(sandbox: Sandbox):
    run_id = push(sandbox)
    sandbox.advance(minutes=2)
    for path in paths(sandbox, run_id):
        answer = ask(sandbox, path)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, path
        assert "unsafe" not in policy, path
        assert "frame-ancestors 'none'" in policy, path
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        # Nothing comes from elsewhere, and no script or style is in a page.
        assert not re.search(r"(src|href)=\"(https?:)?//", answer.text), path
        assert not re.search(r"<script(?! src=)|<style|<[^>]*\s(on\w+|style)=", answer.text), path


def test_whatever_was_pushed_is_text(sandbox: Sandbox):
    run_id = push(
        sandbox,
        variables={"first_name": HOSTILE, HOSTILE: [HOSTILE]},
        app_user_id=HOSTILE,
        app_session_id=HOSTILE,
    )
    sandbox.script(NUMBER, [{"outcome": "dnc", "summary": HOSTILE, "reason": HOSTILE,
                             "variables": {HOSTILE: HOSTILE},
                             "transcript": [{"role": HOSTILE, "content": HOSTILE}]}])  # fmt: skip
    sandbox.add_to_dnc("+919876500000", reason=HOSTILE)
    sandbox.advance(minutes=2)
    shown = 0
    for path in [
        *paths(sandbox, run_id),
        f"/campaigns/{sandbox.campaign_id}/records?{urlencode({'q': HOSTILE})}",
        f"/campaigns/{sandbox.campaign_id}/records?{urlencode({'q': 'x', 'status': HOSTILE})}",
        f"/webhooks?{urlencode({'only': HOSTILE})}",
    ]:
        answer = ask(sandbox, path, Cookie="revrag_numbers=shown")
        assert answer.status == 200, path
        assert "<img src=x" not in answer.text, path
        assert not re.search(r"<script(?! src=\"/assets/)", answer.text), path
        shown += "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;" in answer.text
    assert shown >= 7


def test_a_notice_is_text_too(sandbox: Sandbox):
    refused = ask(
        sandbox, "/do-not-call", {"back": "/", "workspace": "0", "number": HOSTILE, "on": "yes"}
    )
    cookie = refused.headers["Set-Cookie"].split(";")[0]
    assert "HttpOnly; SameSite=Strict" in refused.headers["Set-Cookie"]
    page = ask(sandbox, "/", Cookie=cookie)
    assert "no phone number" in page.text
    assert "Max-Age=0" in page.headers["Set-Cookie"]
    forged = ask(sandbox, "/", Cookie="revrag_notice=ok%3A%3Cscript%3E1%3C%2Fscript%3E")
    assert "<script>1" not in forged.text


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "",
        "localhost@evil.example",
    ],
)
def test_a_foreign_host_sees_nothing(sandbox: Sandbox, host: str):
    for path in ["/", f"/campaigns/{sandbox.campaign_id}/settings", "/live", "/requests"]:
        answer = ask(sandbox, path, Host=host)
        assert answer.status == 403
        assert sandbox.api_key not in answer.text
    assert ask(sandbox, "/time", {"back": "/", "by": "60"}, Host=host).status == 403
    port = urlsplit(sandbox.url).port
    for own in [f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}"]:
        assert ask(sandbox, "/", Host=own).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_another_site_changes_nothing(sandbox: Sandbox, headers: dict[str, str]):
    campaign = f"/campaigns/{sandbox.campaign_id}/status"
    before = sandbox.snapshot()
    for path, form in [
        (campaign, {"status": "cancelled"}),
        ("/time", {"by": "86400"}),
        ("/do-not-call", {"workspace": "0", "number": NUMBER, "on": "yes"}),
        ("/handset", {"number": NUMBER, "on": "yes"}),
        ("/faults", {"kind": "dropped", "endpoint": "push"}),
        ("/numbers", {"shown": "yes"}),
    ]:
        answer = ask(sandbox, path, {"back": "/", **form}, **headers)
        assert answer.status == 403, path
        assert "Set-Cookie" not in answer.headers
    assert sandbox.snapshot() == before
    own = ask(
        sandbox,
        "/time",
        {"back": "/", "by": "60"},
        Origin=sandbox.url,
        Sec_Fetch_Site="same-origin",
    )
    assert own.status == 303


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_listens_to_nothing(sandbox: Sandbox, site: str):
    # Neither to the pages' events nor to what orders answer: only a link may be followed.
    for path in ["/live", "/", "/requests", "/_sandbox/requests", "/_sandbox/workspaces"]:
        answer = ask(sandbox, path, None, None, Sec_Fetch_Site=site, Sec_Fetch_Mode="no-cors")
        assert answer.status == 403, path
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_form_leads_back_to_the_dashboard_only(sandbox: Sandbox):
    for back in [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
    ]:
        assert ask(sandbox, "/numbers", {"back": back, "shown": "yes"}).headers["Location"] == "/"
    kept = ask(sandbox, "/numbers", {"back": "/handset?x=1", "shown": "yes"})
    assert (kept.status, kept.headers["Location"]) == (303, "/handset?x=1")


def test_forms_are_bounded_and_checked(sandbox: Sandbox):
    long = ask(
        sandbox,
        "/do-not-call",
        {"back": "/", "workspace": "0", "number": "1" * 100_000, "on": "yes"},
    )
    assert long.status == 413
    assert ask(sandbox, "/time", {"back": "/"}).status == 303
    assert ask(sandbox, "/time", {"by": "60"}).status == 422
    assert ask(sandbox, "/time", method="PUT").status == 405
    for path in ["/assets/..%2f..%2fCargo.toml", "/assets/style.css", "/assets/%00"]:
        assert ask(sandbox, path).status == 404
    for path in ["/campaigns/x", "/calls/x", "/campaigns/%3Cscript%3E/records", "/requests/999999"]:
        answer = ask(sandbox, path)
        assert (answer.status, "<script>" in answer.text) == (404, False)
    assert ask(sandbox, "/requests/x").status == 400
    # What is no page of the dashboard is the service's, which asks for a key.
    assert ask(sandbox, "/nothing").status == 401


def test_a_fault_has_a_body_headers_and_a_seed(sandbox: Sandbox):
    form = {"back": "/faults", "kind": "status", "endpoint": "status", "status": "429"}
    for body, kind in [
        ('{"detail":"Call +919876543210"}', "application/json"),
        ("plain <b>text</b>", "text/plain; charset=utf-8"),
    ]:
        more = {"body": body, "headers": "Retry-After: 7\r\n X-Why:  it: is \r\n", "seed": "5"}
        ask(sandbox, "/faults", form | more)
        (ordered,) = sandbox.faults
        assert (ordered["seed"], ordered["headers"]) == (5, {"Retry-After": "7", "X-Why": "it: is"})
        shown = ask(sandbox, "/faults").text
        assert "<b>text" not in shown
        assert "9876543210" not in shown
        path = f"/v1/campaigns/{sandbox.campaign_id}/status"
        answer = ask(sandbox, path, None, "GET", **{"X-API-Key": sandbox.api_key})
        assert (answer.status, answer.text, answer.headers["Retry-After"]) == (429, body, "7")
        assert answer.headers["Content-Type"] == kind
    for wrong in [{"headers": "nothing"}, {"headers": "a b: c"}, {"seed": "x"}, {"seed": "-1"}]:
        assert ask(sandbox, "/faults", form | wrong).status == 303
        assert sandbox.faults == []


def test_numbers_are_masked_until_they_are_asked_for(sandbox: Sandbox):
    run_id = push(
        sandbox, variables={"alt": NUMBER, "note": "call 98765 43210"}, app_user_id=NUMBER
    )
    sandbox.add_to_dnc("+919812345678", reason="see +919812345678")
    said = [{"role": "user", "content": f"I am {NUMBER}"}]
    sandbox.script(
        NUMBER, [{"outcome": "completed", "summary": f"Call {NUMBER}", "transcript": said}]
    )
    sandbox.advance(minutes=2)
    assert (
        ask(sandbox, "/handset", {"back": "/", "number": "+919899999999", "on": "yes"}).status
        == 303
    )
    for path in paths(sandbox, run_id):
        visible = re.sub(r"<(input|option)[^>]*>", "", ask(sandbox, path).text)
        # The example of a request names nobody.
        visible = visible.replace("&quot;phone_number&quot;: &quot;+919876543210&quot;", "")
        visible = visible.replace("&quot;phone_number&quot;:&quot;+919876543210&quot;", "")
        for number in ["9876543210", "98765 43210", "9812345678", "9899999999"]:
            assert number not in visible, path
    shown = ask(sandbox, f"/campaigns/{sandbox.campaign_id}/records", Cookie="revrag_numbers=shown")
    assert NUMBER in shown.text


def test_it_says_why_nobody_is_called(sandbox: Sandbox):
    campaign = f"/campaigns/{sandbox.campaign_id}"

    def why() -> str:
        found = re.search(r"<div class=\"why[^>]*>(.*?)</div>", ask(sandbox, campaign).text)
        assert found
        return re.sub(r"<[^>]+>", " ", found[1]).strip()

    assert "No record waits for a call" in why()
    sandbox.update_campaign(window=("11:00", "12:00"))
    push(sandbox)
    assert "Outside the window until 11:00 IST." in why()
    sandbox.update_campaign(window=None, active_days=["tue"])
    assert "Not an active day until Tue 2 Jun, 00:00 IST." in why()
    sandbox.set_campaign_status("paused")
    assert "The campaign is paused" in why()
    sandbox.set_campaign_status("running")
    sandbox.update_campaign(active_days=["mon"], max_concurrency=1)
    push(sandbox)
    sandbox.advance(seconds=2)
    assert "1 call at once is the most; 1 record waiting." in why()


def test_the_copied_requests_answer(sandbox: Sandbox):
    if not shutil.which("curl"):
        pytest.skip("there is no curl")
    sandbox.update_campaign(variables=["first_name", "it's"])
    page = ask(sandbox, f"/campaigns/{sandbox.campaign_id}/settings").text

    def block(name: str) -> str:
        found = re.search(rf"<pre id=\"{name}\"[^>]*><code>(.*?)</code></pre>", page, re.DOTALL)
        assert found
        return html.unescape(found[1])

    ran = subprocess.run(["bash", "-c", block("curl")], capture_output=True, check=True, timeout=20)
    assert json.loads(ran.stdout)["accepted"] == 1
    python = block("python")
    assert sandbox.api_key in python
    exec(python.replace("print(campaign.wait", "str(campaign.record"))
    assert sandbox.client().campaign(sandbox.campaign_id).status().stats.total_records == 2


def test_records_are_found(sandbox: Sandbox):
    campaign = sandbox.client().campaign(sandbox.campaign_id)
    campaign.push(
        [
            {
                "phone_number": f"+9198765{number:05}",
                "app_user_id": f"user-{number}",
                "variables": {"city": "Pune" if number % 10 else "Goa"},
            }
            for number in range(70)
        ]
    )
    records = list(campaign.records())
    page = f"/campaigns/{sandbox.campaign_id}/records"

    def found(**query: str) -> list[str]:
        text = ask(sandbox, f"{page}?{urlencode(query)}").text
        return re.findall(r"<tr id=\"record-([0-9a-f-]+)\"", text)

    every = [record.id for record in records]
    assert found() + found(page="2") + found(page="3") == every
    assert found(page="4") == []
    by_number = {record.phone_number: record.id for record in records}
    assert found(q="+91 98765 00042") == [by_number["+919876500042"]]
    assert found(q=by_number["+919876500007"] or "") == [by_number["+919876500007"]]
    assert found(q="user-66") == [by_number["+919876500066"]]
    assert len(found(q="goa")) == 7
    assert found(q="goa", status="completed") == []
    sandbox.advance(minutes=3)
    assert len(found(q="goa", status="completed")) == 7
    call = campaign.record(by_number["+919876500007"] or "").call_history[0].call_id
    assert found(q=call or "") == [by_number["+919876500007"]]
    assert "Nothing matches" in ask(sandbox, f"{page}?q=nobody").text


def test_open_pages_are_told_of_changes(sandbox: Sandbox):
    address = urlsplit(sandbox.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as stream:
        stream.sendall(f"GET /live HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        lines = stream.makefile("rb")

        def changed() -> None:
            while lines.readline().strip() != b"event: changed":
                pass

        for change in [
            lambda: push(sandbox),
            lambda: sandbox.advance(minutes=2),
            lambda: sandbox.set_campaign_status("paused"),
            sandbox.reset,
        ]:
            change()
            changed()


def test_a_recording_plays_from_the_page(sandbox: Sandbox):
    run_id = push(sandbox)
    sandbox.advance(minutes=2)
    page = ask(sandbox, paths(sandbox, run_id)[-1]).text
    source = re.search(r"<audio[^>]*src=\"([^\"]+)\"", page)
    assert source
    answer = ask(sandbox, html.unescape(source[1]))
    assert (answer.status, answer.body[:4]) == (200, b"RIFF")
