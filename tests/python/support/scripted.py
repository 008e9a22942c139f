"""The sandbox in place of a server that plays a script: each act is a fault on order.

What can't be ordered skips the test, and says what it was.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, NoReturn

from revrag.sandbox import Sandbox

from support import CAMPAIGN_ID, IS_SANDBOXED, KEY
from support.orders import cannot, ordered
from support.server import Act, Request, Server


class Unlogged(dict[str, str]):
    """Headers, which the sandbox's log leaves out."""

    def __getitem__(self, name: str) -> str:
        cannot(f"to be told of the request's header {name!r}")

    def __contains__(self, name: object) -> bool:
        cannot(f"to be told of the request's header {name!r}")


class Unnumbered(Request):
    """A request of which nobody knows the connection."""

    def __getattribute__(self, name: str) -> Any:
        if name == "connection":
            cannot("to be told of a request's connection")
        return super().__getattribute__(name)


class Scripted:
    """A sandbox that is told and read as ``Server`` is."""

    def __init__(self, acts: Iterable[Act], *, tls: object = None, key: str = KEY) -> None:
        if tls is not None:
            cannot("TLS")
        orders = [ordered(act) for act in acts]
        self._sandbox = Sandbox(time="manual", api_key=key, campaign_id=CAMPAIGN_ID)
        for number, (kind, options) in enumerate(orders, 1):
            # A request that an earlier fault strikes is not seen by the later ones; the last act
            # is for all that come.
            how = {"times": 1} if number < len(orders) else {"probability": 1.0}
            self._sandbox.fault("any", kind, **options, **how)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        cannot(f"what `Server.{name}` is for")

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._sandbox.url

    @property
    def requests(self) -> list[Request]:
        """What arrived. A request is logged once it is answered or given up."""
        ends = time.monotonic() + 10
        while len(logged := self._sandbox.requests) < self._sandbox.request_count:
            assert time.monotonic() < ends, "a request is still under way"
            time.sleep(0.005)
        return [self._request(one) for one in logged]

    def _request(self, logged: Any) -> Request:
        body = logged["request_body"]
        if body["is_cut"]:
            cannot("to be told of a long body")
        sent = body["text"].encode()
        return Unnumbered(logged["method"], logged["path"], Unlogged(), sent, -1)

    def close(self) -> None:
        self._sandbox.stop()


def served(acts: Iterable[Act], **options: Any) -> Server | Scripted:
    """The server of a script: a socket, or the sandbox."""
    return Scripted(acts, **options) if IS_SANDBOXED else Server(acts, **options)
