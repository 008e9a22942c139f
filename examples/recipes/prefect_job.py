"""Leads in a flow of Prefect: a task that failed, or was killed, is simply run again."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from prefect import flow, task
from revrag import Client

if TYPE_CHECKING:
    from revrag import UploadReport


# The report holds phone numbers: it stays here, and is no result that Prefect keeps.
@task(retries=3, retry_delay_seconds=60, persist_result=False)
def upload(day: str) -> dict[str, int]:
    """Upload the leads of one day; who was called in an earlier try is not called again."""
    with Client() as client:
        campaign = client.campaign(os.environ["REVRAG_CAMPAIGN_ID"])
        # The name is the day's, and the same in each try.
        report = campaign.upload(f"leads-{day}.csv", key="crm_id", name=f"daily-{day}")
    return counts(report)


def counts(report: UploadReport) -> dict[str, int]:
    """What may be told and kept."""
    names = ("accepted", "existing", "rejected", "invalid", "unknown", "not_sent")
    return {name: getattr(report, name) for name in names}


@flow
def daily(day: str) -> dict[str, int]:
    """The day's leads."""
    return upload(day)


if __name__ == "__main__":
    print(daily(sys.argv[1]))
