"""CSV files as they come: quotes, delimiters, encodings, names. Never fewer rows than there are."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import revrag
from bulk.conftest import Upload
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.service import Service
from support.upload import number, rows

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file: ``write(text)`` or ``write(bytes, "leads.tsv")``."""

    def write(content: str | bytes, name: str = "leads.csv") -> Path:
        path = tmp_path / name
        data = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


def names(service: Service) -> list[Any]:
    return [stored.variables.get("name") for stored in service.applied]


OPEN = {
    "never closed": ('{},"Pankaj\n', "never closed"),
    "closed rows later": ('{},"Pankaj\n+919812345678,"Riya"\n', "follows the quote"),
    "text after it": ('{},"Pankaj" Kumar\n', "follows the quote"),
    "a blank after it": ('{},"Pankaj" \n', "follows the quote"),
    "not doubled within": ('{},"say "hi""\n', "follows the quote"),
    "escaped as in C": ('{},"say \\"hi\\""\n', "follows the quote"),
}


class TestQuotes:
    @pytest.mark.parametrize("bad", [0, 1, 3000])
    @pytest.mark.parametrize("kind", OPEN)
    def test_an_error_names_the_row_in_which_it_opens(
        self, upload: Upload, service: Service, write: Write, kind: str, bad: int
    ) -> None:
        line, why = OPEN[kind]
        lines = [f"{number(row)},Lead {row}\n" for row in range(bad + 20)]
        lines[bad] = line.format(number(bad))
        path = write("phone_number,name\n" + "".join(lines))
        with pytest.raises((revrag.InvalidArgumentError, revrag.UploadError)) as info:
            upload(service, path, max_records=100)
        text = f"{info.value} {info.value.__cause__ or ''}"
        assert f"row {bad}:" in text
        assert why in text
        # Nothing of it, or after it, has gone anywhere.
        assert {stored.phone_number for stored in service.applied} <= {
            number(row) for row in range(bad)
        }
        assert all("\n" not in name for name in names(service))

    def test_in_the_header(self, upload: Upload, service: Service, write: Write) -> None:
        with pytest.raises(revrag.InvalidArgumentError, match=r"header.*never closed"):
            upload(service, write('phone_number,"name\n+919876543210,a\n'))

    def test_a_field_has_a_largest_size(
        self, upload: Upload, service: Service, write: Write
    ) -> None:
        """Or a quote that opens in a large file would take all of it into memory."""
        rest = "+919876543211,Riya\n" * 100_000
        path = write(f'phone_number,name\n{number(0)},a\n{number(1)},"Pankaj\n{rest}')
        with pytest.raises(revrag.InvalidArgumentError) as info:
            upload(service, path)
        assert "row 1:" in str(info.value)
        assert "more than 1000000 bytes" in str(info.value)
        assert "max_field_bytes" in str(info.value)

    def test_which_can_be_set(self, upload: Upload, service: Service, write: Write) -> None:
        path = write(f"phone_number,name\n{number(0)},{'x' * 500}\n")
        with pytest.raises(revrag.InvalidArgumentError, match="more than 100 bytes"):
            upload(service, path, max_field_bytes=100)
        assert upload(service, path, max_field_bytes=500).accepted == 1
        with pytest.raises(revrag.InvalidArgumentError, match="max_field_bytes"):
            upload(service, path, max_field_bytes=0)

    def test_what_is_well_formed(self, upload: Upload, service: Service, write: Write) -> None:
        fields = ['say "hi"', "a\r\nb", "a,b", ' "quoted" within', "it's", '"']
        text = io.StringIO()
        made = csv.writer(text)
        made.writerow(["phone_number", "name"])
        made.writerows([number(at), field] for at, field in enumerate(fields))
        upload(service, write(text.getvalue()))
        assert names(service) == fields


# Mostly what CSV is made of.
TEXT = st.text(alphabet=st.sampled_from('a1,;"\n\r\t é'), max_size=60)


def python_reads(text: str) -> list[list[str]] | None:
    """The rows that Python's strict reader finds, without empty lines; none where it refuses."""
    try:
        found = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error:
        return None
    return found


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(TEXT)
def test_the_rows_are_those_of_pythons_strict_reader(
    service: Service, tmp_path: Path, body: str
) -> None:
    """The same rows or an error; never fewer, and never others."""
    path = tmp_path / "leads.csv"
    path.write_bytes(f"phone_number,name\n{body}".encode())
    expected = python_reads(body)
    before = len(service.pushes)
    options: dict[str, Any] = {"region": None, "delimiter": ",", "settle_after": 0.05}
    try:
        report = service.campaign().upload(path, **options)
    except revrag.InvalidArgumentError:
        assert len(service.pushes) == before
        # What is well-formed is refused for its number of fields alone.
        assert expected is None or any(len(row) != 2 for row in expected)
        return
    assert expected is not None
    assert report.total == len(expected)
    assert [row["phone_number"] for row in rows(report)] == [row[0] or None for row in expected]
    sent = [record for push in service.pushes[before:] for record in push.records]
    found = [(one["phone_number"], one.get("variables", {}).get("name", "")) for one in sent]
    assert found == [(phone, name) for phone, name in expected if phone]


DELIMITED: dict[str, tuple[str, dict[str, str]]] = {
    "comma": ("phone_number,name\n{},Riya\n", {}),
    "semicolon": ("phone_number;name\n{};Riya\n", {}),
    "tab": ("phone_number\tname\n{}\tRiya\n", {}),
    "pipe": ("phone_number|name\n{}|Riya\n", {}),
    "Excel's own line": ("sep=;\r\nphone_number;name\r\n{};Riya\r\n", {}),
    "Excel's own line, a tab": ("sep=\t\nphone_number\tname\n{}\tRiya\n", {}),
    "quoted names": ('"phone_number";"name";"a,b"\n"{}";"Riya";\n', {}),
    "another within a name": ("phone_number;name;a, b\n{};Riya;c\n", {}),
    "given": ("phone_number^name\n{}^Riya\n", {"delimiter": "^"}),
    "given, another than it seems": ("phone_number;name;c,d\n{};Riya;e\n", {"delimiter": ";"}),
    "blank lines first": ("\n\nphone_number;name\n{};Riya\n", {}),
}


class TestDelimiters:
    @pytest.mark.parametrize("kind", DELIMITED)
    @pytest.mark.parametrize("name", ["leads.csv", "leads.txt", "leads.tsv", "leads.csv.gz"])
    def test_found(
        self, upload: Upload, service: Service, write: Write, kind: str, name: str
    ) -> None:
        text, options = DELIMITED[kind]
        upload(service, write(text.format(number(0)), name), **options)
        assert (service.applied[0].phone_number, names(service)) == (number(0), ["Riya"])

    def test_uncertain(self, upload: Upload, service: Service, write: Write) -> None:
        path = write("Mobile;Name,First\n+919876543210;Riya,a\n")
        with pytest.raises(revrag.InvalidArgumentError, match=r"^delimiter: .*delimiter=\",\""):
            upload(service, path)
        assert upload(service, path, delimiter=";", phone_number="Mobile").accepted == 1

    @pytest.mark.parametrize("bad", ["", ",,", '"', "\n", "→", 5])
    def test_that_are_none(
        self, upload: Upload, service: Service, write: Write, bad: object
    ) -> None:
        with pytest.raises(revrag.InvalidArgumentError, match="delimiter"):
            upload(service, write("phone_number\n"), delimiter=bad)


class TestEncodings:
    TEXT = "phone_number,name\n+919876543210,Zoë अ 👋\n+919876543211,Riya\n"

    @pytest.mark.parametrize("name", ["leads.csv", "leads.txt", "leads.csv.gz"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
    def test_by_their_mark(
        self, upload: Upload, service: Service, write: Write, encoding: str, name: str
    ) -> None:
        mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
        upload(service, write((mark + self.TEXT).encode(encoding), name))
        assert names(service) == ["Zoë अ 👋", "Riya"]

    def test_of_lines_of_json(self, upload: Upload, service: Service, write: Write) -> None:
        line = '{"phone_number": "+919876543210", "name": "Zoë"}\n'
        upload(service, write(line.encode("utf-16"), "leads.jsonl"))
        upload(service, write(line.encode("latin-1"), "leads.jsonl"), encoding="latin-1")
        upload(service, write(line.encode("utf-8-sig"), "leads.jsonl"))
        assert names(service) == ["Zoë"] * 3

    @pytest.mark.parametrize(
        ("encoding", "text"),
        [
            ("windows-1252", "Zoë – José"),
            ("latin-1", "Zoë José"),
            ("cp1251", "Рия Наир"),
            ("shift_jis", "田中"),
            ("gb18030", "王伟"),
            ("utf-16-le", "Zoë"),
        ],
    )
    def test_given(
        self, upload: Upload, service: Service, write: Write, encoding: str, text: str
    ) -> None:
        content = f"phone_number,name\n+919876543210,{text}\n".encode(encoding)
        upload(service, write(content), encoding=encoding)
        assert names(service) == [text]

    @pytest.mark.parametrize("at", ["header", "row"])
    def test_one_that_is_not_said(
        self, upload: Upload, service: Service, write: Write, at: str
    ) -> None:
        """The error says which it looks like, and that is right."""
        column = "prénom" if at == "header" else "name"
        many = "".join(f"{number(row)},Élodie Lefèvre à Orléans\n" for row in range(20))
        content = f"phone_number,{column}\n{many}".encode("windows-1252")
        with pytest.raises(revrag.InvalidArgumentError) as info:
            upload(service, write(content))
        text = str(info.value)
        assert ("header" if at == "header" else "row 0") in text
        assert 'encoding="windows-1252"' in text
        assert upload(service, write(content), encoding="windows-1252").accepted == 20

    def test_utf_16_without_its_mark(self, upload: Upload, service: Service, write: Write) -> None:
        content = "phone_number,name\n+919876543210,Riya\n".encode("utf-16-le")
        with pytest.raises(revrag.InvalidArgumentError, match='encoding="utf-16-le"'):
            upload(service, write(content))

    def test_damaged(self, upload: Upload, service: Service, write: Write) -> None:
        """What can't be decoded is an error of its row."""
        content = self.TEXT.encode("utf-16")[:-3] + b"\xd8"
        with pytest.raises(revrag.InvalidArgumentError, match=r"row 1: it is not UTF-16LE"):
            upload(service, write(content))

    @pytest.mark.parametrize("bad", ["klingon", "", "utf-32", 5])
    def test_that_are_none(
        self, upload: Upload, service: Service, write: Write, bad: object
    ) -> None:
        with pytest.raises(revrag.InvalidArgumentError, match="encoding"):
            upload(service, write("phone_number\n"), encoding=bad)


OTHERS = {
    "a workbook": (b"PK\x03\x04,\t;" + bytes(100), "xlsx"),
    "an old workbook": (b"\xd0\xcf\x11\xe0" + bytes(100), "xls"),
    # The time in its head may have any bytes.
    "compressed": (gzip.compress(b"phone_number\n+919876543210\n", mtime=0x2C_09_3B_0A), "gz"),
    "a PDF": (b"%PDF-1.7\n", "PDF"),
    "UTF-32": ("phone_number\n".encode("utf-32"), "UTF-32"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_files_that_are_no_text(upload: Upload, service: Service, write: Write, kind: str) -> None:
    content, word = OTHERS[kind]
    with pytest.raises(revrag.InvalidArgumentError, match=word):
        upload(service, write(content))


class TestNames:
    def test_columns_without_one_are_passed_over(
        self, upload: Upload, service: Service, write: Write
    ) -> None:
        """Excel leaves trailing delimiters, and pandas an index."""
        upload(service, write(f",phone_number,name,,\n0,{number(0)},Riya,,x\n"))
        assert service.applied[0].variables == {"name": "Riya"}

    def test_two_of_one_name_that_nobody_asked_for(
        self, upload: Upload, service: Service, write: Write
    ) -> None:
        path = write(f"phone_number,note,note,name\n{number(0)},a,b,Riya\n")
        upload(service, path)
        upload(service, path, variables=["name"])
        first, second = (stored.variables for stored in service.applied)
        assert first == {"note": "a", "note_2": "b", "name": "Riya"}
        assert second == {"name": "Riya"}
        for asked in ({"variables": ["note"]}, {"app_user_id": "note"}, {"required": ["note"]}):
            with pytest.raises(revrag.InvalidArgumentError, match='two columns are named "note"'):
                upload(service, path, **asked)

    @pytest.mark.parametrize(
        ("header", "line", "likely"),
        [
            ("Name,Mobile No.,City", "Riya,9876543210,Pune", "Mobile No."),
            ("Phone,Mobile", ",9876543210", "Mobile"),
            ("id,handy", "9876,9876543210", "handy"),
            ("Order No,Contact Number,Qty", "17,p:+919876543210,2", "Contact Number"),
        ],
    )
    def test_the_likeliest_column_is_named(
        self, upload: Upload, service: Service, write: Write, header: str, line: str, likely: str
    ) -> None:
        path = write(f"{header}\n{line}\n")
        with pytest.raises(revrag.InvalidArgumentError) as info:
            upload(service, path)
        assert f'phone_number="{likely}"' in str(info.value)
        assert "98765" not in str(info.value)
        assert upload(service, path, phone_number=likely).accepted == 1

    def test_of_dicts_too(self, upload: Upload, service: Service) -> None:
        with pytest.raises(revrag.InvalidArgumentError, match='phone_number="Mobile"'):
            upload(service, [{"Name": "Riya", "Mobile": "98765 43210"}])

    def test_and_none_where_there_is_none(
        self, upload: Upload, service: Service, write: Write
    ) -> None:
        with pytest.raises(revrag.InvalidArgumentError) as info:
            upload(service, write("name,city\nRiya,Pune\n"))
        assert "likeliest" not in str(info.value)


@pytest.mark.parametrize(
    "options",
    [{"delimiter": ";"}, {"encoding": "utf-8"}, {"sheet": "Leads"}],
    ids=str,
)
def test_options_that_are_for_other_sources(
    upload: Upload, service: Service, write: Write, options: dict[str, Any]
) -> None:
    (name,) = options
    with pytest.raises(revrag.InvalidArgumentError, match=name):
        upload(service, [{"phone_number": "+919876543210"}], **options)
    with pytest.raises(revrag.InvalidArgumentError, match=name):
        upload(service, write("", "leads.jsonl" if name == "sheet" else "leads.parquet"), **options)
