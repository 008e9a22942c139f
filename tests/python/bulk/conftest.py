"""Fixtures of the upload tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import revrag
from revrag.engines.coordinator import Coordinator
from support import KEY
from support.both import BOTH, Invoke
from support.doubt import CHUNK
from support.sandboxed import campaign_for, hosted
from support.service import Service, at, each, status
from support.upload import QUICK

Host = Callable[..., Service]
Upload = Callable[..., "revrag.UploadReport"]
Send = Callable[..., "revrag.UploadReport"]

# Each way to call, with and without a journal.
CALLS = {"blocking": ("sync", False), "asyncio, with a journal": ("async", True)}


@pytest.fixture
def host() -> Iterator[Host]:
    """Start a service: ``host(faults=…, order="newest")``."""
    services: list[Service] = []

    def host(**options: Any) -> Service:
        services.append(hosted(**options))
        return services[-1]

    yield host
    for service in services:
        service.close()


@pytest.fixture
def service(host: Host) -> Service:
    """A service at its best."""
    return host()


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Coordinator]:
    """What the tasks of a cluster's job ask: in this process, and so are they."""
    monkeypatch.setenv("REVRAG_API_KEY", KEY)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    coordinator = Coordinator("127.0.0.1")
    yield coordinator
    coordinator.close()


@pytest.fixture
def upload(invoke: Invoke) -> Upload:
    """Upload both ways: ``upload(service, source, **options)``."""

    def upload(
        to: Service | revrag.Campaign, source: object, **options: Any
    ) -> revrag.UploadReport:
        campaign = campaign_for(to, source)
        return invoke(campaign, "upload", source, **QUICK | options)

    return upload


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Where a journal may be: alone in a folder."""
    folder = tmp_path / "journals"
    folder.mkdir()
    return folder / "leads.journal"


@pytest.fixture(params=CALLS)
def send(request: pytest.FixtureRequest, journal: Path) -> Send:
    """Upload a chunk at a time; the report, also of an upload that stopped."""
    way, is_journalled = CALLS[request.param]

    def send(to: Service | revrag.Campaign, source: object, **options: Any) -> revrag.UploadReport:
        campaign = campaign_for(to, source)
        given = {"max_records": CHUNK, "concurrency": 1, **QUICK, **options}
        if is_journalled:
            given["journal"] = journal
        try:
            return BOTH[way](campaign, "upload", source, **given)
        except revrag.UploadError as error:
            return error.report

    return send


def stopped(
    upload: Upload, service: Service, journal: Path, source: object, **options: Any
) -> revrag.UploadReport:
    """An upload that a 400 stops at the fourth push."""
    service.faults = at({3: status(400)})
    with pytest.raises(revrag.UploadError) as info:
        upload(service, source, journal=journal, max_records=10, concurrency=1, **options)
    service.faults = each()
    return info.value.report
