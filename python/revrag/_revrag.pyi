from collections.abc import (
    AsyncIterable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
)
from datetime import datetime, timedelta
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeAlias, Unpack, final, type_check_only
from uuid import UUID

from revrag._calls import CallPager
from revrag._pager import RecordPager
from revrag._sandbox import (
    CampaignSettings,
    FaultEndpoint,
    FaultKind,
    FaultOptions,
    LoggedDelivery,
    LoggedRequest,
    OrderedFault,
    Outcome,
    RareSettings,
    ScriptLine,
    Turn,
)
from revrag._types import (
    CallStatus,
    CampaignState,
    RecordInput,
    RecordStatus,
    UploadOptions,
    UploadSource,
)
from revrag._watch import CampaignWatch
from revrag.webhooks._reconciled import Reconciled
from revrag.webhooks.stores._store import AnyStore

__all__ = [
    "PRODUCTION",
    "STAGING",
    "Call",
    "CallAttempt",
    "Campaign",
    "CampaignStats",
    "CampaignStatus",
    "Client",
    "CustomVariable",
    "Handset",
    "Message",
    "PushOutcome",
    "PushResult",
    "Record",
    "RecordPage",
    "RequestEvent",
    "Sandbox",
    "Transcription",
    "UploadProgress",
    "UploadRejects",
    "UploadReport",
    "WebhookEvent",
    "WebhookVerifier",
    "__version__",
    "excluded_numbers",
    "is_row_token",
    "masked",
    "row_key",
    "row_tokens",
    "run_command",
    "token_prefix",
    "unraisable",
]

__version__: Final[str]
PRODUCTION: Final[str]
STAGING: Final[str]

_Outcome: TypeAlias = Literal[
    "accepted",
    "existing",
    "rejected",
    "invalid",
    "excluded",
    "duplicate",
    "unknown",
    "not_sent",
]
_Id: TypeAlias = str | UUID
_Json: TypeAlias = dict[str, Any]
_Body: TypeAlias = bytes | bytearray | memoryview | str
_Headers: TypeAlias = (
    Mapping[str, Any]
    | Mapping[bytes, bytes]
    | Iterable[tuple[str, str]]
    | Iterable[tuple[bytes, bytes]]
)

@final
class Client:
    """A client of the Campaign Records API.

    It opens nothing until its first request, may be used from any thread and any event loop, and
    works in a forked child. It pickles, and its API key goes into the pickle.

    Args:
        api_key (str | None): The workspace's API key, else `REVRAG_API_KEY`.
        base_url (str | None): The service, else `REVRAG_BASE_URL`, else `revrag.PRODUCTION`. `http://`
            is refused except to a loopback address; a path prefix is kept.
        timeout (float): Seconds each try may take.
        connect_timeout (float): Seconds a connection may take.
        max_retries (int): Tries after the first, where a request may be sent again.
        proxy (str | Literal[False] | None): A proxy's URL, or False for none; else `HTTPS_PROXY`,
            `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` decide.
        ca_bundle (str | PathLike | None): A file of PEM certificates to trust beside the platform's,
            or beside those of the file that `SSL_CERT_FILE` names in their place.
        max_response_bytes (int): The largest response body that is read, decompressed.
        on_request (Callable[[RequestEvent], None] | None): Called after each try.

    Raises:
        InvalidArgumentError: There is no API key, or an argument can't be used.

    Example:
        >>> client = revrag.Client()
        >>> client.campaign("11111111-1111-1111-1111-111111111111").status().status
        'running'
    """

    def __new__(
        cls,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float = 30.0,
        connect_timeout: float = 5.0,
        max_retries: int = 2,
        proxy: str | Literal[False] | None = None,
        ca_bundle: str | PathLike[str] | None = None,
        max_response_bytes: int = 67108864,
        on_request: Callable[[RequestEvent], object] | None = None,
    ) -> Self: ...
    @property
    def base_url(self) -> str:
        """str: The service's URL."""
    @property
    def timeout(self) -> float:
        """float: Seconds each try may take."""
    @property
    def connect_timeout(self) -> float:
        """float: Seconds a connection may take."""
    @property
    def max_retries(self) -> int:
        """int: Tries after the first, where a request may be sent again."""
    @property
    def proxy(self) -> str | None:
        """str | None: The proxy that requests go through, `***` in the place of its credentials; None
        where they go directly.
        """
    @property
    def ca_bundle(self) -> Path | None:
        """PathLike | None: The file of certificates that was given."""
    @property
    def max_response_bytes(self) -> int:
        """int: The largest response body that is read, decompressed."""
    @property
    def on_request(self) -> Callable[[RequestEvent], object] | None:
        """Callable[[RequestEvent], object] | None: What is called after each try."""
    def with_options(
        self,
        *,
        timeout: float = ...,
        max_retries: int = ...,
        max_response_bytes: int = ...,
        on_request: Callable[[RequestEvent], object] | None = ...,
    ) -> Client:
        """The same client with other options, over the same connections.

        Closing one of the two closes both.

        Args:
            timeout (float): Seconds each try may take.
            max_retries (int): Tries after the first, where a request may be sent again.
            max_response_bytes (int): The largest response body that is read, decompressed.
            on_request (Callable[[RequestEvent], object] | None): Called after each try.

        Returns:
            Client: The client; what isn't given stays as it is here.

        Raises:
            InvalidArgumentError: An option can't be used, or belongs to the connections.

        Example:
            >>> patient = client.with_options(timeout=120, max_retries=5)
            >>> patient.timeout, patient.base_url == client.base_url
            (120.0, True)
        """
    def campaign(self, campaign_id: _Id) -> Campaign:
        """A handle for one campaign; no request is made.

        Args:
            campaign_id (str | UUID): The campaign's id, from the dashboard's Campaign → Settings tab.

        Returns:
            Campaign: The handle.

        Raises:
            InvalidArgumentError: The id is not a UUID.

        Example:
            >>> client.campaign("11111111-1111-1111-1111-111111111111").id
            '11111111-1111-1111-1111-111111111111'
        """
    def call(self, call_id: _Id, *, timeout: float | None = None) -> Call:
        """A call's status, transcript, recording and extracted variables
        (`GET /v1/campaigns/trigger/status/{call_id}`).

        Args:
            call_id (str | UUID): From a record's `call_history`, a webhook, or the dashboard.
            timeout (float | None): Seconds each try may take; None is as the client has it.

        Returns:
            Call: The call.

        Raises:
            InvalidArgumentError: The id is not a UUID; nothing was sent.
            NotFoundError: There is no such call in the key's workspace.
            APIStatusError: The service refused for another reason.
            APIConnectionError: The service could not be reached, or did not answer in time.
            InvalidResponseError: The answer is not what the API documents.

        Example:
            >>> client.call(call_id).transcription.messages[0].role
            'assistant'
        """
    def call_async(
        self, call_id: _Id, *, timeout: float | None = None
    ) -> Coroutine[Any, Any, Call]:
        """The asyncio twin of `call`.

        Example:
            >>> asyncio.run(client.call_async(call_id)).call_status
            'completed'
        """
    def close(self) -> None:
        """Close idle connections; later requests raise `InvalidArgumentError`.

        Example:
            >>> revrag.Client().close()
        """
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    def __aenter__(self) -> Coroutine[Any, Any, Self]: ...
    def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> Coroutine[Any, Any, None]: ...
    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]: ...

_CallSource: TypeAlias = str | UUID | Record | PushOutcome | CallAttempt

@type_check_only
@final
class CallBatch:
    """Calls that were fetched together."""

    def calls(self) -> list[Call]: ...
    def missing(self) -> list[str]: ...

@type_check_only
@final
class CallFetcher:
    """Fetches calls, for `CallPager`."""

    def fetch(self, wanted: list[tuple[bool, str]]) -> CallBatch: ...
    def fetch_async(self, wanted: list[tuple[bool, str]]) -> Coroutine[Any, Any, CallBatch]: ...
    def stream(
        self,
        batches: Iterator[CallBatch],
        by_message: bool,
        variables: str,
        requested_schema: object | None,
    ) -> object: ...

@type_check_only
@final
class RecordPages:
    """One reading of a listing, for `RecordPager`."""

    def stream(self, variables: str, requested_schema: object | None) -> object: ...
    def next(self) -> list[Record] | None: ...
    def next_async(self) -> Coroutine[Any, Any, Handful | None]: ...

@type_check_only
@final
class Handful:
    """Pages of one reading of a listing, for `RecordPager`."""

    def records(self) -> list[Record]: ...

@type_check_only
@final
class Statuses:
    """One watching of a campaign, for `CampaignWatch`."""

    def next(self) -> CampaignStatus | None: ...
    def next_async(self) -> Coroutine[Any, Any, CampaignStatus | None]: ...

@final
class Campaign:
    """A light handle for one campaign, made by `Client.campaign`. Handles of one campaign of one service are
    equal.

    Example:
        >>> client.campaign("11111111-1111-1111-1111-111111111111").status().status
        'running'
    """

    @property
    def id(self) -> str:
        """str: The campaign's id."""
    @property
    def client(self) -> Client:
        """Client: The client that made this handle."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def push(
        self,
        records: Iterable[RecordInput | Mapping[str, Any]],
        *,
        timeout: float | None = None,
    ) -> PushResult:
        """Queue records for calling, in one request (`POST …/records/push-bulk`).

        Every record is treated on its own: invalid ones are rejected in the result. None at a record's
        top level is left out; inside `variables` it is sent as null.

        Args:
            records (Iterable[RecordInput]): Mappings with `phone_number` and, optionally, `variables`,
                `app_user_id` and `app_session_id`. Values inside `variables` may be str, int, float,
                bool, None, lists, dicts, dates and times (sent as ISO 8601), Decimal and UUID (as text),
                and numpy scalars; NaN, NaT and `pd.NA` are null.
            timeout (float | None): Seconds each try may take; None is as the client has it.

        Returns:
            PushResult: `results[i]` belongs to the i-th record.

        Raises:
            InvalidArgumentError: A record can't be sent; nothing was.
            PushOutcomeUnknownError: The records may have been queued; they were not sent again.
            BadRequestError: The campaign does not accept pushes.
            APIStatusError: The service refused for another reason.
            APIConnectionError: No connection could be made; nothing was sent.

        Example:
            >>> record = {"phone_number": "+919876543210", "variables": {"first_name": "Pankaj"}}
            >>> campaign.push([record]).accepted
            1
        """
    def push_async(
        self,
        records: Iterable[RecordInput | Mapping[str, Any]],
        *,
        timeout: float | None = None,
    ) -> Coroutine[Any, Any, PushResult]:
        """The asyncio twin of `push`.

        Example:
            >>> asyncio.run(campaign.push_async([{"phone_number": "+919876543210"}])).accepted
            1
        """
    # None is what a rejected record has for a run id; it raises InvalidArgumentError.
    def record(self, run_id: _Id | None, *, timeout: float | None = None) -> Record:
        """A pushed record's status and details (`GET …/records/{run_id}`).

        Args:
            run_id (str | UUID): The run id from the push's result.
            timeout (float | None): Seconds each try may take; None is as the client has it.

        Returns:
            Record: The record.

        Raises:
            InvalidArgumentError: The id is not a UUID; nothing was sent.
            NotFoundError: There is no such record.
            APIStatusError: The service refused for another reason.
            APIConnectionError: The service could not be reached, or did not answer in time.
            InvalidResponseError: The answer is not what the API documents.

        Example:
            >>> campaign.record(run_id).phone_number
            '+919876543210'
        """
    def record_async(
        self, run_id: _Id | None, *, timeout: float | None = None
    ) -> Coroutine[Any, Any, Record]:
        """The asyncio twin of `record`.

        Example:
            >>> asyncio.run(campaign.record_async(run_id)).id == run_id
            True
        """
    def records(
        self,
        *,
        status: RecordStatus | str | None = None,
        page_size: int = 200,
        variables: Literal["json", "map", "struct"] = "json",
        timeout: float | None = None,
    ) -> RecordPager:
        """The campaign's records, page after page, for `for`, for `async for`, and as an Arrow stream.

        The service promises no order, and records move between statuses while they are listed. As a
        stream (`polars.DataFrame(campaign.records())`, pandas, pyarrow, DuckDB) it has a column for each
        documented field, timestamps in UTC, and no Python object per row.

        Args:
            status (str | None): Only records of this status.
            page_size (int): Records per request, from 1 to 200.
            variables (str): What they are in the stream: `"json"`, their text; `"map"`, from name to text;
                `"struct"`, with a type for each, for which all pages are read before the first row.
            timeout (float | None): Seconds each try may take; None is as the client has it.

        Returns:
            RecordPager: Iterable as often as wanted; each iteration asks anew.

        Raises:
            InvalidArgumentError: `page_size` is out of range.

        Example:
            >>> run_id in {record.id for record in campaign.records()}
            True
        """
    def calls(
        self,
        source: Iterable[_CallSource] | AsyncIterable[_CallSource] | None = None,
        *,
        status: RecordStatus | str | None = None,
        call_ids: Iterable[str | UUID] | None = None,
        concurrency: int = 8,
        max_per_second: float | None = None,
        by: Literal["call", "message"] = "call",
        variables: Literal["json", "map"] = "json",
        timeout: float | None = None,
    ) -> CallPager:
        """The calls of many records, fetched side by side, for `for`, for `async for`, and as an Arrow stream.

        Give one of `source`, `status` and `call_ids`. A call or record that the service does not know is in
        `.missing` of what is returned, and ends nothing.

        Args:
            source (Iterable | None): Run ids, records, push outcomes or call attempts, in any mixture.
            status (str | None): All calls of all records of this status.
            call_ids (Iterable[str | UUID] | None): Calls by their own ids.
            concurrency (int): Requests under way at a time, at most 256.
            max_per_second (float | None): Requests that begin in a second, at most.
            by (str): The stream's rows: `"call"`, or `"message"`, a row for each of a transcript.
            variables (str): What `variables_fields` is in the stream: `"json"` or `"map"`.
            timeout (float | None): Seconds each try may take; None is as the client has it.

        Returns:
            CallPager: Iterable as often as wanted, as far as the source is; each iteration asks anew.

        Raises:
            InvalidArgumentError: An argument can't be used.

        Example:
            >>> [call.call_status for call in campaign.calls([run_id])]
            ['completed']
        """
    def reconcile(
        self,
        store: AnyStore,
        handler: Callable[[WebhookEvent], object],
        *,
        since: datetime | timedelta,
        name: str | None = None,
        concurrency: int = 8,
        max_per_second: float | None = None,
        timeout: float | None = None,
    ) -> Reconciled:
        """Hands to a webhook handler the calls that ended and that no webhook brought.

        The handler gets a `WebhookEvent` of the type `call.ended` with what a webhook would have had in its
        body, through the same store as the endpoint: so each call is handled once, whichever way it comes
        first. It may be run as often as wanted, and beside the endpoint, as long as it goes back no further
        than the store remembers, which is its `done_ttl`, three days by default: a call that was handled before
        that is handled again, and a `since` before that is warned of. A handler that raises is logged, the call
        is in `failed`, and the next run hands it over again; so it does a call whose handler was cut off, once
        its claim has expired.

        Args:
            store (Store | TransactionalStore): The endpoint's store.
            handler (Callable[[WebhookEvent], object]): The endpoint's handler; of a view, which is called with
                a request, the function that it calls with the event.
            since (datetime | timedelta): From when on calls have ended: a moment with a time zone, or how
                long ago.
            name (str | None): What the endpoint is called in the store, the same as there; None is the
                handler's module and name, as there.
            concurrency (int): Requests under way at a time, at most 256.
            max_per_second (float | None): Requests that begin in a second, at most.
            timeout (float | None): Seconds each try may take; None is as the client has it.

        Returns:
            Reconciled: How many were `handled` now, `known` before and are `in_progress` elsewhere, and the
            ids of those whose handler `failed` and of those that are `missing`.

        Raises:
            InvalidArgumentError: An argument can't be used.
            TypeError: The handler can't be called with an event alone, or the store is none.
            APIStatusError: The service refused.
            APIConnectionError: The service could not be reached, or did not answer in time.

        Example:
            >>> import datetime
            >>> store = revrag.webhooks.stores.MemoryStore()
            >>> heard = []
            >>> def call_ended(event: revrag.WebhookEvent) -> None:
            ...     heard.append(event.call.call_id)
            >>> since = datetime.timedelta(days=36500)
            >>> first = campaign.reconcile(store, call_ended, since=since)
            >>> again = campaign.reconcile(store, call_ended, since=since)
            >>> first.handled > 0, again.known >= first.handled, len(heard) == len(set(heard))
            (True, True, True)
        """
    def reconcile_async(
        self,
        store: AnyStore,
        handler: Callable[[WebhookEvent], object],
        *,
        since: datetime | timedelta,
        name: str | None = None,
        concurrency: int = 8,
        max_per_second: float | None = None,
        timeout: float | None = None,
    ) -> Coroutine[Any, Any, Reconciled]:
        """The asyncio twin of `reconcile`; the handler may be a coroutine function, the store one to be awaited.

        Example:
            >>> import datetime
            >>> store = revrag.webhooks.stores.MemoryStore()
            >>> async def call_ended(event: revrag.WebhookEvent) -> None: ...
            >>> since = datetime.timedelta(days=36500)
            >>> asyncio.run(campaign.reconcile_async(store, call_ended, since=since)).failed
            []
        """
    def _record_pages(
        self, status: str | None, page_size: int, timeout: float | None
    ) -> RecordPages: ...
    def records_page(
        self,
        *,
        status: RecordStatus | str | None = None,
        page: int = 1,
        page_size: int = 50,
        timeout: float | None = None,
    ) -> RecordPage:
        """One page of the campaign's records (`GET …/records`).

        Args:
            status (str | None): Only records of this status.
            page (int): The page's number, from 1.
            page_size (int): Records per page, from 1 to 200.
            timeout (float | None): Seconds each try may take; None is as the client has it.

        Returns:
            RecordPage: The page.

        Raises:
            InvalidArgumentError: `page` or `page_size` is out of range; nothing was sent.
            NotFoundError: There is no such campaign in the key's workspace.
            APIStatusError: The service refused for another reason.
            APIConnectionError: The service could not be reached, or did not answer in time.
            InvalidResponseError: The answer is not what the API documents.

        Example:
            >>> campaign.records_page(status="completed", page_size=10).page
            1
        """
    def records_page_async(
        self,
        *,
        status: RecordStatus | str | None = None,
        page: int = 1,
        page_size: int = 50,
        timeout: float | None = None,
    ) -> Coroutine[Any, Any, RecordPage]:
        """The asyncio twin of `records_page`.

        Example:
            >>> asyncio.run(campaign.records_page_async()).page_size
            50
        """
    def status(self, *, timeout: float | None = None) -> CampaignStatus:
        """The campaign's lifecycle status and its records counted by status (`GET …/status`).

        Args:
            timeout (float | None): Seconds each try may take; None is as the client has it.

        Returns:
            CampaignStatus: The status and the counts.

        Raises:
            NotFoundError: There is no such campaign in the key's workspace.
            APIStatusError: The service refused for another reason.
            APIConnectionError: The service could not be reached, or did not answer in time.
            InvalidResponseError: The answer is not what the API documents.

        Example:
            >>> campaign.status().stats.total_records > 0
            True
        """
    def status_async(self, *, timeout: float | None = None) -> Coroutine[Any, Any, CampaignStatus]:
        """The asyncio twin of `status`.

        Example:
            >>> asyncio.run(campaign.status_async()).status
            'running'
        """
    def wait(
        self,
        run_id: _Id | None,
        *,
        timeout: float | None = None,
        poll_interval: float = 2.0,
    ) -> Record:
        """Poll a record until it is final.

        A poll that fails in a way in which a GET is sent again (no connection, 429, 5xx) only counts as
        not final yet. Without a timeout, ten minutes of that end the wait with the failure.

        Args:
            run_id (str | UUID): The run id from the push's result.
            timeout (float | None): Seconds to wait at most; 0 asks once.
            poll_interval (float): Seconds between two polls, 0.05 at least.

        Returns:
            Record: The record, `completed`, `dnc`, or `failed` with no attempt left.

        Raises:
            WaitTimeoutError: It was not final in time; `.record` is what was last seen, `__cause__` why
                the last poll had no answer.
            InvalidArgumentError: The id is not a UUID; nothing was sent.
            NotFoundError: There is no such record.
            APIStatusError: The service refused for another reason.
            APIConnectionError: The service could not be reached, or did not answer in time.
            InvalidResponseError: The answer is not what the API documents.

        Example:
            >>> campaign.wait(run_id, timeout=10, poll_interval=0.1).status
            'completed'
        """
    def wait_async(
        self,
        run_id: _Id | None,
        *,
        timeout: float | None = None,
        poll_interval: float = 2.0,
    ) -> Coroutine[Any, Any, Record]:
        """The asyncio twin of `wait`.

        Example:
            >>> asyncio.run(campaign.wait_async(run_id, timeout=10, poll_interval=0.1)).is_final
            True
        """
    def wait_all(
        self,
        run_ids: Iterable[_Id | None],
        *,
        timeout: float | None = None,
        poll_interval: float = 2.0,
    ) -> list[Record]:
        """Poll many records until all are final.

        A round reads the campaign's listing once, or asks for each record where those are fewer than
        the listing has pages.

        Args:
            run_ids (Iterable[str | UUID]): The run ids from a push's results.
            timeout (float | None): Seconds to wait at most; 0 asks once.
            poll_interval (float): Seconds between two rounds, 0.05 at least.

        Returns:
            list[Record]: The records, in the order of their ids.

        Raises:
            WaitTimeoutError: Some were not final in time; `.records` is what was last seen of each.
            InvalidArgumentError: An id is not a UUID; nothing was sent.
            NotFoundError: There is no such record.
            APIStatusError: The service refused for another reason.
            APIConnectionError: The service could not be reached, or did not answer in time.
            InvalidResponseError: The answer is not what the API documents.

        Example:
            >>> pushed = campaign.push([{"phone_number": "+919876543210"}] * 2)
            >>> records = campaign.wait_all([outcome.run_id for outcome in pushed.results], timeout=10)
            >>> [record.status for record in records]
            ['completed', 'completed']
        """
    def wait_all_async(
        self,
        run_ids: Iterable[_Id | None],
        *,
        timeout: float | None = None,
        poll_interval: float = 2.0,
    ) -> Coroutine[Any, Any, list[Record]]:
        """The asyncio twin of `wait_all`.

        Example:
            >>> len(asyncio.run(campaign.wait_all_async([run_id], timeout=10)))
            1
        """
    def watch(
        self,
        *,
        poll_interval: float = 2.0,
        timeout: float | None = None,
        progress: bool = False,
    ) -> CampaignWatch:
        """The campaign's status and counts until nothing is left to do, for `for` and for `async for`.

        The first status comes at once, and then each that differs from the one before; the last one says
        that nothing is left: the campaign is `completed` or `cancelled`, or no record is `queued`,
        `in_progress`, `rescheduled`, `retry_pending` or `follow_up_pending`. A paused campaign is watched on.
        A poll that fails in a way in which a GET is sent again tells nothing, and the next one may; without a
        `timeout`, its error is raised once there was no answer for ten minutes. Ctrl-C ends it at once.

        Args:
            poll_interval (float): Seconds between two polls, 0.05 at least.
            timeout (float | None): Seconds to watch at most, from the start of an iteration; 0 asks once.
            progress (bool): Draw a bar of the records that are done, while it is iterated.

        Returns:
            CampaignWatch: Iterable as often as wanted; each iteration watches anew. Its `show()` draws it to
            the end.

        Raises:
            InvalidArgumentError: An argument can't be used. All others are raised while it is iterated.
            WaitTimeoutError: Something was left to do; `.status` is what was last seen, `__cause__` why the
                last poll had no answer.
            NotFoundError: There is no such campaign in the key's workspace.
            APIStatusError: The service refused for another reason.
            APIConnectionError: The service could not be reached, or did not answer in time.
            InvalidResponseError: The answer is not what the API documents.

        Example:
            >>> for status in campaign.watch(timeout=10, poll_interval=0.1):
            ...     done = status.stats.completed
            >>> status.stats.queued
            0
        """
    def _statuses(self, poll_interval: float, timeout: float | None) -> Statuses: ...
    def find(
        self,
        *,
        app_session_id: _Id | int | None = None,
        app_user_id: _Id | int | None = None,
        phone_number: str | int | None = None,
        region: str = "IN",
        timeout: float | None = None,
    ) -> list[Record]:
        """The campaign's records that have all that is given, looked for in the whole listing.

        It is what to do after a `PushOutcomeUnknownError`, before anything is pushed once more. What is
        found is there. That nothing is found is proof only where the service has had the time to finish
        the push (minutes rather than seconds) and shows what is looked for as it was sent: session ids
        and user ids, that is, which not every service gives back.

        Every page is read, until a look shows as many records as its pages say there are, or two looks
        in a row show the same.

        Args:
            app_session_id (str | int | UUID | None): The session id, as it was sent.
            app_user_id (str | int | UUID | None): The user id, as it was sent.
            phone_number (str | int | None): The number, in any notation: compared as E.164.
            region (str): Where numbers without a country code belong, as `"IN"`.
            timeout (float | None): Seconds each try may take; None is as the client has it.

        Returns:
            list[Record]: All records with everything that is given; empty where there is none.

        Raises:
            InvalidArgumentError: Nothing is given, or something that can't be looked for; nothing was sent.
            InvalidResponseError: The listing could not be proven complete: a record that it does not show
                may be there. The text names the runs that were seen. Look again later.
            APIStatusError: The service refused.
            APIConnectionError: The service could not be reached, or did not answer in time.

        Example:
            >>> run_id in {record.id for record in campaign.find(phone_number="98765 43210")}
            True
        """
    def find_async(
        self,
        *,
        app_session_id: _Id | int | None = None,
        app_user_id: _Id | int | None = None,
        phone_number: str | int | None = None,
        region: str = "IN",
        timeout: float | None = None,
    ) -> Coroutine[Any, Any, list[Record]]:
        """The asyncio twin of `find`.

        Example:
            >>> found = asyncio.run(campaign.find_async(phone_number="98765 43210"))
            >>> run_id in {record.id for record in found}
            True
        """
    def upload(
        self,
        source: UploadSource,
        **options: Unpack[UploadOptions],
    ) -> UploadReport:
        """Upload a table of any size, each row exactly once.

        The rows are read, checked, cut into requests and sent side by side, and every request whose
        outcome is unknown is settled: its rows are looked for in the campaign, and only those that are
        proven not to be there go out again. With a `journal`, an upload that ended in any way is gone on with by the
        same call. Rows of dicts are read in the thread of the caller.

        Args:
            source (object): A data frame (polars, pandas), an Arrow table or stream, a DuckDB relation,
                an iterable of mappings, or the path of a `.csv`, `.tsv`, `.txt`, `.jsonl`, `.ndjson`
                (each also `.gz`), `.parquet`, `.arrow`, `.xlsx` or `.xls` file.
            phone_number (str): The column of the numbers. Default: `"phone_number"`.
            variables (list[str] | dict[str, str] | None): The columns to send as variables, or a mapping
                from variable to column; None takes a column `variables` that holds objects, else every
                column without another role that has a name. Nulls are left out, but kept in lists.
            app_user_id (str | None): The column of the user ids; one of that very name by itself.
            app_session_id (str | None): The column of the session ids; one of that very name by itself.
                Rows without one are stamped with `<upload id>-<row>`.
            key (str | Iterable[str] | None): The column by which a row is known, or several: it goes out
                at most once per campaign, name and key, whatever its place in the source, from any
                machine, with a journal or without. Text, whole numbers and UUIDs can be keys. The session
                id is made of it (`revrag.row_key` gives it back); the column `app_session_id` itself can
                be the key, and its ids go out as they are. None knows rows by their places.
            name (str | None): What tells rounds apart, so that the same lead can be called again in
                another; at most 55 bytes.
            existing (str): What tells which rows were uploaded before: `"campaign"` reads all of the
                campaign's records first, `"journal"` asks the journal alone, for those who alone write to
                the campaign; `"caller"` asks nobody: none of the rows was uploaded, and nobody else uploads
                them meanwhile, as the caller has seen to by other means. Then several uploads of a name
                may run at once. Default: `"campaign"`.
            region (str | None): Where numbers without a country code belong, as `"IN"`; None sends all
                as they come. Default: `"IN"`.
            on_invalid (str): What becomes of rows that are not valid: `"reject"` keeps them home,
                `"send"` sends their numbers as they came, `"raise"` stops, before anything is sent where
                the source can be read twice. Default: `"reject"`.
            on_duplicate (str): What becomes of the second and later rows of one number: `"keep"` sends
                them, `"reject"` keeps them home. Default: `"keep"`.
            required (Iterable[str]): Variables that must be neither null nor empty.
            exclude (object | None): Numbers that are not to be called: a list or column of them, a table with
                a column named as `phone_number` says or `phone_number`, or the path of a file. They are
                compared as E.164, and never sent or logged. An entry that can't be read as a number is an
                error that names it: who is meant by it would be called.
            limit (int | None): The first so many rows that would go are sent, the rest is `not_sent`. With a
                journal or a key it goes on with the next call, which has a limit of its own.
            max_invalid (float | int | None): How many rows may be invalid, as a share (a float from 0.0 to
                1.0) or a count (an int). With more, nothing is sent where the source can be read twice;
                otherwise nothing of its first 10,000 rows, and no more once there are too many.
            max_records (int): Rows in a request. Default: `500`.
            max_bytes (int): Bytes in a request; a larger row goes alone. Default: `1000000`.
            concurrency (int): Requests at a time. Default: `4`.
            max_records_per_second (float | None): Rows a second.
            journal (str | PathLike | None): A file in which the upload can be gone on with.
            on_unknown (str): What becomes of rows of unknown outcome: `"settle"` looks for them,
                `"leave"` reports them, `"stop"` stops. Default: `"settle"`.
            settle_after (float): Seconds the service is given to finish what it has of a lost request,
                before its rows are looked for; after a timeout it is given another `timeout`.
                Default: `5.0`.
            give_up_after (float): Seconds for which the service may answer no push before the upload
                stops. Meanwhile a few rows at a time try whether it is back. Default: `600.0`.
            progress (bool | Callable[[UploadProgress], object] | None): True shows a bar; a callable is
                told a few times a second.
            dry_run (bool): Read and check everything, send nothing. With a key the campaign's records are
                read, too, and the report tells which rows are there.
            delimiter (str | None): What separates the fields of a CSV file; None finds it in the header.
            encoding (str | None): How a text file is written, as `"windows-1252"`; None is UTF-8, or what
                a mark at its start says.
            sheet (str | None): The name of a workbook's sheet; None takes the only one, or the only one
                with the column of the numbers.
            max_field_bytes (int): The largest field of a CSV file; a quote that is never closed ends there.
                A line, of JSON too, may have 64 MiB, or as much. Default: `1000000`.

        Returns:
            UploadReport: What became of every row.

        Raises:
            InvalidArgumentError: The source or an option can't be used; nothing was sent.
            UploadError: It stopped before its end; `.report` tells of every row that was read.
            JournalError: The journal is none, another upload's, in use, or the source has changed.
            AuthenticationError: The key is not valid; nothing was read or sent.
            NotFoundError: There is no such campaign; nothing was read or sent.

        Example:
            >>> rows = [{"phone_number": "98765 43210", "name": "Riya"}, {"phone_number": "12"}]
            >>> report = campaign.upload(rows)
            >>> report.accepted, report.invalid
            (1, 1)
        """
    def upload_async(
        self,
        source: UploadSource,
        **options: Unpack[UploadOptions],
    ) -> Coroutine[Any, Any, UploadReport]:
        """The asyncio twin of `upload`. Rows of dicts are read in a thread of their own.

        Example:
            >>> report = asyncio.run(campaign.upload_async([{"phone_number": "98765 43210"}]))
            >>> report.accepted
            1
        """

@final
class UploadReport:
    """What an upload came to: counters, and a table with a row for each row of the source.

    It is an Arrow stream with the columns `row` (the position in the source, from 0),
    `key` (null where rows are not known by one), `phone_number`, `outcome`, `run_id`, `status` and `error`: `polars.DataFrame(report)`,
    `pyarrow.table(report)` and `pandas.DataFrame.from_arrow(report)` read it, as often as wanted.

    Example:
        >>> report = campaign.upload([{"phone_number": "9876543210"}, {"phone_number": "12"}])
        >>> report.total, report.accepted, report.invalid
        (2, 1, 1)
    """

    @property
    def total(self) -> int:
        """int: How many rows were read."""
    @property
    def accepted(self) -> int:
        """int: How many rows are in the campaign."""
    @property
    def existing(self) -> int:
        """int: How many rows were in the campaign before, by their keys, and were not sent."""
    @property
    def rejected(self) -> int:
        """int: How many rows the service refused."""
    @property
    def invalid(self) -> int:
        """int: How many rows stayed home because they are not valid."""
    @property
    def excluded(self) -> int:
        """int: How many rows stayed home because their number is in `exclude`."""
    @property
    def duplicate(self) -> int:
        """int: How many rows stayed home because an earlier one has their number, or their key."""
    @property
    def unknown(self) -> int:
        """int: How many rows may be in the campaign; they were not sent again."""
    @property
    def not_sent(self) -> int:
        """int: How many rows were read and not sent."""
    @property
    def repaired(self) -> int:
        """int: How many numbers were repaired: integers, whole floats, text ending in `.0`."""
    @property
    def changed(self) -> int:
        """int: How many existing rows have changed since: the campaign has them as they were."""
    @property
    def doubled(self) -> int:
        """int: How many rows the campaign has several records of, by their keys."""
    @property
    def upload_id(self) -> str:
        """str: What the upload's tokens begin with: without a key, `app_session_id` is
        `<upload_id>-<row>`.
        """
    @property
    def elapsed(self) -> float:
        """float: Seconds it took, this time."""
    def rows(
        self, outcome: _Outcome | Iterable[_Outcome] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The rows one after the other, as dicts with the table's columns.

        Args:
            outcome (str | Iterable[str] | None): Only rows of this outcome, or of these, as `"invalid"`.

        Returns:
            Iterator[dict]: Read from the report as they are asked for.

        Raises:
            InvalidArgumentError: There is no such outcome.

        Example:
            >>> report = campaign.upload([{"phone_number": "9876543210"}, {"phone_number": "12"}])
            >>> [row["row"] for row in report.rows("invalid")]
            [1]
        """
    def write(
        self,
        path: str | PathLike[str],
        *,
        outcome: _Outcome | Iterable[_Outcome] | None = None,
    ) -> None:
        """Write the rows to a file, in the format that its name says.

        The file is there as a whole or not at all, and its owner alone can read it: it holds phone numbers. A
        cell is written as it is: one that begins with `=`, `+`, `-` or `@` is a formula to a spreadsheet that
        opens a CSV.

        Args:
            path (str | PathLike): A `.csv`, `.tsv`, `.jsonl`, `.ndjson` (each also `.gz`), `.parquet` or
                `.arrow` file.
            outcome (str | Iterable[str] | None): Only rows of this outcome, or of these.

        Raises:
            InvalidArgumentError: The name says no format, or there is no such outcome.
            OSError: The file can't be written.

        Example:
            >>> report = campaign.upload([{"phone_number": "9876543210"}, {"phone_number": "12"}])
            >>> import pathlib, tempfile
            >>> folder = pathlib.Path(tempfile.mkdtemp())
            >>> report.write(folder / "report.csv", outcome=["rejected", "invalid"])
        """
    def rejects(
        self,
        source: UploadSource,
        *,
        outcome: _Outcome | Iterable[_Outcome] | None = None,
    ) -> UploadRejects:
        """The source's own rows that are not in the campaign, with what became of them.

        They come in the order of the source, in its own columns, behind the columns `outcome` and `error`. A
        column of the source with one of these names is called `outcome_2` or `error_2`. The two are no variables
        where the stream itself is uploaded; from a file of it, leave them out with `variables=`. Rows that the
        upload did not come to are `not_sent`.

        Not all of them are to be uploaded again as they are: those that are `unknown` may be in the campaign, the
        person of a `duplicate` was called by an earlier row, and nobody who is `excluded` is to be called.

        Args:
            source (object): What was uploaded, once more, in the same order: a row with another key or number than
                the one that was uploaded in its place is an error. It must be one that can be read twice: a frame, a
                table, a list, a file. It is read as the upload read it.
            outcome (str | Iterable[str] | None): Only rows of this outcome, or of these; None is all but
                `accepted` and `existing`.

        Returns:
            UploadRejects: An Arrow stream that can be written to a file, too.

        Raises:
            InvalidArgumentError: The source can be read once alone, or there is no such outcome.

        Example:
            >>> leads = [{"phone_number": "9876543210"}, {"phone_number": "12", "name": "Riya"}]
            >>> report = campaign.upload(leads)
            >>> import pathlib, tempfile
            >>> folder = pathlib.Path(tempfile.mkdtemp())
            >>> report.rejects(leads).write(folder / "rejects.csv")
        """
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def _repr_html_(self) -> str: ...
    @classmethod
    def _load(
        cls,
        upload_id: str,
        elapsed: float,
        counts: tuple[int, int, int],
        rows: bytes,
        origin: str | None = None,
    ) -> Self: ...

@final
class UploadRejects:
    """The rows of a source that an upload left out, made by `UploadReport.rejects`.

    It is an Arrow stream with the columns `outcome` and `error`, and then the source's own:
    `polars.DataFrame(rejects)`, `pyarrow.table(rejects)` and `pandas.DataFrame.from_arrow(rejects)` read it,
    as often as wanted. Each time the source is read again.

    Example:
        >>> import pyarrow
        >>> leads = [{"phone_number": "9876543210"}, {"phone_number": "12"}]
        >>> rejects = campaign.upload(leads).rejects(leads)
        >>> pyarrow.table(rejects).column("phone_number").to_pylist()
        ['12']
    """

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def _repr_html_(self) -> str | None: ...
    def write(self, path: str | PathLike[str]) -> None:
        """Write the rows to a file, in the format that its name says.

        The file is there as a whole or not at all, and its owner alone can read it. A cell is written as it
        is: one that begins with `=`, `+`, `-` or `@` is a formula to a spreadsheet that opens a CSV.

        Args:
            path (str | PathLike): A `.csv`, `.tsv`, `.jsonl`, `.ndjson` (each also `.gz`), `.parquet` or
                `.arrow` file.

        Raises:
            InvalidArgumentError: The name says no format or is the source's own, or the source is not the one
                that was uploaded.
            OSError: The file can't be written.

        Example:
            >>> import pathlib, tempfile
            >>> folder = pathlib.Path(tempfile.mkdtemp())
            >>> leads = [{"phone_number": "12", "name": "Riya"}]
            >>> campaign.upload(leads).rejects(leads).write(folder / "rejects.csv")
        """

@final
class UploadProgress:
    """How far an upload has come, as its `progress` is told.

    Example:
        >>> seen = []
        >>> report = campaign.upload([{"phone_number": "+919876543210"}], progress=seen.append)
        >>> seen[-1].read, seen[-1].accepted
        (1, 1)
    """

    @property
    def total(self) -> int | None:
        """int | None: How many rows the source has, where that is known."""
    @property
    def read(self) -> int:
        """int: How many rows were read."""
    @property
    def accepted(self) -> int:
        """int: How many rows are in the campaign."""
    @property
    def existing(self) -> int:
        """int: How many rows were in the campaign before, by their keys."""
    @property
    def rejected(self) -> int:
        """int: How many rows the service refused."""
    @property
    def invalid(self) -> int:
        """int: How many rows stay home because they are not valid."""
    @property
    def excluded(self) -> int:
        """int: How many rows stay home because their number is in `exclude`."""
    @property
    def duplicate(self) -> int:
        """int: How many rows stay home because an earlier one has their number, or their key."""
    @property
    def unknown(self) -> int:
        """int: How many rows may be in the campaign: sent, without a clear answer."""
    @property
    def not_sent(self) -> int:
        """int: How many rows were read and not sent, or not answered yet."""
    @property
    def settling(self) -> int:
        """int: How many rows in doubt are being looked for in the campaign's listing right now."""
    @property
    def pages(self) -> int:
        """int: How many pages of the listing this look has read."""
    @property
    def total_pages(self) -> int | None:
        """int | None: How many pages the listing has, where that is known."""
    @property
    def elapsed(self) -> float:
        """float: Seconds since the upload began."""
    def _repr_html_(self) -> str: ...

@final
class RequestEvent:
    """One try of one request, as `on_request` is told of it.

    Args:
        method (str): `GET` or `POST`.
        path (str): The path, without the query.
        status (int | None): The HTTP status; None where no answer came.
        attempt (int): Which try this was, from 1.
        elapsed (float): Seconds the try took.
        request_id (str | None): The answer's `X-Request-ID`.
        error (str | None): What went wrong, without phone numbers.

    Raises:
        InvalidArgumentError: `method` is another, or `elapsed` is no length of time.

    Example:
        >>> events = []
        >>> with revrag.Client(on_request=events.append) as watched:
        ...     status = watched.campaign(campaign.id).status()
        >>> events[0].method, events[0].status, events[0].attempt
        ('GET', 200, 1)
    """

    def __new__(
        cls,
        method: str,
        path: str,
        status: int | None = None,
        attempt: int = 1,
        elapsed: float = 0.0,
        request_id: str | None = None,
        error: str | None = None,
    ) -> Self: ...
    @property
    def method(self) -> str:
        """str: `GET` or `POST`."""
    @property
    def path(self) -> str:
        """str: The path, without the query."""
    @property
    def status(self) -> int | None:
        """int | None: The HTTP status; None where no answer came."""
    @property
    def attempt(self) -> int:
        """int: Which try this was, from 1."""
    @property
    def elapsed(self) -> float:
        """float: Seconds the try took."""
    @property
    def request_id(self) -> str | None:
        """str | None: The answer's `X-Request-ID`."""
    @property
    def error(self) -> str | None:
        """str | None: What went wrong, without phone numbers."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def _repr_html_(self) -> str: ...
    def __getnewargs__(
        self,
    ) -> tuple[str, str, int | None, int, float, str | None, str | None]: ...

@final
class PushResult:
    """The answer to a push (`POST …/records/push-bulk`).

    Example:
        >>> pushed = campaign.push([{"phone_number": "+919876543210"}, {"phone_number": "12"}])
        >>> pushed.accepted, pushed.rejected
        (1, 1)
        >>> pushed.results[1].error
        'Invalid Indian phone number: 12'
    """

    @property
    def accepted(self) -> int:
        """int: How many records were queued for calling."""
    @property
    def rejected(self) -> int:
        """int: How many were rejected."""
    @property
    def results(self) -> list[PushOutcome]:
        """list[PushOutcome]: `results[i]` belongs to the i-th record of the push."""
    @property
    def extra(self) -> _Json:
        """dict[str, Any]: The fields that the reference does not name."""
    def to_dict(self) -> _Json:
        """The JSON this was read from, as a new dict."""
    @classmethod
    def from_dict(cls, data: _Json) -> Self:
        """Make one from its JSON as a dict.

        Args:
            data (dict[str, Any]): The documented fields, and any others.

        Raises:
            InvalidArgumentError: The dict is not what the API documents.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def _repr_html_(self) -> str: ...

@final
class PushOutcome:
    """What became of one pushed record: an entry of `PushResult.results`.

    Example:
        >>> outcome = campaign.push([{"phone_number": "+919876543210"}]).results[0]
        >>> outcome.accepted, outcome.status, outcome.error
        (True, 'queued', None)
    """

    @property
    def phone_number(self) -> str:
        """str: The number as submitted."""
    @property
    def accepted(self) -> bool:
        """bool: Whether the record was created and queued."""
    @property
    def run_id(self) -> str | None:
        """str | None: The created run's id, where accepted; `Campaign.record` takes it."""
    @property
    def status(self) -> RecordStatus | str | None:
        """str | None: The initial status, where accepted."""
    @property
    def error(self) -> str | None:
        """str | None: Why the record was rejected, where it was."""
    @property
    def extra(self) -> _Json:
        """dict[str, Any]: The fields that the reference does not name."""
    def to_dict(self) -> _Json:
        """The JSON this was read from, as a new dict."""
    @classmethod
    def from_dict(cls, data: _Json) -> Self:
        """Make one from its JSON as a dict.

        Args:
            data (dict[str, Any]): The documented fields, and any others.

        Raises:
            InvalidArgumentError: The dict is not what the API documents.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def _repr_html_(self) -> str: ...

@final
class Record:
    """A record of a campaign (`GET …/records/{run_id}`).

    Example:
        >>> record = campaign.wait(run_id)
        >>> record.status, record.is_final, record.attempt_count
        ('completed', True, 1)
    """

    @property
    def id(self) -> str:
        """str: The run id that the push answered with."""
    @property
    def campaign_id(self) -> str | None:
        """str | None: The campaign it belongs to."""
    @property
    def workspace_id(self) -> str | None:
        """str | None: The workspace it belongs to."""
    @property
    def phone_number(self) -> str:
        """str: The number to call."""
    @property
    def status(self) -> RecordStatus | str:
        """str: One of the documented statuses, or a new one."""
    @property
    def variables(self) -> dict[str, Any] | None:
        """dict[str, Any] | None: The variables sent with the push."""
    @property
    def app_user_id(self) -> str | None:
        """str | None: The caller's own user id."""
    @property
    def app_session_id(self) -> str | None:
        """str | None: The caller's own session id."""
    @property
    def attempt_count(self) -> int | None:
        """int | None: Attempts made so far."""
    @property
    def max_attempts(self) -> int | None:
        """int | None: Attempts there may be in all."""
    @property
    def call_history(self) -> list[CallAttempt]:
        """list[CallAttempt]: One entry per attempt."""
    @property
    def next_attempt_at(self) -> datetime | None:
        """datetime | None: When the next attempt is due, in UTC."""
    @property
    def dnc_at(self) -> datetime | None:
        """datetime | None: When the number was put on the Do-Not-Call list, in UTC."""
    @property
    def dnc_reason(self) -> str | None:
        """str | None: Why it was."""
    @property
    def created_at(self) -> datetime | None:
        """datetime | None: When the record was created, in UTC."""
    @property
    def updated_at(self) -> datetime | None:
        """datetime | None: When it last changed, in UTC."""
    @property
    def is_final(self) -> bool:
        """bool: Whether nothing more will happen to the record: `completed`, `dnc`, or `failed`
        with no attempt left.
        """
    @property
    def extra(self) -> _Json:
        """dict[str, Any]: The fields that the reference does not name."""
    def to_dict(self) -> _Json:
        """The JSON this was read from, as a new dict."""
    @classmethod
    def from_dict(cls, data: _Json) -> Self:
        """Make one from its JSON as a dict.

        Args:
            data (dict[str, Any]): The documented fields, and any others.

        Raises:
            InvalidArgumentError: The dict is not what the API documents.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def _repr_html_(self) -> str: ...

@final
class CallAttempt:
    """One attempt to call a record's number: an entry of `Record.call_history`.

    Example:
        >>> attempt = campaign.wait(run_id).call_history[0]
        >>> client.call(attempt.call_id).call_status == attempt.status
        True
    """

    @property
    def call_id(self) -> str:
        """str: The call's id; `Client.call` takes it."""
    @property
    def status(self) -> CallStatus | str | None:
        """str | None: The call's status."""
    @property
    def extra(self) -> _Json:
        """dict[str, Any]: The fields that the reference does not name."""
    def to_dict(self) -> _Json:
        """The JSON this was read from, as a new dict."""
    @classmethod
    def from_dict(cls, data: _Json) -> Self:
        """Make one from its JSON as a dict.

        Args:
            data (dict[str, Any]): The documented fields, and any others.

        Raises:
            InvalidArgumentError: The dict is not what the API documents.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def _repr_html_(self) -> str: ...

@final
class RecordPage:
    """One page of a campaign's records (`GET …/records`).

    Example:
        >>> page = campaign.records_page(page_size=1)
        >>> len(page.items), page.page, page.page_size
        (1, 1, 1)
    """

    @property
    def items(self) -> list[Record]:
        """list[Record]: The records of this page."""
    @property
    def total(self) -> int:
        """int: How many records match in all."""
    @property
    def has_more(self) -> bool:
        """bool: Whether there is a page after this one."""
    @property
    def page(self) -> int:
        """int: This page's number, from 1."""
    @property
    def page_size(self) -> int:
        """int: The page size the service used."""
    @property
    def left_out(self) -> list[Any]:
        """list[Any]: The JSON of what stands among the items and is no record."""
    @property
    def extra(self) -> _Json:
        """dict[str, Any]: The fields that the reference does not name."""
    def to_dict(self) -> _Json:
        """The JSON this was read from, as a new dict."""
    @classmethod
    def from_dict(cls, data: _Json) -> Self:
        """Make one from its JSON as a dict.

        Args:
            data (dict[str, Any]): The documented fields, and any others.

        Raises:
            InvalidArgumentError: The dict is not what the API documents.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def _repr_html_(self) -> str: ...

@final
class CampaignStatus:
    """A campaign's lifecycle status and its counts (`GET …/status`).

    Example:
        >>> campaign.status().status
        'running'
    """

    @property
    def campaign_id(self) -> str:
        """str: The campaign."""
    @property
    def status(self) -> CampaignState | str:
        """str: `running`, `paused`, `completed`, `cancelled`, or another."""
    @property
    def stats(self) -> CampaignStats:
        """CampaignStats: Records counted by status."""
    @property
    def extra(self) -> _Json:
        """dict[str, Any]: The fields that the reference does not name."""
    def to_dict(self) -> _Json:
        """The JSON this was read from, as a new dict."""
    @classmethod
    def from_dict(cls, data: _Json) -> Self:
        """Make one from its JSON as a dict.

        Args:
            data (dict[str, Any]): The documented fields, and any others.

        Raises:
            InvalidArgumentError: The dict is not what the API documents.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def _repr_html_(self) -> str: ...

@final
class CampaignStats:
    """A campaign's records counted by status; a count that is not in the answer is 0.

    Example:
        >>> stats = campaign.status().stats
        >>> stats.total_records >= stats.queued + stats.completed
        True
    """

    @property
    def total_records(self) -> int:
        """int: All records."""
    @property
    def queued(self) -> int:
        """int: Waiting for the runner."""
    @property
    def in_progress(self) -> int:
        """int: Being called."""
    @property
    def completed(self) -> int:
        """int: Called."""
    @property
    def failed(self) -> int:
        """int: Failed."""
    @property
    def dnc(self) -> int:
        """int: On the Do-Not-Call list."""
    @property
    def rescheduled(self) -> int:
        """int: Waiting for the callback the callee asked for."""
    @property
    def retry_pending(self) -> int:
        """int: Waiting for a retry."""
    @property
    def follow_up_pending(self) -> int:
        """int: Waiting for a follow-up."""
    @property
    def extra(self) -> _Json:
        """dict[str, Any]: The fields that the reference does not name."""
    def to_dict(self) -> _Json:
        """The JSON this was read from, as a new dict."""
    @classmethod
    def from_dict(cls, data: _Json) -> Self:
        """Make one from its JSON as a dict.

        Args:
            data (dict[str, Any]): The documented fields, and any others.

        Raises:
            InvalidArgumentError: The dict is not what the API documents.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def _repr_html_(self) -> str: ...

@final
class Call:
    """A call (`GET /v1/campaigns/trigger/status/{call_id}`, and the `call.ended` webhook).

    Example:
        >>> call = client.call(call_id)
        >>> call.call_status, call.attempt_no
        ('completed', 1)
    """

    @property
    def call_status(self) -> CallStatus | str:
        """str: `completed`, `failed`, or another."""
    @property
    def call_id(self) -> str:
        """str: The call's id."""
    @property
    def agent_id(self) -> str | None:
        """str | None: The agent that placed it."""
    @property
    def from_number(self) -> str | None:
        """str | None: The caller's number."""
    @property
    def to_number(self) -> str | None:
        """str | None: The callee's number."""
    @property
    def summary(self) -> str | None:
        """str | None: A generated summary, where there is a transcript."""
    @property
    def start_time(self) -> datetime | None:
        """datetime | None: When the call began, in UTC."""
    @property
    def end_time(self) -> datetime | None:
        """datetime | None: When it ended, in UTC."""
    @property
    def duration(self) -> float | None:
        """float | None: Its length in seconds; an int where the service sends one."""
    @property
    def disconnection_reason(self) -> str | None:
        """str | None: Why it ended, normalized."""
    @property
    def recording_url(self) -> str | None:
        """str | None: A presigned URL of the recording."""
    @property
    def transcription(self) -> Transcription | None:
        """Transcription | None: What was said."""
    @property
    def custom_variables(self) -> list[CustomVariable]:
        """list[CustomVariable]: What the agent took from the call."""
    @property
    def variables_fields(self) -> dict[str, Any] | None:
        """dict[str, Any] | None: The variables sent with the push."""
    @property
    def campaign_id(self) -> str | None:
        """str | None: The campaign, if the call belongs to one."""
    @property
    def attempt_no(self) -> int | None:
        """int | None: Which attempt this call was."""
    @property
    def app_user_id(self) -> str | None:
        """str | None: The caller's own user id."""
    @property
    def app_session_id(self) -> str | None:
        """str | None: The caller's own session id."""
    @property
    def extra(self) -> _Json:
        """dict[str, Any]: The fields that the reference does not name."""
    def to_dict(self) -> _Json:
        """The JSON this was read from, as a new dict."""
    @classmethod
    def from_dict(cls, data: _Json) -> Self:
        """Make one from its JSON as a dict.

        Args:
            data (dict[str, Any]): The documented fields, and any others.

        Raises:
            InvalidArgumentError: The dict is not what the API documents.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def _repr_html_(self) -> str: ...

@final
class Transcription:
    """What was said in a call: `Call.transcription`.

    Example:
        >>> [message.role for message in client.call(call_id).transcription.messages][:2]
        ['assistant', 'user']
    """

    @property
    def messages(self) -> list[Message]:
        """list[Message]: The turns, in order."""
    @property
    def extra(self) -> _Json:
        """dict[str, Any]: The fields that the reference does not name."""
    def to_dict(self) -> _Json:
        """The JSON this was read from, as a new dict."""
    @classmethod
    def from_dict(cls, data: _Json) -> Self:
        """Make one from its JSON as a dict.

        Args:
            data (dict[str, Any]): The documented fields, and any others.

        Raises:
            InvalidArgumentError: The dict is not what the API documents.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def _repr_html_(self) -> str: ...

@final
class Message:
    """One turn of a conversation: an entry of `Transcription.messages`.

    Example:
        >>> revrag.Message.from_dict({"role": "user", "content": "Yes."}).content
        'Yes.'
    """

    @property
    def role(self) -> str:
        """str: `assistant` or `user`, or another."""
    @property
    def content(self) -> str | None:
        """str | None: The words."""
    @property
    def extra(self) -> _Json:
        """dict[str, Any]: The fields that the reference does not name."""
    def to_dict(self) -> _Json:
        """The JSON this was read from, as a new dict."""
    @classmethod
    def from_dict(cls, data: _Json) -> Self:
        """Make one from its JSON as a dict.

        Args:
            data (dict[str, Any]): The documented fields, and any others.

        Raises:
            InvalidArgumentError: The dict is not what the API documents.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def _repr_html_(self) -> str: ...

@final
class CustomVariable:
    """A variable the agent extracted: an entry of `Call.custom_variables`.

    Example:
        >>> revrag.CustomVariable.from_dict({"key": "paid", "type": "boolean", "value": True}).value
        True
    """

    @property
    def key(self) -> str:
        """str: Its name."""
    @property
    def type(self) -> str | None:
        """str | None: The name of its type, as in `boolean`."""
    @property
    def value(self) -> Any:
        """Any: Its value, any JSON."""
    @property
    def extra(self) -> _Json:
        """dict[str, Any]: The fields that the reference does not name."""
    def to_dict(self) -> _Json:
        """The JSON this was read from, as a new dict."""
    @classmethod
    def from_dict(cls, data: _Json) -> Self:
        """Make one from its JSON as a dict.

        Args:
            data (dict[str, Any]): The documented fields, and any others.

        Raises:
            InvalidArgumentError: The dict is not what the API documents.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def _repr_html_(self) -> str: ...

@final
class WebhookVerifier:
    """Verifies and signs webhook deliveries (HMAC-SHA256 over `{timestamp}.{raw body}`).

    It pickles, and its secrets go into the pickle; they are shown nowhere else.

    Args:
        secret (str | bytes | Iterable[str | bytes]): The endpoint's signing secret, or several while
            rotating: the first one signs, each one verifies.
        tolerance (float): Seconds a delivery may be old; exactly that many is still inside.
        future_tolerance (float): Seconds its clock may be ahead.

    Raises:
        InvalidArgumentError: There is no secret, an empty one, or one with blanks or line ends around
            it.

    Example:
        >>> verifier = revrag.WebhookVerifier(["new-secret", "old-secret"])
        >>> headers = verifier.sign(b"{}", event_id="evt_1", event_type="test.event")
        >>> verifier.verify(b"{}", headers).type
        'test.event'
    """

    def __new__(
        cls,
        secret: str | bytes | Iterable[str | bytes],
        *,
        tolerance: float = 300.0,
        future_tolerance: float = 300.0,
    ) -> Self: ...
    def verify(
        self, body: _Body, headers: _Headers, *, now: float | datetime | None = None
    ) -> WebhookEvent:
        """Check a delivery and read its event.

        Args:
            body (bytes | bytearray | memoryview | str): The raw body, as received.
            headers (Mapping | Iterable[tuple]): The request's headers, any case, str or bytes, or
                lists of them; or a WSGI environ.
            now (float | datetime | None): Unix seconds or an aware datetime, instead of the clock.

        Returns:
            WebhookEvent: The verified event.

        Raises:
            WebhookVerificationError: The delivery can't be trusted or read. Its subclasses say why.
            TypeError: The body is not raw, for example already parsed.

        Example:
            >>> verifier = revrag.WebhookVerifier("secret")
            >>> verifier.verify(b"{}", {})
            Traceback (most recent call last):
            revrag.errors.MissingHeaderError: ...
        """
    def _verify_once(
        self, body: bytes, headers: _Headers, now: float
    ) -> tuple[WebhookEvent, str, str]: ...
    def verify_signature(
        self, body: _Body, headers: _Headers, *, now: float | datetime | None = None
    ) -> None:
        """Check a delivery without reading it.

        Args:
            body (bytes | bytearray | memoryview | str): The raw body, as received.
            headers (Mapping | Iterable[tuple]): The request's headers.
            now (float | datetime | None): Unix seconds or an aware datetime, instead of the clock.

        Raises:
            WebhookVerificationError: The delivery can't be trusted.

        Example:
            >>> verifier = revrag.WebhookVerifier("secret")
            >>> verifier.verify_signature(b"raw", verifier.sign(b"raw", event_id="evt_1"))
        """
    def sign(
        self,
        body: _Body,
        *,
        event_id: str,
        event_type: str = "call.ended",
        timestamp: float | datetime | None = None,
    ) -> dict[str, str]:
        """The four headers of a delivery, signed with the first secret.

        Args:
            body (bytes | bytearray | memoryview | str): The raw body.
            event_id (str): What `X-Webhook-ID` says.
            event_type (str): What `X-Webhook-Event` says.
            timestamp (float | datetime | None): Unix seconds (the fraction is dropped) or an aware
                datetime, instead of the clock.

        Returns:
            dict[str, str]: The headers.

        Raises:
            InvalidArgumentError: The id or the type can't stand in a header.

        Example:
            >>> headers = revrag.WebhookVerifier("secret").sign(b"{}", event_id="evt_1", timestamp=1)
            >>> headers["X-Webhook-Timestamp"]
            '1'
        """
    def __getnewargs_ex__(self) -> tuple[tuple[list[str]], dict[str, Any]]: ...

@final
class WebhookEvent:
    """A verified webhook.

    The id and the type are not under the signature; `call` and `payload` are.

    Example:
        >>> event = revrag.WebhookEvent.from_dict(
        ...     {"id": "evt_1", "type": "test.event", "timestamp": 0, "payload": {"a": 1}})
        >>> event.id, event.timestamp.year, event.call, event.payload
        ('evt_1', 1970, None, {'a': 1})
    """

    @property
    def id(self) -> str:
        """str: What `X-Webhook-ID` says. It is not signed."""
    @property
    def type(self) -> str:
        """str: What `X-Webhook-Event` says, as `call.ended`. It is not signed."""
    @property
    def timestamp(self) -> datetime:
        """datetime: When the delivery was sent, in UTC."""
    @property
    def call(self) -> Call | None:
        """Call | None: The call, for `call.ended`."""
    @property
    def payload(self) -> _Json:
        """dict[str, Any]: The body as JSON, read on first use."""
    def to_dict(self) -> _Json:
        """The event as a new dict; `from_dict` takes it back."""
    @classmethod
    def from_dict(cls, data: _Json) -> Self:
        """Make one from a dict, for tests.

        Args:
            data (dict[str, Any]): `id`, `type`, `timestamp` (Unix seconds) and `payload`.

        Raises:
            InvalidArgumentError: A key is missing, or the payload of a `call.ended` has no `call_id`.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def _repr_html_(self) -> str: ...

@final
class Handset:
    """The phone of a person you play: calls to its number ring here until they are answered.

    `Sandbox.handset` makes one. At the end of its `with` block the number goes its usual way again.
    """

    @property
    def number(self) -> str:
        """str: The number that is played."""
    @property
    def is_ringing(self) -> bool:
        """bool: Whether a call rings."""
    @property
    def call_id(self) -> str | None:
        """str | None: The call that rings or goes on."""
    @property
    def conversation(self) -> list[Turn]:
        """list[dict]: What was said in the call that goes on: `role` and `content` of each turn."""
    def answer(self) -> None:
        """Pick up the call that rings.

        Raises:
            InvalidArgumentError: No call rings.
        """
    def decline(self) -> None:
        """Turn away the call that rings: it was `busy`.

        Raises:
            InvalidArgumentError: No call rings.
        """
    def say(self, words: str) -> None:
        """Say something; the agent has an answer.

        Args:
            words (str): What is said, at most 2,000 bytes.

        Raises:
            InvalidArgumentError: No call was answered, or the words are none or too many.
        """
    def hang_up(self) -> None:
        """End the call.

        Raises:
            InvalidArgumentError: No call was answered.
        """
    def request_callback(self) -> None:
        """Ask to be called again, and hang up: the record is `rescheduled`.

        Raises:
            InvalidArgumentError: No call was answered.
        """
    def request_do_not_call(self) -> None:
        """Ask never to be called again, and hang up: the number is on the Do-Not-Call list.

        Raises:
            InvalidArgumentError: No call was answered.
        """
    def put_away(self) -> None:
        """Play the person no longer: later calls go as they are scripted or drawn."""
    def __enter__(self) -> Self: ...
    def __exit__(self, *_exc: object) -> None: ...

@final
class Sandbox:
    """The service in miniature, on a loopback port of this machine.

    It listens as soon as it is made, speaks the API of the reference, calls nobody, and stops at the
    end of its `with` block.

    Args:
        settings (str | PathLike | None): A TOML file of workspaces, campaigns, scripts and faults
            (`examples/sandbox.toml`). What is said here goes before what it says, of its first
            workspace and that one's first campaign.
        port (int): The port; 0 takes a free one.
        api_key (str): The API key of its first workspace.
        campaign_id (str | UUID): That workspace's first campaign.
        campaign_status (str): That campaign's status; only a `running` one accepts pushes.
        webhook_url (str | None): Where to tell of ended calls.
        webhook_secret (str | None): The secret that signs those deliveries.
        dispatch_after (float): Seconds from a push to its call, where all gates are open.
        call_duration (float): Seconds a call lasts.
        max_concurrency (int): Calls at a time.
        failure_rate (float): The share of calls that fail, from 0 to 1.
        seed (int): What ids and outcomes are drawn from.
        time (str): `real`, or `manual`: then it stands still until it is moved.
        speed (float): How many times as fast as outside real time passes.
        now (datetime | None): When manual or sped-up time begins; manual time else begins on
            2026-06-01, a Monday, at 10:00 in India.
        state (str | PathLike | None): The file to keep the state in, so that another sandbox goes on
            where this one was. What it holds goes before what is said here, but for `port`, `time`,
            `speed`, and a webhook that is given. It holds the keys and secrets too.
        allow_remote_webhooks (bool): Whether webhooks may go to other machines than this one.
        request_timeout (float): Seconds that a request may take to arrive.
        **campaign: Settings of the campaign, as of `add_campaign`.

    Raises:
        InvalidArgumentError: An argument or a setting can't be used (of the file, its line and column
            are told), or the port is taken.

    Example:
        >>> from revrag.sandbox import Sandbox
        >>> with Sandbox(dispatch_after=0, call_duration=0, failure_rate=0) as service:
        ...     leads = service.client().campaign(service.campaign_id)
        ...     pushed = leads.push([{"phone_number": "+919876543210"}])
        ...     leads.wait(pushed.results[0].run_id, poll_interval=0.05).status
        'completed'
    """

    def __new__(
        cls,
        *,
        settings: str | PathLike[str] | None = None,
        port: int = 0,
        api_key: str = "sandbox-key",
        campaign_id: _Id = "11111111-1111-1111-1111-111111111111",
        campaign_status: CampaignState | str = "running",
        webhook_url: str | None = None,
        webhook_secret: str | None = None,
        dispatch_after: float = 0.2,
        call_duration: float = 0.5,
        max_concurrency: int = 100,
        failure_rate: float = 0.1,
        seed: int = 0,
        time: Literal["real", "manual"] = "real",
        speed: float = 1.0,
        now: datetime | None = None,
        state: str | PathLike[str] | None = None,
        allow_remote_webhooks: bool = False,
        request_timeout: float = 30.0,
        **campaign: Unpack[RareSettings],
    ) -> Self: ...
    @property
    def url(self) -> str:
        """str: Where it listens; in a browser, its dashboard."""
    @property
    def api_key(self) -> str:
        """str: The API key of its first workspace."""
    @property
    def campaign_id(self) -> str:
        """str: Its first campaign."""
    @property
    def request_count(self) -> int:
        """int: How many requests it has answered."""
    @property
    def webhooks_delivered(self) -> int:
        """int: How many webhooks were answered with a 2xx."""
    @property
    def webhooks_failed(self) -> int:
        """int: How many webhooks were given up after their last try."""
    @property
    def now(self) -> datetime:
        """datetime: What time it is in the sandbox, in UTC."""
    def set_campaign_status(
        self, status: CampaignState | str, *, campaign_id: _Id | None = None
    ) -> None:
        """Set a campaign's status, as its dashboard would: start, pause, resume or cancel it.

        Args:
            status (str): `running`, `paused`, `completed` or `cancelled`. With the last two, records
                that wait for a call are called no more.
            campaign_id (str | UUID | None): The campaign; None is the first.

        Raises:
            InvalidArgumentError: There is no such campaign.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox() as service:
            ...     service.set_campaign_status("paused")
            ...     service.client().campaign(service.campaign_id).status().status
            'paused'
        """
    def add_workspace(self, *, api_key: str, name: str = "") -> str:
        """Add a workspace: a key, with its own campaigns and Do-Not-Call list.

        Args:
            api_key (str): The API key.
            name (str): What people call it.

        Returns:
            str: Its id.

        Raises:
            InvalidArgumentError: The key is empty, or another workspace's.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox() as service:
            ...     workspace = service.add_workspace(api_key="other-key")
            ...     campaign = service.add_campaign(api_key="other-key")
            ...     service.client(api_key="other-key").campaign(campaign).status().status
            'running'
        """
    def add_campaign(
        self,
        *,
        campaign_id: _Id | None = None,
        api_key: str | None = None,
        status: CampaignState | str = "running",
        **settings: Unpack[CampaignSettings],
    ) -> str:
        """Add a campaign.

        Args:
            campaign_id (str | UUID | None): Its id; None makes one.
            api_key (str | None): The key of its workspace; None is the first workspace.
            status (str): Its status.
            **settings: `name`, `timezone` (`"Asia/Kolkata"`), `window` (`("09:00", "21:00")`; None, the
                default, is the whole day), `active_days` (of `mon` to `sun`), `first_attempt_on` (a
                date), `dial_first_attempt_immediately`, `end_date` (its last day), `max_concurrency`
                (100), `max_attempts` (1), `retry_on` (of `no_answer`, `busy`, `failed`, `voicemail`;
                all), `retry_delay` (1800 seconds), `callback_delay` (7200), `max_callbacks` (3),
                `follow_up_delay` (86400), `max_follow_ups` (1), `dispatch_after` (0.2),
                `call_duration` (0.5), `failure_rate` (0.1), `outcomes` (the shares of outcomes other
                than `completed`, by name), `last_digits` (whether numbers that end in 5550100 to
                5550107 stand for completed, no_answer, busy, failed, voicemail, callback, dnc and
                follow_up), `variables` (the names its agent expects), `agent_id`, `from_number`.

        Returns:
            str: Its id.

        Raises:
            InvalidArgumentError: A setting can't be used, or there is a campaign with this id.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox() as service:
            ...     campaign = service.add_campaign(window=("09:00", "21:00"), max_attempts=3)
            ...     service.client().campaign(campaign).status().status
            'running'
        """
    def update_campaign(
        self, campaign_id: _Id | None = None, **settings: Unpack[CampaignSettings]
    ) -> None:
        """Change settings of a campaign, from now on.

        Args:
            campaign_id (str | UUID | None): The campaign; None is the first.
            **settings: Those of `add_campaign` that change.

        Raises:
            InvalidArgumentError: A setting can't be used, or there is no such campaign.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox() as service:
            ...     service.update_campaign(max_concurrency=2)
        """
    def script(self, number: str, lines: Iterable[Outcome | ScriptLine]) -> None:
        """Say how calls to a number go.

        Args:
            number (str): The number, in any notation.
            lines (Iterable[str | Mapping]): How a record's first attempt goes, its second, and so on;
                the last line goes on. Each is an outcome (`completed`, `no_answer`, `busy`, `failed`,
                `voicemail`, `callback`, `dnc`, `follow_up`), or a mapping with `outcome` and any of
                `duration` (seconds), `after` (seconds to the retry, callback or follow-up),
                `transcript` (mappings of `role` and `content`), `summary`, `variables` (what the agent
                extracts), `reason` (of the Do-Not-Call entry). None at all takes the script away.

        Raises:
            InvalidArgumentError: A line can't be read, or `number` holds no phone number.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox(time="manual", max_attempts=3) as service:
            ...     service.script("+919876543210", ["no_answer", "completed"])
            ...     leads = service.client().campaign(service.campaign_id)
            ...     pushed = leads.push([{"phone_number": "+919876543210"}])
            ...     _ = service.run_until_idle()
            ...     leads.record(pushed.results[0].run_id).attempt_count
            2
        """
    def add_to_dnc(
        self, number: str, *, reason: str = "Added by hand", api_key: str | None = None
    ) -> None:
        """Put a number on a workspace's Do-Not-Call list. Its records that wait become `dnc`.

        Args:
            number (str): The number, in any notation.
            reason (str): Why.
            api_key (str | None): The key of the workspace; None is the first.

        Raises:
            InvalidArgumentError: There is no such workspace, or `number` holds no phone number.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox(dispatch_after=3600) as service:
            ...     leads = service.client().campaign(service.campaign_id)
            ...     pushed = leads.push([{"phone_number": "+919876543210"}])
            ...     service.add_to_dnc("+919876543210")
            ...     leads.record(pushed.results[0].run_id).status
            'dnc'
        """
    def remove_from_dnc(self, number: str, *, api_key: str | None = None) -> None:
        """Take a number off a workspace's Do-Not-Call list. Records that are `dnc` stay so.

        Args:
            number (str): The number, in any notation.
            api_key (str | None): The key of the workspace; None is the first.

        Raises:
            InvalidArgumentError: There is no such workspace, or `number` holds no phone number.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox() as service:
            ...     service.remove_from_dnc("+919876543210")
        """
    def fault(
        self,
        endpoint: FaultEndpoint,
        kind: FaultKind,
        **options: Unpack[FaultOptions],
    ) -> int:
        """Have something go wrong with the next requests.

        Args:
            endpoint (str): Which requests: `any`, `push`, `records`, `record`, `status`, `call`,
                `recording`, or `webhook` for the sandbox's own deliveries.
            kind (str): What goes wrong. `status` answers with `status` (503) and `body`; `malformed`
                with a 200 that is not JSON; `dropped` resets the connection; `silent` says nothing
                until the client hangs up, or for `seconds`; `late` resets the connection and applies
                the request `seconds` later; `delay` answers `seconds` later; `slow` takes `seconds`
                for the body; `truncated` breaks it off in the middle; `refused` accepts no connection
                for `seconds`, from now on unless `after` is told; `rate_limit` answers 429 with
                `Retry-After` beyond `limit` (10) requests in `seconds`; `largest_batch` answers 413
                to pushes of more than `limit` (100) records; `shifting` has pages of records off by
                `shift` (-1: one record is shown again; 1: one is missed). Deliveries can be `dropped`
                or delayed (`delay`), made twice (`duplicate`), or overtaken by others (`reordered`).
            **options: `times` (how many requests; 1, unless a probability, a rate limit or a largest
                batch is told), `after` (how many it lets pass before; those that an earlier fault
                strikes do not count), `probability` (from 0 to 1) and its `seed`; `status`, `body` (a
                str as it is, all else as JSON), `headers`, an `X-Request-ID` among them; `seconds`
                (outside of the sandbox, 1); `applied` (the share of the request that is applied all
                the same, from 0 to 1: in between, the first of a push's records. It is 0 for `status`
                and `dropped`, 1 for `malformed` and `silent`); `limit`; `shift`.

        Returns:
            int: Its number, for `clear_faults`; 0 where it is over as soon as it is ordered.

        Raises:
            InvalidArgumentError: There is no such fault, or an option is none of its kind's.

        Example:
            >>> import revrag
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox() as service:
            ...     _ = service.fault("push", "dropped", applied=1)
            ...     leads = service.client(max_retries=0).campaign(service.campaign_id)
            ...     try:
            ...         _ = leads.push([{"phone_number": "+919876543210"}])
            ...     except revrag.PushOutcomeUnknownError:
            ...         leads.status().stats.total_records
            1
        """
    def clear_faults(self, id: int | None = None) -> None:
        """Take faults away.

        Args:
            id (int | None): The one that `fault` returned this number for; None takes all away,
                    and lets in again whom `refused` keeps out.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox() as service:
            ...     _ = service.fault("any", "status", probability=1)
            ...     service.clear_faults()
            ...     service.faults
            []
        """
    @property
    def faults(self) -> list[OrderedFault]:
        """list[dict]: The faults that may still strike: what `fault` was told, and how many requests they
        have `seen` and `struck`.
        """
    @property
    def requests(self) -> list[LoggedRequest]:
        """list[dict]: The last 1,000 requests, oldest first: `method`, `path`, `status` (None where there
        was no answer), both bodies, and the `rule` that refused, with what it `passes`.
        """
    @property
    def deliveries(self) -> list[LoggedDelivery]:
        """list[dict]: The last 1,000 attempts to deliver webhooks, oldest first: `event_id`, `attempt`,
        `url`, the request's headers and body, the answer's `status` and body, what was the `problem`,
        and `next_attempt_at`.
        """
    @property
    def webhooks_waiting(self) -> int:
        """int: How many webhooks are still to be delivered."""
    def resend(self, event_id: str) -> None:
        """Deliver an event once more: the same id and body, with a fresh timestamp and signature.

        Args:
            event_id (str): Its `X-Webhook-ID`, as in `deliveries`.

        Raises:
            InvalidArgumentError: `deliveries` holds no such event, or the webhook is gone.

        Example:
            >>> from revrag import InvalidArgumentError
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox() as service:
            ...     try:
            ...         service.resend("evt_unknown")
            ...     except InvalidArgumentError as error:
            ...         print(str(error).partition(":")[0])
            event_id
        """
    def set_webhook(
        self, url: str | None, secret: str | None = None, *, api_key: str | None = None
    ) -> None:
        """Say where a workspace's ended calls are told of.

        Args:
            url (str | None): The URL, of this machine unless `allow_remote_webhooks`; None tells nobody.
            secret (str | None): The secret that signs.
            api_key (str | None): The key of the workspace; None is the first.

        Raises:
            InvalidArgumentError: The URL is of another machine, there is no secret, or there is no such
                workspace.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox() as service:
            ...     service.set_webhook("http://127.0.0.1:8000/webhooks", "whsec_1")
        """
    def rotate_webhook_secret(
        self, secret: str, *, overlap: float = 86400.0, api_key: str | None = None
    ) -> None:
        """Sign with another secret from now on, and for a while with the one so far too.

        Args:
            secret (str): The new secret.
            overlap (float): Seconds of the sandbox's time for which both sign.
            api_key (str | None): The key of the workspace; None is the first.

        Raises:
            InvalidArgumentError: The workspace has no webhook, or there is no such workspace.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox() as service:
            ...     service.set_webhook("http://127.0.0.1:8000/webhooks", "whsec_1")
            ...     service.rotate_webhook_secret("whsec_2")
        """
    def run_until_delivered(self, *, timeout: float = 30.0) -> datetime:
        """Move manual time on until nothing more would happen to any record, and every webhook is
        delivered or given up. Time stands still while deliveries are under way.

        The endpoint must not need this thread: an asyncio test awaits `run_until_delivered_async`.

        Args:
            timeout (float): Seconds outside to wait for.

        Returns:
            datetime: What time it is then, in UTC.

        Raises:
            InvalidArgumentError: The sandbox's time is real.
            TimeoutError: Webhooks are still to be delivered after `timeout`.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox(time="manual", webhook_url="http://127.0.0.1:9", webhook_secret="s") as it:
            ...     leads = it.client().campaign(it.campaign_id)
            ...     pushed = leads.push([{"phone_number": "+919876543210"}])
            ...     _ = it.run_until_delivered()
            ...     it.webhooks_failed
            1
        """
    def run_until_delivered_async(self, *, timeout: float = 30.0) -> Coroutine[Any, Any, datetime]:
        """The asyncio twin of `run_until_delivered`: the endpoint may be served by the same event loop.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox(time="manual") as service:
            ...     asyncio.run(service.run_until_delivered_async()).isoformat()
            '2026-06-01T04:30:00+00:00'
        """
    def handset(self, number: str) -> Handset:
        """Play the person of a number: calls to it ring at the handset, and nobody else answers them.

        A call rings for 45 seconds of the sandbox's time, and is a `no_answer` if nobody answers it.

        Args:
            number (str): The number, in any notation.

        Returns:
            Handset: The phone.

        Raises:
            InvalidArgumentError: `number` holds no phone number.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox(time="manual") as service:
            ...     phone = service.handset("+919876543210")
            ...     leads = service.client().campaign(service.campaign_id)
            ...     pushed = leads.push([{"phone_number": "+919876543210"}])
            ...     _ = service.advance(seconds=1)
            ...     phone.answer()
            ...     phone.say("Call me tomorrow.")
            ...     phone.request_callback()
            ...     leads.record(pushed.results[0].run_id).status
            'rescheduled'
        """
    def waits_for(self, run_id: _Id) -> str | None:
        """What a record waits for, in words.

        Args:
            run_id (str | UUID): The record.

        Returns:
            str | None: As in `outside the window until 09:00 IST`; None where it waits for nothing.

        Raises:
            InvalidArgumentError: There is no such record.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox(time="manual", window=("11:00", "18:00"), dispatch_after=0) as service:
            ...     leads = service.client().campaign(service.campaign_id)
            ...     pushed = leads.push([{"phone_number": "+919876543210"}])
            ...     service.waits_for(pushed.results[0].run_id)
            'outside the window until 11:00 IST'
        """
    def advance(
        self,
        by: timedelta | None = None,
        *,
        days: float = 0.0,
        hours: float = 0.0,
        minutes: float = 0.0,
        seconds: float = 0.0,
    ) -> datetime:
        """Move manual time on; everything that is due on the way happens.

        Args:
            by (timedelta | None): How far, on top of what follows.
            days (float): Days.
            hours (float): Hours.
            minutes (float): Minutes.
            seconds (float): Seconds.

        Returns:
            datetime: What time it is then, in UTC.

        Raises:
            InvalidArgumentError: The sandbox's time is real, or would go back.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox(time="manual") as service:
            ...     service.advance(hours=3).isoformat()
            '2026-06-01T07:30:00+00:00'
        """
    def advance_async(
        self,
        by: timedelta | None = None,
        *,
        days: float = 0.0,
        hours: float = 0.0,
        minutes: float = 0.0,
        seconds: float = 0.0,
    ) -> Coroutine[Any, Any, datetime]:
        """The asyncio twin of `advance`.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox(time="manual") as service:
            ...     asyncio.run(service.advance_async(hours=3)).isoformat()
            '2026-06-01T07:30:00+00:00'
        """
    def advance_to(self, moment: datetime) -> datetime:
        """Move manual time on to a moment; everything that is due on the way happens.

        Args:
            moment (datetime): The moment, with a time zone.

        Returns:
            datetime: The same, in UTC.

        Raises:
            InvalidArgumentError: The sandbox's time is real, or would go back.

        Example:
            >>> from datetime import datetime, timezone
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox(time="manual") as service:
            ...     moment = service.advance_to(datetime(2026, 6, 2, tzinfo=timezone.utc))
            ...     moment.isoformat()
            '2026-06-02T00:00:00+00:00'
        """
    def advance_to_async(self, moment: datetime) -> Coroutine[Any, Any, datetime]:
        """The asyncio twin of `advance_to`.

        Example:
            >>> from datetime import datetime, timezone
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox(time="manual") as service:
            ...     moment = datetime(2026, 6, 2, tzinfo=timezone.utc)
            ...     asyncio.run(service.advance_to_async(moment)).isoformat()
            '2026-06-02T00:00:00+00:00'
        """
    def run_until_idle(self) -> datetime:
        """Move manual time on until nothing more would happen to any record.

        Returns:
            datetime: What time it is then, in UTC.

        Raises:
            InvalidArgumentError: The sandbox's time is real.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox(time="manual", failure_rate=0) as service:
            ...     leads = service.client().campaign(service.campaign_id)
            ...     pushed = leads.push([{"phone_number": "+919876543210"}])
            ...     _ = service.run_until_idle()
            ...     leads.status().stats.completed
            1
        """
    def run_until_idle_async(self) -> Coroutine[Any, Any, datetime]:
        """The asyncio twin of `run_until_idle`.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox(time="manual") as service:
            ...     asyncio.run(service.run_until_idle_async()).isoformat()
            '2026-06-01T04:30:00+00:00'
        """
    def snapshot(self) -> bytes:
        """The whole state, as bytes for `restore`. They hold the API keys, the secrets and all records.

        Returns:
            bytes: The state.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox() as service:
            ...     before = service.snapshot()
            ...     service.set_campaign_status("cancelled")
            ...     service.restore(before)
            ...     service.client().campaign(service.campaign_id).status().status
            'running'
        """
    def restore(self, snapshot: bytes) -> None:
        """Take back a snapshot: manual time, too, is then what it was.

        Args:
            snapshot (bytes): What `snapshot` gave, in this or another sandbox.

        Raises:
            InvalidArgumentError: It is damaged, or another version's.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox() as one, Sandbox() as other:
            ...     other.restore(one.snapshot())
        """
    def reset(self) -> None:
        """Begin anew, as it was started: with the workspaces, campaigns, scripts and faults that its
        arguments and its settings file say. Records, calls, both logs, and all that was added or
        ordered since are gone.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox() as service:
            ...     service.reset()
        """
    def client(self, **options: Any) -> Client:
        """A client of this sandbox.

        Args:
            **options: Arguments of `Client` other than `base_url`; `api_key` is that of the first
                workspace unless given.

        Returns:
            Client: The client.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> with Sandbox() as service, service.client(max_retries=0) as client:
            ...     client.campaign(service.campaign_id).status().stats.total_records
            0
        """
    def stop(self) -> None:
        """Stop it; connections and deliveries under way are cut off.

        Example:
            >>> from revrag.sandbox import Sandbox
            >>> Sandbox().stop()
        """
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...

def row_key(
    app_session_id: str | None,
) -> tuple[str | None, str | tuple[str, ...] | None] | None:
    """The name and the key of the row that a session id is the token of.

    An upload with `key=` sends each row under `<name>:<key>`, and the service returns it as the
    `app_session_id` of the record, of its calls and of their webhooks: this leads back to the row.

    Args:
        app_session_id (str | None): A session id.

    Returns:
        tuple[str | None, str | tuple[str, ...] | None] | None: The upload's `name`, and what stands
            in its key column, or in each of several. None where the id is no such token: another's,
            or one of the caller's own. The key is None where the token has a digest in its place,
            being longer than 100 bytes otherwise.

    Example:
        >>> revrag.row_key("diwali-2026:17")
        ('diwali-2026', '17')
        >>> revrag.row_key(":north:17")
        (None, ('north', '17'))
    """

def row_tokens(name: str | None, keys: list[str], *, is_joined: bool) -> list[str]:
    """The tokens of keys that a report tells, for the writers of clusters."""

def token_prefix(name: str | None) -> str:
    """What all tokens of a name begin with."""

def is_row_token(app_session_id: str, prefix: str) -> bool:
    """Whether a session id is one that an upload gives to a row, of this prefix or of any other."""

def excluded_numbers(exclude: object, *, phone_number: str, region: str | None) -> list[int]:
    """The numbers that an upload's `exclude` holds: the digits of each in E.164, in order."""

def masked(text: str) -> str:
    """A text of the service's, fit for a log."""

def unraisable(error: BaseException, raised_by: object) -> None:
    """Tells of an exception that must not change an outcome: by `sys.unraisablehook`."""

def run_command(args: list[str]) -> int:
    """Runs the `revrag` command; its exit code."""
