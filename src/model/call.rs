//! A call: its outcome, its transcript, and what the agent took from it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::document::{Document, Fields};
use super::timestamp::Timestamp;

/// A call, as `GET /v1/campaigns/trigger/status/{call_id}` and the `call.ended` webhook tell it.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Call {
    /// `completed`, `failed`, or another.
    pub call_status: String,
    /// The call's id.
    pub call_id: String,
    /// The agent that placed it.
    pub agent_id: Option<String>,
    /// The caller's number.
    pub from_number: Option<String>,
    /// The callee's number.
    pub to_number: Option<String>,
    /// A generated summary, where there is a transcript.
    pub summary: Option<String>,
    /// When the call began.
    pub start_time: Option<Timestamp>,
    /// When it ended.
    pub end_time: Option<Timestamp>,
    /// Its length in seconds.
    pub duration: Option<Number>,
    /// Why it ended, normalized.
    pub disconnection_reason: Option<String>,
    /// A presigned URL of the recording.
    pub recording_url: Option<String>,
    /// What was said.
    pub transcription: Option<Document<Transcription>>,
    /// What the agent took from the call.
    #[serde(default, deserialize_with = "super::document::null_as_absent")]
    pub custom_variables: Vec<Document<CustomVariable>>,
    /// The variables sent with the push.
    pub variables_fields: Option<Map<String, Value>>,
    /// The campaign, if the call belongs to one.
    pub campaign_id: Option<String>,
    /// Which attempt this call was.
    pub attempt_no: Option<u32>,
    /// The caller's own user id.
    pub app_user_id: Option<String>,
    /// The caller's own session id.
    pub app_session_id: Option<String>,
}

/// What was said in a call, turn by turn.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Transcription {
    /// The turns, in order.
    #[serde(default, deserialize_with = "super::document::null_as_absent")]
    pub messages: Vec<Document<Message>>,
}

/// One turn of a conversation.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Message {
    /// `assistant` or `user`, or another.
    pub role: String,
    /// The words.
    pub content: Option<String>,
}

/// A variable the agent extracted after the call.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct CustomVariable {
    /// Its name.
    pub key: String,
    /// The name of its type, as in `boolean`.
    pub r#type: Option<String>,
    /// Its value: any JSON.
    #[serde(default)]
    pub value: Value,
}

impl Fields for Call {
    const FIELDS: &'static [&'static str] = &[
        "call_status",
        "call_id",
        "agent_id",
        "from_number",
        "to_number",
        "summary",
        "start_time",
        "end_time",
        "duration",
        "disconnection_reason",
        "recording_url",
        "transcription",
        "custom_variables",
        "variables_fields",
        "campaign_id",
        "attempt_no",
        "app_user_id",
        "app_session_id",
    ];
}

impl Fields for Transcription {
    const FIELDS: &'static [&'static str] = &["messages"];
}

impl Fields for Message {
    const FIELDS: &'static [&'static str] = &["role", "content"];
}

impl Fields for CustomVariable {
    const FIELDS: &'static [&'static str] = &["key", "type", "value"];
}
