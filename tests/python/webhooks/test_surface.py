"""What is public: documented, with examples that run; typed; and nothing imported too early."""

from __future__ import annotations

import asyncio
import doctest
import importlib
import inspect
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import azure.functions
import django.http
import fastapi
import fastapi.testclient
import flask
import pytest
import revrag
import sqlalchemy
from revrag import errors, testing
from revrag.webhooks import EventRegistry, asgi, aws, stores, wsgi
from sqlalchemy.ext.asyncio import create_async_engine
from support.raw import configure_django
from support.script import Run

configure_django()

MODULES = [
    "revrag.testing",
    "revrag.testing.fixtures",
    "revrag.webhooks",
    "revrag.webhooks.asgi",
    "revrag.webhooks.aws",
    "revrag.webhooks.azure",
    "revrag.webhooks.django",
    "revrag.webhooks.fastapi",
    "revrag.webhooks.flask",
    "revrag.webhooks.gcp",
    "revrag.webhooks.inbox",
    "revrag.webhooks.stores",
    "revrag.webhooks.wsgi",
]


def members() -> Iterator[tuple[str, Any]]:
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        yield module_name, module
        for name in module.__all__:
            value = getattr(module, name)
            if not inspect.isclass(value) and not inspect.isfunction(value):
                continue
            yield f"{module_name}.{name}", value
            if inspect.isclass(value):
                for member, inner in vars(value).items():
                    if not member.startswith("_") and callable(inner):
                        yield f"{module_name}.{name}.{member}", inner


MEMBERS = dict(members())
EXAMPLES = {
    name: value for name, value in MEMBERS.items() if ">>>" in (inspect.getdoc(value) or "")
}


@pytest.mark.parametrize("name", MEMBERS)
def test_everything_public_is_documented(name: str):
    assert (inspect.getdoc(MEMBERS[name]) or "").strip()


def test_classes_and_functions_have_an_example():
    for name, value in MEMBERS.items():
        if inspect.isclass(value) or (inspect.isfunction(value) and "." not in value.__qualname__):
            assert name in EXAMPLES, name


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    events = EventRegistry()
    if name.startswith("revrag.webhooks.EventRegistry.handle"):
        events.on("call.ended")(lambda event: event.call.summary)
    sent = testing.delivery(testing.sample_call(), "whsec")
    verifier = revrag.WebhookVerifier("whsec")
    module = name if name in MODULES else name.rpartition(".")[0]
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'store.db'}")
    async_engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'store.db'}")
    store: Any = stores.MemoryStore()
    if module.endswith("inbox"):
        store = stores.SqlAlchemyStore(engine)
        store.create_tables()
    if name.endswith(("TransactionalStore", "Transaction")):
        stores.SqlAlchemyStore(engine).create_tables()
    namespace = {
        "HttpRequest": django.http.HttpRequest,
        "app": flask.Flask("app") if module.endswith("flask") else fastapi.FastAPI(),
        "asyncio": asyncio,
        "django": django,
        "event": verifier.verify(sent.body, sent.headers),
        "events": events,
        "fastapi": fastapi,
        "flask": flask,
        "revrag": revrag,
        "store": store,
        "threading": threading,
        "verifier": verifier,
        "engine": engine,
        "async_store": stores.SqlAlchemyStore(async_engine),
        "azure": azure,
    }
    if module in MODULES:
        namespace |= vars(importlib.import_module(module))
    test = doctest.DocTestParser().get_doctest(
        inspect.getdoc(EXAMPLES[name]) or "", namespace, name, None, 0
    )
    assert test.examples
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    runner.run(test, out=said.append)
    engine.dispose()
    asyncio.run(async_engine.dispose())
    assert runner.failures == 0, "".join(said)


def test_importing_imports_no_framework(run: Run):
    run(
        """
        import revrag.testing
        import revrag.webhooks
        import revrag.webhooks.stores
        import revrag.webhooks.asgi, revrag.webhooks.wsgi, revrag.webhooks.aws, revrag.webhooks.gcp
        import revrag.webhooks.inbox
        frameworks = "fastapi starlette django flask redis pytest sqlalchemy azure"
        for name in frameworks.split():
            assert name not in sys.modules, name
        """
    )


@pytest.mark.parametrize(
    ("code", "package", "extra"),
    [
        ("import revrag.webhooks.fastapi", "fastapi", "fastapi"),
        ("import revrag.webhooks.django", "django", "django"),
        ("import revrag.webhooks.flask", "flask", "flask"),
        ("from revrag.webhooks import stores; stores.RedisStore('redis://h')", "redis", "redis"),
        ("from revrag.webhooks import stores; stores.DjangoCacheStore()", "django", "django"),
        ("from revrag.webhooks import stores; stores.DjangoStore()", "django", "django"),
        (
            "from revrag.webhooks import stores; stores.SqlAlchemyStore(1)",
            "sqlalchemy",
            "sqlalchemy",
        ),
        ("import revrag.webhooks.azure", "azure", "azure"),
    ],
)
def test_a_missing_package_says_which_extra_to_install(
    code: str, package: str, extra: str, run: Run
):
    finished = run(
        f"""
        sys.modules[{package!r}] = None
        try:
            {code}
        except ImportError as error:
            print(error)
        """
    )
    assert f'pip install "revrag[{extra}]"' in finished.out


def test_the_extras_are_those_that_are_told_of():
    import tomllib

    text = (Path(__file__).parents[3] / "pyproject.toml").read_text()
    extras = tomllib.loads(text)["project"]["optional-dependencies"]
    assert {"fastapi", "django", "flask", "redis", "sqlalchemy", "azure"} <= set(extras)


def test_options_that_mean_nothing():
    from revrag.webhooks.django import webhook as django_webhook
    from revrag.webhooks.fastapi import webhook as fastapi_webhook
    from revrag.webhooks.flask import webhook as flask_webhook

    verifier = revrag.WebhookVerifier("whsec")
    store = stores.MemoryStore()
    for make in (
        lambda **options: fastapi_webhook(verifier, **options),
        lambda **options: flask_webhook(verifier, **options),
        lambda **options: django_webhook(verifier=verifier, **options),
        lambda **options: asgi.endpoint(print, verifier, **options),
        lambda **options: wsgi.endpoint(print, verifier, **options),
        lambda **options: aws.handler(verifier, print, **options),
    ):
        with pytest.raises(errors.InvalidArgumentError, match="max_body"):
            make(store=store, max_body=0)
        with pytest.raises(errors.InvalidArgumentError, match="on_store_error"):
            make(store=store, on_store_error="panic")
        with pytest.raises(TypeError, match="types"):
            make(store=store, types="call.ended")
        with pytest.raises(errors.InvalidArgumentError, match="body_timeout"):
            make(store=store, body_timeout=0)
        with pytest.raises(errors.InvalidArgumentError, match="name"):
            make(store=store, name="")
    for make in (fastapi_webhook, flask_webhook):
        with pytest.raises(TypeError, match="verifier"):
            make("whsec", store=store)
        with pytest.raises(TypeError, match="store"):
            make(verifier, store="redis://h")
