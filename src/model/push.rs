//! What is pushed, and what the service says of it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Document;
use super::document::Fields;

/// One record to push. Absent fields are left out of the request.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct NewRecord {
    /// The number to call; E.164 is recommended.
    pub phone_number: String,
    /// The agent's variables. An explicit null in here is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variables: Option<Map<String, Value>>,
    /// The caller's own user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_user_id: Option<String>,
    /// The caller's own session id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_session_id: Option<String>,
}

/// The answer to a push: one outcome for each record, in the order sent.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct PushResult {
    /// How many records were queued for calling.
    pub accepted: u64,
    /// How many were rejected.
    pub rejected: u64,
    /// `results[i]` belongs to the i-th record of the push.
    pub results: Vec<Document<PushOutcome>>,
}

/// What became of one pushed record.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct PushOutcome {
    /// The number as submitted.
    pub phone_number: String,
    /// Whether the record was created and queued.
    pub accepted: bool,
    /// The created run's id, where accepted.
    pub run_id: Option<String>,
    /// The initial status, where accepted.
    pub status: Option<String>,
    /// Why the record was rejected, where it was.
    pub error: Option<String>,
}

impl Fields for PushResult {
    const FIELDS: &'static [&'static str] = &["accepted", "rejected", "results"];
}

impl Fields for PushOutcome {
    const FIELDS: &'static [&'static str] =
        &["phone_number", "accepted", "run_id", "status", "error"];
}
