"""Workers killed with SIGKILL around the commit: what the handler did is there once, or it is not.

The stores that claim and commit stand beside the transactional ones: they can't promise that.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support.databases import new_database

ROOT = Path(__file__).parents[1]
POINTS = int(os.environ.get("REVRAG_TEST_KILLS", "30"))
LINES = POINTS * 3 // 5  # points that are lines of Python; the rest are moments of the commit
CLAIM_TTL = 300


class Workers:
    """A server whose workers are killed."""

    def __init__(self, kind: str, url: str, folder: Path) -> None:
        self._now = 1_780_000_000.0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.apps.killed", kind, url, str(folder / "claims.sqlite")],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == "ready"

    def deliver(self, event_id: str, how: str = "whole", at: int = 0) -> Any:
        """Deliver an event; what its worker told, with status 0 where it was killed."""
        assert self._process.stdin is not None
        # Whatever was claimed before has expired by now.
        self._now += CLAIM_TTL + 1
        asked = {"id": event_id, "how": how, "at": at, "now": self._now}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return json.loads(self._answer())

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the server ended: {self._process.wait(10)}"
        return line.strip()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate(timeout=10)


@pytest.fixture(params=["postgres", "sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Any]]:
    """A database with a table of effects: its URL, and how to read the table."""
    create = "CREATE TABLE effects (call_id varchar(100))"
    read = "SELECT call_id FROM effects"
    if request.param == "sqlite":
        path = tmp_path / "effects.sqlite"

        def effects() -> list[str]:
            with closing(sqlite3.connect(path)) as connection:
                return [row[0] for row in connection.execute(read)]

        with closing(sqlite3.connect(path)) as connection:
            connection.execute(create)
        yield f"sqlite:///{path}", effects
        return
    url = new_database(request.getfixturevalue("postgres_url"), "killed")

    def effects_there() -> list[str]:
        with psycopg.connect(url) as connection:
            return [row[0] for row in connection.execute(read)]

    with psycopg.connect(url) as connection:
        connection.execute(create)
    yield url.replace("postgresql:", "postgresql+psycopg:"), effects_there


def kill_at_every_point(kind: str, url: str, folder: Path) -> set[str]:
    """Kill a worker at each point and redeliver until 200; the events."""
    workers = Workers(kind, url, folder)
    events: set[str] = set()
    try:
        workers.deliver("warm-up")
        traced = workers.deliver("traced", "traced")
        took = max(workers.deliver(f"whole-{number}")["took"] for number in range(3))
        first, last = traced["began"], traced["lines"]
        assert first > 0
        points = [("line", first + (last - first) * n // LINES) for n in range(LINES)]
        points += [("timed", took * n // (POINTS - LINES)) for n in range(POINTS - LINES)]
        for number, (how, at) in enumerate(points):
            for attempt in range(100):
                event_id = f"evt-{number}-{attempt}"
                events.add(event_id)
                killed = workers.deliver(event_id, how, at)["status"] == 0
                status = 0
                while status != 200:
                    status = workers.deliver(event_id)["status"]
                assert workers.deliver(event_id)["status"] == 200
                if killed:
                    break
                at = at * 9 // 10  # it was too late: its work was done
            else:
                pytest.fail(f"no worker could be killed at point {number}")
    finally:
        workers.close()
    return events


Effects = Callable[[], list[str]]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["django", "sqlalchemy"])
def test_a_transactional_store_has_each_effect_once(
    kind: str, database: tuple[str, Effects], tmp_path: Path
):
    url, effects = database
    events = kill_at_every_point(kind, url, tmp_path)
    found = Counter(call for call in effects() if call.startswith("evt-"))
    print(kind, url.split(":")[0], f"{POINTS} killed, effects by their number:", end=" ")
    print(dict(Counter(found.values())))
    assert found == Counter(events)


@pytest.mark.timeout(900)
def test_a_store_of_claims_does_not(database: tuple[str, Effects], tmp_path: Path):
    url, effects = database
    events = kill_at_every_point("claims", url, tmp_path)
    found = Counter(call for call in effects() if call.startswith("evt-"))
    print("claims", url.split(":")[0], f"{POINTS} killed, effects by their number:", end=" ")
    print(dict(Counter(found.values())))
    # Nothing is lost; but what was killed between the handler's commit and the mark is repeated.
    assert set(found) == events
    assert max(found.values()) > 1
