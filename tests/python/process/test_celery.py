"""A real Celery worker whose prefork pool inherits a client that is in use."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from support import PUSHED
from support.script import PRELUDE, Run, terminated
from support.server import Serve, reply

TASKS = (
    PRELUDE
    + """
import celery, celery.signals, pathlib
folder = pathlib.Path(__file__).parent
app = celery.Celery("tasks", broker="filesystem://", backend=f"file://{folder / 'results'}")
app.conf.broker_transport_options = {
    "data_folder_in": str(folder / "queue"),
    "data_folder_out": str(folder / "queue"),
    "control_folder": str(folder / "control"),
}
app.conf.worker_hijack_root_logger = False
leads = campaign((folder / "service").read_text())
def push():
    return leads.push([LEAD | {"app_user_id": str(os.getpid())}]).accepted
@app.task
def blocking():
    assert push() == 1
    return os.getpid()
@app.task
def asynchronous():
    record = LEAD | {"app_user_id": str(os.getpid())}
    assert asyncio.run(leads.push_async([record])).accepted == 1
    return os.getpid()
# The parent is in the middle of requests whenever it forks.
@celery.signals.worker_init.connect
def begin(**_):
    def keep_busy():
        while True:
            push()
            time.sleep(0.01)
    threading.Thread(target=keep_busy, daemon=True).start()
"""
)


@pytest.mark.timeout(120)
def test_a_prefork_worker(tmp_path: Path, serve: Serve, run: Run) -> None:
    service = serve(reply(200, PUSHED))
    (tmp_path / "tasks.py").write_text(TASKS)
    (tmp_path / "service").write_text(service.url)
    for name in ("queue", "control", "results"):
        (tmp_path / name).mkdir()
    log = tmp_path / "log"
    # A child that has had three tasks is replaced: forked anew, later.
    options = "--pool=prefork --concurrency=2 --max-tasks-per-child=3 --loglevel=INFO"
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
        finished = run(
            """
            import warnings
            warnings.simplefilter("default")
            from tasks import asynchronous, blocking
            waiting = [task.delay() for task in (blocking, asynchronous) * 10]
            print(*(result.get(timeout=50, interval=0.05) for result in waiting))
            """,
            limit=60,
        )
        children = {int(pid) for pid in finished.out.split()}
        assert worker.pid not in children
        assert len(children) > 2, "children were replaced"
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    assert not re.search(r"Traceback|panicked|ERROR", log.read_text())

    owners = defaultdict(set)
    for request in service.requests:
        owners[request.connection].add(int(request.json()["records"][0]["app_user_id"]))
    assert all(len(pids) == 1 for pids in owners.values()), owners
    assert {pid for pids in owners.values() for pid in pids} == {worker.pid, *children}
