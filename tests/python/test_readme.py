"""The README: its snippets run as they stand, and it is as short as it promises to be."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import revrag
from fastapi.testclient import TestClient
from revrag import testing
from revrag.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DEFAULT_CAMPAIGN = "11111111-1111-1111-1111-111111111111"

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A `#` in a snippet is a comment, no heading.
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", README, flags=re.MULTILINE | re.DOTALL))
PYTHON_SECTIONS = [name for name, text in SECTIONS.items() if "```python\n" in text]


def fences(text: str, language: str) -> list[str]:
    return [code for found, code in FENCE.findall(text) if found == language]


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    # Snippets may leave files behind.
    monkeypatch.chdir(tmp_path)
    with Sandbox(dispatch_after=0.01, call_duration=0.01, failure_rate=0) as service:
        monkeypatch.setenv("REVRAG_BASE_URL", service.url)
        monkeypatch.setenv("REVRAG_API_KEY", service.api_key)
        monkeypatch.setenv("REVRAG_WEBHOOK_SECRET", "whsec_readme")
        yield service


def run(section: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "readme"}
    for code in fences(SECTIONS[section], "python"):
        # Blank lines before it give a traceback the README's line numbers.
        line = README[: README.index(code)].count("\n")
        exec(compile("\n" * line + code, "README.md", "exec"), namespace)
    return namespace


def test_there_are_three_snippets():
    assert len(fences(README, "python")) == len(PYTHON_SECTIONS) == 3


def test_a_push_does_what_it_shows(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]):
    pushed = run("Push and follow")["pushed"]
    assert isinstance(pushed, revrag.PushResult)
    assert (pushed.accepted, pushed.rejected) == (1, 1)
    printed = capsys.readouterr().out
    assert "rejected: Invalid Indian phone number" in printed
    assert "completed Pankaj confirmed" in printed
    assert sandbox.client().campaign(DEFAULT_CAMPAIGN).status().stats.total_records == 1


def test_the_upload_finds_what_the_push_left(sandbox: Sandbox):
    run("Push and follow")
    report = run("Upload a table, each row exactly once")["report"]
    assert (report.accepted, report.unknown) == (1, 0)
    assert sandbox.client().campaign(DEFAULT_CAMPAIGN).status().stats.total_records == 2


def test_an_upload_that_is_run_twice_calls_once(sandbox: Sandbox):
    section = "Upload a table, each row exactly once"
    first, second = (run(section)["report"] for _ in range(2))
    assert (first.accepted, second.existing) == (1, 1)
    assert sandbox.client().campaign(DEFAULT_CAMPAIGN).status().stats.total_records == 1


@pytest.mark.usefixtures("sandbox")
def test_the_endpoint_hears_of_a_call_once(capsys: pytest.CaptureFixture[str]):
    app = run("Verify webhooks, each handled once")["app"]
    call = testing.sample_call(summary="heard")
    sent = testing.delivery(call, "whsec_readme")
    with TestClient(app) as client:
        for _ in range(2):
            assert client.post("/revrag", **sent.fastapi()).status_code == 200
    assert capsys.readouterr().out.strip() == f"{call.call_id} heard"


def test_the_command_is_installed():
    assert shutil.which("revrag", path=Path(sys.executable).parent) is not None


def test_every_make_target_named_exists():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    named = re.findall(r"\bmake ([a-z-]+)", README)
    assert {"demo", "test"} <= set(named) <= set(targets)


def test_every_file_linked_exists():
    links = re.findall(r"\]\(([^)#][^)]*)\)", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


def test_it_fits_on_two_screens():
    prose = re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL)
    assert len(README.splitlines()) <= 125
    assert len(prose.split()) <= 750
