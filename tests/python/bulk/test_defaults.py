"""The defaults of ``upload``, said four times: in Rust, signature, docstring and the pages."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import revrag

ROOT = Path(__file__).parents[3]
# What Rust has no option of: it is Python's alone.
PYTHON_ALONE = {"self", "source", "progress", "exclude"}


def rust_default(path: str, of: str) -> list[tuple[str, str]]:
    source = (ROOT / "src/bulk" / path).read_text()
    block = source.partition(f"impl Default for {of} ")[2].partition("\n}")[0]
    return re.findall(r"^\s+(\w+): (.+),$", block, re.MULTILINE)


def of_rust() -> dict[str, Any]:
    """Read from ``impl Default for Options``: nothing else tells."""
    found = {}
    # Derived: what keeps a mistake small is off.
    rails = [("limit", "None"), ("max_invalid", "None")]
    options = rust_default("options.rs", "Options")
    assert ("rails", "Rails::default()") in options
    for name, text in options + rails + rust_default("source/format.rs", "Format"):
        # What is passed on, and no option.
        if name in {"columns", "rails"}:
            continue
        text = re.sub(r"^Some\((.+)\)$", r"\1", text).removesuffix(".to_owned()")
        text = re.sub(r"^Duration::from_secs\((\d+)\)$", r"\1.0", text)
        text = re.sub(
            r"^Duration::from_mins\((\d+)\)$", lambda match: f"{60.0 * int(match[1])}", text
        )
        text = re.sub(r"^(?:On\w+|Existing)::(\w+)$", lambda match: repr(match[1].lower()), text)
        text = {
            "Vec::new()": "()",
            "Variables::Found": "None",
            "None": "None",
            "false": "False",
            "true": "True",
        }.get(text, text)
        found[name] = ast.literal_eval(text)
    # An empty list is refused: no key is None.
    assert found["key"] == ()
    return {**found, "key": None}


def of_docstring() -> dict[str, Any]:
    """Told where it is not "nothing": an editor shows the names of the options, and this text."""
    doc = inspect.getdoc(revrag.Campaign.upload) or ""
    arguments = doc.partition("Args:\n")[2].partition("\n\nReturns:")[0]
    told = {}
    for entry in re.split(r"\n?^    (?=\w)", arguments, flags=re.MULTILINE):
        if found := re.search(r"Default: `(.+)`\.$", entry):
            told[entry.partition(" ")[0]] = ast.literal_eval(found[1])
    return told


def of_signature(method: str) -> dict[str, Any]:
    signature = inspect.signature(getattr(revrag.Campaign, method))
    return {
        name: parameter.default
        for name, parameter in signature.parameters.items()
        if name not in {"self", "source"}
    }


def test_all_say_the_same() -> None:
    said = of_signature("upload")
    assert said == of_signature("upload_async")
    assert {name: value for name, value in said.items() if value not in (None, False, ())} == (
        of_docstring()
    )
    rust = of_rust()
    assert {name: said[name] for name in rust} == rust
    assert said.keys() - PYTHON_ALONE == rust.keys()
    assert [type(said[name]) for name in rust] == [type(value) for value in rust.values()]


def test_the_options_of_the_stub_are_those_of_the_signature() -> None:
    assert list(revrag.UploadOptions.__annotations__) == list(of_signature("upload"))


def test_the_pages_say_the_same() -> None:
    """Where it names a number or the region: other choices are shown as such."""
    said = of_signature("upload")
    names = "|".join(name for name, value in said.items() if isinstance(value, int | float))
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    found = re.findall(rf"`({names}|region)=([\w.\"]+)`", text)
    assert {name for name, _ in found} >= {"max_records", "settle_after", "give_up_after", "region"}
    for name, value in found:
        if value not in {"True", "None"}:
            assert ast.literal_eval(value) == said[name], name
