//! The log of the service's requests: what came, what was answered, and which rule refused it.

use std::borrow::Cow;

use serde::Serialize;
use uuid::Uuid;

use super::ring::{Log, Text};
use super::time::Time;
use revrag::model::Timestamp;

/// Requests that are kept.
const KEPT: usize = 1_000;

/// The last requests.
pub type Requests = Log<Request>;

/// An empty log.
pub(super) fn log() -> Requests {
    Log::new(KEPT)
}

/// A request to the service, and its answer.
#[derive(Debug, Clone, Serialize)]
pub struct Request {
    /// Its number, from 1.
    pub id: u64,
    /// The answer's `X-Request-ID`, unless a fault was told another.
    pub request_id: Uuid,
    /// The sandbox's time when it was answered.
    #[serde(serialize_with = "stamp")]
    pub at: Time,
    /// How long its answer took, in seconds outside.
    pub seconds: f64,
    /// Its method.
    pub method: String,
    /// Its path and query.
    pub path: String,
    /// The workspace of its key, as an index.
    #[serde(skip)]
    pub workspace: Option<usize>,
    /// The answer's status; none where there was no answer.
    pub status: Option<u16>,
    /// Its body.
    pub request_body: Text,
    /// The answer's body.
    pub response_body: Text,
    /// What refused it, if it was refused.
    pub rule: Option<Rule>,
}

/// A rule that refuses requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its name.
    pub name: Cow<'static, str>,
    /// What it would have let pass.
    pub passes: Cow<'static, str>,
}

impl Rule {
    /// A rule, and what passes it.
    pub fn new(name: impl Into<Cow<'static, str>>, passes: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), passes: passes.into() }
    }
}

/// As the API writes moments.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
pub(super) fn stamp<S: serde::Serializer>(at: &Time, serializer: S) -> Result<S::Ok, S::Error> {
    Timestamp::from(*at).serialize(serializer)
}
