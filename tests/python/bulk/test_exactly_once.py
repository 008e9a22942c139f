"""Exactly once, by test: uploads of 2,000 rows through faults drawn at random."""

from __future__ import annotations

import asyncio
import os
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import revrag
from support.service import Service, drawn
from support.upload import check, messy

ROWS = 2000
UPLOADS = 200
# Uploads at a time.
BLOCK = 20
# Another number gives other faults.
FIRST_SEED = int(os.environ.get("REVRAG_TEST_SEED", "0"))


def upload(seed: int, folder: Path) -> None:
    """One upload with everything drawn from its seed."""
    rng = random.Random(seed)
    source, expected = messy(ROWS, seed)
    own_ids = rng.random() < 0.3
    if own_ids:
        for row, lead in enumerate(source):
            lead["app_session_id"] = f"visit-{row % 700}"
    options: dict[str, Any] = {
        "max_records": rng.choice((60, 100, 250)),
        "concurrency": rng.randint(1, 6),
        "settle_after": 0.05,
    }
    if rng.random() < 0.4:
        options["journal"] = folder / f"{seed}.journal"
    service = Service(
        faults=drawn(seed),
        order=rng.choice(("oldest", "newest")),
        seed=seed,
        max_batch=rng.choice((90, 1 << 30)),
        skew=rng.choice((0.0, -86_400.0, 86_400.0)),
        writers=rng.choice((0, 0, 4)),
    )
    with service:
        # Yesterday's records, with the very same ids.
        for lead in source[: rng.choice((0, 150))]:
            service.remember(lead, age=rng.uniform(3600, 86_400))
        # A short timeout, so that what is held up times out; and enough retries, so that no streak
        # of bad luck ends the upload.
        campaign = service.campaign(timeout=1.0, max_retries=12)
        if rng.random() < 0.5:
            report = campaign.upload(source, **options)
        else:
            report = asyncio.run(campaign.upload_async(source, **options))
        found = check(report, service)
        assert [row["outcome"] for row in found] == expected


@pytest.mark.timeout(240)
@pytest.mark.parametrize("start", range(FIRST_SEED, FIRST_SEED + UPLOADS, BLOCK))
def test_each_valid_row_exactly_once(tmp_path: Path, start: int) -> None:
    """The service has every valid row once, and the report agrees with it row by row."""
    failures: dict[int, BaseException] = {}

    def attempt(seed: int) -> None:
        try:
            upload(seed, tmp_path)
        except (AssertionError, OSError, revrag.RevragError) as error:
            failures[seed] = error

    with ThreadPoolExecutor(BLOCK) as pool:
        list(pool.map(attempt, range(start, start + BLOCK)))
    if failures:
        seeds = ", ".join(map(str, sorted(failures)))
        pytest.fail(f"seeds {seeds}; the first: {failures[min(failures)]!r}")
