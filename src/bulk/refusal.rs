//! What a failed push means for its rows: a pure function of the error.

use std::collections::HashSet;

use serde_json::Value;

use super::ledger::Reply;
use crate::Error;
use crate::error::{ResponseProblem, StatusError};

/// What `error` means.
pub(super) fn of(error: Error) -> Reply {
    match error {
        Error::PushOutcomeUnknown { cause, .. } => lost(*cause),
        Error::Connection { sent: false, .. } | Error::Timeout { sent: false, .. } => {
            Reply::NotSent(error)
        }
        Error::Status(status) => match status.status {
            413 => Reply::TooLarge(text(&status, "the service takes no record this large")),
            422 => Reply::Unfit {
                named: named(&status),
                why: text(&status, "the service takes no such record"),
                error: Error::Status(status),
            },
            429 => {
                let retry_after = status.retry_after;
                Reply::Limited { retry_after, error: Error::Status(status) }
            }
            _ => Reply::Refused(Error::Status(status)),
        },
        other => Reply::Refused(other),
    }
}

/// A push whose outcome is not known. An answer that is there and can't be right tells at least that
/// the service is.
fn lost(cause: Error) -> Reply {
    let unknown = |cause: Error| Error::PushOutcomeUnknown { records: 0, cause: Box::new(cause) };
    match cause {
        Error::InvalidResponse { problem: ResponseProblem::Contradiction(_), .. } => {
            Reply::Odd(cause.to_string())
        }
        Error::Timeout { .. } => Reply::Lost { timed_out: true, error: unknown(cause) },
        _ => Reply::Lost { timed_out: false, error: unknown(cause) },
    }
}

fn text(status: &StatusError, otherwise: &str) -> String {
    match &status.detail {
        Some(Value::String(detail)) if !detail.is_empty() => detail.clone(),
        _ => otherwise.to_owned(),
    }
}

/// The records that a `detail` in FastAPI's list form names: `["body", "records", 3, …]`.
fn named(status: &StatusError) -> Vec<(usize, Box<str>)> {
    let entries =
        status.detail.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
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

    #[allow(clippy::needless_pass_by_value, reason = "as `json!` makes it")]
    fn status(status: u16, body: Value) -> Reply {
        of(Error::Status(Box::new(StatusError::of(status, body.to_string().into()))))
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
        let Reply::Unfit { named, .. } = status(422, detail) else { panic!("rows") };
        let expected = [(3, "phone_number: Field required"), (0, "it does not match the schema")];
        assert_eq!(named, expected.map(|(at, text)| (at, text.into())));
    }

    #[test]
    fn what_else_there_is() {
        assert!(
            matches!(status(422, json!({"detail": "malformed"})), Reply::Unfit { named, .. } if named.is_empty())
        );
        assert!(matches!(status(413, json!(null)), Reply::TooLarge(_)));
        assert!(matches!(status(429, json!(null)), Reply::Limited { retry_after: None, .. }));
        for fatal in [301, 400, 401, 403, 404] {
            assert!(matches!(status(fatal, json!(null)), Reply::Refused(_)), "{fatal}");
        }
    }
}
