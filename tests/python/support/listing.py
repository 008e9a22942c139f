"""A campaign that is listed page by page, each record of which has a call."""

from __future__ import annotations

import socket
import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support import CALL, RECORD
from support.server import Act, Request, answer

VARIABLES: list[Any] = [{"name": "Riya", "n": 1}, {"n": 2.5, "tags": ["a"]}, {}, None]


def uid(number: int) -> str:
    return str(uuid.UUID(int=number))


def record(number: int) -> dict[str, Any]:
    variables = VARIABLES[number % len(VARIABLES)]
    history = [{"call_id": uid(1000 + number), "status": "completed"}]
    return RECORD | {"id": uid(number), "variables": variables, "call_history": history}


def service(count: int, lost: int = -1) -> Act:
    """A campaign of so many records, each with a call; one call is lost."""

    def act(connection: socket.socket, request: Request) -> None:
        target = urlsplit(request.target)
        last = target.path.rpartition("/")[2]
        if last == "records":
            asked = {
                name: int(value[0])
                for name, value in parse_qs(target.query).items()
                if name != "status"
            }
            start = (asked["page"] - 1) * asked["page_size"]
            end = min(start + asked["page_size"], count)
            told = asked | {"items": [record(n) for n in range(start, end)]}
            connection.sendall(answer(200, told | {"total": count, "has_more": end < count}))
            return
        number = uuid.UUID(last).int
        if number == 1000 + lost or number == 999_999:
            connection.sendall(answer(404, {"detail": "not found"}))
        elif number >= 1000:
            connection.sendall(answer(200, CALL | {"call_id": last}))
        else:
            connection.sendall(answer(200, record(number)))

    return act
