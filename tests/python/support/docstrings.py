"""The docstrings of the stub: what ``help()`` says at run time, so that an editor says it, too.

``make stubs`` writes them anew, from the extension module that is installed.
"""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import revrag
from revrag import _revrag

STUB = Path(revrag.__file__).with_name("_revrag.pyi")

Documented = ast.ClassDef | ast.FunctionDef


def documented(tree: ast.Module) -> Iterator[tuple[str, Documented, str]]:
    """Each public class and function of the stub, by name, with what it says at run time."""
    for node in tree.body:
        if not isinstance(node, Documented) or node.name.startswith("_"):
            continue
        # Some classes are there for type checkers alone.
        found = getattr(_revrag, node.name, None)
        if found is None:
            continue
        yield node.name, node, text(found)
        if isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                    name = f"{node.name}.{member.name}"
                    yield name, member, text(inspect.getattr_static(found, member.name))


def text(found: Any) -> str:
    if isinstance(found, classmethod | staticmethod):
        found = found.__func__
    return inspect.cleandoc(found.__doc__ or "")


def written(source: str) -> str:
    """The stub with the docstrings of the extension module, not formatted."""
    lines = source.splitlines()
    # From the last to the first, so that places stay what they are.
    for _, node, doc in sorted(documented(ast.parse(source)), key=lambda it: -it[1].lineno):
        first = node.body[0]
        indent = " " * (node.col_offset + 4)
        quoted = f'{"r" if chr(92) in doc else ""}"""{doc}'
        quoted += '\n"""' if "\n" in doc or doc.endswith('"') else '"""'
        body = [f"{indent}{line}" if line else "" for line in quoted.splitlines()]
        head = lines[first.lineno - 1][: first.col_offset].rstrip()
        is_alone = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        if is_alone:
            assert first.end_lineno is not None
            lines[first.lineno - 1 : first.end_lineno] = [head] * bool(head) + body
        else:
            # A decorator belongs to what it decorates.
            start = min([first.lineno, *(it.lineno for it in decorators(first))])
            lines[start - 1 : start - 1] = [*body, ""]
    return "\n".join(lines) + "\n"


def decorators(node: ast.stmt) -> list[ast.expr]:
    return getattr(node, "decorator_list", [])


if __name__ == "__main__":
    formatted = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--stdin-filename", STUB.name, "-"],
        input=written(STUB.read_text("utf-8")),
        capture_output=True,
        check=True,
        text=True,
    )
    STUB.write_text(formatted.stdout, "utf-8")
