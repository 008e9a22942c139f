//! A call: its outcome, its transcript, and what the agent took from it.

use serde::Serialize;

use super::document::{Document, model};
use super::timestamp::Timestamp;
use super::value::{Json, List, Number, Object, Whole};

/// A call, as `GET /v1/campaigns/trigger/status/{call_id}` and the `call.ended` webhook tell it.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Call {
    /// `completed`, `failed`, or another.
    pub call_status: Option<String>,
    /// The call's id.
    pub call_id: Option<String>,
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
    pub custom_variables: List<CustomVariable>,
    /// The variables sent with the push.
    pub variables_fields: Option<Object>,
    /// The campaign, if the call belongs to one.
    pub campaign_id: Option<String>,
    /// Which attempt this call was.
    pub attempt_no: Option<Whole>,
    /// The caller's own user id.
    pub app_user_id: Option<String>,
    /// The caller's own session id.
    pub app_session_id: Option<String>,
}

/// What was said in a call, turn by turn.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Transcription {
    /// The turns, in order.
    pub messages: List<Message>,
}

/// One turn of a conversation.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Message {
    /// `assistant` or `user`, or another.
    pub role: Option<String>,
    /// The words.
    pub content: Option<String>,
}

/// A variable the agent extracted after the call.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CustomVariable {
    /// Its name.
    pub key: Option<String>,
    /// The name of its type, as in `boolean`.
    pub r#type: Option<String>,
    /// Its value: any JSON.
    pub value: Json,
}

model! {
    Call needs ["call_id"] {
        "call_status" => call_status,
        "call_id" => call_id,
        "agent_id" => agent_id,
        "from_number" => from_number,
        "to_number" => to_number,
        "summary" => summary,
        "start_time" => start_time,
        "end_time" => end_time,
        "duration" => duration,
        "disconnection_reason" => disconnection_reason,
        "recording_url" => recording_url,
        "transcription" => transcription,
        "custom_variables" => custom_variables,
        "variables_fields" => variables_fields,
        "campaign_id" => campaign_id,
        "attempt_no" => attempt_no,
        "app_user_id" => app_user_id,
        "app_session_id" => app_session_id,
    }
}

model! {
    Transcription needs [] {
        "messages" => messages,
    }
}

model! {
    Message needs [] {
        "role" => role,
        "content" => content,
    }
}

model! {
    CustomVariable needs [] {
        "key" => key,
        "type" => r#type,
        "value" => value,
    }
}
