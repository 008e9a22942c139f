"""The inbox: accepted now, handled later, once; failures tried again, parked, and run again."""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import revrag
from celery import Celery
from revrag import errors, testing
from revrag.webhooks import asgi, inbox, wsgi
from revrag.webhooks.stores import DjangoStore, MemoryStore, SqlAlchemyStore
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine
from support.databases import new_database
from support.raw import asgi as call_asgi
from support.raw import configure_django
from support.raw import wsgi as call_wsgi

ROOT = Path(__file__).parents[1]
EVENTS = int(os.environ.get("REVRAG_TEST_EVENTS", "300"))
VERIFIER = revrag.WebhookVerifier("whsec")


class Kit:
    """An inbox of a kind, and how to call it whether or not it blocks."""

    def __init__(self, kind: str, store: Any, url: str, clock: testing.FixedClock) -> None:
        self.kind = kind
        self.store = store
        self.url = url
        self.clock = clock
        self.runner = asyncio.Runner()
        if kind == "sqlalchemy-asyncio":
            self.runner.run(store.create_tables())
        elif kind == "sqlalchemy":
            store.create_tables()
        options: Any = {"store": store, "clock": self.clock}
        if store.is_async:
            app = asgi.endpoint(inbox.accept(store), VERIFIER, **options)
            self.call = call_asgi(app, self.runner)
        else:
            self.call = call_wsgi(wsgi.endpoint(inbox.accept(store), VERIFIER, **options))

    def deliver(self, event_id: str, call_id: str | None = None) -> int:
        """Deliver an event to the endpoint; the status of its answer."""
        call = testing.sample_call(call_id=call_id or f"call of {event_id}")
        sent = testing.delivery(call, VERIFIER, event_id=event_id, timestamp=self.clock())
        pairs = [(name.encode(), value.encode()) for name, value in sent.headers.items()]
        pairs.append((b"content-length", str(len(sent.body)).encode()))
        return self.call("POST", pairs, [sent.body])

    def __call__(self, verb: str, /, *given: Any, **options: Any) -> Any:
        """Call a function of the inbox, or its twin: ``kit("work", handler)``."""
        if verb in {"work", "run"}:
            options.setdefault("clock", self.clock)
            given = (*given, self.store)
        else:
            given = (self.store, *given)
        twin = getattr(inbox, f"{verb}_async" if self.store.is_async else verb)
        done = twin(*given, **options)
        return self.runner.run(done) if inspect.isawaitable(done) else done


KINDS = ["django", "sqlalchemy", "sqlalchemy-asyncio"]


@pytest.fixture(params=KINDS)
def kit(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kit]:
    """An inbox on SQLite, of each kind."""
    url = f"sqlite:///{tmp_path / 'inbox.sqlite'}"
    clock = testing.FixedClock()
    if request.param == "django":
        configure_django()
        from revrag.webhooks.django.models import InboxEvent, Mark

        kit = Kit("django", DjangoStore(clock=clock), url, clock)
        InboxEvent.objects.all().delete()
        Mark.objects.all().delete()
    elif request.param == "sqlalchemy":
        store = SqlAlchemyStore(create_engine(url, poolclass=NullPool), clock=clock)
        kit = Kit("sqlalchemy", store, url, clock)
    else:
        engine = create_async_engine(url.replace("sqlite:", "sqlite+aiosqlite:"))
        kit = Kit("sqlalchemy-asyncio", SqlAlchemyStore(engine, clock=clock), url, clock)
    yield kit
    if request.param == "sqlalchemy-asyncio":
        kit.runner.run(engine.dispose())
    kit.runner.close()


def test_an_event_is_accepted_once_and_handled_once(kit: Kit):
    seen: list[revrag.WebhookEvent] = []
    assert [kit.deliver("evt_1"), kit.deliver("evt_1"), kit.deliver("evt_2")] == [200] * 3
    assert kit("work", seen.append) == 2
    assert [event.id for event in seen] == ["evt_1", "evt_2"]
    assert seen[0].call is not None
    assert seen[0].call.call_id == "call of evt_1"
    assert kit("work", seen.append) == 0
    assert kit.deliver("evt_2") == 200
    assert kit("work", seen.append) == 0


def test_what_fails_is_tried_again_later_and_parked_in_the_end(kit: Kit):
    tried: list[str] = []

    def fail(event: revrag.WebhookEvent) -> None:
        tried.append(event.id)
        raise ValueError("no such lead")

    how = {"max_attempts": 3, "backoff": 8.0}
    kit.deliver("evt_1")
    assert kit("work", fail, **how) == 1
    kit.clock.advance(3.9)  # at least half of the wait
    assert kit("work", fail, **how) == 0
    kit.clock.advance(4.2)
    assert kit("work", fail, **how) == 1
    kit.clock.advance(7.9)  # it doubles
    assert kit("work", fail, **how) == 0
    kit.clock.advance(8.2)
    assert kit("parked") == []
    assert kit("work", fail, **how) == 1
    kit.clock.advance(10_000)
    assert kit("work", fail, **how) == 0
    assert tried == ["evt_1"] * 3
    (parked,) = kit("parked")
    assert (parked.event.id, parked.attempts) == ("evt_1", 3)
    assert parked.error == "ValueError: no such lead"

    assert kit("run_again", [parked.id + 1]) == 0
    assert kit("run_again") == 1
    seen: list[str] = []
    assert kit("work", lambda event: seen.append(event.id)) == 1
    assert (seen, kit("parked")) == (["evt_1"], [])


def test_what_is_parked_can_be_discarded(kit: Kit):
    kit.deliver("evt_1")
    kit.deliver("evt_2")
    assert kit("work", raise_error, max_attempts=1) == 2
    first, second = kit("parked")
    assert kit("discard", [first.id]) == 1
    assert kit("parked") == [second]


def raise_error(_event: revrag.WebhookEvent) -> None:
    raise RuntimeError


def test_order_per_call(kit: Kit):
    seen: list[str] = []
    fails = {"evt_1"}

    def handle(event: revrag.WebhookEvent) -> None:
        if event.id in fails:
            raise RuntimeError
        seen.append(event.id)

    # One type tells of one call once; these are of two.
    for event_id, call_id in (("evt_1", "a"), ("evt_2", "b")):
        kit.deliver(event_id, call_id)
    kit.clock.advance(1)  # or its signature would be the first one's
    put_another(kit, "evt_3", "a")
    assert kit("work", handle, ordered=True) == 2
    assert seen == ["evt_2"]  # evt_3 waits for evt_1
    fails.clear()
    kit.clock.advance(10)
    assert kit("work", handle, ordered=True) == 2
    assert seen == ["evt_2", "evt_1", "evt_3"]


def put_another(kit: Kit, event_id: str, call_id: str) -> None:
    """An event of another type about a call."""
    call = testing.sample_call(call_id=call_id)
    sent = testing.delivery(
        call, VERIFIER, event_id=event_id, event_type="call.rated", timestamp=kit.clock()
    )
    pairs = [(name.encode(), value.encode()) for name, value in sent.headers.items()]
    pairs.append((b"content-length", str(len(sent.body)).encode()))
    assert kit.call("POST", pairs, [sent.body]) == 200


def test_two_inboxes_of_one_store(kit: Kit):
    kit.deliver("evt_1")
    assert kit("work", raise_error, name="other") == 0
    assert kit("work", lambda _event: None) == 1


def test_an_event_that_kills_its_workers_is_parked(kit: Kit):
    """An attempt counts from when it is begun."""

    class Killed(BaseException):
        pass

    kit.deliver("evt_1")
    for _ in range(2):
        take_and_vanish(kit)
        kit.clock.advance(100)
    assert kit("work", lambda _event: None, max_attempts=2) == 0
    (parked,) = kit("parked")
    assert (parked.attempts, parked.error) == (2, "its worker ended while it handled the event")


def take_and_vanish(kit: Kit) -> None:
    """What is left of a worker that was killed in a handler."""
    if kit.kind == "django":
        from revrag.webhooks.django.models import InboxEvent

        row = InboxEvent.objects.get()
        InboxEvent.objects.update(attempts=row.attempts + 1, error=DIED, due=kit.clock())
        return
    with create_engine(kit.url, poolclass=NullPool).begin() as connection:
        update = "UPDATE revrag_webhook_inbox SET attempts = attempts + 1, error = :died, due = 0"
        connection.execute(text(update), {"died": DIED})


DIED = "its worker ended while it handled the event"


def test_arguments_that_mean_nothing(kit: Kit):
    with pytest.raises(errors.InvalidArgumentError, match="max_attempts"):
        kit("work", print, max_attempts=0)
    with pytest.raises(errors.InvalidArgumentError, match="backoff"):
        kit("work", print, backoff=-1)
    with pytest.raises(TypeError, match="attempts"):
        kit("work", print, attempts=1)
    for options in ({"attempts": 1}, {"name": 7, "max_attempt": 2}):
        # Not to be tried again for ever.
        with pytest.raises(TypeError, match="no option"):
            kit("run", print, **options)
    with pytest.raises(TypeError, match="MemoryStore"):
        inbox.accept(MemoryStore())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="twin"):
        wrong_twin(kit)


def wrong_twin(kit: Kit) -> None:
    if kit.store.is_async:
        inbox.work(print, kit.store)
    else:
        kit.runner.run(inbox.work_async(print, kit.store))


def test_a_celery_task(kit: Kit):
    if kit.store.is_async:
        pytest.skip("Celery's tasks block")
    celery = Celery("tests", broker="memory://")
    handled: list[str] = []

    @celery.task
    def handle_webhooks() -> int:
        return inbox.work(lambda event: handled.append(event.id), kit.store, clock=kit.clock)

    kit.deliver("evt_1")
    assert handle_webhooks.apply().get() == 1
    assert handled == ["evt_1"]


def test_the_command(kit: Kit, capsys: pytest.CaptureFixture[str]):
    if kit.kind != "django":
        pytest.skip("it is Django's")
    from django.core.management import CommandError, call_command

    kit.deliver("evt_1")
    call_command("revrag_inbox", "math.sqrt", once=True, max_attempts=1)
    call_command("revrag_inbox", parked=True)
    (parked,) = inbox.parked(kit.store)
    call_command("revrag_inbox", run_again=[parked.id])
    call_command("revrag_inbox", "builtins.repr", once=True)
    assert capsys.readouterr().out.splitlines() == [
        "1 tried",
        f"{parked.id} evt_1 1 TypeError",
        "1 to be tried again",
        "1 tried",
    ]
    with pytest.raises(CommandError, match="nowhere"):
        call_command("revrag_inbox", "nowhere.at_all")
    with pytest.raises(CommandError, match="name the handler"):
        call_command("revrag_inbox")


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_outlives_a_loss_of_its_connections(kind: str, postgres_url: str, tmp_path: Path):
    url = new_database(postgres_url, "inbox_lost")
    sqlalchemy_url = url.replace("postgresql:", "postgresql+psycopg:")
    store = SqlAlchemyStore(create_engine(sqlalchemy_url, poolclass=NullPool))
    store.create_tables()
    call = call_wsgi(wsgi.endpoint(inbox.accept(store), VERIFIER, store=store))
    command = [sys.executable, "-m", "support.apps.inbox_worker", kind, sqlalchemy_url]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "APP_STEADY": "1"}
    with (
        psycopg.connect(url, autocommit=True) as connection,
        subprocess.Popen(command, cwd=tmp_path, env=environment) as worker,
    ):
        connection.execute("CREATE TABLE effects (event_id text, worker integer)")
        try:
            for number in range(3):
                sent = testing.delivery(testing.sample_call(), VERIFIER, event_id=str(number))
                pairs = [(name.encode(), value.encode()) for name, value in sent.headers.items()]
                pairs.append((b"content-length", str(len(sent.body)).encode()))
                assert call("POST", pairs, [sent.body]) == 200
                effects = "SELECT count(*) FROM effects"
                while connection.execute(effects).fetchone() != (number + 1,):
                    assert worker.poll() is None
                    time.sleep(0.02)
                lost = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                connection.execute(
                    f"{lost} WHERE pid <> pg_backend_pid() AND datname = 'inbox_lost'"
                )
        finally:
            worker.kill()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", KINDS)
def test_each_event_has_its_effect_once_whatever_happens_to_the_workers(
    kind: str, postgres_url: str, tmp_path: Path
):
    """Four workers, whose handlers fail at random and are killed at random."""
    url = new_database(postgres_url, f"inbox_{kind.replace('-', '_')}")
    sqlalchemy_url = url.replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(sqlalchemy_url)
    store = SqlAlchemyStore(engine)
    store.create_tables()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE effects (event_id text, worker integer)")
    call = call_wsgi(wsgi.endpoint(inbox.accept(store), VERIFIER, store=store))
    for number in range(EVENTS):
        sent = testing.delivery(
            {"call_status": "completed", "call_id": str(number)}, VERIFIER, event_id=str(number)
        )
        pairs = [(name.encode(), value.encode()) for name, value in sent.headers.items()]
        pairs.append((b"content-length", str(len(sent.body)).encode()))
        assert call("POST", pairs, [sent.body]) == 200
    engine.dispose()

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "support.apps.inbox_worker", kind, sqlalchemy_url]
        return subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})

    workers = [start() for _ in range(4)]
    killed = 0
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            count = "SELECT count(*) FROM revrag_webhook_inbox"
            while connection.execute(count).fetchone() != (0,):
                for at, worker in enumerate(workers):
                    if worker.poll() is not None:
                        killed += 1
                        workers[at] = start()
                time.sleep(0.05)
            effects = connection.execute("SELECT event_id, worker FROM effects").fetchall()
    finally:
        for worker in workers:
            worker.kill()
            worker.wait(10)
    assert Counter(event_id for event_id, _ in effects) == Counter(map(str, range(EVENTS)))
    assert killed > 0
    print(kind, EVENTS, "events,", killed, "workers killed")
