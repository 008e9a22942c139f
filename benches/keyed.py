"""What a key costs: reading a large campaign, and uploading into an empty one.

A keyed upload reads every record of the campaign before it sends anything. Into an empty one
it must take about as long as one without a key, whatever order the keys come in: as the same call,
for which the column is one of the variables, and as one that does not even read the column. Each
upload is a process of its own.

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
report = campaign.upload(frame, region=None, **options)
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


# Those of the rows but for the column of keys.
VARIABLES = ["first_name", "company", "amount", "visits"]


def uploading(rows: int, rounds: int) -> None:
    """Measure an upload into an empty campaign, with keys of each kind and without, by turns."""
    key = {"key": "id", "name": "bench"}
    ways: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {
        ("unread", ""): ("places", {"variables": VARIABLES})
    }
    for kind, keys in KEYS.items():
        ways["variable", kind], ways["key", kind] = (keys, {}), (keys, key)
    taken: dict[tuple[str, str], list[tuple[float, float]]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, (keys, options) in ways.items():
            with server(0) as (url, _):
                taken[way].append(upload(url, rows, keys, **options)[:2])
    print(f"{rows:,} rows into an empty campaign; medians of {rounds} rounds")
    for at, what in enumerate(["seconds", "seconds of processor time"]):
        unread = statistics.median(one[at] for one in taken["unread", ""])
        print(f"  {unread:.2f} {what} without the column of keys; in each round, with it,")
        for kind in KEYS:
            keyed = taken["key", kind]
            same, none = (
                statistics.median(
                    one[at] / other[at] for one, other in zip(keyed, others, strict=True)
                )
                for others in (taken["variable", kind], taken["unread", ""])
            )
            print(
                f"    {kind}: {same:.2f} times the same call without a key, {none:.2f} times that"
            )
    print("  (of the seconds, at most 1.10 times the same call; the aim is both)")


def main() -> None:
    """Measure and print."""
    arguments = [int(argument) for argument in sys.argv[1:]]
    records, rows, rounds = arguments + [1_000_000, 1_000_000, 3][len(arguments) :]
    reading(records, rounds)
    # A second each, and no two alike: many tell more than long ones.
    uploading(rows, 7 * rounds)


if __name__ == "__main__":
    main()
