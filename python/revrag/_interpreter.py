"""Where this is: in the main interpreter, or in one that the extension can't live in."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def _is_main() -> bool:
    # Python's own module for it, under the name of each version.
    try:
        if sys.version_info >= (3, 13):
            import _interpreters as interpreters
        else:
            # No stub of the standard library's has it.
            import _xxsubinterpreters as interpreters  # type: ignore[import-not-found]
    except ImportError:
        return True
    number = interpreters.get_current()
    if isinstance(number, tuple):
        number = number[0]
    # Both are made of their number where they are more than that.
    return int(number) == 0


def refuse_subinterpreters() -> None:
    """Raise where exceptions would not be caught, and asyncio and the end would hang."""
    if not _is_main():
        raise ImportError(
            "revrag works in Python's main interpreter only, and this is a subinterpreter. Under "
            "mod_wsgi, whose default that is, set WSGIApplicationGroup %{GLOBAL}"
        )


def keep(module: ModuleType) -> None:
    """Let a second import, after ``sys.modules`` was cleared, find the same modules again.

    The extension is loaded once for a process. Its classes stay what they were, and so must those
    that it raises.
    """
    kept: dict[str, ModuleType] = vars(module).setdefault("_kept", {})
    for name, one in kept.items():
        sys.modules.setdefault(name, one)


def remember(module: ModuleType) -> None:
    """Note what ``keep`` gives back."""
    kept = module._kept
    kept.update((name, one) for name, one in sys.modules.items() if name.startswith("revrag."))
