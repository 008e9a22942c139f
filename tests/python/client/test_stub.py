"""What an editor says of the compiled classes is what ``help()`` says."""

from __future__ import annotations

import ast

import pytest
from support import docstrings

PUBLIC = {
    name: (node, text)
    for name, node, text in docstrings.documented(ast.parse(docstrings.STUB.read_text("utf-8")))
}


@pytest.mark.parametrize("name", PUBLIC)
def test_the_stub_says_what_help_says(name: str) -> None:
    node, text = PUBLIC[name]
    assert text
    assert ast.get_docstring(node) == text, "make stubs writes them anew"


def test_writing_them_anew_changes_nothing() -> None:
    source = docstrings.STUB.read_text("utf-8")
    again = docstrings.written(docstrings.written(source))
    assert ast.dump(ast.parse(again)) == ast.dump(ast.parse(source))
