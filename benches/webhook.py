"""What verifying a 2.4 kB webhook costs, next to hashing and parsing the same bytes."""

from __future__ import annotations

import hashlib
import json
import time

import revrag
from timing import microseconds, report

TURNS = [
    {"role": role, "content": "Good morning, I am calling about your appointment on Friday."}
    for role in ("assistant", "user") * 8
]
BODY = json.dumps(
    {
        "call_status": "completed",
        "call_id": "123e4567-e89b-12d3-a456-426614174000",
        "agent_id": "33333333-3333-3333-3333-333333333333",
        "from_number": "+911140000000",
        "to_number": "+919876543210",
        "summary": "The customer confirmed the appointment for Friday. " * 4,
        "start_time": "2026-05-27T03:05:00+00:00",
        "end_time": "2026-05-27T03:06:12+00:00",
        "duration": 72,
        "disconnection_reason": "agent_hangup",
        "recording_url": "https://recordings.example/recording.mp3",
        "transcription": {"messages": TURNS},
        "custom_variables": [{"key": "confirmed", "type": "boolean", "value": True}],
        "variables_fields": {"first_name": "Pankaj"},
        "campaign_id": "11111111-1111-1111-1111-111111111111",
        "attempt_no": 1,
        "app_user_id": "user_12345",
        "app_session_id": "sess_abcdef",
    }
).encode()


def main() -> None:
    """Measure and print."""
    verifier = revrag.WebhookVerifier("whsec_0123456789abcdef0123456789abcdef")
    now = time.time()
    headers = {
        "Host": "hooks.example",
        "User-Agent": "RevRag-Webhooks/1.0",
        "Content-Type": "application/json",
        "Content-Length": str(len(BODY)),
        **verifier.sign(BODY, event_id="evt_01HC3Q0MZQABR3", timestamp=now),
    }
    times = microseconds(
        {
            "hashlib.sha256": lambda: hashlib.sha256(BODY).digest(),
            "json.loads": lambda: json.loads(BODY),
            "verify_signature": lambda: verifier.verify_signature(BODY, headers, now=now),
            "verify": lambda: verifier.verify(BODY, headers, now=now),
            "verify, then call.summary": lambda: (
                verifier.verify(BODY, headers, now=now).call.summary
            ),  # type: ignore[union-attr]
        }
    )
    print(f"a body of {len(BODY)} bytes; median microseconds of one call")
    for name, taken in times.items():
        print(f"  {name:28}{taken:8.2f}")
    hashing = times["hashlib.sha256"]
    report("verify_signature / sha256", times["verify_signature"] / hashing, 2)
    together = hashing + times["json.loads"]
    report("verify / (sha256 + json.loads)", times["verify"] / together, 1)


if __name__ == "__main__":
    main()
