//! The log of webhook deliveries: each attempt with its request and its answer.

use serde::Serialize;

use super::requests::stamp;
use super::ring::{Log, Text};
use super::time::Time;

/// Attempts that are kept.
const KEPT: usize = 1_000;

/// The last attempts.
pub type Deliveries = Log<Delivery>;

/// An empty log.
pub(super) fn log() -> Deliveries {
    Log::new(KEPT)
}

/// One attempt to deliver an event.
#[derive(Debug, Clone, Serialize)]
pub struct Delivery {
    /// Its number, from 1.
    pub id: u64,
    /// The event's `X-Webhook-ID`: that of all its attempts.
    pub event_id: String,
    /// The call that ended, as an index.
    #[serde(skip)]
    pub call: usize,
    /// The workspace whose webhook it is, as an index.
    #[serde(skip)]
    pub workspace: usize,
    /// Which attempt to deliver the event it was, from 1.
    pub attempt: u16,
    /// The sandbox's time when it was over.
    #[serde(serialize_with = "stamp")]
    pub at: Time,
    /// How long it took, in seconds outside.
    pub seconds: f64,
    /// `POST`.
    pub method: &'static str,
    /// Where it went.
    pub url: String,
    /// The request's headers.
    pub request_headers: Vec<(String, String)>,
    /// The request's body.
    pub request_body: Text,
    /// The answer's status; none where there was no answer.
    pub status: Option<u16>,
    /// The answer's body.
    pub response_body: Text,
    /// Why there was no answer, or what a fault made of the attempt.
    pub problem: Option<String>,
    /// When the next attempt is due; none after a 2xx, and after the last.
    #[serde(serialize_with = "stamp_if_any")]
    pub next_attempt_at: Option<Time>,
}

impl Delivery {
    /// Whether it was answered with a 2xx.
    pub fn is_delivered(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

#[allow(clippy::ref_option, reason = "the signature that serde asks for")]
fn stamp_if_any<S: serde::Serializer>(at: &Option<Time>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => stamp(at, serializer),
        None => serializer.serialize_none(),
    }
}
