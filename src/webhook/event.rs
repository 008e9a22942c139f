//! What a delivery tells.

use serde::de::IgnoredAny;
use std::collections::HashMap;

use super::error::{Reason, VerificationError};
use crate::model::{Call, Document, DocumentError, Timestamp};

/// The one event type of today.
pub const CALL_ENDED: &str = "call.ended";

/// A verified event.
#[derive(Debug, Clone)]
pub struct Event {
    /// What `X-Webhook-ID` says; not signed.
    pub id: String,
    /// What `X-Webhook-Event` says; not signed.
    pub event_type: String,
    /// When the delivery was sent, in Unix seconds.
    pub timestamp: i64,
    /// The call. Always there for [`CALL_ENDED`].
    pub call: Option<Document<Call>>,
    /// The payload where it is no call.
    other: Option<Box<str>>,
}

impl Event {
    /// Reads an event's payload.
    pub fn new(
        id: String,
        event_type: String,
        timestamp: i64,
        body: &[u8],
    ) -> Result<Self, VerificationError> {
        let refuse = |error: &DocumentError| {
            VerificationError::new(
                Reason::InvalidPayload,
                format!("the signature fits, but the body is not the event it says: {error}"),
            )
        };
        let (call, other) = match Document::<Call>::parse(body) {
            Ok(call) => (Some(call), None),
            Err(error) if event_type == CALL_ENDED => return Err(refuse(&error)),
            Err(_) => {
                let object = Document::<HashMap<String, IgnoredAny>>::parse(body);
                (None, Some(object.map_err(|error| refuse(&error))?.json().into()))
            }
        };
        Ok(Self { id, event_type, timestamp, call, other })
    }

    /// The payload's JSON text.
    pub fn json(&self) -> &str {
        match (&self.call, &self.other) {
            (Some(call), _) => call.json(),
            (None, Some(other)) => other,
            (None, None) => "",
        }
    }

    /// When the delivery was sent. A moment that no calendar has is the epoch.
    pub fn sent_at(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::from_second(self.timestamp).unwrap_or_default())
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        let json = |event: &Self| serde_json::from_str::<serde_json::Value>(event.json()).ok();
        (&self.id, &self.event_type, self.timestamp)
            == (&other.id, &other.event_type, other.timestamp)
            && (self.json() == other.json() || json(self) == json(other))
    }
}
