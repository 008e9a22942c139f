"""Nothing private of a framework is used: what is used may change only with notice."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[3] / "python" / "revrag"
FILES = sorted(PACKAGE.rglob("*.py"))
PRIVATE = re.compile(r"_(?!_)\w+")
# What belongs to the standard library and is documented there.
DOCUMENTED = {"os._exit", "sys._getframe"}


def own_names() -> set[str]:
    """Every name with an underscore that this package defines itself."""
    found: set[str] = set()
    for path in [*FILES, PACKAGE / "_revrag.pyi"]:
        if path.name.startswith("_"):
            found.add(path.stem)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
            elif isinstance(node, ast.arg):
                found.add(node.arg)
            elif (
                isinstance(node, ast.Attribute)
                and isinstance(node.ctx, ast.Store)
                and isinstance(node.value, ast.Name)
                and node.value.id == "self"
            ):
                found.add(node.attr)
    return found


OWN = own_names()


def private_uses(path: Path) -> Iterator[str]:
    """What the file takes, by an attribute, a text or an import, that is private elsewhere."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and PRIVATE.fullmatch(node.attr):
            if node.attr not in OWN and ast.unparse(node) not in DOCUMENTED:
                yield f"{path.name}:{node.lineno} .{node.attr}"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"getattr", "hasattr"}:
            name = node.args[1]
            text = str(name.value) if isinstance(name, ast.Constant) else ""
            if PRIVATE.fullmatch(text) and text not in OWN:
                yield f"{path.name}:{node.lineno} {ast.unparse(node)}"
        elif isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("revrag"):
            parts = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            for part in parts:
                if PRIVATE.fullmatch(part) and part not in OWN:
                    yield f"{path.name}:{node.lineno} import of {part}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_private_name_is_used(path: Path):
    assert list(private_uses(path)) == []


@pytest.mark.parametrize("path", sorted((PACKAGE / "webhooks").rglob("*.py")), ids=str)
def test_no_frame_and_no_key_of_a_framework_is_looked_into(path: Path):
    text = path.read_text()
    for word in ("currentframe", "_getframe", "f_locals", "f_globals", "astack", "gc.get"):
        assert word not in text
    for start in ("fastapi_", "starlette.exc", "werkzeug.request", "django._"):
        assert f'"{start}' not in text


def test_the_search_finds_what_it_looks_for(tmp_path: Path):
    path = tmp_path / "bad.py"
    path.write_text(
        "from flask._hidden import thing\n"
        "request._read_started\n"
        "getattr(view, '_non_atomic_requests', ())\n"
        "self._own = 1\n"
    )
    assert [use.partition(" ")[0] for use in private_uses(path)] == [
        "bad.py:1",
        "bad.py:2",
        "bad.py:3",
        "bad.py:4",
    ]


@pytest.mark.parametrize("module", ["asgi", "aws", "azure", "fastapi", "flask", "gcp", "wsgi"])
def test_what_is_imported_is_public(module: str):
    """Imported alone, it takes from its framework what has no underscore in its path."""
    importlib.import_module(f"revrag.webhooks.{module}")
    code = f"import revrag.webhooks.{module}"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=20)
