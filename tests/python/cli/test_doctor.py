"""``revrag doctor`` names the cause of what is staged here."""

from __future__ import annotations

import json
import socket
import ssl
import time
from email.utils import formatdate
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme
from revrag.sandbox import Sandbox
from support import CALL, CALL_ID, CAMPAIGN_ID, KEY, PAGE, RECORD, STATUS
from support.commands import Terminal, environment, run
from support.proxy import Proxy
from support.server import Act, Request, Serve, reply, silence


class Examined(NamedTuple):
    code: int
    health: dict[str, str]
    said: str


def service(
    status: object = STATUS,
    page: object = PAGE,
    call: object = CALL,
    *,
    ahead: float = 0,
    key: str = KEY,
) -> Act:
    """A service that answers each endpoint with a document, by a clock that may be ahead."""

    def act(connection: socket.socket, request: Request) -> None:
        headers = {"date": formatdate(time.time() + ahead, usegmt=True)}
        path = request.target.partition("?")[0]
        if request.headers.get("x-api-key") != key:
            answer = reply(401, {"detail": "Invalid API key."}, headers)
        elif path.endswith(f"/{CAMPAIGN_ID}/status"):
            answer = reply(200, status, headers)
        elif path.endswith(f"/{CAMPAIGN_ID}/records"):
            answer = reply(200, page, headers)
        elif path.endswith(f"/trigger/status/{CALL_ID}"):
            answer = reply(200, call, headers)
        else:
            answer = reply(404, {"detail": "Campaign not found."}, headers)
        assert request.method == "GET"
        answer(connection, request)

    return act


def examine(home: Path, url: str, *arguments: str, **variables: str) -> Examined:
    env = environment(
        home,
        **{
            "REVRAG_API_KEY": KEY,
            "REVRAG_BASE_URL": url,
            "REVRAG_CAMPAIGN_ID": CAMPAIGN_ID,
            **variables,
        },
    )
    finished = run(["doctor", "--json", *arguments], env)
    findings = [json.loads(line) for line in finished.stdout.splitlines()]
    health = {
        found["subject"]: found["health"]
        for found in sorted(
            (found for found in findings if "subject" in found),
            key=lambda found: ["unknown", "good", "look", "bad"].index(found["health"]),
        )
    }
    said = finished.stdout.decode() + finished.stderr.decode()
    assert KEY not in said
    return Examined(finished.returncode, health, said)


def bad(examined: Examined) -> set[str]:
    """What is bad."""
    return {subject for subject, health in examined.health.items() if health == "bad"}


def test_all_is_well(serve: Serve, tmp_path: Path):
    server = serve(service())
    examined = examine(tmp_path, server.url, REVRAG_WEBHOOK_SECRET="whsec")
    assert examined.code == 0, examined.said
    assert set(examined.health.values()) == {"good"}, examined.said
    for subject in ("key", "campaign", "clock", "proxy", "connection", "fields"):
        assert subject in examined.health
    assert {request.method for request in server.requests} == {"GET"}


def test_a_wrong_key(serve: Serve, tmp_path: Path):
    examined = examine(tmp_path, serve(service(key="another")).url)
    assert (examined.code, bad(examined)) == (3, {"key"}), examined.said
    assert examined.health["clock"] == "good"


def test_no_key(serve: Serve, tmp_path: Path):
    server = serve(service())
    examined = examine(tmp_path, server.url, REVRAG_API_KEY="")
    assert (examined.code, bad(examined)) == (2, {"key"}), examined.said
    assert examined.health["connection"] == "good"
    assert not server.requests


def test_a_key_with_a_line_break(serve: Serve, tmp_path: Path):
    examined = examine(tmp_path, serve(service()).url, REVRAG_API_KEY="key-one\n")
    assert (examined.code, bad(examined)) == (2, {"key"}), examined.said
    assert "line break" in examined.said


def test_another_campaign(serve: Serve, tmp_path: Path):
    other = "22222222-1111-1111-1111-111111111111"
    examined = examine(tmp_path, serve(service()).url, REVRAG_CAMPAIGN_ID=other)
    assert (examined.code, bad(examined)) == (3, {"campaign"}), examined.said
    assert examined.health["key"] == "good"


def test_no_campaign_tells_of_the_key_all_the_same(serve: Serve, tmp_path: Path):
    examined = examine(tmp_path, serve(service()).url, REVRAG_CAMPAIGN_ID="")
    assert (examined.code, bad(examined)) == (0, set()), examined.said
    assert (examined.health["key"], examined.health["campaign"]) == ("good", "unknown")


@pytest.mark.parametrize("state", ["paused", "completed", "cancelled"])
def test_a_campaign_that_calls_nobody(serve: Serve, tmp_path: Path, state: str):
    examined = examine(tmp_path, serve(service({**STATUS, "status": state})).url)
    assert (examined.code, bad(examined)) == (1, {"campaign"}), examined.said
    assert state in examined.said


def test_records_that_wait_for_a_window(serve: Serve, tmp_path: Path):
    stats = {**STATUS["stats"], "queued": 18, "in_progress": 0}
    examined = examine(tmp_path, serve(service({**STATUS, "stats": stats})).url)
    assert (examined.code, examined.health["window"]) == (0, "look"), examined.said


def test_a_name_that_nobody_knows(tmp_path: Path):
    examined = examine(tmp_path, "https://api.nowhere.invalid")
    assert (examined.code, bad(examined)) == (4, {"DNS"}), examined.said


def test_a_port_that_nobody_listens_on(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    examined = examine(tmp_path, url)
    assert (examined.code, bad(examined)) == (4, {"connection"}), examined.said
    assert "nobody listens" in examined.said


def context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(made)
    return made


def test_certificates(serve: Serve, tmp_path: Path):
    authority = trustme.CA()
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    good = serve(service(), tls=context(authority.issue_cert("localhost")))
    unknown = examine(tmp_path, good.url)
    assert (unknown.code, bad(unknown)) == (4, {"certificate"}), unknown.said
    assert "--ca-bundle" in unknown.said
    trusted = examine(tmp_path, good.url, "--ca-bundle", str(bundle))
    assert (trusted.code, trusted.health["certificate"]) == (0, "good"), trusted.said
    other = serve(service(), tls=context(authority.issue_cert("elsewhere.test")))
    named = examine(tmp_path, other.url, "--ca-bundle", str(bundle))
    assert (named.code, bad(named)) == (4, {"certificate"}), named.said
    assert "another host's" in named.said
    broken = examine(tmp_path, good.url, "--ca-bundle", str(tmp_path / "none.pem"))
    assert (broken.code, bad(broken)) == (2, {"certificate"}), broken.said


def test_a_proxy_that_is_down(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    examined = examine(tmp_path, "https://localhost:1", HTTPS_PROXY=address)
    assert (examined.code, bad(examined)) == (4, {"proxy"}), examined.said
    assert "--proxy none" in examined.said


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        ("HTTP/1.1 403 Forbidden", "does not let this host through"),
        ("HTTP/1.1 407 Proxy Authentication Required", "user name and a password"),
    ],
)
def test_a_proxy_that_opens_no_tunnel(tmp_path: Path, refusal: str, said: str):
    way = Proxy(refusal=refusal)
    address = f"http://me:s3cret@{way.address}"
    examined = examine(tmp_path, "https://localhost:1", HTTPS_PROXY=address)
    way.close()
    assert (examined.code, bad(examined)) == (4, {"proxy"}), examined.said
    assert said in examined.said
    assert "s3cret" not in examined.said


def test_an_unknown_issuer_behind_a_proxy(serve: Serve, tmp_path: Path):
    server = serve(service(), tls=context(trustme.CA().issue_cert("localhost")))
    way = Proxy()
    examined = examine(tmp_path, server.url, HTTPS_PROXY=f"http://{way.address}")
    way.close()
    assert (examined.code, bad(examined)) == (4, {"certificate"}), examined.said


@pytest.mark.parametrize("ahead", [600, -600])
def test_a_clock_that_is_off(serve: Serve, tmp_path: Path, ahead: int):
    examined = examine(tmp_path, serve(service(ahead=ahead)).url)
    assert (examined.code, bad(examined)) == (1, {"clock"}), examined.said
    side = "behind" if ahead > 0 else "ahead of"
    assert side in examined.said
    assert "webhooks are refused" in examined.said


def test_fields_that_are_not_known(serve: Serve, tmp_path: Path):
    page = {**PAGE, "items": [{**RECORD, "mood": "s3cret"}], "cursor": "s3cret"}
    call = {**CALL, "sentiment": "s3cret"}
    examined = examine(tmp_path, serve(service({**STATUS, "owner": "s3cret"}, page, call)).url)
    assert (examined.code, examined.health["fields"]) == (0, "look"), examined.said
    for name in ("status.owner", "page.cursor", "record.mood", "call.sentiment"):
        assert name in examined.said
    assert "s3cret" not in examined.said


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_service_that_fails(serve: Serve, tmp_path: Path, status: int):
    examined = examine(tmp_path, serve(reply(status, "oops", content_type="text/plain")).url)
    assert (examined.code, bad(examined)) == (3, {"service"}), examined.said


def test_a_page_of_something_in_between(serve: Serve, tmp_path: Path):
    server = serve(reply(200, "<html>Log in</html>", content_type="text/html"))
    examined = examine(tmp_path, server.url)
    assert (examined.code, bad(examined)) == (3, {"service"}), examined.said
    assert "login page" in examined.said


def test_a_redirect(serve: Serve, tmp_path: Path):
    server = serve(reply(301, "", {"location": "https://elsewhere.example/"}))
    examined = examine(tmp_path, server.url)
    assert (examined.code, bad(examined)) == (3, {"service"}), examined.said


def test_no_answer(serve: Serve, tmp_path: Path):
    examined = examine(tmp_path, serve(silence).url, "--timeout", "0.5")
    assert (examined.code, bad(examined)) == (4, {"service"}), examined.said


def test_a_sandbox_has_a_time_of_its_own(tmp_path: Path):
    with Sandbox(time="manual", api_key=KEY, campaign_id=CAMPAIGN_ID) as sandbox:
        for key, code in [(KEY, 0), ("another", 3)]:
            examined = examine(tmp_path, sandbox.url, REVRAG_API_KEY=key)
            assert examined.code == code, examined.said
            assert examined.health["clock"] == "good"
            assert "the service is a sandbox, whose time is its own" in examined.said


def test_a_settings_file_that_others_may_read(serve: Serve, tmp_path: Path):
    file = tmp_path / "config.toml"
    file.write_text('[profiles.default]\napi_key = "key-of-file"\n')
    file.chmod(0o644)
    examined = examine(tmp_path, serve(service()).url, REVRAG_CONFIG=str(file))
    assert (examined.code, bad(examined)) == (2, {"settings"}), examined.said
    assert "key-of-file" not in examined.said


def test_a_terminal(serve: Serve, tmp_path: Path):
    env = environment(
        tmp_path,
        REVRAG_API_KEY=KEY,
        REVRAG_BASE_URL=serve(service({**STATUS, "status": "paused"})).url,
        REVRAG_CAMPAIGN_ID=CAMPAIGN_ID,
    )
    terminal = Terminal(["doctor"], env)
    try:
        code, text = terminal.finish()
    finally:
        terminal.close()
    assert code == 1
    assert "nobody is called" in text
    assert "to be mended: campaign" in text
