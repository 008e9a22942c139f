"""Reading a campaign of 100,000 records, against the fastest peers in the same run.

Usage: ``python benches/reading.py [RECORDS] [ROUNDS]``
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
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
def service(count: int) -> Iterator[str]:
    """The service under way: its URL. It has its pages at hand."""
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
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.stdin.close()
            process.stdout.close()
            process.wait(10)


def seconds(contenders: dict[str, Callable[[], int]], count: int, rounds: int) -> dict[str, float]:
    """The median time of each contender, which take turns."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, read in contenders.items():
            started = time.perf_counter()
            assert read() == count, name
            taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(times) for name, times in taken.items()}


def main() -> None:
    """Measure and print."""
    numbers = [int(argument) for argument in sys.argv[1:]]
    count, rounds = numbers + [100_000, 5][len(numbers) :]
    with service(count) as url:
        measure(url, count, rounds)


def measure(url: str, count: int, rounds: int) -> None:
    """Measure and print."""
    campaign = revrag.Client("key", base_url=url).campaign(CAMPAIGN_ID)
    path = f"{url}/v1/campaigns/{CAMPAIGN_ID}/records?page_size={PAGE_SIZE}&page="

    def peer(get: Callable[[str], bytes], use: Callable[[list[Any]], int]) -> Callable[[], int]:
        def read() -> int:
            number, found, more = 0, 0, True
            while more:
                number += 1
                told = orjson.loads(get(f"{path}{number}"))
                found += use(told["items"])
                more = told["has_more"]
            return found

        return read

    def touch(items: list[Any]) -> int:
        return sum(1 for item in items if item["id"] and item["status"])

    pool, client = urllib3.PoolManager(), primp.Client()
    gets = {
        "urllib3": lambda target: pool.request("GET", target).data,
        "primp": lambda target: client.get(target).content,
    }

    async def of_aiohttp() -> int:
        number, found, more = 0, 0, True
        async with aiohttp.ClientSession() as session:
            while more:
                number += 1
                async with session.get(f"{path}{number}") as answer:
                    told = orjson.loads(await answer.read())
                found += touch(told["items"])
                more = told["has_more"]
        return found

    async def of_revrag() -> int:
        found = 0
        async for record in campaign.records():
            found += bool(record.id and record.status)
        return found

    took = seconds(
        {
            "revrag": lambda: sum(1 for one in campaign.records() if one.id and one.status),
            "revrag, asyncio": lambda: asyncio.run(of_revrag()),
            "aiohttp": lambda: asyncio.run(of_aiohttp()),
            **{name: peer(get, touch) for name, get in gets.items()},
        },
        count,
        rounds,
    )
    for name, time_taken in took.items():
        print(f"  {name}: {count / time_taken:,.0f} records a second")
    best = min(took["aiohttp"], took["urllib3"], took["primp"])
    report("records / the fastest peer, blocking", took["revrag"] / best, 1 / 1.5)
    report("records / the fastest peer, asyncio", took["revrag, asyncio"] / best, 1 / 1.5)

    def framed(get: Callable[[str], bytes]) -> Callable[[], int]:
        def read() -> int:
            rows: list[Any] = []
            peer(get, lambda items: rows.extend(items) or 0)()
            for row in rows:
                row["variables"] = orjson.dumps(row["variables"]).decode()
            return len(pl.DataFrame(rows, infer_schema_length=None))

        return read

    took = seconds(
        {
            "revrag": lambda: len(pl.DataFrame(campaign.records())),
            **{name: framed(get) for name, get in gets.items()},
        },
        count,
        rounds,
    )
    best = min(took["urllib3"], took["primp"])
    report("a polars frame / the fastest peer", took["revrag"] / best, 1 / 2)


if __name__ == "__main__":
    main()
