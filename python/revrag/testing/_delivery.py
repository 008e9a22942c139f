"""Signed deliveries, as the service would send them."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from revrag import Call, InvalidArgumentError, WebhookVerifier
from revrag.webhooks import _clock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

SAMPLE = {
    "call_status": "completed",
    "agent_id": "33333333-3333-3333-3333-333333333333",
    "from_number": "+911140000000",
    "to_number": "+919876543210",
    "summary": "Customer confirmed the appointment for Friday.",
    "start_time": "2026-05-27T03:05:00+00:00",
    "end_time": "2026-05-27T03:06:12+00:00",
    "duration": 72,
    "disconnection_reason": "agent_hangup",
    "recording_url": "https://recordings.example/recording.mp3",
    "transcription": {
        "messages": [
            {"role": "assistant", "content": "Hi Pankaj, calling about your appointment."},
            {"role": "user", "content": "Yes, Friday works."},
        ]
    },
    "custom_variables": [{"key": "appointment_confirmed", "type": "boolean", "value": True}],
    "variables_fields": {"first_name": "Pankaj"},
    "campaign_id": "11111111-1111-1111-1111-111111111111",
    "attempt_no": 1,
    "app_user_id": "user_12345",
    "app_session_id": "sess_abcdef",
}


@dataclass(frozen=True)
class Delivery:
    """A signed delivery.

    Attributes:
        body: The raw body.
        headers: The four signed headers and the content type.

    Example:
        >>> sent = revrag.testing.delivery(revrag.testing.sample_call(), "whsec")
        >>> response = fastapi.testclient.TestClient(app).post("/revrag", **sent.fastapi())
    """

    body: bytes
    headers: dict[str, str]

    def fastapi(self) -> dict[str, Any]:
        """The arguments for the `post` of FastAPI's `TestClient`, of httpx and of requests' kin.

        Example:
            >>> sent = revrag.testing.delivery({"any": "thing"}, "whsec", event_type="test.event")
            >>> sorted(sent.fastapi())
            ['content', 'headers']
        """
        return {"content": self.body, "headers": self.headers}

    def django(self) -> dict[str, Any]:
        """The arguments for the `post` of Django's `Client` and `AsyncClient`.

        Example:
            >>> sent = revrag.testing.delivery({"any": "thing"}, "whsec", event_type="test.event")
            >>> sorted(sent.django())
            ['content_type', 'data', 'headers']
        """
        headers = {name: text for name, text in self.headers.items() if name != "Content-Type"}
        return {
            "data": self.body,
            "content_type": self.headers["Content-Type"],
            "headers": headers,
        }

    def flask(self) -> dict[str, Any]:
        """The arguments for the `post` of Flask's test client.

        Example:
            >>> sent = revrag.testing.delivery({"any": "thing"}, "whsec", event_type="test.event")
            >>> sorted(sent.flask())
            ['data', 'headers']
        """
        return {"data": self.body, "headers": self.headers}


def delivery(
    payload: Call | Mapping[str, Any],
    verifier: WebhookVerifier | str,
    *,
    event_id: str | None = None,
    event_type: str = "call.ended",
    timestamp: float | datetime | None = None,
) -> Delivery:
    """Sign a delivery, to post with a framework's test client.

    The same payload signed twice in one second is one delivery, whatever its ids: the second is a
    replay to an endpoint.

    Args:
        payload: The call, or what else the body is to say.
        verifier: The endpoint's verifier, whose first secret signs; or a secret.
        event_id: What `X-Webhook-ID` says; by default one of its own. A redelivery repeats it.
        event_type: What `X-Webhook-Event` says.
        timestamp: When it is sent, as Unix seconds or an aware datetime; by default now.

    Returns:
        The delivery.

    Raises:
        InvalidArgumentError: The id or the type can't stand in a header, or the secret is empty.

    Example:
        >>> sent = revrag.testing.delivery(revrag.testing.sample_call(), "whsec", event_id="evt_1")
        >>> sent.headers["X-Webhook-ID"]
        'evt_1'
    """
    if isinstance(verifier, str):
        verifier = WebhookVerifier(verifier)
    document = payload.to_dict() if isinstance(payload, Call) else dict(payload)
    body = json.dumps(document).encode()
    headers = verifier.sign(
        body,
        event_id=f"evt_{secrets.token_hex(13)}" if event_id is None else event_id,
        event_type=event_type,
        timestamp=_clock.now() if timestamp is None else timestamp,
    )
    return Delivery(body, {"Content-Type": "application/json", **headers})


def sample_call(**changes: Any) -> Call:
    """A call that has ended, with every documented field and an id of its own.

    Args:
        **changes: Fields to change.

    Returns:
        The call.

    Raises:
        InvalidArgumentError: A field has a value that no call has.

    Example:
        >>> revrag.testing.sample_call(call_status="failed").call_status
        'failed'
    """
    call = Call.from_dict({**SAMPLE, "call_id": str(uuid4()), **changes})
    for name, value in changes.items():
        # What is no such value is read as None.
        if getattr(call, name, value) is None and (value is not None or name == "call_id"):
            raise InvalidArgumentError(f"{name}: no call has this value")
    return call
