//! What is pushed, and what the service says of it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::document::model;
use super::value::{List, Whole};

/// One record to push. Absent fields are left out of the request.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PushResult {
    /// How many records were queued for calling.
    pub accepted: Option<Whole>,
    /// How many were rejected.
    pub rejected: Option<Whole>,
    /// `results[i]` belongs to the i-th record of the push.
    pub results: List<PushOutcome>,
}

/// What became of one pushed record.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PushOutcome {
    /// The number as submitted.
    pub phone_number: Option<String>,
    /// Whether the record was created and queued.
    pub accepted: Option<bool>,
    /// The created run's id, where accepted.
    pub run_id: Option<String>,
    /// The initial status, where accepted.
    pub status: Option<String>,
    /// Why the record was rejected, where it was.
    pub error: Option<String>,
}

model! {
    PushResult needs ["results"] {
        "accepted" => accepted,
        "rejected" => rejected,
        "results" => results,
    }
}

model! {
    PushOutcome needs ["accepted"] {
        "phone_number" => phone_number,
        "accepted" => accepted,
        "run_id" => run_id,
        "status" => status,
        "error" => error,
    }
}
