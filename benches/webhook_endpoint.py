"""How many deliveries an endpoint handles per second, verified and handled once, in FastAPI, on its
`WebhookRoute`, and as a plain ASGI app; next to a FastAPI app without verification, whose handler
gets the call as a pydantic model, and next to one that only parses JSON. No bound is set: FastAPI's
documented generators with `scope="function"` cost what they cost. One server process on one core,
the load from another."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import revrag

from webhook import BODY

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 9
DELIVERIES = 2_000  # in one round, to each
AT_A_TIME = 20
VERIFIER = revrag.WebhookVerifier("whsec_0123456789abcdef0123456789abcdef")

APP = f"""
from datetime import datetime
from typing import Any

import revrag
from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel
from revrag.webhooks import asgi
from revrag.webhooks.fastapi import WebhookRoute, webhook
from revrag.webhooks.stores import MemoryStore

class Message(BaseModel):
    role: str
    content: str | None = None

class Transcription(BaseModel):
    messages: list[Message]

class CustomVariable(BaseModel):
    key: str
    type: str | None = None
    value: Any = None

class Call(BaseModel):
    call_status: str
    call_id: str
    agent_id: str | None = None
    from_number: str | None = None
    to_number: str | None = None
    summary: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    duration: float | None = None
    disconnection_reason: str | None = None
    recording_url: str | None = None
    transcription: Transcription | None = None
    custom_variables: list[CustomVariable] = []
    variables_fields: dict[str, Any] | None = None
    campaign_id: str | None = None
    attempt_no: int | None = None
    app_user_id: str | None = None
    app_session_id: str | None = None

fastapi_app = app = FastAPI()
verifier = revrag.WebhookVerifier("whsec_0123456789abcdef0123456789abcdef")
store = MemoryStore(max_keys={20 * ROUNDS * DELIVERIES})
event_of = webhook(verifier, store=store)

@app.post("/verified")
async def verified(event: revrag.WebhookEvent = event_of) -> str:
    return event.call.call_id

router = APIRouter(route_class=WebhookRoute)

@router.post("/routed")
async def routed(event: revrag.WebhookEvent = event_of) -> str:
    return event.call.call_id

app.include_router(router)

async def call_ended(event: revrag.WebhookEvent) -> str:
    return event.call.call_id

endpoint = asgi.endpoint(call_ended, verifier, store=store)

@app.post("/typed")
async def typed(call: Call) -> str:
    return call.call_id

@app.post("/plain")
async def plain(request: Request) -> str:
    return (await request.json())["call_id"]

async def app(scope, receive, send):
    chosen = endpoint if scope.get("path") == "/asgi" else fastapi_app
    await chosen(scope, receive, send)
"""

# Not by uvicorn's option `fd`: it takes the socket for a Unix one, and Nagle's algorithm stays on.
SERVE = """
import socket, uvicorn
config = uvicorn.Config(app, log_level="error", access_log=False)
uvicorn.Server(config).run(sockets=[socket.socket(fileno={})])
"""


@contextlib.contextmanager
def server() -> Iterator[int]:
    """The app in a process of its own; its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        number = listener.fileno()
        code = f"{APP}\n{SERVE.format(number)}"
        process = subprocess.Popen([sys.executable, "-c", code], pass_fds=[number])
        try:
            yield listener.getsockname()[1]
        finally:
            process.terminate()
            process.wait()


def requests(path: str, count: int) -> list[bytes]:
    """Signed deliveries of one event each, as bytes to send."""
    made = []
    for _ in range(count):
        token = os.urandom(8).hex()
        body = BODY.replace(b"123e4567", token[:8].encode()).replace(
            b"426614174000", b"%012d" % len(made)
        )
        lines = [f"POST {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}"]
        lines += [f"{k}: {v}" for k, v in VERIFIER.sign(body, event_id=f"evt_{token}").items()]
        made.append("\r\n".join([*lines, "Content-Type: application/json", "", ""]).encode() + body)
    return made


async def per_second(port: int, waiting: list[bytes]) -> float:
    """Send all of them over kept connections."""
    count = len(waiting)

    async def courier() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while waiting:
            writer.write(waiting.pop())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split()[0]))
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(courier() for _ in range(AT_A_TIME)))
    return count / (time.perf_counter() - started)


def main() -> None:
    """Measure them in turn and print the median ratios."""
    rates: dict[str, list[float]] = {
        path: [] for path in ("/plain", "/typed", "/verified", "/routed", "/asgi")
    }
    with server() as port:
        for round_ in range(ROUNDS + 1):
            for path, found in rates.items():
                rate = asyncio.run(per_second(port, requests(path, DELIVERIES)))
                if round_:  # the first one warms up
                    found.append(rate)
    print(f"deliveries of {len(BODY)} bytes per second")
    for path, found in rates.items():
        print(f"  {path[1:]:12}{statistics.median(found):6.0f}")
    for path in ("/verified", "/routed", "/asgi"):
        for other in ("/typed", "/plain"):
            pairs = zip(rates[other], rates[path], strict=True)
            ratio = statistics.median(ours / theirs for theirs, ours in pairs)
            print(f"{path[1:]} / {other[1:]}: {ratio:.2f}")


if __name__ == "__main__":
    main()
