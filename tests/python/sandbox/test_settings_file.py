"""A sandbox described in a file: all of it, and what is wrong with it by line and column."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import revrag
from revrag import InvalidArgumentError
from revrag.sandbox import Sandbox

EXAMPLE = Path(__file__).parents[3] / "examples" / "sandbox.toml"
RENEWALS = "11111111-1111-1111-1111-111111111111"


def write(folder: Path, text: str) -> Path:
    file = folder / "sandbox.toml"
    file.write_text(text)
    return file


def orders(sandbox: Sandbox, path: str) -> Any:
    with urllib.request.urlopen(f"{sandbox.url}/_sandbox{path}", timeout=10) as answer:
        return json.load(answer)


def test_the_example_is_what_it_says():
    with Sandbox(settings=EXAMPLE) as sandbox:
        assert sandbox.now.isoformat() == "2026-06-01T04:00:00+00:00"
        assert (sandbox.api_key, sandbox.campaign_id) == ("acme-key", RENEWALS)
        acme, globex = orders(sandbox, "/workspaces")
        assert (acme["name"], acme["webhook_url"]) == ("Acme", "http://127.0.0.1:8001/revrag")
        assert globex["webhook_url"] is None
        renewals, reminders, nightly = orders(sandbox, "/campaigns")
        assert [renewals["name"], reminders["name"]] == ["Renewals", "Reminders"]
        assert nightly["workspace_id"] == globex["workspace_id"]
        assert [it["kind"] for it in sandbox.faults] == ["rate_limit", "status"]
        theirs = sandbox.client(api_key="globex-key", max_retries=0)
        theirs_nightly = theirs.campaign(nightly["campaign_id"])
        with pytest.raises(revrag.ServerError, match="Down for maintenance"):
            theirs_nightly.status()
        assert theirs_nightly.status().status == "running"
        settings = orders(sandbox, f"/campaigns/{RENEWALS}")["settings"]
        assert settings["window"] == ["09:00:00", "21:00:00"]
        assert settings["end_date"] == "2026-06-30"
        assert settings["outcomes"]["no_answer"] == 0.2
        assert [it["reason"] for it in orders(sandbox, "/dnc")] == [
            "Added by the settings",
            "Asked by mail",
        ]
        ours = sandbox.client(max_retries=0).campaign(RENEWALS)
        numbers = ["+919876543210", "+919876543211", "+919876500002"]
        pushed = ours.push([{"phone_number": number} for number in numbers])
        sandbox.run_until_idle()
        first, second, barred = (ours.record(it.run_id or "") for it in pushed.results)
        assert (first.attempt_count, first.status, barred.status) == (3, "completed", "dnc")
        call = sandbox.client().call(second.call_history[0].call_id or "")
        assert (call.duration, call.summary) == (90, "Renews on Friday.")
        assert call.custom_variables[0].key == "renews"


def test_every_setting_of_a_campaign_is_in_the_example():
    with Sandbox() as sandbox:
        known = orders(sandbox, f"/campaigns/{sandbox.campaign_id}")["settings"]
    text = EXAMPLE.read_text()
    assert [name for name in known if f"\n{name} = " not in text] == []


def test_what_is_said_goes_before_the_file(tmp_path: Path):
    file = write(tmp_path, "seed = 3\n[[workspaces]]\n[[workspaces.campaigns]]\nmax_attempts = 4\n")
    with Sandbox(settings=file, time="manual", api_key="mine", max_attempts=2) as sandbox:
        assert (sandbox.api_key, sandbox.now.year) == ("mine", 2026)
        settings = orders(sandbox, f"/campaigns/{sandbox.campaign_id}")["settings"]
        assert settings["max_attempts"] == 2
    with Sandbox(settings=file, failure_rate=0) as sandbox:
        settings = orders(sandbox, f"/campaigns/{sandbox.campaign_id}")["settings"]
        assert (settings["max_attempts"], settings["failure_rate"]) == (4, 0)


def test_a_state_stands_beside_its_file(tmp_path: Path):
    file = write(tmp_path, 'state = "kept.db"\ntime = "manual"\n')
    with Sandbox(settings=file):
        pass
    assert (tmp_path / "kept.db").exists()


CAMPAIGN = "[[workspaces]]\n[[workspaces.campaigns]]\n"


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"),
    [
        ("port = 0\nprot = 1\n", 2, 1, "unknown field `prot`"),
        ('seed = "x"\n', 1, 1, "seed: it is string, and must be u64"),
        ("port = 70000\n", 1, 1, "port: "),
        ("seed = 1\nseed = 2\n", 2, 1, "duplicate key"),
        ("seed = \n", 1, 8, ""),
        ('time = "fast"\n', 1, 1, "unknown variant `fast`"),
        ("speed = 0\n", 1, 1, "speed: it must be from 0.001"),
        ("speed = inf\n", 1, 9, "finite"),
        ('now = "soon"\n', 1, 1, "now: write the moment"),
        ("request_timeout = 0\n", 1, 1, "request_timeout: it must be more than 0"),
        (CAMPAIGN + '  windw = ["09:00", "21:00"]\n', 3, 3, "unknown field `windw`"),
        (CAMPAIGN + 'name = "x"\nwindow = ["09:00", "09:00"]\n', 4, 1, "window: it ends when"),
        (CAMPAIGN + 'window = ["09:00", "25:00"]\n', 3, 1, 'window: "25:00" is no time of day'),
        (CAMPAIGN + 'window = ["09:00"]\n', 3, 1, "window: "),
        (CAMPAIGN + "active_days = []\n", 3, 1, "active_days: it names no day"),
        (CAMPAIGN + 'active_days = [\n  "mon",\n  "moonday",\n]\n', 5, 3, "unknown variant"),
        (CAMPAIGN + 'timezone = "Asia/Atlantis"\n', 3, 1, "timezone: "),
        (CAMPAIGN + "max_attempts = -1\n", 3, 1, "max_attempts: "),
        (CAMPAIGN + "outcomes = { no_answer = 0.7, busy = 0.7 }\n", 3, 1, "outcomes: "),
        (CAMPAIGN + 'campaign_id = "x"\n', 3, 1, "campaign_id: it is no UUID"),
        (CAMPAIGN + "status = 1\n", 3, 1, "status: it is integer, and must be a string"),
        (
            CAMPAIGN
            + f'campaign_id = "{RENEWALS}"\n[[workspaces.campaigns]]\ncampaign_id = "{RENEWALS}"\n',
            5,
            1,
            "campaign_id: another one has it",
        ),
        ("[[workspaces]]\n[[workspaces]]\n", 2, 1, "missing field `api_key`"),
        ("[[workspaces]]\napi_key = 'sandbox-key'\n[[workspaces]]\napi_key = 'sandbox-key'\n", 4, 1,
         "another workspace has it"),
        ("[[workspaces]]\napi_key = 1234567890\n", 2, 1, "it must be text in quotes"),
        ("[[workspaces]]\napi_key = ''\n", 2, 1, "it is empty"),
        ("[[workspaces]]\nwebhook = 'whsec_s3cret'\n", 2, 1, "webhook: it is string"),
        ("[[workspaces]]\n[workspaces.webhook]\nurl = 'http://example.com'\nsecret = 's'\n", 3, 1,
         "url: it is of another machine"),
        ("[[workspaces]]\n[workspaces.webhook]\nurl = 'http://127.0.0.1'\n", 2, 13, "secret"),
        ("[[workspaces]]\ndnc = ['+919876543210', '12']\n", 2, 25, "no phone number"),
        ("[scripts]\n'+919876543210' = ['sing']\n", 2, 20, "there is no outcome"),
        ("[scripts]\n'+919876543210' = 'busy'\n", 2, 1, "is a list"),
        ("[scripts]\n'12' = ['busy']\n", 2, 1, "no phone number"),
        ("[[faults]]\nendpoint = 'push'\n", 1, 1, "missing field `kind`"),
        ("[[faults]]\nkind = 'status'\nstatus = 99\n", 3, 1, "status: it must be from 200"),
        ("[[faults]]\nkind = 'delay'\nbody = 'x'\n", 3, 1, "body: a fault of kind delay"),
        ("handset = ['x']\n", 1, 12, "no phone number"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_line_and_column(
    tmp_path: Path, text: str, line: int, column: int, problem: str
):
    file = write(tmp_path, text)
    with pytest.raises(InvalidArgumentError) as caught:
        Sandbox(settings=file)
    told = str(caught.value)
    assert f"{file}, line {line}, column {column}: " in told
    assert problem in told
    for secret in ("s3cret", "1234567890", "9876543210"):
        assert secret not in told


def test_a_file_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(InvalidArgumentError, match=r"settings: .*No such file"):
        Sandbox(settings=tmp_path / "none.toml")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidArgumentError, match="UTF-8"):
        Sandbox(settings=tmp_path / "binary")


def command(*more: str) -> list[str]:
    return [sys.executable, "-m", "revrag", "sandbox", "--json", *more]


def test_the_command_takes_it():
    child = subprocess.Popen(command("--settings", str(EXAMPLE)), stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        said = json.loads(child.stdout.readline())
        assert said["campaign_id"] == RENEWALS
        client = revrag.Client("globex-key", base_url=said["url"])
        other = client.campaign("44444444-4444-4444-4444-444444444444")
        # The first request for a status is struck by a fault of the file, and tried again.
        assert other.status().status == "running"
    finally:
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=20)


def test_the_command_names_the_line(tmp_path: Path):
    file = write(tmp_path, "\nprot = 1\n")
    done = subprocess.run(
        command("--settings", str(file)), capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 2
    assert f"--settings: {file}, line 2, column 1: unknown field `prot`" in done.stderr
