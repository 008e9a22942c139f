"""Real engines on this machine, against the sandbox."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from revrag.sandbox import Sandbox

# Before Spark's driver begins: executors are its children.
os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A campaign in which nobody is called."""
    with Sandbox(time="manual", api_key="engine-key") as sandbox:
        monkeypatch.setenv("REVRAG_BASE_URL", sandbox.url)
        yield sandbox


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """Two executors in processes of their own."""
    pytest.importorskip("pyspark")
    from pyspark.sql import SparkSession

    os.environ["REVRAG_API_KEY"] = "engine-key"
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "8",
        "spark.sql.adaptive.enabled": "false",
        # What is killed here comes back as often as it is killed.
        "spark.task.maxFailures": "12",
        "spark.stage.maxConsecutiveAttempts": "100",
        "spark.deploy.maxExecutorRetries": "-1",
        # Rows of a shuffle come in another order each time.
        "spark.sql.execution.sortBeforeRepartition": "false",
    }
    builder = SparkSession.builder.master("local-cluster[2,1,1024]").appName("revrag")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def uploads(spark: Any) -> Iterator[Any]:
    import revrag.spark

    coordinator = revrag.spark.register(spark)
    yield coordinator
    coordinator.close()


@pytest.fixture
def outcomes(tmp_path: Path) -> str:
    return str(tmp_path / "outcomes")
