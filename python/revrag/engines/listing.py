"""The one look at the campaign before anything is sent."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING

from revrag.engines.leases import Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from revrag import Campaign, Record
    from revrag.engines.leases import Leases

# Looks until a listing that does not show all that is counted is taken for what it is.
LOOKS = 3
# Records that are taken in at once: nobody else gets at the leases meanwhile.
HANDFUL = 2000


def look(
    campaign: Campaign,
    leases: Leases,
    prefix: str,
    locked: Callable[[], AbstractContextManager[object]],
) -> None:
    """Reads the whole listing into ``leases``.

    Where it proves nothing, each row is looked for by the upload that sends it.
    """
    for again in range(LOOKS):
        if again:
            time.sleep(again)
        # What is counted before must be shown after.
        stats = campaign.status().stats
        count = stats.total_records or 0
        with locked():
            leases.forget_listing()
        for handful in handfuls(iter(campaign.records())):
            with locked():
                leases.take(handful, prefix)
        with locked():
            leases.believe(count)
            if leases.shown >= count:
                return


def handfuls(records: Iterator[Record]) -> Iterator[list[Shown]]:
    """Records as they are remembered, some at a time."""
    while handful := [
        Shown(one.id, one.app_session_id, one.phone_number, one.status)
        for one in islice(records, HANDFUL)
    ]:
        yield handful
