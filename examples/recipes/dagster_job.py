"""Leads as an asset of Dagster, by day: a run that failed, or was killed, is simply run again."""

# Dagster reads annotations as they are: there is no import of theirs from the future here.
import os

from dagster import (
    AssetExecutionContext,
    DailyPartitionsDefinition,
    Definitions,
    MaterializeResult,
    RetryPolicy,
    asset,
)
from revrag import Client


@asset(
    partitions_def=DailyPartitionsDefinition(start_date="2026-01-01"),
    retry_policy=RetryPolicy(max_retries=3, delay=60),
)
def called_leads(context: AssetExecutionContext) -> MaterializeResult:
    """Upload the leads of one day; who was called in an earlier try is not called again."""
    day = context.partition_key
    with Client() as client:
        campaign = client.campaign(os.environ["REVRAG_CAMPAIGN_ID"])
        # The name is the day's, and the same in each try.
        report = campaign.upload(f"leads-{day}.csv", key="crm_id", name=f"daily-{day}")
    counts = {"accepted": report.accepted, "existing": report.existing, "invalid": report.invalid}
    return MaterializeResult(metadata=counts)


definitions = Definitions(assets=[called_leads])
