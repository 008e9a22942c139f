"""``Campaign.find``: the records that match, or an error where the listing is not whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import revrag
from hypothesis import given, settings
from hypothesis import strategies as st
from support.both import Invoke
from support.sandboxed import hosted
from support.service import Service, at, shows, status
from support.upload import leads, number, private

Host = Callable[..., Service]


@pytest.fixture
def host() -> Iterator[Host]:
    """Start a service with records of before."""
    services: list[Service] = []

    def host(count: int = 450, **options: Any) -> Service:
        service = hosted(**options)
        services.append(service)
        for index in range(count):
            service.remember(
                {
                    "phone_number": number(index),
                    "variables": {"n": index},
                    "app_user_id": f"user-{index % 100}",
                    "app_session_id": f"visit-{index}",
                }
            )
        return service

    yield host
    for service in services:
        service.close()


def found(records: list[revrag.Record]) -> list[int]:
    return [record.variables["n"] for record in records]


@pytest.mark.parametrize("order", ["oldest", "newest"])
def test_by_each_and_by_all(invoke: Invoke, host: Host, order: str) -> None:
    campaign = host(order=order).campaign()

    def find(**wanted: Any) -> list[int]:
        return sorted(found(invoke(campaign, "find", **wanted)))

    assert find(app_session_id="visit-7") == [7]
    assert find(app_user_id="user-7") == [7, 107, 207, 307, 407]
    assert find(phone_number=number(300)) == [300]
    assert find(app_user_id="user-7", phone_number=number(107)) == [107]
    assert find(app_user_id="user-7", app_session_id="visit-8") == []
    assert find(app_session_id="visit-") == []
    assert find(phone_number=number(999)) == []


def test_a_record_is_whole(invoke: Invoke, host: Host) -> None:
    campaign = host(3).campaign()
    (record,) = invoke(campaign, "find", app_session_id="visit-1")
    assert isinstance(record, revrag.Record)
    (listed,) = [one for one in campaign.records() if one.id == record.id]
    assert record == listed
    assert record.created_at is not None


@pytest.mark.parametrize("text", ["98000 00007", "09800000007", "p:+919800000007", 9800000007])
def test_a_number_in_any_notation(invoke: Invoke, host: Host, text: object) -> None:
    assert found(invoke(host(20).campaign(), "find", phone_number=text)) == [7]


def test_a_number_as_the_service_writes_it(invoke: Invoke, host: Host) -> None:
    def national(record: dict[str, Any]) -> dict[str, Any]:
        return record | {"phone_number": record["phone_number"].removeprefix("+91")}

    assert found(invoke(host(20, shows=national).campaign(), "find", phone_number=number(7))) == [7]


def test_a_region(invoke: Invoke, host: Host) -> None:
    service = host(2)
    service.remember({"phone_number": "+14155552671", "variables": {"n": 5}})
    campaign = service.campaign()
    wanted = {"phone_number": "(415) 555-2671", "region": "US"}
    assert found(invoke(campaign, "find", **wanted)) == [5]


def test_ids_that_are_numbers(invoke: Invoke, host: Host) -> None:
    service = host(2)
    service.remember({"phone_number": number(9), "variables": {"n": 9}, "app_user_id": "17"})
    service.odd(app_user_id=17, variables={"n": 10})
    assert sorted(found(invoke(service.campaign(), "find", app_user_id=17))) == [9, 10]


def test_after_a_push_of_unknown_outcome(invoke: Invoke, host: Host) -> None:
    service = host(5)
    service.faults = at({0: status(503, applied=1.0), 1: status(503)})
    campaign = service.campaign()
    for index, is_there in ((60, True), (61, False)):
        lead = leads(1, start=index)[0] | {"app_session_id": f"visit-{index}"}
        with pytest.raises(revrag.PushOutcomeUnknownError, match=r"campaign\.find\("):
            invoke(campaign, "push", [lead])
        records = invoke(campaign, "find", app_session_id=f"visit-{index}")
        assert [record.phone_number for record in records] == ([number(index)] if is_there else [])


@pytest.mark.parametrize("missing", [None, 0])
def test_two_looks_that_agree_are_enough(invoke: Invoke, host: Host, missing: int | None) -> None:
    """A listing that says nothing of its size, or counts less than it shows."""
    service = host(total=lambda _: missing)
    assert found(invoke(service.campaign(), "find", app_session_id="visit-7")) == [7]
    assert service.scans == 2


def test_one_look_whose_pages_agree_is_enough(invoke: Invoke, host: Host) -> None:
    service = host()
    invoke(service.campaign(), "find", app_session_id="nobody")
    assert service.scans == 1
    assert sorted(int(query["page"]) for query in service.queries) == [1, 2, 3]
    assert all("status" not in query for query in service.queries)


def test_an_empty_campaign(invoke: Invoke, host: Host) -> None:
    assert invoke(host(0).campaign(), "find", app_session_id="visit-7") == []


UNPROVEN: dict[str, tuple[dict[str, Any], str]] = {
    "a page repeats": ({"repeats": True}, "one page again and again"),
    "a total never comes": (
        {"total": lambda count: count + 3},
        "showed 450 records and counts 453",
    ),
    "shuffled": ({"order": "shuffled"}, "records and counts 450"),
    "always shifting": ({"order": "restless"}, "records and counts 450"),
    "always growing": ({"writers": 10_000, "order": "newest"}, "records and counts"),
}


@pytest.mark.parametrize("name", UNPROVEN)
def test_a_listing_that_is_not_whole(invoke: Invoke, host: Host, name: str) -> None:
    options, said = UNPROVEN[name]
    campaign = host(**options).campaign()
    with pytest.raises(revrag.InvalidResponseError, match=said) as info:
        invoke(campaign, "find", app_session_id="nobody", phone_number=number(1))
    text = private(info.value, "98000")
    assert "can't be proven complete" in text
    assert "push nothing once more" in text
    assert info.value.status_code == 200


def test_the_runs_that_were_seen_are_named(invoke: Invoke, host: Host) -> None:
    service = host(total=lambda count: count + 1)
    record = service.store.records[7]
    with pytest.raises(revrag.InvalidResponseError) as info:
        invoke(service.campaign(), "find", app_session_id="visit-7")
    assert record.run_id in str(info.value)


def test_a_listing_that_comes_to_rest(invoke: Invoke, host: Host) -> None:
    service = host(order="restless", calm_after=4)
    assert found(invoke(service.campaign(), "find", app_session_id="visit-7")) == [7]


@pytest.mark.parametrize("hidden", ["+9198******07", "hidden", None])
def test_numbers_that_are_hidden_prove_nothing(
    invoke: Invoke, host: Host, hidden: str | None
) -> None:
    service = host(20, shows=lambda record: record | {"phone_number": hidden})
    campaign = service.campaign()
    with pytest.raises(revrag.InvalidResponseError, match="do not show their numbers whole"):
        invoke(campaign, "find", phone_number=number(7))
    # What tells them apart without is believed.
    assert found(invoke(campaign, "find", app_session_id="visit-7")) == [7]
    assert invoke(campaign, "find", app_session_id="nobody", phone_number=number(7)) == []


def test_a_hidden_number_that_is_another(invoke: Invoke, host: Host) -> None:
    service = host(1, shows=lambda record: record | {"phone_number": "+9198******99"})
    assert invoke(service.campaign(), "find", phone_number=number(7)) == []


def test_session_ids_that_are_not_shown_are_not_found(invoke: Invoke, host: Host) -> None:
    """What the docs warn of: then that nothing is found proves nothing."""
    service = host(20, shows=shows.null("app_session_id"))
    assert invoke(service.campaign(), "find", app_session_id="visit-7") == []


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({}, "^find: give at least one of"),
        ({"app_session_id": None}, "^find: give at least one of"),
        ({"app_session_id": ""}, "^app_session_id: it is empty"),
        ({"app_user_id": 1.5}, "^app_user_id: it must be a str, an int or a UUID"),
        ({"app_user_id": []}, "^app_user_id: it must be a str"),
        ({"phone_number": "12"}, "^phone_number: the number is shorter"),
        ({"phone_number": ""}, "^phone_number: it is missing"),
        ({"phone_number": number(1), "region": "XX"}, "^region: "),
        ({"app_session_id": "a", "timeout": -1}, "^timeout: "),
    ],
)
def test_what_cannot_be_looked_for(
    invoke: Invoke, host: Host, wanted: dict[str, Any], said: str
) -> None:
    service = host(0)
    with pytest.raises(revrag.InvalidArgumentError, match=said):
        invoke(service.campaign(), "find", **wanted)
    assert not service.queries


def test_a_refusal_is_raised(invoke: Invoke, host: Host) -> None:
    service = host(3, faults=at({0: status(404)}, kind="records"))
    with pytest.raises(revrag.NotFoundError):
        invoke(service.campaign(), "find", app_session_id="visit-1")


def test_a_page_that_fails_is_read_again(invoke: Invoke, host: Host) -> None:
    service = host(faults=at({1: status(503)}, kind="records"))
    assert found(invoke(service.campaign(), "find", app_session_id="visit-300")) == [300]


def test_many_records_are_read_in_no_time(host: Host) -> None:
    campaign = host(10_000).campaign()
    best = min(timed(campaign) for _ in range(3))
    assert best < 5


def timed(campaign: revrag.Campaign) -> float:
    began = time.perf_counter()
    assert len(campaign.find(app_user_id="user-7")) == 100
    return time.perf_counter() - began


@settings(max_examples=20, deadline=None)
@given(
    people=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=30),
    who=st.integers(0, 5),
    user=st.none() | st.integers(0, 3),
)
def test_all_that_match_and_no_other(
    people: list[tuple[int, int]], who: int, user: int | None
) -> None:
    service = hosted()
    try:
        for at_, (person, of) in enumerate(people):
            service.remember(
                {
                    "phone_number": number(person),
                    "variables": {"n": at_},
                    "app_user_id": str(of),
                }
            )
        records = service.campaign().find(phone_number=number(who), app_user_id=user)
        expected = [
            at_ for at_, (person, of) in enumerate(people) if person == who and user in (None, of)
        ]
        assert sorted(found(records)) == expected
    finally:
        service.close()
