"""Records and pushes as the sandbox shows them, in the words of the tests' own service."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from support.orders import cannot
from support.service import Stored


class Shown(Stored):
    """A record as the sandbox lists it."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        if hasattr(self, "raw"):  # the last field: it is whole
            cannot(f"the {name} of a record")
        object.__setattr__(self, name, value)


class Remembered:
    """A record that is still to be pushed."""

    def __setattr__(self, name: str, value: object) -> None:
        cannot(f"the {name} of a record")


@dataclass(frozen=True)
class Sent:
    """A push, as the sandbox's log has it."""

    entry: Any

    @property
    def records(self) -> list[dict[str, Any]]:
        body = self.entry["request_body"]
        if body["is_cut"]:
            pytest.skip("the sandbox's log has the beginning of a long push only")
        return json.loads(body["text"])["records"]

    @property
    def size(self) -> int:
        return self.entry["request_body"]["bytes"]

    @property
    def refused(self) -> int | None:
        rule = self.entry["rule"]
        is_limit = rule is not None and rule["name"].endswith(("rate_limit", "largest_batch"))
        return self.entry["status"] if is_limit else None

    @property
    def arrived(self) -> float:
        pytest.skip("the sandbox's log has its own time, and that is moved by hand")
