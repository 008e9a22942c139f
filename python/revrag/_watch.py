"""A campaign's statuses, until nothing is left to do."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractContextManager

    from revrag import Campaign, CampaignStatus
    from revrag._revrag import Statuses


class CampaignWatch:
    """A campaign's statuses, for ``for`` and for ``async for``; made by ``Campaign.watch``.

    Each iteration watches anew: the first status comes at once, then each that differs from the
    one before, until nothing is left to do.

    Attributes:
        last: The status as it was last seen, or None before the first.

    Example:
        >>> watch = campaign.watch(timeout=10, poll_interval=0.1)
        >>> [status.stats.in_progress for status in watch][-1], watch.last.status
        (0, 'running')
    """

    __slots__ = ("_campaign", "_poll_interval", "_progress", "_timeout", "last")

    def __init__(
        self, campaign: Campaign, poll_interval: float, timeout: float | None, progress: bool
    ) -> None:
        self._campaign = campaign
        self._poll_interval = poll_interval
        self._timeout = timeout
        self._progress = progress
        self.last: CampaignStatus | None = None

    def __iter__(self) -> Iterator[CampaignStatus]:
        return self._steps(self._progress)

    async def __aiter__(self) -> AsyncIterator[CampaignStatus]:
        async for status in self._steps_async(self._progress):
            yield status

    def show(self) -> CampaignStatus:
        """Watch to the end, and draw a bar of the records that are done.

        The bar is tqdm's where that is installed, for a terminal or a notebook; one plain line
        elsewhere, on standard error.

        Returns:
            The last status.

        Raises:
            WaitTimeoutError: Something was left to do when the time was over.
            APIStatusError: The service refused.
            APIConnectionError: The service could not be reached, or did not answer in time.
            InvalidResponseError: The answer is not what the API documents.

        Example:
            >>> campaign.watch(timeout=10, poll_interval=0.1).show().stats.queued
            0
        """
        for status in self._steps(progress=True):
            last = status
        return last

    async def show_async(self) -> CampaignStatus:
        """The asyncio twin of `show`.

        Example:
            >>> asyncio.run(campaign.watch(timeout=10, poll_interval=0.1).show_async()).status
            'running'
        """
        async for status in self._steps_async(progress=True):
            last = status
        return last

    def _steps(self, progress: bool) -> Iterator[CampaignStatus]:
        statuses = self._statuses()
        with _drawing(progress) as draw:
            while (status := statuses.next()) is not None:
                self.last = status
                draw(status)
                yield status

    async def _steps_async(self, progress: bool) -> AsyncIterator[CampaignStatus]:
        statuses = self._statuses()
        with _drawing(progress) as draw:
            while (status := await statuses.next_async()) is not None:
                self.last = status
                draw(status)
                yield status

    def _statuses(self) -> Statuses:
        self.last = None
        return self._campaign._statuses(self._poll_interval, self._timeout)

    def __repr__(self) -> str:
        return (
            f"CampaignWatch(campaign_id={self._campaign.id!r}, "
            f"poll_interval={self._poll_interval!r}, timeout={self._timeout!r})"
        )

    def _repr_html_(self) -> str:
        from revrag import _html

        if self.last is not None:
            return _html.table(self.last, ["campaign_id", "status", "stats"])
        pace = {"poll_interval": self._poll_interval, "timeout": self._timeout}
        return _html.named("CampaignWatch", {"campaign_id": self._campaign.id} | pace)


def _drawing(progress: bool) -> AbstractContextManager[Callable[[CampaignStatus], None]]:
    from contextlib import closing, nullcontext

    if not progress:
        return nullcontext(_draw_nothing)
    from revrag import _progress

    return closing(_progress.watching())


def _draw_nothing(status: CampaignStatus) -> None:
    del status
