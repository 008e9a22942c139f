"""Help texts, word for word, and what they cost.

``REVRAG_TEST_WRITE_HELP=1`` writes them anew, to be read before they are committed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]
HELP = Path(__file__).parent / "help"
COMMANDS = [
    "revrag",
    *(
        f"revrag {name}"
        for name in (
            "push",
            "status",
            "watch",
            "records",
            "record",
            "calls",
            "call",
            "sandbox",
            "init",
            "completions",
        )
    ),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help(start: Start, command: str) -> None:
    code, out, err = start(*command.split()[1:], "--help").end()
    assert (code, err) == (0, "")
    path = HELP / f"{command.replace(' ', '-')}.txt"
    if os.environ.get("REVRAG_TEST_WRITE_HELP"):
        path.write_text(out)
    assert out == path.read_text()


def test_each_command_is_among_them(start: Start) -> None:
    out = start("--help").end()[1]
    names = re.findall(r"^  ([a-z]+)  ", out.split("Options:")[0], re.MULTILINE)
    assert {f"revrag {name}" for name in names if name != "help"} <= {*COMMANDS, *OTHERS}


# They have tests of their own.
OTHERS = {"revrag listen", "revrag webhook", "revrag doctor"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell", "elvish"])
def test_completions(start: Start, shell: str) -> None:
    code, out, err = start("completions", shell).end()
    assert (code, err) == (0, "")
    assert "revrag" in out
    assert "records" in out
