"""The sandbox in place of the tests' own service, for what can be ordered from it.

What can't be ordered skips the test, and says what it was.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, NoReturn
from urllib.parse import parse_qs, urlsplit

import pytest
import revrag
from revrag.sandbox import Sandbox

from support import CAMPAIGN_ID, IS_SANDBOXED, KEY, campaign_at
from support.orders import FORESEEN, KINDS, Table, cannot, foreseen, stretches, taken, translated
from support.service import Plan, Service, Stored, each
from support.service.faults import Kind
from support.shown import Remembered, Sent, Shown

STATUS = f"/v1/campaigns/{CAMPAIGN_ID}/status"
RECORDS = f"/v1/campaigns/{CAMPAIGN_ID}/records"
PUSH = f"{RECORDS}/push-bulk"
# In the queries of this module, to tell them from those of the client.
MARK = "asked_by=tests"
CALM = each()
STATES = ("running", "paused", "completed", "cancelled")
# How far back records of before may be.
PAST = timedelta(days=2)
NEVER = 360 * 86400.0
# What the log of requests keeps.
KEPT = 1_000


class Arrivals:
    """One permit for each push that arrived."""

    def __init__(self, service: Sandboxed) -> None:
        self._service = service
        self._taken = 0

    def acquire(self, timeout: float) -> bool:
        ends = time.monotonic() + timeout
        while self._service.seen("push") <= self._taken:
            if time.monotonic() > ends:
                return False
            time.sleep(0.005)
        self._taken += 1
        return True


@dataclass(frozen=True)
class Before:
    """A store of which others' records can be asked for."""

    service: Sandboxed

    @property
    def records(self) -> list[Stored]:
        return self.service.listed()

    def __len__(self) -> int:
        return self.service.total()

    def __getattr__(self, name: str) -> NoReturn:
        cannot(f"what `Store.{name}` is for")

    def add(self, record: dict[str, Any], origin: str, age: float = 0.0) -> None:
        if origin != "before":
            cannot(f"a record of origin {origin!r}")
        self.service.remember(record, age)


class Sandboxed:
    """A sandbox that is read and told as ``Service`` is.

    Nothing happens to its records. What ``remember`` puts into the past is pushed to another one,
    whose time is moved by hand, and comes from there in a snapshot.
    """

    def __init__(
        self,
        *,
        faults: Plan = CALM,
        seed: int = 0,
        order: str = "newest",
        state: str = "running",
        max_batch: int | None = None,
        rate: tuple[int, float] | None = None,
        **others: Any,
    ) -> None:
        if others:
            cannot(", ".join(sorted(others)))
        if order != "newest":
            cannot(f"a listing in the order {order!r}")
        if state not in STATES:
            cannot(f"that a campaign which is {state!r} takes pushes")
        self._limits: list[tuple[str, dict[str, Any]]] = []
        if max_batch is not None and max_batch < 1 << 30:
            self._limits.append(("largest_batch", {"limit": max_batch}))
        if rate is not None:
            self._limits.append(("rate_limit", {"limit": rate[0], "seconds": rate[1]}))
        self._lock = threading.RLock()
        # Of each kind of request, those that came before the faults on order now were.
        self._before = dict.fromkeys(KINDS, 0)
        self._sentinels: dict[Kind, int] = {}
        self._pending: list[tuple[float, dict[str, Any]]] = []
        self._remembered: set[str] = set()
        self._table: Table = {}
        orders = foreseen(faults, 0)
        self._options: dict[str, Any] = {
            "seed": seed,
            "api_key": KEY,
            "campaign_id": CAMPAIGN_ID,
            "dispatch_after": NEVER,  # nothing happens to any record
        }
        self._state = state
        self._sandbox = Sandbox(**self._options, campaign_status=state)
        self._is_present = False
        self._plan, self._table, self._foreseen = faults, orders, FORESEEN
        self._order()
        self.arrived = Arrivals(self)
        self.store = Before(self)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        cannot(f"what `Service.{name}` is for")

    # What tests read.

    @property
    def url(self) -> str:
        """Where it listens."""
        self._come_to_the_present()
        return self._sandbox.url

    def campaign(self, **options: Any) -> revrag.Campaign:
        """The campaign, through a client of its own."""
        return campaign_at(self.url, **options)

    def listed(self) -> list[Stored]:
        """All records, in the order in which they came."""
        self._come_to_the_present()
        with self._lifted():
            # A push that its client has given up on may still be applied, and then pages shift.
            ends = time.monotonic() + 20
            while (found := self._read()) is None:
                assert time.monotonic() < ends, "the listing does not come to rest"
        found.reverse()  # the newest is listed first
        for stored in found:
            taken(stored.record)
        return found

    def _read(self) -> list[Stored] | None:
        """The listing; none where it moved meanwhile."""
        found: list[Stored] = []
        page, more = 1, True
        while more:
            answer = self._ask("GET", f"{RECORDS}?page={page}&page_size=200&{MARK}")
            found += map(self._shown, answer["items"])
            page, more = page + 1, answer["has_more"]
        ids = {stored.run_id for stored in found}
        return found if len(ids) == len(found) == self._count() else None

    def _count(self) -> int:
        return self._ask("GET", f"{STATUS}?{MARK}")["stats"]["total_records"]

    def total(self) -> int:
        """How many records there are."""
        with self._lifted():
            return self._count()

    @property
    def applied(self) -> list[Stored]:
        """The records that pushes brought, in the order in which they were applied."""
        return [stored for stored in self.listed() if stored.origin == "push"]

    @property
    def pushes(self) -> list[Sent]:
        """Every push that came, whatever became of it, once it was answered or given up."""
        return [Sent(one) for one in self._logged() if one["path"] == PUSH]

    @property
    def queries(self) -> list[dict[str, str]]:
        """Every query of the listing."""
        targets = [urlsplit(one["path"]) for one in self._logged() if one["method"] == "GET"]
        return [
            {name: values[-1] for name, values in parse_qs(target.query).items()}
            for target in targets
            if target.path == RECORDS
        ]

    @property
    def scans(self) -> int:
        """How often the first page of the listing was read."""
        return sum(query.get("page", "1") == "1" for query in self.queries)

    def seen(self, kind: Kind) -> int:
        """How many requests of a kind have come."""
        with self._lock:
            return self._before[kind] + self._counted(kind)

    # What tests order.

    def remember(self, record: dict[str, Any], age: float = 86400.0) -> Remembered:
        """A record that was there before."""
        with self._lock:
            if self._is_present and age > 0:
                cannot("a record of a past that is over")
            self._pending.append((age, record))
        return Remembered()

    @property
    def faults(self) -> Plan:
        """What goes wrong, request by request."""
        return self._plan

    @faults.setter
    def faults(self, plan: Plan) -> None:
        with self._lock:
            self._lift()
            start = min(self._before.values())
            self._plan, self._table = plan, foreseen(plan, start)
            self._foreseen = start + FORESEEN
            self._order()

    @property
    def state(self) -> str:
        """The campaign's status."""
        return self.campaign().status().status

    @state.setter
    def state(self, status: str) -> None:
        self._state = status
        self._sandbox.set_campaign_status(status)

    def close(self) -> None:
        self._sandbox.stop()

    def __enter__(self) -> Sandboxed:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Faults, from a plan.

    def _order(self) -> None:
        """Order all that is still to come: what counts the requests comes first of its kind."""
        for kind in KINDS:
            self._sentinels[kind] = self._sandbox.fault(kind, "delay", after=1 << 40)
            start = self._before[kind]
            coming = {
                number - start: fault
                for number, fault in self._table[kind].items()
                if number >= start
            }
            struck = 0
            for first, count, fault in stretches(coming):
                how, options = translated(fault)
                # A request that an earlier one has struck is not seen by the later ones.
                options |= {"after": first - struck, "probability": 1.0}
                if start + first + count < self._foreseen:
                    options["times"] = count
                self._sandbox.fault(kind, how, **options)
                struck += count
        for how, options in self._limits:
            self._sandbox.fault("push", how, **options)

    def _counted(self, kind: Kind) -> int:
        number = self._sentinels.get(kind)
        return next((one["seen"] for one in self._sandbox.faults if one["id"] == number), 0)

    def _lift(self) -> None:
        self._before = {kind: self.seen(kind) for kind in KINDS}
        self._sentinels = {}
        self._sandbox.clear_faults()

    @contextmanager
    def _lifted(self) -> Iterator[None]:
        """Requests of this module: nothing goes wrong with them, and nothing counts them."""
        with self._lock:
            self._lift()
            try:
                yield
            finally:
                self._order()

    # Records and requests.

    def _come_to_the_present(self) -> None:
        with self._lock:
            pending, self._pending = sorted(self._pending, key=lambda one: -one[0]), []
            if not self._is_present and pending:
                with self._lifted():
                    self._sandbox.restore(self._past(pending))
                    self._sandbox.set_campaign_status(self._state)
            elif pending:
                with self._lifted():
                    self._push(self._sandbox, [record for _, record in pending])
            self._is_present = True

    def _past(self, pending: list[tuple[float, dict[str, Any]]]) -> bytes:
        now = datetime.now(UTC)
        with Sandbox(**self._options, time="manual", now=now - PAST) as past:
            for age, group in groupby(pending, key=lambda one: one[0]):
                moment = now - timedelta(seconds=age)
                if moment > past.now:
                    past.advance_to(moment)
                self._push(past, [record for _, record in group])
            return past.snapshot()

    def _push(self, to: Sandbox, records: list[dict[str, Any]]) -> None:
        for start in range(0, len(records), 5000):
            body = {"records": records[start : start + 5000]}
            answer = self._ask("POST", f"{PUSH}?{MARK}", body, to)
            if answer["rejected"]:
                cannot("a record of before that it would reject")
            self._remembered |= {one["run_id"] for one in answer["results"]}

    def _ask(self, method: str, path: str, body: object = None, to: Sandbox | None = None) -> Any:
        netloc = urlsplit((to or self._sandbox).url).netloc
        connection = http.client.HTTPConnection(netloc, timeout=20)
        headers = {"X-API-Key": KEY, "Content-Type": "application/json"}
        try:
            connected(connection)
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            read = json.loads(answer.read())
            assert answer.status == 200, read
            return read
        finally:
            connection.close()

    def _shown(self, item: dict[str, Any]) -> Shown:
        names = ("phone_number", "variables", "app_user_id", "app_session_id")
        record = {name: item[name] for name in names if item[name] is not None}
        moment = datetime.fromisoformat(item["created_at"]).timestamp()
        origin = "before" if item["id"] in self._remembered else "push"
        return Shown(item["id"], record, moment, origin, item["status"])

    def _logged(self) -> list[Any]:
        logged = self._sandbox.requests
        if len(logged) >= KEPT:
            pytest.skip(f"the sandbox's log keeps {KEPT} requests, and there were more")
        return [one for one in logged if MARK not in one["path"]]


def campaign_for(to: Service | Sandboxed | revrag.Campaign, source: object) -> revrag.Campaign:
    """The campaign to upload to, if it can do what the source asks of it."""
    if isinstance(to, Sandboxed) and isinstance(source, list):
        for record in source:
            taken(record)
    return to if isinstance(to, revrag.Campaign) else to.campaign()


def connected(connection: http.client.HTTPConnection) -> None:
    """Connect, once the sandbox listens: it does a moment after its faults were cleared."""
    ends = time.monotonic() + 10
    while True:
        try:
            return connection.connect()
        except ConnectionRefusedError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.005)


def hosted(**options: Any) -> Service | Sandboxed:
    """The service of a test: its own, or the sandbox."""
    return Sandboxed(**options) if IS_SANDBOXED else Service(**options)
