//! The service's refusals.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use crate::error::request_id_text;
use crate::masked::masked;
use crate::model::Json;

/// An answer that is not a 2xx.
#[derive(Debug, Clone, Default, thiserror::Error)]
#[error("{}", self.text())]
pub struct StatusError {
    /// The HTTP status.
    pub status: u16,
    /// What it says: the body's `detail`, text or its list form, U+FFFD in the place of half a
    /// surrogate pair.
    pub detail: Option<Value>,
    /// The whole body.
    pub body: RefusalBody,
    /// The answer's `X-Request-ID`.
    pub request_id: Option<String>,
    /// What the `Retry-After` of a 429 or a 503 asks for.
    pub retry_after: Option<Duration>,
    /// The answer's headers: lower-case names, and their values.
    pub headers: Vec<(String, String)>,
}

/// The body of a refusal.
#[derive(Debug, Clone)]
pub enum RefusalBody {
    /// JSON, as it came.
    Json(Json),
    /// Anything else, as text.
    Text(String),
}

impl Default for RefusalBody {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl StatusError {
    /// A refusal with that body.
    pub fn of(status: u16, body: Vec<u8>) -> Self {
        let bytes = Bytes::from(body);
        let (detail, body) = match Json::parse(&bytes) {
            Some((json, detail)) => (detail, RefusalBody::Json(json)),
            None => (None, RefusalBody::Text(into_text(bytes.into()))),
        };
        Self { status, detail, body, ..Self::default() }
    }

    fn text(&self) -> String {
        let mut text = format!("the service answered {}", self.status);
        let name = match self.status {
            400 => " Bad Request",
            401 => " Unauthorized",
            403 => " Forbidden",
            404 => " Not Found",
            408 => " Request Timeout",
            413 => " Payload Too Large",
            422 => " Unprocessable Entity",
            429 => " Too Many Requests",
            500 => " Internal Server Error",
            502 => " Bad Gateway",
            503 => " Service Unavailable",
            504 => " Gateway Timeout",
            _ => "",
        };
        text.push_str(name);
        if let Some(detail) = self.detail.as_ref().map(detail_text).filter(|t| !t.is_empty()) {
            let _ = write!(text, ": {}", masked(&detail));
        }
        let advice = match self.status {
            300..=399 => Some(
                "redirects are not followed, so that the API key goes nowhere else; check base_url",
            ),
            401 => Some("check api_key or REVRAG_API_KEY, and that it belongs to this base_url"),
            403 => Some("this API key may not do that"),
            404 => Some("check the id, and that it belongs to the workspace of this API key"),
            413 => Some("push fewer records at once"),
            429 => Some("send less often, or raise max_retries"),
            _ => None,
        };
        if let Some(advice) = advice {
            let _ = write!(text, " ({advice})");
        }
        text.push_str(&request_id_text(self.request_id.as_deref()));
        text
    }
}

/// The text of a `detail`: itself, or each entry of FastAPI's list form as `loc: msg`. Nothing else of
/// an entry: its `input` is what was pushed.
fn detail_text(detail: &Value) -> String {
    const MOST: usize = 300;
    let text = match detail {
        Value::Array(entries) => {
            let texts = entries.iter().map(entry_text).filter(|text| !text.is_empty());
            texts.collect::<Vec<_>>().join("; ")
        }
        other => entry_text(other),
    };
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", text.split_at(at).0),
        None => text,
    }
}

/// Without a copy, where it can be.
fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn entry_text(entry: &Value) -> String {
    let said = entry.as_str().or_else(|| entry["msg"].as_str().or(entry["message"].as_str()));
    match (location(&entry["loc"]), said) {
        (Some(at), Some(said)) => format!("{at}: {said}"),
        (None, Some(said)) => said.to_owned(),
        (at, None) => at.unwrap_or_default(),
    }
}

/// `["body", "records", 0, "phone_number"]` as `body.records[0].phone_number`.
fn location(loc: &Value) -> Option<String> {
    let mut text = String::new();
    for part in loc.as_array()? {
        match part {
            Value::String(name) if text.is_empty() => text.push_str(name),
            Value::String(name) => {
                text.push('.');
                text.push_str(name);
            }
            other => {
                let _ = write!(text, "[{other}]");
            }
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[allow(clippy::needless_pass_by_value, reason = "as `json!` makes it")]
    fn status(status: u16, body: Value) -> String {
        StatusError::of(status, body.to_string().into()).to_string()
    }

    #[test]
    fn details_are_told_as_text_and_as_list() {
        assert_eq!(
            status(400, json!({"detail": "Cannot push records: campaign is completed."})),
            "the service answered 400 Bad Request: Cannot push records: campaign is completed."
        );
        assert_eq!(
            status(
                422,
                json!({"detail": [
                    {"loc": ["body", "records", 0, "phone_number"], "msg": "Field required", "type": "missing"}
                ]})
            ),
            "the service answered 422 Unprocessable Entity: body.records[0].phone_number: Field required"
        );
    }

    #[test]
    fn what_was_pushed_is_not_repeated() {
        let pushed = json!({"phone_number": "98765 43210", "variables": {"name": "Pankaj"}});
        for detail in [
            json!([{"loc": ["body"], "msg": "Field required", "input": pushed}]),
            json!([{"loc": ["body"], "input": pushed}]),
            json!([pushed]),
            json!({"message": "Field required", "record": pushed}),
            pushed,
        ] {
            let text = status(422, json!({"detail": detail}));
            assert!(!text.contains("98765") && !text.contains("Pankaj"), "{text}");
        }
    }

    #[test]
    fn any_body_has_a_text() {
        for body in [
            json!(null),
            json!("<html>"),
            json!([1]),
            json!({"detail": {"a": 1}}),
            json!({"detail": [1, null]}),
        ] {
            assert!(status(418, body).starts_with("the service answered 418"));
        }
    }
}
