"""A Celery task whose soft time limit strikes in a push, and a retry that asks first."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.script import PRELUDE, Run, terminated
from support.silent import Silent

TASKS = (
    PRELUDE
    + """
import celery, celery.exceptions, pathlib
folder = pathlib.Path(__file__).parent
app = celery.Celery("tasks", broker="filesystem://", backend=f"file://{folder / 'results'}")
app.conf.broker_transport_options = {
    "data_folder_in": str(folder / "queue"),
    "data_folder_out": str(folder / "queue"),
    "control_folder": str(folder / "control"),
}
app.conf.worker_hijack_root_logger = False
leads = campaign((folder / "service").read_text())
@app.task(soft_time_limit=1, time_limit=30)
def blocking():
    try:
        leads.push([LEAD] * 3)
    except celery.exceptions.SoftTimeLimitExceeded as error:
        cause = error.__cause__
        return [type(cause).__name__, cause.record_count, str(cause)]
@app.task(soft_time_limit=1, time_limit=30)
def asynchronous():
    try:
        asyncio.run(leads.push_async([LEAD] * 3))
    except celery.exceptions.SoftTimeLimitExceeded as error:
        # Raised in the loop: the coroutine is cancelled, and the log tells of it.
        return [type(error).__name__]
"""
)


@pytest.mark.timeout(120)
def test_a_soft_time_limit(tmp_path: Path, silent: Silent, run: Run) -> None:
    (tmp_path / "tasks.py").write_text(TASKS)
    (tmp_path / "service").write_text(silent.url)
    for name in ("queue", "control", "results"):
        (tmp_path / name).mkdir()
    log = tmp_path / "log"
    options = "--pool=prefork --concurrency=1 --loglevel=INFO"
    with log.open("w") as writing:
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "tasks", "worker", *options.split()],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            start_new_session=True,
        )
    with terminated(worker, log):
        run(
            """
            import warnings
            warnings.simplefilter("default")
            from tasks import asynchronous, blocking
            name, count, text = blocking.delay().get(timeout=50, interval=0.05)
            assert (name, count) == ("PushOutcomeUnknownError", 3)
            assert "campaign.find(" in text
            assert asynchronous.delay().get(timeout=50, interval=0.05) == ["SoftTimeLimitExceeded"]
            """,
            limit=90,
        )
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    for _ in range(2):
        assert silent.arrived.acquire(timeout=1)
        assert silent.dropped.acquire(timeout=1)
    assert not silent.arrived.acquire(blocking=False), "sent again"
