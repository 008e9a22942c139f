"""Leads to upload, and what a report says of them."""

from __future__ import annotations

import random
import traceback
from collections import Counter
from typing import Any

import pyarrow as pa
import revrag

from support.service import Service

OUTCOMES = (
    "accepted",
    "existing",
    "rejected",
    "invalid",
    "excluded",
    "duplicate",
    "unknown",
    "not_sent",
)
COLUMNS = ["row", "key", "phone_number", "outcome", "run_id", "status", "error"]

# Nothing of what the tests are about takes long.
QUICK: dict[str, Any] = {"settle_after": 0.05}


def number(index: int) -> str:
    """A valid Indian mobile number, another for each index."""
    return f"+9198{index:08d}"


def leads(count: int, start: int = 0) -> list[dict[str, Any]]:
    """Valid leads that know their own row."""
    return [
        {"phone_number": number(index), "variables": {"row": index, "name": f"Lead {index}"}}
        for index in range(start, start + count)
    ]


def rows(report: revrag.UploadReport) -> list[dict[str, Any]]:
    """The report's rows, in the order of the source."""
    table = pa.table(report)
    assert table.column_names == COLUMNS
    found = table.to_pylist()
    assert [row["row"] for row in found] == list(range(report.total))
    return found


def outcomes(report: revrag.UploadReport) -> list[str]:
    """The outcome of each row."""
    return [row["outcome"] for row in rows(report)]


def check(report: revrag.UploadReport, service: Service) -> list[dict[str, Any]]:
    """Compare a report with what the service has, row by row.

    Each record must have been sent with its row in ``variables["row"]``. Only ``unknown`` rows may
    or may not be there, and nothing may be there twice.
    """
    stored: dict[int, list[str]] = {}
    for record in service.applied:
        stored.setdefault(record.variables["row"], []).append(record.run_id)
    twice = {row: ids for row, ids in stored.items() if len(ids) > 1}
    assert not twice, f"sent twice: {len(twice)} rows, {sorted(twice)[:5]}"
    found = rows(report)
    counted = Counter(row["outcome"] for row in found)
    assert counted == Counter({name: n for name in OUTCOMES if (n := getattr(report, name))})
    for row in found:
        there = stored.pop(row["row"], [])
        if row["outcome"] == "accepted":
            assert there == [row["run_id"]], row
            assert row["status"] is not None, row
            assert row["error"] is None, row
        elif row["outcome"] == "unknown":
            assert row["run_id"] is None, row
        else:
            assert (there, row["run_id"]) == ([], None), row
        if row["outcome"] in ("rejected", "invalid"):
            assert row["error"], row
    assert not stored, f"not in the report: {len(stored)} rows, {sorted(stored)[:5]}"
    return found


def private(error: BaseException, *secrets: str) -> str:
    """The error's text, once it is sure that its traceback shows none of the secrets."""
    shown = "".join(traceback.format_exception(error))
    # The source lines of a traceback are the test's own.
    shown = "\n".join(line for line in shown.splitlines() if not line.startswith("    "))
    for secret in secrets:
        assert secret not in shown
    return str(error)


def messy(count: int, seed: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Leads of every fate, and the outcome that each must have."""
    rng = random.Random(seed)
    made: list[dict[str, Any]] = []
    expected: list[str] = []
    for index in range(count):
        lead: dict[str, Any] = {
            "phone_number": number(rng.randrange(10**8)),
            "variables": {"row": index, "name": "Zoë" * rng.randrange(4)},
        }
        drawn = rng.random()
        if drawn < 0.03:
            lead["variables"]["service"] = "rejects"
            expected.append("rejected")
        elif drawn < 0.06:
            lead["phone_number"] = rng.choice(("12345", "no number", "+91 1234", ""))
            expected.append("invalid")
        elif drawn < 0.062:
            lead["variables"]["service"] = "names"
            expected.append("rejected")
        else:
            expected.append("accepted")
        made.append(lead)
    return made, expected
