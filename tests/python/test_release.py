"""What a release is made with: pinned, and refused where its parts do not fit together."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOW = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
PACKAGE = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]
VERSION = PACKAGE["version"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What `wheels/version` reads, to be changed."""
    for name in ("wheels/version", "Cargo.toml", "CHANGELOG.md"):
        target = tmp_path / name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, target)
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text(changelog.read_text() + f"\n## [{VERSION}] - 2026-12-01\n")
    return tmp_path


def check(tree: Path, tag: str) -> subprocess.CompletedProcess[str]:
    command = [str(tree / "wheels/version"), tag]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def test_a_tag_that_fits_is_released(tree: Path):
    assert check(tree, f"v{VERSION}").returncode == 0


def test_a_tag_of_another_version_is_refused(tree: Path):
    done = check(tree, "v9.9.9")
    assert done.returncode == 1
    assert f"Cargo.toml says {VERSION}" in done.stderr


def test_a_version_without_a_dated_section_in_the_changelog_is_refused(tree: Path):
    changelog = tree / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace(" - 2026-12-01", ""))
    done = check(tree, f"v{VERSION}")
    assert done.returncode == 1
    assert "no section" in done.stderr


def test_every_action_is_pinned_to_a_commit():
    used = re.findall(r"uses: (\S+)", WORKFLOW)
    assert used
    for action in used:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action), action


def test_what_builds_is_new_enough_and_pinned():
    maturin, zig = re.findall(r'(?:MATURIN|ZIG): "\w+==([\d.]+)"', WORKFLOW)
    assert tuple(map(int, maturin.split("."))) >= (1, 14, 1)
    assert zig
    rust = re.search(r'RUST: "([\d.]+)"', WORKFLOW)
    lowest = PACKAGE["rust-version"]
    assert rust is not None
    assert rust[1].startswith(lowest)


def test_nothing_but_publishing_may_write():
    jobs = re.split(r"^  (?=\w+:\n)", WORKFLOW.partition("\njobs:\n")[2], flags=re.MULTILINE)
    writing = [job.partition(":")[0] for job in jobs if "write" in job]
    assert writing == ["publish"]
    assert "needs: [version, linux, other, sdist, test, musl, reproduce]" in WORKFLOW


def test_scripts_can_be_run_and_are_well_formed():
    for name in ("build", "check", "reproduce", "version"):
        script = ROOT / "wheels" / name
        assert os.access(script, os.X_OK), name
        subprocess.run(["bash", "-n", str(script)], check=True, timeout=20)


def test_every_file_can_be_checked_out_on_windows():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    if listed.returncode:
        pytest.skip("this is no clone")
    reserved = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)$")
    for path in listed.stdout.splitlines():
        for part in path.split("/"):
            assert not reserved.match(part.partition(".")[0]), path
            assert not set(part) & set('<>:"\\|?*'), path
