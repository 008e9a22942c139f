"""Every answer is as `/openapi.json` says, whatever is asked: schemathesis looks for another."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from revrag.sandbox import Sandbox

# For each of six operations, beside some that are no accident; three times.
EXAMPLES = 100


def schemathesis(
    sandbox: Sandbox,
    folder: Path,
    config: str,
    examples: int,
    seed: int = 7,
    *more: str,
    at: str = "/openapi.json",
) -> tuple[int, str]:
    """Its exit code, and what it said."""
    (folder / "schemathesis.toml").write_text(config)
    command = [str(Path(sys.executable).with_name("st")), "--config-file", "schemathesis.toml"]
    command += ["run", f"{sandbox.url}{at}", "--header", f"X-API-Key: {sandbox.api_key}"]
    command += [
        "--max-examples",
        str(examples),
        "--seed",
        str(seed),
        "--no-color",
        "--warnings",
        "off",
        *more,
    ]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=500, check=False
    )
    return done.returncode, done.stdout + done.stderr


def called() -> tuple[Sandbox, str]:
    """A sandbox in which there is something to be found, and where."""
    sandbox = Sandbox(time="manual", dispatch_after=0, call_duration=60, failure_rate=0)
    campaign = sandbox.client().campaign(sandbox.campaign_id)
    (pushed,) = campaign.push([{"phone_number": "+919876543210"}]).results
    sandbox.run_until_idle()
    run = pushed.run_id or ""
    call = campaign.record(run).call_history[0].call_id
    lines = ["[parameters]", f'"path.campaign_id" = "{sandbox.campaign_id}"']
    lines += [f'"path.run_id" = "{run}"', f'"path.call_id" = "{call}"']
    return sandbox, "\n".join(lines)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_answer_is_undocumented(tmp_path: Path, seed: int):
    sandbox, found = called()
    with sandbox:
        # What is there is asked for twice, and once what may not be.
        code, said = schemathesis(sandbox, tmp_path, found if seed < 3 else "", EXAMPLES, seed)
    assert code == 0, said
    cases = re.search(r"(\d+) generated, (\d+) passed", said)
    assert cases is not None, said
    assert int(cases[1]) >= 700


# Whether an order can be done hangs on what was ordered before: a valid one may be refused.
STATEFUL = ["--exclude-checks", "positive_data_acceptance", "--phases", "examples,coverage,fuzzing"]


@pytest.mark.timeout(400)
def test_no_answer_to_an_order_is_undocumented(tmp_path: Path):
    with Sandbox(time="manual") as sandbox:
        # Whoever orders a `refused` is refused himself: faults have a run of their own.
        more = [*STATEFUL, "--exclude-path", "/_sandbox/faults"]
        at = "/_sandbox/openapi.json"
        code, said = schemathesis(sandbox, tmp_path, "", 25, 7, *more, at=at)
        assert code == 0, said
        cases = re.search(r"(\d+) generated, (\d+) passed", said)
        assert cases is not None, said
        assert int(cases[1]) >= 700


def test_an_answer_that_is_not_as_documented_is_found(tmp_path: Path):
    sandbox, found = called()
    with sandbox:
        sandbox.fault("status", "status", status=500, probability=1)
        sandbox.fault("call", "status", status=200, body={"call_id": None}, probability=1)
        code, said = schemathesis(sandbox, tmp_path, found, 3)
    assert code == 1
    assert "Server error" in said
    assert "Response violates schema" in said


def test_it_is_of_the_operations_of_the_reference():
    with (
        Sandbox() as sandbox,
        urllib.request.urlopen(f"{sandbox.url}/openapi.json", timeout=10) as answer,
    ):
        document = json.load(answer)
    assert document["openapi"] == "3.1.0"
    assert {path: list(operations) for path, operations in document["paths"].items()} == {
        "/v1/campaigns/{campaign_id}/records/push-bulk": ["post"],
        "/v1/campaigns/{campaign_id}/records": ["get"],
        "/v1/campaigns/{campaign_id}/records/{run_id}": ["get"],
        "/v1/campaigns/{campaign_id}/status": ["get"],
        "/v1/campaigns/trigger/status/{call_id}": ["get"],
        "/recordings/{file}": ["get"],
    }
    schemas = document["components"]["schemas"]
    call = schemas["Call"]["properties"]
    assert len(call) == 18
    assert call["call_id"] == {"description": "The call's id.", "type": "string"}
    assert "null" in call["end_time"]["type"]
    assert schemas["NewRecord"]["required"] == ["phone_number"]
