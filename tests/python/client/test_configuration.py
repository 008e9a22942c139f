"""Where a client's configuration comes from, and whom it trusts."""

from __future__ import annotations

import base64
import datetime as dt
import pickle
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import revrag
import trustme
from support import CAMPAIGN_ID, LEAD, PUSHED, STATUS, campaign_at
from support.both import Invoke
from support.server import Serve, Server, read_request, reply


def test_argument_then_environment_then_default(
    monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> None:
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


# --- proxies ----------------------------------------------------------------------------------


class Proxy:
    """An HTTP proxy: tunnels for CONNECT, and forwarding for the rest."""

    def __init__(self, credentials: str | None = None) -> None:
        self.wanted = (
            f"Basic {base64.b64encode(credentials.encode()).decode()}" if credentials else None
        )
        self.asked: list[tuple[str, str]] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            request = read_request(stream, 0)
            assert request is not None
            self.asked.append((request.method, request.target))
            if self.wanted and request.headers.get("proxy-authorization") != self.wanted:
                connection.sendall(b"HTTP/1.1 407 Nope\r\ncontent-length: 0\r\n\r\n")
                return
            # What comes after a CONNECT would carry the key in the clear.
            assert "x-api-key" not in request.headers or request.method != "CONNECT"
            if request.method == "CONNECT":
                host, _, port = request.target.partition(":")
                with socket.create_connection((host, int(port))) as upstream:
                    connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                    back = threading.Thread(target=self.pump, args=(upstream, connection))
                    back.start()
                    self.pump(connection, upstream)
                    back.join()
                return
            origin = request.target.removeprefix("http://")
            host, _, path = origin.partition("/")
            name, _, port = host.partition(":")
            with socket.create_connection((name, int(port))) as upstream:
                lines = [f"{request.method} /{path} HTTP/1.1", f"host: {host}", "connection: close"]
                lines.append(f"x-api-key: {request.headers['x-api-key']}")
                upstream.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
                upstream.shutdown(socket.SHUT_WR)
                self.pump(upstream, connection)

    @staticmethod
    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@pytest.fixture
def proxy() -> Iterator[Callable[..., Proxy]]:
    made: list[Proxy] = []

    def start(credentials: str | None = None) -> Proxy:
        made.append(Proxy(credentials))
        return made[-1]

    yield start
    for one in made:
        one.listener.shutdown(socket.SHUT_RDWR)
        one.listener.close()


def test_a_proxy_by_argument(
    invoke: Invoke, secure: Server, bundle: Path, proxy: Callable[..., Proxy]
) -> None:
    way = proxy()
    campaign = campaign_at(secure.url, ca_bundle=bundle, proxy=f"http://{way.address}")
    assert invoke(campaign, "status").status == "running"
    assert way.asked == [("CONNECT", f"localhost:{secure.port}")]
    assert len(secure.requests) == 1


def test_a_proxy_for_plain_http_on_this_machine(
    invoke: Invoke, serve: Serve, proxy: Callable[..., Proxy]
) -> None:
    server, way = serve(reply(200, STATUS)), proxy()
    campaign = campaign_at(server.url, proxy=f"http://{way.address}")
    assert invoke(campaign, "status").status == "running"
    assert [method for method, _ in way.asked] == ["GET"]
    assert server.requests[0].headers["x-api-key"] == "key-for-tests"


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_by_the_environment(
    invoke: Invoke,
    secure: Server,
    bundle: Path,
    proxy: Callable[..., Proxy],
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    way = proxy()
    monkeypatch.setenv(variable, f"http://{way.address}")
    assert invoke(campaign_at(secure.url, ca_bundle=bundle), "status").status == "running"
    assert len(way.asked) == 1
    monkeypatch.setenv("NO_PROXY", "example.com,localhost")
    assert invoke(campaign_at(secure.url, ca_bundle=bundle), "status").status == "running"
    assert len(way.asked) == 1


def test_a_proxy_with_credentials(
    invoke: Invoke, secure: Server, bundle: Path, proxy: Callable[..., Proxy]
) -> None:
    way = proxy("me:p@ss word")
    address = f"http://me:p%40ss%20word@{way.address}"
    campaign = campaign_at(secure.url, ca_bundle=bundle, proxy=address)
    assert invoke(campaign, "status").status == "running"
    wrong = campaign_at(
        secure.url, ca_bundle=bundle, proxy=f"http://me:hunter2@{way.address}", max_retries=0
    )
    with pytest.raises(revrag.APIConnectionError, match="nothing was sent") as info:
        invoke(wrong, "push", [LEAD])
    assert "hunter2" not in str(info.value)
    assert len(secure.requests) == 1


def test_a_proxy_that_is_down(invoke: Invoke, secure: Server, bundle: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    campaign = campaign_at(
        secure.url, ca_bundle=bundle, proxy=f"http://127.0.0.1:{port}", max_retries=0
    )
    with pytest.raises(revrag.APIConnectionError, match="nothing was sent"):
        invoke(campaign, "push", [LEAD])


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


def test_a_proxy_variable_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("socks://127.0.0.1:1080", "ftp://127.0.0.1", "http://"):
        monkeypatch.setenv("ALL_PROXY", text)
        with pytest.raises(revrag.InvalidArgumentError, match=r"^ALL_PROXY: "):
            revrag.Client("key")
        revrag.Client("key", base_url="http://127.0.0.1:9")
        revrag.Client("key", proxy="http://127.0.0.1:3128")


@pytest.mark.parametrize("form", ['"http://{}"', " http://{} ", "'{}'"])
def test_a_proxy_variable_in_quotes(
    invoke: Invoke,
    secure: Server,
    bundle: Path,
    proxy: Callable[..., Proxy],
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    way = proxy()
    monkeypatch.setenv("HTTPS_PROXY", form.format(way.address))
    assert invoke(campaign_at(secure.url, ca_bundle=bundle), "status").status == "running"
    assert len(way.asked) == 1
    for exception in ("*", f"localhost:{secure.port}", "x.test, localhost"):
        monkeypatch.setenv("NO_PROXY", exception)
        assert invoke(campaign_at(secure.url, ca_bundle=bundle), "status").status == "running"
        assert len(way.asked) == 1, exception
    monkeypatch.setenv("NO_PROXY", f"localhost:{secure.port + 1}")
    assert invoke(campaign_at(secure.url, ca_bundle=bundle), "status").status == "running"
    assert len(way.asked) == 2


def test_no_proxy_whatever_the_environment_says(
    invoke: Invoke, secure: Server, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks://nowhere.invalid")
    campaign = campaign_at(secure.url, ca_bundle=bundle, proxy=False)
    for one in (campaign, pickle.loads(pickle.dumps(campaign))):
        assert invoke(one, "status").status == "running"
    with pytest.raises(revrag.InvalidArgumentError, match=r"^proxy: "):
        revrag.Client("key", proxy=True)  # type: ignore[arg-type]


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
