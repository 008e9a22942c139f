"""Made-up exports in the shapes that people have: one argument at most, or the error says which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import revrag
from bulk.conftest import Upload
from support.service import Service

FOLDER = Path(__file__).parents[2] / "data" / "exports"
FIRST, SECOND, THIRD, FOURTH = (f"+91987654321{last}" for last in range(4))

# What each needs, the numbers that go out, and something of the first row.
EXPORTS: dict[str, tuple[dict[str, Any], list[str], dict[str, Any]]] = {
    "dialer-two-numbers.csv": ({}, [FIRST], {"name": "Pankaj"}),
    "excel-97.xls": ({}, [FIRST, SECOND], {"visits": 3, "seen": "2026-05-27"}),
    "excel-france.csv": (
        {"phone_number": "Mobile"},
        ["+33612345678", "+33612345679", "+33612345670"],
        {"Prénom": "Élodie", "Montant": "1 250,50"},
    ),
    "excel-india.csv": ({}, [FIRST, SECOND, THIRD, FOURTH], {"premium": "1,250.50"}),
    "excel-unicode-text.txt": ({}, [FIRST, SECOND], {"name": "अनिल", "city": "पुणे"}),
    "excel.xlsx": (
        {"phone_number": "Mobile No"},
        [FIRST, SECOND, THIRD],
        {"Customer": "Pankaj", "Age": 34, "Renewal": "2026-05-27", "Active": True},
    ),
    "freshsales.csv": ({"phone_number": "Mobile number"}, [FIRST, SECOND], {"Id": "70001"}),
    "google-contacts.csv": (
        {"phone_number": "Phone 1 - Value"},
        [FIRST, SECOND],
        {"First Name": "Pankaj", "Phone 2 - Value": "022 2202 0000"},
    ),
    "google-sheets.csv": (
        {"phone_number": "WhatsApp number"},
        [FIRST, SECOND, THIRD],
        {"City": "Pune", "City_2": "Pune (office)"},
    ),
    "google-sheets.tsv": ({}, [FIRST, SECOND], {"note": "calls, often"}),
    "hubspot-contacts.csv": (
        {"phone_number": "Mobile Phone Number"},
        [FIRST, SECOND, THIRD],
        {"Record ID": "17001"},
    ),
    "leadsquared.csv": (
        {"phone_number": "Mobile Number"},
        [FIRST, SECOND],
        {"Lead Number": "1001"},
    ),
    "meta-leads-manager.csv": ({}, [FIRST, SECOND], {"id": "l:10001"}),
    "meta-leads.csv": ({}, [FIRST, SECOND, THIRD], {"ad_name": "May – Pune"}),
    "odoo.csv": ({"phone_number": "mobile"}, [FIRST, SECOND], {"name": "Pankaj Kumar"}),
    "odoo.xlsx": (
        {"phone_number": "Mobile"},
        [FIRST, SECOND],
        {"Phone": False, "Created on": "2026-05-27T03:05:12"},
    ),
    "salesforce-data-loader.csv": ({"phone_number": "MOBILEPHONE"}, [FIRST, SECOND], {}),
    "whatsapp-links.csv": ({"phone_number": "link"}, [FIRST, SECOND, THIRD], {"name": "Pankaj"}),
    "zoho-leads.csv": ({"phone_number": "Mobile"}, [FIRST, SECOND], {"Tag": "hot,new"}),
}

# What can be told of neither file for certain, and is asked for at once: how it is written, and
# which column is meant.
ASKED: dict[str, tuple[dict[str, str], list[str], dict[str, str]]] = {
    "excel-germany.csv": (
        {"encoding": "windows-1252", "phone_number": "Telefon"},
        ["+4930901820", "+4930901821", "+4930901822"],
        {"Vorname": "Jürgen", "Betrag": "1.250,50"},
    ),
    "salesforce-report.csv": (
        {"encoding": "windows-1252", "phone_number": "Mobile"},
        [FIRST, SECOND],
        {"Company / Account": "Acme Inc."},
    ),
}

# What each says at first, what it says to the first argument, and what goes out in the end.
TOLD: dict[str, list[tuple[dict[str, Any], str | list[str]]]] = {
    "excel.xlsx": [
        ({}, 'sheet="Leads"'),
        ({"sheet": "Leads"}, 'phone_number="Mobile No"'),
    ],
    "mysql-workbench.csv": [({}, "row 0: a quote opens in it")],
}


def test_none_is_forgotten() -> None:
    names = sorted(path.name for path in FOLDER.iterdir())
    assert names == sorted({*EXPORTS, *ASKED, *TOLD})
    assert len(names) >= 20


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_loads(upload: Upload, service: Service, name: str) -> None:
    options, numbers, variables = EXPORTS[name]
    assert len(options) <= 1
    upload(service, FOLDER / name, **options)
    assert [stored.phone_number for stored in service.applied] == numbers
    first = service.applied[0].variables
    assert variables.items() <= first.items(), first
    assert "" not in first


ASKING = [name for name, (options, *_) in EXPORTS.items() if options and name not in TOLD]


@pytest.mark.parametrize("name", ASKING)
def test_or_says_which_argument_to_add(upload: Upload, service: Service, name: str) -> None:
    ((option, value),) = EXPORTS[name][0].items()
    with pytest.raises(revrag.InvalidArgumentError) as info:
        upload(service, FOLDER / name)
    assert f'{option}="{value}"' in str(info.value)
    assert not service.pushes


@pytest.mark.parametrize("on_invalid", ["reject", "raise"])
@pytest.mark.parametrize("name", ASKED)
def test_one_error_names_all_that_is_to_be_added(
    upload: Upload, service: Service, name: str, on_invalid: str
) -> None:
    options, numbers, variables = ASKED[name]
    with pytest.raises(revrag.InvalidArgumentError) as info:
        upload(service, FOLDER / name, on_invalid=on_invalid)
    for option, value in options.items():
        assert f'{option}="{value}"' in str(info.value)
    assert not service.pushes
    # Who knows the one is told the other.
    for given in options:
        (missing,) = (option for option in options if option != given)
        with pytest.raises(revrag.InvalidArgumentError) as info:
            upload(service, FOLDER / name, on_invalid=on_invalid, **{given: options[given]})
        assert f'{missing}="{options[missing]}"' in str(info.value)
        assert f'{given}="' not in str(info.value)
    upload(service, FOLDER / name, **options)
    assert [stored.phone_number for stored in service.applied] == numbers
    assert variables.items() <= service.applied[0].variables.items()


@pytest.mark.parametrize("name", TOLD)
def test_one_thing_after_the_other(upload: Upload, service: Service, name: str) -> None:
    for options, expected in TOLD[name]:
        if isinstance(expected, str):
            with pytest.raises(revrag.InvalidArgumentError) as info:
                upload(service, FOLDER / name, **options)
            assert expected in str(info.value)
            assert not service.pushes
        else:
            upload(service, FOLDER / name, **options)
            assert [stored.phone_number for stored in service.applied] == expected
