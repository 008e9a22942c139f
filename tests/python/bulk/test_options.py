"""Which columns are sent as what, how chunks are cut, and which options are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import revrag
from bulk.conftest import Host, Upload
from support.service import Service, gate
from support.upload import check, leads, number, outcomes

FRAME = pl.DataFrame(
    {
        "phone_number": [number(0), number(1)],
        "mobile": [number(2), number(3)],
        "first": ["Riya", "Zoë"],
        "age": [31, None],
        "customer": [7001, 7002],
        "visit": ["v1", None],
    }
)


def stored(service: Service) -> list[dict[str, Any]]:
    """What was sent, without the tokens that stand in for session ids."""
    return [
        {name: value for name, value in one.record.items() if name != "app_session_id"}
        for one in service.applied
    ]


class TestColumns:
    def test_all_others_are_variables(self, upload: Upload, service: Service) -> None:
        upload(service, FRAME)
        assert service.applied[0].variables == {
            "mobile": number(2),
            "first": "Riya",
            "age": 31,
            "customer": 7001,
            "visit": "v1",
        }

    def test_a_list(self, upload: Upload, service: Service) -> None:
        upload(service, FRAME, variables=["age", "first"])
        assert [one.variables for one in service.applied] == [
            {"age": 31, "first": "Riya"},
            {"first": "Zoë"},
        ]

    def test_a_mapping_from_variable_to_column(self, upload: Upload, service: Service) -> None:
        upload(service, FRAME, variables={"first_name": "first", "again": "first"})
        assert [one.variables for one in service.applied] == [
            {"first_name": "Riya", "again": "Riya"},
            {"first_name": "Zoë", "again": "Zoë"},
        ]

    def test_none_of_them(self, upload: Upload, service: Service) -> None:
        upload(service, FRAME, variables=[])
        assert [one.variables for one in service.applied] == [{}, {}]

    def test_a_column_of_objects(self, upload: Upload, service: Service) -> None:
        """A column `variables` that holds objects has them all."""
        objects = [{"a": 1, "b": None}, {"a": 2, "b": {"c": "x"}}]
        upload(service, FRAME.with_columns(pl.Series("variables", objects)))
        assert [one.variables for one in service.applied] == [{"a": 1}, {"a": 2, "b": {"c": "x"}}]

    def test_a_column_of_that_name_that_holds_none(self, upload: Upload, service: Service) -> None:
        frame = FRAME.select("phone_number", pl.lit("plain").alias("variables"))
        upload(service, frame)
        assert service.applied[0].variables == {"variables": "plain"}

    def test_the_phone_number(self, upload: Upload, service: Service) -> None:
        upload(service, FRAME, phone_number="mobile", variables=["first"])
        assert [one.phone_number for one in service.applied] == [number(2), number(3)]

    def test_the_phone_number_is_no_variable(self, upload: Upload, service: Service) -> None:
        upload(service, FRAME.drop("phone_number"), phone_number="mobile")
        assert "mobile" not in service.applied[0].variables

    def test_ids_become_text(self, upload: Upload, service: Service) -> None:
        upload(service, FRAME, app_user_id="customer", app_session_id="visit", variables=["age"])
        first, second = service.applied
        assert (first.user, first.session, first.variables) == ("7001", "v1", {"age": 31})
        assert second.user == "7002"
        # A row without a session id has a token.
        assert second.session not in (None, "")

    def test_ids_are_no_variables(self, upload: Upload, service: Service) -> None:
        upload(service, FRAME, app_user_id="customer", app_session_id="visit")
        assert set(service.applied[0].variables) == {"mobile", "first", "age"}

    def test_columns_of_those_very_names(self, upload: Upload, service: Service) -> None:
        frame = FRAME.rename({"customer": "app_user_id", "visit": "app_session_id"})
        upload(service, frame)
        first = service.applied[0]
        assert (first.user, first.session) == ("7001", "v1")
        assert set(first.variables) == {"mobile", "first", "age"}

    def test_of_dicts(self, upload: Upload, service: Service) -> None:
        """The options apply to dicts as to columns."""
        options = {
            "phone_number": "mobile",
            "variables": {"first_name": "first"},
            "app_user_id": "customer",
            "app_session_id": "visit",
        }
        upload(service, FRAME.to_dicts(), **options)
        first, second = service.applied
        assert first.record == {
            "phone_number": number(2),
            "variables": {"first_name": "Riya"},
            "app_user_id": "7001",
            "app_session_id": "v1",
        }
        assert second.user == "7002"

    def test_of_dicts_without_options(self, upload: Upload, service: Service) -> None:
        upload(service, FRAME.rename({"customer": "app_user_id"}).to_dicts())
        assert [one.user for one in service.applied] == ["7001", "7002"]
        assert service.applied[1].variables == {"mobile": number(3), "first": "Zoë"}

    def test_of_a_file(self, upload: Upload, service: Service, tmp_path: Path) -> None:
        FRAME.write_csv(tmp_path / "leads.csv")
        options = {"variables": {"years": "age"}, "app_user_id": "customer"}
        upload(service, tmp_path / "leads.csv", **options)
        assert stored(service) == [
            {"phone_number": number(0), "variables": {"years": "31"}, "app_user_id": "7001"},
            stored(service)[1],
        ]
        assert service.applied[1].variables == {}

    @pytest.mark.parametrize(
        "options",
        [
            {"phone_number": "telephone"},
            {"variables": ["first", "telephone"]},
            {"variables": {"first": "telephone"}},
            {"app_user_id": "telephone"},
            {"app_session_id": "telephone"},
        ],
        ids=lambda options: next(iter(options)),
    )
    def test_a_name_that_is_not_there(
        self, upload: Upload, service: Service, options: dict[str, Any]
    ) -> None:
        """The error names it, and what there is."""
        with pytest.raises(revrag.InvalidArgumentError, match="telephone") as info:
            upload(service, FRAME, **options)
        assert "mobile" in str(info.value)
        assert not service.pushes

    def test_an_id_column_of_another_kind(self, upload: Upload, service: Service) -> None:
        frame = FRAME.with_columns(pl.Series("customer", [[1], [2]]))
        with pytest.raises(revrag.InvalidArgumentError, match="customer"):
            upload(service, frame, app_user_id="customer")
        assert not service.pushes


class TestChunks:
    def test_max_records(self, upload: Upload, service: Service) -> None:
        upload(service, leads(95), max_records=30, concurrency=1)
        assert [len(push.records) for push in service.pushes] == [30, 30, 30, 5]

    def test_rows_that_stay_home_take_no_place(self, upload: Upload, service: Service) -> None:
        """A chunk is cut at the rows to send."""
        source = leads(60)
        for lead in source[::2]:
            lead["phone_number"] = "no number"
        report = upload(service, source, max_records=10, concurrency=1)
        assert [len(push.records) for push in service.pushes] == [10, 10, 10]
        check(report, service)

    def test_max_bytes(self, upload: Upload, service: Service) -> None:
        source = leads(200)
        report = upload(service, source, max_bytes=5000, concurrency=1)
        assert max(push.size for push in service.pushes) <= 5000
        # Full, as far as whole rows go.
        assert min(push.size for push in service.pushes[:-1]) > 4500
        check(report, service)

    def test_a_larger_row_goes_alone(self, upload: Upload, service: Service) -> None:
        source = leads(5)
        source[2]["variables"]["name"] = "x" * 10_000
        report = upload(service, source, max_bytes=2000, concurrency=1)
        assert [len(push.records) for push in service.pushes] == [2, 1, 2]
        check(report, service)

    def test_the_defaults(self, upload: Upload, service: Service) -> None:
        upload(service, leads(1200), concurrency=1)
        assert [len(push.records) for push in service.pushes] == [500, 500, 200]
        source = leads(20)
        for lead in source:
            lead["variables"]["name"] = "x" * 100_000
        service.pushes.clear()
        upload(service, source)
        assert max(push.size for push in service.pushes) <= 1_000_000
        assert len(service.pushes) == 3

    def test_concurrency(self, upload: Upload, host: Host) -> None:
        """As many as asked for, and never more."""
        service = host(faults=lambda exchange: gate() if exchange.kind == "push" else None)
        watched = service.watch

        def open_when_full(exchange: Any, phase: str) -> None:
            watched(exchange, phase)
            # The third is only here because two others wait.
            if exchange.kind == "push" and exchange.number == 2:
                service.open_gate()

        service.watch = open_when_full
        report = upload(service, leads(200), max_records=10, concurrency=3)
        assert service.most_in_flight == 3
        check(report, service)

    def test_one_at_a_time(self, upload: Upload, service: Service) -> None:
        upload(service, leads(100), max_records=10, concurrency=1)
        assert service.most_in_flight == 1
        assert [one.variables["row"] for one in service.applied] == list(range(100))

    def test_max_records_per_second(self, upload: Upload, service: Service) -> None:
        """Never faster; a second's worth may go at once."""
        report = upload(service, leads(100), max_records=10, max_records_per_second=50)
        assert report.elapsed >= (100 - 50 - 10) / 50 * 0.95
        check(report, service)


class TestDryRun:
    def test_nothing_is_sent(self, upload: Upload, service: Service) -> None:
        source = [*leads(3), {"phone_number": "no number"}, *leads(1)]
        report = upload(service, source, dry_run=True, on_duplicate="reject")
        assert not service.pushes
        assert outcomes(report) == ["not_sent"] * 3 + ["invalid", "duplicate"]
        assert (report.total, report.not_sent, report.invalid, report.duplicate) == (5, 3, 1, 1)

    def test_repairs_are_counted(self, upload: Upload, service: Service) -> None:
        report = upload(service, [{"phone_number": 9876543210}], dry_run=True)
        assert report.repaired == 1

    def test_a_bad_column_is_found(self, upload: Upload, service: Service) -> None:
        with pytest.raises(revrag.InvalidArgumentError, match="telephone"):
            upload(service, FRAME, dry_run=True, phone_number="telephone")


REFUSED: dict[str, Any] = {
    "max_records": [0, -1],
    "max_bytes": [0, -5],
    "concurrency": [0, -1],
    "max_records_per_second": [0, -1.0, float("nan")],
    "settle_after": [-1.0, float("nan")],
    "on_invalid": ["ignore", ""],
    "on_duplicate": ["drop"],
    "on_unknown": ["resend"],
}


@pytest.mark.parametrize(
    ("option", "value"),
    [(option, value) for option, values in REFUSED.items() for value in values],
)
def test_a_value_that_is_refused(
    upload: Upload, service: Service, option: str, value: object
) -> None:
    with pytest.raises(revrag.InvalidArgumentError, match=option):
        upload(service, leads(1), **{option: value})
    assert service.store.records == []
    assert not service.pushes


WRONG: dict[str, list[object]] = {
    # What is no bool would be one by its truth, and None would send.
    "dry_run": [None, "", "no", 0],
    "limit": ["10", 1.5, True],
    "max_invalid": ["5%"],
    "max_records": ["10", True],
    "key": [3],
    "journal": [5],
    "settle_after": ["5"],
}


@pytest.mark.parametrize(
    ("option", "value"), [(option, value) for option, values in WRONG.items() for value in values]
)
def test_a_wrong_type_is_told_by_name(
    upload: Upload, service: Service, option: str, value: object
) -> None:
    with pytest.raises(TypeError, match=rf"^{option}: "):
        upload(service, leads(1), **{option: value})
    assert not service.pushes


def test_no_such_option(upload: Upload, service: Service) -> None:
    with pytest.raises(TypeError, match="chunk_size"):
        upload(service, leads(1), chunk_size=5)
    assert not service.pushes


def test_the_options_are_keywords(service: Service) -> None:
    with pytest.raises(TypeError):
        service.campaign().upload(leads(1), "phone_number")  # type: ignore[misc]


def test_what_goes_over_the_wire(upload: Upload, service: Service) -> None:
    """The documented keys, and no null anywhere."""
    source = [
        {"phone_number": number(0), "variables": {"a": None, "b": {"c": None}}, "app_user_id": None}
    ]
    report = upload(service, source)
    (push,) = service.pushes
    assert push.records == [
        {
            "phone_number": number(0),
            "variables": {"b": {}},
            "app_session_id": f"{report.upload_id}-0",
        }
    ]
    assert "null" not in json.dumps(push.records)
