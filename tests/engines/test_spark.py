"""A table of Spark, as the people who have one write it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from revrag.sandbox import Sandbox
from truth import keys, told, write

pytest.importorskip("pyspark")
from pyspark.sql import functions as F  # noqa: N812  # as all of Spark does


def leads(spark: Any, count: int, parts: int) -> Any:
    frame = spark.range(0, count, 1, parts)
    number = F.format_string("+9198%08d", F.col("id"))
    return frame.select(
        F.col("id").alias("lead"), number.alias("phone_number"), F.lit("a").alias("b")
    )


def test_each_row_goes_once_and_is_told_of(
    spark: Any, uploads: Any, service: Sandbox, outcomes: str
) -> None:
    write(leads(spark, 2000, 4), service, outcomes, max_records=100)
    receipt = uploads.receipts[-1]
    assert (receipt.committed, receipt.accepted, receipt.rows) == (True, 2000, {"accepted": 2000})
    assert keys(service) == {str(lead): 1 for lead in range(2000)}
    rows = told(outcomes)
    assert sorted(int(row["key"]) for row in rows) == list(range(2000))
    with service.client() as client:
        runs = {
            one.app_session_id: one.id for one in client.campaign(service.campaign_id).records()
        }
    assert all(runs[f"diwali:{row['key']}"] == row["run_id"] for row in rows)
    assert json.loads((Path(outcomes) / "_receipt.json").read_text())["rows"] == receipt.rows
    # The next day, with some more.
    write(leads(spark, 2100, 3), service)
    assert uploads.receipts[-1].rows == {"existing": 2000, "accepted": 100}
    assert set(keys(service).values()) == {1}


def test_rows_that_stay_home_say_why(
    spark: Any, uploads: Any, service: Sandbox, outcomes: str
) -> None:
    rows = [("1", "98765 43210"), ("2", "12"), (None, "98765 43211"), ("4", "98765 43212")]
    frame = spark.createDataFrame(rows, "lead string, phone_number string").repartition(2)
    write(frame, service, outcomes)
    assert uploads.receipts[-1].rows == {"accepted": 2, "invalid": 2}
    home = {row["key"]: row["error"] for row in told(outcomes) if row["outcome"] == "invalid"}
    assert set(home) == {"2", None}
    assert all(home.values())


def test_a_key_in_several_partitions_goes_once(
    spark: Any, uploads: Any, service: Sandbox, outcomes: str
) -> None:
    frame = leads(spark, 500, 2)
    twice = frame.union(frame).union(frame)
    assert twice.rdd.getNumPartitions() == 6
    write(twice, service, outcomes, max_records=50)
    assert uploads.receipts[-1].rows == {"accepted": 500, "duplicate": 1000}
    assert keys(service) == {str(lead): 1 for lead in range(500)}
    found = [row["outcome"] for row in told(outcomes)]
    assert (found.count("accepted"), found.count("duplicate")) == (500, 1000)


def test_a_campaign_of_others_is_tried_with_one_row(
    spark: Any, uploads: Any, service: Sandbox
) -> None:
    with service.client() as client:
        campaign = client.campaign(service.campaign_id)
        campaign.push([{"phone_number": "+919000000001", "app_session_id": "theirs"}] * 3)
    write(leads(spark, 300, 3), service)
    assert uploads.receipts[-1].accepted == 300
    found = keys(service)
    assert {found[str(lead)] for lead in range(300)} == {1}


def test_a_record_that_may_be_a_row_keeps_it_home(
    spark: Any, uploads: Any, service: Sandbox, outcomes: str
) -> None:
    """One without a session id may be any row with its number."""
    with service.client() as client:
        campaign = client.campaign(service.campaign_id)
        campaign.push([{"phone_number": "+919800000007"}])
        campaign.push([{"phone_number": "+919000000001", "app_session_id": "diwali:before"}])
    write(leads(spark, 20, 2), service, outcomes)
    rows = {row["key"]: row["outcome"] for row in told(outcomes)}
    assert rows.pop("7") == "unknown"
    assert set(rows.values()) == {"accepted"}


def test_the_rate_is_for_all_tasks_together(spark: Any, uploads: Any, service: Sandbox) -> None:
    began = time.monotonic()
    write(leads(spark, 600, 6), service, max_records_per_second=100)
    took = time.monotonic() - began
    assert uploads.receipts[-1].accepted == 600
    assert took > 5.0


def test_the_key_is_nowhere(
    spark: Any, uploads: Any, service: Sandbox, capfd: pytest.CaptureFixture[str]
) -> None:
    frame = leads(spark, 10, 1)
    with pytest.raises(Exception, match="REVRAG_API_KEY in the environment"):
        write(frame, service, api_key="engine-key-1234")
    with pytest.raises(Exception, match="place: name the column"):
        write(frame, service, key="")
    for wrong in ({"key": "nobody"}, {"campaign_id": "1"}, {"max_records": "many"}, {"colour": 1}):
        with pytest.raises(Exception, match=next(iter(wrong))):
            write(frame, service, **wrong)
    with pytest.raises(Exception, match="can't be taken back"):
        frame.write.format("revrag").options(campaign_id=service.campaign_id, key="lead").mode(
            "overwrite"
        ).save()
    write(frame, service)
    tracker = spark._jsparkSession.sharedState().statusStore().executionsList()
    plans = str(tracker.mkString("\n"))
    assert "engine-key" not in plans
    shown = capfd.readouterr()
    assert "engine-key" not in shown.out + shown.err


def test_a_campaign_that_is_not_there_ends_the_job_before_its_tasks(
    spark: Any, uploads: Any, service: Sandbox
) -> None:
    count = len(uploads.receipts)
    with pytest.raises(Exception, match="NotFoundError"):
        write(leads(spark, 10, 1), service, campaign_id="99999999-9999-4999-8999-999999999999")
    assert len(uploads.receipts) == count
    assert not service.requests or all("push" not in str(one) for one in service.requests)


def test_a_job_that_failed_tells_what_is_known_and_can_be_run_again(
    spark: Any, uploads: Any, service: Sandbox, outcomes: str
) -> None:
    stop = F.udf(lambda lead: lead // (lead != 700) if lead == 700 else lead, "long")
    frame = leads(spark, 1000, 4)
    broken = frame.withColumn("lead", stop("lead"))
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "50")
    with pytest.raises(Exception, match="ZeroDivisionError"):
        write(broken, service, outcomes)
    receipt = uploads.receipts[-1]
    assert not receipt.committed
    assert not list(Path(outcomes).glob("**/*.parquet"))
    write(frame, service, outcomes)
    receipt = uploads.receipts[-1]
    assert receipt.accepted + receipt.existing == 1000
    assert keys(service) == {str(lead): 1 for lead in range(1000)}


def test_speculation_does_no_harm(spark: Any, uploads: Any, service: Sandbox) -> None:
    """Two attempts of one partition at once: the second waits for the first."""
    import pyarrow as pa
    from revrag.engines import attempt, whole
    from revrag.engines.settings import Settings

    settings = Settings.of(
        {
            "campaign_id": service.campaign_id,
            "base_url": service.url,
            "key": "lead",
            "settle_after": 0.1,
        }
    )
    job = whole.begin((uploads.address, uploads.secret), settings)
    place = attempt.Place(uploads.address, uploads.secret, job, 0)
    table = pa.table(
        {"lead": list(range(400)), "phone_number": [f"+9198{at:08d}" for at in range(400)]}
    )
    sent: list[Any] = []

    def run() -> None:
        sent.append(attempt.send([table], settings, place))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert [one.counts for one in sent] == [{"accepted": 400}] * 3
    assert keys(service) == {str(lead): 1 for lead in range(400)}


def test_without_spark_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['pyspark'] = None; import revrag.spark"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'pip install "revrag[spark]"' in done.stderr.splitlines()[-1]
