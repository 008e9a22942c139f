"""How a model shows in a notebook."""

from __future__ import annotations

from html import escape
from typing import Any

_MOST_ROWS = 50


def table(model: object, fields: list[str]) -> str:
    """A table of a model's fields; a list of models among them is a table of its own."""
    rows = "".join(_row(field, getattr(model, field)) for field in fields)
    return f"<table><caption>{escape(type(model).__name__)}</caption><tbody>{rows}</tbody></table>"


def _row(field: str, value: Any) -> str:
    return f'<tr><th style="text-align:left">{escape(field)}</th><td>{_cell(value)}</td></tr>'


def _cell(value: Any) -> str:
    if isinstance(value, list) and value and hasattr(value[0], "_repr_html_"):
        more = len(value) - _MOST_ROWS
        shown = "".join(f"<div>{item._repr_html_()}</div>" for item in value[:_MOST_ROWS])
        return shown + (f"<div>… and {more} more</div>" if more > 0 else "")
    if hasattr(value, "_repr_html_"):
        return str(value._repr_html_())
    return escape(str(value))
