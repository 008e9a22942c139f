"""The DAG that the test of the operator runs."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from airflow.sdk import DAG
from revrag.airflow import RevragUploadOperator

with DAG("leads", schedule=None, start_date=datetime(2026, 1, 1), catchup=False) as dag:
    RevragUploadOperator(
        task_id="call",
        source=os.environ.get("LEADS", "leads.csv"),
        campaign_id="11111111-1111-1111-1111-111111111111",
        key="lead",
        name="{{ dag.dag_id }}",
        upload_options={"max_records": 20, "concurrency": 1, "settle_after": 0.2},
        retries=20,
        retry_delay=timedelta(seconds=0),
    )
