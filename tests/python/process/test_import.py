"""Where and how often it is imported: subinterpreters, reloads, frozen programs, submodules."""

from __future__ import annotations

import modulefinder
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.script import Run
from support.server import Serve, reply

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("before", ["", "import revrag\n"], ids=["first", "after the main one"])
def test_a_subinterpreter_is_refused(run: Run, before: str) -> None:
    """And the process ends as it should, with the main interpreter at work."""
    finished = run(
        before
        + """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
code = '''
try:
    import revrag
except ImportError as error:
    assert "WSGIApplicationGroup %{GLOBAL}" in str(error), error
    print("refused", flush=True)
'''
for options in ({"isolated": False}, {}):
    try:
        made = interpreters.create(**options)
    except TypeError:
        made = interpreters.create("legacy")
    interpreters.run_string(made, code)
    interpreters.destroy(made)
import revrag
assert revrag.Client("key").timeout == 30
"""
    )
    assert finished.out.splitlines() == ["refused"] * 2


AGAIN = {
    "reload": "importlib.reload(revrag)",
    "reload errors": "importlib.reload(revrag.errors)",
    "reload both": "importlib.reload(revrag.errors); importlib.reload(revrag)",
    "import again": "del sys.modules['revrag']",
    "import all again": "[sys.modules.pop(n) for n in list(sys.modules) if n in ours(n)]",
}


@pytest.mark.parametrize("how", AGAIN)
def test_a_second_import_keeps_the_classes(run: Run, serve: Serve, how: str) -> None:
    run(
        f"""
        import importlib, pickle, typing
        first = revrag
        def ours(name):
            return [name] if name.partition(".")[0] == "revrag" and "_revrag" not in name else []
        # A TypedDict is for type checkers alone.
        names = [name for name in revrag.__all__ if isinstance(getattr(revrag, name), type)
                 and not typing.is_typeddict(getattr(revrag, name))]
        before = {{name: getattr(revrag, name) for name in names}}
        leads = campaign(sys.argv[1], max_retries=0)
        def caught(kind, call):
            try:
                call()
            except kind as error:
                assert type(pickle.loads(pickle.dumps(error))) is type(error)
                return
        caught(first.ServerError, leads.status)
        {AGAIN[how]}
        import revrag, revrag.errors
        for name, value in before.items():
            assert getattr(revrag, name) is value, name
            if hasattr(revrag.errors, name):
                assert getattr(revrag.errors, name) is value, name
        for kind in (first.errors.ServerError, revrag.errors.ServerError, revrag.RevragError):
            caught(kind, leads.status)
            caught(kind, lambda: asyncio.run(campaign(sys.argv[1], max_retries=0).status_async()))
        """,
        serve(reply(503, {})).url,
    )


def imported_by_rust() -> set[str]:
    """What Rust imports by name: a freezer can't see that."""
    names = set()
    for path in (ROOT / "src/python").rglob("*.rs"):
        source = path.read_text()
        names |= set(re.findall(r'\bimport\(\s*(?:[\w.()]+,\s*)?"([\w.]+)"', source))
    return names


def test_freezers_find_what_rust_imports_by_name(tmp_path: Path) -> None:
    names = imported_by_rust()
    assert {"revrag._aio", "revrag._observe", "revrag.errors", "json"} <= names
    script = tmp_path / "program.py"
    script.write_text("import revrag\n")
    # Without what is installed: frames of all kinds would be looked through, too.
    standard = [path for path in sys.path if "site-packages" not in path]
    finder = modulefinder.ModuleFinder([str(ROOT / "python"), *standard])
    finder.run_script(str(script))
    assert names <= set(finder.modules) | set(sys.builtin_module_names)


@pytest.mark.timeout(180)
def test_a_program_of_pyinstaller(tmp_path: Path, serve: Serve) -> None:
    pytest.importorskip("PyInstaller")
    script = tmp_path / "program.py"
    script.write_text(
        """
import asyncio, sys, revrag
leads = revrag.Client("key", base_url=sys.argv[1], max_retries=0).campaign(
    "11111111-1111-1111-1111-111111111111")
for call in (leads.status, lambda: asyncio.run(leads.status_async())):
    try:
        call()
    except revrag.ServerError:
        print("caught")
"""
    )
    build = [sys.executable, "-m", "PyInstaller", "--onedir", "--noconfirm", "--log-level=ERROR"]
    places = ["--distpath", "dist", "--workpath", "work", "--specpath", "."]
    paths = ["--paths", str(ROOT / "python"), "--exclude-module", "pandas"]
    others = ["polars", "numpy", "pyarrow", "django", "tqdm", "IPython"]
    paths += [part for name in others for part in ("--exclude-module", name)]
    subprocess.run([*build, *places, *paths, str(script)], cwd=tmp_path, check=True, timeout=150)
    done = subprocess.run(
        [str(tmp_path / "dist/program/program"), serve(reply(503, {})).url],
        cwd=tmp_path,
        check=True,
        timeout=20,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[:2] == ["caught", "caught"]
    assert done.stderr == ""


def test_submodules_that_docstrings_name_are_there(run: Run) -> None:
    run(
        """
        import re
        docs = "\\n".join((revrag.__doc__, revrag.webhooks.__doc__, revrag.sandbox.__doc__))
        names = set(re.findall(r"`{1,2}(revrag(?:\\.[a-z_]+)+)`", docs))
        names |= {"revrag.sandbox", "revrag.testing", "revrag.webhooks.stores", "revrag.errors",
                  "revrag.webhooks.inbox", "revrag.webhooks.asgi"}
        for name in names:
            there = sys.modules["revrag"]
            for part in name.split(".")[1:]:
                assert part in dir(there), name
                there = getattr(there, part)
        assert set(revrag.__all__) <= set(dir(revrag))
        assert not hasattr(revrag, "nonsense") and not hasattr(revrag.webhooks, "nonsense")
        """
    )


def test_importing_loads_no_submodule_that_was_not_asked_for(run: Run) -> None:
    run('assert not {"revrag.webhooks", "revrag.sandbox", "revrag.testing"} & set(sys.modules)')
