"""A bar for ``progress=True``: tqdm's where it is installed, one plain line elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from revrag import CampaignStatus, UploadProgress


class Bar(Protocol):
    """Shows how far something has come."""

    def __call__(self, progress: Any) -> None: ...

    def close(self) -> None:
        """End the line."""


class _Shown(NamedTuple):
    """What a bar shows."""

    done: int
    total: int | None
    more: dict[str, int | str]
    said: str
    title: str | None = None


def bar() -> Bar:
    """Make a bar of an upload for this place: a terminal, a notebook, a log."""
    return _bar("rows", _of_upload)


def watching() -> Bar:
    """Make a bar of a campaign's records."""
    return _bar("records", _of_status)


def _bar(unit: str, look: Callable[[Any], _Shown]) -> Bar:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return Line(sys.stderr, unit, look)
    return Tqdm(tqdm, unit, look)


def _of_upload(progress: UploadProgress) -> _Shown:
    names = ("existing", "rejected", "invalid", "excluded", "duplicate", "unknown")
    more: dict[str, int | str] = {
        name: count for name in names if (count := getattr(progress, name))
    }
    if progress.settling:
        of = "" if progress.total_pages is None else f"/{progress.total_pages}"
        more["settling"] = f"page {progress.pages}{of}"
    done = progress.read - progress.not_sent
    return _Shown(done, progress.total, more, f"in {progress.elapsed:.1f} s")


def _of_status(status: CampaignStatus) -> _Shown:
    stats = status.stats
    still = ("queued", "in_progress", "rescheduled", "retry_pending", "follow_up_pending")
    # What the service says may be no count, or nothing at all.
    counts = {name: getattr(stats, name, None) or 0 for name in (*still, "failed", "dnc")}
    total = getattr(stats, "total_records", None)
    done = (total or 0) - sum(counts[name] for name in still)
    more: dict[str, int | str] = {name: count for name, count in counts.items() if count}
    return _Shown(max(done, 0), total, more, "done", status.status)


class Tqdm:
    """tqdm's bar."""

    def __init__(self, make: Any, unit: str, look: Callable[[Any], _Shown]) -> None:
        self._make = make
        self._unit = unit
        self._look = look
        self._bar: Any = None

    def __call__(self, progress: Any) -> None:
        shown = self._look(progress)
        if self._bar is None:
            # A notebook's bar is drawn for the total that it is made with.
            self._bar = self._make(total=shown.total, unit=f" {self._unit}")
        elif shown.total != self._bar.total:
            began = self._bar.start_t
            self._bar.reset(shown.total)
            self._bar.start_t = began
        self._bar.set_description(shown.title, refresh=False)
        self._bar.set_postfix(shown.more, refresh=False)
        self._bar.update(shown.done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.refresh()
            self._bar.close()


class Line:
    """One line, written over and over on a terminal and once elsewhere."""

    def __init__(self, stream: TextIO, unit: str, look: Callable[[Any], _Shown]) -> None:
        self._stream = stream
        self._unit = unit
        self._look = look
        self._text = ""

    def __call__(self, progress: Any) -> None:
        shown = self._look(progress)
        of = f"{shown.done}" if shown.total is None else f"{shown.done}/{shown.total}"
        more = "".join(f", {name} {count}" for name, count in shown.more.items())
        title = "" if shown.title is None else f"{shown.title}: "
        self._text = f"{title}{of} {self._unit} {shown.said}{more}"
        if self._stream.isatty():
            self._stream.write(f"\r\x1b[K{self._text}")
            self._stream.flush()

    def close(self) -> None:
        if self._stream.isatty():
            self._stream.write("\n")
        elif self._text:
            self._stream.write(f"{self._text}\n")
        self._stream.flush()
