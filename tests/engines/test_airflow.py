"""A real Airflow, whose task is killed as it uploads, and retried by Airflow itself."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from chaos import children, parent
from revrag.sandbox import Sandbox
from truth import keys

pytest.importorskip("airflow")

RUNS = int(os.environ.get("REVRAG_TEST_RUNS", "2"))
ROWS = 1500
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("airflow")
    (folder / "dags").mkdir()
    (folder / "dags" / "leads.py").write_text((HERE / "airflow_dag.py").read_text())
    rows = [f"{lead},+9198{lead:08d},Riya" for lead in range(ROWS)]
    (folder / "leads.csv").write_text("\n".join(["lead,phone_number,first", *rows]))
    return folder


@pytest.fixture(scope="module")
def service() -> Iterator[Sandbox]:
    with Sandbox(time="manual", api_key="engine-key") as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def airflow(home: Path, service: Sandbox) -> Iterator[Callable[..., str]]:
    """Its command line, with a scheduler that runs."""
    port = str(20_000 + os.getpid() % 20_000)
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__PORT": port,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__PARALLELISM": "1",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "false",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "2",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "10",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
        "LEADS": str(home / "leads.csv"),
        "REVRAG_API_KEY": service.api_key,
        "REVRAG_BASE_URL": service.url,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    command = [str(Path(sys.executable).parent / "airflow")]

    def run(*words: str) -> str:
        done = subprocess.run(
            [*command, *words], env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("db", "migrate")
    with (home / "standalone.log").open("wb") as log:
        standalone = subprocess.Popen(
            [*command, "standalone"],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield run
    finally:
        os.killpg(standalone.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            standalone.wait(timeout=30)
        with suppress(ProcessLookupError):
            os.killpg(standalone.pid, signal.SIGKILL)


def until(what: Callable[[], Any], seconds: float) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.1)
    return found


def count(service: Sandbox) -> int:
    with service.client() as client:
        return client.campaign(service.campaign_id).status().stats.total_records or 0


def asked(home: Path, what: str, run: str) -> Any:
    """Of a run's one task, from Airflow's own database: its command line takes seconds."""
    with closing(sqlite3.connect(f"file:{home}/airflow.db?mode=ro", uri=True, timeout=30)) as base:
        query = f"SELECT {what} FROM task_instance WHERE run_id = ?"
        return (base.execute(query, (run,)).fetchone() or (None,))[0]


def state(home: Path, run: str) -> Any:
    return asked(home, "state", run)


def tries(home: Path, run: str) -> Any:
    return asked(home, "try_number", run)


def task_processes(*, with_worker: bool) -> list[int]:
    """The process that uploads, or it and the worker of Airflow's that watches over it."""
    busy = set(children(os.getpid(), "LocalExecutor: ")) - set(children(os.getpid(), "<idle>"))
    below = {one for one in children(os.getpid(), "") if parent(one) in busy}
    return sorted(busy | below if with_worker else below)


@pytest.mark.parametrize("seed", range(RUNS))
def test_killed_and_retried(
    airflow: Callable[..., str], service: Sandbox, home: Path, seed: int
) -> None:
    rng = random.Random(seed)
    service.reset()
    if seed == 0:
        until(lambda: "leads" in airflow("dags", "list", "-o", "plain"), 180)
        airflow("dags", "unpause", "leads", "-y")
    # Slow enough to be met in the middle.
    service.fault("push", "delay", seconds=0.2, probability=1.0)
    airflow("dags", "trigger", "leads", "--run-id", f"run-{seed}")
    kills = 0
    for _ in range(2):
        before = count(service)
        # The machine may be slow, and the kill of before late.
        goal = before + min(rng.randrange(60, 400), (ROWS - before) // 2)
        until(lambda goal=goal: count(service) >= goal, 120)
        victims = task_processes(with_worker=seed % 2 == 1)
        for victim in victims:
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        kills += bool(victims)
    until(lambda: count(service) >= ROWS, 180)
    until(lambda: state(home, f"run-{seed}") == "success", 120)
    print(f"run {seed}: {kills} times killed, {tries(home, f'run-{seed}')} tries")
    assert kills == 2
    assert tries(home, f"run-{seed}") > 1
    assert keys(service) == {str(lead): 1 for lead in range(ROWS)}


def test_a_limit_is_refused(tmp_path: Path) -> None:
    code = (
        "from revrag.airflow import RevragUploadOperator as Upload\n"
        "Upload(task_id='a', source='a', campaign_id='a', key='a', name='a',"
        " upload_options={'limit': 1})"
    )
    environment = os.environ | {"AIRFLOW_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert "limit: each try has a limit of its own" in done.stderr.splitlines()[-1]


def test_without_airflow_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['airflow'] = None; import revrag.airflow"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'pip install "revrag[airflow]"' in done.stderr.splitlines()[-1]
