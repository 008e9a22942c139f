"""The help of what listens, delivers and examines, word for word.

``REVRAG_TEST_WRITE_HELP=1`` writes it anew, to be read before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.commands import environment, run

HELP = Path(__file__).parent / "help"
COMMANDS = [
    "listen",
    "doctor",
    "webhook",
    "webhook sign",
    "webhook verify",
    "webhook send",
    "webhook check",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command: str, tmp_path: Path):
    finished = run([*command.split(), "--help"], environment(tmp_path, COLUMNS="100"))
    assert (finished.returncode, finished.stderr) == (0, b"")
    path = HELP / f"revrag-{command.replace(' ', '-')}.txt"
    if os.environ.get("REVRAG_TEST_WRITE_HELP"):
        path.write_bytes(finished.stdout)
    assert finished.stdout.decode() == path.read_text()
