"""How a stub is read for the reference: what Griffe would take otherwise."""

from __future__ import annotations

from typing import Any

import griffe


class Stubs(griffe.Extension):
    """Takes `__new__` for the signature of a class, and `Example:` for doctests."""

    def on_class(self, *, cls: griffe.Class, **_: Any) -> None:
        """A class that is made by `__new__` shows what that takes."""
        made = cls.members.get("__new__")
        if isinstance(made, griffe.Function) and "__init__" not in cls.members:
            made.name = "__init__"
            cls.members["__init__"] = made
            del cls.members["__new__"]

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """`Example:` would be a paragraph, in which `>>>` is a quotation of quotations."""
        if obj.docstring is not None:
            lines = obj.docstring.value.splitlines()
            lines = ["Examples:" if line == "Example:" else line for line in lines]
            obj.docstring.value = "\n".join(lines)
