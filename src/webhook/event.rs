//! What a delivery says.

use serde::Deserialize;

use super::error::{Reason, VerificationError};
use crate::model::{Call, Document, same_json};

/// The event type of a call that has ended.
pub const CALL_ENDED: &str = "call.ended";

/// A webhook event: the headers of its delivery, and its payload.
#[derive(Debug, Clone)]
pub struct Event {
    /// The event's id, the same for each delivery of it.
    pub id: String,
    /// `call.ended`, or another.
    pub event_type: String,
    /// When the delivery was sent, in Unix seconds.
    pub timestamp: i64,
    /// The call: always there for `call.ended`, and for another type where its payload is a call.
    pub call: Option<Document<Call>>,
    /// The payload where it is no call.
    other: Option<Document<Object>>,
}

impl Event {
    /// Reads the payload of a delivery whose signature was checked: any JSON object, and a call for
    /// `call.ended`.
    pub fn read(
        id: String,
        event_type: String,
        timestamp: i64,
        body: &[u8],
    ) -> Result<Self, VerificationError> {
        let (call, other) = match Document::parse(body) {
            Ok(call) => (Some(call), None),
            Err(error) if event_type == CALL_ENDED => {
                return Err(invalid(&format!("it is not a call: {error}")));
            }
            Err(_) => {
                let object = Document::<Object>::parse(body);
                (None, Some(object.map_err(|error| invalid(&error.to_string()))?))
            }
        };
        Ok(Self { id, event_type, timestamp, call, other })
    }

    /// The payload's JSON text: an object.
    pub fn json(&self) -> &str {
        let call = self.call.as_ref().map(Document::json);
        call.or(self.other.as_ref().map(Document::json)).unwrap_or_default()
    }
}

/// Any JSON object.
#[derive(Debug, Clone, Deserialize)]
struct Object {}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
            && self.event_type == other.event_type
            && self.timestamp == other.timestamp
            && same_json(self.json(), other.json())
    }
}

fn invalid(problem: &str) -> VerificationError {
    VerificationError::new(
        Reason::InvalidPayload,
        format!(
            "the signature fits, but the body is no event: {problem}; check what else signs with this \
             secret"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = r#"{"call_status": "completed", "call_id": "c1", "new": [1.5, null]}"#;

    fn read(event_type: &str, body: impl AsRef<[u8]>) -> Result<Event, VerificationError> {
        Event::read("evt_1".into(), event_type.into(), 17, body.as_ref())
    }

    fn problem(event_type: &str, body: impl AsRef<[u8]>) -> String {
        let error = read(event_type, body).unwrap_err();
        assert_eq!(error.reason, Reason::InvalidPayload);
        error.message
    }

    #[test]
    fn a_call_that_has_ended_is_a_call() {
        let body = format!(" {CALL}\n");
        let event = read(CALL_ENDED, &body).unwrap();
        let call = event.call.as_ref().unwrap();
        assert_eq!((call.call_id.as_str(), call.json()), ("c1", CALL));
        assert_eq!(event.json(), CALL);
        assert_eq!(event, read(CALL_ENDED, CALL).unwrap());
        assert_ne!(event, read("call.started", CALL).unwrap());
    }

    #[test]
    fn a_call_that_is_none_is_told_without_its_values() {
        let text = problem(CALL_ENDED, r#"{"call_status": "completed"}"#);
        assert!(text.contains("missing field `call_id`"), "{text}");
        let text = problem(
            CALL_ENDED,
            r#"{"call_status": "completed", "call_id": "c1", "attempt_no": "+919876543210"}"#,
        );
        assert!(text.contains("attempt_no: ") && !text.contains("98"), "{text}");
    }

    #[test]
    fn an_unknown_type_is_any_object() {
        assert!(read("call.rang", CALL).unwrap().call.is_some());
        let event = read("agent.born", r#"{"name": "x"}"#).unwrap();
        assert!(event.call.is_none());
        assert_eq!(event.json(), r#"{"name": "x"}"#);
    }

    #[test]
    fn no_object_no_event() {
        for body in [
            &b""[..],
            b"null",
            b"1",
            b"\"text\"",
            b"[]",
            b"[\"completed\", \"c1\"]",
            b"{",
            b"{\"a\": 1} {}",
            b"{\"a\": NaN}",
            b"{\"a\": \"\xff\"}",
            b"\xef\xbb\xbf{}",
        ] {
            problem("agent.born", body);
            problem(CALL_ENDED, body);
        }
    }

    #[test]
    fn nesting_has_an_end() {
        const MANY: usize = 1_000_000;
        let (open, close) = ("[".repeat(MANY), "]".repeat(MANY));
        for kind in [CALL_ENDED, "agent.born"] {
            problem(kind, &open);
            problem(kind, format!("{open}{close}"));
            problem(kind, format!(r#"{{"a": {open}"#));
            let call = CALL.trim_end_matches('}');
            problem(kind, format!(r#"{call}, "a": {open}{close}}}"#));
            problem(kind, r#"{"a":"#.repeat(MANY));
        }
    }
}
