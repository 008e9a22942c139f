"""Rows whose push is lost, and what became of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import revrag

from support.service import Service
from support.upload import leads, rows

# An upload of four chunks.
CHUNK = 10
COUNT = 40

Source = list[dict[str, Any]]


def with_tokens(count: int) -> Source:
    """Leads whose variables a service may be tempted to tidy."""
    made = leads(count)
    for lead in made:
        lead["variables"] |= {"note": "", "city": "  Pune ", "utm": "spring", "score": 7}
    return made


def with_ids(count: int) -> Source:
    """The same with the caller's own ids."""
    made = with_tokens(count)
    for row, lead in enumerate(made):
        lead |= {"app_session_id": f"visit-{row}", "app_user_id": f"user-{row % 7}"}
    return made


IDS: dict[str, Callable[[int], Source]] = {"tokens": with_tokens, "own ids": with_ids}

# The share of a lost push that was applied.
SHARES = {"before": 0.0, "half-way": 0.5, "after": 1.0}


def sent(service: Service) -> int:
    """Rows that went out, as often as they did, whatever became of them."""
    return sum(len(push.records) for push in service.pushes)


def chunk(report: revrag.UploadReport, number: int) -> list[dict[str, Any]]:
    """The rows of one chunk."""
    return rows(report)[number * CHUNK : (number + 1) * CHUNK]
