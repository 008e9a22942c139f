"""What a key costs: reading a large campaign, and uploading into an empty one.

A keyed upload reads every record of the campaign before it sends anything. Into an empty one
it must take about as long as an upload without a key, whatever order the keys come in. Each upload
is a process of its own.

Usage: ``python benches/keyed.py [RECORDS] [ROWS] [ROUNDS]``, of uploads seven times as many rounds
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from typing import Any

from counting import CAMPAIGN_ID, server

SCRIPT = """
import json, re, sys, time
import polars as pl
import revrag
sys.path.insert(0, sys.argv[1])
from counting import leads
def peak():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read())[1]) * 1024
url, campaign_id, rows, keys, options = sys.argv[2:]
rows, options = int(rows), json.loads(options)
places = pl.int_range(rows, eager=False)
frame = leads(rows).with_columns(id=eval(keys))
campaign = revrag.Client("key", base_url=url).campaign(campaign_id)
campaign.upload(frame.head(1000), dry_run=True)
campaign.records_page(page_size=200)
idle, used, started = peak(), time.process_time(), time.perf_counter()
variables = ["first_name", "company", "amount", "visits"]
report = campaign.upload(frame, region=None, variables=variables, **options)
taken = time.perf_counter() - started, time.process_time() - used, peak() - idle
assert report.accepted == rows, report
print(json.dumps(taken))
"""


# Kinds of keys, made of the rows' places.
KEYS = {
    "numbers in order": "places",
    "numbers in no order": "places.shuffle(seed=7)",
    "texts like lead-17 in order": "pl.format('lead-{}', places)",
    "texts like UUIDs": """pl.format(
        "{}-4a1b-8c2d-9e3f-{}",
        places.hash(7).cast(pl.String).str.slice(0, 8),
        places.hash(8).cast(pl.String).str.slice(0, 12),
    )""",
}


def upload(url: str, rows: int, keys: str = "places", **options: Any) -> tuple[float, float, int]:
    """Seconds, seconds of processor time and bytes of memory that an upload took."""
    folder = __file__.rpartition("/")[0] or "."
    command = [sys.executable, "-c", SCRIPT, folder, url, CAMPAIGN_ID, str(rows), keys]
    finished = subprocess.run(
        [*command, json.dumps(options)], check=True, capture_output=True, text=True
    )
    seconds, cpu, memory = json.loads(finished.stdout)
    return seconds, cpu, memory


def reading(records: int, rounds: int) -> None:
    """Measure what the records of others cost a keyed upload of a few rows."""
    taken = []
    for _ in range(rounds):
        with server(records) as (url, _):
            taken.append(upload(url, 100, key="id", name="bench"))
    with server(0) as (url, _):
        least = upload(url, 100, key="id", name="bench")[2]
    seconds, cpu, memory = (statistics.median(each) for each in zip(*taken, strict=True))
    print(f"a keyed upload into a campaign of {records:,} records; medians of {rounds} rounds")
    print(f"  {seconds:.1f} s (at most 60), {cpu:.1f} s of processor time")
    print(f"  memory: {(memory - least) / records:.1f} bytes a record (at most 64)")


def uploading(rows: int, rounds: int) -> None:
    """Measure an upload into an empty campaign, with keys of each kind and without, by turns."""
    taken: dict[str, list[tuple[float, float]]] = {kind: [] for kind in ["without a key", *KEYS]}
    for _ in range(rounds):
        for kind, each in taken.items():
            keys = KEYS.get(kind)
            options = {"keys": keys, "key": "id", "name": "bench"} if keys else {}
            with server(0) as (url, _):
                each.append(upload(url, rows, **options)[:2])
    print(f"{rows:,} rows into an empty campaign; medians of {rounds} rounds")
    for at, what in enumerate(["seconds", "seconds of processor time"]):
        without = [one[at] for one in taken["without a key"]]
        print(f"  {statistics.median(without):.2f} {what} without a key; in each round, with")
        for kind in KEYS:
            ratio = statistics.median(
                one[at] / plain for one, plain in zip(taken[kind], without, strict=True)
            )
            print(f"    {kind} {ratio:.2f} times")
    print("  (of the seconds, at most 1.10 times)")


def main() -> None:
    """Measure and print."""
    arguments = [int(argument) for argument in sys.argv[1:]]
    records, rows, rounds = arguments + [1_000_000, 1_000_000, 3][len(arguments) :]
    reading(records, rounds)
    # A second each, and no two alike: many tell more than long ones.
    uploading(rows, 7 * rounds)


if __name__ == "__main__":
    main()
