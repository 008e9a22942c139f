"""A frame of Dask: its partitions are computed by the cluster, and sent by one process, by key.

Dask runs a partition again when a worker is lost, and a row is known by its key alone: so nothing
of that reaches a phone. One process is enough for the sending; past some ten million rows see
`revrag.ray`.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import dask.dataframe as dd
from revrag import Client

if TYPE_CHECKING:
    from collections.abc import Iterator


def rows(frame: Any) -> Iterator[dict[str, Any]]:
    """The rows, a partition at a time."""
    for part in frame.partitions:
        yield from part.compute().to_dict("records")


def main(pattern: str, name: str) -> None:
    """Upload files that match a pattern."""
    # Numbers and keys stay what they are.
    frame = dd.read_csv(pattern, dtype=str)
    with Client() as client:
        campaign = client.campaign(os.environ["REVRAG_CAMPAIGN_ID"])
        print(campaign.upload(rows(frame), key="crm_id", name=name))


if __name__ == "__main__":
    main(*sys.argv[1:])
