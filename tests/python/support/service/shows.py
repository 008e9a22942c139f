"""What a listing may make of a record: pure functions from the record to what is shown of it.

None leaves the record out. They stand for what services do to what they were sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Record = dict[str, Any]
Show = Callable[[Record], Record | None]


def as_it_is(record: Record) -> Record:
    """The record as the reference has it."""
    return record


def without(*fields: str) -> Show:
    """Without these fields."""
    return lambda record: {name: value for name, value in record.items() if name not in fields}


def null(*fields: str) -> Show:
    """With null for these fields."""
    return lambda record: record | dict.fromkeys(fields)


def cut(length: int) -> Show:
    """With session ids cut short."""
    return _session(lambda session: session[:length])


def upper() -> Show:
    """With session ids in capitals."""
    return _session(str.upper)


def archive(record: Record) -> Record | None:
    """Without the records whose calls are over."""
    return None if record["status"] == "completed" else record


def only_before(row: int) -> Show:
    """Without the records of rows from this one on."""
    return lambda record: record if record["variables"].get("row", -1) < row else None


def without_empty(record: Record) -> Record:
    """Without variables that are empty texts."""
    return _variables(record, lambda value: None if value == "" else value)


def without_name(name: str) -> Show:
    """Without a variable that the agent does not know."""
    return lambda record: (
        record
        | {"variables": {key: value for key, value in record["variables"].items() if key != name}}
    )


def stripped(record: Record) -> Record:
    """With the blanks around texts stripped."""
    return _variables(record, lambda value: value.strip() if isinstance(value, str) else value)


def as_text(record: Record) -> Record:
    """With numbers made text."""
    return _variables(record, lambda value: str(value) if isinstance(value, int) else value)


def masked(record: Record) -> Record:
    """With all but the ends of the phone number masked."""
    number = record["phone_number"]
    return record | {"phone_number": f"{number[:3]}******{number[-4:]}"}


def without_plus(record: Record) -> Record:
    """With the phone number's plus left out."""
    return record | {"phone_number": record["phone_number"].removeprefix("+")}


def both(*shows: Show) -> Show:
    """One after the other."""

    def show(record: Record) -> Record | None:
        shown: Record | None = record
        for one in shows:
            if shown is not None:
                shown = one(shown)
        return shown

    return show


def _session(change: Callable[[str], str]) -> Show:
    def show(record: Record) -> Record:
        session = record["app_session_id"]
        return record | {"app_session_id": session and change(session)}

    return show


def _variables(record: Record, change: Callable[[Any], Any]) -> Record:
    changed = ((name, change(value)) for name, value in record["variables"].items())
    return record | {"variables": {name: value for name, value in changed if value is not None}}
