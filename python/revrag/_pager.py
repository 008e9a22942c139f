"""The records of a campaign, page after page."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from revrag import Campaign, Record, RecordPage


def _goes_on(page: RecordPage, before: RecordPage | None) -> bool:
    """Whether to ask for another page: not after an empty one, whatever it says."""
    is_empty = not page.items and not page.left_out
    if is_empty or page.has_more is False:
        return False
    if before is not None and _begins_as(page, before) and page == before:
        from revrag.errors import InvalidResponseError

        raise InvalidResponseError(
            "the service's listing shows one page again and again", status_code=200
        )
    return True


def _begins_as(page: RecordPage, before: RecordPage) -> bool:
    """Whether it may be the same page: to compare two of them reads both."""
    one, other = page.items[:1], before.items[:1]
    return [record.id for record in one] == [record.id for record in other]


class RecordPager:
    """A campaign's records, for ``for`` and for ``async for``; made by ``Campaign.records``.

    Each iteration asks the service anew and holds a page and the one before it. The service
    promises no order, and a listing may shift while it is read. One that shows a page again and
    again is an ``InvalidResponseError``.

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
        number, page, more = 1, None, True
        while more:
            before, page = (
                page,
                self._campaign.records_page(
                    status=self._status,
                    page=number,
                    page_size=self._page_size,
                    timeout=self._timeout,
                ),
            )
            yield from page.items
            number, more = number + 1, _goes_on(page, before)

    async def __aiter__(self) -> AsyncIterator[Record]:
        number, page, more = 1, None, True
        while more:
            before, page = (
                page,
                await self._campaign.records_page_async(
                    status=self._status,
                    page=number,
                    page_size=self._page_size,
                    timeout=self._timeout,
                ),
            )
            for record in page.items:
                yield record
            number, more = number + 1, _goes_on(page, before)

    def __repr__(self) -> str:
        return (
            f"RecordPager(campaign_id={self._campaign.id!r}, status={self._status!r}, "
            f"page_size={self._page_size})"
        )
