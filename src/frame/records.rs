//! Records as a table.

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

use super::columns::{Columns, text};
use super::variables::Variables;
use crate::model::{Document, Record};

/// Records as a table with the documented fields.
pub fn records(
    records: &[&Document<Record>],
    variables: &Variables,
) -> Result<RecordBatch, ArrowError> {
    let mut columns = Columns::new(records);
    columns.text("id", |record: &Record| &record.id);
    columns.text("campaign_id", |record| &record.campaign_id);
    columns.text("workspace_id", |record| &record.workspace_id);
    columns.text("phone_number", |record| &record.phone_number);
    columns.text("status", |record| &record.status);
    let mut objects = Vec::with_capacity(records.len());
    columns.each("variables", |record| &record.variables, |object| objects.push(object.clone()));
    columns.add("variables", variables.array(&objects)?);
    columns.text("app_user_id", |record| &record.app_user_id);
    columns.text("app_session_id", |record| &record.app_session_id);
    columns.whole("attempt_count", |record| &record.attempt_count);
    columns.whole("max_attempts", |record| &record.max_attempts);
    columns.list(
        "call_history",
        ["call_id", "status"],
        |record| &record.call_history,
        |attempt| [text(attempt.call_id.as_deref()), text(attempt.status.as_deref())],
    );
    columns.moment("next_attempt_at", |record| &record.next_attempt_at);
    columns.moment("dnc_at", |record| &record.dnc_at);
    columns.text("dnc_reason", |record| &record.dnc_reason);
    columns.moment("created_at", |record| &record.created_at);
    columns.moment("updated_at", |record| &record.updated_at);
    columns.finish()
}
