"""The pages: snippets run, each public name is in the reference, each error has its remedy."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import revrag

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))
SNIPPETS = DOCS / "tools/snippets.py"
DEFAULT_CAMPAIGN = "11111111-1111-1111-1111-111111111111"

OBJECT = re.compile(r"^::: revrag\.(\S+)", re.MULTILINE)
REFERENCE = {path.stem: path.read_text("utf-8") for path in (DOCS / "reference").glob("*.md")}
DOCUMENTED = [name for text in REFERENCE.values() for name in OBJECT.findall(text)]
SUBMODULES = [
    *("airflow", "dlt", "ray", "spark"),
    "sandbox",
    "testing",
    "testing.fixtures",
    "webhooks",
    *(f"webhooks.{name}" for name in ("asgi", "aws", "azure", "django", "fastapi", "flask")),
    *(f"webhooks.{name}" for name in ("gcp", "inbox", "stores", "wsgi")),
]

sys.path.insert(0, str(SNIPPETS.parent))

from snippets import fences  # noqa: E402  # it is no package


def run(page: Path) -> list[str]:
    """What each of a page's blocks printed; in a process of its own, which it may leave untidy."""
    done = subprocess.run(
        [sys.executable, str(SNIPPETS), str(page)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed: list[str] = json.loads(done.stdout.splitlines()[-1])
    return printed


def code_of(page: str) -> list[str]:
    return [fence.code for fence in fences((DOCS / page).read_text("utf-8"))]


RUN = [page for page in PAGES if any(it.is_run for it in fences((DOCS / page).read_text("utf-8")))]


@pytest.mark.timeout(130)
@pytest.mark.parametrize("page", RUN)
def test_the_snippets_of_a_page_run_in_order(page: str):
    found = fences((DOCS / page).read_text("utf-8"))
    printed = run(DOCS / page)
    for fence, output in zip(found, printed, strict=True):
        # A block whose output is shown has one, or its reader is told nothing.
        assert output.strip() or not {"output", "log"} & fence.words.keys(), fence.code


def test_what_can_not_run_says_why():
    skipped = [fence for page in PAGES for fence in fences((DOCS / page).read_text("utf-8"))]
    reasons = [fence.words["skip"] for fence in skipped if "skip" in fence.words]
    assert all(reasons)
    assert len(reasons) <= 8


def test_a_snippet_that_fails_fails_its_page(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("```python\nx = 1\n```\n\n```python\nassert x == 2, 'no'\n```\n")
    with pytest.raises(AssertionError, match=r"page\.md.*line 6.*no"):
        run_one_line(page)
    page.write_text("```bash\nexit 3\n```\n")
    with pytest.raises(AssertionError, match="exit code 3, not 0"):
        run_one_line(page)


def run_one_line(page: Path) -> None:
    try:
        run(page)
    except AssertionError as error:
        raise AssertionError(str(error).replace("\n", " ")) from None


def public() -> set[str]:
    names = {name for name in revrag.__all__ if name != "errors"}
    assert set(revrag.errors.__all__) <= names
    for module in SUBMODULES:
        # Those of frameworks may not be imported here, in a process that has no settings.
        source = (ROOT / "python/revrag" / module.replace(".", "/")).with_suffix(".py")
        if not source.exists():
            source = source.with_suffix("") / "__init__.py"
        (listed,) = re.findall(
            r"^__all__ = \[(.*?)\]", source.read_text(), re.MULTILINE | re.DOTALL
        )
        names |= {f"{module}.{name}" for name in re.findall(r'"(\w+)"', listed)}
    # What the stores need is at the level above, too.
    again = {"Key", "State", "Store", "Transaction", "TransactionalStore"}
    return names - {f"webhooks.stores.{name}" for name in again}


def test_each_public_name_is_in_the_reference_once():
    assert sorted(DOCUMENTED) == sorted(public())


def test_each_name_of_the_reference_is_there():
    for name in DOCUMENTED:
        module, _, attribute = f"revrag.{name}".rpartition(".")
        if module in {"revrag.webhooks.django", "revrag.webhooks.azure", "revrag.webhooks.gcp"}:
            continue
        if module in {"revrag.airflow", "revrag.dlt", "revrag.ray", "revrag.spark"}:
            continue  # their engines are in another environment
        assert hasattr(importlib.import_module(module), attribute), name


def test_each_error_has_its_remedy():
    text = REFERENCE["errors"]
    told = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    for name in revrag.errors.__all__:
        assert name in told, name
        if issubclass(getattr(revrag, name), Exception):
            assert "**What to do:** " in told[name], name


def test_the_tree_of_errors_is_the_tree_of_classes():
    tree = next(code for code in code_of("reference/errors.md") if code.startswith("RevragError"))
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


def test_the_configuration_table_is_the_signature_of_client():
    lines = [line for line in REFERENCE["configuration"].splitlines() if line.startswith("| `")]
    rows = [[cell.strip(" `") for cell in line.split("|")[1:4]] for line in lines[1:]]
    told = {name: default for name, _, default in rows}
    parameters = inspect.signature(revrag.Client).parameters
    # These two come from the environment before they come from a default.
    from_environment = {"api_key": "", "base_url": f'"{revrag.PRODUCTION}"'}
    defaults = {name: repr(parameter.default) for name, parameter in parameters.items()}
    assert told == defaults | from_environment
    assert list(told) == list(parameters)


def test_the_first_page_begins_with_the_installation():
    assert code_of("index.md")[0].strip() == "pip install revrag"


def test_every_page_is_in_the_navigation_once():
    nav = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    assert sorted(re.findall(r"- (\S+\.md)$", nav, re.MULTILINE)) == PAGES


def test_every_file_of_the_repository_that_is_named_exists():
    for page in PAGES:
        text = (DOCS / page).read_text("utf-8")
        for name in re.findall(r"`((?:examples|benches|tests)/[\w./]+)`", text):
            assert (ROOT / name).exists(), f"{page}: {name}"


def test_pages_link_to_what_there_is():
    for page in PAGES:
        path = DOCS / page
        text = re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        for link in re.findall(r"\]\(((?!https?:|mailto:)[^)]+)\)", text):
            target, _, anchor = link.partition("#")
            linked = (path.parent / target).resolve() if target else path
            assert linked.exists(), f"{page}: {link}"
            if anchor:
                headings = re.findall(r"^#+ (.+)$", linked.read_text("utf-8"), re.MULTILINE)
                assert anchor in {slug(heading) for heading in headings}, f"{page}: {link}"


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-")
