//! What a delivery says.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::error::{Reason, VerificationError};
use crate::model::{Call, Document};

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
    json: Box<str>,
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
        let json = std::str::from_utf8(body).map_err(|_| invalid("it is not UTF-8 text"))?;
        serde_json::from_str::<Payload>(json).map_err(|error| {
            if error.is_data() {
                invalid("it is not a JSON object")
            } else {
                invalid(&format!(
                    "it is not JSON that can be read (line {}, column {})",
                    error.line(),
                    error.column()
                ))
            }
        })?;
        let call = match Document::parse(body) {
            Ok(call) => Some(call),
            Err(error) if event_type == CALL_ENDED => {
                return Err(invalid(&format!("it is not a call: {error}")));
            }
            Err(_) => None,
        };
        Ok(Self { id, event_type, timestamp, call, json: json.into() })
    }

    /// The body, to the letter: a JSON object.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The body as a value: a JSON object.
    pub fn payload(&self) -> Value {
        // It was read once, by the same rules.
        serde_json::from_str(&self.json).unwrap_or_default()
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
            && self.event_type == other.event_type
            && self.timestamp == other.timestamp
            && (self.json == other.json || self.payload() == other.payload())
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

/// A JSON object that [`Value`] can hold, read without building it: nested no deeper than
/// `serde_json` allows, its numbers in range, its escapes sound.
struct Payload;

/// Any value inside of it.
struct Part;

/// A name inside of it.
struct Name;

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PartVisitor)?;
        Ok(Self)
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not `IgnoredAny`: skipping knows no limits.
        deserializer.deserialize_any(PartVisitor)?;
        Ok(Self)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)?;
        Ok(Self)
    }
}

struct PartVisitor;

impl<'de> Visitor<'de> for PartVisitor {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<Part>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<Name, Part>()?.is_some() {}
        Ok(())
    }
}

struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<(), E> {
        // To `Value` an object with this name is not an object, but JSON within JSON.
        if name == "$serde_json::private::RawValue" {
            return Err(E::custom("a reserved name"));
        }
        Ok(())
    }
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
        assert_eq!(event.json(), body);
        assert_eq!(event.payload()["new"][0], 1.5);
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
        assert_eq!(event.payload(), serde_json::json!({"name": "x"}));
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
            b"{\"a\": 1e999}",
            b"{\"a\": \"\\ud800\"}",
            b"{\"a\": \"\xff\"}",
            b"\xef\xbb\xbf{}",
            b"{\"$serde_json::private::RawValue\": \"[]\"}",
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
            let call = &CALL[..CALL.len() - 1];
            problem(kind, format!(r#"{call}, "a": {open}{close}}}"#));
            problem(kind, r#"{"a":"#.repeat(MANY));
        }
    }

    #[test]
    fn what_was_read_can_be_read_again() {
        let mut deepest = 0;
        for depth in 120..135 {
            let body = format!(r#"{{"a": {}{}}}"#, "[".repeat(depth), "]".repeat(depth));
            if let Ok(event) = read("agent.born", body) {
                assert!(event.payload().is_object());
                deepest = depth;
            }
        }
        assert_eq!(deepest, 126);
    }
}
