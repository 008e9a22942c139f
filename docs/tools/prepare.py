"""Makes the pages that the site is built of, in target/pages, and their Markdown for programs.

Outputs of snippets, the commands' own help and files from elsewhere are filled in. Run it with a
Python that has the package and what the snippets need.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from snippets import Fence, fences

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "docs"
PAGES = ROOT / "target/pages"
PRINTS = 'text title="It prints"'


def prepared(source: Path) -> str:
    """A page, filled in."""
    text = source.read_text(encoding="utf-8")
    found = fences(text)
    prints = any({"output", "log"} & fence.words.keys() for fence in found)
    printed = run(source) if prints else [""] * len(found)
    for fence, output in reversed(list(zip(found, printed, strict=True))):
        text = text[: fence.start] + shown(fence, output) + text[fence.end :]
    if "<!-- commands -->" in text:
        text = text.replace("<!-- commands -->", commands())
    return re.sub(r"^<!-- include (\S+) -->$", included, text, flags=re.MULTILINE)


def shown(fence: Fence, output: str) -> str:
    """A block as the reader sees it."""
    if fence.hidden:
        return ""
    if "log" in fence.words:
        return block("text", output)
    title = f' title="{name}"' if (name := fence.words.get("file")) else ""
    made = block(fence.language + title, fence.code)
    if "output" in fence.words:
        made += f"\n\n{block(PRINTS, output)}"
    return made


def block(info: str, code: str) -> str:
    """A fence."""
    return f"```{info}\n{code.rstrip()}\n```"


def run(source: Path) -> list[str]:
    """Run a page's snippets; what each printed."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs/tools/snippets.py"), str(source)],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{source} does not run:\n{done.stderr}")
    # What its processes print goes before it.
    printed: list[str] = json.loads(done.stdout.splitlines()[-1])
    return printed


def included(match: re.Match[str]) -> str:
    """Another file of the repository, without its first heading and links to what is no page."""
    text = (ROOT / match[1]).read_text(encoding="utf-8").partition("\n")[2].strip()
    return re.sub(r"\[([^\]]+)\]\((?!http|#)[^)]+\)", r"\1", text)


def commands() -> str:
    """Each command's help, as it prints it."""
    sections = []
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        words = waiting.pop(0)
        text = help_of(words)
        sections.append(f"## {' '.join(('revrag', *words))}\n\n{block('text', text)}")
        listed = re.search(r"^Commands:\n(.*?)(?:\n\n|\Z)", text, re.MULTILINE | re.DOTALL)
        if listed:
            found = re.findall(r"^  (\w\S*)", listed[1], re.MULTILINE)
            waiting[:0] = [(*words, it) for it in found if it != "help"]
    return "\n\n".join(sections)


def help_of(words: tuple[str, ...]) -> str:
    """What a command says of itself."""
    done = subprocess.run(
        [sys.executable, "-m", "revrag", *words, "--help"],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
        env=os.environ | {"COLUMNS": "90", "NO_COLOR": "1"},
    )
    return done.stdout


def main() -> None:
    """Prepare all pages; two at a time."""
    shutil.rmtree(PAGES, ignore_errors=True)
    shutil.copytree(SOURCES, PAGES, ignore=shutil.ignore_patterns("tools", "__pycache__"))
    sources = sorted(SOURCES.rglob("*.md"))
    with ThreadPoolExecutor(2) as pool:
        for source, text in zip(sources, pool.map(prepared, sources), strict=True):
            (PAGES / source.relative_to(SOURCES)).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
