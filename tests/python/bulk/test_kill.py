"""An upload killed with SIGKILL, and started again with its journal until it ends."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.script import Script
from support.service import Exchange, Service, drawn
from support.upload import number

ROWS = 1200
KILLED = 30
AT_A_TIME = 5
# How often one upload is killed, at most.
LIVES = 4

BODY = """
import json
url, journal, count, own_ids = sys.argv[1:]
def leads():
    for row in range(int(count)):
        lead = {"phone_number": f"+9198{row:08d}", "variables": {"row": row}}
        if own_ids == "True":
            lead["app_session_id"] = f"visit-{row % 300}"
        yield lead
report = campaign(url, timeout=5, max_retries=12).upload(
    leads(), journal=journal, max_records=60, concurrency=3, settle_after=0.1
)
import pyarrow
found = pyarrow.table(report).to_pylist()
print(json.dumps([[row["row"], row["outcome"], row["run_id"]] for row in found]))
"""


class Killer:
    """Kills the process under way at a request drawn at random, or a moment after it."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.pid: int | None = None
        self.requests = 0
        self.phase = "arrived"

    def aim(self, pid: int) -> None:
        self.requests = self.rng.randint(1, 14)
        self.phase = self.rng.choice(("arrived", "answered"))
        self.pid = pid

    def watch(self, _: Exchange, phase: str) -> None:
        if self.pid is None or phase != self.phase:
            return
        self.requests -= 1
        if self.requests == 0:
            if self.rng.random() < 0.5:
                time.sleep(self.rng.uniform(0, 0.02))
            os.kill(self.pid, signal.SIGKILL)
            self.pid = None


def upload(seed: int, folder: Path) -> None:
    """Upload, be killed, go on, and compare."""
    rng = random.Random(seed)
    killer = Killer(rng)
    folder.mkdir()
    own_ids = rng.random() < 0.3
    faults = drawn(seed, pushes=0.15, reads=0.0)
    kills = 0
    with Service(faults=faults, seed=seed, watch=killer.watch, order="newest") as service:
        for row in range(100):
            service.remember({"phone_number": number(row), "app_session_id": f"visit-{row}"})
        for life in range(LIVES + 1):
            args = (service.url, folder / "leads.journal", ROWS, own_ids)
            script = Script(BODY, folder, args)
            try:
                if life < LIVES:
                    killer.aim(script.process.pid)
                finished = script.finish(60)
            finally:
                script.kill()
            killer.pid = None
            if finished.code != -signal.SIGKILL:
                break
            kills += 1
        assert (finished.code, finished.err) == (0, ""), f"seed {seed}: {finished}"
        assert kills, f"seed {seed}: it was never killed"
        compare(seed, finished.out, service)


def compare(seed: int, out: str, service: Service) -> None:
    stored: dict[int, list[str]] = {}
    for record in service.applied:
        stored.setdefault(record.variables["row"], []).append(record.run_id)
    wrong = {row: ids for row, ids in stored.items() if len(ids) != 1}
    assert not wrong, f"seed {seed}: sent twice: {wrong}"
    assert sorted(stored) == list(range(ROWS)), f"seed {seed}"
    expected = [[row, "accepted", stored[row][0]] for row in range(ROWS)]
    assert json.loads(out) == expected, f"seed {seed}"


@pytest.mark.timeout(150)
@pytest.mark.parametrize("start", range(0, KILLED, AT_A_TIME))
def test_killed_and_started_again(tmp_path: Path, start: int) -> None:
    """Every row is there exactly once, and the last report says so."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        folders = [tmp_path / str(seed) for seed in range(start, start + AT_A_TIME)]
        list(pool.map(upload, range(start, start + AT_A_TIME), folders))
