"""Webhooks delivered to a receiver that fails each tenth request at random.

Each event must arrive at least once, and each delivery verify. The sandbox runs in this process,
the receiver in one of its own. Time is moved by hand, so that pauses between attempts take none.

Usage: ``python benches/deliveries.py [EVENTS]``
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import subprocess
import sys
import time
from pathlib import Path

from revrag import WebhookVerificationError, WebhookVerifier
from revrag.sandbox import Sandbox

SECRET = "whsec_bench"
BATCH = 500


async def receive() -> None:
    """Serve until the standard input ends; then tell what came."""
    rng, verifier = random.Random(7), WebhookVerifier(SECRET, tolerance=10**9)
    came, attempts, forged = set(), 0, 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal attempts, forged
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")[1:-2]
                headers = dict(line.split(": ", 1) for line in lines)
                body = await reader.readexactly(int(headers["content-length"]))
                attempts += 1
                status = b"503 Service Unavailable"
                if rng.random() >= 0.1:
                    status = b"204 No Content"
                    try:
                        came.add(verifier.verify(body, headers).id)
                    except WebhookVerificationError:
                        forged += 1
                length = b"" if status.startswith(b"204") else b"content-length: 0\r\n"
                writer.write(b"HTTP/1.1 " + status + b"\r\n" + length + b"\r\n")
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps({"events": len(came), "attempts": attempts, "forged": forged}), flush=True)


def peak() -> float:
    """The most memory this process had, in megabytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def main(events: int) -> None:
    """Deliver, and compare what was sent with what came."""
    receiver = subprocess.Popen(
        [sys.executable, __file__, "receive"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert receiver.stdout is not None
    url = f"http://127.0.0.1:{int(receiver.stdout.readline())}/"
    idle = peak()
    with Sandbox(
        time="manual",
        webhook_url=url,
        webhook_secret=SECRET,
        max_concurrency=1000,
        failure_rate=0,
    ) as sandbox:
        campaign = sandbox.client().campaign(sandbox.campaign_id)
        for begin in range(0, events, BATCH):
            numbers = range(begin, min(begin + BATCH, events))
            campaign.push([{"phone_number": f"+9198{number:08d}"} for number in numbers])
        began = time.perf_counter()
        sandbox.run_until_delivered(timeout=1200)
        taken = time.perf_counter() - began
        calls = campaign.status().stats.completed
    told, _ = receiver.communicate(timeout=60)
    found = json.loads(told)
    print(
        f"{calls} calls told of in {taken:.1f} s: {found['attempts']} attempts, {found['forged']} "
        f"that do not verify; {peak() - idle:.0f} MB"
    )
    assert found["events"] == calls == events, found
    assert not found["forged"], found


if __name__ == "__main__":
    if sys.argv[1:] == ["receive"]:
        asyncio.run(receive())
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
