"""Whom a client talks to, what it lets into a request, and how much it lets come back."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import ssl
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support import PUSHED, STATUS
from support.script import Run
from support.server import Serve, raw, reply


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def issued(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


def self_signed(folder: Path) -> ssl.SSLContext:
    """A certificate for localhost that nobody but itself has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "self-signed.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


# What raises the named error from `leads.status()` and from its asyncio twin.
REFUSED = """
def refused(leads, error, text):
    for call in (leads.status, lambda: asyncio.run(leads.status_async())):
        try:
            call()
        except error as found:
            assert text in str(found), found
        else:
            raise AssertionError("let through")
"""


def test_a_self_signed_certificate_is_refused(
    run: Run, serve: Serve, tmp_path: Path, bundle: Path
) -> None:
    server = serve(reply(200, STATUS), tls=self_signed(tmp_path))
    run(
        REFUSED
        + """
leads = campaign(sys.argv[1], max_retries=0)
refused(leads, revrag.APIConnectionError, "certificate")
leads = campaign(sys.argv[1], max_retries=0, ca_bundle=sys.argv[2])
refused(leads, revrag.APIConnectionError, "certificate")
""",
        server.url,
        bundle,
    )
    assert server.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_takes_the_key_nowhere(
    run: Run, serve: Serve, authority: trustme.CA, bundle: Path, status: int
) -> None:
    """Not to another port, another host, or away from TLS; and not to the same server either."""
    plain, other = serve(reply(200, STATUS)), serve(reply(200, STATUS), tls=issued(authority))
    places = [
        f"{plain.url}/v1",
        f"http://localhost:{plain.port}/v1",
        f"https://localhost:{other.port}/v1",
        f"https://127.0.0.1:{other.port}/v1",
        "/elsewhere",
    ]
    for place in places:
        first = serve(reply(status, {}, {"location": place}), tls=issued(authority))
        run(
            REFUSED
            + """
leads = campaign(sys.argv[1], ca_bundle=sys.argv[2])
refused(leads, revrag.APIStatusError, "redirects are not followed")
try:
    leads.push([LEAD])
except revrag.APIStatusError as error:
    assert error.status_code == int(sys.argv[3])
""",
            first.url,
            bundle,
            status,
        )
        assert len(first.requests) == 3
    assert plain.connections == other.connections == 0


def test_nothing_gets_into_a_request_by_its_arguments(run: Run, serve: Serve) -> None:
    server = serve(reply(200, PUSHED | {"items": [], "total": 0, "has_more": False, "page": 1}))
    run(
        """
        evil = "x\\r\\nX-Evil: 1\\r\\n\\r\\nGET /evil HTTP/1.1\\r\\n"
        def refused(call):
            try:
                call()
            except revrag.InvalidArgumentError:
                return
            raise AssertionError("let through")
        client = revrag.Client("good-key", base_url=sys.argv[1])
        leads = client.campaign(CAMPAIGN_ID)
        for bad in (evil, "key\\n", "key\\r", "key\\0", "key ", "k\\u00e9y", "k\\u0130y"):
            refused(lambda: revrag.Client(bad, base_url=sys.argv[1]))
            refused(lambda: revrag.Client("key", base_url=f"{sys.argv[1]}/{bad.strip('key')}\\n"))
        for bad in (evil, CAMPAIGN_ID + "\\r\\n", CAMPAIGN_ID + "/../..", CAMPAIGN_ID + "?a=b",
                    "..%2f" + CAMPAIGN_ID, CAMPAIGN_ID[:-1] + "\\u0661"):
            refused(lambda: client.campaign(bad))
            refused(lambda: leads.record(bad))
            refused(lambda: client.call(bad))
        for bad in ("https://api.revrag.ai@127.0.0.1", "https://x.test\\r\\nHost: y", "//x.test",
                    "https://x.test?a=b", "https://x.test#a", "javascript:x", "file:///etc/passwd"):
            refused(lambda: revrag.Client("key", base_url=bad))
        # A filter is free text: it is sent, as data.
        try:
            leads.records_page(status=evil + "&page=9#")
        except revrag.InvalidResponseError:
            pass
        """,
        server.url,
    )
    (request,) = server.requests
    assert "x-evil" not in request.headers
    asked = parse_qs(urlsplit(request.target).query)
    assert asked["page"] == ["1"]
    assert asked["status"][0].endswith("\r\n&page=9#")


@pytest.mark.parametrize("status", [200, 404, 500])
@pytest.mark.parametrize("packed", [True, False], ids=["bomb", "large"])
def test_what_is_too_large_is_cut_off(run: Run, serve: Serve, status: int, packed: bool) -> None:
    """And never held: 200 MB are sent, and a few are read."""
    size = 200 * 2**20
    body = gzip.compress(bytes(size), compresslevel=1) if packed else bytes(size)
    headers = {"content-encoding": "gzip"} if packed else {}
    server = serve(reply(status, body, headers))
    run(
        """
        def peak():
            # Of this program alone: getrusage also knows of the process that started it.
            with open("/proc/self/status") as status:
                return next(int(line.split()[1]) << 10 for line in status if "VmHWM" in line)
        leads = campaign(sys.argv[1], max_retries=0, max_response_bytes=2**20)
        warm = campaign("http://127.0.0.1:9", max_retries=0)
        for method in ("status", "status_async"):
            call = lambda leads: getattr(leads, method)()
            def run(leads):
                made = call(leads)
                return asyncio.run(made) if method.endswith("async") else made
            try:
                run(warm)
            except revrag.APIConnectionError:
                pass
            before = peak()
            try:
                run(leads)
            except revrag.InvalidResponseError as error:
                assert sys.argv[2] == "200" and "max_response_bytes=1048576" in str(error), error
            except revrag.APIStatusError as error:
                assert str(error.status_code) == sys.argv[2] != "200"
                assert len(error.body) <= 2**20
            else:
                raise AssertionError("let through")
            assert peak() - before < 30 * 2**20, peak() - before
        """,
        server.url,
        status,
    )


def page_of(size: int) -> bytes:
    """A page of records that hold so many bytes in all."""
    filler = "x" * (size // 150)
    items = [
        {
            "id": str(i),
            "phone_number": "+919876543210",
            "status": "queued",
            "variables": {"a": filler},
        }
        for i in range(150)
    ]
    page = {"items": items, "total": 150, "has_more": False, "page": 1, "page_size": 200}
    return json.dumps(page).encode()


def in_chunks(body: bytes) -> bytes:
    """An answer that does not say how long it is."""
    size = 10_000
    parts = (body[at : at + size] for at in range(0, len(body), size))
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


@pytest.mark.parametrize("form", ["of known length", "in chunks", "packed"])
@pytest.mark.parametrize("kind", ["page", "status"])
def test_a_body_takes_at_most_twice_its_size(run: Run, serve: Serve, kind: str, form: str) -> None:
    size = 48 * 2**20
    # What packs badly: a packed body is read, too.
    more = os.urandom(size // 2).hex()
    body = page_of(size) if kind == "page" else json.dumps(STATUS | {"more": more}).encode()
    if form == "in chunks":
        act = raw(in_chunks(body))
    elif form == "packed":
        act = reply(200, gzip.compress(body, compresslevel=1), {"content-encoding": "gzip"})
    else:
        act = reply(200, body)
    server = serve(act)
    run(
        """
        def peak():
            with open("/proc/self/status") as status:
                return next(int(line.split()[1]) << 10 for line in status if "VmHWM" in line)
        leads = campaign(sys.argv[1], max_retries=0)
        try:
            campaign("http://127.0.0.1:9", max_retries=0).status()
        except revrag.APIConnectionError:
            pass
        before = peak()
        kept = leads.records_page() if sys.argv[2] == "page" else leads.status()
        taken = peak() - before
        assert taken <= 2 * int(sys.argv[3]), taken / int(sys.argv[3])
        """,
        server.url,
        kind,
        len(body),
    )
