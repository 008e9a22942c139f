"""The server: one event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, urlsplit

import revrag

from support import CAMPAIGN_ID, campaign_at

from . import wire
from .faults import Exchange, Fault, Plan
from .limits import Limits
from .listing import Listing
from .shows import Show, as_it_is
from .store import Order, Store, Stored, complaint, rejection, unprocessable

BASE = f"/v1/campaigns/{CAMPAIGN_ID}"
Watch = Callable[[Exchange, str], None]


@dataclass
class Push:
    """A push as it arrived."""

    records: list[dict[str, Any]]
    size: int
    arrived: float
    # The status with which a limit of the service refused it, if one did.
    refused: int | None = None


class Service:
    """A campaign that takes uploads, on a loopback port.

    Args:
        faults: What goes wrong, request by request.
        order: How ``GET /records`` lists: ``oldest`` or ``newest`` first, ``shuffled`` anew for
            every page, or ``restless``: what was touched last comes first, and something always is.
        seed: Of all that is drawn at random.
        state: The campaign's status.
        max_body: Bytes above which a push is answered 413.
        max_batch: Records above which a push is answered 413.
        date: Whether answers have a ``Date``.
        skew: Seconds by which the service's clock is ahead.
        writers: Records that others push while the listing is read, one a page.
        calm_after: Pages after which a restless listing is at rest.
        nameless: Whether a 422 leaves open which record it is about.
        finished: The share of pushed records whose call is over as soon as they are applied.
        shows: What the listing makes of each record; None leaves it out.
        lag: Seconds until the listing knows of a pushed record.
        blind: Looks at the listing, after the first push, to which it is empty.
        repeats: Whether every page is the first one, and there is always another.
        total: What the listing says of how many records there are; None leaves it out.
        counts: What ``/status`` says of how many records there are.
        date_skew: Seconds by which the ``Date`` is ahead of the service's clock.
        rate: Pushes that are taken within so many seconds; there is a 429 beyond.
        busy_above: Pushes in flight above which there is a 429.
        watch: Told of each request when it has ``arrived``, and before it is ``answered``.
    """

    def __init__(
        self,
        *,
        faults: Plan = lambda _: None,
        order: Order = "oldest",
        seed: int = 0,
        state: str = "running",
        max_body: int = 1 << 30,
        max_batch: int = 1 << 30,
        date: bool = True,
        skew: float = 0.0,
        writers: int = 0,
        calm_after: int = 1 << 30,
        nameless: bool = False,
        finished: float = 0.0,
        shows: Show = as_it_is,
        lag: float = 0.0,
        blind: int = 0,
        repeats: bool = False,
        total: Callable[[int], int | None] = lambda count: count,
        counts: Callable[[int], int] = lambda count: count,
        date_skew: float = 0.0,
        rate: tuple[int, float] | None = None,
        busy_above: int = 1 << 30,
        watch: Watch = lambda _exchange, _phase: None,
    ) -> None:
        self.faults = faults
        self.state = state
        self.limits = Limits(max_body, max_batch, rate, busy_above)
        self.counts = counts
        self.date = date
        self.date_skew = date_skew
        self.skew = skew
        self.nameless = nameless
        self.watch = watch
        self.store = Store(order, random.Random(seed), self.now, writers, calm_after, finished)
        self.listing = Listing(self.store, shows, lag, blind, repeats, total)
        # Every push that came, whatever became of it, and every query of the listing.
        self.pushes: list[Push] = []
        self.queries: list[dict[str, str]] = []
        self.in_flight = 0
        self.most_in_flight = 0
        # One permit for each push that arrived.
        self.arrived = threading.Semaphore(0)
        self._counts = {"push": 0, "records": 0, "status": 0}
        self._gate = asyncio.Event()
        self._idle: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        # Never listened on: it keeps the port while connections are refused.
        self._port_holder = wire.bound(0)
        self.port = self._port_holder.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._loop = asyncio.new_event_loop()
        self._listen()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    # What tests read.

    @property
    def applied(self) -> list[Stored]:
        """The records that pushes brought, in the order in which they were applied."""
        return [stored for stored in self.store.records if stored.origin == "push"]

    @property
    def scans(self) -> int:
        """How often the first page of the listing was read."""
        return sum(query.get("page", "1") == "1" for query in self.queries)

    def campaign(self, **options: Any) -> revrag.Campaign:
        """The campaign, through a client of its own."""
        return campaign_at(self.url, **options)

    def now(self) -> float:
        """The service's clock."""
        return time.time() + self.skew

    def remember(self, record: dict[str, Any], age: float = 86400.0) -> Stored:
        """A record that was there before."""
        return self.store.add(record, "before", age)

    def odd(self, **fields: Any) -> None:
        """A record of somebody else, from yesterday, that is not as the reference has it."""
        stored = self.remember({"phone_number": "+919700000000", "variables": {}})
        stored.raw = json.dumps(json.loads(stored.json()) | fields)

    def open_gate(self) -> None:
        """Answer what waits at the gate."""
        self._loop.call_soon_threadsafe(self._gate.set)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._port_holder.close()

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # The server.

    def _listen(self) -> None:
        self._listener = wire.bound(self.port)
        self._listener.setblocking(False)
        self._listener.listen(128)
        self._loop.add_reader(self._listener, self._accept)

    def _stop_listening(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener)
            self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            task = self._loop.create_task(self._serve(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _stop(self) -> None:
        self._stop_listening()
        # Each of them has its connection in hand after one round of the loop.
        await asyncio.sleep(0)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # One of them may just have come back.
        self._stop_listening()

    async def _leave(self) -> None:
        """Take no connection any more, and close those that wait for a request."""
        self._stop_listening()
        for writer in self._idle:
            writer.transport.abort()
        # So that a client knows of it before it has its next answer.
        await asyncio.sleep(0.05)

    async def _come_back(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if self._listener.fileno() < 0:  # unless another fault has done so meanwhile
            self._listen()

    async def _serve(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await self._loop.connect_accepted_socket(lambda: protocol, connection)
        writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
        try:
            while True:
                self._idle.add(writer)
                request = await wire.request(reader)
                self._idle.discard(writer)
                if request is None or not await self._answer(*request, reader, writer):
                    break
            writer.close()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            transport.abort()  # the client is gone, or the service is closing
        self._idle.discard(writer)
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def _answer(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Answer one request; whether the connection goes on."""
        url = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        is_push = (method, url.path) == ("POST", f"{BASE}/records/push-bulk")
        if not headers.get("x-api-key"):
            await self._send(writer, 401, wire.detail("Missing X-API-Key."))
        elif is_push:
            return await self._push(body, reader, writer)
        elif (method, url.path) == ("GET", f"{BASE}/status"):
            exchange = self._exchange("status", [])
            return await self._respond(exchange, self._status(), reader, writer)
        elif (method, url.path) == ("GET", f"{BASE}/records"):
            self.queries.append(query)
            number, size = int(query.get("page", 1)), int(query.get("page_size", 50))
            exchange = self._exchange("records", [], number)
            if number < 1 or not 1 <= size <= 200:
                await self._send(writer, 422, wire.detail("There is no such page."))
            else:
                page = self.listing.page(number, size, query.get("status"))
                return await self._respond(exchange, page, reader, writer)
        else:
            await self._send(writer, 404, wire.detail("Campaign not found."))
        return True

    async def _push(
        self, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        try:
            records = [*json.loads(body)["records"]]
        except (ValueError, TypeError, KeyError):
            await self._send(writer, 422, wire.detail("The body is no JSON with records."))
            return True
        push = Push(records, len(body), time.monotonic())
        self.pushes.append(push)
        self.listing.is_awake = True
        exchange = self._exchange("push", records)
        if refusal := self.limits.refuse(push.size, len(records), self.in_flight):
            push.refused = refusal.status
            await self._send(writer, refusal.status, wire.detail(refusal.detail), refusal.headers)
            return True
        located = [(index, unprocessable(record)) for index, record in enumerate(records)]
        if wrong := [(index, loc) for index, loc in located if loc is not None]:
            await self._send(writer, 422, wire.detail(complaint(wrong, self.nameless)))
            return True
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.arrived.release()
        try:
            return await self._respond(exchange, None, reader, writer)
        finally:
            self.in_flight -= 1

    def _exchange(self, kind: Any, records: list[dict[str, Any]], page: int = 0) -> Exchange:
        exchange = Exchange(kind, self._counts[kind], records, page)
        self._counts[kind] += 1
        self.watch(exchange, "arrived")
        return exchange

    async def _respond(
        self,
        exchange: Exchange,
        good: str | None,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Answer a request that could be answered well, or as the plan has it."""
        fault = self.faults(exchange)
        if fault is not None and fault.act == "late":
            await reader.read()
            await asyncio.sleep(fault.seconds)
            self._apply(exchange.records)
            return False
        if wire.hung_up(writer):
            return False
        share = 1.0 if fault is None else fault.applied
        applied = self._apply(exchange.records[: round(share * len(exchange.records))])
        if good is None:
            good = wire.pushed(exchange.records, applied)
        self.watch(exchange, "answered")
        return await self._act(fault, good.encode(), reader, writer)

    async def _act(
        self,
        fault: Fault | None,
        good: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        match fault.act if fault else None:
            case "answer":
                assert fault is not None
                await self._send(writer, fault.status, fault.body, fault.headers)
            case "reset":
                wire.reset(writer)
                return False
            case "hold":
                await reader.read()
                return False
            case "truncate":
                whole = self._whole(200, good)
                writer.write(whole[: len(whole) - len(good) // 2 - 1])
                await writer.drain()
                return False
            case "refuse":
                assert fault is not None
                await self._leave()
                await self._send(writer, 200, good, (("connection", "close"),))
                await self._come_back(fault.seconds)
                return False
            case "delay":
                assert fault is not None
                await asyncio.sleep(fault.seconds)
                await self._send(writer, 200, good)
            case "tell":
                assert fault is not None and fault.change is not None  # noqa: PT018
                body = fault.change(json.loads(good))
                await self._send(writer, 200, json.dumps(body).encode())
            case "gate":
                await self._gate.wait()
                await self._send(writer, 200, good)
            case _:
                await self._send(writer, 200, good)
        return True

    def _apply(self, records: list[dict[str, Any]]) -> list[Stored | str]:
        """The stored record, or the reason against it, for each."""
        return [rejection(record) or self.store.add(record) for record in records]

    def _status(self) -> str:
        stats = dict.fromkeys(("queued", "in_progress", "completed", "failed", "dnc"), 0)
        stats |= dict.fromkeys(("rescheduled", "retry_pending", "follow_up_pending"), 0)
        for stored in self.store.records:
            stats[stored.status] += 1
        stats["total_records"] = self.counts(len(self.store))
        return json.dumps({"campaign_id": CAMPAIGN_ID, "status": self.state, "stats": stats})

    async def _send(
        self,
        writer: asyncio.StreamWriter,
        status: int,
        body: bytes,
        headers: wire.Headers = (),
    ) -> None:
        writer.write(self._whole(status, body, headers))
        await writer.drain()

    def _whole(self, status: int, body: bytes, headers: wire.Headers = ()) -> bytes:
        date = (
            (("date", formatdate(self.now() + self.date_skew, usegmt=True)),) if self.date else ()
        )
        return wire.answer(status, body, (*headers, *date))
