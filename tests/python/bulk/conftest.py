"""Fixtures of the upload tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import revrag
from support.both import Invoke
from support.service import Service
from support.upload import QUICK

Host = Callable[..., Service]
Upload = Callable[..., "revrag.UploadReport"]


@pytest.fixture
def host() -> Iterator[Host]:
    """Start a service: ``host(faults=…, order="newest")``."""
    services: list[Service] = []

    def host(**options: Any) -> Service:
        services.append(Service(**options))
        return services[-1]

    yield host
    for service in services:
        service.close()


@pytest.fixture
def service(host: Host) -> Service:
    """A service at its best."""
    return host()


@pytest.fixture
def upload(invoke: Invoke) -> Upload:
    """Upload both ways: ``upload(service, source, **options)``."""

    def upload(
        to: Service | revrag.Campaign, source: object, **options: Any
    ) -> revrag.UploadReport:
        campaign = to.campaign() if isinstance(to, Service) else to
        return invoke(campaign, "upload", source, **QUICK | options)

    return upload
