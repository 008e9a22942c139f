"""A job as a whole: how it begins, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from revrag.engines import outcomes
from revrag.engines.link import Link
from revrag.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from revrag.engines.attempt import Sent
    from revrag.engines.settings import Settings

Driver = tuple[tuple[str, int], bytes]


def begin(driver: Driver, settings: Settings, exclude: str | None = None) -> int:
    """Opens a job; once this returns, the campaign has been looked at.

    ``exclude`` is the path of a file of numbers that are not to be called, on the driver.

    Raises:
        RevragError: The campaign can't be read; nothing was sent.
        LeaseLostError: The driver can't be reached, or another job has the name.
    """
    with Link(*driver) as link:
        job: int = link.ask("open", settings=settings.to_json(), exclude=exclude)
    with Link(*driver, job) as link:
        link.wait("ready")
    return job


def commit(driver: Driver, job: int, settings: Settings, sent: Iterable[Sent]) -> None:
    """All tasks ended as they should: their counts are gathered, and their files are in place.

    Raises:
        InvalidArgumentError: Too many of the rows are not valid; the rest was not sent.
    """
    sent = list(sent)
    with Link(*driver, job) as link:
        # The first words of a connection must be few: those of a stranger may be.
        reason = link.ask("stopped")
        if reason is None and settings.outcomes is not None:
            for one in sent:
                if one.file is not None and one.counts.get("duplicate"):
                    ask = asker(link, settings, [one.attempt for one in sent])
                    outcomes.correct(settings.outcomes, one.file, ask)
    if reason is not None:
        abort(driver, job, settings)
        raise InvalidArgumentError(reason)
    rows: dict[str, int] = {}
    files = []
    for one in sent:
        files += [one.file] if one.file is not None else []
        for outcome, count in one.counts.items():
            rows[outcome] = rows.get(outcome, 0) + count
    receipt = end(driver, job, rows, committed=True)
    if settings.outcomes is not None:
        outcomes.commit(settings.outcomes, files, receipt)


def asker(link: Link, settings: Settings, attempts: list[int]) -> Callable[[list[str]], list[Any]]:
    """What asks the driver about keys that none of the attempts has."""

    def ask(keys: list[str]) -> list[Any]:
        answer: list[Any] = link.ask("adopt", attempts=attempts, rows=settings.tokens(keys))
        return answer

    return ask


def abort(driver: Driver, job: int, settings: Settings) -> None:
    """A task failed for good: what is known is in the receipt."""
    end(driver, job, {}, committed=False)
    if settings.outcomes is not None:
        outcomes.discard(settings.outcomes)


def end(driver: Driver, job: int, rows: dict[str, int], *, committed: bool) -> dict[str, Any]:
    """No task may send from here on."""
    with Link(*driver, job) as link:
        receipt: dict[str, Any] = link.ask("over", rows=rows, committed=committed)
        return receipt
