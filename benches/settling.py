"""What a look at a large campaign costs, and what lost answers cost a large upload.

A look must read every page to prove that a row is not there. Its processor time stands next to that
of ``orjson.loads`` of the same pages, which makes objects of them; its memory is what the process
took over an upload that lost the same request in an empty campaign. Each upload is a process of its
own.

Usage: ``python benches/settling.py [RECORDS] [ROWS] [ROUNDS]``
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
import urllib.request
from typing import Any

import orjson
from counting import CAMPAIGN_ID, server

PAGE_SIZE = 200
SAMPLE = 50
PATH = f"/v1/campaigns/{CAMPAIGN_ID}/records?page_size={PAGE_SIZE}&page="

SCRIPT = """
import json, re, sys, time
import revrag
def peak():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read())[1]) * 1024
url, campaign_id, rows, options = sys.argv[1:]
campaign = revrag.Client("key", base_url=url).campaign(campaign_id)
def leads(count):
    for row in range(count):
        yield {"phone_number": f"+9198{row:08d}", "variables": {"first_name": "Riya", "row": row}}
campaign.upload(leads(1000), dry_run=True)
campaign.status()
idle, used, started = peak(), time.process_time(), time.perf_counter()
report = campaign.upload(leads(int(rows)), region=None, **json.loads(options))
taken = time.perf_counter() - started, time.process_time() - used, peak() - idle
assert report.accepted == int(rows), report
print(json.dumps(taken))
"""


def upload(url: str, rows: int, **options: Any) -> tuple[float, float, int]:
    """Seconds, seconds of processor time and bytes of memory that an upload took."""
    command = [sys.executable, "-c", SCRIPT, url, CAMPAIGN_ID, str(rows), json.dumps(options)]
    finished = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, cpu, memory = json.loads(finished.stdout)
    return seconds, cpu, memory


def parsing(url: str, records: int) -> float:
    """The processor time of ``orjson.loads`` of a listing's pages, from a sample of them."""
    pages = []
    for number in range(1, SAMPLE + 1):
        request = urllib.request.Request(f"{url}{PATH}{number}", headers={"X-API-Key": "key"})
        with urllib.request.urlopen(request) as answer:
            pages.append(answer.read())
    times = []
    for _ in range(5):
        started = time.process_time()
        for page in pages:
            orjson.loads(page)
        times.append(time.process_time() - started)
    return statistics.median(times) / SAMPLE * (records / PAGE_SIZE)


def absent(records: int) -> tuple[float, float, int]:
    """What so many records of others add to an upload that looks once."""
    # The first push is lost, and was not applied: as the second is known, one look says so.
    with server(0, 0, 1) as (url, _):
        plain = upload(url, 100, max_records=50, settle_after=0.1)
    with server(records, 0, 1) as (url, _):
        taken = upload(url, 100, max_records=50, settle_after=0.1)
    return taken[0] - plain[0], taken[1] - plain[1], taken[2] - plain[2]


def look(records: int, rounds: int) -> None:
    """Measure a look at so many records, and at half of them."""
    whole, half, parse = [], [], []
    for _ in range(rounds):
        whole.append(absent(records))
        half.append(absent(records // 2))
        with server(records) as (url, _):
            parse.append(parsing(url, records))
    seconds, cpu, memory = (statistics.median(taken) for taken in zip(*whole, strict=True))
    less = statistics.median(taken for _, _, taken in half)
    peer = statistics.median(parse)
    print(f"looking at {records:,} records of others; medians of {rounds} rounds")
    print(f"  {seconds:.1f} s, {cpu:.1f} s of processor time, orjson.loads {peer:.1f} s")
    print(f"  memory: {memory / 1e6:.1f} MB, {memory / records:.1f} bytes a record (at most 16)")
    print(f"  for each further record: {(memory - less) / (records - records // 2):.1f} bytes")
    print(f"  processor time / orjson.loads: {cpu / peer:.2f} (at most 1)")


def losses(rows: int, rounds: int) -> None:
    """Measure an upload of which one answer in a hundred is lost."""
    kept, lost = [], []
    for _ in range(rounds):
        with server(0) as (url, _):
            kept.append(upload(url, rows, settle_after=0.1)[0])
        with server(0, 100) as (url, _):
            lost.append(upload(url, rows, settle_after=0.1)[0])
    print(f"{rows:,} rows; medians of {rounds} rounds")
    print(f"  every answer comes: {statistics.median(kept):.1f} s")
    print(f"  one in a hundred is lost, all were applied: {statistics.median(lost):.1f} s")


def main() -> None:
    """Measure and print."""
    arguments = [int(argument) for argument in sys.argv[1:]]
    records, rows, rounds = arguments + [1_000_000, 1_000_000, 3][len(arguments) :]
    look(records, rounds)
    losses(rows, rounds)


if __name__ == "__main__":
    main()
