"""Every kind of error, provoked through a socket, blocking and asyncio alike."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
import revrag
import trustme
from revrag import errors
from support import (
    CALL_ID,
    CAMPAIGN_ID,
    IS_SANDBOXED,
    KEY,
    LEAD,
    PUSHED,
    RECORD,
    RUN_ID,
    STATUS,
    campaign_at,
)
from support.both import Invoke
from support.orders import cannot
from support.server import Act, Serve, close, raw, reply, reset, silence, truncated

CLASSES = {
    301: errors.APIStatusError,
    307: errors.APIStatusError,
    400: errors.BadRequestError,
    401: errors.AuthenticationError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
    409: errors.APIStatusError,
    413: errors.PayloadTooLargeError,
    418: errors.APIStatusError,
    422: errors.UnprocessableEntityError,
    429: errors.RateLimitError,
    500: errors.ServerError,
    502: errors.ServerError,
    503: errors.ServerError,
    599: errors.ServerError,
}
# What a push can't be sure of.
UNKNOWN = {408, 500, 502, 503, 504, 599}

ENTRY = {"loc": ["body", "records", 0, "phone_number"], "msg": "Field required", "type": "missing"}
BODIES: dict[str, Any] = {
    "text": {"detail": "Cannot push records: campaign is completed."},
    "list": {"detail": [ENTRY]},
    "html": "<html><body>Bad moment</body></html>",
    "empty": b"",
    "not utf-8": b"\xff\xfe\x00",
    "json of no kind": [1, 2],
}


def caught(invoke: Invoke, target: object, method: str, *args: object, **options: object) -> Any:
    with pytest.raises(revrag.RevragError) as info:
        invoke(target, method, *args, **options)
    return info.value


@pytest.mark.parametrize("form", BODIES)
@pytest.mark.parametrize("status", CLASSES)
def test_each_status_with_each_form_of_detail(
    invoke: Invoke, serve: Serve, status: int, form: str
) -> None:
    server = serve(reply(status, BODIES[form], {"x-request-id": "req-7"}))
    campaign = campaign_at(server.url, max_retries=0)
    for method, args in [("status", ()), ("push", ([LEAD],))]:
        error = caught(invoke, campaign, method, *args)
        if method == "push" and status in UNKNOWN:
            assert type(error) is errors.PushOutcomeUnknownError
            error = error.__cause__
        assert type(error) is CLASSES[status]
        assert error.status_code == status
        assert error.request_id == "req-7"
        assert str(status) in str(error)
        assert "req-7" in str(error)
        body = BODIES[form]
        if isinstance(body, bytes):
            body = body.decode(errors="replace")
        assert error.body == body
        assert error.detail == (body.get("detail") if isinstance(body, dict) else None)
        expected = [errors.ErrorDetail(tuple(ENTRY["loc"]), ENTRY["msg"], ENTRY["type"])]
        assert error.errors == (expected if form == "list" else [])
        if form == "list":
            assert "body.records[0].phone_number: Field required" in str(error)
        if form == "text":
            assert "campaign is completed" in str(error)


def test_a_status_without_a_request_id(invoke: Invoke, serve: Serve) -> None:
    if IS_SANDBOXED:
        cannot("an answer without a request id")
    error = caught(invoke, campaign_at(serve(reply(404, {})).url), "status")
    assert error.request_id is None


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("0.5", 0.5), ("soon", None), (None, None)]
)
def test_a_rate_limit_tells_what_was_asked(
    invoke: Invoke, serve: Serve, header: str | None, seconds: float | None
) -> None:
    server = serve(reply(429, {}, {"retry-after": header} if header else {}))
    error = caught(invoke, campaign_at(server.url, max_retries=0), "status")
    assert error.retry_after == seconds


def test_texts_mask_what_attributes_hold(invoke: Invoke, serve: Serve) -> None:
    detail = "Invalid Indian phone number: +919876543210"
    error = caught(invoke, campaign_at(serve(reply(400, {"detail": detail})).url), "push", [LEAD])
    assert "9876543210" not in f"{error} {error!r} {error.args}"
    assert "Invalid Indian phone number: +***" in str(error)
    assert error.detail == detail


UNREADABLE: dict[str, Act] = {
    "html": reply(200, "<html>", content_type="text/html"),
    "empty": reply(200, b""),
    "json of another shape": reply(200, {"hello": "world"}),
    "a list": reply(200, []),
    "no list where one must be": reply(200, {"results": 7, "items": {}, "stats": []}),
    "nested too deep": reply(200, b"[" * 100_000),
    "cut short": truncated(b'{"accepted": 1, "rejected": 0, "results": []}', 12),
    "gzip that is none": reply(200, PUSHED, {"content-encoding": "gzip"}),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_answer_that_is_not_what_the_api_documents(
    invoke: Invoke, serve: Serve, kind: str
) -> None:
    if IS_SANDBOXED and kind == "cut short":
        cannot("another answer than the right one, cut short")
    campaign = campaign_at(serve(UNREADABLE[kind]).url, max_retries=0)
    for method, args in [("status", ()), ("record", (RUN_ID,)), ("records_page", ())]:
        error = caught(invoke, campaign, method, *args)
        assert type(error) is errors.InvalidResponseError
        assert error.status_code == 200
    error = caught(invoke, campaign, "push", [LEAD])
    assert type(error) is errors.PushOutcomeUnknownError
    assert type(error.__cause__) is errors.InvalidResponseError
    assert "1 record" in str(error)


@pytest.mark.parametrize(
    "results",
    [
        [],
        [PUSHED["results"][0]] * 2,
        [PUSHED["results"][0] | {"run_id": None}],
    ],
    ids=["too few", "too many", "accepted without a run id"],
)
def test_a_push_whose_answer_contradicts_it(
    invoke: Invoke, serve: Serve, results: list[object]
) -> None:
    server = serve(reply(200, PUSHED | {"results": results}))
    error = caught(invoke, campaign_at(server.url), "push", [LEAD])
    assert type(error) is errors.PushOutcomeUnknownError
    assert "contradicts" in str(error.__cause__)
    assert len(server.requests) == 1


@pytest.mark.parametrize("content_type", ["text/html", "", "application/octet-stream", "nonsense"])
def test_a_wrong_content_type_is_no_error(invoke: Invoke, serve: Serve, content_type: str) -> None:
    campaign = campaign_at(serve(reply(200, PUSHED, content_type=content_type)).url)
    assert invoke(campaign, "push", [LEAD]).accepted == 1


@pytest.mark.parametrize("status", [200, 201, 202, 207])
def test_any_2xx_with_the_documented_body_counts(invoke: Invoke, serve: Serve, status: int) -> None:
    assert invoke(campaign_at(serve(reply(status, PUSHED)).url), "push", [LEAD]).accepted == 1


def test_an_answer_over_the_limit_is_cut_off(invoke: Invoke, serve: Serve) -> None:
    server = serve(reply(200, STATUS | {"more": "x" * 100_000}))
    campaign = campaign_at(server.url, max_response_bytes=50_000)
    error = caught(invoke, campaign, "status")
    assert type(error) is errors.InvalidResponseError
    assert "max_response_bytes=50000" in str(error)
    assert len(server.requests) == 1


def test_a_decompression_bomb_is_cut_off(invoke: Invoke, serve: Serve) -> None:
    bomb = gzip.compress(b'{"a": "' + bytes(100 * 2**20))
    assert len(bomb) < 2**20
    server = serve(reply(200, bomb, {"content-encoding": "gzip"}))
    error = caught(invoke, campaign_at(server.url), "status")
    assert type(error) is errors.InvalidResponseError
    assert "max_response_bytes=67108864" in str(error)


def test_a_compressed_answer_is_read(invoke: Invoke, serve: Serve) -> None:
    packed = gzip.compress(json.dumps(STATUS).encode())
    server = serve(reply(200, packed, {"content-encoding": "gzip"}))
    assert invoke(campaign_at(server.url), "status").to_dict() == STATUS
    assert "gzip" in server.requests[0].headers["accept-encoding"]


def test_a_refused_connection(invoke: Invoke) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    campaign = campaign_at(f"http://127.0.0.1:{port}", max_retries=1)
    for method, args in [("status", ()), ("push", ([LEAD],))]:
        error = caught(invoke, campaign, method, *args)
        assert type(error) is errors.APIConnectionError
        assert "nothing was sent" in str(error)


def test_a_host_that_does_not_exist(invoke: Invoke) -> None:
    campaign = campaign_at("https://nowhere.invalid", max_retries=0)
    error = caught(invoke, campaign, "push", [LEAD])
    assert type(error) is errors.APIConnectionError


def test_no_answer_in_time(invoke: Invoke, serve: Serve) -> None:
    campaign = campaign_at(serve(silence).url, timeout=0.2, max_retries=0)
    error = caught(invoke, campaign, "status")
    assert type(error) is errors.APITimeoutError
    error = caught(invoke, campaign, "push", [LEAD])
    assert type(error) is errors.PushOutcomeUnknownError
    assert type(error.__cause__) is errors.APITimeoutError


def test_no_connection_in_time(invoke: Invoke) -> None:
    # A listener whose backlog is full lets no further connection complete.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(8)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        campaign = campaign_at(f"http://127.0.0.1:{port}", connect_timeout=0.2, max_retries=0)
        for method, args in [("status", ()), ("push", ([LEAD],))]:
            error = caught(invoke, campaign, method, *args)
            assert type(error) is errors.APITimeoutError
            assert "nothing was sent (connect_timeout)" in str(error)
        for one in waiting:
            one.close()


@pytest.mark.parametrize("act", [close, reset, raw(b"\x16\x03garbage\r\n\r\n")])
def test_a_connection_that_breaks(invoke: Invoke, serve: Serve, act: Act) -> None:
    campaign = campaign_at(serve(act).url, max_retries=0)
    assert type(caught(invoke, campaign, "status")) is errors.APIConnectionError
    error = caught(invoke, campaign, "push", [LEAD])
    assert type(error) is errors.PushOutcomeUnknownError
    assert type(error.__cause__) is errors.APIConnectionError


def test_a_tls_failure(invoke: Invoke, serve: Serve) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    server = serve(reply(200, STATUS), tls=context)
    for method, args in [("status", ()), ("push", ([LEAD],))]:
        error = caught(invoke, campaign_at(server.url, max_retries=0), method, *args)
        assert type(error) is errors.APIConnectionError
        assert "certificate" in str(error)
    assert server.requests == []


def test_tls_to_a_server_that_speaks_none(invoke: Invoke) -> None:
    def refuse() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1 << 16)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=refuse, daemon=True).start()
        port = listener.getsockname()[1]
        error = caught(invoke, campaign_at(f"https://127.0.0.1:{port}", max_retries=0), "status")
    assert type(error) is errors.APIConnectionError


BAD_IDS = ["../../x", "", "\n", f"{RUN_ID}\n", f"{RUN_ID}/../x", RUN_ID[:-1], "%2e%2e", "é" * 36]


@pytest.mark.parametrize("bad", [*BAD_IDS, None, 7, b"bytes", "\ud800"])
def test_ids_that_are_no_uuids(invoke: Invoke, serve: Serve, bad: object) -> None:
    server = serve(reply(200, RECORD))
    campaign = campaign_at(server.url)
    for target, method in [(campaign, "record"), (campaign, "wait"), (campaign.client, "call")]:
        error = caught(invoke, target, method, bad)
        assert type(error) is errors.InvalidArgumentError
        assert str(error).startswith("call_id: " if method == "call" else "run_id: ")
        assert "\n" not in str(error)
    with pytest.raises(errors.InvalidArgumentError, match=r"^campaign_id: "):
        campaign.client.campaign(bad)  # type: ignore[arg-type]
    assert server.requests == []


class Odd:
    def __str__(self) -> str:
        raise AssertionError("never asked")


UNSENDABLE: dict[str, tuple[object, str]] = {
    "no phone number": ([{}], r'records\[0\]\["phone_number"\]'),
    "a phone number of None": ([{"phone_number": None}], r'records\[0\]\["phone_number"\]'),
    "a number for a phone number": (
        [{"phone_number": 919876543210}],
        r'records\[0\]\["phone_number"\]',
    ),
    "the second without": ([LEAD, {"variables": {}}], r'records\[1\]\["phone_number"\]'),
    "an unknown key": ([LEAD | {"phone": "x"}], r'records\[0\]\["phone"\]'),
    "a number for a key": ([LEAD | {"+919876543210": "x"}], r'records\[0\]\["\+\*\*\*"\]'),
    "a set": ([LEAD | {"variables": {"a": {1}}}], r'records\[0\]\["variables"\]\["a"\]'),
    "an object": ([LEAD | {"variables": {"a": [0, Odd()]}}], r'\["a"\]\[1\]'),
    "bytes": ([LEAD | {"variables": {"a": b"x"}}], r'\["a"\]'),
    "infinity": ([LEAD | {"variables": {"a": float("inf")}}], r'\["a"\]'),
    "an int beyond 64 bits": ([LEAD | {"variables": {"a": 2**64}}], r'\["a"\]'),
    "half a surrogate pair": ([LEAD | {"variables": {"a": "\ud800"}}], r'\["a"\]'),
    "a key that is no text": ([LEAD | {"variables": {1: 2}}], r'\["variables"\]'),
    "variables that are none": ([LEAD | {"variables": "x"}], r'\["variables"\]'),
    "a user id that is no text": ([LEAD | {"app_user_id": 7.5}], r'\["app_user_id"\]'),
    "no records": ([], "^records: "),
    "one record": (LEAD, "^records: "),
    "text": ("x", "^records: "),
    "no iterable": (7, "^records: "),
    "records that are none": ([7], r"records\[0\]"),
}


@pytest.mark.parametrize("kind", UNSENDABLE)
def test_what_cannot_be_sent(invoke: Invoke, serve: Serve, kind: str) -> None:
    server = serve(reply(200, PUSHED))
    records, named = UNSENDABLE[kind]
    with pytest.raises(errors.InvalidArgumentError, match=named) as info:
        invoke(campaign_at(server.url), "push", records)
    assert isinstance(info.value, ValueError)
    assert "9876543210" not in str(info.value)
    assert server.requests == []


def test_variables_without_an_end(invoke: Invoke, serve: Serve) -> None:
    loop: dict[str, Any] = {}
    loop["again"] = loop
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    for variables in (loop, {"deep": deep}):
        error = caught(invoke, campaign_at(serve().url), "push", [LEAD | {"variables": variables}])
        assert type(error) is errors.InvalidArgumentError


def test_an_iterable_that_raises_is_heard(invoke: Invoke, serve: Serve) -> None:
    def broken() -> Any:
        yield LEAD
        raise LookupError("the database went away")

    server = serve(reply(200, PUSHED))
    with pytest.raises(LookupError, match="the database went away"):
        invoke(campaign_at(server.url), "push", broken())
    assert server.requests == []


@pytest.mark.parametrize(
    "options", [{"page": 0}, {"page": -1}, {"page_size": 0}, {"page_size": 201}]
)
def test_pages_out_of_range(invoke: Invoke, serve: Serve, options: dict[str, int]) -> None:
    server = serve(reply(200, {}))
    error = caught(invoke, campaign_at(server.url), "records_page", **options)
    assert type(error) is errors.InvalidArgumentError
    assert str(error).startswith(next(iter(options)))
    assert server.requests == []


def test_waiting_past_the_timeout(invoke: Invoke, serve: Serve) -> None:
    server = serve(reply(200, RECORD | {"status": "queued"}))
    error = caught(invoke, campaign_at(server.url), "wait", RUN_ID, timeout=0.1, poll_interval=0.01)
    assert type(error) is errors.WaitTimeoutError
    assert isinstance(error, TimeoutError)
    assert error.record.status == "queued"
    assert len(server.requests) > 1


def test_waiting_for_a_service_that_is_silent(invoke: Invoke, serve: Serve) -> None:
    error = caught(invoke, campaign_at(serve(silence).url), "wait", RUN_ID, timeout=0.1)
    assert type(error) is errors.WaitTimeoutError
    assert error.record is None


def test_a_call_that_is_not_there(invoke: Invoke, serve: Serve) -> None:
    client = campaign_at(serve(reply(404, {"detail": "Call not found"})).url).client
    assert type(caught(invoke, client, "call", CALL_ID)) is errors.NotFoundError


def test_every_error_is_reached_here() -> None:
    # The rest of the family is provoked by the verifier's and the upload's tests.
    elsewhere = {"UploadError", "JournalError", "WebhookVerificationError", "ErrorDetail"}
    elsewhere |= {cls.__name__ for cls in errors.WebhookVerificationError.__subclasses__()}
    source = Path(__file__).read_text(encoding="utf-8")
    for name in set(errors.__all__) - elsewhere - {"RevragError"}:
        assert f"errors.{name}" in source, name


def test_a_closed_client_says_so(invoke: Invoke, serve: Serve) -> None:
    campaign = revrag.Client(KEY, base_url=serve(reply(200, STATUS)).url).campaign(CAMPAIGN_ID)
    campaign.client.close()
    error = caught(invoke, campaign, "status")
    assert type(error) is errors.InvalidArgumentError
    assert "closed" in str(error)


def test_a_timeout_is_a_timeout(invoke: Invoke, serve: Serve) -> None:
    campaign = campaign_at(serve(silence).url, timeout=0.2, max_retries=0)
    with pytest.raises(TimeoutError) as info:
        invoke(campaign, "status")
    assert type(info.value) is errors.APITimeoutError
