"""What the tests' own services do, in the words in which a sandbox is told what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NoReturn, get_args

import pytest

from support.server import Act, Reply, Truncated, encoded, reset, silence
from support.service import Exchange, Fault, Plan, is_numbered
from support.service.faults import Kind

KINDS: tuple[Kind, ...] = get_args(Kind)
# Requests of a kind that a plan is asked about in advance.
FORESEEN = 400

# Above 599 there is no status, 1xx is no answer, and these have no body.
BODILESS = (204, 304)

# The faults of each kind of request, by its number.
Table = dict[Kind, dict[int, Fault]]


def cannot(what: str) -> NoReturn:
    """Skip the test: the sandbox can't order it."""
    pytest.skip(f"the sandbox can't order {what}")


def foreseen(plan: Plan, start: int) -> Table:
    """What a plan has in store for the requests from one number on."""
    if not is_numbered(plan):
        cannot("a plan that looks at more than the numbers of requests")
    table: Table = {}
    for kind in KINDS:
        numbers = range(start, start + FORESEEN)
        told = ((number, plan(Exchange(kind, number, []))) for number in numbers)
        table[kind] = {number: fault for number, fault in told if fault is not None}
        for fault in table[kind].values():
            translated(fault)
    return table


def translated(fault: Fault) -> tuple[str, dict[str, Any]]:
    """A fault in the sandbox's words: its kind and options."""
    match fault.act:
        case "answer":
            try:
                body = fault.body.decode()
            except UnicodeDecodeError:
                cannot("an answer that is no text")
            if fault.status == 200 and not fault.headers:
                return "malformed", {"body": body, "applied": fault.applied}
            headers = {"content-type": "application/json"} | dict(fault.headers)
            options = {"status": fault.status, "body": body, "headers": headers}
            return "status", options | {"applied": fault.applied}
        case "reset":
            return "dropped", {"applied": fault.applied}
        case "hold":
            return "silent", {"applied": fault.applied}
        case "truncate":
            return "truncated", {}
        case "late":
            cannot("that a push is applied after the client has given up on it by itself")
        case "delay" | "refuse":
            how = {"delay": "delay", "refuse": "refused"}[fault.act]
            return how, {"seconds": fault.seconds}
        case act:
            cannot(f"a fault of kind {act!r}")


def ordered(act: Act) -> tuple[str, dict[str, Any]]:
    """An act in the sandbox's words: the fault's kind and options."""
    match act:
        case Reply(status, body, headers, content_type):
            if not 200 <= status <= 599 or status in BODILESS or not content_type:
                cannot(f"an answer {status} of the content type {content_type!r}")
            try:
                text = encoded(body).decode()
            except UnicodeDecodeError:
                cannot("an answer that is no text")
            told = {"content-type": content_type} | headers
            return "status", {"status": status, "body": text, "headers": told}
        case Truncated():
            return "truncated", {}
        case _ if act is reset:
            return "dropped", {}
        case _ if act is silence:
            return "silent", {"applied": 0.0}
    cannot("what a script does by itself")


def stretches(faults: dict[int, Fault]) -> Iterator[tuple[int, int, Fault]]:
    """Where the same fault strikes one request after the other: the first, how many, and it."""
    numbers = sorted(faults)
    for _, group in groupby(enumerate(numbers), lambda one: (one[1] - one[0], faults[one[1]])):
        run = [number for _, number in group]
        yield run[0], len(run), faults[run[0]]


def taken(record: Any) -> None:
    """Skip the test where the tests' own service rejects what the sandbox takes."""
    if not isinstance(record, dict):
        return
    # A column of a flat table is a variable, too.
    variables = record.get("variables")
    told = [record, variables] if isinstance(variables, dict) else [record]
    if any(one.get("service") in ("rejects", "names") for one in told):
        cannot("the rejection of a record for what its variables say")
