"""The page on growth shows what its simulation says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_shows_what_is_played() -> None:
    script = [sys.executable, str(ROOT / "benches" / "growth.py")]
    played = subprocess.run(script, check=True, capture_output=True, text=True, timeout=60).stdout
    assert f"```text\n{played}```" in (ROOT / "docs" / "growth.md").read_text("utf-8")
