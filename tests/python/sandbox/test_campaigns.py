"""A sandbox's campaign days, with its time moved by hand."""

from __future__ import annotations

import io
import urllib.error
import urllib.request
import wave
from datetime import UTC, date, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
import revrag
from revrag import InvalidArgumentError
from revrag.sandbox import Sandbox

INDIA = ZoneInfo("Asia/Kolkata")
NUMBER = "+919876543210"


def push(sandbox: Sandbox, *numbers: str) -> list[str]:
    campaign = sandbox.client().campaign(sandbox.campaign_id)
    results = campaign.push([{"phone_number": number} for number in numbers]).results
    return [result.run_id or "" for result in results]


def record(sandbox: Sandbox, run_id: str) -> revrag.Record:
    return sandbox.client().campaign(sandbox.campaign_id).record(run_id)


def call(sandbox: Sandbox, run_id: str) -> revrag.Call:
    return sandbox.client().call(record(sandbox, run_id).call_history[-1].call_id or "")


def started(sandbox: Sandbox, run_id: str) -> datetime:
    at = call(sandbox, run_id).start_time
    assert at is not None
    return at.astimezone(INDIA)


def manual(**settings: Any) -> Sandbox:
    common: dict[str, Any] = {"dispatch_after": 0, "call_duration": 60, "failure_rate": 0}
    return Sandbox(time="manual", **common | settings)


def test_time_stands_still_until_it_is_moved():
    with manual() as sandbox:
        (run,) = push(sandbox, NUMBER)
        assert sandbox.now == datetime(2026, 6, 1, 10, tzinfo=INDIA)
        # The loop may or may not have looked; the clock has not moved.
        assert sandbox.advance().utcoffset() == timedelta(0)
        assert record(sandbox, run).status == "in_progress"
        sandbox.advance(seconds=59.999)
        assert record(sandbox, run).status == "in_progress"
        sandbox.advance(timedelta(milliseconds=1))
        assert record(sandbox, run).status == "completed"
        assert call(sandbox, run).duration == 60
        assert sandbox.now == datetime(2026, 6, 1, 10, 1, tzinfo=INDIA)


def test_time_never_goes_back_and_real_time_is_not_moved():
    with manual() as sandbox:
        with pytest.raises(InvalidArgumentError, match="goes back"):
            sandbox.advance(hours=-1)
        with pytest.raises(InvalidArgumentError, match="goes back"):
            sandbox.advance_to(datetime(2026, 5, 1, tzinfo=UTC))
        with pytest.raises(InvalidArgumentError, match="time zone"):
            sandbox.advance_to(sandbox.now.replace(tzinfo=None))
    with Sandbox() as sandbox, pytest.raises(InvalidArgumentError, match="manual"):
        sandbox.run_until_idle()


def test_answers_are_dated_by_its_own_time():
    with manual() as sandbox:
        for _ in range(2):
            url = f"{sandbox.url}/v1/campaigns/{sandbox.campaign_id}/status"
            request = urllib.request.Request(url, headers={"X-API-Key": sandbox.api_key})
            with urllib.request.urlopen(request, timeout=10) as answer:
                assert parsedate_to_datetime(answer.headers["date"]) == sandbox.now
                assert answer.headers["server"] == f"revrag-sandbox/{revrag.__version__}"
            sandbox.advance(days=400)


def test_sped_up_time_passes_by_itself():
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    with Sandbox(speed=100_000, now=noon, call_duration=3600, failure_rate=0) as sandbox:
        (run,) = push(sandbox, NUMBER)
        campaign = sandbox.client().campaign(sandbox.campaign_id)
        assert campaign.wait(run, timeout=20, poll_interval=0.02).status == "completed"
        assert call(sandbox, run).duration == 3600
        assert sandbox.now - noon >= timedelta(hours=1)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"window": ("11:30", "18:00")}, "2026-06-01T11:30"),
        ({"window": (time(9), time(10))}, "2026-06-02T09:00"),
        ({"window": ("22:00", "02:00")}, "2026-06-01T22:00"),
        ({"active_days": ["wed"]}, "2026-06-03T00:00"),
        ({"active_days": ["wed"], "window": ("09:00", "21:00")}, "2026-06-03T09:00"),
        ({"first_attempt_on": date(2026, 6, 5)}, "2026-06-05T00:00"),
        (
            {"first_attempt_on": "2026-06-05", "dial_first_attempt_immediately": True},
            "2026-06-01T10:00",
        ),
        (
            {"timezone": "America/New_York", "window": ("09:00", "10:00")},
            "2026-06-01T18:30",
        ),
    ],
    ids=str,
)
def test_a_call_waits_for_its_gates(settings: dict[str, Any], expected: str):
    with manual(**settings) as sandbox:
        (run,) = push(sandbox, NUMBER)
        sandbox.run_until_idle()
        assert started(sandbox, run) == datetime.fromisoformat(expected).replace(tzinfo=INDIA)


def test_the_hour_that_summer_time_skips_and_the_one_it_repeats():
    berlin: dict[str, Any] = {"timezone": "Europe/Berlin", "window": ("02:30", "04:00")}
    eve = datetime(2027, 3, 28, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    with manual(now=eve, **berlin) as sandbox:
        (run,) = push(sandbox, NUMBER)
        sandbox.run_until_idle()
        # The clock goes from 02:00 to 03:00, and 03:00 is inside.
        assert started(sandbox, run) == datetime(2027, 3, 28, 1, tzinfo=UTC)
    with manual(
        now=datetime(2026, 10, 25, 2, 45, tzinfo=ZoneInfo("Europe/Berlin")), **berlin
    ) as sandbox:
        (run,) = push(sandbox, NUMBER)
        sandbox.script(NUMBER, ["no_answer", "completed"])
        sandbox.update_campaign(max_attempts=2, retry_delay=1800 - 60)
        (again,) = push(sandbox, NUMBER)
        sandbox.run_until_idle()
        # A quarter past two comes a second time, and is outside; half past two is inside again.
        assert started(sandbox, again) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_a_waiting_record_says_for_what():
    with manual(window=("11:00", "18:00"), max_concurrency=1) as sandbox:
        one, two = push(sandbox, NUMBER, "+919876543211")
        sandbox.advance()
        assert sandbox.waits_for(one) == "outside the window until 11:00 IST"
        sandbox.advance(hours=1)
        assert sandbox.waits_for(one) is None
        assert sandbox.waits_for(two) == "as many calls as may be until 11:01 IST"
        with pytest.raises(InvalidArgumentError, match="no such record"):
            sandbox.waits_for(sandbox.campaign_id)


def test_scripts_say_how_calls_go():
    with manual(max_attempts=3, retry_delay=600) as sandbox:
        sandbox.script(
            "98765 43210",
            [
                "busy",
                {"outcome": "callback", "duration": 30, "after": 3600},
                {
                    "outcome": "completed",
                    "transcript": [{"role": "user", "content": "Tomorrow is fine."}],
                    "summary": "Tomorrow.",
                    "variables": {"day": "tomorrow", "sure": True},
                },
            ],
        )
        (run,) = push(sandbox, NUMBER)
        sandbox.advance(minutes=1)
        at = record(sandbox, run)
        assert (at.status, at.attempt_count) == ("retry_pending", 1)
        assert at.next_attempt_at == datetime(2026, 6, 1, 10, 11, tzinfo=INDIA)
        assert call(sandbox, run).disconnection_reason == "busy"
        assert call(sandbox, run).recording_url is None
        sandbox.advance(minutes=10, seconds=30)
        at = record(sandbox, run)
        assert (at.status, at.attempt_count, len(at.call_history)) == ("rescheduled", 2, 2)
        sandbox.run_until_idle()
        assert record(sandbox, run).status == "completed"
        last = call(sandbox, run)
        assert (last.attempt_no, last.summary) == (3, "Tomorrow.")
        assert last.transcription is not None
        assert last.transcription.messages[0].content == "Tomorrow is fine."
        extracted = [(it.key, it.type, it.value) for it in last.custom_variables]
        assert extracted == [("day", "string", "tomorrow"), ("sure", "boolean", True)]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("busy", "pass a list"),
        (["lost"], r"lines\[0\]: there is no outcome \"lost\""),
        (["busy", {"outcome": "busy", "wait": 1}], r"lines\[1\].*wait"),
        ([{"duration": 1}], "outcome"),
        ([{"outcome": "busy", "duration": -1}], "0 to a hundred years"),
    ],
)
def test_a_script_that_cannot_be_read_is_refused(lines: Any, problem: str):
    with manual() as sandbox, pytest.raises(InvalidArgumentError, match=problem):
        sandbox.script(NUMBER, lines)


@pytest.mark.parametrize(
    ("digits", "first", "last"),
    [
        ("0", "completed", "completed"),
        ("1", "retry_pending", "failed"),
        ("2", "retry_pending", "failed"),
        ("3", "retry_pending", "failed"),
        ("4", "retry_pending", "failed"),
        ("5", "rescheduled", "completed"),
        ("6", "dnc", "dnc"),
        ("7", "follow_up_pending", "completed"),
    ],
)
def test_last_digits_say_how_calls_go(digits: str, first: str, last: str):
    with manual(max_attempts=2) as sandbox:
        (run,) = push(sandbox, f"+91987555010{digits}")
        sandbox.advance(minutes=1)
        assert record(sandbox, run).status == first
        sandbox.run_until_idle()
        final = record(sandbox, run)
        assert (final.status, final.is_final) == (last, True)


def test_asking_for_no_more_calls_ends_all_of_a_number():
    with manual(max_concurrency=1) as sandbox:
        sandbox.script(NUMBER, [{"outcome": "dnc", "reason": "Asked twice"}])
        asked, waiting, other = push(sandbox, NUMBER, "09876543210", "+919876543211")
        sandbox.advance(minutes=1)
        for run in (asked, waiting):
            at = record(sandbox, run)
            assert (at.status, at.dnc_reason) == ("dnc", "Asked twice")
            assert at.dnc_at == datetime(2026, 6, 1, 10, 1, tzinfo=INDIA)
        assert record(sandbox, waiting).attempt_count == 0
        (late,) = push(sandbox, NUMBER)
        assert record(sandbox, late).status in {"queued", "dnc"}
        sandbox.run_until_idle()
        assert record(sandbox, late).status == "dnc"
        assert record(sandbox, other).status == "completed"
        sandbox.remove_from_dnc(NUMBER)
        sandbox.script(NUMBER, [])
        (again,) = push(sandbox, NUMBER)
        sandbox.run_until_idle()
        assert record(sandbox, again).status == "completed"


def test_pause_resume_and_cancel():
    with manual(max_concurrency=1) as sandbox:
        one, two, three = push(sandbox, NUMBER, "+919876543211", "+919876543212")
        sandbox.advance(seconds=1)
        sandbox.set_campaign_status("paused")
        sandbox.advance(days=2)
        assert [record(sandbox, run).status for run in (one, two)] == ["completed", "queued"]
        assert sandbox.waits_for(two) == "the campaign is not running"
        sandbox.set_campaign_status("running")
        sandbox.advance(seconds=1)
        assert started(sandbox, two) == datetime(2026, 6, 3, 10, 0, 1, tzinfo=INDIA)
        sandbox.set_campaign_status("cancelled")
        sandbox.run_until_idle()
        ends = [record(sandbox, run) for run in (two, three)]
        assert [end.status for end in ends] == ["completed", "failed"]
        assert all(end.is_final for end in ends)


def test_past_its_end_date_a_campaign_is_completed_and_refuses():
    with manual(end_date=date(2026, 6, 2)) as sandbox:
        campaign = sandbox.client().campaign(sandbox.campaign_id)
        sandbox.advance_to(datetime(2026, 6, 2, 23, 59, 59, tzinfo=INDIA))
        push(sandbox, NUMBER)
        sandbox.advance(seconds=1)
        assert campaign.status().status == "completed"
        with pytest.raises(revrag.BadRequestError, match="campaign is completed"):
            push(sandbox, NUMBER)


def test_a_workspace_sees_its_own_campaigns_only():
    with manual() as sandbox:
        (run,) = push(sandbox, NUMBER)
        sandbox.run_until_idle()
        theirs = call(sandbox, run).call_id or ""
        sandbox.add_workspace(api_key="other-key", name="Other")
        other = sandbox.add_campaign(api_key="other-key", call_duration=5, failure_rate=0)
        client = sandbox.client(api_key="other-key")
        for unseen in (
            lambda: client.campaign(sandbox.campaign_id).status(),
            lambda: client.campaign(other).record(run),
            lambda: client.call(theirs),
            lambda: sandbox.client().campaign(other).status(),
        ):
            with pytest.raises(revrag.NotFoundError):
                unseen()
        sandbox.add_to_dnc(NUMBER, api_key="other-key")
        pushed = client.campaign(other).push([{"phone_number": NUMBER}]).results[0].run_id or ""
        (ours,) = push(sandbox, NUMBER)
        sandbox.run_until_idle()
        assert client.campaign(other).record(pushed).status == "dnc"
        assert record(sandbox, ours).status == "completed"
        with pytest.raises(InvalidArgumentError, match="another workspace"):
            sandbox.add_workspace(api_key="other-key")
        with pytest.raises(InvalidArgumentError, match="no workspace"):
            sandbox.add_campaign(api_key="nobody's")
        with pytest.raises(InvalidArgumentError, match="with this id"):
            sandbox.add_campaign(campaign_id=other)


def test_a_recording_plays_until_its_link_expires():
    with manual() as sandbox:
        (run,) = push(sandbox, NUMBER)
        sandbox.run_until_idle()
        url = call(sandbox, run).recording_url
        assert url is not None
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.headers["Content-Type"] == "audio/wav"
            recording = io.BytesIO(answer.read())
        with wave.open(recording) as audio:
            assert audio.getnframes() / audio.getframerate() == 10
        sandbox.advance(minutes=59)
        urllib.request.urlopen(url, timeout=10).close()
        sandbox.advance(minutes=2)
        for bad in (url, url.replace("signature=", "signature=0"), url.split("?")[0]):
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(bad, timeout=10)
        fresh = call(sandbox, run).recording_url
        assert fresh is not None
        urllib.request.urlopen(fresh, timeout=10).close()


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone: it is no time zone"),
        ({"window": ("09:00", "09:00")}, "window: it ends when it begins"),
        ({"window": ("nine", "ten")}, "window.*no time of day"),
        ({"active_days": []}, "active_days: it names no day"),
        ({"active_days": ["today"]}, r"active_days\[0\]: .*today"),
        ({"outcomes": {"busy": 0.7, "voicemail": 0.4}}, "outcomes: .*at most 1"),
        ({"retry_on": ["completed"]}, "retry_on: .*not tried again"),
        ({"max_attempts": 0}, "max_attempts: it must be at least 1"),
        ({"retry_delay": -1}, "retry_delay: it must be a number of seconds"),
        ({"end_date": "soon"}, "end_date: "),
        ({"time": "later"}, "time: it must be"),
        ({"speed": 0}, "speed: it must be"),
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused_by_name(settings: dict[str, Any], problem: str):
    with pytest.raises(InvalidArgumentError, match=problem):
        Sandbox(**settings)


def test_an_unknown_setting_is_an_unexpected_argument():
    unknown: dict[str, Any] = {"windows": None}
    with pytest.raises(TypeError, match=r"Sandbox\(\) got an unexpected .* 'windows'"):
        Sandbox(**unknown)
    with Sandbox() as sandbox, pytest.raises(TypeError, match="update_campaign"):
        sandbox.update_campaign(**unknown)


def days(seed: int, time: Literal["real", "manual"], hours: float) -> list[dict[str, Any]]:
    """Two campaign days, in steps of so many hours."""
    shares: Any = {"no_answer": 0.3, "callback": 0.1, "dnc": 0.1, "follow_up": 0.1}
    with Sandbox(
        time=time,
        seed=seed,
        max_attempts=3,
        max_concurrency=3,
        call_duration=600,
        window=("09:00", "21:00"),
        outcomes=shares,
    ) as sandbox:
        push(sandbox, *(f"+9198765432{number:02}" for number in range(40)))
        end = sandbox.now + timedelta(days=2)
        while sandbox.now < end:
            sandbox.advance(hours=hours)
        campaign = sandbox.client().campaign(sandbox.campaign_id)
        return [it.to_dict() for it in campaign.records()]


def test_a_seed_gives_one_history_however_time_is_cut():
    history = days(7, "manual", 48)
    assert history == days(7, "manual", 0.75)
    assert history != days(8, "manual", 48)
    assert len({it["status"] for it in history}) > 2


def test_a_person_at_the_handset():
    number = "+919876543210"
    with manual(max_attempts=3, callback_delay=3600, call_duration=60) as sandbox:
        with sandbox.handset(number) as phone:
            assert (phone.is_ringing, phone.call_id, phone.conversation) == (False, None, [])
            with pytest.raises(InvalidArgumentError, match="nobody calls it right now"):
                phone.answer()
            (run_id,) = push(sandbox, number)
            sandbox.advance(seconds=1)
            assert phone.is_ringing
            phone.decline()
            assert call(sandbox, run_id).disconnection_reason == "busy"
            sandbox.advance(minutes=30)
            with pytest.raises(InvalidArgumentError, match="it rings; answer it first"):
                phone.say("Hello?")
            phone.answer()
            phone.say("I am driving.")
            assert [it["role"] for it in phone.conversation] == ["assistant", "user", "assistant"]
            phone.request_callback()
            assert record(sandbox, run_id).status == "rescheduled"
            sandbox.advance(hours=1)
            phone.answer()
            phone.hang_up()
            assert record(sandbox, run_id).status == "completed"
            assert call(sandbox, run_id).disconnection_reason == "user_hangup"
            (second,) = push(sandbox, number)
            sandbox.advance(seconds=1)
            phone.answer()
            phone.request_do_not_call()
            assert record(sandbox, second).status == "dnc"
            assert number not in repr(phone)
        sandbox.remove_from_dnc(number)
        # Nobody plays it any more: its calls go as they are drawn.
        (third,) = push(sandbox, number)
        sandbox.run_until_idle()
        assert record(sandbox, third).status == "completed"
        with pytest.raises(InvalidArgumentError, match="number"):
            sandbox.handset("12")
