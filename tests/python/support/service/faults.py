"""What may go wrong with a request, and plans of what goes wrong when."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["push", "records", "status"]


@dataclass(frozen=True)
class Exchange:
    """A request, as a plan sees it."""

    kind: Kind
    # How many of its kind came before it.
    number: int
    records: list[dict[str, Any]]
    # Of the listing, where it is one.
    page: int = 0


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong."""

    act: Literal["answer", "reset", "hold", "late", "refuse", "truncate", "gate", "delay", "tell"]
    # The share of the push that is applied all the same.
    applied: float = 0.0
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    seconds: float = 0.0
    change: Callable[[dict[str, Any]], object] | None = None


Plan = Callable[[Exchange], Fault | None]


def answer(code: int, body: bytes, *, applied: float = 0.0, **headers: str) -> Fault:
    """Answer with these bytes."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Fault("answer", applied, code, named, body)


def status(code: int, *, applied: float = 0.0, detail: object = None, **headers: str) -> Fault:
    """Answer with a status and a ``detail``."""
    body = json.dumps({"detail": detail or f"It is {code} today."}).encode()
    return answer(code, body, applied=applied, **headers)


def garbage(body: bytes = b"<html>Bad gateway</html>", *, applied: float = 1.0) -> Fault:
    """Answer 200 with a body that is not what the reference documents."""
    return Fault("answer", applied, 200, (), body)


def reset(*, applied: float = 0.0) -> Fault:
    """Break the connection with a RST."""
    return Fault("reset", applied)


def hold(*, applied: float = 1.0) -> Fault:
    """Say nothing until the client hangs up."""
    return Fault("hold", applied)


def late(seconds: float = 0.0) -> Fault:
    """Apply the push once the client has hung up, or some seconds after."""
    return Fault("late", seconds=seconds)


def truncate() -> Fault:
    """Apply the push, and hang up in the middle of the answer."""
    return Fault("truncate", 1.0)


def refuse(seconds: float) -> Fault:
    """Answer as always, close all idle connections, and refuse new ones for a while."""
    return Fault("refuse", 1.0, seconds=seconds)


def gate() -> Fault:
    """Apply the push, and answer when the service's gate is open."""
    return Fault("gate", 1.0)


def delay(seconds: float) -> Fault:
    """Answer as always, but so much later."""
    return Fault("delay", 1.0, seconds=seconds)


def tell(change: Callable[[dict[str, Any]], object]) -> Fault:
    """Apply the push, and answer with what ``change`` makes of the right answer."""
    return Fault("tell", 1.0, change=change)


class Numbered:
    """A plan that goes by what a request is for and how many came before it, and by nothing else.

    So what it has in store can be told in advance.
    """

    def __call__(self, exchange: Exchange) -> Fault | None:
        raise NotImplementedError


@dataclass(frozen=True)
class Stretch(Numbered):
    """One fault for the requests of a kind from one number on, up to another."""

    fault: Fault
    kind: Kind
    start: int = 0
    end: float = math.inf
    # One in so many, the last of them.
    nth: int = 1

    def __call__(self, exchange: Exchange) -> Fault | None:
        number = exchange.number
        is_struck = self.start <= number < self.end and number % self.nth == self.nth - 1
        return self.fault if exchange.kind == self.kind and is_struck else None


@dataclass(frozen=True)
class Chosen(Numbered):
    """A fault for each of these requests of a kind."""

    faults: dict[int, Fault]
    kind: Kind

    def __call__(self, exchange: Exchange) -> Fault | None:
        return self.faults.get(exchange.number) if exchange.kind == self.kind else None


@dataclass(frozen=True)
class Each:
    """The first fault that one of these plans has for a request."""

    plans: tuple[Plan, ...]

    def __call__(self, exchange: Exchange) -> Fault | None:
        return next((fault for plan in self.plans if (fault := plan(exchange))), None)


def is_numbered(plan: Plan) -> bool:
    """Whether a plan goes by the numbers of requests alone."""
    if isinstance(plan, Each):
        return all(map(is_numbered, plan.plans))
    return isinstance(plan, Numbered)


def always(fault: Fault, kind: Kind = "push") -> Plan:
    """The same fault for every request of a kind."""
    return Stretch(fault, kind)


def first(count: int, fault: Fault, kind: Kind = "push") -> Plan:
    """A fault for the first requests of a kind."""
    return Stretch(fault, kind, end=count)


def every(nth: int, fault: Fault, kind: Kind = "push") -> Plan:
    """A fault for every nth request of a kind."""
    return Stretch(fault, kind, nth=nth)


def at(faults: dict[int, Fault], kind: Kind = "push") -> Plan:
    """A fault for each of these requests of a kind, counted from 0."""
    return Chosen(faults, kind)


def dies(after: int, fault: Fault) -> Plan:
    """A service that fails for good after so many pushes."""
    return Stretch(fault, "push", start=after)


def each(*plans: Plan) -> Plan:
    """The first fault that one of these plans has for a request; none at all for no plan."""
    return Each(plans)


def poison(row: int, fault: Fault) -> Plan:
    """A fault for every push that holds one row, alone or among others."""

    def plan(exchange: Exchange) -> Fault | None:
        held = any(record["variables"].get("row") == row for record in exchange.records)
        return fault if exchange.kind == "push" and held else None

    return plan


SHORT = b'{"accepted": 0, "rejected": 0, "results": []}'


class Drawn(Numbered):
    """Faults drawn at random."""

    def __init__(self, seed: int, pushes: float, reads: float) -> None:
        self.rng = random.Random(seed)
        self.pushes = pushes
        self.reads = reads

    def __call__(self, exchange: Exchange) -> Fault | None:
        if exchange.kind == "push":
            return self._push_fault() if self.rng.random() < self.pushes else None
        return self._read_fault() if self.rng.random() < self.reads else None

    def _push_fault(self) -> Fault:
        rng = self.rng
        share = rng.choice((0.0, rng.random(), 1.0))
        return rng.choice(
            (
                lambda: reset(applied=0.0),
                lambda: reset(applied=share),
                lambda: status(rng.choice((408, 500, 502, 503, 504)), applied=share),
                lambda: status(rng.choice((500, 502, 503, 504)), applied=1.0),
                lambda: status(429),
                lambda: status(429, retry_after="0"),
                lambda: hold(applied=share),
                truncate,
                garbage,
                lambda: garbage(SHORT),
                lambda: refuse(0.02),
            )
        )()

    def _read_fault(self) -> Fault:
        rng = self.rng
        return rng.choice(
            (
                reset,
                lambda: status(rng.choice((408, 500, 502, 503, 504))),
                lambda: status(429, retry_after="0"),
                lambda: garbage(applied=0.0),
                truncate,
            )
        )()


def drawn(seed: int, *, pushes: float = 0.35, reads: float = 0.08) -> Plan:
    """Faults drawn at random, for these shares of the pushes and of the reads."""
    return Drawn(seed, pushes, reads)
