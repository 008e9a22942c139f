"""Phone numbers: what is sent, what is repaired, what stays home, and why."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import revrag
from bulk.conftest import Upload
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.service import Service
from support.upload import check, number, outcomes, private, rows

INDIAN = "+919876543210"
DECIMAL = pa.decimal128(38, 10)
VALID = {
    "E.164": (INDIAN, INDIAN),
    "national": ("9876543210", INDIAN),
    "with a trunk zero": ("09876543210", INDIAN),
    "spaces": ("+91 98765 43210", INDIAN),
    "dashes and brackets": ("(98765)-43210", INDIAN),
    "spaces around": ("  9876543210 ", INDIAN),
    "without a plus": ("919876543210", INDIAN),
    "00 prefix": ("00919876543210", INDIAN),
    "a landline": ("+91 22 2202 0000", "+912222020000"),
    "another country": ("+1 (415) 555-2671", "+14155552671"),
}
INVALID = {
    "empty": "",
    "blank": "   ",
    "words": "no number",
    "too short": "98765",
    "too long": "+9198765432109",
    "no such number": "+915555555555",
    "no such number, national": "5555555555",
    "letters": "1-800-FLOWERS",
    "letters for digits": "98765ABCDE",
    "scientific notation": "9.87654321e9",
    "scientific notation, short": "9.19877E+11",
    "a fraction": "9876543210.5",
    "two numbers": "9876543210, 9876543211",
    "two numbers, a slash": "9876543210 / 9876543211",
    "two numbers, a blank": "9876543210 9876543211",
    "two numbers, two lines": "9876543210\n9876543211",
    "two numbers, with plusses": "+919876543210 +919876543211",
    "an extension": "+91 22 2202 0000 ext. 12",
    "an extension, x": "9876543210x12",
    "an extension of a link": "tel:+912222020000;ext=12",
    "a decimal below one": "0.9876543210",
    "a latitude": "98.76543210",
    "a decimal in the middle": "98765.43210",
    "a decimal in groups": "98765 4321.0",
    "a negative number": "-9876543210",
    "a negative number, the sign last": "9876543210-",
    "a negative decimal": "-9876543210.0",
    "a longitude": "+77.2090212345",
    "a label of something else": "id:9876543210",
    "a link to something else": "https://example.com/9876543210",
    "a fraction of another kind": "9876543210½",
    "a NUL": "98765\x0043210",
}


@pytest.mark.parametrize("given", VALID)
def test_a_valid_number_is_sent_as_e164(upload: Upload, service: Service, given: str) -> None:
    text, expected = VALID[given]
    report = upload(service, [{"phone_number": text, "variables": {"row": 0}}])
    assert [stored.phone_number for stored in service.applied] == [expected]
    assert check(report, service)[0]["phone_number"] == expected
    assert report.repaired == 0


@pytest.mark.parametrize("text", INVALID.values(), ids=INVALID)
def test_an_invalid_number_stays_home(upload: Upload, service: Service, text: str) -> None:
    report = upload(
        service,
        [{"phone_number": INDIAN, "row": 0}, {"phone_number": text, "row": 1}],
    )
    first, second = check(report, service)
    assert first["outcome"] == "accepted"
    assert second["outcome"] == "invalid"
    assert second["phone_number"] == text
    # The reason does not repeat the number.
    assert not re.search(r"\d{4}", second["error"])


def test_the_reason_is_the_librarys(upload: Upload, service: Service) -> None:
    report = upload(service, [{"phone_number": "98765"}, {"phone_number": "+9198765432109876543"}])
    short, long = (row["error"].lower() for row in rows(report))
    assert "short" in short
    assert "long" in long


REPAIRED: dict[str, tuple[Any, int]] = {
    "integers": (pa.array([9876543210, 919876543210]), 2),
    "whole floats": (pa.array([9876543210.0, 919876543210.0]), 2),
    "text that ends in .0": (pa.array(["9876543210.0", "+919876543210.0"]), 2),
    "text": (pa.array(["9876543210", "+91 98765 43210"]), 0),
    "some": (pa.array(["9876543210.0", "+919876543210"]), 1),
    "Meta's leads": (pa.array(["p:+919876543210", "p:9876543210"]), 2),
    "the apostrophe of text": (pa.array(["'+919876543210", "'9876543210"]), 2),
    "formulas": (pa.array(['="+919876543210"', "=9876543210"]), 2),
    "schemes": (pa.array(["tel:+91-98765-43210", "whatsapp:+919876543210"]), 2),
    "more schemes": (pa.array(["SMS:+919876543210?body=Hi", "callto://9876543210"]), 2),
    "links": (pa.array(["https://wa.me/919876543210", "wa.me/+919876543210?text=Hi"]), 2),
    "links that send": (
        pa.array(["https://api.whatsapp.com/send?phone=919876543210", "WA: 9876543210"]),
        2,
    ),
    "text that ends in .00": (pa.array(["919876543210.00", "+919876543210,00"]), 2),
    "decimals": (pa.array([Decimal(9876543210), Decimal(919876543210)], DECIMAL), 2),
    "runs": (pc.run_end_encode(pa.array([9876543210, 9876543210])), 2),
    "runs of text": (pc.run_end_encode(pa.array(["9876543210", "9876543210"])), 0),
    "invisible characters": (pa.array(["98765\u00ad43210\ufe0f", "\u206a9876543210\ufffc"]), 2),
    "odd blanks": (pa.array(["98765\u200943210", "\u180e98765\u3000432\u00a010"]), 2),
    "one in another": (pa.array(['\'="tel:+919876543210"', '"p:+919876543210"']), 2),
}


@pytest.mark.parametrize("kind", REPAIRED)
def test_what_spreadsheets_make_of_numbers(upload: Upload, service: Service, kind: str) -> None:
    column, repaired = REPAIRED[kind]
    report = upload(service, pa.table({"phone_number": column}))
    assert [stored.phone_number for stored in service.applied] == [INDIAN, INDIAN]
    assert (report.accepted, report.repaired) == (2, repaired)


def test_a_link_that_may_be_two_numbers(upload: Upload, service: Service) -> None:
    """There the country code comes first: Singapore's, or else India's left out."""
    source = [{"phone_number": f"https://wa.me/{rest}"} for rest in ("6591234567", "+6591234567")]
    report = upload(service, source)
    first, second = rows(report)
    assert "one of two numbers" in first["error"]
    assert second["phone_number"] == "+6591234567"


def test_what_was_repaired_is_sent_as_it_came(upload: Upload, service: Service) -> None:
    """Where it is no number even so, and the caller wants it sent."""
    upload(service, [{"phone_number": "tel:12345"}], on_invalid="send")
    assert service.pushes[0].records[0]["phone_number"] == "tel:12345"
    report = upload(service, [{"phone_number": "tel:12345"}])
    assert (rows(report)[0]["phone_number"], report.repaired) == ("tel:12345", 0)


WRAPPED = ["", "p:", "tel:", "TEL: ", "whatsapp:", "sms:", "callto:", "'", "https://wa.me/"]
FORMS = ["{}", "+91{}", "91{}", "0{}", "+91 {}", "{}.0", "{}.00"]
BLANKS = " \u00a0\u2009\u202f\u3000\u2007\t"
INVISIBLE = "\u200b\u200e\u202a\u2060\u206a\u00ad\u180e\ufe0f\ufeff\ufffc\U000e0101\x1a\x7f"
HIDDEN = st.tuples(
    st.integers(6_000_000_000, 9_999_999_999),
    st.sampled_from(WRAPPED),
    st.sampled_from(FORMS),
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from(INVISIBLE + BLANKS)), max_size=4),
    st.booleans(),
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(HIDDEN, min_size=1, max_size=8))
def test_hidden_numbers_are_found_or_have_a_reason(
    service: Service, hidden: list[tuple[int, str, str, list[tuple[int, str]], bool]]
) -> None:
    """Behind prefixes, in quotes, among invisible characters: it is that number, or none."""
    texts = []
    for national, before, form, among, is_formula in hidden:
        text = before + form.format(national)
        for at, character in among:
            text = text[:at] + character + text[at:]
        texts.append(f'="{text}"' if is_formula else text)
    report = service.campaign().upload([{"phone_number": text} for text in texts])
    for row, text, (national, *_) in zip(rows(report), texts, hidden, strict=True):
        if row["outcome"] == "invalid":
            assert row["error"], text
        else:
            assert row["phone_number"] == f"+91{national}", text


def test_numbers_of_python(upload: Upload, service: Service) -> None:
    given = [
        9876543210,
        9876543210.0,
        "9876543210.0",
        9876543210.5,
        None,
        float("nan"),
        -9876543210,
    ]
    report = upload(service, [{"phone_number": value} for value in given])
    assert outcomes(report) == ["accepted"] * 3 + ["invalid"] * 4
    assert report.repaired == 3


def test_what_was_lost_is_not_guessed(upload: Upload, service: Service) -> None:
    """A fraction, a negative, and a float beyond the integers that floats can hold."""
    column = pa.array([9876543210.5, -9876543210.0, 9.876543210e19, float("inf"), 12.0])
    report = upload(service, pa.table({"phone_number": column}))
    assert outcomes(report) == ["invalid"] * 5
    assert not service.pushes


def test_an_invalid_number_was_not_repaired(upload: Upload, service: Service) -> None:
    """The count is of rows that go out."""
    report = upload(service, pa.table({"phone_number": [9876543210, 12]}))
    assert (report.accepted, report.invalid, report.repaired) == (1, 1, 1)


def test_another_region(upload: Upload, service: Service) -> None:
    source = [{"phone_number": "(415) 555-2671"}, {"phone_number": "9876543210"}]
    report = upload(service, source, region="US")
    assert outcomes(report) == ["accepted", "invalid"]
    assert service.applied[0].phone_number == "+14155552671"


@pytest.mark.parametrize("region", ["XX", "india", "", "91"])
def test_no_such_region(upload: Upload, service: Service, region: str) -> None:
    with pytest.raises(revrag.InvalidArgumentError, match="region"):
        upload(service, [], region=region)


def test_without_a_region_all_go_as_they_come(upload: Upload, service: Service) -> None:
    given = ["98765 43210", "no number", INDIAN, "", "12.0"]
    report = upload(service, [{"phone_number": text} for text in given], region=None)
    assert [record["phone_number"] for record in service.pushes[0].records] == given
    assert outcomes(report)[1:3] == ["rejected", "accepted"]
    assert "no number" in rows(report)[1]["error"]  # the service's own words
    assert (report.invalid, report.repaired) == (0, 0)


def test_a_row_without_a_number_can_never_go(upload: Upload, service: Service) -> None:
    source = pl.DataFrame({"phone_number": [None, INDIAN]})
    for options in ({"region": None}, {"on_invalid": "send"}):
        report = upload(service, source, **options)
        assert outcomes(report) == ["invalid", "accepted"]
        assert rows(report)[0]["phone_number"] is None


class TestOnInvalid:
    SOURCE = pl.DataFrame(
        {"phone_number": [INDIAN, "no number", "98765 43211", "12345"], "row": [0, 1, 2, 3]}
    )

    def test_reject(self, upload: Upload, service: Service) -> None:
        report = upload(service, self.SOURCE, on_invalid="reject")
        assert outcomes(report) == ["accepted", "invalid", "accepted", "invalid"]

    def test_send(self, upload: Upload, service: Service) -> None:
        """As they came; what the service says of them counts."""
        report = upload(service, self.SOURCE, on_invalid="send")
        numbers = [record["phone_number"] for record in service.pushes[0].records]
        assert numbers == [INDIAN, "no number", "+919876543211", "12345"]
        assert outcomes(report) == ["accepted", "rejected", "accepted", "rejected"]

    @pytest.mark.parametrize("rows", [2, 5000])
    def test_raise(self, upload: Upload, service: Service, rows: int) -> None:
        """Before anything is sent, however far off the row is."""
        numbers = [number(row) for row in range(rows)]
        source = pl.DataFrame({"phone_number": [*numbers, "98765"]})
        with pytest.raises(revrag.InvalidArgumentError) as info:
            upload(service, source, on_invalid="raise", max_records=100)
        text = private(info.value, "98765")
        assert f"row {rows}" in text
        assert "phone_number" in text
        assert not service.pushes

    def test_raise_from_a_generator(self, upload: Upload, service: Service) -> None:
        """It can't be read twice; what was sent is in the report."""
        numbers = [
            *(number(row) for row in range(50)),
            "98765",
            *(number(row) for row in range(50)),
        ]
        source = ({"phone_number": text, "row": row} for row, text in enumerate(numbers))
        with pytest.raises((revrag.InvalidArgumentError, revrag.UploadError)) as info:
            upload(service, source, on_invalid="raise", max_records=10)
        assert "row 50" in private(info.value, "98765")
        if isinstance(info.value, revrag.UploadError):
            check(info.value.report, service)
        else:
            assert not service.pushes

    def test_raise_without_an_invalid_row(self, upload: Upload, service: Service) -> None:
        assert upload(service, self.SOURCE[:1], on_invalid="raise").accepted == 1
        assert upload(service, iter([{"phone_number": INDIAN}]), on_invalid="raise").accepted == 1


class TestOnDuplicate:
    # The same number in four notations, and another.
    NUMBERS = (INDIAN, "9876543210", "+919876543211", "98765-43210", "9876543210.0", "12345")
    SOURCE = pl.DataFrame({"phone_number": NUMBERS, "row": range(6)})

    def test_keep(self, upload: Upload, service: Service) -> None:
        report = upload(service, self.SOURCE)
        assert outcomes(report) == ["accepted"] * 5 + ["invalid"]
        check(report, service)

    def test_reject(self, upload: Upload, service: Service) -> None:
        report = upload(service, self.SOURCE, on_duplicate="reject", max_records=1)
        found = check(report, service)
        expected = ["accepted", "duplicate", "accepted", "duplicate", "duplicate", "invalid"]
        assert [row["outcome"] for row in found] == expected
        # As it came, where it was not sent.
        assert [row["phone_number"] for row in found][3] == "98765-43210"
        assert report.duplicate == 3

    def test_reject_without_a_region(self, upload: Upload, service: Service) -> None:
        """As they come, so only equal texts are the same."""
        numbers = [INDIAN, "9876543210", INDIAN]
        source = [{"phone_number": text} for text in numbers]
        report = upload(service, source, on_duplicate="reject", region=None)
        assert outcomes(report) == ["accepted", "accepted", "duplicate"]

    def test_a_row_that_stays_home_is_no_first(self, upload: Upload, service: Service) -> None:
        """Who was not called because a variable was missing is called by the next row."""
        source = [{"phone_number": INDIAN}, {"phone_number": INDIAN, "name": "Riya"}]
        report = upload(service, source, on_duplicate="reject", required=["name"])
        assert outcomes(report) == ["invalid", "accepted"]


class TestRequired:
    SOURCE = pl.DataFrame(
        {
            "phone_number": [number(row) for row in range(4)],
            "row": range(4),
            "name": ["Riya", None, "", "Zoë"],
            "city": ["Pune", "Pune", "Pune", None],
        }
    )

    def test_neither_null_nor_empty(self, upload: Upload, service: Service) -> None:
        report = upload(service, self.SOURCE, required=["name"])
        found = check(report, service)
        assert [row["outcome"] for row in found] == ["accepted", "invalid", "invalid", "accepted"]
        assert "name" in found[1]["error"]
        assert "name" in found[2]["error"]

    def test_several(self, upload: Upload, service: Service) -> None:
        report = upload(service, self.SOURCE, required=("name", "city"))
        assert outcomes(report) == ["accepted", "invalid", "invalid", "invalid"]

    def test_of_records(self, upload: Upload, service: Service) -> None:
        source = [
            {"phone_number": number(0), "variables": {"name": "Riya"}},
            {"phone_number": number(1), "variables": {}},
            {"phone_number": number(2)},
        ]
        assert outcomes(upload(service, source, required=["name"])) == [
            "accepted",
            "invalid",
            "invalid",
        ]

    def test_by_the_name_of_the_variable(self, upload: Upload, service: Service) -> None:
        options = {"variables": {"first_name": "name", "row": "row"}, "required": ["first_name"]}
        report = upload(service, self.SOURCE, **options)
        assert outcomes(report) == ["accepted", "invalid", "invalid", "accepted"]

    def test_raise(self, upload: Upload, service: Service) -> None:
        with pytest.raises(revrag.InvalidArgumentError, match="name") as info:
            upload(service, self.SOURCE, required=["name"], on_invalid="raise")
        assert "row 1" in private(info.value, number(1)[3:])
        assert not service.pushes

    def test_a_name_that_is_not_there(self, upload: Upload, service: Service) -> None:
        with pytest.raises(revrag.InvalidArgumentError, match="surname"):
            upload(service, self.SOURCE, required=["surname"])
        assert not service.pushes
