"""The public face: twin methods, names, docstrings that run, and a light import."""

from __future__ import annotations

import asyncio
import doctest
import inspect
import types
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

import pytest
import revrag
import revrag.sandbox
from revrag import errors
from revrag.sandbox import Sandbox
from support import CAMPAIGN_ID, LEAD
from support.script import Run

# What makes no request, or is one object for both.
NO_TWIN = {
    revrag.Client: {"campaign", "close", "with_options"},
    revrag.Campaign: {"records", "calls", "watch"},
}


@pytest.mark.parametrize("owner", NO_TWIN)
def test_sync_and_async_match_one_to_one(owner: type) -> None:
    methods = {
        name for name, value in vars(owner).items() if callable(value) and not name.startswith("_")
    }
    blocking = {name for name in methods if not name.endswith("_async")}
    awaiting = {name.removesuffix("_async") for name in methods - blocking}
    assert awaiting == blocking - NO_TWIN[owner]
    for name in awaiting:
        twins = [inspect.signature(getattr(owner, one)) for one in (name, f"{name}_async")]
        assert twins[0] == twins[1], name


def test_async_methods_return_coroutines() -> None:
    client = revrag.Client("key", base_url="http://127.0.0.1:9")
    campaign = client.campaign(CAMPAIGN_ID)
    for made in (
        client.call_async(CAMPAIGN_ID),
        campaign.push_async([LEAD]),
        campaign.record_async("x"),
        campaign.status_async(),
        campaign.wait_async(CAMPAIGN_ID),
        campaign.records_page_async(),
    ):
        assert inspect.iscoroutine(made)
        made.close()
    assert hasattr(campaign.records(), "__aiter__")
    assert hasattr(campaign.records(), "__iter__")


def test_both_kinds_of_with() -> None:
    with revrag.Client("key") as client:
        assert isinstance(client, revrag.Client)

    async def main() -> None:
        async with revrag.Client("key") as client:
            assert isinstance(client, revrag.Client)

    asyncio.run(main())


def test_everything_named_exists_and_is_said_to_live_here() -> None:
    assert len(revrag.__all__) == len(set(revrag.__all__))
    for name in revrag.__all__:
        value = getattr(revrag, name)
        if isinstance(value, type):
            assert value.__module__.partition(".")[0] == "revrag", name
    assert set(errors.__all__) <= set(revrag.__all__)
    public = {name for name, value in vars(revrag).items() if inspect.isclass(value)}
    assert public <= set(revrag.__all__)


def test_the_tree_of_errors() -> None:
    for name in errors.__all__:
        cls = getattr(errors, name)
        if name != "ErrorDetail":
            assert issubclass(cls, errors.RevragError), name
    assert issubclass(errors.InvalidArgumentError, ValueError)
    assert issubclass(errors.WaitTimeoutError, TimeoutError)
    assert issubclass(errors.APITimeoutError, errors.APIConnectionError)


def members() -> Iterator[tuple[str, Any]]:
    for module in (revrag, errors, revrag.sandbox):
        yield module.__name__, module
    classes = {
        value for name in revrag.__all__ if inspect.isclass(value := getattr(revrag, name))
    } | {Sandbox}
    for cls in sorted(classes, key=lambda cls: cls.__name__):
        yield cls.__name__, cls
        # Those of a class in Rust come in no order.
        for name, value in sorted(vars(cls).items(), key=itemgetter(0)):
            documented = callable(value) or isinstance(
                value, property | classmethod | types.GetSetDescriptorType
            )
            if not name.startswith("_") and documented:
                yield f"{cls.__name__}.{name}", getattr(cls, name)


MEMBERS = dict(members())


@pytest.mark.parametrize("name", MEMBERS)
def test_everything_public_is_documented(name: str) -> None:
    assert (inspect.getdoc(MEMBERS[name]) or "").strip(), name


WITH_EXAMPLES = {
    name: value for name, value in MEMBERS.items() if ">>>" in (inspect.getdoc(value) or "")
}


def test_classes_and_methods_have_an_example() -> None:
    for name, value in MEMBERS.items():
        # A model's two conversions are shown by the model, an error by its family.
        shown_elsewhere = name.endswith((".to_dict", ".from_dict", "Error", "ErrorDetail"))
        if callable(value) and not shown_elsewhere:
            assert name in WITH_EXAMPLES, name


@pytest.fixture(scope="module")
def namespace() -> Iterator[dict[str, Any]]:
    """The names that examples may use."""
    with Sandbox(dispatch_after=0, call_duration=0.01, failure_rate=0) as service:
        client = service.client()
        campaign = client.campaign(service.campaign_id)
        run_id = campaign.push([LEAD]).results[0].run_id
        record = campaign.wait(run_id, timeout=10, poll_interval=0.01)
        yield {
            "asyncio": asyncio,
            "revrag": revrag,
            "client": client,
            "campaign": campaign,
            "run_id": run_id,
            "call_id": record.call_history[0].call_id,
            "_url": service.url,
        }


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_run(
    name: str, namespace: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVRAG_API_KEY", "sandbox-key")
    monkeypatch.setenv("REVRAG_BASE_URL", namespace["_url"])
    text = inspect.getdoc(WITH_EXAMPLES[name]) or ""
    test = doctest.DocTestParser().get_doctest(text, dict(namespace), name, None, 0)
    assert test.examples
    said: list[str] = []
    flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    runner = doctest.DocTestRunner(optionflags=flags, verbose=False)
    runner.run(test, out=said.append)
    assert runner.failures == 0, "".join(said)


def test_an_import_starts_nothing(run: Run) -> None:
    run(
        """
        assert threads() == 1, threads()
        assert socket_inodes() == set()
        revrag.Client("key").campaign(CAMPAIGN_ID)
        revrag.WebhookVerifier("secret").sign(b"{}", event_id="evt_1")
        assert threads() == 1, threads()
        assert socket_inodes() == set()
        """
    )


def test_an_import_is_light(run: Run) -> None:
    heavy = "asyncio typing inspect dataclasses json urllib http numpy pandas"
    finished = run(
        """
        import subprocess
        script = "import sys; before = set(sys.modules); import revrag; "
        script += "print(*sorted(set(sys.modules) - before))"
        print(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout)
        """
    )
    loaded = set(finished.out.split())
    assert "revrag._revrag" in loaded
    assert not loaded & set(heavy.split()), loaded
