"""Which way requests go, and what is told of a proxy that does not let them through."""

from __future__ import annotations

import pickle
import socket
import threading
from pathlib import Path

import pytest
import revrag
import trustme
from client.conftest import context
from support import KEY, LEAD, STATUS, campaign_at
from support.both import Invoke
from support.proxy import Through
from support.server import Serve, Server, reply


def test_a_proxy_by_argument(invoke: Invoke, secure: Server, bundle: Path, proxy: Through) -> None:
    way = proxy()
    campaign = campaign_at(secure.url, ca_bundle=bundle, proxy=f"http://{way.address}")
    assert invoke(campaign, "status").status == "running"
    assert way.asked == [("CONNECT", f"localhost:{secure.port}")]
    assert len(secure.requests) == 1


def test_a_proxy_for_plain_http_on_this_machine(
    invoke: Invoke, serve: Serve, proxy: Through
) -> None:
    server, way = serve(reply(200, STATUS)), proxy()
    campaign = campaign_at(server.url, proxy=f"http://{way.address}")
    assert invoke(campaign, "status").status == "running"
    assert [method for method, _ in way.asked] == ["GET"]
    assert server.requests[0].headers["x-api-key"] == KEY


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_by_the_environment(
    invoke: Invoke,
    secure: Server,
    bundle: Path,
    proxy: Through,
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
    invoke: Invoke, secure: Server, bundle: Path, proxy: Through
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
    proxy: Through,
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


REFUSALS = {
    "HTTP/1.1 403 Forbidden": "403 Forbidden",
    "HTTP/1.0 502 9876543210": "502 Bad Gateway",
    "HTTP/1.1 599": "599",
    "HTTP/1.1 204 No Content": "204 No Content",
    "HTTP/1.1 407 Nope": "407 Proxy Authentication Required; check the user name and the password",
}


@pytest.mark.parametrize("line", REFUSALS)
def test_a_refusal_shows_its_status(
    invoke: Invoke, secure: Server, bundle: Path, proxy: Through, line: str
) -> None:
    way = proxy(refusal=line)
    campaign = campaign_at(
        secure.url, ca_bundle=bundle, proxy=f"http://me:hunter2@{way.address}", max_retries=0
    )
    for method, args in (("status", ()), ("push", ([LEAD],))):
        with pytest.raises(revrag.APIConnectionError) as info:
            invoke(campaign, method, *args)
        text = str(info.value)
        assert "nothing was sent" in text
        target = f"localhost:{secure.port}"
        said = f"the proxy http://***@{way.address} did not open a tunnel to {target}: it answered "
        assert said + REFUSALS[line] in text
        assert not any(secret in text for secret in ("me:", "hunter2", "98765"))
    # Asked once more only where the answer was not known, and as before, without the key.
    assert len(way.asked) == (2 if " 407 " in line else 4)
    assert set(way.asked) == {("CONNECT", target)}
    credentials = {headers["proxy-authorization"] for headers in way.headers}
    assert credentials == {"Basic bWU6aHVudGVyMg=="}
    assert len({headers["user-agent"] for headers in way.headers}) == 1
    assert not any("x-api-key" in headers for headers in way.headers)
    assert secure.requests == []


def test_a_refusal_of_a_proxy_over_tls(
    invoke: Invoke, secure: Server, authority: trustme.CA, bundle: Path, proxy: Through
) -> None:
    way = proxy(refusal="HTTP/1.1 403 No", tls=context(authority.issue_cert("localhost")))
    address = f"https://localhost:{way.address.rpartition(':')[2]}"
    campaign = campaign_at(secure.url, ca_bundle=bundle, proxy=address, max_retries=0)
    with pytest.raises(revrag.APIConnectionError) as info:
        invoke(campaign, "push", [LEAD])
    assert f"the proxy {address} did not open" in str(info.value)
    assert "it answered 403 Forbidden" in str(info.value)


@pytest.mark.parametrize("line", ["", "garbage", "HTTP/1.1 20"])
def test_a_refusal_without_a_status(
    invoke: Invoke, secure: Server, bundle: Path, proxy: Through, line: str
) -> None:
    """The proxy is named, and there is an end to it."""
    way = proxy(refusal=line or "\r\n")
    campaign = campaign_at(
        secure.url, ca_bundle=bundle, proxy=f"http://{way.address}", max_retries=0
    )
    with pytest.raises(revrag.APIConnectionError, match="did not open a tunnel") as info:
        invoke(campaign, "push", [LEAD])
    assert way.address in str(info.value)


def test_a_proxy_that_falls_silent_after_its_refusal(
    invoke: Invoke, secure: Server, bundle: Path
) -> None:
    """It is asked for no longer than a connection may take."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        campaign = campaign_at(
            secure.url,
            ca_bundle=bundle,
            proxy=f"http://127.0.0.1:{listener.getsockname()[1]}",
            connect_timeout=1.0,
            max_retries=0,
        )
        held = []

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            held.append(listener.accept()[0])

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(revrag.APIConnectionError, match="did not open a tunnel"):
            invoke(campaign, "status")
        thread.join(20)
        assert len(held) == 1
        held[0].close()


def test_the_proxy_is_an_attribute(monkeypatch: pytest.MonkeyPatch) -> None:
    given = revrag.Client("key", proxy="http://me:hunter2@proxy.test:3128/x?y")
    for client in (given, pickle.loads(pickle.dumps(given)), given.with_options(timeout=1)):
        assert client.proxy == "http://***@proxy.test:3128"
    assert revrag.Client("key").proxy is None
    monkeypatch.setenv("HTTPS_PROXY", "proxy.test:8080")
    assert revrag.Client("key").proxy == "http://proxy.test:8080"
    assert revrag.Client("key", proxy=False).proxy is None
    assert revrag.Client("key", base_url="http://127.0.0.1:9").proxy is None
    monkeypatch.setenv("NO_PROXY", "*")
    assert revrag.Client("key").proxy is None
