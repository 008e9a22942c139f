"""A bar for ``progress=True``: tqdm's where it is installed, one plain line elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from typing import TextIO

    from revrag import UploadProgress


class Bar(Protocol):
    """Shows how far an upload has come."""

    def __call__(self, progress: UploadProgress) -> None: ...

    def close(self) -> None:
        """End the line."""


def bar() -> Bar:
    """Make a bar for this place: a terminal, a notebook, a log."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return Line(sys.stderr)
    return Tqdm(tqdm)


def _troubles(progress: UploadProgress) -> dict[str, int | str]:
    names = ("existing", "rejected", "invalid", "excluded", "duplicate", "unknown")
    troubles: dict[str, int | str] = {
        name: count for name in names if (count := getattr(progress, name))
    }
    if progress.settling:
        of = "" if progress.total_pages is None else f"/{progress.total_pages}"
        troubles["settling"] = f"page {progress.pages}{of}"
    return troubles


class Tqdm:
    """tqdm's bar."""

    def __init__(self, make: Any) -> None:
        self._bar = make(unit=" rows")

    def __call__(self, progress: UploadProgress) -> None:
        self._bar.total = progress.total
        self._bar.set_postfix(_troubles(progress), refresh=False)
        self._bar.update(progress.read - progress.not_sent - self._bar.n)

    def close(self) -> None:
        self._bar.close()


class Line:
    """One line, written over and over on a terminal and once elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._text = ""

    def __call__(self, progress: UploadProgress) -> None:
        done = progress.read - progress.not_sent
        of = f"{done}" if progress.total is None else f"{done}/{progress.total}"
        more = "".join(f", {name} {count}" for name, count in _troubles(progress).items())
        self._text = f"{of} rows in {progress.elapsed:.1f} s{more}"
        if self._stream.isatty():
            self._stream.write(f"\r\x1b[K{self._text}")
            self._stream.flush()

    def close(self) -> None:
        if self._stream.isatty():
            self._stream.write("\n")
        elif self._text:
            self._stream.write(f"{self._text}\n")
        self._stream.flush()
