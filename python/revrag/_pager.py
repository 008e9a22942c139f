"""The records of a campaign, page after page."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from revrag import Campaign, Record, RecordPage


# A listing may grow, and shift, while it is read: so much more than its total may be seen.
SLACK = 1000
# Records that come in may shift one page into the place of another, but not time after time.
MOST_REPEATS = 5


class _Reading:
    """One reading of a listing, which has an end."""

    def __init__(self) -> None:
        self._before: RecordPage | None = None
        self._seen = 0
        self._total = 0
        self._pages: set[int] = set()
        self._repeats = 0

    def goes_on(self, page: RecordPage) -> bool:
        """Whether to ask for the next page: not after an empty one, whatever it says."""
        count = len(page.items) + len(page.left_out)
        if not count or page.has_more is False:
            return False
        self._seen += count
        # Of another type than documented, it is None.
        total: int | None = page.total
        self._total = max(self._total, total or 0)
        if page.items:
            ids = hash(tuple(record.id for record in page.items))
            self._repeats += ids in self._pages
            self._pages.add(ids)
        before, self._before = self._before, page
        # To compare two pages reads both: only where they may be the same.
        if before is not None and _ids(page) == _ids(before) and page == before:
            raise _endless("the service's listing shows one page again and again")
        if self._repeats > MOST_REPEATS:
            raise _endless("the service's listing shows the same pages again and again")
        if total is not None and self._seen > 2 * self._total + SLACK:
            raise _endless(
                f"the service's listing does not end: it has {self._total} records in all, as it "
                f"says, and has shown {self._seen}"
            )
        return True


def _ids(page: RecordPage) -> list[str | None]:
    return [record.id for record in page.items[:1]]


def _endless(problem: str) -> Exception:
    from revrag.errors import InvalidResponseError

    return InvalidResponseError(problem, status_code=200)


class RecordPager:
    """A campaign's records, for ``for`` and for ``async for``; made by ``Campaign.records``.

    Each iteration asks the service anew and holds a page and the one before it. The service
    promises no order, and a listing may shift while it is read. One that does not end is an
    ``InvalidResponseError``.

    Example:
        >>> for record in campaign.records(status="completed"):
        ...     assert record.is_final
    """

    __slots__ = ("_campaign", "_page_size", "_status", "_timeout")

    def __init__(
        self,
        campaign: Campaign,
        status: str | None,
        page_size: int,
        timeout: float | None = None,
    ) -> None:
        self._campaign = campaign
        self._status = status
        self._page_size = page_size
        self._timeout = timeout

    def __iter__(self) -> Iterator[Record]:
        reading, number, more = _Reading(), 1, True
        while more:
            page = self._campaign.records_page(
                status=self._status, page=number, page_size=self._page_size, timeout=self._timeout
            )
            yield from page.items
            number, more = number + 1, reading.goes_on(page)

    async def __aiter__(self) -> AsyncIterator[Record]:
        reading, number, more = _Reading(), 1, True
        while more:
            page = await self._campaign.records_page_async(
                status=self._status, page=number, page_size=self._page_size, timeout=self._timeout
            )
            for record in page.items:
                yield record
            number, more = number + 1, reading.goes_on(page)

    def __repr__(self) -> str:
        return (
            f"RecordPager(campaign_id={self._campaign.id!r}, status={self._status!r}, "
            f"page_size={self._page_size})"
        )
