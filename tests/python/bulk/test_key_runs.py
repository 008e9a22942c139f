"""Keyed uploads, again and again: nothing is lost, and nothing goes out twice.

Each run is a seed. A row is known by its key alone; what is there is counted by it.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import revrag
from bulk.test_row_key import token
from revrag.sandbox import Sandbox
from support import CAMPAIGN_ID
from support.sandboxed import hosted
from support.service import Service, at, each, first, gate, reset, status
from support.upload import number

RUNS = int(os.environ.get("REVRAG_TEST_RUNS", "200"))
KILLS = int(os.environ.get("REVRAG_TEST_KILLS", "8"))
ROUNDS = int(os.environ.get("REVRAG_TEST_ROUNDS", "2"))
OTHERS = int(os.environ.get("REVRAG_TEST_OTHERS", "5000"))
NAME = "diwali-2026"
OPTIONS: dict[str, Any] = {"key": "id", "name": NAME, "settle_after": 0.0}

Lead = dict[str, Any]
Case = Callable[[random.Random, Path], None]


class Campaign:
    """A campaign of its own, which lists what it has as a kind service does."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        order: Any = rng.choice(["oldest", "newest"])
        self.service = hosted(order=order, seed=rng.randrange(10**6))
        self.campaign = self.service.campaign()

    def upload(self, table: list[Lead], **options: Any) -> revrag.UploadReport:
        given = {"max_records": self.rng.choice([3, 7, 500]), "concurrency": 2, **OPTIONS}
        return self.campaign.upload(table, **given | options)

    def once(self, *ids: int) -> None:
        found = Counter(record.session for record in self.service.applied)
        assert found == Counter(token(NAME, (str(one),)) for one in ids)


def table(rng: random.Random, count: int, start: int = 0) -> list[Lead]:
    return [
        {"id": at, "phone_number": number(at), "first": rng.choice(["Riya", "Zoë", ""])}
        for at in range(start, start + count)
    ]


def shuffled(rng: random.Random, _: Path, world: Campaign) -> None:
    leads = table(rng, 20)
    world.upload(leads)
    rng.shuffle(leads)
    assert world.upload(leads).existing == 20
    world.once(*range(20))


def grown_at_the_top(rng: random.Random, _: Path, world: Campaign) -> None:
    leads, more = table(rng, 20), rng.randrange(1, 8)
    world.upload(leads)
    report = world.upload(table(rng, more, 100) + leads)
    assert (report.accepted, report.existing) == (more, 20)
    world.once(*range(20), *range(100, 100 + more))


def a_row_corrected(rng: random.Random, _: Path, world: Campaign) -> None:
    leads = table(rng, 20)
    wrong, sent = rng.sample(range(20), 2)
    leads[wrong] |= {"phone_number": "12"}
    assert world.upload(leads).invalid == 1
    leads[wrong] |= {"phone_number": number(wrong)}
    leads[sent] |= rng.choice([{"phone_number": number(900)}, {"first": "Other"}])
    report = world.upload(leads)
    assert (report.accepted, report.existing, report.changed) == (1, 19, 1)
    world.once(*range(20))


def the_journal_deleted(rng: random.Random, folder: Path, world: Campaign) -> None:
    journal = folder / "leads.journal"
    world.service.faults = at({rng.randrange(1, 3): status(400)})
    with pytest.raises(revrag.UploadError):
        world.upload(table(rng, 20), journal=journal, max_records=5, concurrency=1)
    journal.unlink()
    world.upload(table(rng, 20), journal=journal)
    world.once(*range(20))


def the_journal_on_another_machine(rng: random.Random, folder: Path, world: Campaign) -> None:
    world.service.faults = first(1, reset(applied=rng.random()))
    world.upload(table(rng, 20), journal=folder / "one.journal", on_unknown="leave")
    world.upload(table(rng, 25), journal=folder / "other.journal")
    # The first knows less, and sends no more for it.
    report = world.upload(table(rng, 25), journal=folder / "one.journal")
    assert (report.accepted, report.existing) == (0, 25)
    world.once(*range(25))


def three_days_in_a_row(rng: random.Random, _: Path, world: Campaign) -> None:
    known: set[int] = set()
    for day in range(3):
        leads = rng.sample(table(rng, 20 + 5 * day), rng.randrange(10, 20))
        share = rng.random()
        fault = rng.choice([reset(applied=share), status(503, applied=share)])
        world.service.faults = at({day * 3 + rng.randrange(3): fault})
        world.upload(leads)
        known |= {lead["id"] for lead in leads}
    world.once(*known)


def other_sizes(rng: random.Random, folder: Path, world: Campaign) -> None:
    journal = rng.choice([None, folder / "leads.journal"])
    for size, width in ((3, 1), (500, 4), (1, 3)):
        world.upload(table(rng, 20), max_records=size, concurrency=width, journal=journal)
    world.once(*range(20))


CASES = [
    shuffled,
    grown_at_the_top,
    a_row_corrected,
    the_journal_deleted,
    the_journal_on_another_machine,
    three_days_in_a_row,
    other_sizes,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
@pytest.mark.parametrize("part", range(4))
def test_nothing_is_lost_or_sent_twice(case: Any, part: int, tmp_path: Path) -> None:
    for seed in range(part, RUNS, 4):
        rng = random.Random(f"{case.__name__} {seed}")
        folder = tmp_path / str(seed)
        folder.mkdir()
        world = Campaign(rng)
        try:
            case(rng, folder, world)
        except BaseException:
            print("seed", seed)
            raise
        finally:
            world.service.close()


@pytest.fixture(scope="module")
def crowd() -> Iterator[Sandbox]:
    """A campaign with thousands of records of others, on a service that lists them quickly."""
    with Sandbox(time="manual") as sandbox:
        campaign = sandbox.client().campaign(sandbox.campaign_id)
        others = [
            {"phone_number": f"+9170{index:08d}", "app_session_id": f"theirs {index}"}
            for index in range(OTHERS)
        ]
        for begin in range(0, OTHERS, 500):
            campaign.push(others[begin : begin + 500])
        sandbox.advance(hours=1)
        yield sandbox


def test_a_campaign_of_others(crowd: Sandbox) -> None:
    rng = random.Random(5)
    campaign = crowd.client().campaign(crowd.campaign_id)
    for name in map(str, range(ROUNDS)):
        options = {**OPTIONS, "name": name}
        assert campaign.upload(table(rng, 20), **options).accepted == 20
        assert campaign.upload(table(rng, 22)[::-1], **options).existing == 20
    found = Counter(record.app_session_id for record in campaign.records())
    assert set(found.values()) == {1}
    assert len(found) == OTHERS + 22 * ROUNDS


WORKER = textwrap.dedent(
    """
    import sys
    import revrag
    client = revrag.Client("sandbox-key", base_url=sys.argv[1])
    leads = [
        {"id": at, "phone_number": f"+9198{at:08d}", "first": "Riya"} for at in range(60)
    ]
    try:
        report = client.campaign(sys.argv[2]).upload(
            leads, key="id", name="diwali-2026", settle_after=0.1, max_records=2, concurrency=2,
            journal=sys.argv[3] or None,
        )
    except revrag.JournalError as error:
        print("refused:", error)
        sys.exit(3)
    print(report.accepted, report.existing)
    """
)


def worker(service: Service, journal: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, service.url, CAMPAIGN_ID, journal],
        stdout=subprocess.PIPE,
        text=True,
    )


def ended(running: subprocess.Popen[str]) -> int:
    running.communicate(timeout=60)
    return running.returncode


@pytest.mark.parametrize("seed", range(KILLS))
def test_killed_and_called_again(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    service = hosted()
    journal = str(tmp_path / "leads.journal") if seed % 2 else ""
    try:
        for _ in range(2):
            running = worker(service, journal)
            for _ in range(rng.randrange(1, 9)):
                service.arrived.acquire(timeout=20)
            running.send_signal(signal.SIGKILL)
            running.communicate(timeout=20)
        assert ended(worker(service, journal)) == 0
        found = Counter(record.session for record in service.applied)
        assert found == Counter(token(NAME, (str(at),)) for at in range(60))
    finally:
        service.close()


@pytest.mark.parametrize("has_journal", [False, True])
def test_two_at_once(has_journal: bool, tmp_path: Path) -> None:
    service = hosted(faults=first(1, gate()))
    journal = str(tmp_path / "leads.journal") if has_journal else ""
    try:
        running = worker(service, journal)
        assert service.arrived.acquire(timeout=20)
        second = worker(service, journal)
        told, _ = second.communicate(timeout=20)
        assert second.returncode == 3
        assert "under way on this machine" in told
        running.kill()
        running.communicate(timeout=20)
        service.faults = each()
        # The lock died with its process.
        assert ended(worker(service, journal)) == 0
        found = Counter(record.session for record in service.applied)
        assert found == Counter(token(NAME, (str(at),)) for at in range(60))
    finally:
        service.close()
