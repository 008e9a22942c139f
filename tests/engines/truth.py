"""What is in a campaign, and what the outcomes say of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import revrag
from revrag.sandbox import Sandbox


def called(service: Sandbox) -> Counter[str]:
    """How often each lead, by the id among its variables, would be called."""
    with service.client() as client:
        records = client.campaign(service.campaign_id).records()
        return Counter(str(record.variables["lead"]) for record in records)


def keys(service: Sandbox) -> Counter[str]:
    """How often each row is there, by its token's key."""
    with service.client() as client:
        records = client.campaign(service.campaign_id).records()
        return Counter(str((revrag.row_key(one.app_session_id) or ("", ""))[1]) for one in records)


def told(folder: str) -> list[dict[str, Any]]:
    """The outcomes as they were written."""
    files = sorted(Path(folder).glob("part-*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def write(frame: Any, service: Sandbox, outcomes: str | None = None, **options: Any) -> None:
    """Writes a Spark frame into a campaign."""
    given = {
        "campaign_id": service.campaign_id,
        "base_url": service.url,
        "key": "lead",
        "name": "diwali",
        "settle_after": "0.2",
    }
    chosen = {name: str(value) for name, value in (given | options).items() if value is not None}
    writer = frame.write.format("revrag").options(**chosen).mode("append")
    writer.save(outcomes) if outcomes else writer.save()
