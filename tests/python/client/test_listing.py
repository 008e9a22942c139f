"""A listing ends, or its reading does, with a reason."""

from __future__ import annotations

import asyncio
import itertools
import random
import socket
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import revrag
from support import RECORD, campaign_at
from support.both import Invoke
from support.server import Act, Request, Serve, answer

PAGE_SIZE = 50
Listing = Callable[[int], dict[str, Any]]


def act(listing: Listing) -> Act:
    def serve(connection: socket.socket, request: Request) -> None:
        asked = parse_qs(urlsplit(request.target).query)
        connection.sendall(answer(200, listing(int(asked["page"][0]))))

    return serve


def records(ids: list[int], **more: Any) -> list[dict[str, Any]]:
    return [RECORD | {"id": str(uuid.UUID(int=i))} | more for i in ids]


def page(items: list[dict[str, Any]], total: int | None, number: int) -> dict[str, Any]:
    told = {"items": items, "has_more": True, "page": number, "page_size": PAGE_SIZE}
    return told if total is None else told | {"total": total}


def read(campaign: revrag.Campaign, form: str) -> int:
    pager = campaign.records(page_size=PAGE_SIZE)

    async def every() -> int:
        return len([record async for record in pager])

    return len(list(pager)) if form == "for" else asyncio.run(every())


def whatever(number: int) -> dict[str, Any]:
    draw = random.Random(number)
    return page(records([draw.randrange(500) for _ in range(PAGE_SIZE)]), 500, number)


# Without an end, and what is said then.
ENDLESS: dict[str, tuple[Listing, str]] = {
    "one page that changes": (
        lambda number: page(records(list(range(50)), attempt_count=number), 100, number),
        "the same pages again and again",
    ),
    "one page, and no total": (
        lambda number: page(records(list(range(50)), attempt_count=number), None, number),
        "the same pages again and again",
    ),
    "a ring of pages": (
        lambda number: page(records(list(range(number % 3, 60))), None, number),
        "the same pages again and again",
    ),
    "any records at all": (whatever, "does not end: it has 500 records in all"),
}


@pytest.mark.parametrize("form", ["for", "async for"])
@pytest.mark.parametrize("kind", ENDLESS)
def test_a_listing_without_an_end(serve: Serve, kind: str, form: str) -> None:
    listing, said = ENDLESS[kind]
    server = serve(act(listing))
    with pytest.raises(revrag.InvalidResponseError, match=said):
        read(campaign_at(server.url), form)
    assert len(server.requests) <= 2 * 500 // PAGE_SIZE + 1000 // PAGE_SIZE + 1


@pytest.mark.parametrize("form", ["for", "async for"])
def test_a_listing_without_a_total_or_an_order_or_an_end(serve: Serve, form: str) -> None:
    def listing(number: int) -> dict[str, Any]:
        some = random.Random(number).sample(range(100), PAGE_SIZE)
        return page(records(some), None, number)

    server = serve(act(listing))
    with pytest.raises(revrag.InvalidResponseError, match="the same records again and again"):
        read(campaign_at(server.url), form)
    assert len(server.requests) < 200


@pytest.mark.parametrize("form", ["for", "async for"])
def test_a_listing_that_grows_while_it_is_read(serve: Serve, form: str) -> None:
    """A page comes in at its front for every one that is read, which shows most of them anew."""
    counter = itertools.count(1)
    everything = list(range(1000))

    def listing(number: int) -> dict[str, Any]:
        grown = PAGE_SIZE // 2 * next(counter)
        here = [*range(1000, 1000 + grown), *everything]
        start = (number - 1) * PAGE_SIZE
        shown = page(records(here[start : start + PAGE_SIZE]), len(here), number)
        return shown | {"has_more": start + PAGE_SIZE < len(here)}

    server = serve(act(listing))
    assert read(campaign_at(server.url), form) >= 1000
    assert len(server.requests) > 1000 // PAGE_SIZE


def ids(campaign: revrag.Campaign, form: str) -> list[int]:
    pager = campaign.records(page_size=PAGE_SIZE)

    async def every() -> list[revrag.Record]:
        return [record async for record in pager]

    read = list(pager) if form == "for" else asyncio.run(every())
    return [uuid.UUID(record.id).int for record in read]


def shifting(shift: Callable[[list[int], int], None], of: int = 1000) -> Listing:
    """A listing in which something happens before each answer."""
    here, lock, counter = list(range(of)), threading.Lock(), itertools.count()

    def listing(number: int) -> dict[str, Any]:
        with lock:
            shift(here, next(counter))
            start = (number - 1) * PAGE_SIZE
            shown = page(records(here[start : start + PAGE_SIZE]), len(here), number)
            return shown | {"has_more": start + PAGE_SIZE < len(here)}

    return listing


def first_goes(here: list[int], _: int) -> None:
    here.pop(0)


def some_go(here: list[int], turn: int) -> None:
    del here[turn * 7 % 300 : turn * 7 % 300 + 3]


def one_moves_to_the_front(here: list[int], turn: int) -> None:
    if turn < 30:
        here.insert(0, here.pop(turn * 37 % len(here)))


def one_moves_to_the_end(here: list[int], turn: int) -> None:
    if turn < 30:
        here.append(here.pop(turn * 37 % len(here)))


def one_comes_and_one_goes(here: list[int], turn: int) -> None:
    here.insert(0, 10_000 + turn)
    del here[turn * 29 % 500 + 1]
    if turn % 2:
        here.pop(1)


SHIFTS = [first_goes, some_go, one_moves_to_the_front, one_moves_to_the_end, one_comes_and_one_goes]


@pytest.mark.parametrize("form", ["for", "async for"])
@pytest.mark.parametrize("shift", SHIFTS, ids=lambda shift: shift.__name__)
def test_a_listing_that_shifts(
    serve: Serve, shift: Callable[[list[int], int], None], form: str
) -> None:
    """What was there all the time is read, and nothing is read twice."""
    still: list[int] = []

    def watched(here: list[int], turn: int) -> None:
        shift(here, turn)
        still[:] = here

    found = ids(campaign_at(serve(act(shifting(watched))).url), form)
    assert len(found) == len(set(found))
    assert set(range(1000)) & set(still) <= set(found)


def test_pages_are_fetched_ahead(serve: Serve) -> None:
    """The next pages come while the caller works on this one, and no more than a few."""
    server = serve(act(shifting(lambda *_: None)))
    pages = iter(campaign_at(server.url).records(page_size=PAGE_SIZE))
    for _ in range(5 * PAGE_SIZE):
        next(pages)
    deadline = time.monotonic() + 10
    while len(server.requests) < 8:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert len(list(pages)) == 1000 - 5 * PAGE_SIZE
    assert len(server.requests) == 1000 // PAGE_SIZE
    glance = serve(act(shifting(lambda *_: None)))
    next(iter(campaign_at(glance.url).records(page_size=PAGE_SIZE)))
    assert len(glance.requests) <= 2


def test_waiting_for_many_ends_too(invoke: Invoke, serve: Serve) -> None:
    """What the listing does not show is asked for by itself."""
    done = {"status": "completed"}
    wanted = [str(uuid.UUID(int=i)) for i in (9001, 9002)]

    def serve_all(connection: socket.socket, request: Request) -> None:
        path = urlsplit(request.target).path
        if path.endswith("/records"):
            number = int(parse_qs(urlsplit(request.target).query)["page"][0])
            told = page(records(list(range(number, number + 50))), 100, number)
        else:
            told = RECORD | done | {"id": path.rpartition("/")[2]}
        connection.sendall(answer(200, told))

    server = serve(serve_all)
    found = invoke(campaign_at(server.url), "wait_all", wanted)
    assert [record.id for record in found] == wanted
    assert len(server.requests) < 20
