"""`make demo`: it ends by itself, or leaves the dashboard to be looked at."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[3] / "examples" / "demo.py"
LINES = ["the funnel", "275 accepted", "ok  every webhook was handled once"]


def run(*more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(DEMO), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.timeout(120)
def test_the_numbers_add_up():
    out, err = run().communicate(timeout=110)
    assert (err, out.count("\nNO  ")) == ("", 0)
    assert [line for line in LINES if line not in out] == []
    assert re.search(r"^the dashboard: http://127\.0\.0\.1:\d+$", out, re.MULTILINE)
    # What was said is said without whole numbers.
    assert re.search(r"\d{7}", out) is None


@pytest.mark.timeout(120)
def test_it_stays_when_told():
    child = run("--keep")
    try:
        assert child.stdout is not None
        for line in child.stdout:
            if found := re.match(r"the dashboard stays at (\S+) until Ctrl-C", line):
                break
        else:
            pytest.fail("it ended")
        with urllib.request.urlopen(found[1], timeout=10) as page:
            assert "Renewals" in page.read().decode()
        child.send_signal(signal.SIGINT)
        assert child.wait(20) == 0
    finally:
        child.kill()
        child.communicate()
