"""A limit, excluded numbers and too many invalid rows, for all tasks of a job together."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
import revrag
from revrag.engines import attempt, whole
from revrag.engines.coordinator import Coordinator
from revrag.engines.leases import Ask, Leases, Told
from revrag.engines.settings import Settings
from support import CAMPAIGN_ID
from support.service import Service
from support.upload import number


def leads(count: int, start: int = 0, wrong: int = 0) -> pa.Table:
    ids = range(start, start + count)
    numbers = ["12" if at < wrong else number(one) for at, one in enumerate(ids)]
    return pa.table({"id": list(ids), "phone_number": numbers})


def run(
    service: Service,
    driver: Coordinator,
    tables: list[pa.Table],
    exclude: object = None,
    **options: Any,
) -> Any:
    """A job whose parts run at once; its receipt."""
    given = {"campaign_id": CAMPAIGN_ID, "base_url": service.url, "key": "id", "name": "may"}
    chosen = Settings.of(given | {"settle_after": 0.1, "exclude": exclude} | options)
    where = (driver.address, driver.secret)
    job = driver.open(chosen, exclude)
    driver.job(job).start()
    driver.job(job).wait()
    sent: list[Any] = []

    def one(part: int) -> None:
        place = attempt.Place(*where, job, part)
        sent.append(attempt.send([tables[part]], chosen, place))

    threads = [threading.Thread(target=one, args=(part,)) for part in range(len(tables))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=50)
    whole.commit(where, job, chosen, sent)
    return driver.receipts[-1]


def sessions(service: Service) -> Counter[str | None]:
    return Counter(record.session for record in service.applied)


def test_a_limit_is_for_all_parts(service: Service, driver: Coordinator) -> None:
    tables = [leads(100, 100 * part) for part in range(4)]
    for done in (0, 150, 300):
        receipt = run(service, driver, tables, limit=150, max_records=20)
        went = min(150, 400 - done)
        assert (receipt.accepted, receipt.existing) == (went, done)
        assert receipt.not_sent == 400 - done - went
    assert sessions(service) == {f"may:{one}": 1 for one in range(400)}


def test_who_is_excluded(service: Service, driver: Coordinator) -> None:
    run(service, driver, [leads(5)])
    never = [number(one)[3:] for one in range(0, 100, 10)]
    receipt = run(service, driver, [leads(50), leads(50, 50)], exclude=never)
    assert receipt.rows == {"accepted": 86, "existing": 5, "excluded": 9}
    with pytest.raises(revrag.InvalidArgumentError, match="entry 1"):
        run(service, driver, [leads(5)], exclude=[number(1), "Riya"])


@pytest.mark.parametrize(("most", "fails"), [(9, True), (10, False), (0.009, True), (0.01, False)])
def test_too_many_invalid_rows(
    service: Service, driver: Coordinator, most: float, fails: bool
) -> None:
    tables = [leads(1000, wrong=10)]
    if fails:
        with pytest.raises(revrag.InvalidArgumentError, match="10 of the 1000 rows"):
            run(service, driver, tables, max_invalid=most)
        assert not driver.receipts[-1].committed
        assert not service.applied
    else:
        assert run(service, driver, tables, max_invalid=most).accepted == 990


class Cluster:
    """Attempts, and how they stand."""

    def __init__(self, limit: int) -> None:
        self.standing = dict.fromkeys(range(9), "live")
        self.leases = Leases(self.standing.__getitem__, lambda attempt: attempt % 3, limit)
        self.leases.believe(0)

    def ask(self, attempt: int, *keys: int) -> list[str]:
        asked = self.leases.lease(attempt, [Ask(f"may:{key}", key) for key in keys])
        return [one.outcome if one.do == "done" else one.do for one in asked]

    def tell(self, attempt: int, outcome: str, *keys: int) -> None:
        self.leases.tell(attempt, [Told(f"may:{key}", outcome) for key in keys])


def test_a_limit_waits_for_rows_under_way() -> None:
    cluster = Cluster(limit=2)
    assert cluster.ask(0, 1, 2, 3) == ["send", "send", "wait"]
    assert cluster.ask(1, 4) == ["wait"]
    # One of them stayed home, so another may go.
    cluster.tell(0, "not_sent", 1)
    cluster.tell(0, "accepted", 2)
    assert cluster.ask(1, 4, 5) == ["send", "wait"]
    cluster.tell(1, "accepted", 4)
    assert cluster.ask(1, 5) == ["not_sent"]
    cluster.leases.close()


def test_what_a_lost_attempt_left_open_counts_as_gone() -> None:
    cluster = Cluster(limit=2)
    assert cluster.ask(0, 1, 2) == ["send", "send"]
    cluster.standing[0] = "lost"
    # Nobody has to wait for a task that may never come.
    assert cluster.ask(1, 3) == ["not_sent"]
    assert cluster.ask(3, 1, 2) == ["look", "look"]
    assert cluster.ask(2, 4) == ["wait"]
    cluster.tell(3, "accepted", 1)
    cluster.tell(3, "not_sent", 2)
    assert cluster.ask(2, 4) == ["send"]
    cluster.leases.close()
