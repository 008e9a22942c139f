"""A million rows: revrag next to aiohttp, orjson and phonenumbers, by ratio, in one run.

All cut the same chunks, keep the same number of requests in flight, and end with the run id of
every row. The peers do nothing about lost answers.

Usage: ``python benches/upload.py [ROWS] [ROUNDS]``
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
import phonenumbers
import revrag
from counting import CAMPAIGN_ID, cpu_seconds, leads, server

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

CHUNK = 500
CONCURRENCY = 4
HEADERS = {"X-API-Key": "key", "Content-Type": "application/json"}
PATH = f"/v1/campaigns/{CAMPAIGN_ID}/records/push-bulk"


def by_revrag(url: str, frame: pl.DataFrame, region: str | None) -> int:
    """The number of rows that were accepted."""
    with revrag.Client("key", base_url=url) as client:
        campaign = client.campaign(CAMPAIGN_ID)
        report = campaign.upload(frame, region=region, max_records=CHUNK, concurrency=CONCURRENCY)
    return report.accepted


def parsed(number: str) -> str | None:
    """The number as E.164, or None where it is not valid."""
    try:
        found = phonenumbers.parse(number, "IN")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(found):
        return None
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)


def records(chunk: pl.DataFrame, validated: bool) -> list[dict[str, Any]]:
    """The records of a chunk, from its columns: faster than ``to_dicts`` and a loop over it."""
    numbers, names, companies, amounts, visits = (column.to_list() for column in chunk)
    if validated:
        numbers = map(parsed, numbers)
    return [
        {
            "phone_number": number,
            "variables": {
                "first_name": name,
                "company": company,
                "amount": amount,
                "visits": visit,
            },
        }
        for number, name, company, amount, visit in zip(
            numbers, names, companies, amounts, visits, strict=True
        )
        if number is not None
    ]


async def by_aiohttp(url: str, frame: pl.DataFrame, validated: bool) -> int:
    """The number of rows that were accepted."""
    run_ids: list[list[str | None]] = [[] for _ in range(-(-len(frame) // CHUNK))]
    chunks = enumerate(frame.iter_slices(CHUNK))
    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    async with aiohttp.ClientSession(connector=connector, headers=HEADERS) as session:

        async def work() -> None:
            for index, chunk in chunks:
                body = orjson.dumps({"records": records(chunk, validated)})
                async with session.post(url + PATH, data=body) as answer:
                    answer.raise_for_status()
                    results = orjson.loads(await answer.read())["results"]
                run_ids[index] = [result["run_id"] for result in results]

        await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
    return sum(run_id is not None for ids in run_ids for run_id in ids)


CONTENDERS: dict[str, Callable[[str, pl.DataFrame], int]] = {
    "revrag": lambda url, frame: by_revrag(url, frame, None),
    "aiohttp + orjson": lambda url, frame: asyncio.run(by_aiohttp(url, frame, False)),
    "revrag, validated": lambda url, frame: by_revrag(url, frame, "IN"),
    "aiohttp + orjson + phonenumbers": lambda url, frame: asyncio.run(by_aiohttp(url, frame, True)),
}


def main() -> None:
    """Measure in turn, and print the medians and their ratios."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    frame = leads(count)
    wall: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    own: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    servers: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    with server() as (url, pid):
        for _ in range(rounds):
            for name, upload in CONTENDERS.items():
                before, used, started = cpu_seconds(pid), time.process_time(), time.perf_counter()
                accepted = upload(url, frame)
                wall[name].append(time.perf_counter() - started)
                own[name].append(time.process_time() - used)
                servers[name].append(cpu_seconds(pid) - before)
                assert accepted == count, (name, accepted)
    print(f"{count} rows, chunks of {CHUNK}, {CONCURRENCY} in flight; medians of {rounds} rounds")
    print(f"  {'':34}{'seconds':>9}{'rows/s':>12}{'cpu s':>8}{'server cpu s':>14}")
    for name, taken in wall.items():
        seconds = statistics.median(taken)
        print(
            f"  {name:34}{seconds:9.2f}{count / seconds:12,.0f}"
            f"{statistics.median(own[name]):8.2f}{statistics.median(servers[name]):14.2f}"
        )
    bare, peer, validated, validating = (statistics.median(taken) for taken in wall.values())
    faster("aiohttp + orjson / revrag", peer / bare, 3)
    faster("aiohttp + orjson + phonenumbers / revrag, validated", validating / validated, 15)


def faster(title: str, ratio: float, bound: float) -> None:
    """One line: how many times as fast, and how many times it should be."""
    verdict = "met" if ratio >= bound else "MISSED"
    print(f"{title}: {ratio:.2f} (at least {bound:g}: {verdict})")


if __name__ == "__main__":
    main()
