"""Calls that webhooks brought, or `reconcile`, whose processes are killed: each is handled once.

``REVRAG_TEST_EVENTS=20000`` makes them twenty thousand calls.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from revrag.webhooks.stores import SqlAlchemyStore
from sqlalchemy import create_engine, text
from support.listing import service
from support.server import Serve

CALLS = min(int(os.environ.get("REVRAG_TEST_EVENTS", "300")), 20_000)

WORKER = """
import datetime, io, json, random, sys
import revrag
from revrag.webhooks import wsgi
from revrag.webhooks.stores import SqlAlchemyStore
from sqlalchemy import create_engine, text
from support import CALL, CAMPAIGN_ID
from support.listing import uid

what, url, database, count, seed = sys.argv[1:]
store = SqlAlchemyStore(create_engine(database, connect_args={"timeout": 30}))
draw = random.Random(int(seed))

def call_ended(event, session):
    session.execute(text("INSERT INTO handled VALUES (:id)"), {"id": event.call.call_id})
    if draw.random() < 0.01:
        raise RuntimeError("not now")

print("ready", flush=True)
if what == "reconcile":
    campaign = revrag.Client("key", base_url=url).campaign(CAMPAIGN_ID)
    long_ago = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    found = campaign.reconcile(store, call_ended, since=long_ago)
    print(len(found.failed) + found.in_progress, flush=True)
else:
    verifier = revrag.WebhookVerifier("secret")
    app = wsgi.endpoint(call_ended, verifier, store=store)
    for number in range(int(count)):
        if draw.random() < 0.3:
            continue
        for _ in range(2 if draw.random() < 0.1 else 1):
            body = json.dumps(CALL | {"call_id": uid(1000 + number)}).encode()
            headers = verifier.sign(body, event_id=f"evt_{number}")
            environ = {"HTTP_" + name.upper().replace("-", "_"): t for name, t in headers.items()}
            environ |= {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(len(body))}
            list(app(environ | {"wsgi.input": io.BytesIO(body)}, lambda *_: None))
    print(0, flush=True)
"""


@pytest.mark.timeout(900)
def test_processes_that_are_killed(serve: Serve, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'calls.sqlite'}"
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE handled (id TEXT)"))
    SqlAlchemyStore(engine).create_tables()
    url, draw = serve(service(CALLS)).url, random.Random(3)

    def start(what: str, seed: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", WORKER, what, url, database, str(CALLS), str(seed)]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def handled() -> int:
        with engine.connect() as connection:
            return int(connection.execute(text("SELECT count(*) FROM handled")).scalar_one())

    webhooks = start("deliver", 1)
    # Killed once it has handled some more.
    for kill in range(5):
        process, goal = start("reconcile", 2 + kill), handled() + draw.randrange(1, CALLS // 20)
        while process.poll() is None and handled() < goal:
            time.sleep(0.005)
        process.kill()
        process.communicate()
    assert webhooks.communicate(timeout=800)[0] == "0\n"
    for again in range(20):
        told, _ = start("reconcile", 100 + again).communicate(timeout=800)
        if told == "0\n":
            break
    with engine.connect() as connection:
        ids = [row[0] for row in connection.execute(text("SELECT id FROM handled"))]
    assert len(ids) == len(set(ids)) == CALLS
