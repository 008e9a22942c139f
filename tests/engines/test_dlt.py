"""A campaign as a destination of dlt: a load that was killed is loaded again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
import revrag
from revrag.sandbox import Sandbox
from truth import keys

pytest.importorskip("dlt")
import revrag.dlt

RUNS = int(os.environ.get("REVRAG_TEST_RUNS", "2"))
ROWS = 3000

# What a scheduler runs, again and again until it is done. What was extracted before goes first.
SCRIPT = textwrap.dedent(
    """
    import json
    import sys
    import dlt
    import revrag.dlt

    _, campaign_id, folder, rows, round, options = sys.argv
    options = json.loads(options)
    if "once" in options:
        options["exclude"] = iter(options.pop("once"))
    destination = revrag.dlt.campaign(
        campaign_id, key="lead", name=round, max_records=50, settle_after=0.2, concurrency=2,
        outcomes=folder + "/outcomes", **options,
    )
    pipeline = dlt.pipeline("leads", destination=destination, pipelines_dir=folder)

    @dlt.resource(name="leads", write_disposition="append")
    def leads():
        for lead in range(int(rows)):
            yield {"lead": lead, "phone_number": f"+9198{lead:08d}", "first": "Riya"}

    if pipeline.has_pending_data:
        pipeline.load()
    pipeline.run(leads())
    """
)


def load(service: Sandbox, folder: Path, rows: int = ROWS, **options: Any) -> subprocess.Popen[str]:
    words = [service.campaign_id, str(folder), str(rows), "diwali", json.dumps(options)]
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *words],
        env=os.environ
        | {
            "REVRAG_API_KEY": service.api_key,
            "REVRAG_BASE_URL": service.url,
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "DATA_WRITER__FILE_MAX_ITEMS": "1000",
        },
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def count(service: Sandbox) -> int:
    with service.client() as client:
        return client.campaign(service.campaign_id).status().stats.total_records or 0


@pytest.mark.parametrize("seed", range(RUNS))
def test_killed_and_loaded_again(service: Sandbox, tmp_path: Path, seed: int) -> None:
    rng, kills = random.Random(seed), 0
    for _ in range(2):
        running = load(service, tmp_path)
        goal = count(service) + rng.randrange(1, ROWS // 3)
        while running.poll() is None and count(service) < goal:
            time.sleep(0.01)
        if running.poll() is None:
            running.send_signal(signal.SIGKILL)
            kills += 1
        running.communicate(timeout=60)
    done = load(service, tmp_path)
    said, _ = done.communicate(timeout=120)
    assert done.returncode == 0, said
    assert kills == 2
    assert keys(service) == {str(lead): 1 for lead in range(ROWS)}
    assert list((tmp_path / "outcomes").glob("*.parquet"))


def test_what_fails_for_good_is_not_tried_again(service: Sandbox, tmp_path: Path) -> None:
    service.set_campaign_status("cancelled")
    running = load(service, tmp_path, 10)
    said, _ = running.communicate(timeout=120)
    assert running.returncode != 0
    assert "cancelled" in said
    assert count(service) == 0


def test_who_is_excluded_stays_home(service: Sandbox, tmp_path: Path) -> None:
    numbers = tmp_path / "do-not-call.csv"
    numbers.write_text("phone_number\n+919800000003\n")
    running = load(service, tmp_path, 10, exclude=str(numbers), max_invalid=0)
    said, _ = running.communicate(timeout=120)
    assert running.returncode == 0, said
    assert keys(service) == {str(lead): 1 for lead in range(10) if lead != 3}


def test_numbers_that_are_told_once_hold_for_each_file(service: Sandbox, tmp_path: Path) -> None:
    home = [3, 1500, 2999]
    running = load(service, tmp_path, once=[f"+9198{lead:08d}" for lead in home])
    said, _ = running.communicate(timeout=120)
    assert running.returncode == 0, said
    assert keys(service) == {str(lead): 1 for lead in range(ROWS) if lead not in home}


def test_a_limit_is_refused() -> None:
    with pytest.raises(revrag.InvalidArgumentError, match=r"limit: .*add_limit"):
        revrag.dlt.campaign("11111111-1111-1111-1111-111111111111", key="lead", limit=1)


def test_without_dlt_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['dlt'] = None; import revrag.dlt"
    done: Any = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'pip install "revrag[dlt]"' in done.stderr.splitlines()[-1]
