"""The listing of a campaign's records, as true to them as a test asks for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .shows import Show, as_it_is
from .store import Store, Stored


@dataclass
class Listing:
    """What ``GET /records`` shows of a store."""

    store: Store
    shows: Show
    # Seconds until it knows of a record that was pushed.
    lag: float
    # Looks to which it is empty, once something was pushed.
    blind: int
    # Whether every page is the first, and there is always another.
    repeats: bool
    total: Callable[[int], int | None]
    is_awake: bool = False

    def page(self, number: int, size: int, status: str | None) -> str:
        """One page of it, as JSON."""
        shown = self._shown(self.store.listed(status), first=number == 1)
        if self.repeats:
            number_shown, more = 1, True
        else:
            number_shown, more = number, number * size < len(shown)
        body: dict[str, Any] = {"has_more": more, "page": number, "page_size": size}
        total = self.total(len(shown))
        if total is not None:
            body["total"] = total
        items = ",".join(shown[(number_shown - 1) * size : number_shown * size])
        return f'{{"items": [{items}], {json.dumps(body)[1:]}'

    def _shown(self, listed: list[Stored], *, first: bool) -> list[str]:
        if self.is_awake and self.blind > 0:
            self.blind -= first
            return []
        if self.lag:
            known = self.store.clock() - self.lag
            listed = [
                stored for stored in listed if stored.origin != "push" or stored.created_at <= known
            ]
        return [text for stored in listed if (text := self._text(stored)) is not None]

    def _text(self, stored: Stored) -> str | None:
        if stored.raw or self.shows is as_it_is:
            return stored.json()
        record = self.shows(json.loads(stored.json()))
        return None if record is None else json.dumps(record)
