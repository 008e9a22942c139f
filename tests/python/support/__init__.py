"""What the tests stand on: scripts in processes of their own, servers, and the API's documents."""

from __future__ import annotations

import os
from typing import Any

import revrag

SERVICE = os.environ.get("REVRAG_TEST_SERVICE", "tests")
if SERVICE not in ("tests", "sandbox"):
    raise ValueError(f"REVRAG_TEST_SERVICE: it is tests or sandbox, not {SERVICE!r}")
# Whether the sandbox stands in for the tests' own services, servers and senders.
IS_SANDBOXED = SERVICE == "sandbox"

# What every client of the tests says; a sandbox of no other settings takes it.
KEY = "sandbox-key"
CAMPAIGN_ID = "11111111-1111-1111-1111-111111111111"
RUN_ID = "00000000-0000-0000-0000-000000000001"
CALL_ID = "123e4567-e89b-12d3-a456-426614174000"
LEAD: dict[str, Any] = {
    "phone_number": "+919876543210",
    "variables": {"first_name": "Pankaj", "company": "Acme Inc."},
    "app_user_id": "user_12345",
    "app_session_id": "sess_abcdef",
}

# The reference's documents, whole.
OUTCOME: dict[str, Any] = {
    "phone_number": LEAD["phone_number"],
    "accepted": True,
    "run_id": RUN_ID,
    "status": "queued",
    "error": None,
}
REJECTION: dict[str, Any] = {
    "phone_number": "not-a-number",
    "accepted": False,
    "run_id": None,
    "status": None,
    "error": "Invalid Indian phone number: not-a-number",
}
PUSHED: dict[str, Any] = {"accepted": 1, "rejected": 0, "results": [OUTCOME]}
RECORD: dict[str, Any] = {
    "id": RUN_ID,
    "campaign_id": CAMPAIGN_ID,
    "workspace_id": "22222222-2222-2222-2222-222222222222",
    **LEAD,
    "status": "completed",
    "attempt_count": 1,
    "max_attempts": 3,
    "call_history": [{"call_id": CALL_ID, "status": "completed"}],
    "next_attempt_at": "2026-05-27T04:00:00.000000+00:00",
    "dnc_at": None,
    "dnc_reason": None,
    "created_at": "2026-05-27T03:00:00.000000+00:00",
    "updated_at": "2026-05-27T03:05:12.000000+00:00",
}
PAGE: dict[str, Any] = {
    "items": [RECORD],
    "total": 100,
    "has_more": True,
    "page": 1,
    "page_size": 50,
}
STATUS: dict[str, Any] = {
    "campaign_id": CAMPAIGN_ID,
    "status": "running",
    "stats": {
        "total_records": 100,
        "queued": 18,
        "in_progress": 4,
        "completed": 70,
        "failed": 3,
        "dnc": 2,
        "rescheduled": 1,
        "retry_pending": 2,
        "follow_up_pending": 0,
    },
}
CALL: dict[str, Any] = {
    "call_status": "completed",
    "call_id": CALL_ID,
    "agent_id": "33333333-3333-3333-3333-333333333333",
    "from_number": "+911140000000",
    "to_number": LEAD["phone_number"],
    "summary": "Customer confirmed the appointment for Friday.",
    "start_time": "2026-05-27T03:05:00+00:00",
    "end_time": "2026-05-27T03:06:12+00:00",
    "duration": 72,
    "disconnection_reason": "agent_hangup",
    "recording_url": "https://recordings.example/recording.mp3",
    "transcription": {
        "messages": [
            {"role": "assistant", "content": "Hi Pankaj, calling about your appointment…"},
            {"role": "user", "content": "Yes, Friday works."},
        ]
    },
    "custom_variables": [{"key": "appointment_confirmed", "type": "boolean", "value": True}],
    "variables_fields": {"first_name": "Pankaj"},
    "campaign_id": CAMPAIGN_ID,
    "attempt_no": 1,
    "app_user_id": "user_12345",
    "app_session_id": "sess_abcdef",
}


def campaign_at(url: str, **options: Any) -> revrag.Campaign:
    """A campaign of the service at ``url``."""
    return revrag.Client(KEY, base_url=url, **options).campaign(CAMPAIGN_ID)
