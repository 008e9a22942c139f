"""The examples, against the sandbox's real webhooks."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from revrag.sandbox import Sandbox

EXAMPLES = Path(__file__).parents[3] / "examples"
LEADS = 20
COMMANDS = {
    "fastapi": ["uvicorn", "webhook_fastapi:app", "--fd", "{}"],
    "flask": ["gunicorn", "webhook_flask:app", "--bind", "fd://{}"],
    "django": ["gunicorn", "webhook_django:application", "--bind", "fd://{}"],
    "inbox": ["uvicorn", "webhook_inbox:app", "--fd", "{}"],
}


def test_every_example_is_run():
    assert {path.stem.removeprefix("webhook_") for path in EXAMPLES.glob("webhook_*.py")} == set(
        COMMANDS
    )


@pytest.mark.parametrize("framework", COMMANDS)
def test_an_example_hears_of_every_call(framework: str, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        number = str(listener.fileno())
        command = [part.replace("{}", number) for part in COMMANDS[framework]]
        environment = {
            **os.environ,
            "REVRAG_WEBHOOK_SECRET": "whsec",
            "WEBHOOK_STORE": str(tmp_path / "store.sqlite"),
        }
        output = tmp_path / "output"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", *command, "--workers", "2"],
                cwd=EXAMPLES,
                env=environment,
                stdout=file,
                stderr=file,
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )
        try:
            port = listener.getsockname()[1]
            told = calls_told(f"http://127.0.0.1:{port}/revrag", output)
            while framework == "inbox" and len(set(told)) < LEADS:  # it handles them later
                time.sleep(0.02)
                told = words_told(output)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
    if framework == "inbox":
        # Printing is no part of the transaction: where that fails, as on a busy SQLite, it comes
        # again.
        told = sorted(set(told))
    assert len(told) == len(set(told)) == LEADS, output.read_text()


def calls_told(url: str, output: Path) -> list[str]:
    """Push leads; the ids of the calls that the example printed, once all were delivered."""
    with (
        Sandbox(
            webhook_url=url,
            webhook_secret="whsec",
            dispatch_after=0,
            call_duration=0.05,
            failure_rate=0,
        ) as sandbox,
        sandbox.client() as client,
    ):
        campaign = client.campaign(sandbox.campaign_id)
        leads = [{"phone_number": f"+9198765432{number:02}"} for number in range(LEADS)]
        pushed = campaign.push(leads)
        assert pushed.accepted == LEADS
        while sandbox.webhooks_delivered < LEADS:
            assert not sandbox.webhooks_failed, output.read_text()
            time.sleep(0.02)
        calls = {
            call.call_id
            for outcome in pushed.results
            for call in campaign.record(outcome.run_id).call_history
        }
    told = words_told(output)
    assert set(told) <= calls
    return told


def words_told(output: Path) -> list[str]:
    """The ids that the example printed so far; the lines of two workers may run into another."""
    return re.findall(r"([0-9a-f-]{36}) completed:", output.read_text())
