"""Whom not to call, how many, and when to stop: for all tasks of a job together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from revrag.sandbox import Sandbox
from truth import keys, told, write

pytest.importorskip("pyspark")
from pyspark.sql import functions as F  # noqa: N812  # as all of Spark does


def leads(spark: Any, count: int, parts: int, *, wrong_each: int = 0) -> Any:
    number = F.format_string("+9198%08d", F.col("id"))
    if wrong_each:
        number = F.when(F.col("id") % wrong_each == 0, F.lit("12")).otherwise(number)
    return spark.range(0, count, 1, parts).select(
        F.col("id").alias("lead"), number.alias("phone_number")
    )


@pytest.fixture
def numbers(tmp_path: Path) -> str:
    """Each fifth lead's, as people write them."""
    path = tmp_path / "do-not-call.csv"
    path.write_text("\n".join(["phone_number", *(f"098{at:08d}" for at in range(0, 500, 5))]))
    return str(path)


def test_who_is_excluded_stays_home(
    spark: Any, uploads: Any, service: Sandbox, outcomes: str, numbers: str
) -> None:
    # What was sent before was.
    write(leads(spark, 6, 1), service)
    write(leads(spark, 500, 4), service, outcomes, exclude=numbers)
    assert uploads.receipts[-1].rows == {"accepted": 396, "existing": 6, "excluded": 98}
    assert keys(service) == {str(at): 1 for at in range(500) if at < 6 or at % 5}
    home = [int(row["key"]) for row in told(outcomes) if row["outcome"] == "excluded"]
    assert sorted(home) == list(range(10, 500, 5))


def test_who_is_excluded_stays_home_where_the_listing_proves_nothing(
    spark: Any, uploads: Any, service: Sandbox, numbers: str
) -> None:
    with service.client() as client:
        campaign = client.campaign(service.campaign_id)
        campaign.push([{"phone_number": "+919000000001", "app_session_id": "theirs"}])
    write(leads(spark, 500, 4), service, exclude=numbers)
    assert uploads.receipts[-1].rows == {"accepted": 400, "excluded": 100}


def test_a_list_that_cannot_be_read_ends_the_job_before_its_tasks(
    spark: Any, uploads: Any, service: Sandbox, tmp_path: Path
) -> None:
    frame = leads(spark, 10, 1)
    path = tmp_path / "wrong.csv"
    path.write_text("phone_number\n9800000001\nRiya\n")
    with pytest.raises(Exception, match="entry 1"):
        write(frame, service, exclude=str(path))
    with pytest.raises(Exception, match="exclude"):
        write(frame, service, exclude=str(tmp_path / "nowhere.csv"))
    with pytest.raises(Exception, match="exclude: options are shown"):
        write(frame, service, exclude='["+919800000001"]')
    assert not keys(service)


def test_a_limit_is_for_all_tasks_together(
    spark: Any, uploads: Any, service: Sandbox, outcomes: str
) -> None:
    for sent in (100, 200):
        write(leads(spark, 1000, 4), service, outcomes, limit=100)
        rows = {"accepted": 100, "not_sent": 1000 - sent}
        assert uploads.receipts[-1].rows == rows | ({"existing": 100} if sent > 100 else {})
        assert len(keys(service)) == sent
    beyond = [row["error"] for row in told(outcomes) if row["outcome"] == "not_sent"]
    assert len(beyond) == 900 + 800
    assert all("limit=100" in error for error in beyond)


def test_too_many_invalid_rows_end_the_job(
    spark: Any, uploads: Any, service: Sandbox, outcomes: str
) -> None:
    for most in ("0.1", "10"):
        with pytest.raises(Exception, match=r"max_invalid: .* may be the wrong column"):
            write(leads(spark, 10_000, 4, wrong_each=5), service, outcomes, max_invalid=most)
        receipt = uploads.receipts[-1]
        assert (receipt.committed, receipt.accepted) == (False, 0)
        assert not list(Path(outcomes).glob("*.parquet"))
    assert not keys(service)
    write(leads(spark, 10_000, 4, wrong_each=5), service, max_invalid="0.2")
    assert uploads.receipts[-1].rows == {"accepted": 8000, "invalid": 2000}


def test_a_share_of_few_rows_is_judged_at_the_end(
    spark: Any, uploads: Any, service: Sandbox
) -> None:
    with pytest.raises(Exception, match="max_invalid: 20 of the 100 rows"):
        write(leads(spark, 100, 2, wrong_each=5), service, max_invalid=0.1)
    assert len(keys(service)) == 80


@pytest.mark.parametrize(
    "wrong", [{"limit": -1}, {"max_invalid": 1.5}, {"exclude": "a.csv", "on_invalid": "send"}]
)
def test_what_makes_no_sense_is_refused(
    spark: Any, uploads: Any, service: Sandbox, wrong: dict[str, Any]
) -> None:
    with pytest.raises(Exception, match=next(iter(wrong))):
        write(leads(spark, 10, 1), service, **wrong)
    assert not keys(service)
