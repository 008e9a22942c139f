"""What is Django's own: settings, transactions, CSRF."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
import types
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import revrag
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.response import SimpleTemplateResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import clear_url_caches, path
from django.utils.decorators import method_decorator
from django.views import View
from revrag import WebhookEvent, testing
from revrag.webhooks.django import webhook
from revrag.webhooks.stores import DjangoStore, MemoryStore
from support.raw import configure_django
from support.spy import AsyncSpy, Broken, Spy

configure_django()

VERIFIER = revrag.WebhookVerifier("whsec")
HANDLED = ["claim new"] * 3 + ["commit"] * 3
FAILED = ["claim new"] * 3 + ["release"] * 3
Deliver = Callable[..., Any]


@pytest.fixture
def deliver() -> Iterator[Deliver]:
    """Deliver to a view, from a client that checks CSRF: ``deliver(view, event_id="evt_1")``."""
    urls = types.ModuleType("urls_of_tests")
    sys.modules[urls.__name__] = urls

    def deliver(view: Any, *, client: Any = None, settings: Any = None, **options: Any) -> Any:
        urls.urlpatterns = [path("revrag", view)]  # type: ignore[attr-defined]
        sent = testing.delivery(testing.sample_call(), VERIFIER, **options)
        client = client or Client(enforce_csrf_checks=True, raise_request_exception=False)
        with override_settings(ROOT_URLCONF=urls.__name__, **(settings or {})):
            clear_url_caches()
            answer = client.post("/revrag", **sent.django())
            return asyncio.run(answer) if asyncio.iscoroutine(answer) else answer

    yield deliver
    del sys.modules[urls.__name__]


def raise_error() -> None:
    raise RuntimeError("as told")


def raise_404() -> None:
    raise Http404


class Page:
    """A template."""

    def render(self, *_: object) -> str:
        return "hello"


ANSWERS: dict[str, tuple[Any, int, bool]] = {
    "raises": (raise_error, 500, False),
    "raises Http404": (raise_404, 404, False),
    "returns a 503": (lambda: HttpResponse(status=503), 503, False),
    "returns a 422": (lambda: HttpResponse(status=422), 422, True),
    "returns nothing": (lambda: None, 200, True),
    "returns JSON": (lambda: JsonResponse({"a": 1}), 200, True),
    "returns a dict": (lambda: {"a": 1}, 500, False),
    "returns what fails to render": (lambda: SimpleTemplateResponse("no.such"), 500, False),
    "returns what renders": (lambda: SimpleTemplateResponse(Page()), 200, True),
}


@pytest.mark.parametrize("store", [Spy, AsyncSpy])
@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize("case", ANSWERS)
def test_what_a_view_answers_is_its_success(case: str, kind: str, store: Any, deliver: Deliver):
    do, status, succeeds = ANSWERS[case]
    spy = store()

    def call_ended(_request: HttpRequest, _event: WebhookEvent) -> Any:
        return do()

    async def call_ended_async(_request: HttpRequest, _event: WebhookEvent) -> Any:
        return do()

    view = call_ended if kind == "def" else call_ended_async
    if view is call_ended and store is AsyncSpy:
        with pytest.raises(TypeError, match="blocking"):
            webhook(verifier=VERIFIER, store=spy)(view)
        return
    client = None if kind == "def" else AsyncClient(raise_request_exception=False)
    answer = deliver(webhook(verifier=VERIFIER, store=spy)(view), client=client)
    assert answer.status_code == status
    assert spy.noted == (HANDLED if succeeds else FAILED)


@webhook
def bare(request: HttpRequest, event: WebhookEvent) -> HttpResponse:
    return HttpResponse(f"{event.type} {len(request.body)}")


kept = MemoryStore()


@pytest.mark.parametrize(
    "store",
    [MemoryStore(), "revrag.webhooks.stores.MemoryStore", f"{__name__}.kept", "default", None],
)
def test_settings_say_which_secret_and_which_store(store: Any, deliver: Deliver, monkeypatch):
    monkeypatch.setitem(
        sys.modules, __name__, sys.modules.get(__name__) or types.ModuleType(__name__)
    )
    monkeypatch.setattr(sys.modules[__name__], "kept", kept, raising=False)
    for secret in ("whsec", ["new", "whsec"], ("whsec", "old")):
        settings = {"REVRAG_WEBHOOK_SECRET": secret}
        if store is not None:
            settings["REVRAG_WEBHOOK_STORE"] = store
        answer = deliver(bare, settings=settings)
        assert answer.content.startswith(b"call.ended ")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "REVRAG_WEBHOOK_SECRET"),
        ({"REVRAG_WEBHOOK_SECRET": ""}, "REVRAG_WEBHOOK_SECRET"),
        ({"REVRAG_WEBHOOK_SECRET": ["a", ""]}, "REVRAG_WEBHOOK_SECRET"),
        ({"REVRAG_WEBHOOK_SECRET": "a", "REVRAG_WEBHOOK_STORE": 7}, "REVRAG_WEBHOOK_STORE"),
        ({"REVRAG_WEBHOOK_SECRET": "a", "REVRAG_WEBHOOK_STORE": "no.such"}, "REVRAG_WEBHOOK_STORE"),
        ({"REVRAG_WEBHOOK_SECRET": "a", "REVRAG_WEBHOOK_STORE": "math.pi"}, "REVRAG_WEBHOOK_STORE"),
    ],
)
def test_settings_that_mean_nothing(settings: Any, words: str, deliver: Deliver):
    with pytest.raises(ImproperlyConfigured, match=words):
        deliver(bare, client=Client(), settings=settings)


@pytest.fixture
def atomic_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS calls (id TEXT)")
        cursor.execute("DELETE FROM calls")


def count_calls() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM calls")
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.usefixtures("atomic_requests")
def test_the_transaction_ends_before_the_event_counts_as_handled(fails: bool, deliver: Deliver):
    class Watching(Spy):
        def commit(self, key: str) -> None:
            self.noted.append(f"open={connection.in_atomic_block} calls={count_calls()}")
            super().commit(key)

    spy = Watching()

    @webhook(verifier=VERIFIER, store=spy)
    def call_ended(_request: HttpRequest, event: WebhookEvent) -> None:
        assert connection.in_atomic_block
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO calls VALUES (%s)", [event.id])
        if fails:
            raise RuntimeError

    status = deliver(call_ended).status_code
    if fails:
        assert (status, spy.noted, count_calls()) == (500, FAILED, 0)
    else:
        committed = ["open=False calls=1", "commit"] * 3
        assert (status, spy.noted) == (200, [*HANDLED[:3], *committed])


@pytest.mark.parametrize("told", [200, 503, RuntimeError("as told")])
@pytest.mark.usefixtures("atomic_requests")
def test_the_mark_is_in_the_views_transaction(told: Any, deliver: Deliver):
    from revrag.webhooks.django.models import Mark

    Mark.objects.all().delete()

    @webhook(verifier=VERIFIER, store=DjangoStore())
    def call_ended(_request: HttpRequest, event: WebhookEvent) -> HttpResponse:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO calls VALUES (%s)", [event.id])
        if isinstance(told, Exception):
            raise told
        return HttpResponse(status=told)

    status = told if isinstance(told, int) else 500
    assert deliver(call_ended).status_code == status
    assert (count_calls(), Mark.objects.count()) == ((1, 3) if status == 200 else (0, 0))
    assert not connection.in_atomic_block


@pytest.mark.usefixtures("atomic_requests")
def test_a_view_may_go_without_a_transaction(deliver: Deliver):
    @webhook(verifier=VERIFIER)
    @transaction.non_atomic_requests
    def call_ended(_request: HttpRequest, _event: WebhookEvent) -> HttpResponse:
        return HttpResponse(str(connection.in_atomic_block))

    settings = {"REVRAG_WEBHOOK_STORE": MemoryStore()}
    assert deliver(call_ended, settings=settings).content == b"False"


def test_without_a_setting_the_store_is_in_memory(deliver: Deliver):
    handled: list[str] = []

    @webhook
    def call_ended(_request: HttpRequest, event: WebhookEvent) -> None:
        handled.append(event.id)

    settings = {"REVRAG_WEBHOOK_SECRET": "whsec"}
    # More than the 300 entries that Django's default cache keeps.
    sent = [f"evt_{number}" for number in range(400)]
    for event_id in sent * 2:
        assert deliver(call_ended, settings=settings, event_id=event_id).status_code == 200
    assert handled == sent


class Base(View):
    @webhook(verifier=VERIFIER, store=MemoryStore())
    def post(self, _request: HttpRequest, _event: WebhookEvent, **_: Any) -> HttpResponse:
        return HttpResponse(type(self).__name__)


class Child(Base):
    pass


@method_decorator(webhook(verifier=VERIFIER, store=MemoryStore()), name="dispatch")
class Whole(View):
    async def post(self, _request: HttpRequest, event: WebhookEvent) -> HttpResponse:
        return HttpResponse(event.type)


def test_class_based_views(deliver: Deliver):
    client = Client()  # which checks no CSRF
    call = {"event_id": "evt_1"}
    # Each class is an endpoint of its own, on the one store.
    for view in (Base, Child):
        answers = [deliver(view.as_view(), client=client, **call) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].content == view.__name__.encode()


def test_a_dispatch_of_coroutines_is_exempt_from_csrf(deliver: Deliver):
    with pytest.raises(TypeError, match="decorate the method `post`"):
        deliver(Whole.as_view(), client=Client())

    @method_decorator(webhook(verifier=VERIFIER, store=MemoryStore()), name="dispatch")
    class Blocking(View):
        def post(self, _request: HttpRequest, event: WebhookEvent) -> HttpResponse:
            return HttpResponse(event.type)

    # The client of `deliver` checks CSRF.
    assert deliver(Blocking.as_view()).content == b"call.ended"


def test_what_is_no_view_is_refused():
    with pytest.raises(TypeError, match="function"):
        webhook(verifier=VERIFIER)(object())
    with pytest.raises(TypeError, match="no event"):
        webhook(verifier=VERIFIER)(lambda: None)
    with pytest.raises(TypeError, match="no request"):
        webhook(verifier=VERIFIER, store=MemoryStore())(lambda *_: None)("no request")


def test_only_posts_are_taken(deliver: Deliver):
    view = webhook(verifier=VERIFIER, store=MemoryStore())(bare)
    assert deliver(webhook(verifier=VERIFIER, store=Spy())(lambda *_: None)).status_code == 200
    client = Client()
    sys.modules["urls_of_tests"].urlpatterns = [path("revrag", view)]  # type: ignore[attr-defined]
    with override_settings(ROOT_URLCONF="urls_of_tests"):
        for method in ("get", "put", "delete", "options", "head"):
            answer = getattr(client, method)("/revrag")
            assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


class Reading:
    """A middleware that reads the body."""

    def __init__(self, how: str) -> None:
        self.how = how

    def __call__(self, request: HttpRequest) -> None:
        if self.how == "body":
            assert request.body
        elif self.how == "POST":
            assert not request.POST
        else:
            assert request.read()


@pytest.mark.parametrize(("how", "status"), [("body", 200), ("POST", 200), ("read", 400)])
def test_a_body_that_was_read_before(how: str, status: int, deliver: Deliver):
    inner = webhook(verifier=VERIFIER, store=MemoryStore())(lambda *_: None)

    def view(request: HttpRequest) -> Any:
        Reading(how)(request)
        return inner(request)

    view.csrf_exempt = True  # type: ignore[attr-defined]
    assert deliver(view).status_code == status


@pytest.mark.parametrize("verb", ["commit", "release"])
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_store_that_fails_afterwards_changes_no_answer(verb: str, kind: str, deliver: Deliver):
    status = 200 if verb == "commit" else 502

    def call_ended(_request: HttpRequest, _event: WebhookEvent) -> HttpResponse:
        return HttpResponse(status=status)

    async def call_ended_async(_request: HttpRequest, _event: WebhookEvent) -> HttpResponse:
        return HttpResponse(status=status)

    view = call_ended if kind == "def" else call_ended_async
    answer = deliver(webhook(verifier=VERIFIER, store=Broken(verb))(view))
    assert answer.status_code == status


def test_a_cancelled_view_gives_its_claims_back():
    spy = AsyncSpy()
    started = asyncio.Event()

    @webhook(verifier=VERIFIER, store=spy)
    async def call_ended(_request: HttpRequest, _event: WebhookEvent) -> None:
        started.set()
        await asyncio.Event().wait()

    async def main() -> None:
        from django.test import AsyncRequestFactory

        sent = testing.delivery(testing.sample_call(), VERIFIER)
        request = AsyncRequestFactory().post("/revrag", **sent.django())
        task = asyncio.create_task(call_ended(request))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert spy.noted == FAILED


def test_a_view_is_no_handler_of_events_alone() -> None:
    """It is called with a request, though its signature hides the event."""

    @webhook(verifier=VERIFIER, store=MemoryStore())
    def call_ended(_request: HttpRequest, _event: WebhookEvent) -> None: ...

    campaign = revrag.Client("key", base_url="http://127.0.0.1:9").campaign(str(uuid.uuid4()))
    with pytest.raises(TypeError, match="is a view"):
        campaign.reconcile(MemoryStore(), call_ended, since=dt.timedelta(hours=1))
