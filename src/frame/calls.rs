//! Calls as a table: a row for each, or a row for each message.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::builder::{Int64Builder, StringBuilder};
use arrow_schema::ArrowError;

use super::columns::{Columns, add_texts, json_text, lists, text};
use super::variables::Variables;
use crate::model::{Call, Document};

/// Calls as a table with the documented fields: `transcription` is a list of messages.
pub fn calls(calls: &[&Document<Call>], variables: &Variables) -> Result<RecordBatch, ArrowError> {
    let mut columns = Columns::new(calls);
    columns.text("call_status", |call: &Call| &call.call_status);
    columns.text("call_id", |call| &call.call_id);
    columns.text("agent_id", |call| &call.agent_id);
    columns.text("from_number", |call| &call.from_number);
    columns.text("to_number", |call| &call.to_number);
    columns.text("summary", |call| &call.summary);
    columns.moment("start_time", |call| &call.start_time);
    columns.moment("end_time", |call| &call.end_time);
    columns.number("duration", |call| &call.duration);
    columns.text("disconnection_reason", |call| &call.disconnection_reason);
    columns.text("recording_url", |call| &call.recording_url);
    let mut made = lists(["role", "content"]);
    columns.each(
        "transcription",
        |call| &call.transcription,
        |transcription| {
            for message in transcription.iter().flat_map(|said| said.messages.iter()) {
                add_texts(made.values(), [&message.role, &message.content].map(Option::as_deref));
            }
            made.append(transcription.is_some());
        },
    );
    columns.add("transcription", Arc::new(made.finish()));
    columns.list(
        "custom_variables",
        ["key", "type", "value"],
        |call| &call.custom_variables,
        |variable| {
            [
                text(variable.key.as_deref()),
                text(variable.r#type.as_deref()),
                Some(json_text(&variable.value)),
            ]
        },
    );
    let mut objects = Vec::with_capacity(calls.len());
    columns.each(
        "variables_fields",
        |call| &call.variables_fields,
        |object| {
            objects.push(object.clone());
        },
    );
    columns.add("variables_fields", variables.array(&objects)?);
    columns.text("campaign_id", |call| &call.campaign_id);
    columns.whole("attempt_no", |call| &call.attempt_no);
    columns.text("app_user_id", |call| &call.app_user_id);
    columns.text("app_session_id", |call| &call.app_session_id);
    columns.finish()
}

/// Messages as a table: which call, which of its messages, from 0, who, and what.
pub fn messages(calls: &[&Document<Call>]) -> Result<RecordBatch, ArrowError> {
    let mut texts: [StringBuilder; 4] = Default::default();
    let mut places = Int64Builder::new();
    for call in calls {
        let said = call.transcription.iter().flat_map(|said| said.messages.iter());
        for (at, message) in (0..).zip(said) {
            let row = [&call.call_id, &call.app_session_id, &message.role, &message.content];
            for (column, text) in texts.iter_mut().zip(row) {
                column.append_option(text.as_deref());
            }
            places.append_value(at);
        }
    }
    let [call_id, app_session_id, role, content] = &mut texts;
    let mut columns = Columns::<Call>::new(&[]);
    columns.add("call_id", Arc::new(call_id.finish()));
    columns.add("app_session_id", Arc::new(app_session_id.finish()));
    columns.add("message", Arc::new(places.finish()));
    columns.add("role", Arc::new(role.finish()));
    columns.add("content", Arc::new(content.finish()));
    columns.finish()
}
