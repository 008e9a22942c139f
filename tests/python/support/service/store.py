"""The records of a campaign, and the ways in which it lists them."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from support import CAMPAIGN_ID

Order = Literal["oldest", "newest", "shuffled", "restless"]

STATUSES = ("queued", "in_progress", "completed", "failed", "dnc", "rescheduled")
NUMBER = re.compile(r"\+[1-9][0-9]{7,14}|[6-9][0-9]{9}")
KEYS = {"phone_number", "variables", "app_user_id", "app_session_id"}


@dataclass(slots=True)
class Stored:
    """A record that was applied."""

    run_id: str
    record: dict[str, Any]
    created_at: float
    # "push", "before" the test, or another "writer".
    origin: str
    status: str = "queued"
    # Its JSON up to the status, made once.
    head: str = ""
    # Whether its status stays what it is.
    is_final: bool = False
    # Its JSON, where it is not what the reference documents.
    raw: str = ""

    @property
    def variables(self) -> dict[str, Any]:
        return self.record.get("variables") or {}

    @property
    def phone_number(self) -> str:
        return self.record["phone_number"]

    @property
    def session(self) -> str | None:
        return self.record.get("app_session_id")

    @property
    def user(self) -> str | None:
        return self.record.get("app_user_id")

    def json(self) -> str:
        if self.raw:
            return self.raw
        if not self.head:
            moment = datetime.fromtimestamp(self.created_at, UTC).isoformat(timespec="microseconds")
            whole = {
                "id": self.run_id,
                "campaign_id": CAMPAIGN_ID,
                "workspace_id": "22222222-2222-2222-2222-222222222222",
                "phone_number": self.phone_number,
                "variables": self.variables,
                "app_user_id": self.user,
                "app_session_id": self.session,
                "attempt_count": 0,
                "max_attempts": 3,
                "call_history": [],
                "next_attempt_at": None,
                "dnc_at": None,
                "dnc_reason": None,
                "created_at": moment,
                "updated_at": moment,
            }
            self.head = json.dumps(whole)[:-1]
        return f'{self.head}, "status": "{self.status}"}}'


def rejection(record: dict[str, Any]) -> str | None:
    """Why the service rejects this one record of a push."""
    if not NUMBER.fullmatch(record["phone_number"]):
        return f"Invalid Indian phone number: {record['phone_number']}"
    if (record.get("variables") or {}).get("service") == "rejects":
        return "The number is blocked."
    return None


def unprocessable(record: dict[str, Any]) -> tuple[str, ...] | None:
    """Where a record does not match the schema, if it does not."""
    if not isinstance(record, dict):
        return ()
    if unknown := set(record) - KEYS:
        return (min(unknown),)
    if not isinstance(record.get("phone_number"), str):
        return ("phone_number",)
    if not isinstance(record.get("variables", {}), dict):
        return ("variables",)
    for key in ("app_user_id", "app_session_id"):
        if not isinstance(record.get(key, ""), str):
            return (key,)
    if (record.get("variables") or {}).get("service") == "names":
        return ("variables", "service")
    return None


def complaint(wrong: list[tuple[int, tuple[str, ...]]], nameless: bool) -> object:
    """The ``detail`` about records that do not match the schema."""
    if nameless:
        return "The request does not match the schema."
    return [
        {"type": "value_error", "loc": ["body", "records", index, *loc], "msg": "Not as it must be"}
        for index, loc in wrong
    ]


@dataclass
class Store:
    """What was applied, in the order in which it was."""

    order: Order
    rng: random.Random
    clock: Callable[[], float]
    # Records that others push, one before each page is read.
    writers: int = 0
    # Pages after which a restless listing is at rest.
    calm_after: int = 1 << 30
    # The share of pushed records whose call is over at once.
    finished: float = 0.0
    records: list[Stored] = field(default_factory=list)
    pages: int = 0

    def __len__(self) -> int:
        return len(self.records)

    def add(self, record: dict[str, Any], origin: str = "push", age: float = 0.0) -> Stored:
        bits = f"{self.rng.getrandbits(128):032x}"
        run_id = f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-a{bits[17:20]}-{bits[20:]}"
        stored = Stored(run_id, record, self.clock() - age, origin)
        if origin == "push" and self.finished and self.rng.random() < self.finished:
            stored.status, stored.is_final = "completed", True
        self.records.append(stored)
        return stored

    def listed(self, status: str | None) -> list[Stored]:
        """The records in the order of the listing, after the world has moved on a little."""
        self._move()
        listed = self.records
        if status is not None:
            return [stored for stored in listed if stored.status == status]
        if self.order == "shuffled":
            return self.rng.sample(listed, len(listed))
        return listed[::-1] if self.order == "newest" else listed

    def _move(self) -> None:
        self.pages += 1
        if self.writers:
            self.writers -= 1
            self.add({"phone_number": "+919800000000", "app_session_id": "theirs"}, "writer")
        for _ in range(min(20, len(self.records))):
            moved, status = self.rng.choice(self.records), self.rng.choice(STATUSES)
            if not moved.is_final:
                moved.status = status
        if self.order == "restless" and self.pages <= self.calm_after:
            # What was touched last comes first.
            for _ in range(min(40, len(self.records))):
                self.records.insert(0, self.records.pop(self.rng.randrange(len(self.records))))
