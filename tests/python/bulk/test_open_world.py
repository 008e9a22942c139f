"""Absent is only what is proven absent, whatever a service makes of what it was sent.

A push is lost under a listing that shows less than the truth. Nothing may be applied twice, and
what can't be recognised is unknown and says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bulk.conftest import Host, Send
from support.doubt import CHUNK, COUNT, IDS, SHARES, chunk, sent, with_ids, with_tokens
from support.service import at, reset, shows
from support.upload import QUICK, check, leads

# What the listing makes of a record, the rows that it makes unrecognisable, and what those in
# doubt have to say of it.
SESSIONS = r"session id"
LISTING = r"listing"
Lead = dict[str, Any]
EITHER, OWN = ("tokens", "own ids"), ("own ids",)
KINDS: dict[str, tuple[dict[str, Any], tuple[str, ...], str]] = {
    "no session ids": ({"shows": shows.without("app_session_id")}, EITHER, SESSIONS),
    "null for session ids": ({"shows": shows.null("app_session_id")}, EITHER, SESSIONS),
    "session ids cut short": ({"shows": shows.cut(5)}, EITHER, SESSIONS),
    "session ids cut to 33": ({"shows": shows.cut(33)}, ("tokens",), SESSIONS),
    "session ids in capitals": ({"shows": shows.upper()}, EITHER, SESSIONS),
    "no correlation ids": (
        {"shows": shows.null("app_session_id", "app_user_id")},
        EITHER,
        SESSIONS,
    ),
    "finished records leave": ({"shows": shows.archive, "finished": 0.6}, EITHER, LISTING),
    "only what is old": ({"shows": shows.only_before(0)}, EITHER, LISTING),
    "no empty texts": ({"shows": shows.without_empty}, OWN, LISTING),
    "no unknown names": ({"shows": shows.without_name("utm")}, OWN, LISTING),
    "no variables": ({"shows": shows.without("variables")}, OWN, LISTING),
    "blanks stripped": ({"shows": shows.stripped}, OWN, LISTING),
    "numbers masked": ({"shows": shows.masked}, OWN, LISTING),
    "no users": ({"shows": shows.without("app_user_id")}, OWN, LISTING),
    # These may be recognised all the same.
    "numbers as text": ({"shows": shows.as_text}, (), ""),
    "numbers without the plus": ({"shows": shows.without_plus}, (), ""),
    "no dates": ({"shows": shows.without("created_at", "updated_at")}, (), ""),
}


# What a listing makes of some records only, and what makes a record one of them.
UNLIKE: dict[str, tuple[shows.Show, Callable[[Lead], object]]] = {
    "an empty text": (shows.without_empty, lambda lead: lead["variables"].update(note="")),
    "a text with blanks": (shows.stripped, lambda lead: lead["variables"].update(city=" Pune ")),
    "a name of no variable": (
        shows.without_name("utm"),
        lambda lead: lead["variables"].update(utm="spring"),
    ),
    "a long session id": (
        shows.cut(12),
        lambda lead: lead.update(app_session_id=f"{lead['app_session_id']}-of-march"),
    ),
}


def plain(count: int) -> list[Lead]:
    """Leads with the caller's own ids that no service would rewrite."""
    made = leads(count)
    for row, lead in enumerate(made):
        lead["app_session_id"] = f"visit-{row}"
    return made


def reasoned(rows: list[dict[str, Any]], reason: str) -> None:
    """Each row is unknown, for this reason."""
    for row in rows:
        assert row["outcome"] == "unknown", row
        assert re.search(reason, row["error"], re.IGNORECASE), row["error"]
        assert row["phone_number"] not in row["error"]


class TestCanary:
    """Ten rows are accepted, the next ten are lost, and others follow."""

    @pytest.mark.parametrize("ids", IDS)
    @pytest.mark.parametrize("kind", KINDS)
    def test_each_kind(self, send: Send, host: Host, kind: str, ids: str) -> None:
        options, hidden, reason = KINDS[kind]
        service = host(faults=at({1: reset(applied=0.5)}), seed=7, **options)
        report = send(service, IDS[ids](COUNT))
        found = check(report, service)
        assert {row["outcome"] for row in found} <= {"accepted", "unknown"}
        others = found[:CHUNK] + found[2 * CHUNK :]
        assert {row["outcome"] for row in others} == {"accepted"}
        if ids in hidden:
            # Nothing proves a row of it absent, so none goes again.
            assert sent(service) == COUNT
            in_doubt = [row for row in chunk(report, 1) if row["outcome"] == "unknown"]
            assert len(in_doubt) == CHUNK or (in_doubt and kind == "finished records leave")
            reasoned(in_doubt, reason)
        elif ids == "tokens":
            # The rest of a record says nothing about what it is known by.
            assert report.accepted == COUNT

    @pytest.mark.parametrize("share", SHARES)
    @pytest.mark.parametrize("ids", IDS)
    @pytest.mark.parametrize("lost", [0, 1, 3])
    def test_a_true_listing(self, send: Send, host: Host, lost: int, ids: str, share: str) -> None:
        """The control: everything is shown, so everything is settled."""
        service = host(faults=at({lost: reset(applied=SHARES[share])}), finished=0.5)
        report = send(service, IDS[ids](COUNT))
        check(report, service)
        assert report.accepted == COUNT
        assert sent(service) == COUNT + round(CHUNK * (1 - SHARES[share]))

    @pytest.mark.parametrize("share", ["half-way", "after"])
    @pytest.mark.parametrize("kind", UNLIKE)
    def test_rows_unlike_the_canary(self, send: Send, host: Host, kind: str, share: str) -> None:
        """Those that are known are shown as they were sent; those in doubt would not be."""
        show, change = UNLIKE[kind]
        service = host(faults=at({2: reset(applied=SHARES[share])}), shows=show)
        source = plain(COUNT)
        for lead in source[2 * CHUNK : 3 * CHUNK]:
            change(lead)
        report = send(service, source)
        found = check(report, service)
        assert {row["outcome"] for row in found} <= {"accepted", "unknown"}
        # Of the others, their numbers may tell that they did not come.
        reasoned(chunk(report, 2)[: round(CHUNK * SHARES[share])], LISTING)

    @pytest.mark.parametrize("kept", [-1, -2, -3])
    def test_ids_that_grow_too_long(self, send: Send, host: Host, kept: int) -> None:
        """A column of the service has just the width of the tokens until row 999.

        All that is known is shown as it was sent; what is in doubt shows up as other rows.
        """
        service = host(faults=at({4: reset(applied=1.0)}))
        # So wide are the tokens, once the first has come.
        service.listing.shows = lambda record: shows.cut(
            len(service.pushes[-1].records[0]["app_session_id"]) + kept
        )(record)
        report = send(service, leads(1010), max_records=250)
        found = check(report, service)
        assert {row["outcome"] for row in found[:1000]} == {"accepted"}
        assert {row["outcome"] for row in found[1000:]} <= {"accepted", "unknown"}
        assert sent(service) == 1010

    @pytest.mark.parametrize("kind", ["no session ids", "session ids cut short"])
    def test_it_is_settled_once_the_listing_shows_it(
        self, host: Host, journal: Path, kind: str
    ) -> None:
        """Unknown is not the end: with a journal, the next call looks again."""
        service = host(faults=at({1: reset(applied=0.5)}), **KINDS[kind][0])
        options = {"journal": journal, "max_records": CHUNK, "concurrency": 1, **QUICK}
        campaign = service.campaign()
        for _ in range(2):
            report = campaign.upload(with_tokens(COUNT), **options)
            check(report, service)
            reasoned(chunk(report, 1), SESSIONS)
        service.listing.shows = shows.as_it_is
        report = campaign.upload(with_tokens(COUNT), **options)
        check(report, service)
        assert report.accepted == COUNT


class TestNothingAcceptedYet:
    """The very first push is lost: there is no record of ours to measure the listing by."""

    @pytest.mark.parametrize("ids", IDS)
    @pytest.mark.parametrize("kind", KINDS)
    def test_each_kind(self, send: Send, host: Host, kind: str, ids: str) -> None:
        options, hidden, reason = KINDS[kind]
        service = host(faults=at({0: reset(applied=0.5)}), seed=7, **options)
        report = send(service, IDS[ids](COUNT))
        found = check(report, service)
        assert {row["outcome"] for row in found} <= {"accepted", "unknown", "not_sent"}
        if ids in hidden and kind != "finished records leave":
            reasoned(chunk(report, 0), reason)

    @pytest.mark.parametrize("ids", IDS)
    def test_some_are_found_and_others_have_left(self, send: Send, host: Host, ids: str) -> None:
        """All came, and half of them are finished and hidden by the time they are looked for.

        That some are recognised does not say that all of them would be: ``/status`` counts more.
        """
        service = host(faults=at({0: reset(applied=1.0)}), shows=shows.archive, finished=0.6)
        check(send(service, IDS[ids](CHUNK)), service)
        assert sent(service) == CHUNK

    @pytest.mark.parametrize("ids", IDS)
    def test_one_that_is_found_proves_it(self, send: Send, host: Host, ids: str) -> None:
        """The counter is off; half of the rows are recognised, so the others would be."""
        service = host(faults=at({0: reset(applied=0.5)}), counts=lambda count: count + 3)
        service.remember({"phone_number": "+919700000000"})
        report = send(service, IDS[ids](CHUNK))
        check(report, service)
        assert report.accepted == CHUNK
        assert sent(service) == CHUNK + CHUNK // 2

    @pytest.mark.parametrize("ids", IDS)
    @pytest.mark.parametrize("before", [0, 3], ids=["empty", "the same rows thrice before"])
    @pytest.mark.parametrize("kind", ["no session ids", "session ids cut short", "numbers masked"])
    def test_a_count_that_did_not_change_proves_it(
        self, send: Send, host: Host, kind: str, before: int, ids: str
    ) -> None:
        """Nothing came, so nothing of ours did, whatever the listing would make of it."""
        service = host(faults=at({0: reset()}), **KINDS[kind][0])
        source = IDS[ids](CHUNK)
        for lead in source * before:
            service.remember(lead)
        report = send(service, source)
        check(report, service)
        assert report.accepted == CHUNK
        assert sent(service) == 2 * CHUNK

    @pytest.mark.parametrize("ids", IDS)
    @pytest.mark.parametrize("off", [-10, -3, 5])
    def test_a_counter_that_does_not_agree_proves_nothing(
        self, send: Send, host: Host, off: int, ids: str
    ) -> None:
        """Nothing is found, no row is left to go first, and the counts differ."""
        service = host(faults=at({0: reset()}), counts=lambda count: count + off)
        for lead in with_ids(30):
            service.remember(lead | {"app_session_id": "before"})
        report = send(service, IDS[ids](CHUNK))
        reasoned(check(report, service), ".")
        assert sent(service) == CHUNK

    @pytest.mark.parametrize("ids", IDS)
    def test_a_counter_that_lags_proves_nothing(self, send: Send, host: Host, ids: str) -> None:
        """It does not know of ten old records yet, and ten of ours come that nobody recognises."""
        service = host(
            faults=at({0: reset(applied=1.0)}),
            counts=lambda count: count - 10,
            shows=shows.without("app_session_id"),
        )
        for lead in leads(20):
            service.remember(lead)
        report = send(service, IDS[ids](CHUNK))
        reasoned(check(report, service), ".")

    @pytest.mark.parametrize("ids", IDS)
    def test_a_new_row_that_comes_back_proves_it(self, send: Send, host: Host, ids: str) -> None:
        """Nothing is found and the counts differ; a row that was never in doubt shows the rest."""
        service = host(faults=at({0: reset()}), counts=lambda count: count + 5)
        report = send(service, IDS[ids](COUNT))
        check(report, service)
        assert report.accepted == COUNT
        # It went before any row in doubt did.
        first, second, *_ = [push.records for push in service.pushes]
        in_doubt = {record["variables"]["row"] for record in first}
        assert not in_doubt & {record["variables"]["row"] for record in second}

    @pytest.mark.parametrize("ids", IDS)
    def test_others_that_push_meanwhile(self, send: Send, host: Host, ids: str) -> None:
        """Their records change the count; ours are told apart from them."""
        service = host(faults=at({0: reset(applied=0.5)}), writers=4)
        report = send(service, IDS[ids](COUNT))
        found = check(report, service)
        # With own ids, one of theirs that has a number of ours may be ours.
        assert {row["outcome"] for row in found} <= {"accepted", "unknown"}
        assert ids != "tokens" or report.accepted == COUNT
