"""Many deliveries at a time over kept connections."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable

from revrag import testing

KEPT_FOR = 20  # requests


async def deliver_all(
    port: int, event_ids: Iterable[str], sign: Callable[[str], testing.Delivery], at_a_time: int
) -> tuple[Counter[int], int]:
    """Deliver the events, each again until it is answered with 200, as the service does.

    Returns:
        How often each status came, 0 where there was no answer, and how many tries there were.
    """
    waiting = deque(event_ids)
    under_way = 0
    statuses: Counter[int] = Counter()

    async def courier() -> None:
        nonlocal under_way
        connection = Connection(port)
        while waiting or under_way:
            if not waiting:
                await asyncio.sleep(0.01)  # what is under way may yet fail
                continue
            event_id = waiting.popleft()
            under_way += 1
            status = await connection.post(sign(event_id))
            under_way -= 1
            statuses[status] += 1
            if status != 200:
                waiting.append(event_id)
        connection.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(at_a_time):
            group.create_task(courier())
    return statuses, sum(statuses.values())


class Connection:
    """A connection that is kept for a while.

    The worker that is up first takes all there are; new ones are shared.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._left = 0
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, sent: testing.Delivery) -> int:
        """Make one request; its status, or 0 where there is no answer."""
        head = "".join(f"{name}: {text}\r\n" for name, text in sent.headers.items())
        length = len(sent.body)
        request = f"POST /revrag HTTP/1.1\r\nHost: x\r\n{head}Content-Length: {length}\r\n\r\n"
        try:
            self._left -= 1
            if self._left < 0:
                self.close()
            if self._writer is None:
                self._left = KEPT_FOR
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
            self._writer.write(request.encode() + sent.body)
            answer = (await self._reader.readuntil(b"\r\n\r\n")).lower()
            _, _, rest = answer.partition(b"content-length:")
            await self._reader.readexactly(int(rest.split(b"\r\n", 1)[0] or b"0"))
            if b"connection: close" in answer:
                self.close()
            return int(answer.split(b" ", 2)[1])
        except (OSError, EOFError):
            self.close()
            return 0

    def close(self) -> None:
        """Close it."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
