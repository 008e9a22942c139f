"""Reading a campaign of 100,000 records, against the fastest peers in the same run.

Usage: ``python benches/reading.py [RECORDS] [ROUNDS]``
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp
import httpx
import orjson
import polars as pl
import primp
import revrag
import urllib3
from timing import report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
CAMPAIGN_ID = "11111111-1111-1111-1111-111111111111"
PAGE_SIZE = 200


def page(number: int, count: int) -> bytes:
    """A page as the service writes it."""
    rows = range((number - 1) * PAGE_SIZE, min(number * PAGE_SIZE, count))
    moment = "2026-05-27T03:05:12.000000+00:00"
    items = [
        {
            "id": str(uuid.UUID(int=row)),
            "campaign_id": CAMPAIGN_ID,
            "workspace_id": "22222222-2222-2222-2222-222222222222",
            "phone_number": f"+9198{row % 10**8:08}",
            "status": "completed",
            "variables": {"first_name": "Pankaj", "company": "Acme Inc.", "visits": row % 31},
            "app_user_id": f"user_{row}",
            "app_session_id": None,
            "attempt_count": 1,
            "max_attempts": 3,
            "call_history": [{"call_id": str(uuid.UUID(int=row)), "status": "completed"}],
            "next_attempt_at": None,
            "dnc_at": None,
            "dnc_reason": None,
            "created_at": moment,
            "updated_at": moment,
        }
        for row in rows
    ]
    more = number * PAGE_SIZE < count
    told = {"items": items, "total": count, "has_more": more, "page": number}
    return json.dumps(told | {"page_size": PAGE_SIZE}).encode()


@contextlib.contextmanager
def service(count: int) -> Iterator[tuple[str, str]]:
    """The service under way: its URL, and the file of the pages that it has at hand."""
    program = ROOT / "target" / "page_server"
    if not program.exists():
        source = ROOT / "benches" / "page_server.rs"
        subprocess.run(["rustc", "--edition", "2024", "-O", "-o", program, source], check=True)
    with tempfile.NamedTemporaryFile() as pages:
        pages.writelines(
            page(number, count) + b"\n" for number in range(1, -(-count // PAGE_SIZE) + 1)
        )
        pages.flush()
        process = subprocess.Popen(
            [program, pages.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}", pages.name
        finally:
            process.stdin.close()
            process.stdout.close()
            process.wait(10)


def turns(contenders: dict[str, Callable[[], int]], count: int, rounds: int) -> dict[str, Spent]:
    """What each contender spends, the medians of rounds in which they take turns."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, read in contenders.items():
            started, at_work = time.perf_counter(), time.process_time()
            assert read() == count, name
            now = time.perf_counter(), time.process_time()
            spent[name].append((now[0] - started, now[1] - at_work))
    medians = {
        name: Spent(*map(statistics.median, zip(*times, strict=True)))
        for name, times in spent.items()
    }
    for name, (wall, cpu) in medians.items():
        print(
            f"  {name}: {count / wall:,.0f} a second, {cpu / count * 1e6:.2f} us of processor each"
        )
    return medians


class Spent(NamedTuple):
    """Seconds on the clock, and of processors."""

    wall: float
    cpu: float


def compare(title: str, ours: Spent, peers: list[Spent], bound: float) -> None:
    """The ratio to the fastest peer."""
    report(title, ours.wall / min(peer.wall for peer in peers), bound)
    print(f"  of processor time: {ours.cpu / min(peer.cpu for peer in peers):.2f}")


def main() -> None:
    """Measure and print."""
    numbers = [int(argument) for argument in sys.argv[1:]]
    count, rounds = numbers + [100_000, 5][len(numbers) :]
    with service(count) as (url, pages):
        parsing(pages, rounds)
        records(url, count, rounds)
        frames(url, count, rounds)


def parsing(pages: str, rounds: int) -> None:
    """Pages that are in memory, by the crate itself: what Python makes of them comes later."""
    build = ["cargo", "build", "--quiet", "--release", "-p", "revrag"]
    build += ["--example", "page_parsing", "--message-format=json"]
    told = subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    program = [
        one["executable"] for one in map(json.loads, told.splitlines()) if one.get("executable")
    ][-1]
    texts = Path(pages).read_bytes().splitlines()
    taken: list[tuple[float, float]] = []
    for _ in range(rounds):
        ran = subprocess.run([program, pages, "1"], check=True, stdout=subprocess.PIPE)
        started = time.perf_counter()
        for text in texts:
            orjson.loads(text)
        taken.append((float(ran.stdout), time.perf_counter() - started))
    ours, peer = map(statistics.median, zip(*taken, strict=True))
    report("a page / orjson.loads", ours / peer, 1)


def peers_of() -> dict[str, Callable[[str], bytes]]:
    """How each blocking peer gets a page."""
    pool, client = urllib3.PoolManager(), primp.Client()
    return {
        "urllib3": lambda target: pool.request("GET", target).data,
        "primp": lambda target: client.get(target).content,
    }


def path_of(url: str) -> str:
    """Where the pages are, but for their number."""
    return f"{url}/v1/campaigns/{CAMPAIGN_ID}/records?page_size={PAGE_SIZE}&page="


def every_page(
    url: str, get: Callable[[str], bytes], loads: Callable[[bytes], Any]
) -> Iterator[Any]:
    """Each page, as a peer would ask for it."""
    number, more = 0, True
    while more:
        number += 1
        told = loads(get(f"{path_of(url)}{number}"))
        yield told["items"]
        more = told["has_more"]


def touch(items: list[Any]) -> int:
    """What a program does with the least of each record."""
    return sum(1 for item in items if item["id"] and item["status"])


def records(url: str, count: int, rounds: int) -> None:
    """Each record's id and status, one after the other."""
    campaign = revrag.Client("key", base_url=url).campaign(CAMPAIGN_ID)

    def peer(get: Callable[[str], bytes]) -> Callable[[], int]:
        return lambda: sum(map(touch, every_page(url, get, orjson.loads)))

    async def of_aiohttp() -> int:
        number, found, more = 0, 0, True
        async with aiohttp.ClientSession() as session:
            while more:
                number += 1
                async with session.get(f"{path_of(url)}{number}") as answer:
                    told = orjson.loads(await answer.read())
                found += touch(told["items"])
                more = told["has_more"]
        return found

    async def of_revrag() -> int:
        found = 0
        async for record in campaign.records():
            found += bool(record.id and record.status)
        return found

    spent = turns(
        {
            "revrag": lambda: sum(1 for one in campaign.records() if one.id and one.status),
            "revrag, asyncio": lambda: asyncio.run(of_revrag()),
            "aiohttp": lambda: asyncio.run(of_aiohttp()),
            **{name: peer(get) for name, get in peers_of().items()},
        },
        count,
        rounds,
    )
    peers = [spent[name] for name in ("aiohttp", "urllib3", "primp")]
    compare("records / the fastest peer, blocking", spent["revrag"], peers, 1 / 1.5)
    compare("records / the fastest peer, asyncio", spent["revrag, asyncio"], peers, 1 / 1.5)


@dataclasses.dataclass(slots=True)
class Row:
    """A record as many a program has it."""

    id: str
    campaign_id: str
    workspace_id: str
    phone_number: str
    status: str
    variables: dict[str, Any]
    app_user_id: str | None
    app_session_id: str | None
    attempt_count: int
    max_attempts: int
    call_history: list[dict[str, str]]
    next_attempt_at: datetime | None
    dnc_at: datetime | None
    dnc_reason: str | None
    created_at: datetime
    updated_at: datetime


def row(item: dict[str, Any]) -> Row:
    """A record with its moments as such."""
    for name in MOMENTS:
        if item[name] is not None:
            item[name] = datetime.fromisoformat(item[name])
    return Row(**item | {"variables": json.dumps(item["variables"])})


MOMENTS = ["next_attempt_at", "dnc_at", "created_at", "updated_at"]


def frames(url: str, count: int, rounds: int) -> None:
    """All records as a polars frame with the same columns of the same types."""
    campaign = revrag.Client("key", base_url=url).campaign(CAMPAIGN_ID)
    ours = pl.DataFrame(campaign.records())
    as_texts = dict(ours.schema) | dict.fromkeys(MOMENTS, pl.String)
    variables = {"first_name": pl.String, "company": pl.String, "visits": pl.Int64}
    item = pl.Struct(as_texts | {"variables": pl.Struct(variables)})
    moments = pl.col(MOMENTS).str.to_datetime("%Y-%m-%dT%H:%M:%S%.6f%:z", time_zone="UTC")
    session = httpx.Client()

    def of_rows(get: Callable[[str], bytes]) -> pl.DataFrame:
        rows: list[Any] = []
        for items in every_page(url, get, orjson.loads):
            rows.extend(items)
        for one in rows:
            one["variables"] = orjson.dumps(one["variables"]).decode()
        return pl.DataFrame(rows, schema=as_texts).with_columns(moments)

    def of_columns(get: Callable[[str], bytes]) -> pl.DataFrame:
        # As fast as may be: whoever writes this knows each variable's name and type beforehand.
        pages = [
            pl.read_json(
                io.BytesIO(get(f"{path_of(url)}{number}")), schema={"items": pl.List(item)}
            )
            for number in range(1, -(-count // PAGE_SIZE) + 1)
        ]
        table = pl.concat(pages).explode("items").unnest("items")
        return table.with_columns(moments, pl.col("variables").struct.json_encode())

    def of_objects() -> pl.DataFrame:
        pages = every_page(url, lambda target: session.get(target).content, json.loads)
        return pl.DataFrame([row(one) for items in pages for one in items], schema=ours.schema)

    def same(make: Callable[[], pl.DataFrame]) -> Callable[[], int]:
        made = make()
        assert made.schema == ours.schema
        assert made.drop("variables").equals(ours.drop("variables"))
        return lambda: len(make())

    gets = peers_of()
    spent = turns(
        {
            "revrag": lambda: len(pl.DataFrame(campaign.records())),
            "httpx, json, dataclasses": same(of_objects),
            **{f"{name}, orjson": same(partial(of_rows, get)) for name, get in gets.items()},
            "primp, polars.read_json": same(partial(of_columns, gets["primp"])),
        },
        count,
        rounds,
    )
    objects = spent["httpx, json, dataclasses"]
    peers = [spent[f"{name}, orjson"] for name in gets]
    compare("a polars frame / httpx, json and dataclasses", spent["revrag"], [objects], 1 / 4)
    compare("a polars frame / the fastest peer with rows", spent["revrag"], peers, 1 / 2)
    columns = [spent["primp, polars.read_json"]]
    compare("a polars frame / polars' own reader of JSON", spent["revrag"], columns, 1 / 2)


if __name__ == "__main__":
    main()
