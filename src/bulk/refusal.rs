//! What a failed push means for its rows: a pure function of the error.

use std::collections::HashSet;

use serde_json::Value;

use crate::Error;
use crate::error::StatusError;

/// A failed push.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Its rows may have arrived.
    InDoubt(Error),
    /// Nothing was applied: it is too large.
    TooLarge(String),
    /// Nothing was applied: rows of it, those named by position if any, don't fit the schema.
    Rows { named: Vec<(usize, Box<str>)>, error: String },
    /// Nothing was applied, and nothing else will be.
    Fatal(Error),
}

/// What `error` means.
pub(super) fn of(error: Error) -> Refusal {
    match error {
        Error::PushOutcomeUnknown { .. } => Refusal::InDoubt(error),
        Error::Status(status) => match status.status {
            413 => Refusal::TooLarge(text(&status, "the service takes no record this large")),
            422 => Refusal::Rows {
                named: named(&status),
                error: text(&status, "the service takes no such record"),
            },
            _ => Refusal::Fatal(Error::Status(status)),
        },
        other => Refusal::Fatal(other),
    }
}

fn text(status: &StatusError, otherwise: &str) -> String {
    match status.detail() {
        Some(Value::String(detail)) if !detail.is_empty() => detail.clone(),
        _ => otherwise.to_owned(),
    }
}

/// The records that a `detail` in FastAPI's list form names: `["body", "records", 3, …]`.
fn named(status: &StatusError) -> Vec<(usize, Box<str>)> {
    let entries = status.detail().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut named: Vec<(usize, Box<str>)> = Vec::new();
    let mut seen = HashSet::new();
    for entry in entries {
        let Some(loc) = entry["loc"].as_array() else { continue };
        let Some(at) = loc.iter().position(|part| part == "records") else { continue };
        let Some(record) = loc.get(at + 1).and_then(Value::as_u64) else { continue };
        let Ok(record) = usize::try_from(record) else { continue };
        if seen.insert(record) {
            let field: Vec<&str> = loc[at + 2..].iter().filter_map(Value::as_str).collect();
            let message = entry["msg"].as_str().unwrap_or("it does not match the schema");
            let text = if field.is_empty() {
                message.to_owned()
            } else {
                format!("{}: {message}", field.join("."))
            };
            named.push((record, text.into()));
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(status: u16, body: Value) -> Refusal {
        of(Error::Status(Box::new(StatusError {
            status,
            body,
            request_id: None,
            retry_after: None,
        })))
    }

    #[test]
    fn rows_are_named_by_position() {
        let detail = json!({"detail": [
            {"loc": ["body", "records", 3, "phone_number"], "msg": "Field required", "type": "missing"},
            {"loc": ["body", "records", 3, "variables"], "msg": "again", "type": "x"},
            {"loc": ["body", "records", 0], "type": "x"},
            {"loc": ["body", "other", 1], "msg": "no record"},
            {"loc": "body"}, 5
        ]});
        let Refusal::Rows { named, .. } = status(422, detail) else { panic!("rows") };
        let expected = [(3, "phone_number: Field required"), (0, "it does not match the schema")];
        assert_eq!(named, expected.map(|(at, text)| (at, text.into())));
    }

    #[test]
    fn what_else_there_is() {
        assert!(
            matches!(status(422, json!({"detail": "malformed"})), Refusal::Rows { named, .. } if named.is_empty())
        );
        assert!(matches!(status(413, json!(null)), Refusal::TooLarge(_)));
        for fatal in [301, 400, 401, 403, 404, 429] {
            assert!(matches!(status(fatal, json!(null)), Refusal::Fatal(_)), "{fatal}");
        }
    }
}
