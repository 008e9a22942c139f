"""Other options, a timeout per call, settings as attributes, equal campaigns, closed classes."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
import revrag
import revrag.sandbox
from revrag import errors
from support import CALL, CAMPAIGN_ID, KEY, LEAD, PAGE, PUSHED, RECORD, RUN_ID, STATUS
from support.both import Invoke
from support.server import Serve, reply, silence


def note(event: revrag.RequestEvent) -> None:
    """Listen."""


def test_settings_are_attributes() -> None:
    client = revrag.Client("key", base_url="http://127.0.0.1:9")
    told = (client.timeout, client.connect_timeout, client.max_retries, client.max_response_bytes)
    assert told == (30.0, 5.0, 2, 64 * 2**20)
    assert (client.ca_bundle, client.on_request) == (None, None)
    other = revrag.Client("key", timeout=7, connect_timeout=3, max_retries=9, on_request=note)
    for client in (other, pickle.loads(pickle.dumps(other))):
        assert (client.timeout, client.connect_timeout, client.max_retries) == (7.0, 3.0, 9)
        assert client.on_request is note
    with pytest.raises(AttributeError):
        other.timeout = 1  # type: ignore[misc]


def test_other_options_over_the_same_connections(serve: Serve, invoke: Invoke) -> None:
    server = serve(reply(200, STATUS), reply(503, {}), reply(200, STATUS))
    events: list[revrag.RequestEvent] = []
    client = revrag.Client(KEY, base_url=server.url, timeout=9)
    other = client.with_options(max_retries=0, on_request=events.append)
    assert (other.timeout, other.max_retries, client.max_retries) == (9, 0, 2)
    client.campaign(CAMPAIGN_ID).status()
    with pytest.raises(errors.ServerError):
        other.campaign(CAMPAIGN_ID).status()
    other.with_options(on_request=None).campaign(CAMPAIGN_ID).status()
    assert {request.connection for request in server.requests} == {0}
    assert [event.status for event in events] == [503]
    assert pickle.loads(pickle.dumps(client.with_options(max_retries=7))).max_retries == 7
    other.close()
    with pytest.raises(errors.InvalidArgumentError, match="closed"):
        invoke(client.campaign(CAMPAIGN_ID), "status")


def test_options_that_are_none() -> None:
    client = revrag.Client("key")
    changes: dict[str, Any]
    for changes in ({"timeout": 0}, {"timeout": -1}, {"max_retries": -1}, {"base_url": "x"},
                    {"proxy": None}, {"max_response_bytes": 0}, {"on_request": 1}):  # fmt: skip
        with pytest.raises(errors.InvalidArgumentError, match=next(iter(changes))):
            client.with_options(**changes)
    with pytest.raises(TypeError, match="'tries'"):
        client.with_options(tries=1)  # type: ignore[call-arg]


CALLS: dict[str, tuple[str, list[Any], object]] = {
    "push": ("push", [[LEAD]], PUSHED),
    "record": ("record", [RUN_ID], RECORD),
    "records_page": ("records_page", [], PAGE),
    "status": ("status", [], STATUS),
    "call": ("call", [RUN_ID], CALL),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_timeout_of_one_call(serve: Serve, invoke: Invoke, name: str) -> None:
    method, args, answer = CALLS[name]
    server = serve(silence, reply(200, answer))
    client = revrag.Client(KEY, base_url=server.url, max_retries=0)
    target = client if name == "call" else client.campaign(CAMPAIGN_ID)
    with pytest.raises(errors.RevragError, match=r"within 0\.2 s"):
        invoke(target, method, *args, timeout=0.2)
    assert invoke(target, method, *args, timeout=None) is not None
    for bad in (0, -1, float("nan")):
        with pytest.raises(errors.InvalidArgumentError, match="timeout"):
            invoke(target, method, *args, timeout=bad)
    assert len(server.requests) == 2


def test_a_timeout_of_a_listing(serve: Serve) -> None:
    client = revrag.Client(KEY, base_url=serve(silence).url, max_retries=0)
    records = client.campaign(CAMPAIGN_ID).records(timeout=0.2)
    with pytest.raises(errors.APITimeoutError, match=r"within 0\.2 s"):
        list(records)


def test_handles_of_one_campaign_are_equal() -> None:
    client = revrag.Client("key", base_url="http://127.0.0.1:9")
    one, other = client.campaign(CAMPAIGN_ID), client.campaign(CAMPAIGN_ID)
    elsewhere = revrag.Client("key", base_url="http://127.0.0.1:8").campaign(CAMPAIGN_ID)
    assert one == other == pickle.loads(pickle.dumps(one))
    assert one == client.with_options(timeout=1).campaign(CAMPAIGN_ID.upper())
    assert hash(one) == hash(other)
    assert one not in {client.campaign(RUN_ID), elsewhere, CAMPAIGN_ID, None}
    assert len({one, other, elsewhere}) == 2
    with pytest.raises(TypeError):
        _ = one < other  # type: ignore[operator]


CLASSES = [
    value
    for value in [*vars(revrag).values(), revrag.sandbox.Sandbox]
    if isinstance(value, type) and not issubclass(value, Exception)
    and value not in (
        errors.ErrorDetail, revrag.CallPager, revrag.CampaignWatch, revrag.RecordPager
    )
]  # fmt: skip


@pytest.mark.parametrize("cls", CLASSES)
def test_subclassing_says_why_not(cls: type) -> None:
    with pytest.raises(
        TypeError, match=rf"revrag\.{cls.__name__} can't be subclassed: .* attribute"
    ):
        type("Mine", (cls,), {})
