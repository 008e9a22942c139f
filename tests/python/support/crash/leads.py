"""The upload that is crashed: few rows of every fate, a chunk that is lost and settled."""

from __future__ import annotations

import base64
import json
import pickle
from pathlib import Path
from typing import Any

import revrag

from support import campaign_at
from support.script import Script
from support.service import Push, Service, at, reset
from support.service.server import Watch
from support.upload import check, leads

from .strace import LET_TRACE

# It ends by pickling its report or its error. What comes before `ready` is not what is looked at.
BODY = f"""
{LET_TRACE}
import base64, json, pickle
url, journal, client, source, options = sys.argv[1:]
client, source, options = json.loads(client), json.loads(source), json.loads(options)
to = campaign(url, **client)
print("ready", flush=True)
sys.stdin.readline()
try:
    ended = to.upload(iter(source), journal=journal, **options)
except revrag.RevragError as error:
    ended = error
print(base64.b64encode(pickle.dumps(ended)).decode())
"""

Ended = revrag.UploadReport | revrag.RevragError


class Case:
    """An upload of ``chunks`` chunks of three rows and some more.

    The service rejects row 1 and loses the answer of the second push, of which it applies a part;
    row 7 is not valid.

    Args:
        chunks: How many chunks.
        concurrency: How many requests at a time.
        is_proxied: Whether services pass for proxies, so that all of them have one base URL, which
            is a part of a journal.
    """

    def __init__(self, chunks: int = 3, concurrency: int = 1, *, is_proxied: bool = False) -> None:
        self.is_proxied = is_proxied
        self.rows = 3 * chunks + 1
        self.source = leads(self.rows)
        self.source[1]["variables"]["service"] = "rejects"
        self.source[7]["phone_number"] = "12345"
        self.expected = ["accepted"] * self.rows
        self.expected[1], self.expected[7] = "rejected", "invalid"
        self.options: dict[str, Any] = {
            "max_records": 3,
            "concurrency": concurrency,
            "settle_after": 0.02,
        }

    def host(self, watch: Watch = lambda _exchange, _phase: None) -> Service:
        """The service that it goes to."""
        return Service(faults=at({1: reset(applied=0.5)}), watch=watch)

    def client(self, service: Service) -> tuple[str, dict[str, Any]]:
        """The service's base URL, and the client's options."""
        if self.is_proxied:
            return "http://127.0.0.1:9", {"timeout": 10, "proxy": service.url}
        return service.url, {"timeout": 10}

    def begin(self, service: Service, journal: Path, folder: Path) -> Script:
        """The upload in a process of its own, up to where it begins."""
        url, client = self.client(service)
        told = (json.dumps(value) for value in (client, self.source, self.options))
        script = Script(BODY, folder, (url, journal, *told))
        assert script.line() == "ready"
        return script

    def resume(self, service: Service, journal: Path) -> None:
        """Go on with the journal to the end: every row is there once, and the report says so."""
        url, client = self.client(service)
        report = campaign_at(url, **client).upload(
            iter(self.source), journal=journal, **self.options
        )
        self.check_whole(report, service)

    def check_whole(self, report: revrag.UploadReport, service: Service) -> None:
        """Check the report of an upload that came to its end."""
        outcomes = [row["outcome"] for row in check(report, service)]
        assert outcomes == self.expected, outcomes

    def check_told(self, told: Ended, service: Service, *, is_of_file: bool) -> None:
        """Check what an upload told of which one call failed.

        It came to its end; or nothing had gone out and it says what is wrong with the journal; or
        its report has every row.
        """
        if isinstance(told, revrag.JournalError):
            assert not service.pushes, f"rows had gone out, and there is no report: {told!r}"
            return
        if not isinstance(told, revrag.RevragError):
            self.check_whole(told, service)
            return
        assert is_of_file, repr(told)
        assert isinstance(told, revrag.UploadError), repr(told)
        assert isinstance(told.__cause__, revrag.JournalError), repr(told.__cause__)
        assert told.report.total == self.rows, f"{told.report.total} of {self.rows} rows: {told!r}"
        found = check(told.report, service)
        sent = {row for push in service.pushes for row in _rows(push)}
        # Of these alone it may not be known what became of them: their answers were lost, or came
        # too late.
        late = service.pushes[-self.options["concurrency"] :]
        doubtful = {row for push in (*service.pushes[1:2], *late) for row in _rows(push)}
        for row, expected in zip(found, self.expected, strict=True):
            if row["row"] in doubtful:
                assert row["outcome"] in {expected, "unknown", "not_sent"}, row
            elif row["row"] in sent or expected == "invalid":
                assert row["outcome"] == expected, row
            else:
                assert row["outcome"] == "not_sent", row


def _rows(push: Push) -> list[int]:
    return [record["variables"]["row"] for record in push.records]


def ended(out: str) -> Ended:
    """What an upload in a process of its own came to."""
    told: Ended = pickle.loads(base64.b64decode(out))
    return told
