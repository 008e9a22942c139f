"""What observes never changes an outcome: log handlers, filters, loggers, hooks, progress."""

from __future__ import annotations

import pytest
from revrag.sandbox import Sandbox
from support import PUSHED, STATUS
from support.script import Run, Start
from support.server import Serve, reply

# What `sys.unraisablehook` is told, and one body for both ways to call.
TOLD = """
import logging
told = []
sys.unraisablehook = lambda args: told.append((args.exc_type, str(args.exc_value), args.object))
logger = logging.getLogger("revrag")
logger.setLevel(logging.DEBUG)
def call(leads, method, *args, **options):
    if sys.argv[2] == "sync":
        return getattr(leads, method)(*args, **options)
    async def main():
        result = await getattr(leads, method + "_async")(*args, **options)
        await asyncio.sleep(0)
        return result
    return asyncio.run(main())
"""
both = pytest.mark.parametrize("way", ["sync", "async"])

RAISING = {
    "a handler": """
class Raising(logging.Handler):
    def emit(self, record):
        raise LookupError("observer")
logger.addHandler(Raising())
""",
    "a filter": """
def refuse(record):
    raise LookupError("observer")
logger.addFilter(refuse)
""",
    "a record factory": """
def factory(*args, **kwargs):
    raise LookupError("observer")
logging.setLogRecordFactory(factory)
""",
    "a logger": """
def enabled(level):
    raise LookupError("observer")
logger._cache.clear()
logger.isEnabledFor = enabled
""",
    "a hook": """
def hook(event):
    raise LookupError("observer")
""",
    "a hook that raises no Exception": """
class Odd(BaseException):
    pass
def hook(event):
    raise Odd("observer")
""",
    "a hook that is cancelled": """
def hook(event):
    raise asyncio.CancelledError("observer")
""",
}


@both
@pytest.mark.parametrize("who", RAISING)
def test_what_it_raises_is_told_and_no_more(run: Run, serve: Serve, way: str, who: str) -> None:
    """Of a push that was applied, and of a GET that is tried again."""
    server = serve(reply(200, PUSHED), reply(503, {}), reply(200, STATUS))
    run(
        TOLD
        + "hook = None\n"
        + RAISING[who]
        + """
leads = campaign(sys.argv[1], on_request=hook)
assert call(leads, "push", [LEAD]).accepted == 1
assert told and all(text == "observer" for kind, text, where in told), told
assert all(where in (hook, logger, None) for kind, text, where in told), told
told.clear()
assert call(leads, "status").status == "running"
assert told and all(text == "observer" for kind, text, where in told), told
""",
        server.url,
        way,
    )
    assert len(server.requests) == 3


@both
def test_progress_that_raises(run: Run, service: Sandbox, way: str) -> None:
    run(
        TOLD
        + """
class Progress:
    def __call__(self, snapshot):
        raise LookupError("progress")
    def close(self):
        raise LookupError("close")
report = call(campaign(sys.argv[1]), "upload", [LEAD], progress=Progress())
assert report.accepted == 1, report
assert {text for kind, text, where in told} == {"progress", "close"}, told
""",
        service.url,
        way,
    )


@both
def test_without_a_hook_of_its_own_python_prints_it(start: Start, serve: Serve, way: str) -> None:
    script = start(
        TOLD.replace("sys.unraisablehook", "unused")
        + """
def hook(event):
    raise LookupError("the hook's own")
assert call(campaign(sys.argv[1], on_request=hook), "push", [LEAD]).accepted == 1
""",
        serve(reply(200, PUSHED)).url,
        way,
    )
    finished = script.finish(20)
    assert finished.code == 0
    assert "Exception ignored in: <function hook" in finished.err
    assert "LookupError: the hook's own" in finished.err


COROUTINES = {
    "async def": "async def listener(event): pass",
    "a method": """
class Owner:
    async def method(self, event): pass
listener = Owner().method
""",
    "__call__": """
class Callable:
    async def __call__(self, event): pass
listener = Callable()
""",
    "a partial": """
import functools
async def function(other, event): pass
listener = functools.partial(function, 1)
""",
    "an async generator": "async def listener(event): yield",
}


@pytest.mark.parametrize("kind", COROUTINES)
def test_a_coroutine_function_is_refused(run: Run, serve: Serve, kind: str) -> None:
    server = serve(reply(200, STATUS))
    run(
        COROUTINES[kind]
        + """
def refused(name, call):
    try:
        call()
    except revrag.InvalidArgumentError as error:
        assert str(error).startswith(name + ": ") and "coroutine function" in str(error), error
        return
    raise AssertionError("let through")
refused("on_request", lambda: campaign(sys.argv[1], on_request=listener))
leads = campaign(sys.argv[1])
refused("progress", lambda: leads.upload([LEAD], progress=listener))
refused("progress", lambda: asyncio.run(leads.upload_async([LEAD], progress=listener)))
""",
        server.url,
    )
    assert server.requests == []


@both
def test_a_hook_that_makes_a_coroutine_is_told_of(run: Run, serve: Serve, way: str) -> None:
    """What can't be seen beforehand, is seen when it happens; and no coroutine stays unawaited."""
    run(
        TOLD
        + """
from unittest.mock import AsyncMock
async def later(event): pass
for hook in (lambda event: later(event), AsyncMock()):
    try:
        leads = campaign(sys.argv[1], on_request=hook)
    except revrag.InvalidArgumentError:
        continue
    assert call(leads, "status").status == "running"
    ((kind, text, where),) = told
    assert kind is TypeError and "coroutine" in text and where is hook
    told.clear()
""",
        serve(reply(200, STATUS)).url,
        way,
    )


@both
def test_a_soft_time_limit_within_a_hook_is_the_caller_s(run: Run, serve: Serve, way: str) -> None:
    """Of whatever kind the handler is; in a loop, it goes where exceptions of callbacks go."""
    run(
        TOLD
        + """
import functools
class Limit(Exception): pass
def handler(number, frame): raise Limit
class Handler:
    def method(self, number, frame): raise Limit
    def __call__(self, number, frame): raise Limit
leads = campaign(sys.argv[1], on_request=lambda e: signal.raise_signal(signal.SIGUSR1))
if sys.argv[2] == "sync":
    for one in (handler, Handler().method, Handler(), functools.partial(Handler.method, None)):
        signal.signal(signal.SIGUSR1, one)
        try:
            leads.status()
        except Limit:
            continue
        raise AssertionError("swallowed")
else:
    seen = []
    async def main():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: seen.append(context["exception"]))
        assert (await leads.status_async()).status == "running"
    signal.signal(signal.SIGUSR1, handler)
    asyncio.run(main())
    assert isinstance(seen[0], Limit)
assert told == []
""",
        serve(reply(200, STATUS)).url,
        way,
    )
