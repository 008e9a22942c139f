"""Fixtures for tests of a client: a private authority, and a server that it vouches for."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from support import STATUS
from support.proxy import Proxy, Through
from support.server import Serve, Server, reply


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(made)
    return made


@pytest.fixture
def secure(authority: trustme.CA, serve: Serve) -> Server:
    """A server whose certificate a private authority signed."""
    return serve(reply(200, STATUS), tls=context(authority.issue_cert("localhost", "127.0.0.1")))


@pytest.fixture
def proxy() -> Iterator[Through]:
    """Start a proxy: ``proxy("user:password")``, ``proxy(refusal="HTTP/1.1 403 Forbidden")``."""
    made: list[Proxy] = []

    def start(*args: object, **options: object) -> Proxy:
        made.append(Proxy(*args, **options))
        return made[-1]

    yield start
    for one in made:
        one.close()
