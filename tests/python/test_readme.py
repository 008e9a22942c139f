"""The README: its snippets run as they stand, and its tables are true."""

from __future__ import annotations

import inspect
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import revrag
from django.test import Client, override_settings
from fastapi.testclient import TestClient
from revrag import testing
from revrag.sandbox import Sandbox
from support.raw import configure_django

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DEFAULT_CAMPAIGN = "11111111-1111-1111-1111-111111111111"

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A `#` in a snippet is a comment, no heading.
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", README, flags=re.MULTILINE | re.DOTALL))


def fences(text: str, language: str) -> list[str]:
    return [code for found, code in FENCE.findall(text) if found == language]


PYTHON_SECTIONS = [name for name, text in SECTIONS.items() if fences(text, "python")]


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    # Snippets may leave files behind.
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("calls.sqlite")) as connection:
        connection.execute("CREATE TABLE calls (id TEXT)")
    configure_django()
    with Sandbox(dispatch_after=0.01, call_duration=0.01, failure_rate=0) as service:
        monkeypatch.setenv("REVRAG_BASE_URL", service.url)
        monkeypatch.setenv("REVRAG_API_KEY", service.api_key)
        monkeypatch.setenv("REVRAG_WEBHOOK_SECRET", "whsec_readme")
        yield service


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("section", PYTHON_SECTIONS)
def test_the_snippets_of_a_section_run_in_order(section: str):
    namespace = {"__name__": "readme"}
    for code in fences(SECTIONS[section], "python"):
        # Blank lines before it give a traceback the README's line numbers.
        line = README[: README.index(code)].count("\n")
        exec(compile("\n" * line + code, "README.md", "exec"), namespace)


@pytest.mark.usefixtures("sandbox")
def test_the_endpoint_of_each_framework_hears_of_a_call(capsys: pytest.CaptureFixture[str]):
    parts = dict(
        re.findall(r"^### (.+?)\n(.*?)(?=^### |\Z)", SECTIONS["Webhooks"], re.MULTILINE | re.DOTALL)
    )
    for framework in ("FastAPI", "Django", "Flask"):
        namespace: dict[str, Any] = {"__name__": "readme"}
        for code in fences(parts[framework], "python"):
            exec(code, namespace)
        call = testing.sample_call(summary=f"heard in {framework}")
        sent = testing.delivery(call, "whsec_readme")
        for _ in range(2):
            assert post(framework, namespace, sent) == 200
        assert capsys.readouterr().out.strip() == f"{call.call_id} heard in {framework}"


def post(framework: str, namespace: dict[str, Any], sent: testing.Delivery) -> int:
    if framework == "FastAPI":
        with TestClient(namespace["app"]) as client:
            return client.post("/revrag", **sent.fastapi()).status_code
    if framework == "Flask":
        return namespace["app"].test_client().post("/revrag", **sent.flask()).status_code
    urls = ModuleType("readme_urls")
    urls.urlpatterns = namespace["urlpatterns"]  # type: ignore[attr-defined]
    settings = {name: value for name, value in namespace.items() if name.startswith("REVRAG_")}
    assert settings
    with override_settings(ROOT_URLCONF=urls, **settings):
        return Client().post("/revrag", **sent.django()).status_code


def test_every_section_with_python_was_found():
    assert sum(len(fences(SECTIONS[name], "python")) for name in PYTHON_SECTIONS) == len(
        fences(README, "python")
    )
    assert {"Quick start", "asyncio", "Webhooks", "Errors", "The sandbox"} <= set(PYTHON_SECTIONS)


def test_the_quick_start_pushes_what_it_shows(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]):
    namespace: dict[str, object] = {}
    for code in fences(SECTIONS["Quick start"], "python"):
        exec(code, namespace)
    pushed = namespace["pushed"]
    assert isinstance(pushed, revrag.PushResult)
    assert (pushed.accepted, pushed.rejected) == (1, 1)
    printed = capsys.readouterr().out
    assert "rejected: Invalid Indian phone number" in printed
    assert "completed 1" in printed
    assert sandbox.client().campaign(DEFAULT_CAMPAIGN).status().stats.total_records == 1


def test_the_sandbox_runs_from_the_command_line_and_curl_reaches_it():
    serve, *calls = fences(SECTIONS["The sandbox"], "sh")
    program, *options = serve.split()
    assert program == "revrag"
    options = [option.replace("8000", "0") for option in options]
    with subprocess.Popen(
        [sys.executable, "-m", "revrag", *options], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
            if shutil.which("curl") is None or shutil.which("sh") is None:
                pytest.skip("there is no curl here")
            answers = []
            for call in calls:
                script = call.replace("http://127.0.0.1:8000", url)
                assert url in script
                answer = subprocess.run(
                    ["sh", "-euc", script],
                    capture_output=True,
                    check=True,
                    timeout=20,
                    env={"PATH": "/usr/local/bin:/usr/bin:/bin", "NO_PROXY": "*"},
                )
                answers.append(json.loads(answer.stdout))
            result, fault = answers
            assert (result["accepted"], result["results"][0]["status"]) == (1, "queued")
            assert fault == {"id": 1}
        finally:
            process.terminate()
    assert process.returncode == 0


def test_the_command_is_installed():
    assert shutil.which("revrag", path=Path(sys.executable).parent) is not None


def test_every_make_target_named_exists():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    named = re.findall(r"\bmake ([a-z-]+)", "".join(fences(README, "sh")))
    assert {"demo", "test"} <= set(named) <= set(targets)


def test_every_file_linked_exists():
    links = re.findall(r"\]\(([^)#][^)]*)\)", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


def test_the_configuration_table_is_the_signature_of_client():
    lines = [line for line in SECTIONS["Configuration"].splitlines() if line.startswith("| `")]
    rows = [[cell.strip(" `") for cell in line.split("|")[1:4]] for line in lines[1:]]
    told = {name: default for name, _, default in rows}
    parameters = inspect.signature(revrag.Client).parameters
    # These two come from the environment before they come from a default.
    from_environment = {"api_key": "", "base_url": f'"{revrag.PRODUCTION}"'}
    defaults = {name: repr(parameter.default) for name, parameter in parameters.items()}
    assert told == defaults | from_environment
    assert list(told) == list(parameters)


def test_the_tree_of_errors_is_the_tree_of_classes():
    (tree,) = fences(SECTIONS["Errors"], "")
    told = {}
    above: list[str] = []
    for line in tree.splitlines():
        found = re.match(r"([│├└─ ]*)(\w+)", line)
        assert found is not None, line
        depth = len(found[1]) // 4
        above[depth:] = [found[2]]
        told[found[2]] = above[depth - 1] if depth else "Exception"
    documented = {
        name: error.__bases__[0].__name__
        for name in revrag.errors.__all__
        if issubclass(error := getattr(revrag.errors, name), Exception)
    }
    assert told == documented
