//! Records and calls as columns.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow_schema::{ArrowError, SchemaRef};

use revrag::model::{Call, Document, Number, Object, Record, Timestamp, Whole};

/// What can be shown as a row.
pub(super) trait Row: Sized {
    /// The columns for people.
    const HEAD: &'static [&'static str];

    /// Rows as columns: all that the reference has.
    fn batch(rows: &[Document<Self>]) -> Result<RecordBatch, ArrowError>;

    /// The cells for people; `number` shows a phone number, `words` other people's words.
    fn cells(
        row: &Document<Self>,
        number: &dyn Fn(&str) -> String,
        words: &dyn Fn(&str) -> String,
    ) -> Vec<String>;

    /// The columns of a table without rows.
    fn schema() -> Result<SchemaRef, ArrowError> {
        Self::batch(&[]).map(|batch| batch.schema())
    }
}

impl Row for Record {
    const HEAD: &'static [&'static str] =
        &["run id", "number", "status", "attempts", "updated", "next attempt", "user", "session"];

    fn batch(rows: &[Document<Self>]) -> Result<RecordBatch, ArrowError> {
        let attempts = |row: &Document<Self>| serde_json::to_string(&row.call_history).ok();
        RecordBatch::try_from_iter_with_nullable([
            text(rows, "run_id", |row| row.id.clone()),
            text(rows, "campaign_id", |row| row.campaign_id.clone()),
            text(rows, "workspace_id", |row| row.workspace_id.clone()),
            text(rows, "phone_number", |row| row.phone_number.clone()),
            text(rows, "status", |row| row.status.clone()),
            text(rows, "variables", |row| row.variables.as_ref().map(json)),
            text(rows, "app_user_id", |row| row.app_user_id.clone()),
            text(rows, "app_session_id", |row| row.app_session_id.clone()),
            whole(rows, "attempt_count", |row| row.attempt_count.as_ref()),
            whole(rows, "max_attempts", |row| row.max_attempts.as_ref()),
            text(rows, "call_history", attempts),
            moment(rows, "next_attempt_at", |row| row.next_attempt_at),
            moment(rows, "dnc_at", |row| row.dnc_at),
            text(rows, "dnc_reason", |row| row.dnc_reason.clone()),
            moment(rows, "created_at", |row| row.created_at),
            moment(rows, "updated_at", |row| row.updated_at),
        ])
    }

    fn cells(
        row: &Document<Self>,
        number: &dyn Fn(&str) -> String,
        words: &dyn Fn(&str) -> String,
    ) -> Vec<String> {
        let told = |text: &Option<String>| text.as_deref().map(words).unwrap_or_default();
        let count = |count: &Option<Whole>| {
            count.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string)
        };
        vec![
            row.id.as_deref().map(super::output::printable).unwrap_or_default(),
            row.phone_number.as_deref().map(number).unwrap_or_default(),
            told(&row.status),
            format!("{}/{}", count(&row.attempt_count), count(&row.max_attempts)),
            super::moment::shown(row.updated_at.as_ref()),
            super::moment::shown(row.next_attempt_at.as_ref()),
            told(&row.app_user_id),
            told(&row.app_session_id),
        ]
    }
}

impl Row for Call {
    const HEAD: &'static [&'static str] =
        &["call id", "number", "status", "duration", "began", "ended by", "summary"];

    fn batch(rows: &[Document<Self>]) -> Result<RecordBatch, ArrowError> {
        let said = |row: &Document<Self>| row.transcription.as_ref().map(|said| lossy(said.json()));
        let taken = |row: &Document<Self>| serde_json::to_string(&row.custom_variables).ok();
        RecordBatch::try_from_iter_with_nullable([
            text(rows, "call_id", |row| row.call_id.clone()),
            text(rows, "call_status", |row| row.call_status.clone()),
            text(rows, "agent_id", |row| row.agent_id.clone()),
            text(rows, "from_number", |row| row.from_number.clone()),
            text(rows, "to_number", |row| row.to_number.clone()),
            text(rows, "summary", |row| row.summary.clone()),
            moment(rows, "start_time", |row| row.start_time),
            moment(rows, "end_time", |row| row.end_time),
            float(rows, "duration", |row| row.duration.as_ref().and_then(seconds)),
            text(rows, "disconnection_reason", |row| row.disconnection_reason.clone()),
            text(rows, "recording_url", |row| row.recording_url.clone()),
            text(rows, "transcription", said),
            text(rows, "custom_variables", taken),
            text(rows, "variables_fields", |row| row.variables_fields.as_ref().map(json)),
            text(rows, "campaign_id", |row| row.campaign_id.clone()),
            whole(rows, "attempt_no", |row| row.attempt_no.as_ref()),
            text(rows, "app_user_id", |row| row.app_user_id.clone()),
            text(rows, "app_session_id", |row| row.app_session_id.clone()),
        ])
    }

    fn cells(
        row: &Document<Self>,
        number: &dyn Fn(&str) -> String,
        words: &dyn Fn(&str) -> String,
    ) -> Vec<String> {
        let told = |text: &Option<String>| text.as_deref().map(words).unwrap_or_default();
        vec![
            row.call_id.as_deref().map(super::output::printable).unwrap_or_default(),
            row.to_number.as_deref().map(number).unwrap_or_default(),
            told(&row.call_status),
            row.duration.as_ref().and_then(seconds).map(super::moment::span).unwrap_or_default(),
            super::moment::shown(row.start_time.as_ref()),
            told(&row.disconnection_reason),
            told(&row.summary),
        ]
    }
}

type Column = (&'static str, ArrayRef, bool);

fn text<T>(
    rows: &[Document<T>],
    name: &'static str,
    of: impl Fn(&Document<T>) -> Option<String>,
) -> Column {
    (name, Arc::new(rows.iter().map(of).collect::<StringArray>()), true)
}

fn whole<T>(
    rows: &[Document<T>],
    name: &'static str,
    of: impl Fn(&Document<T>) -> Option<&Whole>,
) -> Column {
    let numbers = rows.iter().map(|row| of(row).and_then(Whole::as_i64));
    (name, Arc::new(numbers.collect::<Int64Array>()), true)
}

fn float<T>(
    rows: &[Document<T>],
    name: &'static str,
    of: impl Fn(&Document<T>) -> Option<f64>,
) -> Column {
    (name, Arc::new(rows.iter().map(of).collect::<Float64Array>()), true)
}

fn moment<T>(
    rows: &[Document<T>],
    name: &'static str,
    of: impl Fn(&Document<T>) -> Option<Timestamp>,
) -> Column {
    let moments = rows.iter().map(|row| of(row).map(|moment| moment.0.as_microsecond()));
    let moments = moments.collect::<TimestampMicrosecondArray>().with_timezone("UTC");
    (name, Arc::new(moments), true)
}

fn json(object: &Object) -> String {
    lossy(object.0.text())
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// The seconds that a number says.
pub(super) fn seconds(number: &Number) -> Option<f64> {
    match number {
        Number::Float(float) => Some(*float),
        Number::Whole(whole) => whole.to_string().parse().ok(),
    }
}
