"""Tasks that upload under leases of a driver's, without an engine: killed, cut off, forged."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import revrag
from revrag.engines import attempt, whole
from revrag.engines.coordinator import Coordinator
from revrag.engines.link import LeaseLostError, Link
from revrag.engines.settings import Settings
from support import CAMPAIGN_ID
from support.service import Service, always, delay, each, first, gate
from support.upload import number


def leads(count: int, start: int = 0) -> pa.Table:
    ids = range(start, start + count)
    return pa.table({"id": list(ids), "phone_number": [number(one) for one in ids]})


def settings(service: Service, **options: Any) -> Settings:
    given = {"campaign_id": CAMPAIGN_ID, "base_url": service.url, "key": "id", "name": "may"}
    return Settings.of(given | {"settle_after": 0.1} | options)


def task(driver: Coordinator, chosen: Settings, job: int, part: int, table: pa.Table) -> Any:
    place = attempt.Place(driver.address, driver.secret, job, part)
    return attempt.send([table], chosen, place).counts


def sessions(service: Service) -> Counter[str | None]:
    return Counter(record.session for record in service.applied)


def test_tasks_of_one_name_at_once(service: Service, driver: Coordinator) -> None:
    chosen = settings(service, max_records=20)
    job = whole.begin((driver.address, driver.secret), chosen)
    counts: Counter[str] = Counter()

    def run(part: int) -> None:
        # Half of each is the next one's, too.
        counts.update(task(driver, chosen, job, part, leads(100, 50 * part)))

    threads = [threading.Thread(target=run, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=50)
    assert counts == {"accepted": 250, "duplicate": 150}
    assert sessions(service) == {f"may:{one}": 1 for one in range(250)}


TASK = textwrap.dedent(
    """
    import sys
    import pyarrow as pa
    from revrag.engines import attempt
    from revrag.engines.settings import Settings
    _, port, secret, job, settings = sys.argv
    table = pa.table(
        {"id": list(range(60)), "phone_number": [f"+9198{at:08d}" for at in range(60)]}
    )
    place = attempt.Place(("127.0.0.1", int(port)), bytes.fromhex(secret), int(job), 0)
    attempt.send([table], Settings.from_json(settings), place)
    """
)


def test_a_task_that_is_killed(service: Service, driver: Coordinator) -> None:
    chosen = settings(service, max_records=10, concurrency=1)
    job = whole.begin((driver.address, driver.secret), chosen)
    service.faults = first(1, gate())
    words = [str(driver.address[1]), driver.secret.hex(), str(job), chosen.to_json()]
    running = subprocess.Popen([sys.executable, "-c", TASK, *words])
    assert service.arrived.acquire(timeout=20)
    running.kill()
    running.wait(timeout=20)
    service.faults = each()
    # Another partition has some of its rows now, as after a shuffle.
    counts = Counter(task(driver, chosen, job, 1, leads(30)))
    counts.update(task(driver, chosen, job, 0, leads(30, 30)))
    assert counts == {"accepted": 60}
    assert sessions(service) == {f"may:{one}": 1 for one in range(60)}


def test_an_attempt_that_does_not_count(
    service: Service, driver: Coordinator, tmp_path: Path
) -> None:
    """A part that ended well, and was run again on other rows: more than a message's worth."""
    many = 5000
    chosen = settings(service, outcomes=str(tmp_path / "outcomes"))
    where = (driver.address, driver.secret)
    job = whole.begin(where, chosen)
    task(driver, chosen, job, 0, leads(many))
    # Then its rows are the other part's, which has one of them twice.
    twice = pa.concat_tables([leads(many), leads(1)])
    parts = [
        attempt.send([table], chosen, attempt.Place(*where, job, part))
        for part, table in ((1, twice), (0, leads(many, many)))
    ]
    whole.commit(where, job, chosen, parts)
    assert driver.receipts[-1].rows == {"accepted": 2 * many, "duplicate": 1}
    runs = {record.session: record.run_id for record in service.applied}
    rows = pq.read_table(tmp_path / "outcomes").to_pylist()
    assert len(rows) == 2 * many + 1
    accepted = {row["key"]: row["run_id"] for row in rows if row["outcome"] == "accepted"}
    assert accepted == {str(one): runs[f"may:{one}"] for one in range(2 * many)}


def test_a_task_whose_driver_is_gone_stops(service: Service, driver: Coordinator) -> None:
    chosen = settings(service, max_records=1, concurrency=1)
    job = whole.begin((driver.address, driver.secret), chosen)
    service.faults = always(delay(0.1))
    raised: list[BaseException] = []

    def run() -> None:
        try:
            task(driver, chosen, job, 0, leads(500))
        except LeaseLostError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert service.arrived.acquire(timeout=20)
    driver.close()
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert raised
    sent = len(service.applied)
    assert sent < 500
    time.sleep(0.5)
    assert len(service.applied) == sent


def test_who_does_not_know_the_secret_is_told_nothing(driver: Coordinator) -> None:
    with Link(driver.address, os.urandom(32)) as link, pytest.raises(LeaseLostError):
        link.ask("open", settings="{}")
    assert not driver.receipts


def test_two_drivers_of_a_machine(service: Service, driver: Coordinator) -> None:
    chosen = settings(service)
    whole.begin((driver.address, driver.secret), chosen)
    other = Coordinator("127.0.0.1")
    try:
        with pytest.raises(revrag.RevragError, match="another driver on this machine"):
            whole.begin((other.address, other.secret), chosen)
    finally:
        other.close()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"key": ""}, "its place: name the column"),
        ({"key": "app_session_id"}, "app_session_id can't be it"),
        ({"api_key": "secret-1234"}, "REVRAG_API_KEY in the environment"),
        ({"campaign_id": "17"}, "campaign"),
        ({"max_records_per_second": "0"}, "more than 0"),
        ({"max_records": "many"}, "a whole number"),
        ({"on_invalid": "raise"}, "its own rows alone"),
        ({"name": ""}, "name"),
        ({"name": "n" * 56}, "name"),
        ({"limit": "-1"}, "limit: it must be"),
        ({"max_invalid": "1.5"}, "max_invalid: it must be"),
        ({"max_invalid": 0.1, "on_invalid": "send"}, "max_invalid: with"),
        ({"exclude": "a.csv", "on_invalid": "send"}, "exclude: with"),
        ({"exclude": '["+919800000001"]'}, "no numbers stand there"),
        ({"colour": "red"}, "no option 'colour'"),
    ],
)
def test_what_can_not_be_is_refused_before_a_task_begins(
    service: Service, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(revrag.InvalidArgumentError, match=says) as caught:
        settings(service, **wrong)
    assert "secret-1234" not in str(caught.value)
    assert "9800000001" not in str(caught.value)


def test_the_caller_vouches_for_rows(service: Service) -> None:
    """Without a look, a journal or a lock."""
    campaign = service.campaign()
    options: dict[str, Any] = {"key": "id", "name": "may", "existing": "caller"}
    assert campaign.upload(leads(10), **options).accepted == 10
    assert campaign.upload(leads(10), **options, dry_run=True).not_sent == 10
    assert service.store.pages == 0
    assert sessions(service) == {f"may:{one}": 1 for one in range(10)}
