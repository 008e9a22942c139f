"""How things show in a notebook: as it shows its own tables, whether light or dark."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MOST_ROWS = 50
# The numbers of a column end below each other, words begin so.
_LEFT = ' style="text-align:left"'


def table(model: object, fields: list[str]) -> str:
    """A table of a model's fields; a list of models among them is a table of its own."""
    shown = {field: getattr(model, field) for field in fields}
    return named(type(model).__name__, shown)


def named(title: str, values: Mapping[str, Any]) -> str:
    """A table of values that have names."""
    body = "".join(
        f"<tr><th{_LEFT}>{escape(name)}</th><td{_LEFT}>{_cell(value)}</td></tr>"
        for name, value in values.items()
    )
    return f"<table><caption>{escape(title)}</caption><tbody>{body}</tbody></table>"


def rows(title: str, names: Sequence[str], lines: Sequence[Sequence[str]], most: int) -> str:
    """A table with a header, of the first lines."""
    head = "".join(f"<th{_LEFT}>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td{_LEFT}>{escape(cell)}</td>" for cell in line) + "</tr>"
        for line in lines[:most]
    )
    if len(lines) > most:
        body += f'<tr><td colspan="{len(names)}"{_LEFT}>… and more</td></tr>'
    return (
        f"<table><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def _cell(value: Any) -> str:
    if isinstance(value, list) and value and hasattr(value[0], "_repr_html_"):
        more = len(value) - _MOST_ROWS
        shown = "".join(f"<div>{item._repr_html_()}</div>" for item in value[:_MOST_ROWS])
        return shown + (f"<div>… and {more} more</div>" if more > 0 else "")
    if hasattr(value, "_repr_html_"):
        return str(value._repr_html_())
    return escape(str(value))
