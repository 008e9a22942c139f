"""From a spreadsheet to phone calls and back, in two campaign days of seconds: nobody is called.

It uploads the messy leads of ``leads.csv`` into a campaign of the sandbox, lets two days pass with
their retries, callbacks and follow-ups, takes a webhook for each call at a FastAPI endpoint, and
checks that the numbers add up. With ``--keep`` the dashboard stays to be looked at.

Against the real service, `Sandbox(...)` and `sandbox.client()` make way for `revrag.Client()`, and
time passes by itself.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import revrag
import uvicorn
from fastapi import FastAPI, HTTPException
from revrag.sandbox import Sandbox
from revrag.webhooks.fastapi import webhook
from revrag.webhooks.stores import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator

LEADS = Path(__file__).with_name("leads.csv")
INDIA = ZoneInfo("Asia/Kolkata")
PATIENCE = 60.0  # seconds for all webhooks to arrive
FAIL_EVERY = 25  # webhooks; see Inbox.take


# --- The webhook endpoint ----------------------------------------------------------------------


class Inbox:
    """The calls that the endpoint was told of, by id, and how often each was handled."""

    def __init__(self, secret: str) -> None:
        self.verifier = revrag.WebhookVerifier(secret)
        self.handled: Counter[str] = Counter()
        self.calls: dict[str, revrag.Call] = {}
        self.failed: set[str] = set()
        self._lock = threading.Lock()

    def take(self, call: revrag.Call) -> None:
        """Take one call in; now and then fail before, so that its webhook comes again."""
        call_id = call.call_id or ""
        with self._lock:
            seen = len(self.calls) + len(self.failed)
            if seen % FAIL_EVERY == FAIL_EVERY - 1 and call_id not in self.failed:
                self.failed.add(call_id)
                raise HTTPException(503, "come again")
            self.handled[call_id] += 1
            self.calls[call_id] = call

    def app(self) -> FastAPI:
        """The endpoint: signatures are checked, and each event is handled once."""
        app = FastAPI(openapi_url=None)
        verified = webhook(self.verifier, store=MemoryStore())

        @app.post("/revrag")
        def call_ended(event: revrag.WebhookEvent = verified) -> None:
            if event.call is not None:
                self.take(event.call)

        return app


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve an app on a free port of this machine; its URL."""
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not server.started:
            if time.monotonic() > deadline or not thread.is_alive():
                raise TimeoutError("the webhook endpoint does not start")
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/revrag"
    finally:
        server.should_exit = True
        thread.join(10)


def forge(url: str) -> int:
    """Deliver what somebody else signed; the status of the answer."""
    body = b'{"call_status": "completed", "call_id": "00000000-0000-0000-0000-000000000000"}'
    headers = revrag.WebhookVerifier("a guess").sign(body, event_id="evt_forged")
    request = urllib.request.Request(url, body, headers)  # noqa: S310  # the URL is ours
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


# --- The campaign ------------------------------------------------------------------------------


def campaign_of_two_days(url: str, secret: str) -> Sandbox:
    """A sandbox at ten on a Monday morning, and its campaign. Time stands until it is moved."""
    return Sandbox(
        time="manual",
        seed=7,
        webhook_url=url,
        webhook_secret=secret,
        name="Renewals",
        window=("09:30", "18:30"),
        active_days=["mon", "tue", "wed", "thu", "fri"],
        max_concurrency=15,
        max_attempts=3,
        call_duration=75,
        retry_delay=2 * 3600,
        callback_delay=5 * 3600,
        follow_up_delay=20 * 3600,
        failure_rate=0.03,
        outcomes={
            "no_answer": 0.22,
            "busy": 0.06,
            "voicemail": 0.08,
            "callback": 0.08,
            "follow_up": 0.06,
            "dnc": 0.03,
        },
    )


def upload(campaign: revrag.Campaign, journal: Path) -> revrag.UploadReport:
    """Upload the leads. With its journal it can be run again, and goes on where it was cut off."""
    return campaign.upload(
        LEADS,
        phone_number="Phone",
        variables={"first_name": "First Name", "company": "Company", "city": "City"},
        app_user_id="CRM ID",
        on_duplicate="reject",
        journal=journal,
    )


# --- The summary -------------------------------------------------------------------------------


def masked(number: str) -> str:
    """A phone number that may be shown: `+91••••••3210`."""
    digits = "".join(filter(str.isdecimal, number))
    if len(digits) < 7:
        return repr(number)
    country = "+91" if len(digits) == 12 and digits.startswith("91") else ""
    return f"{country}••••••{digits[-4:]}"


def print_upload(report: revrag.UploadReport) -> None:
    """How many rows are in the campaign, and why the others are not."""
    print(f"{report.total} rows: {report.accepted} accepted, {report.repaired} of them repaired")
    for outcome in ("invalid", "duplicate", "rejected"):
        rows = list(report.rows(outcome))
        if not rows:
            continue
        print(f"  {len(rows):>3} {outcome}")
        for row in rows[:3]:
            why = "" if outcome == "duplicate" else f"  {row['error']}"
            # Counted as the report does: from 0, without the header and empty lines.
            print(f"      row {row['row']:>3}  {masked(row['phone_number'] or '')}{why}")


def print_day(name: str, campaign: revrag.Campaign) -> None:
    """Where the records stand."""
    stats = campaign.status().stats.to_dict()
    total = stats.pop("total_records")
    print(f"\n{name}")
    for status, count in stats.items():
        if count:
            bar = "█" * round(40 * count / total) or "▏"
            print(f"  {status.replace('_', ' '):<18}{count:>5}  {bar}")


def print_funnel(
    report: revrag.UploadReport, records: list[revrag.Record], calls: list[revrag.Call]
) -> None:
    """From the rows of the file to the people who said all there was to say."""
    hangups = Counter(call.disconnection_reason for call in calls)
    reached = {call.to_number for call in calls if call.call_status == "completed"}
    done = [record for record in records if record.status == "completed"]
    steps = {
        "rows in the file": report.total,
        "in the campaign": report.accepted,
        "called": sum(bool(record.call_history) for record in records),
        "reached": len(reached),
        "completed": len(done),
    }
    print("\nthe funnel")
    for step, count in steps.items():
        share = count / report.total
        print(f"  {step:<18}{count:>5}  {share:>4.0%}  {'█' * round(40 * share)}")
    attempts = Counter(len(record.call_history) for record in records)
    spread = ", ".join(f"{count} after {number}" for number, count in sorted(attempts.items()))
    print(f"  {len(calls)} calls: {spread}")
    print("  they ended with " + ", ".join(f"{word} {n}" for word, n in hangups.most_common()))


def print_call(call: revrag.Call) -> None:
    """What was said in a call."""
    print(f"\na call to {masked(call.to_number or '')}: {call.summary}")
    for message in call.transcription.messages if call.transcription else []:
        print(f"  {message.role:>9}: {message.content}")


def main() -> int:
    """Run it all; 0 if the numbers add up."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", action="store_true", help="leave it running, to be looked at")
    keep = parser.parse_args().keep
    inbox = Inbox(secret := secrets.token_urlsafe(32))
    begun = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(inbox.app()) as url,
        campaign_of_two_days(url, secret) as sandbox,
        sandbox.client() as client,
    ):
        print(f"the dashboard: {sandbox.url}")
        if not keep:
            print("(it goes when this ends; `make demo KEEP=1` leaves it running)")
        campaign = client.campaign(sandbox.campaign_id)
        journal = Path(folder, "leads.journal")
        report = upload(campaign, journal)
        print()
        print_upload(report)

        evening = sandbox.now.astimezone(INDIA).replace(hour=18, minute=30)
        for day in ("Monday", "Tuesday"):
            sandbox.advance_to(evening)
            print_day(f"{day}, 18:30", campaign)
            evening += timedelta(days=1)
        # What is left for a third day, and webhooks that were refused and come again.
        sandbox.run_until_delivered(timeout=PATIENCE)
        records = list(campaign.records())
        call_ids = [it.call_id or "" for record in records for it in record.call_history]
        print_funnel(report, records, [inbox.calls[it] for it in call_ids if it in inbox.calls])
        forged = forge(url)
        print(
            f"\nwebhooks: {len(inbox.calls)} verified, {len(inbox.failed)} failed on purpose and "
            "delivered again, 1 forged and refused"
        )
        followed = next(it for it in records if it.status == "completed" and it.attempt_count == 2)
        print_call(client.call(followed.call_history[-1].call_id or ""))

        # The journal knows what was sent: a second upload sends nothing.
        again = upload(campaign, journal)
        stored = campaign.status().stats.total_records
        checks = {
            "every row has an outcome": sum(1 for _ in report.rows()) == report.total,
            "every accepted row is one record": len({it.id for it in records}) == report.accepted,
            "a second upload pushed nothing": stored == again.accepted == report.accepted,
            "every record is final": all(record.is_final for record in records),
            "every call was told of by a webhook": inbox.calls.keys() == set(call_ids),
            "every webhook was handled once": set(inbox.handled.values()) == {1},
            "those that failed came again": bool(inbox.failed) and inbox.failed <= set(call_ids),
            "the forged webhook was refused": forged == 401,
        }
        print()
        for check, holds in checks.items():
            print(f"{'ok' if holds else 'NO':<4}{check}")
        print(f"\nall of it in {time.monotonic() - begun:.1f} s", flush=True)
        if keep:
            print(f"the dashboard stays at {sandbox.url} until Ctrl-C", flush=True)
            try:
                threading.Event().wait()
            except KeyboardInterrupt:
                print()
    return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (revrag.RevragError, TimeoutError) as error:
        sys.exit(f"the demo failed: {error}")
