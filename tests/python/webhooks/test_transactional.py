"""The stores that mark an event in the transaction of its handler."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import revrag
from revrag import errors, testing
from revrag.webhooks import TransactionalStore, asgi, wsgi
from revrag.webhooks.stores import DjangoStore, SqlAlchemyStore
from sqlalchemy import NullPool, create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from support import raw
from support.databases import new_database

VERIFIER = revrag.WebhookVerifier("whsec")
INSERT = text("INSERT INTO effects VALUES (:id)")
READ = text("SELECT id FROM effects ORDER BY id")
Sent = testing.Delivery


def delivery(event_id: str = "evt_1", **options: Any) -> Sent:
    call = testing.sample_call(call_id=f"call of {event_id}")
    return testing.delivery(call, VERIFIER, event_id=event_id, **options)


def post(call: raw.Call, sent: Sent, **changes: str) -> raw.Answer:
    headers = sent.headers | {name.replace("_", "-"): text for name, text in changes.items()}
    pairs = [(name.encode(), text.encode()) for name, text in headers.items()]
    return call("POST", [*pairs, (b"Content-Length", str(len(sent.body)).encode())], [sent.body])


@pytest.fixture(params=["sqlite", "postgres", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with a table for effects."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    elif request.param == "postgres":
        url = new_database(request.getfixturevalue("postgres_url"), "transactional")
        url = url.replace("postgresql:", "postgresql+psycopg:")
    else:
        url = request.getfixturevalue("mariadb_url")
        with create_engine(url, poolclass=NullPool).begin() as connection:
            for table in ("effects", "revrag_webhook_mark", "revrag_webhook_inbox"):
                connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.execute(text("CREATE TABLE effects (id varchar(100))"))
    return url


def effects(url: str) -> list[str]:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        return list(connection.execute(READ).scalars())


SOURCES: dict[str, Callable[[Any], Any]] = {
    "engine": lambda engine: engine,
    "sessionmaker": sessionmaker,
    "scoped_session": lambda engine: scoped_session(sessionmaker(engine)),
    "session": Session,
    "async engine": lambda engine: engine,
    "async_sessionmaker": async_sessionmaker,
    "async_scoped_session": lambda engine: async_scoped_session(
        async_sessionmaker(engine), scopefunc=asyncio.current_task
    ),
    "async session": AsyncSession,
}
END: list[Any] = []


@pytest.fixture(params=SOURCES)
def kit(request: pytest.FixtureRequest, url: str) -> Iterator[tuple[raw.Call, list[Any]]]:
    """An endpoint on a store of each source; what its handler answers next."""
    nexts: list[Any] = []

    def answer() -> int:
        told = nexts.pop(0) if nexts else 200
        if isinstance(told, Exception):
            raise told
        return int(told)

    with asyncio.Runner() as runner:
        if "async" not in request.param:
            engine = create_engine(url, poolclass=NullPool)
            source = SOURCES[request.param](engine)
            store = SqlAlchemyStore(source)
            store.create_tables()

            def handle(event: revrag.WebhookEvent, session: Session) -> int:
                session.execute(INSERT, {"id": event.id})
                return answer()

            yield raw.wsgi(wsgi.endpoint(handle, VERIFIER, store=store)), nexts
            if hasattr(source, "remove"):
                source.remove()
            elif isinstance(source, Session):
                source.close()
            return
        driver = url.replace("sqlite:", "sqlite+aiosqlite:").replace("+pymysql:", "+aiomysql:")
        async_engine = create_async_engine(driver, poolclass=NullPool)

        async def make() -> tuple[Any, Any]:
            source = SOURCES[request.param](async_engine)
            store = SqlAlchemyStore(source)
            await store.create_tables()
            return source, store

        source, store = runner.run(make())

        async def handle_async(event: revrag.WebhookEvent) -> int:
            await store.session().execute(INSERT, {"id": event.id})
            return answer()

        yield raw.asgi(asgi.endpoint(handle_async, VERIFIER, store=store), runner), nexts
        if isinstance(source, AsyncSession):
            runner.run(source.close())
        runner.run(async_engine.dispose())


def test_effects_and_mark_are_there_together_or_not_at_all(kit: tuple[raw.Call, list], url: str):
    call, nexts = kit
    nexts[:] = [500, RuntimeError("as told"), 422]
    sent = delivery()
    assert [post(call, sent) for _ in range(2)] == [500, 500]
    assert effects(url) == []
    assert [post(call, sent) for _ in range(3)] == [422, 200, 200]
    assert effects(url) == ["evt_1"]
    # A replay under an id that was chosen does not use that id up.
    assert post(call, sent, X_Webhook_ID="evt_2") == 200
    assert post(call, delivery("evt_2")) == 200
    assert effects(url) == ["evt_1", "evt_2"]


def test_what_can_not_be_committed_is_handled_again(url: str):
    engine = create_engine(url, poolclass=NullPool)
    store = SqlAlchemyStore(engine)
    store.create_tables()
    fails = [True]

    @event.listens_for(engine, "commit")
    def commit(_connection: object) -> None:
        if fails:
            fails.clear()
            raise OperationalError("COMMIT", {}, Exception("lost"))

    def handle(event: revrag.WebhookEvent, session: Session) -> None:
        session.execute(INSERT, {"id": event.id})

    call = raw.wsgi(wsgi.endpoint(handle, VERIFIER, store=store))
    answer = post(call, delivery())
    assert (answer, effects(url)) == (503, [])
    assert int(answer.headers["retry-after"]) > 0
    assert post(call, delivery()) == 200
    assert effects(url) == ["evt_1"]


def test_of_two_workers_one_handles_it(url: str):
    """The other waits, or gets 409."""
    store = SqlAlchemyStore(create_engine(url, poolclass=NullPool))
    store.create_tables()
    held, gate = threading.Event(), threading.Event()
    statuses: list[int] = []

    def handle(event: revrag.WebhookEvent, session: Session) -> None:
        session.execute(INSERT, {"id": event.id})
        held.set()
        assert gate.wait(20)

    call = raw.wsgi(wsgi.endpoint(handle, VERIFIER, store=store))
    sent = delivery()

    def deliver(sent: Sent, **changes: str) -> threading.Thread:
        thread = threading.Thread(target=lambda: statuses.append(post(call, sent, **changes)))
        thread.start()
        return thread

    first = deliver(sent)
    assert held.wait(20)
    others = [deliver(sent), deliver(delivery()), deliver(sent, X_Webhook_ID="evt_2")]
    if "postgresql" in url:
        for other in others:
            other.join(20)
        assert statuses == [409] * 3
    gate.set()
    for thread in (first, *others):
        thread.join(20)
    assert statuses.count(200) >= 1
    assert set(statuses) <= {200, 409}
    assert post(call, sent) == 200
    assert effects(url) == ["evt_1"]


def test_old_marks_are_removed_in_small_steps(url: str):
    clock = testing.FixedClock()
    engine = create_engine(url, poolclass=NullPool)
    store = SqlAlchemyStore(engine, done_ttl=100, clock=clock)
    store.create_tables()
    for number in range(120):
        store.end(store.begin([f"old-{number}-{each}" for each in range(3)]), True)
    count = text("SELECT count(*) FROM revrag_webhook_mark")
    with engine.connect() as connection:
        assert connection.execute(count).scalar() == 360
    clock.advance(100)
    for number in range(100):
        store.end(store.begin([f"new-{number}"]), True)
    with engine.connect() as connection:
        assert connection.execute(count).scalar() == 100
    # What expired is new.
    transaction = store.begin(["new-0", "old-0-0"])
    assert transaction.states == ["done", "new"]
    store.end(transaction, False)
    clock.advance(100)
    transaction = store.begin(["new-0"])
    assert transaction.states == ["new"]
    store.end(transaction, True)


@pytest.fixture
def django_store() -> DjangoStore:
    raw.configure_django()
    from revrag.webhooks.django.models import Mark

    Mark.objects.all().delete()
    return DjangoStore(done_ttl=100, clock=testing.FixedClock())


def test_django_marks_in_the_transaction(django_store: DjangoStore):
    from django.db import connection, transaction

    first = django_store.begin(["a", "b"])
    assert (first.states, connection.in_atomic_block) == (["new", "new"], True)
    django_store.end(first, False)
    assert not connection.in_atomic_block
    for keep, states in ((True, ["new", "new"]), (False, ["done", "new"])):
        again = django_store.begin(["a", "b"] if keep else ["a", "c"])
        assert again.states == states
        django_store.end(again, keep)
    # Within a transaction of the caller's, it is that one's end that counts.
    with transaction.atomic():
        inner = django_store.begin(["d"])
        django_store.end(inner, True)
        transaction.set_rollback(True)
    last = django_store.begin(["d"])
    assert last.states == ["new"]
    django_store.end(last, True)


def test_old_marks_of_django_are_removed_in_small_steps(django_store: DjangoStore):
    from revrag.webhooks.django.models import Mark

    for number in range(120):
        django_store.end(django_store.begin([f"old-{number}"]), True)
    assert Mark.objects.count() == 120
    django_store._clock.advance(100)
    for number in range(50):
        django_store.end(django_store.begin([f"new-{number}"]), True)
    assert Mark.objects.count() == 50


def test_migrations_are_complete():
    raw.configure_django()
    from django.core.management import call_command

    call_command("makemigrations", "revrag_webhooks", check=True, dry_run=True, verbosity=0)


def test_the_tables_are_those_of_django(tmp_path: Path):
    from revrag.webhooks.django.models import InboxEvent, Mark

    raw.configure_django()
    store = SqlAlchemyStore(create_engine(f"sqlite:///{tmp_path / 'a.sqlite'}"))
    for model in (Mark, InboxEvent):
        table = store.metadata.tables[model._meta.db_table]
        columns = {column.name: not column.nullable for column in table.columns}
        assert columns == {field.column: not field.null for field in model._meta.fields}


def test_workers_that_start_together_make_the_tables_once(url: str):
    stores = [SqlAlchemyStore(create_engine(url, poolclass=NullPool)) for _ in range(6)]
    start = threading.Barrier(len(stores))
    made: list[int] = []

    def make(store: SqlAlchemyStore) -> None:
        start.wait(10)
        store.create_tables()
        transaction = store.begin([f"key-{id(store)}"])
        store.end(transaction, True)
        made.append(1)

    threads = [threading.Thread(target=make, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(made) == len(stores)


def test_what_can_not_be_kept_is_refused(tmp_path: Path):
    engine = create_engine(f"sqlite:///{tmp_path / 'a.sqlite'}", poolclass=NullPool)
    store = SqlAlchemyStore(engine)
    raw.configure_django()
    assert isinstance(store, TransactionalStore)
    assert isinstance(DjangoStore(), TransactionalStore)
    with pytest.raises(errors.InvalidArgumentError, match="on_store_error"):
        wsgi.endpoint(print, VERIFIER, store=store, on_store_error="handle")
    with pytest.raises(TypeError, match="plain def"):
        asgi.endpoint(print, VERIFIER, store=DjangoStore())
    with pytest.raises(TypeError, match="not str"):
        SqlAlchemyStore("sqlite://")
    with pytest.raises(LookupError, match="after the event"):
        store.session()
    async_store = SqlAlchemyStore(create_async_engine("sqlite+aiosqlite://"))
    with pytest.raises(TypeError, match="blocking"):
        wsgi.endpoint(print, VERIFIER, store=async_store)
    assert inspect.iscoroutinefunction(async_store.in_session_async)


def test_a_cancelled_handler_is_rolled_back(tmp_path: Path):
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.sqlite'}"
    started = asyncio.Event()

    async def main() -> list[str]:
        engine = create_async_engine(url, poolclass=NullPool)
        store = SqlAlchemyStore(engine)
        await store.create_tables()
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE effects (id varchar(100))"))
        hold = [True]

        async def handle(event: revrag.WebhookEvent, session: AsyncSession) -> None:
            await session.execute(INSERT, {"id": event.id})
            started.set()
            if hold:
                await asyncio.Event().wait()

        app = asgi.endpoint(handle, VERIFIER, store=store)
        sent = delivery()
        headers = [(name.lower().encode(), text.encode()) for name, text in sent.headers.items()]
        scope = {"type": "http", "method": "POST", "headers": headers}
        statuses = []

        async def receive() -> Any:
            return {"type": "http.request", "body": sent.body}

        async def send(message: Any) -> None:
            statuses.append(message.get("status"))

        task = asyncio.create_task(app(scope, receive, send))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        hold.clear()
        # The one that was cancelled is rolled back behind it.
        while statuses[:1] != [200]:
            statuses.clear()
            await app(scope, receive, send)
        async with engine.begin() as connection:
            found = list((await connection.execute(READ)).scalars())
        await engine.dispose()
        return found

    assert asyncio.run(main()) == ["evt_1"]
