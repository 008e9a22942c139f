"""What the site has beside its pages: each of them as Markdown, `llms.txt`; and no dead link.

`llms.txt` lists the pages, `llms-full.txt` holds them all; where a page has the reference of an
object, its Markdown has the signatures and docstrings.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import griffe
import yaml

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "target/pages"
SITE = ROOT / "target/site"
OBJECT = re.compile(r"^::: (\S+)\n(?: +.*\n)*", re.MULTILINE)
# What the reference links to inside of texts: [`Campaign.push`][revrag.Campaign.push].
AUTOREF = re.compile(r"\[([^\]]+)\]\[(revrag\.[\w.]+)\]")


class Reference:
    """The package, as the stubs have it."""

    def __init__(self) -> None:
        self.package = griffe.load(
            "revrag",
            search_paths=[ROOT / "python"],
            allow_inspection=False,
            extensions=griffe.load_extensions(str(ROOT / "docs/tools/stubs.py:Stubs")),
            resolve_aliases=True,
        )

    def told(self, match: re.Match[str]) -> str:
        """An object and its members, as Markdown."""
        name = match[1]
        found = self.package[name.removeprefix("revrag.")]
        found = found.final_target if found.is_alias else found
        parts = [self.one(name, found)]
        if found.is_class:
            for member in found.members.values():
                if member.name.startswith("_") or member.is_alias or not member.has_docstring:
                    continue
                parts.append(self.one(f"{name}.{member.name}", member))
        return "\n\n".join(parts) + "\n"

    def one(self, name: str, found: griffe.Object | griffe.Alias) -> str:
        """Signature and docstring."""
        shown = name
        if found.is_function:
            shown = found.signature(return_type=True, name=name)
        elif (
            found.is_class and "__init__" in found.members and found.members["__init__"].is_function
        ):
            shown = found.members["__init__"].signature(name=name)
        elif found.is_attribute and getattr(found, "annotation", None):
            shown = f"{name}: {found.annotation}"
        text = found.docstring.value if found.docstring else ""
        return f"### {name}\n\n```python\n{shown}\n```\n\n```text\n{text}\n```"


def pages(nav: list[object]) -> list[str]:
    """The pages of the navigation, in order."""
    found = []
    for entry in nav:
        if isinstance(entry, str):
            found.append(entry)
        elif isinstance(entry, dict):
            for below in entry.values():
                found += [below] if isinstance(below, str) else pages(below)
    return found


def write_markdown(config: dict[str, object]) -> None:
    """Each page beside its HTML, and the two lists of all."""
    reference = Reference()
    listed = [f"# revrag\n\n> {config['site_description']}\n"]
    whole = []
    for page in pages(config["nav"]):  # type: ignore[arg-type]
        text = (PAGES / page).read_text(encoding="utf-8")
        text = OBJECT.sub(reference.told, text)
        text = AUTOREF.sub(r"\1", text)
        text = re.sub(r"\n{3,}", "\n\n", text)
        (SITE / page).write_text(text, encoding="utf-8")
        title, _, rest = text.partition("\n")
        # The first sentence outside of code says what a page is for.
        prose = re.sub(r"```.*?```|^\|.*$|^!.*$|^#.*$", "", rest, flags=re.DOTALL | re.MULTILINE)
        first = " ".join(prose.strip().partition("\n\n")[0].split())
        first = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", first)
        about = re.split(r"(?<=[.:]) ", first)[0].rstrip(":").strip()
        listed.append(f"- [{title.removeprefix('# ')}]({page}): {about}")
        whole.append(text.strip())
    (SITE / "llms.txt").write_text("\n".join(listed) + "\n", encoding="utf-8")
    (SITE / "llms-full.txt").write_text("\n\n---\n\n".join(whole) + "\n", encoding="utf-8")


class Links(HTMLParser):
    """The links and anchors of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = {""}
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Called for each tag."""
        for name, value in attributes:
            if not value:
                continue
            if name == "id" or (name == "name" and tag == "a"):
                self.anchors.add(value)
            elif name in {"href", "src"} and tag in {"a", "img", "link", "script"}:
                self.links.add(value)


def dead_links() -> list[str]:
    """Links inside of the site that lead nowhere, anchors included."""
    parsed = {path: Links(path.read_text("utf-8")) for path in SITE.rglob("*.html")}
    dead = []
    for path, page in parsed.items():
        # It is served from anywhere, with links from the site's root.
        if path.name == "404.html":
            continue
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                dead.append(f"{path.relative_to(SITE)}: {link}")
            elif target in parsed and unquote(parts.fragment) not in parsed[target].anchors:
                dead.append(f"{path.relative_to(SITE)}: {link} (no such anchor)")
    return sorted(dead)


def main() -> int:
    """Finish the site; 1 where a link is dead."""
    # Extensions are named by tags that nothing else knows; none is needed here.
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    write_markdown(config)
    dead = dead_links()
    for link in dead:
        print("dead link:", link, file=sys.stderr)
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
