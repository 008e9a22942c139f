"""How a stub is read for the reference: what Griffe would take otherwise."""

from __future__ import annotations

import re
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


class Options(griffe.UnpackTypedDictExtension):
    """Shows options one by one where a docstring tells of each, and together where it does not."""

    def on_function(self, *, func: griffe.Function, **_: Any) -> None:
        """Takes their defaults from the docstring: a `TypedDict` has none."""
        told = entries(func.docstring.value) if func.docstring else {}
        for options in func.parameters:
            found = options.annotation
            if not isinstance(found, griffe.ExprSubscript) or str(found.left) != "Unpack":
                continue
            kind = func.modules_collection[found.slice.canonical_path]
            each = [it for it in keys(kind) if it.name in told]
            if not each:
                continue
            del func.parameters[options.name]
            for key in each:
                func.parameters.add(
                    griffe.Parameter(
                        key.name,
                        annotation=key.annotation,
                        kind=griffe.ParameterKind.keyword_only,
                        default=default(told[key.name], str(key.annotation)),
                    )
                )
            return


def entries(docstring: str) -> dict[str, str]:
    """What a docstring says of each argument."""
    arguments = re.split(r"\n\n(?=\w)", docstring.partition("Args:\n")[2])[0]
    each = re.split(r"\n?^ {4}(?=\w)", arguments, flags=re.MULTILINE)
    return {entry.partition(" ")[0]: entry for entry in each}


def keys(options: Any) -> list[griffe.Parameter | griffe.Attribute]:
    """The keys of a `TypedDict`, whether its class was seen before or was not."""
    made = options.members.get("__init__")
    return list(options.attributes.values()) if made is None else list(made.parameters)[1:]


def default(told: str, annotation: str) -> str:
    """What holds where an option is left out: as it says, or nothing."""
    if found := re.search(r"Default: `(.+)`\.$", told):
        return found[1]
    return "None" if annotation.endswith("| None") else "False" if annotation == "bool" else "()"
