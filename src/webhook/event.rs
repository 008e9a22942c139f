//! What a delivery says.

use std::hash::{Hash, Hasher};

use bytes::Bytes;

use super::error::{Reason, VerificationError};
use crate::model::{Call, Document, Shape, same_json};

/// The event type of a call that has ended.
pub const CALL_ENDED: &str = "call.ended";

/// A webhook event: the headers of its delivery, and its payload.
#[derive(Debug, Clone)]
pub struct WebhookEvent {
    /// The event's id, the same for each delivery of it.
    pub id: String,
    /// `call.ended`, or another.
    pub event_type: String,
    /// When the delivery was sent, in Unix seconds.
    pub timestamp: i64,
    /// The call, where the payload has a `call_id`: always there for `call.ended`.
    pub call: Option<Document<Call>>,
    /// The payload's JSON text.
    json: Bytes,
}

impl WebhookEvent {
    /// Reads the payload of a delivery whose signature was checked: any JSON object, and a call for
    /// `call.ended`.
    pub fn read(
        id: String,
        event_type: String,
        timestamp: i64,
        body: &[u8],
    ) -> Result<Self, VerificationError> {
        let read = Document::<Call>::read_or_else(&Bytes::copy_from_slice(body));
        let (call, json) = match read.map_err(|error| invalid(&error.to_string()))? {
            Ok(call) => {
                let json = call.shared_json();
                (Some(call), json)
            }
            Err((Shape::Missing(_), json)) if event_type != CALL_ENDED => (None, json),
            Err((shape @ Shape::Missing(_), _)) => {
                return Err(invalid(&format!("it is not a call: {shape}")));
            }
            Err((shape, _)) => return Err(invalid(&shape.to_string())),
        };
        Ok(Self { id, event_type, timestamp, call, json })
    }

    /// The payload's JSON text, an object: UTF-8 in which half a surrogate pair may stand as its
    /// three bytes.
    pub fn json(&self) -> &[u8] {
        &self.json
    }
}

impl PartialEq for WebhookEvent {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
            && self.event_type == other.event_type
            && self.timestamp == other.timestamp
            && same_json(&self.json, &other.json)
    }
}

impl Eq for WebhookEvent {}

impl Hash for WebhookEvent {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // What is equal has one id; the payload need not be read.
        (&self.id, &self.event_type, self.timestamp).hash(state);
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

    fn read(event_type: &str, body: impl AsRef<[u8]>) -> Result<WebhookEvent, VerificationError> {
        WebhookEvent::read("evt_1".into(), event_type.into(), 17, body.as_ref())
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
        assert_eq!((call.call_id.as_deref(), call.json()), (Some("c1"), CALL.as_bytes()));
        assert_eq!(event.json(), CALL.as_bytes());
        assert_eq!(event, read(CALL_ENDED, CALL).unwrap());
        assert_ne!(event, read("call.started", CALL).unwrap());
    }

    #[test]
    fn a_call_that_is_none_is_told_without_its_values() {
        let text = problem(CALL_ENDED, r#"{"call_status": "completed"}"#);
        assert!(text.contains("missing field `call_id`"), "{text}");
    }

    #[test]
    fn what_has_a_call_id_is_a_call() {
        for (id, read_as) in
            [("\"c1\"", Some("c1")), ("17", Some("17")), ("null", None), ("[]", None)]
        {
            let body = format!(r#"{{"call_id": {id}, "attempt_no": "x", "call_status": NaN}}"#);
            let event = read(CALL_ENDED, &body).unwrap();
            assert_eq!(event.call.unwrap().call_id.as_deref(), read_as);
        }
    }

    #[test]
    fn an_unknown_type_is_any_object() {
        assert!(read("call.rang", CALL).unwrap().call.is_some());
        let event = read("agent.born", r#"{"name": "x"}"#).unwrap();
        assert!(event.call.is_none());
        assert_eq!(event.json(), br#"{"name": "x"}"#);
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
            b"{\"a\": \"\xff\"}",
            b"\xef\xbb\xbf\xef\xbb\xbf{}",
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
