"""The dashboard in a real browser: what axe finds, the keyboard alone, pages that follow."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import revrag
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from revrag.sandbox import Sandbox
from support import chromium

pytestmark = [
    pytest.mark.skipif(
        chromium.PROGRAM is None and "CI" not in os.environ,
        reason="there is no chromium (apt install chromium)",
    ),
    pytest.mark.timeout(180),
]

NUMBERS = [f"+9198765432{number:02}" for number in range(30)]
PLAYED = NUMBERS[29]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.running() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with chromium.context(browser) as context:
        yield context.new_page()


class Receiver:
    """Where webhooks go: refuses some."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.refuses = 1
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                receiver.ids.append(self.headers["X-Webhook-ID"])
                receiver.refuses -= 1
                self.send_response(200 if receiver.refuses < 0 else 500)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def make(**more: Any) -> Sandbox:
    options: dict[str, Any] = {
        "time": "manual", "call_duration": 72, "failure_rate": 0, "max_attempts": 3,
        "window": ("09:00", "21:00"), "name": "Reminders", "max_concurrency": 4,
    }  # fmt: skip
    return Sandbox(**{**options, **more})


def push(sandbox: Sandbox, *numbers: str) -> list[str]:
    campaign = sandbox.client().campaign(sandbox.campaign_id)
    records = [{"phone_number": it, "variables": {"first_name": "Riya"}} for it in numbers]
    return [str(it.run_id) for it in campaign.push(records).results]


@pytest.fixture(scope="module")
def busy(receiver: Receiver, browser: Browser) -> Iterator[dict[str, str]]:
    """A sandbox in which something is on every page, and those pages."""
    sandbox = make(webhook_url=receiver.url, webhook_secret="whsec")
    outcomes = [
        "completed",
        "no_answer",
        "busy",
        "failed",
        "voicemail",
        "callback",
        "follow_up",
        "dnc",
    ]
    for place, number in enumerate(NUMBERS):
        sandbox.script(number, [outcomes[place % 8], "completed"])
    sandbox.add_campaign(name="Renewals", status="paused")
    runs = push(sandbox, *NUMBERS[:-1])
    sandbox.advance(minutes=5)
    sandbox.add_to_dnc("+919812345678")
    with chromium.context(browser) as context:
        page = context.new_page()
        page.goto(f"{sandbox.url}/handset")
        page.get_by_label("Phone number").fill(PLAYED)
        page.get_by_role("button", name="Play", exact=True).click()
        expect(page.get_by_text("You play this number")).to_be_visible()
        page.goto(f"{sandbox.url}/faults")
        page.get_by_role("button", name="Order the fault").click()
        expect(page.get_by_text("The fault is on order")).to_be_visible()
    client = sandbox.client(max_retries=0)
    with pytest.raises(revrag.PushOutcomeUnknownError):
        client.campaign(sandbox.campaign_id).push([{"phone_number": NUMBERS[0]}])
    push(sandbox, PLAYED)
    sandbox.update_campaign(max_concurrency=50)
    sandbox.advance(seconds=30)
    calls = [client.campaign(sandbox.campaign_id).record(run).call_history for run in runs[:2]]
    campaign = f"/campaigns/{sandbox.campaign_id}"
    requests = client.campaign(sandbox.campaign_id).status()
    assert requests.stats is not None
    yield {
        "base": sandbox.url,
        "campaigns": "/",
        "overview": campaign,
        "settings": f"{campaign}/settings",
        "records": f"{campaign}/records",
        "search": f"{campaign}/records?q=nobody&status=failed",
        "record": f"{campaign}/records/{runs[1]}",
        "record waiting": f"{campaign}/records/{runs[5]}",
        "call": f"/calls/{calls[0][0].call_id}",
        "call not answered": f"/calls/{calls[1][0].call_id}",
        "handset": "/handset",
        "webhooks": "/webhooks",
        "webhook": "/webhooks/1",
        "requests": "/requests",
        "request refused": "/requests/2",
        "faults": "/faults",
        "do not call": "/do-not-call",
        "missing": "/calls/none",
    }
    sandbox.stop()


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(browser: Browser, busy: dict[str, str], dark: bool, phone: bool):
    found = {}
    with chromium.context(browser, dark=dark, phone=phone, missing=True) as context:
        page = context.new_page()
        for name, path in busy.items():
            if name == "base":
                continue
            page.goto(busy["base"] + path)
            for details in page.locator("details").all():
                details.evaluate("it => { it.open = true }")
            for violation in Axe().run(page).response["violations"]:
                where = [node["html"][:100] for node in violation["nodes"]]
                found[f"{name}: {violation['id']}"] = where
            width = page.evaluate("document.documentElement.scrollWidth")
            if width > (390 if phone else 1280):
                found[f"{name}: too wide"] = [str(width)]
    assert found == {}, json.dumps(found, indent=1)


def press(page: Page, key: str, until: Any, most: int = 60) -> None:
    """Presses a key until something has the focus."""
    for _ in range(most):
        page.keyboard.press(key)
        if until.evaluate("it => it === document.activeElement"):
            return
    raise AssertionError(f"{key} does not lead to {until}")


def test_the_keyboard_alone(page: Page, receiver: Receiver):
    with make(webhook_url=receiver.url, webhook_secret="whsec") as sandbox:
        sandbox.script(NUMBERS[0], [{"outcome": "completed", "summary": "All is well."}])
        push(sandbox, NUMBERS[0])
        sandbox.advance(minutes=2)
        page.goto(sandbox.url)
        # The first stop leads past the navigation.
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        press(page, "Tab", page.get_by_role("link", name="Reminders"))
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Reminders", level=1)).to_be_visible()
        # Pause it: the keyboard stays where it was.
        press(page, "Tab", page.get_by_role("button", name="Pause"))
        page.keyboard.press("Enter")
        expect(page.get_by_text("The campaign is paused: nobody is called")).to_be_visible()
        resume = page.get_by_role("button", name="Resume")
        expect(resume).to_be_focused()
        assert sandbox.client().campaign(sandbox.campaign_id).status().status == "paused"
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Pause")).to_be_visible()
        # Move time.
        press(page, "Shift+Tab", page.get_by_role("button", name="Move time by one hour"))
        page.keyboard.press("Enter")
        expect(page.get_by_text("It is now Mon 1 Jun, 11:02:00 IST.")).to_be_visible()
        # Campaign, record, call.
        press(page, "Tab", page.get_by_role("link", name="Records", exact=True))
        page.keyboard.press("Enter")
        press(page, "Tab", page.locator(".row-link"))
        page.keyboard.press("Enter")
        press(page, "Tab", page.get_by_role("link", name="Call 1 placed"))
        page.keyboard.press("Enter")
        expect(page.get_by_text("All is well.", exact=True)).to_be_visible()
        expect(page.locator("audio")).to_have_count(1)
        # Order a fault.
        press(page, "Shift+Tab", page.get_by_role("link", name="Faults"))
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Faults", level=1)).to_be_visible()
        press(page, "Tab", page.locator("select[name=kind]"))
        page.keyboard.type("Another")
        press(page, "Tab", page.locator("select[name=endpoint]"))
        page.keyboard.type("Pushes")
        press(page, "Tab", page.locator("input[name=status]"))
        page.keyboard.type("502")
        press(page, "Tab", page.get_by_role("button", name="Order the fault"))
        page.keyboard.press("Enter")
        expect(page.get_by_text("The fault is on order.")).to_be_visible()
        with pytest.raises(revrag.PushOutcomeUnknownError, match="502"):
            push(sandbox, NUMBERS[1])
        # Send a webhook again.
        press(page, "Shift+Tab", page.get_by_role("link", name="Webhooks"))
        page.keyboard.press("Enter")
        link = page.locator("tbody .row-link").last
        expect(link).to_be_visible()
        before = len(receiver.ids)
        press(page, "Tab", link)
        page.keyboard.press("Enter")
        press(page, "Tab", page.get_by_role("button", name="Send again"))
        page.keyboard.press("Enter")
        expect(page.get_by_text("It is sent again, under the same id.")).to_be_visible()
        sandbox.advance(seconds=1)
        assert len(receiver.ids) > before
        assert len(set(receiver.ids[before - 1 :])) == 1


def test_an_open_page_follows_the_world(page: Page):
    with make() as sandbox:
        page.goto(f"{sandbox.url}/campaigns/{sandbox.campaign_id}")
        expect(page.get_by_text("No record waits for a call.")).to_be_visible()
        page.get_by_role("button", name="Pause").focus()
        push(sandbox, *NUMBERS[:6])
        completed = page.get_by_role("list", name="Records by status").get_by_role(
            "link", name="Completed"
        )
        expect(page.locator(".why")).to_contain_text("6 records waiting")
        sandbox.advance(minutes=10)
        expect(completed).to_contain_text("6")
        expect(page.get_by_role("img", name="Records by status over time")).to_be_visible()
        expect(page.locator("#spoken")).to_have_text("6 records: 6 completed", timeout=15_000)
        # Nothing of that moved the keyboard.
        expect(page.get_by_role("button", name="Pause")).to_be_focused()
        # Another state is another world.
        sandbox.reset()
        expect(completed).to_contain_text("0")


def test_the_handset(page: Page):
    with make() as sandbox:
        page.goto(f"{sandbox.url}/handset")
        for number in NUMBERS[:3]:
            page.get_by_label("Phone number").fill(number)
            page.get_by_role("button", name="Play", exact=True).click()
            expect(page.get_by_label("Phone number")).to_have_value("")
        runs = push(sandbox, *NUMBERS[:3])
        sandbox.advance(seconds=1)
        phones = page.locator(".phone")
        expect(phones).to_have_count(3)
        talked = phones.filter(has=page.get_by_role("link", name="ending in 00"))
        talked.get_by_role("button", name="Answer").click()
        expect(talked.get_by_text("Hello Riya")).to_be_visible()
        talked.get_by_label("What the callee says").fill("Yes, <b>gladly</b>")
        page.keyboard.press("Enter")
        expect(talked.get_by_text("Yes, <b>gladly</b>")).to_be_visible()
        talked.get_by_role("button", name="Hang up").click()
        expect(phones).to_have_count(2)
        later = phones.filter(has=page.get_by_role("link", name="ending in 01"))
        later.get_by_role("button", name="Answer").click()
        later.get_by_role("button", name="Ask for a callback").click()
        expect(phones).to_have_count(1)
        phones.get_by_role("button", name="Decline").click()
        expect(page.get_by_text("No call rings")).to_be_visible()
        campaign = sandbox.client().campaign(sandbox.campaign_id)
        records = [campaign.record(run) for run in runs]
        assert [it.status for it in records] == ["completed", "rescheduled", "retry_pending"]
        call = sandbox.client().call(records[0].call_history[0].call_id)
        assert (call.call_status, call.disconnection_reason) == ("completed", "user_hangup")
        said = [(it.role, it.content) for it in call.transcription.messages]
        assert said[1] == ("user", "Yes, <b>gladly</b>")
        assert [it.value for it in call.custom_variables] == [True]
        # Unanswered, it stops ringing; nobody plays the number, and the script is back.
        page.get_by_role("button", name="Stop playing").first.click()
        expect(page.locator(".lines li")).to_have_count(2)
        sandbox.run_until_idle()
        assert [campaign.record(run).is_final for run in runs] == [True, True, True]
        last = campaign.record(runs[2]).call_history
        assert [it.status for it in last] == ["failed"] * 3


def test_numbers_are_shown_when_asked_for(page: Page):
    with make() as sandbox:
        push(sandbox, NUMBERS[7])
        page.goto(f"{sandbox.url}/campaigns/{sandbox.campaign_id}/records")
        toggle = page.get_by_role("button", name="Show numbers")
        expect(page.locator("tbody")).not_to_contain_text(NUMBERS[7])
        toggle.click()
        expect(page.locator("tbody")).to_contain_text(NUMBERS[7])
        expect(toggle).to_have_attribute("aria-pressed", "true")
        page.goto(f"{sandbox.url}/campaigns/{sandbox.campaign_id}")
        toggle.click()
        expect(toggle).to_have_attribute("aria-pressed", "false")


def test_it_works_without_its_script(browser: Browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    with make() as sandbox:
        push(sandbox, NUMBERS[0])
        page.goto(f"{sandbox.url}/campaigns/{sandbox.campaign_id}")
        page.get_by_role("button", name="Move time by one hour").click()
        expect(page.get_by_text("It is now Mon 1 Jun, 11:00:00 IST.")).to_be_visible()
        page.get_by_text("Cancel…").click()
        page.get_by_role("button", name="Cancel the campaign").click()
        expect(page.locator("#notice")).to_contain_text("The campaign is cancelled")
        # It is said once.
        page.reload()
        expect(page.locator("#notice")).to_be_empty()
    context.close()
