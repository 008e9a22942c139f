"""Workbooks: the sheet, the names, and cells that keep their types."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import revrag
from bulk.conftest import Upload
from support.service import Service
from support.upload import number, rows


def workbook(path: Path, **sheets: list[list[Any]]) -> Path:
    """Write a workbook: each sheet's rows by its name."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, lines in sheets.items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(line)
    book.save(path)
    return path


def test_cells_keep_their_types(upload: Upload, service: Service, tmp_path: Path) -> None:
    header = ["phone_number", "whole", "real", "flag", "day", "moment", "time", "text", "empty"]
    line = [
        919876543210,
        34,
        1.5,
        True,
        dt.date(2026, 5, 27),
        dt.datetime(2026, 5, 27, 8, 30, 15),  # noqa: DTZ001
        dt.time(9, 5),
        "007",
        None,
    ]
    path = workbook(tmp_path / "leads.xlsx", Leads=[header, line])
    report = upload(service, path, app_user_id="whole", variables=[*header[2:], "whole"])
    (stored,) = service.applied
    assert stored.phone_number == "+919876543210"
    assert service.pushes[0].records[0]["app_user_id"] == "34"
    assert stored.variables == {
        "whole": 34,
        "real": 1.5,
        "flag": True,
        "day": "2026-05-27",
        "moment": "2026-05-27T08:30:15",
        "time": "09:05:00",
        "text": "007",
    }
    assert type(stored.variables["whole"]) is int
    assert report.repaired == 1


def test_rows_that_are_empty_are_passed_over(
    upload: Upload, service: Service, tmp_path: Path
) -> None:
    """Also those before the header; a column without a name is no variable."""
    lines = [[], [], [None, "phone_number", "name"], [], ["x", number(0), "Riya"], [], [None, "12"]]
    report = upload(service, workbook(tmp_path / "leads.xlsx", Leads=lines))
    assert [row["outcome"] for row in rows(report)] == ["accepted", "invalid"]
    assert service.applied[0].variables == {"name": "Riya"}


def test_errors_of_formulas_are_nothing(upload: Upload, service: Service, tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "leads.xlsx",
        Leads=[["phone_number", "name"], [number(0), "#N/A"], ["#REF!", "Riya"]],
    )
    report = upload(service, path)
    assert [row["outcome"] for row in rows(report)] == ["accepted", "invalid"]
    assert service.applied[0].variables == {}


LEADS = [["phone_number", "name"], [number(0), "Riya"]]
NOTES = [["about"], ["made in May"]]


class TestSheets:
    def test_the_only_one(self, upload: Upload, service: Service, tmp_path: Path) -> None:
        upload(service, workbook(tmp_path / "leads.xlsx", Empty=[], Leads=LEADS, Another=[]))
        assert service.applied[0].variables == {"name": "Riya"}

    def test_the_only_one_with_numbers(
        self, upload: Upload, service: Service, tmp_path: Path
    ) -> None:
        path = workbook(tmp_path / "leads.xlsx", Notes=NOTES, Leads=LEADS)
        assert upload(service, path).accepted == 1

    def test_which_of_several_is_not_guessed(
        self, upload: Upload, service: Service, tmp_path: Path
    ) -> None:
        path = workbook(tmp_path / "leads.xlsx", May=LEADS, June=[LEADS[0], [number(1), "Zoë"]])
        with pytest.raises(revrag.InvalidArgumentError, match=r'"May", "June".*sheet="May"'):
            upload(service, path)
        upload(service, path, sheet="June")
        assert service.applied[0].variables == {"name": "Zoë"}

    def test_a_hidden_one_only_by_name(
        self, upload: Upload, service: Service, tmp_path: Path
    ) -> None:
        path = workbook(tmp_path / "leads.xlsx", Leads=LEADS, Old=[LEADS[0], [number(1), "Zoë"]])
        book = openpyxl.load_workbook(path)
        book["Old"].sheet_state = "hidden"
        book.save(path)
        upload(service, path)
        upload(service, path, sheet="Old")
        assert [stored.variables["name"] for stored in service.applied] == ["Riya", "Zoë"]

    def test_that_is_not_there(self, upload: Upload, service: Service, tmp_path: Path) -> None:
        path = workbook(tmp_path / "leads.xlsx", Leads=LEADS)
        with pytest.raises(revrag.InvalidArgumentError, match=r'^sheet: .*"June".*"Leads"'):
            upload(service, path, sheet="June")


def test_a_sheet_without_rows_gives_a_report(
    upload: Upload, service: Service, tmp_path: Path
) -> None:
    assert upload(service, workbook(tmp_path / "leads.xlsx", Leads=LEADS[:1])).total == 0


def test_names_that_come_twice(upload: Upload, service: Service, tmp_path: Path) -> None:
    lines = [["phone_number", "note", "note"], [number(0), "a", "b"]]
    path = workbook(tmp_path / "leads.xlsx", Leads=lines)
    upload(service, path)
    assert service.applied[0].variables == {"note": "a", "note_2": "b"}
    with pytest.raises(revrag.InvalidArgumentError, match='two columns are named "note"'):
        upload(service, path, app_user_id="note")


def test_the_likeliest_column(upload: Upload, service: Service, tmp_path: Path) -> None:
    lines = [["Name", "Mobile"], ["Riya", 9876543210]]
    path = workbook(tmp_path / "leads.xlsx", Leads=lines)
    with pytest.raises(revrag.InvalidArgumentError, match='phone_number="Mobile"'):
        upload(service, path)
    assert upload(service, path, phone_number="Mobile").accepted == 1


NONE: dict[str, tuple[bytes, str]] = {
    "a web page": (b"<html><table><tr><td>Phone</td></tr></table></html>", "web page"),
    "text": (b"phone_number\n+919876543210\n", "csv"),
    "nothing": (b"", "csv"),
    "an archive": (b"PK\x05\x06" + bytes(18), "workbook"),
    "damaged": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), "leads"),
    "with a password": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
        "password",
    ),
}


@pytest.mark.parametrize("name", ["leads.xlsx", "leads.xls"])
@pytest.mark.parametrize("kind", NONE)
def test_files_that_are_none(
    upload: Upload, service: Service, tmp_path: Path, kind: str, name: str
) -> None:
    content, word = NONE[kind]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(revrag.InvalidArgumentError, match=word) as info:
        upload(service, tmp_path / name)
    assert name in str(info.value)
    assert not service.pushes


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_workbook_cut_short(
    upload: Upload, service: Service, tmp_path: Path, share: float
) -> None:
    path = workbook(tmp_path / "leads.xlsx", Leads=LEADS * 50)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(revrag.InvalidArgumentError, match=r"leads\.xlsx"):
        upload(service, path)


def test_two_columns_of_a_role(upload: Upload, service: Service, tmp_path: Path) -> None:
    """Which is meant is not for us to guess, whoever named it."""
    for name in ("phone_number", "app_user_id", "app_session_id"):
        lines = [["phone_number", name, name], [number(0), number(1), number(2)]]
        with pytest.raises(revrag.InvalidArgumentError, match=f'two columns are named "{name}"'):
            upload(service, workbook(tmp_path / "leads.xlsx", Leads=lines))
