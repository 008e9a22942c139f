"""From a spreadsheet to phone calls and back, against the sandbox: nobody is called.

It pushes the leads of ``leads.csv`` into a campaign, follows them until every call has ended,
receives a webhook for each call on an endpoint of its own, and checks that the numbers add up.

Against the real service, `Sandbox(...)` and `sandbox.client()` make way for `revrag.Client()`.
"""

from __future__ import annotations

import csv
import secrets
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import revrag
from revrag.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

LEADS = Path(__file__).with_name("leads.csv")
CHUNK = 100  # records in one push
PATIENCE = 20.0  # seconds for the calls to end, and again for their webhooks to arrive
MOST_BODY = 1_000_000  # bytes of a delivery
FAIL_EVERY = 50  # deliveries; see Inbox.receive


# --- The leads ---------------------------------------------------------------------------------


class Lead(NamedTuple):
    """A row of the file, as a record to push. What is wrong with it is the service's to say."""

    row: int  # as a spreadsheet numbers it: the header is row 1
    record: revrag.RecordInput


def read_leads(path: Path) -> Iterator[Lead]:
    """The rows of a CSV file that hold anything."""
    variables = {"first_name": "First Name", "company": "Company", "city": "City"}
    # utf-8-sig drops the byte order mark that spreadsheets write.
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        for number, cells in enumerate(rows, start=2):
            if any(cells):
                row = dict(zip_longest(header, cells, fillvalue=""))
                record: revrag.RecordInput = {
                    "phone_number": row["Phone"],
                    "variables": {name: row[column] for name, column in variables.items()},
                    "app_user_id": row["CRM ID"] or None,
                }
                yield Lead(number, record)


def push(campaign: revrag.Campaign, leads: list[Lead]) -> list[revrag.PushOutcome]:
    """Push the leads; what became of each, in their order.

    If a push fails, those before it have been made: a program that goes on after that must know
    which. ``PushOutcomeUnknownError`` says that nobody knows yet.
    """
    outcomes: list[revrag.PushOutcome] = []
    for start in range(0, len(leads), CHUNK):
        chunk = leads[start : start + CHUNK]
        outcomes += campaign.push(lead.record for lead in chunk).results
    return outcomes


def follow(campaign: revrag.Campaign, expected: int) -> list[revrag.Record]:
    """The campaign's records, once all of them are final."""
    deadline = time.monotonic() + PATIENCE
    while True:
        stats = campaign.status().stats
        if stats.completed + stats.failed + stats.dnc >= expected:
            records = list(campaign.records())
            if all(record.is_final for record in records):
                return records
        if time.monotonic() > deadline:
            raise TimeoutError(f"calls are still under way after {PATIENCE:g} s: {stats}")
        time.sleep(0.2)


# --- The webhook endpoint ----------------------------------------------------------------------


class Inbox:
    """The calls we were told of, each once."""

    def __init__(self, secret: str) -> None:
        self.verifier = revrag.WebhookVerifier(secret)
        self.calls: dict[str, revrag.Call] = {}
        self.duplicates = 0
        self.refused = 0
        self._changed = threading.Condition()

    def receive(self, body: bytes, headers: list[tuple[str, str]]) -> int:
        """Take one delivery; the status to answer with."""
        try:
            event = self.verifier.verify(body, headers)
        except revrag.WebhookVerificationError:
            with self._changed:
                self.refused += 1
            return 400
        if event.call is None:
            return 204  # an event of a type that this program has no use for
        # Deliveries are repeated. A delivery's id is not under its signature, but the call's is.
        with self._changed:
            self._changed.notify_all()
            if event.call.call_id in self.calls:
                self.duplicates += 1
                return 204
            self.calls[event.call.call_id] = event.call
            # Now and then, fail after the work was done, so that the delivery comes again.
            return 500 if len(self.calls) % FAIL_EVERY == 0 else 204

    def has_repeats(self) -> bool:
        """Whether every delivery that was failed on purpose came again."""
        return self.duplicates >= len(self.calls) // FAIL_EVERY

    def wait(self, call_ids: set[str]) -> None:
        """Wait until all these calls were told of, and the repeats came."""
        with self._changed:
            self._changed.wait_for(
                lambda: call_ids <= self.calls.keys() and self.has_repeats(), PATIENCE
            )


class Endpoint(ThreadingHTTPServer):
    """An HTTP server on a free port of this machine that hands deliveries to an inbox."""

    request_queue_size = 128

    def __init__(self, inbox: Inbox) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.inbox = inbox
        self.url = f"http://127.0.0.1:{self.server_port}/revrag"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    """Reads one delivery, as raw bytes: a parsed body could not be verified."""

    server: Endpoint
    timeout = 10.0

    def do_POST(self) -> None:
        """Answer a POST; http.server calls it by this name."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BODY:
            status = 413
        else:
            body = self.rfile.read(int(length))
            status = self.server.inbox.receive(body, self.headers.items())
        self.send_response(status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing: a line per delivery would bury the summary."""


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


# --- The summary -------------------------------------------------------------------------------


def masked(number: str) -> str:
    """A phone number that may be shown: `+91••••••3210`."""
    digits = "".join(filter(str.isdecimal, number))
    if len(digits) < 7:
        return repr(number)
    country = "+91" if len(digits) == 12 and digits.startswith("91") else ""
    return f"{country}••••••{digits[-4:]}"


def print_outcomes(leads: list[Lead], outcomes: list[revrag.PushOutcome]) -> None:
    """How many rows were accepted, and which were not and why."""
    rejected: defaultdict[str, list[str]] = defaultdict(list)
    for lead, outcome in zip(leads, outcomes, strict=True):
        if not outcome.accepted:
            # The service repeats the number after the colon.
            reason = (outcome.error or "no reason").partition(":")[0]
            rejected[reason].append(f"row {lead.row:>3}: {masked(outcome.phone_number)}")
    count = sum(map(len, rejected.values()))
    print(f"{len(leads)} rows: {len(leads) - count} accepted, {count} rejected")
    for reason, rows in rejected.items():
        print(f"  {len(rows)} × {reason}")
        for start in range(0, min(len(rows), 12), 3):
            print("    " + "".join(f"{row:<28}" for row in rows[start : start + 3]).rstrip())
        if len(rows) > 12:
            print(f"    … and {len(rows) - 12} more")


def print_statuses(records: list[revrag.Record]) -> None:
    """How many records have which status."""
    print("\nstatuses")
    for status, count in Counter(record.status for record in records).most_common():
        print(f"  {status:<12}{count:>5}")


def print_call(call: revrag.Call) -> None:
    """What was said in a call."""
    print(f"\na call to {masked(call.to_number or '')}: {call.summary}")
    for message in call.transcription.messages if call.transcription else []:
        print(f"  {message.role:>9}: {message.content}")


def main() -> int:
    """Run it all; 0 if the numbers add up."""
    leads = list(read_leads(LEADS))
    inbox = Inbox(secret := secrets.token_urlsafe(32))
    with (
        Endpoint(inbox) as endpoint,
        Sandbox(
            webhook_url=endpoint.url,
            webhook_secret=secret,
            seed=7,
            dispatch_after=0.05,
            call_duration=0.3,
            max_concurrency=50,
            failure_rate=0.1,
        ) as sandbox,
        sandbox.client() as client,
    ):
        print(f"the sandbox listens on {sandbox.url}, the webhook endpoint on {endpoint.url}\n")
        campaign = client.campaign(sandbox.campaign_id)

        outcomes = push(campaign, leads)
        print_outcomes(leads, outcomes)

        run_ids = {outcome.run_id for outcome in outcomes if outcome.accepted}
        records = follow(campaign, len(run_ids))
        print_statuses(records)

        call_ids = {call.call_id for record in records for call in record.call_history}
        inbox.wait(call_ids)
        forged = forge(endpoint.url)
        print(
            f"\nwebhooks: {len(inbox.calls)} verified, {inbox.duplicates} delivered again, "
            f"{inbox.refused} refused (a forged one)"
        )

        reached = next(record for record in records if record.status == "completed")
        print_call(client.call(reached.call_history[0].call_id))

        checks = {
            "every row has an outcome": len(outcomes) == len(leads),
            "every accepted row is a record": {record.id for record in records} == run_ids,
            "no record is there twice": len(records) == len(run_ids),
            "every call was told of by a webhook": inbox.calls.keys() == call_ids,
            "every repeated webhook was recognized": inbox.has_repeats(),
            "the forged webhook was refused": (forged, inbox.refused) == (400, 1),
        }
    print()
    for check, holds in checks.items():
        print(f"{'ok' if holds else 'NO':<4}{check}")
    return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (revrag.RevragError, TimeoutError) as error:
        sys.exit(f"the demo failed: {error}")
