"""``revrag listen``, against the service in miniature and an application that verifies."""

from __future__ import annotations

import json
import os
import queue
import random
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import ANY
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from revrag.sandbox import Sandbox
from support import CALL, RECORD
from support.application import Application
from support.commands import COMMAND, Terminal, environment, run
from support.server import Request, Serve, reply

SECRET = "whsec_of_the_tests"
INTERVAL = 0.5


class Listening:
    """``revrag listen --json`` in a pipe."""

    def __init__(self, arguments: list[str], env: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [*COMMAND, "listen", "--json", *arguments],
                env=env,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        # Read all the time, lest it waits for a reader.
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                self._lines.put(line)
        self._lines.put("")

    def line(self) -> dict[str, Any]:
        """The next line of its output."""
        line = self._lines.get(timeout=30)
        assert line, self.log.read_text()
        told: dict[str, Any] = json.loads(line)
        return told

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """End it; its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(10)
        self._reader.join(10)
        return code


Listen = Callable[..., Listening]


@pytest.fixture
def campaign() -> Iterator[Sandbox]:
    with Sandbox(
        dispatch_after=0, call_duration=0.05, failure_rate=0.2, max_concurrency=5000
    ) as sandbox:
        yield sandbox


@pytest.fixture
def env(campaign: Sandbox, tmp_path: Path) -> dict[str, str]:
    return environment(
        tmp_path,
        REVRAG_API_KEY="sandbox-key",
        REVRAG_BASE_URL=campaign.url,
        REVRAG_CAMPAIGN_ID=campaign.campaign_id,
        REVRAG_WEBHOOK_SECRET=SECRET,
    )


@pytest.fixture
def application() -> Iterator[Application]:
    made = Application(SECRET)
    yield made
    assert not made.bad
    made.close()


@pytest.fixture
def listen(env: dict[str, str], tmp_path: Path) -> Iterator[Listen]:
    """Start it; ``listen(application, *more)`` returns once it listens."""
    started: list[Listening] = []

    def listen(application: Application, *more: str, **variables: str) -> Listening:
        arguments = ["--forward-to", application.url, "--interval", str(INTERVAL), *more]
        listening = Listening(arguments, {**env, **variables}, tmp_path / "listen.err")
        started.append(listening)
        return listening

    yield listen
    for one in started:
        one.end(signal.SIGKILL)


def push(sandbox: Sandbox, count: int, start: int = 0) -> None:
    """Push leads whose calls end at once."""
    with sandbox.client() as client:
        leads = [
            {"phone_number": f"+9198{number:08}", "app_session_id": f"s-{number}"}
            for number in range(start, start + count)
        ]
        for at in range(0, count, 500):
            client.campaign(sandbox.campaign_id).push(leads[at : at + 500])


def ended(sandbox: Sandbox, count: int) -> set[str]:
    """The ids of all calls, once so many have ended."""
    with sandbox.client() as client:
        campaign = client.campaign(sandbox.campaign_id)
        while True:
            records = list(campaign.records())
            calls = {
                attempt.call_id
                for record in records
                for attempt in record.call_history
                if attempt.status in ("completed", "failed")
            }
            if len(calls) >= count:
                return calls
            time.sleep(0.05)


def test_a_thousand_calls_are_forwarded_once_each(
    campaign: Sandbox, application: Application, listen: Listen
):
    listening = listen(application)
    assert listening.line()["event"] == "listening"
    for start in range(0, 1000, 100):
        push(campaign, 100, start)
        time.sleep(0.3)
    calls = ended(campaign, 1000)
    application.wait(1000)
    assert application.calls == calls
    assert len(application.taken) == 1000
    with campaign.client() as client:
        taken = application.taken[0]
        # A presigned link is made anew each time.
        link = {"recording_url": ANY}
        assert client.call(taken.call["call_id"]).to_dict() | link == taken.call | link
    late = [
        taken.at - datetime.fromisoformat(taken.call["end_time"]).timestamp()
        for taken in application.taken
    ]
    # How late that is, depends on the machine: it is seen with `pytest -s`.
    print(f"at most {max(late):.2f} s late, {sorted(late)[500]:.2f} s in the middle")
    assert listening.end() == 130


def test_none_is_missed_where_it_is_killed_again_and_again(
    campaign: Sandbox, application: Application, listen: Listen, tmp_path: Path
):
    draw = random.Random(7)
    save = tmp_path / "events.jsonl"
    first = listen(application, "--save", str(save))
    first.line()
    total = 0
    for _ in range(8):
        push(campaign, 60, total)
        total += 60
        time.sleep(draw.uniform(0.0, 0.8))
        first.end(signal.SIGKILL)
        first = listen(application, "--save", str(save))
    calls = ended(campaign, total)
    application.wait(total)
    assert application.calls == calls
    # A kill between a delivery and its bookkeeping doubles it, under the same id.
    assert len({(taken.event_id, taken.call["call_id"]) for taken in application.taken}) == total
    assert len(application.taken) - total < 8 * 16
    first.line()
    assert first.end() == 130
    kept = [json.loads(line) for line in save.read_text().splitlines()]
    assert len(kept) == total
    assert {event["payload"]["call_id"] for event in kept} == calls


def test_what_is_not_accepted_comes_again_and_what_is_does_not(
    campaign: Sandbox, application: Application, listen: Listen
):
    application.answer = lambda number: 500 if number < 30 else 200
    listening = listen(application)
    listening.line()
    push(campaign, 20)
    application.wait(20)
    assert len(application.taken) == 20
    assert application.seen >= 50
    listening.end()
    told = application.seen
    again = listen(application, "--once", "--since", "all")
    again.line()
    assert again.process.wait(20) == 0
    assert application.seen == told


def test_an_application_that_is_down_misses_nothing(
    campaign: Sandbox, application: Application, listen: Listen
):
    application.close()
    listening = listen(application)
    listening.line()
    push(campaign, 5)
    for _ in range(5):
        told = listening.line()
        assert (told["accepted"], told["status_code"]) == (False, None)
    up = Application(SECRET, port=application.port)
    up.wait(5)
    assert len(up.taken) == 5
    up.close()


def test_it_begins_now_or_where_it_is_told(
    campaign: Sandbox, application: Application, env: dict[str, str]
):
    push(campaign, 10)
    before = ended(campaign, 10)
    arguments = ["listen", "--forward-to", application.url, "--once"]
    assert run(arguments, env).returncode == 0
    assert not application.taken
    assert run([*arguments, "--since", "1h", "--status", "failed"], env).returncode == 0
    failed = {taken.call["call_id"] for taken in application.taken}
    assert {taken.call["call_status"] for taken in application.taken} == {"failed"}
    assert run([*arguments, "--since", "1h"], env).returncode == 0
    assert application.calls == before
    assert len(application.taken) == 10
    assert failed < before


def test_a_secret_that_is_made_is_kept(tmp_path: Path, listen: Listen):
    application = Application("not known yet")
    secrets = set()
    for _ in range(2):
        listening = listen(application, REVRAG_WEBHOOK_SECRET="")
        secrets.add(listening.line()["secret"])
        listening.end()
    (secret,) = secrets
    assert secret.startswith("whsec_")
    assert len(secret) > 40
    state = next((tmp_path / ".local" / "state" / "revrag").glob("listen-*.sqlite"))
    assert state.stat().st_mode & 0o077 == 0
    application.close()


def test_one_at_a_time(application: Application, listen: Listen, env: dict[str, str]):
    listening = listen(application)
    listening.line()
    second = run(["listen", "--forward-to", application.url], env)
    assert second.returncode == 2
    assert b"already" in second.stderr
    listening.end()


class Restless:
    """A service whose listing shifts with every page, and that fails now and then."""

    def __init__(self, count: int) -> None:
        self.ids = [str(uuid4()) for _ in range(count)]
        self.order = list(self.ids)
        self.draw = random.Random(3)
        self.lock = threading.Lock()
        self.asked = 0
        self.calls: dict[str, int] = {}

    def __call__(self, connection: socket.socket, request: Request) -> None:
        with self.lock:
            self.asked += 1
            url = urlsplit(request.target)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            *_, last = url.path.split("/")
            # The first look, at its three pages, is spared.
            if self.asked > 5 and self.asked % 7 == 0:
                answer = reply(503, {"detail": "Busy."})
            elif last == "records":
                answer = reply(200, self.page(int(query["page"]), int(query["page_size"])))
            elif self.calls.setdefault(last, 0) == 0:
                self.calls[last] = 1
                answer = reply(404, {"detail": "Not there yet."})
            else:
                answer = reply(200, {**CALL, "call_id": last})
        answer(connection, request)

    def page(self, number: int, size: int) -> dict[str, Any]:
        for _ in range(5):
            self.order.insert(0, self.order.pop(self.draw.randrange(len(self.order))))
        shown = self.order[(number - 1) * size : number * size]
        items = [
            {**RECORD, "id": one, "call_history": [{"call_id": one, "status": "completed"}]}
            for one in shown
        ]
        total = len(self.order)
        more = number * size < total
        return {"items": items, "total": total, "has_more": more, "page": number, "page_size": size}


def test_a_listing_that_shifts_hides_no_call(
    serve: Serve, application: Application, listen: Listen
):
    restless = Restless(450)
    listening = listen(application, "--since", "all", REVRAG_BASE_URL=serve(restless).url)
    application.wait(450)
    assert application.calls == set(restless.ids)
    assert len(application.taken) == 450
    assert listening.end() == 130


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--forward-to", "http://192.0.2.1/revrag"], b"--allow-remote"),
        (["--forward-to", "localhost:8000"], b"--forward-to"),
        (["--forward-to", "http://localhost:1/", "--since", "yesterday"], b"--since"),
        (["--forward-to", "http://localhost:1/", "--campaign", "x"], b"--campaign"),
    ],
)
def test_wrong_usage_names_the_flag(env: dict[str, str], arguments: list[str], said: bytes):
    finished = run(["listen", *arguments], env)
    assert finished.returncode == 2
    assert said in finished.stderr


def test_it_says_what_the_service_refuses(env: dict[str, str], application: Application):
    arguments = ["listen", "--forward-to", application.url]
    wrong_key = run(arguments, {**env, "REVRAG_API_KEY": "another"})
    assert (wrong_key.returncode, b"401" in wrong_key.stderr) == (3, True)
    nobody = run(arguments, {**env, "REVRAG_BASE_URL": "http://127.0.0.1:1"})
    assert nobody.returncode == 4


def test_a_terminal_shows_a_table(campaign: Sandbox, application: Application, env: dict[str, str]):
    terminal = Terminal(
        ["listen", "--forward-to", application.url, "--interval", str(INTERVAL)],
        {**env, "REVRAG_WEBHOOK_SECRET": SECRET},
    )
    try:
        terminal.until("are delivered to")
        push(campaign, 3)
        application.wait(3)
        (call, *_) = sorted(application.calls)
        text = terminal.until(call)
        assert "answer" in text
        os.killpg(terminal.process.pid, signal.SIGINT)
        code, text = terminal.finish()
        assert code == 130
        assert "98000000" not in text
    finally:
        terminal.close()
