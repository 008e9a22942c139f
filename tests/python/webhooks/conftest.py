"""Fixtures for the endpoints: servers, Redis, deliveries."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.databases import start_mariadb, start_postgres
from support.deliveries import Sender, sender
from support.web import Serve, Web, start_redis


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis of these tests' own."""
    url, process = start_redis(tmp_path_factory.mktemp("redis"))
    yield url
    process.kill()
    process.communicate(timeout=10)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL of these tests' own."""
    # Not among pytest's folders, which are its user's alone.
    with tempfile.TemporaryDirectory(prefix="revrag-postgres-") as folder:
        url, process = start_postgres(Path(folder))
        yield url
        process.send_signal(signal.SIGQUIT)
        process.communicate(timeout=10)


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """A MariaDB of these tests' own, where it is installed."""
    with tempfile.TemporaryDirectory(prefix="revrag-mariadb-") as folder:
        url, process = start_mariadb(Path(folder))
        yield url
        process.kill()
        process.communicate(timeout=10)


@pytest.fixture
def send() -> Iterator[Sender]:
    """Make a delivery that tells its handler what to do: ``send("raise", event_id="evt_1")``."""
    made = sender()
    yield made
    made.close()


@pytest.fixture
def serve(send: Sender, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start a server: ``serve("flask", workers=2, APP_STORE="memory")``."""
    started: list[Web] = []

    def serve(framework: str, *, workers: int = 2, **settings: str) -> Web:
        folder: Path = tmp_path_factory.mktemp("web")
        settings.setdefault("APP_STORE", f"sqlite:{folder / 'store.sqlite'}")
        started.append(Web(framework, folder, workers, settings, send.named))
        return started[-1]

    yield serve
    for web in started:
        web.stop()
