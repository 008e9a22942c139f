"""The commands that read: the same in a pipe, at a terminal and for programs."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from revrag.sandbox import Sandbox
from support.service import Exchange, Service, at, hold
from support.upload import leads

Start = Callable[..., Any]
COUNT = 250


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A campaign whose calls are over."""
    with (
        Sandbox(dispatch_after=0, call_duration=0.01, failure_rate=0.2, seed=7) as sandbox,
        sandbox.client() as client,
    ):
        campaign = client.campaign(sandbox.campaign_id)
        pushed = campaign.push(leads(COUNT))
        campaign.wait_all([it.run_id for it in pushed.results], timeout=20, poll_interval=0.05)
        yield sandbox.url


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_status(start: Start, url: str) -> None:
    code, out, err = start("status", url=url).end()
    assert (code, err) == (0, "")
    assert "status    running" in out
    assert "total" in out
    told = json.loads(start("status", "--json", url=url).end()[1])
    assert told["stats"]["total_records"] == COUNT


@pytest.mark.parametrize("words", [("watch",), ("status", "--watch")])
def test_watching_ends_when_nothing_is_left(start: Start, url: str, words: tuple[str]) -> None:
    code, out, _ = start(*words, url=url).end()
    assert code == 0
    assert out.startswith("running: ")
    assert out.count("\n") == 1


def test_watching_follows_what_happens(start: Start) -> None:
    with (
        Sandbox(dispatch_after=0, call_duration=0.3, failure_rate=0) as sandbox,
        sandbox.client() as client,
    ):
        client.campaign(sandbox.campaign_id).push(leads(5))
        code, text = start("watch", "--interval", 0.05, url=sandbox.url, terminal=True).end()
        assert code == 0
        assert "\x1b[" in text
        code, out, _ = start("watch", "--json", url=sandbox.url).end()
        assert json_lines(out)[-1]["stats"]["completed"] == 5


def test_watching_until(start: Start) -> None:
    with Sandbox(dispatch_after=100) as sandbox, sandbox.client() as client:
        client.campaign(sandbox.campaign_id).push(leads(5))
        words = ("watch", "--interval", 0.1, "--until", 0.3)
        code, _, err = start(*words, url=sandbox.url).end()
        assert code == 1
        assert "--until: 5 records are not done yet" in err


def test_records_in_a_pipe_are_csv(start: Start, url: str) -> None:
    code, out, err = start("records", url=url).end()
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len({row["run_id"] for row in rows}) == COUNT
    assert rows[0]["phone_number"].startswith("+91")
    assert len(rows[0]["phone_number"]) == 13
    assert "\x1b" not in out


def test_records_as_the_service_has_them(start: Start, url: str) -> None:
    code, out, _ = start("records", "--json", "--status", "failed", url=url).end()
    records = json_lines(out)
    assert code == 0
    assert {record["status"] for record in records} == {"failed"}
    code, out, _ = start("records", "--json", "--limit", 3, url=url).end()
    assert len(json_lines(out)) == 3
    # More than a page, and no more than asked for.
    code, out, _ = start("records", "--json", "-n", 203, url=url).end()
    assert len(json_lines(out)) == 203


@pytest.mark.parametrize(
    ("name", "size"),
    [("r.csv", COUNT), ("r.jsonl", COUNT), ("r.jsonl.gz", COUNT), ("r.parquet", COUNT)],
)
def test_records_in_files(start: Start, url: str, folder: Path, name: str, size: int) -> None:
    import polars as pl

    code, out, err = start("records", "--output", name, url=url).end()
    assert (code, out) == (0, "")
    assert f"{COUNT} rows in {name}" in err
    path = folder / name
    assert path.stat().st_mode & 0o077 == 0
    read = pl.read_parquet if "parquet" in name else pl.read_csv if "csv" in name else None
    frame = read(path) if read else pl.read_ndjson(path.read_bytes())
    assert frame.height == size
    if name == "r.parquet":
        assert frame["updated_at"].dtype == pl.Datetime("us", "UTC")
    assert [entry.name for entry in folder.iterdir()] == [name]


@pytest.mark.parametrize("name", ["r.csv", "r.jsonl", "r.parquet"])
def test_a_file_that_is_interrupted_is_not_there(
    start: Start, host: Callable[..., Service], folder: Path, name: str
) -> None:
    asked = threading.Semaphore(0)

    def watch(exchange: Exchange, phase: str) -> None:
        if (exchange.kind, exchange.number, phase) == ("records", 1, "arrived"):
            asked.release()

    service = host(faults=at({1: hold()}, "records"), watch=watch)
    for lead in leads(250):
        service.remember(lead)
    command = start("records", "--output", name, url=service.url)
    assert asked.acquire(timeout=20)
    command.interrupt()
    assert command.end() == (130, "", "")
    assert list(folder.iterdir()) == []


def test_parquet_into_a_pipe(start: Start, url: str) -> None:
    import polars as pl

    command = start("records", "--format", "parquet", url=url)
    out, _ = command.process.communicate(timeout=20)
    assert pl.read_parquet(io.BytesIO(out)).height == COUNT


def test_records_by_number_and_since(start: Start, url: str) -> None:
    words = ("records", "--json", "--phone-number", "98000 00007")
    _, out, _ = start(*words, url=url).end()
    assert [record["phone_number"] for record in json_lines(out)] == ["+919800000007"]
    assert start("records", "--json", "--since", "1h", url=url).end()[1].count("\n") == COUNT
    assert start("records", "--json", "--since", "2199-01-01", url=url).end()[:2] == (0, "")


def test_numbers_are_masked_at_a_terminal_alone(start: Start, url: str) -> None:
    command = start("records", "-n", 2, url=url, terminal=True)
    code, text = command.end()
    assert code == 0
    assert "run id" in text
    assert "+919800000" not in text
    assert "+91********" in text
    _, text = start("records", "-n", 2, "--show-numbers", url=url, terminal=True).end()
    assert "+919800000" in text


def test_a_session_id_is_masked_where_it_may_hold_a_number(start: Start) -> None:
    with Sandbox() as sandbox, sandbox.client() as client:
        campaign = client.campaign(sandbox.campaign_id)
        [of_a_place] = campaign.upload([{"phone_number": "+919800000001"}]).rows()
        own = {"phone_number": "+919800000002", "app_session_id": "diwali-9800000002"}
        [of_a_number] = campaign.push([own]).results
        rows = [of_a_place["run_id"], of_a_number.run_id]
        for run_id, shown in zip(rows, ["-0", "diwali-***"], strict=True):
            _, text = start("record", run_id, url=sandbox.url, terminal=True).end()
            [line] = [line for line in text.splitlines() if "session id" in line]
            assert line.endswith(shown)
            assert ("*" in line) == ("*" in shown)


def test_a_record_and_its_call(start: Start, url: str) -> None:
    _, out, _ = start("records", "--json", "-n", 1, "--status", "completed", url=url).end()
    record = json.loads(out)
    code, out, _ = start("record", record["id"], url=url).end()
    assert code == 0
    assert "completed (final)" in out
    call_id = record["call_history"][0]["call_id"]
    assert call_id in out
    code, out, _ = start("call", call_id, url=url).end()
    assert code == 0
    assert "assistant  Hello there" in out
    assert "user       Yes, Friday" in out
    told = json.loads(start("call", call_id, "--json", url=url).end()[1])
    assert told["call_id"] == call_id
    _, text = start("call", call_id, url=url, terminal=True).end()
    assert record["phone_number"] not in text
    assert "\x1b[1muser\x1b[0m" in text


def test_calls(start: Start, url: str, folder: Path) -> None:
    import polars as pl

    code, out, _ = start("calls", "--json", url=url).end()
    calls = json_lines(out)
    assert code == 0
    assert len({call["call_id"] for call in calls}) == COUNT
    words = ("calls", "--status", "completed", "-o", "calls.parquet")
    assert start(*words, url=url).end()[0] == 0
    frame = pl.read_parquet(folder / "calls.parquet")
    assert set(frame["call_status"]) == {"completed"}
    assert "Friday" in frame["transcription"][0]


def test_a_record_that_is_missing_does_not_end_the_calls(start: Start, url: str) -> None:
    _, out, _ = start("records", "--json", "-n", 1, url=url).end()
    nobody = "00000000-0000-0000-0000-00000000dead"
    code, out, err = start("calls", nobody, json.loads(out)["id"], "--json", url=url).end()
    assert code == 1
    assert len(json_lines(out)) == 1
    assert "404" in err


def test_an_error_that_nobody_hears_is_not_in_the_file(
    start: Start, env: dict[str, str], url: str, folder: Path
) -> None:
    _, out, _ = start("records", "--json", "-n", 1, url=url).end()
    nobody = "00000000-0000-0000-0000-00000000dead"
    words = ["calls", nobody, json.loads(out)["id"], "-o", "calls.jsonl"]
    done = subprocess.run(
        ["bash", "-c", 'exec "$@" 2>&-', "bash", sys.executable, "-m", "revrag", *words],
        env={**env, "REVRAG_BASE_URL": url},
        cwd=folder,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert len(json_lines((folder / "calls.jsonl").read_text())) == 1


def test_calls_of_many_records_that_are_named(start: Start, url: str) -> None:
    _, out, _ = start("records", "--json", "-n", 20, url=url).end()
    runs = [record["id"] for record in json_lines(out)]
    code, out, _ = start("calls", *runs, "--concurrency", 3, "--json", url=url).end()
    assert code == 0
    assert len({call["call_id"] for call in json_lines(out)}) == 20


def test_the_sandbox_for_programs(start: Start) -> None:
    command = start("sandbox", "--json")
    assert command.process.stdout is not None
    told = json.loads(command.process.stdout.readline())
    assert told["url"].startswith("http://127.0.0.1:")
    assert start("status", url=told["url"]).end()[0] == 0
    command.interrupt()
    assert command.end() == (0, "", "")


def test_a_broken_pipe_is_silent(start: Start, url: str) -> None:
    command = start("records", "--json", url=url)
    assert command.process.stdout is not None
    assert command.process.stderr is not None
    command.process.stdout.readline()
    command.process.stdout.close()
    assert command.process.stderr.read() == b""
    assert command.process.wait(20) == 0


def test_no_color(start: Start, url: str) -> None:
    assert "\x1b[" in start("status", url=url, terminal=True).end()[1]
    assert "\x1b[" not in start("status", url=url, terminal=True, NO_COLOR="1").end()[1]
    assert "\x1b[" not in start("--help", terminal=True, NO_COLOR="1").end()[1]


@pytest.mark.parametrize(
    ("words", "more", "code", "expected"),
    [
        (("record", "00000000-0000-0000-0000-00000000dead"), {}, 3, "404 Not Found"),
        (("record", "x"), {}, 2, "RUN_ID: "),
        (("status",), {"REVRAG_API_KEY": "another"}, 3, "check REVRAG_API_KEY"),
        (("status",), {"REVRAG_API_KEY": ""}, 2, "set the environment variable REVRAG_API_KEY"),
        (("status",), {"REVRAG_CAMPAIGN_ID": ""}, 2, "--campaign-id: there is none"),
        (("status", "--timeout", "0"), {}, 2, "--timeout: "),
        (("records", "--format", "xml"), {}, 2, "--format"),
        (("records", "-o", "rows.xml"), {}, 2, "--output: "),
        (("records", "--since", "soon"), {}, 2, "--since"),
    ],
)
def test_exit_codes(
    start: Start, url: str, words: tuple[str], more: dict[str, str], code: int, expected: str
) -> None:
    found, out, err = start(*words, url=url, **more).end()
    assert (found, out) == (code, "")
    assert expected in err


def test_no_connection(start: Start) -> None:
    code, _, err = start("status", "--max-retries", 0, url="http://127.0.0.1:1").end()
    assert code == 4
    assert "could not connect" in err
    code, _, err = start("status", "--max-retries", 0, "--json", url="http://127.0.0.1:1").end()
    told = json.loads(err)["error"]
    assert (told["kind"], told["exit_code"]) == ("connection", 4)
