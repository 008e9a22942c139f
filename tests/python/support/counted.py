"""Refuse a run of tests in which too few have passed: ``counted.py report.xml 1000``."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from pathlib import Path

BAD = {"skipped", "failure", "error"}


def passed(report: Path) -> int:
    """How many tests a JUnit report has that passed."""
    cases = ET.parse(report).iter("testcase")
    return sum(BAD.isdisjoint(part.tag for part in case) for case in cases)


def main(report: str, least: str) -> None:
    found = passed(Path(report))
    print(f"{found} tests passed")
    if found < int(least):
        sys.exit(f"{report}: at least {least} must pass: has the sandbox lost what they order?")


if __name__ == "__main__":
    main(*sys.argv[1:])
