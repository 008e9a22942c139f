"""``revrag push``: what it shows, what it asks, and that each row goes once."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.command import Command
from support.service import Service, always, at, each, gate, hold, reset, status
from support.upload import number

Start = Callable[..., Any]
Host = Callable[..., Service]
ROWS = 40
# Several requests, one after the other, and nothing that takes long.
PACE = ("--max-records", 10, "--concurrency", 1, "--settle-after", 0.05)


def write_leads(folder: Path, count: int = ROWS) -> Path:
    path = folder / "leads.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["phone_number", "name"])
        rows.writerows([number(row), f"Lead {row}"] for row in range(count))
    return path


def sent(service: Service) -> Counter[str]:
    return Counter(json.loads(stored.json())["phone_number"] for stored in service.applied)


def once(count: int = ROWS) -> Counter[str]:
    return Counter(number(row) for row in range(count))


@pytest.fixture
def leads(folder: Path) -> Path:
    return write_leads(folder)


@pytest.mark.parametrize("script", [False, True], ids=["python -m", "console script"])
def test_a_file_goes_once_however_often(
    start: Start, host: Host, leads: Path, script: bool
) -> None:
    service = host()
    for again in range(2):
        code, out, err = start("push", leads.name, *PACE, url=service.url, script=script).end()
        assert code == 0, err
        assert f"accepted   {ROWS}  queued for calling" in out
        assert ("goes on: 40 accepted" in err) == bool(again)
    assert sent(service) == once()
    assert leads.with_name("leads.csv.revrag-journal").exists()


def test_it_shows_what_is_about_to_go_without_a_number(
    start: Start, host: Host, leads: Path
) -> None:
    service = host()
    code, _, err = start("push", leads.name, url=service.url).end()
    assert code == 0
    assert f"40 rows: {ROWS} to send" in err
    assert "(running)" in err
    assert "window" in err
    assert "name=Lead 0" in err
    assert "+91********00" in err
    assert number(0) not in err
    _, _, err = start("push", leads.name, "--show-numbers", url=service.url).end()
    assert number(0) in err


@pytest.mark.parametrize(
    "answer", ["n\r", "\r", "\x04", "\udcff\r"], ids=["no", "nothing", "Ctrl-D", "no text"]
)
def test_without_a_yes_nothing_goes(start: Start, host: Host, leads: Path, answer: str) -> None:
    service = host()
    command = start("push", leads.name, url=service.url, terminal=True)
    command.wait_for(f"Push {ROWS} rows? [y/N]")
    command.type(answer)
    code, text = command.end()
    assert code == 130
    assert "nothing was sent" in text
    assert service.pushes == []
    assert not leads.with_name("leads.csv.revrag-journal").exists()


def test_ctrl_c_at_the_question(start: Start, host: Host, leads: Path) -> None:
    service = host()
    command = start("push", leads.name, url=service.url, terminal=True)
    command.wait_for("[y/N]")
    command.interrupt()
    assert command.end()[0] == 130
    assert service.pushes == []


def test_a_yes_sends(start: Start, host: Host, leads: Path) -> None:
    service = host()
    command = start("push", leads.name, url=service.url, terminal=True)
    command.wait_for("[y/N]")
    command.type("y\r")
    code, text = command.end()
    assert code == 0
    assert "queued for calling" in text
    assert "\x1b[32maccepted\x1b[0m" in text
    assert sent(service) == once()


def stop_by_ctrl_c(command: Command) -> int:
    command.interrupt()
    ended = command.end()  # type: ignore[attr-defined]
    return int(ended[0])


def stop_by_kill(command: Command) -> int:
    command.kill()
    return command.process.returncode


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
@pytest.mark.parametrize(
    ("stop", "expected"), [(stop_by_ctrl_c, 130), (stop_by_kill, -9)], ids=["Ctrl-C", "kill -9"]
)
@pytest.mark.parametrize("applied", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("how", ["journal", "key"])
def test_interrupted_and_run_again_each_row_goes_once(
    start: Start,
    host: Host,
    leads: Path,
    stop: Callable[[Command], int],
    expected: int,
    applied: float,
    how: str,
    terminal: bool,
) -> None:
    service = host(faults=at({2: hold(applied=applied)}))
    words = ["push", leads.name, *PACE, "--yes"]
    if how == "key":
        words += ["--key", "name"]
    command = start(*words, url=service.url, terminal=terminal)
    for _ in range(3):
        assert service.arrived.acquire(timeout=20)
    assert stop(command) == expected
    service.faults = each()
    code, out, err = start(*words, url=service.url).end()
    assert code == 0, out + err
    assert sent(service) == once()


def test_an_interrupted_push_tells_what_is_known(start: Start, host: Host, leads: Path) -> None:
    service = host(faults=at({2: hold()}))
    command = start("push", leads.name, *PACE, url=service.url)
    for _ in range(3):
        assert service.arrived.acquire(timeout=20)
    command.interrupt()
    code, out, err = command.end()
    assert code == 130
    assert "accepted   20" in out
    assert "the push stopped: it was interrupted" in err
    assert "the same command goes on from here" in err


def test_rejects_in_the_columns_of_the_file(start: Start, host: Host, folder: Path) -> None:
    (folder / "leads.csv").write_text(f"mobile,name\n{number(1)},Asha\n123,Dev\n{number(1)},Riya\n")
    service = host()
    words = ["push", "leads.csv", "--phone-number", "mobile", "--on-duplicate", "reject"]
    code, out, _ = start(*words, "--rejects", "rejects.csv", url=service.url).end()
    assert code == 1
    assert "invalid" in out
    assert "duplicate" in out
    with (folder / "rejects.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["outcome", "error", "mobile", "name"]
    assert [(row[0], row[3]) for row in rows[1:]] == [("invalid", "Dev"), ("duplicate", "Riya")]


def test_nothing_that_is_named_is_overwritten(start: Start, host: Host, leads: Path) -> None:
    service = host()
    before = leads.read_bytes()
    for flag, path in [
        ("--rejects", leads.name),
        ("--report", f"./{leads.name}"),
        ("--rejects", "leads.csv.revrag-journal"),
        ("--rejects", "rejects.txt"),
        ("--report", "nowhere/report.csv"),
    ]:
        code, _, err = start("push", leads.name, flag, path, url=service.url).end()
        assert code == 2, err
        assert flag in err or path in err
    assert leads.read_bytes() == before
    assert service.pushes == []


def test_a_dry_run_sends_nothing(start: Start, host: Host, leads: Path) -> None:
    service = host()
    with leads.open("a") as file:
        file.write("123,Dev\n")
    code, out, _ = start("push", leads.name, "--dry-run", "--json", url=service.url).end()
    told = json.loads(out)
    assert (code, told["not_sent"], told["invalid"], told["dry_run"]) == (1, ROWS, 1, True)
    assert service.pushes == []
    assert not leads.with_name("leads.csv.revrag-journal").exists()


def test_a_limit_goes_on(start: Start, host: Host, leads: Path) -> None:
    service = host()
    words = ["push", leads.name, "--limit", 25, "--json"]
    for accepted in (25, ROWS):
        code, out, _ = start(*words, url=service.url).end()
        assert (code, json.loads(out)["accepted"]) == (0, accepted)
    assert sent(service) == once()


def test_the_report_has_each_row(start: Start, host: Host, leads: Path, folder: Path) -> None:
    service = host()
    code, _, _ = start("push", leads.name, "--report", "report.jsonl", url=service.url).end()
    assert code == 0
    rows = [json.loads(line) for line in (folder / "report.jsonl").read_text().splitlines()]
    assert [row["row"] for row in rows] == list(range(ROWS))
    assert {row["outcome"] for row in rows} == {"accepted"}


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"faults": always(status(400))}, 3, "400 Bad Request"),
        ({"state": "paused"}, 3, 'the campaign is "paused"'),
        ({"faults": always(status(401), "status")}, 3, "401 Unauthorized"),
    ],
)
def test_a_refusal(
    start: Start, host: Host, leads: Path, options: dict[str, Any], code: int, words: str
) -> None:
    service = host(**options)
    found, _, err = start("push", leads.name, url=service.url).end()
    assert found == code
    assert words in err
    assert sent(service) == Counter()


def test_a_lost_answer_is_settled(start: Start, host: Host, leads: Path) -> None:
    service = host(faults=at({1: reset(applied=0.5), 2: reset(applied=1.0)}))
    code, _, err = start("push", leads.name, *PACE, url=service.url).end()
    assert code == 0, err
    assert sent(service) == once()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["push", "nowhere.csv"], "nowhere.csv: "),
        (["push", "leads.csv", "--phone-number", "mobile"], "mobile"),
        (["push", "leads.csv", "--max-records", "0"], "--max-records: it must be from 1"),
        (["push", "leads.csv", "--max-invalid", "many"], "--max-invalid"),
        (
            ["push", "leads.csv", "--name", "may"],
            "--name: it is for uploads with a key; pass --k",
        ),
        (["push", "leads.csv", "--sheet", "one"], "--sheet: "),
        (["push", "leads.csv", "--region", "XX"], "--region: "),
        (["push", "leads.csv", "--exclude", "nowhere.csv"], "nowhere.csv"),
        (["push", "leads.csv", "--campaign-id", "x"], "--campaign-id: "),
    ],
)
@pytest.mark.usefixtures("leads")
def test_errors_name_the_flag(start: Start, host: Host, words: list[str], expected: str) -> None:
    service = host()
    code, _, err = start(*words, url=service.url).end()
    assert code == 2, err
    assert expected in err
    assert service.pushes == []


def test_one_push_of_a_file_at_a_time(start: Start, host: Host, leads: Path) -> None:
    service = host(faults=at({0: gate()}))
    first = start("push", leads.name, *PACE, url=service.url)
    assert service.arrived.acquire(timeout=20)
    code, _, err = start("push", leads.name, *PACE, url=service.url).end()
    assert code == 2
    assert "journal" in err
    service.open_gate()
    assert first.end()[0] == 0
    assert sent(service) == once()


def test_a_row_that_the_service_fails_on_is_told(start: Start, host: Host, folder: Path) -> None:
    """It is not in the campaign, nothing stopped the upload, and somebody has to look at it."""
    service = host(faults=always(status(500)))
    (folder / "one.csv").write_text(f"phone_number\n{number(0)}\n")
    code, out, err = start("push", "one.csv", "--json", *PACE, url=service.url).end()
    told = json.loads(out)
    assert (code, told["not_sent"], told["stopped"]) == (1, 1, None), err
    assert sent(service) == Counter()


@pytest.mark.parametrize(
    ("words", "other"),
    [
        (["--journal", "j.csv", "--report", "./j.csv"], "--journal"),
        (["--rejects", "x.csv", "--report", "./x.csv"], "--rejects"),
        (["--report", "folder/../x.csv", "--rejects", "x.csv"], "--rejects"),
        (["--report", "link/x.csv", "--rejects", "folder/x.csv"], "--rejects"),
        (["--report", "folder/../leads.csv"], "FILE"),
    ],
)
@pytest.mark.usefixtures("leads")
def test_one_file_under_two_names_is_refused(
    start: Start, host: Host, folder: Path, words: list[str], other: str
) -> None:
    """Before there is either: afterwards the journal would be gone."""
    (folder / "folder").mkdir()
    (folder / "link").symlink_to("folder")
    service = host()
    code, _, err = start("push", "leads.csv", "--yes", *words, url=service.url).end()
    assert code == 2
    assert f"it is the file of {other}" in err
    assert service.pushes == []


@pytest.mark.parametrize("words", [["pipe.csv"], ["leads.csv", "--exclude", "pipe.csv"]])
@pytest.mark.usefixtures("leads")
def test_a_pipe_is_refused(start: Start, host: Host, folder: Path, words: list[str]) -> None:
    """It would be read once, and waited for ever after."""
    os.mkfifo(folder / "pipe.csv")
    service = host()
    code, _, err = start("push", *words, "--yes", url=service.url).end()
    assert code == 2
    assert "pipe.csv: it is no regular file" in err
    assert service.pushes == []


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-", ">/dev/full"], ids=str)
def test_without_streams_it_goes_all_the_same(
    env: dict[str, str], host: Host, leads: Path, closed: str
) -> None:
    """No file takes a stream's place, and a receipt that nobody takes is no failure."""
    service = host()
    report = leads.with_name("report.jsonl")
    line = f'exec "$@" {closed}'
    words = ["push", leads.name, "--yes", "--report", report.name]
    done = subprocess.run(
        ["bash", "-c", line, "bash", sys.executable, "-m", "revrag", *words],
        env={**env, "REVRAG_BASE_URL": service.url},
        cwd=leads.parent,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done
    assert sent(service) == once()
    assert [json.loads(line)["row"] for line in report.read_text().splitlines()] == [*range(ROWS)]


def test_a_dry_run_that_nobody_takes_has_failed(
    env: dict[str, str], host: Host, leads: Path
) -> None:
    """Its receipt is all that it is for."""
    words = ["push", leads.name, "--dry-run", "--json"]
    done = subprocess.run(
        ["bash", "-c", 'exec "$@" >/dev/full', "bash", sys.executable, "-m", "revrag", *words],
        env={**env, "REVRAG_BASE_URL": host().url},
        cwd=leads.parent,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2


def test_a_folder_that_is_missing_is_told_without_names_of_ours(
    start: Start, host: Host, leads: Path
) -> None:
    words = ["push", leads.name, "--yes", "--report", "nowhere/report.csv"]
    code, _, err = start(*words, url=host().url).end()
    assert code == 2
    assert "nowhere/report.csv" in err
    assert ".revrag-" not in err


def test_ctrl_c_while_the_report_is_written(start: Start, host: Host, folder: Path) -> None:
    """It ends, says what it was, and leaves no half of a file."""
    write_leads(folder, 150_000)
    service = host()
    # Packed, it takes its time.
    words = ["push", "leads.csv", "--dry-run", "--report", "report.jsonl.gz"]
    command = start(*words, url=service.url)
    deadline = time.monotonic() + 40
    while not any(map(size_of, folder.glob(".revrag-*.tmp"))):
        assert time.monotonic() < deadline
        assert command.process.poll() is None
    command.interrupt()
    code, _, err = command.end()
    assert code == 130
    assert "--report report.jsonl.gz: it was interrupted" in err
    assert [path.name for path in folder.iterdir()] == ["leads.csv"]


def size_of(path: Path) -> int:
    """Its bytes; none where it is gone, as one that only tries whether it can be made."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
