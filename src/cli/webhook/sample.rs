//! Made-up calls, in the shape of the reference.

use serde_json::{Value, json};
use uuid::Uuid;

/// What the samples carry as the caller's session id, so that an application can tell them from
/// calls that were made.
pub(super) const SESSION: &str = "revrag-sample";

/// A call that went well, with every documented field.
pub(super) fn call(id: Uuid) -> Value {
    json!({
        "call_status": "completed",
        "call_id": id.to_string(),
        "agent_id": "33333333-3333-3333-3333-333333333333",
        "from_number": "+911140000000",
        "to_number": "+919876543210",
        "summary": "Customer confirmed the appointment for Friday.",
        "start_time": "2026-05-27T03:05:00+00:00",
        "end_time": "2026-05-27T03:06:12+00:00",
        "duration": 72,
        "disconnection_reason": "agent_hangup",
        "recording_url": "https://recordings.example/recording.mp3",
        "transcription": {"messages": [
            {"role": "assistant", "content": "Hi Pankaj, calling about your appointment."},
            {"role": "user", "content": "Yes, Friday works."},
        ]},
        "custom_variables": [
            {"key": "appointment_confirmed", "type": "boolean", "value": true},
        ],
        "variables_fields": {"first_name": "Pankaj"},
        "campaign_id": "11111111-1111-1111-1111-111111111111",
        "attempt_no": 1,
        "app_user_id": "user_12345",
        "app_session_id": SESSION,
    })
}

/// A call that nobody answered and that belongs to no campaign: null is all that may be null.
pub(super) fn bare_call(id: Uuid) -> Value {
    json!({
        "call_status": "failed",
        "call_id": id.to_string(),
        "agent_id": "33333333-3333-3333-3333-333333333333",
        "from_number": "+911140000000",
        "to_number": "+919876543210",
        "summary": null,
        "start_time": null,
        "end_time": null,
        "duration": 0,
        "disconnection_reason": null,
        "recording_url": null,
        "transcription": null,
        "custom_variables": [],
        "variables_fields": null,
        "campaign_id": null,
        "attempt_no": null,
        "app_user_id": null,
        "app_session_id": SESSION,
    })
}

/// The call in a spelling that no serializer gives back: whoever signs a body that was parsed and
/// written anew signs other bytes.
pub(super) fn spelled_oddly(id: Uuid) -> String {
    let mut call = call(id);
    call["duration"] = Value::Null;
    let text = call.to_string();
    let text = text.replace(r#""duration":null"#, r#""duration" : 7.20e1"#);
    text.replace("Customer", r"\u0043ustomer \u2013 caf\u00e9:").replacen('{', "{\n\t ", 1) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use revrag::webhook::{CALL_ENDED, WebhookEvent};

    #[test]
    fn each_is_a_call() {
        let id = Uuid::from_u128(7);
        let texts = [call(id).to_string(), bare_call(id).to_string(), spelled_oddly(id)];
        for text in texts {
            let event =
                WebhookEvent::read("evt_1".into(), CALL_ENDED.into(), 17, text.as_bytes()).unwrap();
            assert_eq!(event.call.unwrap().call_id, Some(id.to_string()), "{text}");
        }
    }

    #[test]
    fn the_odd_spelling_does_not_come_back() {
        let text = spelled_oddly(Uuid::from_u128(7));
        let value: Value = serde_json::from_str(&text).unwrap();
        for written in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            assert_ne!(written, text);
        }
    }
}
