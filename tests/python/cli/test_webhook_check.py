"""``revrag webhook check``: the examples pass, and each broken endpoint is found out."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.commands import Terminal, environment, run

EXAMPLES = Path(__file__).parents[3] / "examples"
SUPPORT = Path(__file__).parents[1]
GUNICORN = ["gunicorn", "--worker-class", "gthread", "--threads", "4", "--bind", "fd://{}"]
GOOD = {
    "fastapi": ["uvicorn", "webhook_fastapi:app", "--workers", "2", "--fd", "{}"],
    "flask": [*GUNICORN, "--workers", "2", "webhook_flask:app"],
    "django": [*GUNICORN, "--workers", "2", "webhook_django:application"],
}
# What is wrong with an endpoint, and the checks that tell.
BROKEN = {
    "no-signature": {"tampered", "forged"},
    "reserialises": {"oddly-spelled", "not-json"},
    "no-time": {"stale", "future"},
    "no-future": {"future"},
    "unsigned-time": {"restamped"},
    "first-signature": {"two-signatures"},
    "one-secret": {"other-secret"},
    "crashes": {"unsigned", "malformed"},
    "parses-badly": {"not-json"},
    "one-type": {"unknown-type"},
    "needs-transcript": {"bare"},
    "handles-twice": {"again", "at-once", "replayed"},
    "id-only": {"replayed"},
    "refuses-duplicates": {"again"},
    "by-length": {"chunked"},
    "takes-get": {"get"},
    "any-size": {"huge"},
    "leaks": {"tampered", "forged"},
}

Started = tuple[str, Path]
Start = Callable[..., Started]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a server: its endpoint, and the log of its application."""
    started: list[tuple[subprocess.Popen[bytes], socket.socket]] = []

    def start(command: list[str], folder: Path, secrets: str, **variables: str) -> Started:
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        number = str(listener.fileno())
        log = tmp_path / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", *(part.replace("{}", number) for part in command)],
                cwd=folder,
                env={
                    **os.environ,
                    "REVRAG_WEBHOOK_SECRET": secrets,
                    "WEBHOOK_STORE": str(tmp_path / "store.sqlite"),
                    **variables,
                },
                stdout=output,
                stderr=output,
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )
        started.append((process, listener))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # How long the workers take to come up is no trait of the endpoint.
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{address}/nowhere", timeout=60)
        return f"{address}/revrag", log

    yield start
    for process, listener in started:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        listener.close()


def check(url: str, log: Path, secrets: str, home: Path) -> tuple[int, dict[str, str], str]:
    """Check it: the exit code, the verdicts by their checks, and all that was said."""
    file = home / "secrets"
    file.write_text("\n".join(secrets.split(",")))
    arguments = ["webhook", "check", url, "--json", "--secret-file", str(file), "--log", str(log)]
    finished = run([*arguments, "--timeout", "30"], environment(home), limit=120)
    lines = [json.loads(line) for line in finished.stdout.splitlines()]
    verdicts = {line["check"]: line["verdict"] for line in lines if line["check"]}
    return finished.returncode, verdicts, finished.stdout.decode() + finished.stderr.decode()


@pytest.mark.parametrize("framework", GOOD)
def test_the_examples_pass(framework: str, start: Start, tmp_path: Path):
    url, log = start(GOOD[framework], EXAMPLES, "whsec_example")
    code, verdicts, said = check(url, log, "whsec_example", tmp_path)
    assert code == 0, said
    assert len(verdicts) >= 20
    skipped = {name for name, verdict in verdicts.items() if verdict != "good"}
    assert skipped == {"other-secret"}, said


@pytest.mark.parametrize("fault", ["", *BROKEN])
def test_a_broken_endpoint_is_found_out(fault: str, start: Start, tmp_path: Path):
    secrets = "whsec_new_one,whsec_old_one"
    app = [*GUNICORN, "--workers", "1", "support.endpoints_broken:app"]
    url, log = start(app, SUPPORT, secrets, APP_FAULT=fault, PYTHONPATH=str(SUPPORT))
    code, verdicts, said = check(url, log, secrets, tmp_path)
    bad = {name for name, verdict in verdicts.items() if verdict != "good"}
    assert bad == BROKEN.get(fault, set()), said
    assert code == (1 if fault else 0)
    assert "whsec_" not in said


def test_nobody_there_is_no_verdict(tmp_path: Path):
    env = environment(tmp_path, REVRAG_WEBHOOK_SECRET="whsec")
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/revrag"
    finished = run(["webhook", "check", url], env)
    assert finished.returncode == 4
    assert b"can't be reached" in finished.stderr


def test_a_terminal_says_what_goes_wrong(start: Start, tmp_path: Path):
    app = [*GUNICORN, "--workers", "1", "support.endpoints_broken:app"]
    variables = {"APP_FAULT": "no-time", "PYTHONPATH": str(SUPPORT)}
    url, _ = start(app, SUPPORT, "whsec_example", **variables)
    env = environment(tmp_path, REVRAG_WEBHOOK_SECRET="whsec_example")
    terminal = Terminal(["webhook", "check", url, "--timeout", "30"], env)
    try:
        code, text = terminal.finish(60)
    finally:
        terminal.close()
    assert code == 1
    assert "played back forever" in text
    assert "\x1b[31m" in text
    assert "--log" in text
