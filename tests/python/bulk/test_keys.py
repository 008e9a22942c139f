"""Rows that are known by a key: each goes out once, whatever its place, machine and journal."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
import revrag
from bulk.conftest import Host, Upload
from bulk.test_row_key import token
from support.service import Service, at, reset, status
from support.upload import leads, number, outcomes, rows

KEYED: dict[str, Any] = {"key": "id", "name": "diwali-2026"}
# As many as asked for; the story of one is the same each time.
RUNS = 200

Lead = dict[str, Any]


def people(count: int, start: int = 0) -> list[Lead]:
    """Leads with a key."""
    return [
        {"id": index, "phone_number": number(index), "first": f"Lead {index}"}
        for index in range(start, start + count)
    ]


def once(service: Service, expected: list[Lead], name: str | None = "diwali-2026") -> None:
    """Every lead is there once, under its token; nothing else is."""
    found = Counter(record.session for record in service.applied)
    assert found == Counter(token(name, (str(lead["id"]),)) for lead in expected)


class TestFirst:
    """What was tried when the whole table rang twice."""

    def test_a_table_without_an_order(self, upload: Upload, service: Service) -> None:
        table = people(300)
        assert upload(service, table, **KEYED).accepted == 300
        report = upload(service, random.Random(1).sample(table, 300), **KEYED)
        assert (report.existing, report.accepted, len(service.applied)) == (300, 0, 300)

    def test_a_new_lead_on_top(self, upload: Upload, service: Service) -> None:
        upload(service, people(300), **KEYED)
        report = upload(service, people(1, 300) + people(300), **KEYED)
        assert (report.existing, report.accepted, len(service.applied)) == (300, 1, 301)
        assert outcomes(report)[:2] == ["accepted", "existing"]

    def test_a_corrected_number(self, upload: Upload, service: Service) -> None:
        table = people(300)
        upload(service, table, **KEYED)
        table[250] |= {"phone_number": number(900)}
        report = upload(service, table, **KEYED)
        assert (report.existing, report.changed, len(service.applied)) == (300, 1, 300)
        changed = rows(report)[250]
        assert (changed["key"], changed["outcome"]) == ("250", "existing")
        assert changed["run_id"] == service.applied[250].run_id
        assert "changed" in changed["error"]

    def test_a_lost_journal(self, upload: Upload, service: Service, journal: Path) -> None:
        upload(service, people(300), journal=journal, **KEYED)
        journal.unlink()
        report = upload(service, people(300), journal=journal, **KEYED)
        assert (report.existing, len(service.applied)) == (300, 300)


class TestRows:
    def test_a_report_names_keys_and_runs(self, upload: Upload, service: Service) -> None:
        upload(service, people(2), **KEYED)
        service.applied[0].status = "completed"
        found = rows(upload(service, people(3), **KEYED))
        assert [row["key"] for row in found] == ["0", "1", "2"]
        assert [row["outcome"] for row in found] == ["existing", "existing", "accepted"]
        assert found[0]["run_id"] == service.applied[0].run_id
        assert all(row["status"] for row in found)

    def test_no_key_and_a_key_twice(self, upload: Upload, service: Service) -> None:
        table = [*people(2), {**people(1)[0], "id": None}, *people(1), *people(1, 5)]
        report = upload(service, table, **KEYED)
        found = rows(report)
        assert [row["outcome"] for row in found] == [
            "accepted", "accepted", "invalid", "duplicate", "accepted",
        ]  # fmt: skip
        assert "no key" in found[2]["error"]
        assert "id" in found[2]["error"]
        assert "row 0" in found[3]["error"]
        assert (found[2]["key"], found[3]["key"]) == (None, "0")

    def test_what_was_refused_goes_out_once_corrected(
        self, upload: Upload, service: Service
    ) -> None:
        table = people(3)
        table[0] |= {"phone_number": "12"}
        table[1] |= {"service": "rejects"}
        assert outcomes(upload(service, table, **KEYED)) == ["invalid", "rejected", "accepted"]
        report = upload(service, people(3), **KEYED)
        assert outcomes(report) == ["accepted", "accepted", "existing"]
        once(service, people(3))

    def test_another_round_calls_again(self, upload: Upload, service: Service) -> None:
        for name in ("first", "second", None):
            assert upload(service, people(5), key="id", name=name).accepted == 5
        assert upload(service, people(5), key="id", name="first").existing == 5

    def test_several_columns(self, upload: Upload, service: Service) -> None:
        table = [{**lead, "branch": "a:b"} for lead in people(2)]
        report = upload(service, pl.DataFrame(table), key=["branch", "id"], name="n")
        assert [record.session for record in service.applied] == ["n:a%3Ab:0", "n:a%3Ab:1"]
        assert revrag.row_key(service.applied[0].session) == ("n", ("a:b", "0"))
        assert [row["key"] for row in rows(report)] == ["a%3Ab:0", "a%3Ab:1"]

    def test_own_ids_go_out_as_they_are(self, upload: Upload, service: Service) -> None:
        table = [{"phone_number": number(at), "visit": f"visit {at}"} for at in range(3)]
        options = {"key": "visit", "app_session_id": "visit"}
        assert upload(service, table, **options).accepted == 3
        assert [record.session for record in service.applied] == ["visit 0", "visit 1", "visit 2"]
        assert upload(service, table[::-1], **options).existing == 3

    def test_the_number_can_be_the_key(self, upload: Upload, service: Service) -> None:
        upload(service, [{"phone_number": "98000 00001"}], key="phone_number")
        report = upload(service, [{"phone_number": "+919800000001"}], key="phone_number")
        assert (report.existing, report.changed) == (1, 0)

    def test_a_key_of_any_type_and_form(self, upload: Upload, service: Service) -> None:
        odd = ["é🙂", "k" * 4096, " 17 ", "~", "%3A"]
        table = [{"id": key, "phone_number": number(at)} for at, key in enumerate(odd)]
        assert upload(service, table, **KEYED).accepted == len(odd)
        assert upload(service, table, **KEYED).existing == len(odd)
        assert [record.session for record in service.applied] == [
            token("diwali-2026", (key,)) for key in odd
        ]
        whole = pl.DataFrame({"id": [17.0, -3.0], "phone_number": [number(50), number(51)]})
        upload(service, whole, **KEYED)
        assert [record.session for record in service.applied[-2:]] == [
            "diwali-2026:17", "diwali-2026:-3",
        ]  # fmt: skip

    @pytest.mark.parametrize("journaled", [False, True])
    def test_rows_that_cannot_be_sent_have_no_part_in_it(
        self, upload: Upload, service: Service, journal: Path, journaled: bool
    ) -> None:
        """They come before their keys are read, between others, and the others keep theirs."""
        options = {**KEYED, **({"journal": journal} if journaled else {})}
        table: list[Any] = people(6)
        table[1] = {**table[1], "variables": {"a": {1, 2}}}
        table[3] = None
        table[4] = {**table[4], "phone_number": True}
        for outcome in ("accepted", "existing"):
            report = upload(service, table, **options)
            expected = [outcome, "invalid", outcome, "invalid", "invalid", outcome]
            assert outcomes(report) == expected
            keys = [row["key"] for row in rows(report)]
            assert [keys[at] for at in (0, 2, 5)] == [str(table[at]["id"]) for at in (0, 2, 5)]
        assert len(service.applied) == 3
        table[3] = people(6)[3]
        assert upload(service, table[::-1], **options).accepted == 1
        assert len(service.applied) == 4

    def test_a_dry_run_tells_what_is_there(self, upload: Upload, service: Service) -> None:
        upload(service, people(2), **KEYED)
        report = upload(service, people(3), dry_run=True, **KEYED)
        assert outcomes(report) == ["existing", "existing", "not_sent"]
        assert len(service.applied) == 2


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"key": "nope"}, "nope"),
        ({"key": []}, "key"),
        ({"key": ["id", "id"]}, "id"),
        ({"key": "id", "name": ""}, "name"),
        ({"key": "id", "name": "x" * 56}, "name"),
        ({"name": "x"}, "name"),
        ({"existing": "journal"}, "existing"),
        ({"key": "id", "existing": "journal"}, "journal"),
        ({"key": "id", "app_session_id": "visit"}, "visit"),
        ({"key": "visit", "app_session_id": "visit", "name": "x"}, "name"),
        ({"key": "price"}, "price"),
        ({"key": "flag"}, "flag"),
        ({"key": "data"}, "data"),
        ({"key": "line"}, "line.*control"),
        ({"key": "long"}, "long.*10240 bytes"),
        ({"key": "bytes"}, "bytes"),
    ],
)
@pytest.mark.parametrize("kind", ["dicts", "frame"])
def test_what_is_no_key_is_refused_before_anything_is_sent(
    upload: Upload, service: Service, options: dict[str, Any], names: str, kind: str
) -> None:
    odd: Lead = {"price": 17.5, "flag": True, "data": [1], "line": "a\nb", "long": "k" * 10_240}
    # Whatever it is for, a table can't have such a column.
    odd |= {"bytes": b"x"} if names == "bytes" else {}
    table = [{**lead, "visit": "v", **odd} for lead in people(3)]
    with pytest.raises(revrag.InvalidArgumentError, match=names):
        upload(service, pl.DataFrame(table) if kind == "frame" else table, **options)
    assert not service.pushes


@pytest.mark.parametrize("kind", ["dicts", "frame"])
def test_a_fraction_far_down_is_found_first(upload: Upload, service: Service, kind: str) -> None:
    table = [{**lead, "id": float(lead["id"])} for lead in people(5000)]
    table[-1] |= {"id": 17.5}
    with pytest.raises(revrag.InvalidArgumentError, match="id"):
        upload(service, pl.DataFrame(table) if kind == "frame" else table, key="id")
    assert not service.pushes


def test_another_column_of_session_ids_is_refused(upload: Upload, service: Service) -> None:
    table = [{**lead, "app_session_id": "s"} for lead in people(2)]
    with pytest.raises(revrag.InvalidArgumentError, match="app_session_id"):
        upload(service, table, **KEYED)
    assert not service.pushes


class TestProof:
    """What a listing says of rows that it does not show."""

    def test_a_listing_without_session_ids_stops_it(self, upload: Upload, host: Host) -> None:
        service = host(shows=lambda record: record | {"app_session_id": None})
        assert upload(service, people(20), **KEYED).accepted == 20
        with pytest.raises(revrag.UploadError, match='existing="journal"') as info:
            upload(service, people(20), **KEYED)
        assert info.value.report.accepted == 0
        assert len(service.applied) == 20

    def test_one_row_goes_first(self, upload: Upload, service: Service) -> None:
        for index in range(5):
            service.store.add({"phone_number": number(index)}, "before")
        report = upload(service, people(20), **KEYED)
        # What may be one of theirs is not sent.
        assert outcomes(report) == ["unknown"] * 5 + ["accepted"] * 15
        assert len(service.pushes[0].records) == 1
        assert len(service.pushes) == 2

    def test_one_row_goes_first_and_is_the_last(self, upload: Upload, service: Service) -> None:
        for index in range(5):
            service.store.add({"phone_number": number(index)}, "before")
        report = upload(service, people(6), **KEYED)
        assert outcomes(report) == ["unknown"] * 5 + ["accepted"]

    def test_no_row_can_go_first(self, upload: Upload, service: Service) -> None:
        for index in range(5):
            service.store.add({"phone_number": number(index)}, "before")
        with pytest.raises(revrag.UploadError, match="no row with another number could go first"):
            upload(service, people(5), **KEYED)
        assert not service.pushes

    @pytest.mark.parametrize("cut", [8, 12, 13])
    def test_session_ids_that_are_cut_short(self, upload: Upload, host: Host, cut: int) -> None:
        def shows(record: dict[str, Any]) -> dict[str, Any]:
            return record | {"app_session_id": (record["app_session_id"] or "")[:cut]}

        service = host(shows=shows)
        upload(service, people(120), **KEYED)
        try:
            report = upload(service, people(120), **KEYED)
        except revrag.UploadError as error:
            # Nothing that it shows is a token any more.
            assert cut == 8
            report = error.report
        assert report.accepted == 0
        assert len(service.applied) == 120

    def test_session_ids_in_capitals(self, upload: Upload, host: Host) -> None:
        service = host(
            shows=lambda record: record | {"app_session_id": record["app_session_id"].upper()}
        )
        upload(service, people(20), **KEYED)
        assert upload(service, people(20), **KEYED).unknown == 20
        assert len(service.applied) == 20

    def test_session_ids_of_the_services_own_stop_it(self, upload: Upload, host: Host) -> None:
        service = host(shows=lambda record: record | {"app_session_id": f"s-{record['id']}"})
        upload(service, people(20), **KEYED)
        with pytest.raises(revrag.UploadError):
            upload(service, people(20)[::-1], **KEYED)
        assert len(service.applied) == 20

    def test_ids_of_others_tell_nothing_of_ours(self, upload: Upload, service: Service) -> None:
        for index in range(5):
            lead = {"phone_number": number(index), "app_session_id": "theirs"}
            service.store.add(lead, "before")
        report = upload(service, people(20), **KEYED)
        assert outcomes(report) == ["unknown"] * 5 + ["accepted"] * 15
        # As tokens of ours are shown, ids of others are others'.
        report = upload(service, people(20), **KEYED)
        assert (report.accepted, report.existing) == (5, 15)
        once(service, people(20))

    def test_a_listing_that_hides_records_stops_it(self, upload: Upload, host: Host) -> None:
        service = host(counts=lambda count: count + 1)
        with pytest.raises(revrag.UploadError, match="counts 1 records"):
            upload(service, people(20), **KEYED)
        assert not service.pushes

    def test_a_token_that_is_shown_twice_is_reported(
        self, upload: Upload, service: Service
    ) -> None:
        upload(service, people(3), **KEYED)
        service.store.add(dict(service.applied[1].record), "before")
        report = upload(service, people(3), **KEYED)
        assert (report.existing, report.doubled) == (3, 1)
        assert "several records" in rows(report)[1]["error"]

    def test_the_journal_alone(self, upload: Upload, host: Host, journal: Path) -> None:
        service = host(shows=lambda record: record | {"app_session_id": None})
        options = {**KEYED, "existing": "journal", "journal": journal}
        assert upload(service, people(20), **options).accepted == 20
        table = people(25)[::-1]
        table[-1] |= {"first": "Other"}
        report = upload(service, table, **options)
        assert (report.existing, report.changed, report.accepted) == (20, 1, 5)
        assert not service.queries
        once(service, people(25))


def test_rows_in_doubt_of_another_process_are_found(
    upload: Upload, service: Service, journal: Path
) -> None:
    service.faults = at({1: reset(applied=1.0), 2: status(400)})
    options = {**KEYED, "max_records": 10, "concurrency": 1}
    with pytest.raises(revrag.UploadError):
        upload(service, people(100), **options, journal=journal, on_unknown="leave")
    assert len(service.applied) == 20
    report = upload(service, people(100)[::-1], **options)
    assert (report.existing, report.accepted) == (20, 80)
    once(service, people(100))


def test_a_plain_journal_does_not_become_a_keyed_one(
    upload: Upload, service: Service, journal: Path
) -> None:
    upload(service, leads(3), journal=journal)
    with pytest.raises(revrag.JournalError, match="another key"):
        upload(service, people(3), journal=journal, **KEYED)
    assert len(service.applied) == 3


def test_a_number_is_one_key_whatever_its_sign_and_type(upload: Upload, service: Service) -> None:
    lead = {"phone_number": number(0)}
    nothing = pa.array([Decimal("-0.00")], pa.decimal128(5, 2))
    same = [
        [lead | {"id": 0}],
        [lead | {"id": -0.0}],
        pl.DataFrame([lead | {"id": -0.0}]),
        pl.DataFrame([lead | {"id": -0.0}], schema_overrides={"id": pl.Float32}),
        pa.table({"phone_number": [number(0)], "id": nothing}),
    ]
    for source in same:
        upload(service, source, **KEYED)
    assert [record.session for record in service.applied] == [token("diwali-2026", ("0",))]
