"""What a notebook shows: small tables in the notebook's own colours, light or dark."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import revrag
from revrag.sandbox import Sandbox
from revrag.webhooks import Reconciled
from support import CALL, LEAD, PAGE, PUSHED, RECORD, STATUS

EVIL = "<b style='color:red'>&"
LEADS = [LEAD, {"phone_number": "12", "variables": {"name": EVIL}}, *[{"phone_number": "1"}] * 12]
EVENT = {"id": "evt_1", "type": "call.ended", "timestamp": 1_780_000_000, "payload": CALL}

# Handles and tools, which hold nothing to be looked at.
NO_TABLE = {revrag.Client, revrag.Campaign, revrag.WebhookVerifier}
SHOWN = {
    cls
    for name in revrag.__all__
    if inspect.isclass(cls := getattr(revrag, name))
    and cls.__module__.startswith("revrag")
    and not issubclass(cls, Exception)
    and not hasattr(cls, "__required_keys__")
    and cls.__name__ != "ErrorDetail"
} - NO_TABLE

MAKE: dict[type, Callable[[revrag.Campaign], Any]] = {
    revrag.PushResult: lambda _: revrag.PushResult.from_dict(PUSHED),
    revrag.PushOutcome: lambda _: revrag.PushOutcome.from_dict(PUSHED["results"][0]),
    revrag.Record: lambda _: revrag.Record.from_dict(RECORD | {"dnc_reason": EVIL}),
    revrag.CallAttempt: lambda _: revrag.CallAttempt.from_dict(RECORD["call_history"][0]),
    revrag.RecordPage: lambda _: revrag.RecordPage.from_dict(PAGE | {"items": [RECORD] * 60}),
    revrag.CampaignStatus: lambda _: revrag.CampaignStatus.from_dict(STATUS),
    revrag.CampaignStats: lambda _: revrag.CampaignStats.from_dict(STATUS["stats"]),
    revrag.Call: lambda _: revrag.Call.from_dict(CALL),
    revrag.Transcription: lambda _: revrag.Transcription.from_dict(CALL["transcription"]),
    revrag.Message: lambda _: revrag.Message.from_dict(CALL["transcription"]["messages"][0]),
    revrag.CustomVariable: lambda _: revrag.CustomVariable.from_dict(CALL["custom_variables"][0]),
    revrag.WebhookEvent: lambda _: revrag.WebhookEvent.from_dict(EVENT),
    revrag.RequestEvent: lambda _: revrag.RequestEvent("GET", f"/v1/{EVIL}", 200),
    revrag.RecordPager: lambda campaign: campaign.records(status=EVIL),
    revrag.CallPager: lambda campaign: campaign.calls(call_ids=[]),
    revrag.CampaignWatch: lambda campaign: campaign.watch(timeout=5),
    revrag.UploadProgress: lambda campaign: last_progress(campaign),
    revrag.UploadReport: lambda campaign: campaign.upload(LEADS),
    revrag.UploadRejects: lambda campaign: campaign.upload(LEADS).rejects(LEADS),
    Reconciled: lambda _: Reconciled(handled=3, failed=[EVIL]),
}


def last_progress(campaign: revrag.Campaign) -> revrag.UploadProgress:
    seen: list[revrag.UploadProgress] = []
    campaign.upload(LEADS, progress=seen.append)
    return seen[-1]


@pytest.fixture(scope="module")
def campaign() -> Iterator[revrag.Campaign]:
    with Sandbox(dispatch_after=0, call_duration=0.01, failure_rate=0) as service:
        yield service.client().campaign(service.campaign_id)


class Tags(HTMLParser):
    """Checks that what is opened is closed, and keeps what the tags say."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.rows = 0
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes.update(attrs)
        self.rows += tag == "tr"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_all_that_holds_something_has_a_table() -> None:
    assert set(MAKE) - {Reconciled} == SHOWN


@pytest.mark.parametrize("cls", MAKE, ids=lambda cls: cls.__name__)
def test_a_quiet_table(cls: type, campaign: revrag.Campaign) -> None:
    html = MAKE[cls](campaign)._repr_html_()
    seen = Tags(html)
    assert seen.tags <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "div"}
    # A colour that fits a light page is not to be read on a dark one, nor one that fits a dark one.
    assert {name for name, _ in seen.attributes} <= {"style", "colspan"}
    styles = [value or "" for name, value in seen.attributes if name == "style"]
    assert {re.sub(r":.*", "", style) for style in styles} <= {"text-align"}
    assert "<table><caption>" in html
    assert "<b " not in html


def test_rejects_show_the_first_rows(campaign: revrag.Campaign) -> None:
    html = MAKE[revrag.UploadRejects](campaign)._repr_html_()
    assert "phone_number" in html
    assert "&lt;b style=" in html
    assert "… and more" in html
    assert Tags(html).rows == 1 + 10 + 1


def test_rejects_of_a_file_that_is_gone(campaign: revrag.Campaign, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("phone_number\n12\n")
    rejects = campaign.upload(path).rejects(path)
    assert rejects._repr_html_() is not None
    path.unlink()
    assert rejects._repr_html_() is None


def test_a_long_list_is_cut(campaign: revrag.Campaign) -> None:
    assert "… and 10 more" in MAKE[revrag.RecordPage](campaign)._repr_html_()


def test_what_is_looked_at_asks_for_nothing() -> None:
    campaign = revrag.Client("key", base_url="http://127.0.0.1:9").campaign(STATUS["campaign_id"])
    for made in (campaign.records(), campaign.calls(status="completed"), campaign.watch()):
        assert STATUS["campaign_id"] in made._repr_html_()


def test_a_watch_shows_what_it_saw_last(campaign: revrag.Campaign) -> None:
    watch = campaign.watch(timeout=20, poll_interval=0.05)
    assert "poll_interval" in watch._repr_html_()
    list(watch)
    assert "CampaignStats" in watch._repr_html_()
