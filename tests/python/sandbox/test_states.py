"""A sandbox's state: taken, given back, and kept in a file."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import revrag
from revrag import InvalidArgumentError
from revrag.sandbox import Sandbox

SETTINGS: Any = {
    "time": "manual",
    "call_duration": 60,
    "failure_rate": 0.3,
    "max_attempts": 3,
    "window": ("09:00", "21:00"),
}


def push(sandbox: Sandbox, count: int = 10) -> None:
    numbers = [f"+9198765432{number:02}" for number in range(count)]
    campaign = sandbox.client().campaign(sandbox.campaign_id)
    campaign.push([{"phone_number": number, "variables": {"n": 1.5}} for number in numbers])


def history(sandbox: Sandbox) -> list[dict[str, Any]]:
    campaign = sandbox.client().campaign(sandbox.campaign_id)
    return [campaign.status().to_dict(), *(it.to_dict() for it in campaign.records())]


def test_a_snapshot_is_all_of_it():
    with Sandbox(**SETTINGS) as sandbox:
        push(sandbox)
        sandbox.script("+919876543201", ["busy"])
        sandbox.add_workspace(api_key="other-key")
        other = sandbox.add_campaign(api_key="other-key")
        sandbox.advance(seconds=90)
        taken, then, before = sandbox.snapshot(), sandbox.now, history(sandbox)
        sandbox.run_until_idle()
        after = history(sandbox)
        assert before != after
        sandbox.restore(taken)
        assert (sandbox.now, history(sandbox)) == (then, before)
        sandbox.run_until_idle()
        assert history(sandbox) == after
        # Another sandbox takes it, too: its keys, its time, its future.
        with Sandbox(time="manual", api_key="unlike", seed=9) as twin:
            twin.restore(taken)
            assert twin.api_key == "sandbox-key"
            twin.client(api_key="other-key").campaign(other).status()
            twin.run_until_idle()
            assert history(twin) == after
        sandbox.reset()
        assert history(sandbox)[1:] == []
        with pytest.raises(revrag.AuthenticationError):
            sandbox.client(api_key="other-key").campaign(other).status()


def test_a_snapshot_that_is_none_is_refused_and_changes_nothing():
    with Sandbox(**SETTINGS) as sandbox:
        push(sandbox)
        taken, before = sandbox.snapshot(), history(sandbox)
        damaged = taken[:50] + bytes([taken[50] ^ 1]) + taken[51:]
        for bad, problem in [
            (b"", "no snapshot"),
            (b"x" * 99, "no snapshot"),
            (damaged, "damaged"),
            (b"revrag sandbox 2\n" + taken[17:], "another version of revrag took it"),
        ]:
            with pytest.raises(InvalidArgumentError, match=problem):
                sandbox.restore(bad)
        assert history(sandbox) == before


def test_a_file_goes_on_where_it_was(tmp_path: Path):
    file = tmp_path / "sandbox.db"
    with Sandbox(state=file, **SETTINGS) as sandbox:
        push(sandbox)
        sandbox.advance(minutes=20)
        now, before = sandbox.now, history(sandbox)
        with pytest.raises(InvalidArgumentError, match="another sandbox has it open"):
            Sandbox(state=file)
    # What the file holds goes before what is said.
    with Sandbox(state=file, time="manual", seed=5) as again:
        assert (again.now, history(again)) == (now, before)
        again.run_until_idle()
        after = history(again)
    with Sandbox(**SETTINGS) as one:
        push(one)
        one.run_until_idle()
        assert history(one) == after


def strike(sandbox: Sandbox, times: int) -> list[int]:
    """The statuses of so many requests for a campaign's."""
    campaign = sandbox.client(max_retries=0).campaign(sandbox.campaign_id)
    answers = []
    for _ in range(times):
        try:
            campaign.status()
            answers.append(200)
        except revrag.APIStatusError as error:
            answers.append(error.status_code)
    return answers


def test_faults_are_part_of_a_state(tmp_path: Path):
    file = tmp_path / "sandbox.db"
    with Sandbox(state=file, **SETTINGS) as sandbox:
        sandbox.fault("push", "malformed", body={"deep": [1.5, None]}, after=3)
        sandbox.fault("status", "status", status=418, times=3)
        sandbox.fault("records", "status")
        sandbox.clear_faults(3)
        assert strike(sandbox, 1) == [418]
        taken, before = sandbox.snapshot(), sandbox.faults
        assert [(it["id"], it["struck"]) for it in before] == [(1, 0), (2, 1)]
        assert strike(sandbox, 3) == [418, 418, 200]
        sandbox.restore(taken)
        assert sandbox.faults == before
        assert strike(sandbox, 1) == [418]
        with Sandbox() as twin:
            twin.restore(taken)
            assert twin.faults == before
    with Sandbox(state=file, **SETTINGS) as again:
        assert again.faults[0] == before[0]
        assert strike(again, 2) == [418, 200]
        assert again.fault("call", "dropped") == 4


def test_reset_keeps_what_the_settings_say(tmp_path: Path):
    file = tmp_path / "sandbox.toml"
    file.write_text(
        """
        time = "manual"
        [[workspaces]]
        dnc = ["+919876543219"]
        [[workspaces.campaigns]]
        name = "one"
        [[workspaces.campaigns]]
        name = "two"
        [scripts]
        "+919876543210" = ["busy"]
        [[faults]]
        kind = "status"
        endpoint = "status"
        """
    )
    with Sandbox(settings=file, state=tmp_path / "kept.db") as sandbox:
        first = sandbox.snapshot()
        push(sandbox)
        sandbox.run_until_idle()
        sandbox.script("+919876543210", ["dnc"])
        sandbox.remove_from_dnc("+919876543219")
        sandbox.add_campaign(name="three")
        sandbox.add_workspace(api_key="other")
        sandbox.fault("call", "dropped")
        assert strike(sandbox, 2) == [503, 200]
        sandbox.reset()
        assert sandbox.snapshot() == first
        assert (sandbox.requests, sandbox.deliveries) == ([], [])
        assert strike(sandbox, 2) == [503, 200]
    # The file holds what came of the reset.
    with Sandbox(state=tmp_path / "kept.db", time="manual") as again:
        assert len(again.faults) == 0
        assert history(again)[1:] == []


def test_a_kill_gives_a_fault_no_second_chance(tmp_path: Path):
    command = [sys.executable, "-m", "revrag", "sandbox", "--json", "--state", str(tmp_path / "s")]
    seen = []
    for life in range(2):
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert child.stdout is not None
            said = json.loads(child.stdout.readline())
            client = revrag.Client("sandbox-key", base_url=said["url"], max_retries=0)
            if life == 0:
                body = json.dumps({"endpoint": "status", "kind": "status", "times": 2}).encode()
                order = urllib.request.Request(
                    f"{said['url']}/_sandbox/faults", body, {"Content-Type": "application/json"}
                )
                urllib.request.urlopen(order, timeout=10).close()
            for _ in range(life + 1):
                try:
                    client.campaign(said["campaign_id"]).status()
                    seen.append(200)
                except revrag.ServerError as error:
                    seen.append(error.status_code)
        finally:
            os.kill(child.pid, signal.SIGKILL)
            child.communicate(timeout=20)
    assert seen == [503, 503, 200]


def test_a_file_that_is_no_sandboxs_is_left_alone(tmp_path: Path):
    file = tmp_path / "theirs.db"
    with sqlite3.connect(file) as theirs:
        theirs.execute("CREATE TABLE t (x)")
    theirs.close()
    before = file.read_bytes()
    with pytest.raises(InvalidArgumentError, match="not a sandbox's"):
        Sandbox(state=file)
    assert file.read_bytes() == before
    (tmp_path / "text").write_text("no database at all, but rather long a text" * 99)
    with pytest.raises(InvalidArgumentError, match="state: "):
        Sandbox(state=tmp_path / "text")
    with pytest.raises(InvalidArgumentError, match="state: "):
        Sandbox(state=tmp_path / "nowhere" / "file")


CHILD = """
import sys
from revrag.sandbox import Sandbox
how = {"call_duration": 60, "failure_rate": 0.3, "max_attempts": 3}
sandbox = Sandbox(state=sys.argv[1], time="manual", **how)
print(sandbox.url, flush=True)
for line in sys.stdin:
    sandbox.advance(seconds=float(line))
    print(sandbox.now.isoformat(), flush=True)
"""


def test_a_kill_loses_nothing_that_was_answered(tmp_path: Path):
    file = tmp_path / "sandbox.db"
    accepted: list[str] = []
    seen: dict[str, Any] = {}
    now = ""
    for life in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            url = child.stdout.readline().strip()
            client = revrag.Client("sandbox-key", base_url=url)
            campaign = client.campaign("11111111-1111-1111-1111-111111111111")
            assert {it.id: it.to_dict() for it in campaign.records()} == seen
            for step in range(5):
                number = f"+9198765{life}{step}{len(accepted):03}"
                results = campaign.push([{"phone_number": number}] * 3).results
                accepted += [it.run_id or "" for it in results]
                child.stdin.write(f"{step * 400}\n")
                child.stdin.flush()
                later = child.stdout.readline().strip()
                assert later >= now
                now = later
            seen = {it.id or "": it.to_dict() for it in campaign.records()}
            assert seen.keys() == set(accepted)
        finally:
            os.kill(child.pid, signal.SIGKILL)
            child.communicate(timeout=20)
    assert len({it["status"] for it in seen.values()}) > 1


def test_the_command_keeps_a_file(tmp_path: Path):
    command = [sys.executable, "-m", "revrag", "sandbox", "--json", "--state", str(tmp_path / "s")]
    run_id = None
    for _ in range(2):
        child = subprocess.Popen(
            [*command, "--failure-rate", "0"], stdout=subprocess.PIPE, text=True
        )
        try:
            assert child.stdout is not None
            said = json.loads(child.stdout.readline())
            campaign = revrag.Client("sandbox-key", base_url=said["url"]).campaign(
                said["campaign_id"]
            )
            if run_id is None:
                run_id = campaign.push([{"phone_number": "+919876543210"}]).results[0].run_id
            else:
                done = campaign.wait(run_id, timeout=20, poll_interval=0.05)
                assert done.status == "completed"
        finally:
            os.kill(child.pid, signal.SIGKILL)
            child.communicate(timeout=20)


def test_a_file_is_its_owners_alone(tmp_path: Path):
    """Keys, secrets and numbers are in it."""
    file = tmp_path / "sandbox.db"
    before = os.umask(0o022)
    try:
        with Sandbox(state=file, **SETTINGS):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("api_key", "é"),
        ("api_key", "a key"),
        ("api_key", "key\n"),
        ("campaign_status", " "),
        ("webhook_secret", ""),
        ("webhook_secret", "secret\n"),
        ("webhook_secret", "\ufeffsecret"),
    ],
)
def test_what_nobody_can_send_is_refused(option: str, value: str):
    options = {"webhook_url": "http://127.0.0.1:9/x", "webhook_secret": "secret", option: value}
    with pytest.raises(InvalidArgumentError, match=option):
        Sandbox(**options)


def test_a_second_try_does_not_let_others_in(tmp_path: Path):
    """A lock of a file is the process's: closing another descriptor of it would let it go."""
    file = tmp_path / "sandbox.db"
    script = "import sys; from revrag.sandbox import Sandbox; Sandbox(state=sys.argv[1])"
    with Sandbox(state=file, **SETTINGS):
        with pytest.raises(InvalidArgumentError, match="another sandbox has it open"):
            Sandbox(state=file)
        tried = subprocess.run(
            [sys.executable, "-c", script, file], capture_output=True, timeout=60, check=False
        )
    assert b"another sandbox has it open" in tried.stderr


def test_a_name_that_means_something_to_sqlite_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    with Sandbox(state=":memory:", **SETTINGS) as sandbox:
        push(sandbox)
    with Sandbox(state=":memory:") as again:
        assert history(again)[0]["stats"]["total_records"] == 10
