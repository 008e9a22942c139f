"""The recipes, each in a process of its own: Django has one set of settings in each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "examples" / "recipes"
TESTS = Path(__file__).parents[1]
APPS = sorted(path.stem for path in FOLDER.glob("*_app.py"))
PATHS = {
    "drf_app": ["/revrag", "/class"],
    "django_class_app": ["/revrag", "/method"],
    "flask_parts_app": ["/revrag", "/class"],
}
WSGI = {"bottle", "pyramid", "drf", "ninja", "django_class", "flask_parts"}

SCRIPT = """
import asyncio, importlib, sys
from revrag import testing
from support import raw

name, kind, *paths = sys.argv[1:]
app = importlib.import_module(name).app


def deliver(call, path, sent):
    pairs = [(name.encode(), text.encode()) for name, text in sent.headers.items()]
    pairs.append((b"Content-Length", str(len(sent.body)).encode()))
    return call("POST", pairs, [sent.body])


def call_of(path, runner):
    if kind == "wsgi":
        return raw.wsgi(app, path)
    if kind == "asgi":
        return raw.asgi(app, runner, path)
    return raw.aiohttp(app, runner, path)


with asyncio.Runner() as runner:
    for path in paths:
        call = call_of(path, runner)
        sent = testing.delivery(testing.sample_call(), "whsec", event_id=f"evt{path}")
        bad = testing.delivery(testing.sample_call(), "another")
        answers = [deliver(call, path, each) for each in (sent, sent, bad)]
        print([int(answer) for answer in answers], answers[0].body.decode().strip(), flush=True)
"""


def test_the_readme_names_them_all():
    readme = (FOLDER / "README.md").read_text()
    assert all(f"[`{app}.py`]({app}.py)" in readme for app in APPS)


@pytest.mark.parametrize("app", APPS)
def test_a_recipe(app: str, tmp_path: Path):
    framework = app.removesuffix("_app")
    kind = "wsgi" if framework in WSGI else "aiohttp" if framework == "aiohttp" else "asgi"
    paths = PATHS.get(app, ["/revrag"])
    finished = subprocess.run(
        [sys.executable, "-c", SCRIPT, app, kind, *paths],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{FOLDER}:{TESTS}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=25,
    )
    assert finished.returncode == 0, finished.stderr
    lines = [line for line in finished.stdout.splitlines() if not line.startswith("handled")]
    handled = [line for line in finished.stdout.splitlines() if line.startswith("handled")]
    assert handled == [f"handled evt{path}" for path in paths], finished
    good = 202 if app == "fastapi_router_app" else 200
    assert [line[:15] for line in lines] == [f"[{good}, 200, 401]"] * len(paths)
