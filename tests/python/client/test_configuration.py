"""Where a client's configuration comes from, and whom it trusts."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import revrag
import trustme
from client.conftest import context
from support import CAMPAIGN_ID, IS_SANDBOXED, LEAD, PUSHED, STATUS, campaign_at
from support.both import Invoke
from support.orders import cannot
from support.server import Serve, Server, reply


def test_argument_then_environment_then_default(
    monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> None:
    if IS_SANDBOXED:
        cannot("that several keys are let in")
    server = serve(reply(200, STATUS))
    with pytest.raises(revrag.InvalidArgumentError, match=r"api_key=.*REVRAG_API_KEY"):
        revrag.Client()
    assert revrag.Client("key").base_url == revrag.PRODUCTION == "https://api.revrag.ai"
    assert revrag.STAGING == "https://staging-api.revrag.ai"
    monkeypatch.setenv("REVRAG_API_KEY", "from-the-environment")
    monkeypatch.setenv("REVRAG_BASE_URL", server.url)
    revrag.Client().campaign(CAMPAIGN_ID).status()
    revrag.Client("from-the-argument").campaign(CAMPAIGN_ID).status()
    assert [request.headers["x-api-key"] for request in server.requests] == [
        "from-the-environment",
        "from-the-argument",
    ]
    assert revrag.Client(base_url=revrag.STAGING).base_url == revrag.STAGING


def test_the_environment_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVRAG_API_KEY", "key\n")
    with pytest.raises(revrag.InvalidArgumentError, match=r"^REVRAG_API_KEY: "):
        revrag.Client()
    monkeypatch.setenv("REVRAG_BASE_URL", "http://api.revrag.ai")
    with pytest.raises(revrag.InvalidArgumentError, match=r"^REVRAG_BASE_URL: "):
        revrag.Client("key")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"base_url": "http://api.revrag.ai"}, "base_url"),
        ({"base_url": "http://127.0.0.1.example.com"}, "base_url"),
        ({"base_url": "https://api.revrag.ai\r\nX-Evil: 1"}, "base_url"),
        ({"base_url": "https://me:secret@api.revrag.ai"}, "base_url"),
        ({"base_url": "ftp://127.0.0.1"}, "base_url"),
        ({"base_url": ""}, "base_url"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": -1}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"timeout": float("inf")}, "timeout"),
        ({"connect_timeout": 0}, "connect_timeout"),
        ({"max_retries": -1}, "max_retries"),
        ({"max_response_bytes": 0}, "max_response_bytes"),
        ({"proxy": "not a url"}, "proxy"),
        ({"ca_bundle": "/nowhere/ca.pem"}, "ca_bundle"),
        ({"ca_bundle": __file__}, "ca_bundle"),
    ],
)
def test_options_that_cannot_be(options: dict[str, object], named: str) -> None:
    with pytest.raises(revrag.InvalidArgumentError, match=f"^{named}: ") as info:
        revrag.Client("key", **options)
    assert "secret" not in str(info.value)


@pytest.mark.parametrize("key", ["", "a b", "key\r\nX-Evil: 1", "key\n", "clé", "a\0b"])
def test_keys_that_cannot_be(key: str) -> None:
    with pytest.raises(revrag.InvalidArgumentError, match=r"^api_key: ") as info:
        revrag.Client(key)
    assert not key or key not in str(info.value)


def test_a_hook_that_cannot_be_called() -> None:
    with pytest.raises((revrag.InvalidArgumentError, TypeError), match="on_request"):
        revrag.Client("key", on_request=7)  # type: ignore[arg-type]


# --- certificates -----------------------------------------------------------------------------


def test_a_ca_bundle_is_trusted(invoke: Invoke, secure: Server, bundle: Path) -> None:
    for path in (bundle, str(bundle)):
        assert invoke(campaign_at(secure.url, ca_bundle=path), "status").status == "running"
    by_address = f"https://127.0.0.1:{secure.port}"
    assert invoke(campaign_at(by_address, ca_bundle=bundle), "status").status == "running"


def test_ssl_cert_file_is_trusted(
    invoke: Invoke, secure: Server, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    assert invoke(campaign_at(secure.url), "status").status == "running"


REFUSED: dict[str, Callable[[trustme.CA], trustme.LeafCert]] = {
    "expired": lambda ca: ca.issue_cert(
        "localhost",
        not_before=dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        not_after=dt.datetime(2021, 1, 1, tzinfo=dt.UTC),
    ),
    "wrong host": lambda ca: ca.issue_cert("elsewhere.example"),
    "untrusted": lambda _: trustme.CA().issue_cert("localhost"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_certificates_that_are_refused(
    invoke: Invoke, serve: Serve, authority: trustme.CA, bundle: Path, kind: str
) -> None:
    server = serve(reply(200, STATUS), tls=context(REFUSED[kind](authority)))
    campaign = campaign_at(server.url, ca_bundle=bundle, max_retries=0)
    with pytest.raises(revrag.APIConnectionError, match="certificate"):
        invoke(campaign, "push", [LEAD])
    assert server.requests == []


def test_a_self_signed_certificate_is_refused(invoke: Invoke, serve: Serve, tmp_path: Path) -> None:
    # Python's ssl takes the authority's own certificate as a server's.
    authority = trustme.CA()
    chain = tmp_path / "self.pem"
    chain.write_bytes(authority.private_key_pem.bytes() + authority.cert_pem.bytes())
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(chain)
    server = serve(reply(200, STATUS), tls=made)
    with pytest.raises(revrag.APIConnectionError, match="certificate"):
        invoke(campaign_at(server.url, max_retries=0), "status")
    assert server.requests == []


# --- redirects --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(invoke: Invoke, serve: Serve, status: int) -> None:
    elsewhere = serve(reply(200, STATUS | PUSHED))
    for location in (elsewhere.url, f"http://localhost:{elsewhere.port}/v1", "/v1", "//x.example"):
        server = serve(reply(status, {}, {"location": location}))
        for method, args in [("status", ()), ("push", ([LEAD],))]:
            with pytest.raises(revrag.APIStatusError, match="redirects are not followed") as info:
                invoke(campaign_at(server.url), method, *args)
            assert info.value.status_code == status
        assert len(server.requests) == 2
    assert elsewhere.connections == 0


# --- what the environment says ----------------------------------------------------------------


def test_ssl_cert_file_takes_the_place_of_the_platforms(
    invoke: Invoke,
    serve: Serve,
    secure: Server,
    bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = trustme.CA()
    other_bundle = tmp_path / "other.pem"
    other.cert_pem.write_to_path(str(other_bundle))
    elsewhere = serve(reply(200, STATUS), tls=context(other.issue_cert("localhost")))
    monkeypatch.setenv("SSL_CERT_FILE", str(other_bundle))
    assert invoke(campaign_at(elsewhere.url), "status").status == "running"
    assert invoke(campaign_at(secure.url, ca_bundle=bundle), "status").status == "running"
    with pytest.raises(revrag.APIConnectionError, match="certificate"):
        invoke(campaign_at(secure.url, max_retries=0), "status")


def test_ssl_cert_file_matters_only_where_a_certificate_does(
    invoke: Invoke, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    assert invoke(campaign_at(serve(reply(200, STATUS)).url), "status").status == "running"
    with pytest.raises(revrag.InvalidArgumentError, match=r"^SSL_CERT_FILE: /nowhere/ca.pem"):
        revrag.Client("key")


def test_an_empty_ssl_cert_file_is_unset(
    invoke: Invoke,
    serve: Serve,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The other variable, and the platform's store, count as if it were not there."""
    monkeypatch.setenv("SSL_CERT_FILE", "")
    monkeypatch.setenv("SSL_CERT_DIR", "")
    server = serve(reply(200, STATUS), tls=context(authority.issue_cert("localhost")))
    with pytest.raises(revrag.APIConnectionError, match="certificate"):
        invoke(campaign_at(server.url, max_retries=0), "status")
    folder = tmp_path / "certificates"
    folder.mkdir()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    assert invoke(campaign_at(server.url), "status").status == "running"
    (folder / "ca.pem").unlink()
    monkeypatch.setenv("SSL_CERT_DIR", f"{folder}:")
    with pytest.raises(revrag.InvalidArgumentError, match=r"^certificates: .*none to trust"):
        invoke(campaign_at(server.url), "status")
