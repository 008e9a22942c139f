"""A dataset of Ray: workers killed, tasks that fail; each row goes once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from chaos import killing
from revrag.sandbox import Sandbox
from truth import called, keys, told

pytest.importorskip("ray")
import pyarrow as pa
import ray
from revrag.ray import RevragDatasink

ROWS = int(os.environ.get("REVRAG_TEST_ROWS", "50000"))
RUNS = int(os.environ.get("REVRAG_TEST_RUNS", "2"))
RUN_ROWS = int(os.environ.get("REVRAG_TEST_RUN_ROWS", "10000"))
# Whatever fails is run again.
REMOTE = {"max_retries": -1, "retry_exceptions": True, "num_cpus": 1}


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    os.environ["REVRAG_API_KEY"] = "engine-key"
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=300 * 2**20,
    )
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    # So that a task sends some of its rows before it fails.
    context.target_max_block_size = 64 * 1024
    yield
    ray.shutdown()


def sink(service: Sandbox, **options: Any) -> RevragDatasink:
    given = {"key": "lead", "name": "diwali", "base_url": service.url, "settle_after": 0.2}
    return RevragDatasink(service.campaign_id, host="127.0.0.1", **(given | options))


def leads(count: int, parts: int) -> Any:
    # Inside, as workers know nothing of this file.
    def table(ids: Any) -> pa.Table:
        leads = ids["id"].to_pylist()
        return pa.table(
            {
                "lead": leads,
                # One in a hundred has no number that can be called.
                "phone_number": [f"+9198{at:08d}" if at % 100 != 99 else "12" for at in leads],
                "said": leads,
            }
        )

    ids = ray.data.range(count, override_num_blocks=parts)
    return ids.map_batches(table, batch_format="pyarrow", batch_size=None, **REMOTE)


def flaky(share: float) -> Any:
    def rows(batch: pa.Table) -> pa.Table:
        drawn = random.SystemRandom().random()
        if drawn < share / 2:
            raise RuntimeError("drawn to fail")
        if drawn < share:
            os._exit(1)
        return batch

    return rows


def valid(count: int) -> dict[str, int]:
    return {str(lead): 1 for lead in range(count) if lead % 100 != 99}


def test_each_row_goes_once_and_is_told_of(cluster: None, service: Sandbox, outcomes: str) -> None:
    first = sink(service, outcomes=outcomes)
    leads(2000, 4).write_datasink(first)
    assert first.receipt.rows == {"accepted": 1980, "invalid": 20}
    assert keys(service) == valid(2000)
    rows = told(outcomes)
    assert sorted(int(row["key"]) for row in rows) == list(range(2000))
    again = sink(service)
    leads(2000, 3).write_datasink(again)
    assert again.receipt.rows == {"existing": 1980, "invalid": 20}
    assert keys(service) == valid(2000)
    with pytest.raises(Exception, match="a sink is for one write"):
        leads(20, 1).write_datasink(again)


def test_a_key_in_several_tasks_goes_once(cluster: None, service: Sandbox) -> None:
    frame = leads(500, 2)
    into = sink(service, max_records=50)
    frame.union(frame, frame).write_datasink(into)
    assert into.receipt.rows == {"accepted": 495, "duplicate": 990, "invalid": 15}
    assert keys(service) == valid(500)


def test_rails_are_for_all_tasks_together(cluster: None, service: Sandbox) -> None:
    excluded = [f"+9198{at:08d}" for at in range(0, 500, 5)]
    into = sink(service, exclude=excluded, limit=300)
    leads(500, 4).write_datasink(into, ray_remote_args=REMOTE)
    assert into.receipt.rows == {"accepted": 300, "excluded": 100, "invalid": 5, "not_sent": 95}
    with pytest.raises(Exception, match="entry 0"):
        leads(10, 1).write_datasink(sink(service, exclude=["Riya"]))


def test_too_many_invalid_rows_end_the_job(cluster: None, service: Sandbox) -> None:
    """Though whatever fails is run again."""
    into = sink(service, max_invalid=0.001)
    with pytest.raises(Exception, match="max_invalid: "):
        leads(10_000, 4).write_datasink(into, ray_remote_args=REMOTE)
    assert not into.receipt.committed
    assert not keys(service)


def test_a_table_of_a_million(cluster: None, service: Sandbox, outcomes: str) -> None:
    frame = leads(ROWS, 50).map_batches(
        flaky(0.02), batch_format="pyarrow", batch_size=1000, **REMOTE
    )
    into = sink(service, outcomes=outcomes, variables={"lead": "said"})
    with killing(random.Random(3), "->Write", (1, 4), most=12) as kills:
        frame.write_datasink(into, ray_remote_args=REMOTE)
    receipt = into.receipt
    print(f"{ROWS} rows, {kills()} workers killed, {receipt.attempts} attempts,")
    print(f"{receipt.lost} of them lost: {receipt.rows}")
    assert receipt.lost > 0
    assert called(service) == valid(ROWS)
    rows = told(outcomes)
    assert len(rows) == ROWS
    accepted = {row["key"]: row["run_id"] for row in rows if row["outcome"] == "accepted"}
    with service.client() as client:
        records = client.campaign(service.campaign_id).records()
        assert accepted == {str(one.variables["lead"]): one.id for one in records}


@pytest.mark.parametrize("seed", range(RUNS))
def test_rows_in_another_order(cluster: None, service: Sandbox, seed: int) -> None:
    """A shuffle, drawn anew by each run, and tasks of other sizes."""
    frame = leads(RUN_ROWS, 8).random_shuffle().repartition(10)
    frame = frame.map_batches(flaky(0.1), batch_format="pyarrow", batch_size=500, **REMOTE)
    into = sink(service, variables={"lead": "said"})
    with killing(random.Random(seed), "->Write", (0.5, 2), most=3) as kills:
        frame.write_datasink(into, ray_remote_args=REMOTE)
    print(f"run {seed}: {kills()} workers killed, {into.receipt}")
    assert called(service) == valid(RUN_ROWS)


def test_without_ray_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['ray'] = None; import revrag.ray"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'pip install "revrag[ray]"' in done.stderr.splitlines()[-1]
