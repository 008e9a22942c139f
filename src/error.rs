//! Every way to fail, once, with its context as fields.
//!
//! No text here carries a phone number, a variable or a secret: where the service's own words are
//! repeated, what may be a phone number in them is [`masked`].

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

pub use crate::masked::masked;
use crate::model::{Document, DocumentError, Json, Record, Whole};
use crate::webhook::VerificationError;

/// What an operation of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed operation.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// An argument can't be used; nothing was sent.
    #[error("{argument}: {problem}")]
    InvalidArgument {
        /// The argument, as the caller knows it: `api_key`, `records[3]["phone_number"]`.
        argument: String,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
    /// No answer: the connection could not be made, or broke.
    #[error("{}", connection_text(*.sent, .cause))]
    Connection {
        /// Whether a part of the request may have reached the service.
        sent: bool,
        /// What the transport said.
        cause: String,
    },
    /// No answer in time.
    #[error("{}", timeout_text(*.sent, *.after))]
    Timeout {
        /// Whether a part of the request may have reached the service.
        sent: bool,
        /// The bound that was passed.
        after: Duration,
    },
    /// The service refused.
    #[error(transparent)]
    Status(Box<StatusError>),
    /// The service's 2xx answer is not what the API documents.
    #[error("the service answered {status}, but {problem}{}", request_id_text(.request_id.as_deref()))]
    InvalidResponse {
        /// The answer's status.
        status: u16,
        /// The answer's `X-Request-ID`.
        request_id: Option<String>,
        /// What is wrong with its body.
        problem: ResponseProblem,
    },
    /// A push whose outcome is not known: its records may have been queued for calling.
    #[error(
        "the outcome of this push of {} is unknown: {cause}. It was not sent again, because its \
         phones may already be about to ring; {}",
        records_text(*.records),
        FIND_OUT
    )]
    PushOutcomeUnknown {
        /// How many records the push held.
        records: usize,
        /// Why the outcome is not known.
        cause: Box<Error>,
    },
    /// A push that its caller cut off.
    #[error("{}", cut_off_text(*.records, *.left))]
    PushCutOff {
        /// How many records the push held.
        records: usize,
        /// Whether a part of it may have reached the service.
        left: bool,
    },
    /// A record was not final in time.
    #[error("{}", wait_text(*.waited, .record.as_deref(), .records, .cause.as_deref()))]
    WaitTimeout {
        /// How long was waited.
        waited: Duration,
        /// The record as it was last seen, if it was.
        record: Option<Box<Document<Record>>>,
        /// Every record that was waited for, as it was last seen.
        records: Vec<Option<Document<Record>>>,
        /// Why the last poll had no answer, if it had none.
        cause: Option<Box<Error>>,
    },
    /// A journal that is none, is another upload's, is in use, or can't be written.
    #[error("journal: {0}")]
    Journal(String),
    /// A journal that was taken away while it was in use.
    #[error("journal: {0}")]
    JournalLost(String),
    /// A webhook delivery that can't be trusted or read.
    #[error(transparent)]
    Webhook(#[from] VerificationError),
}

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
    pub body: Body,
    /// The answer's `X-Request-ID`.
    pub request_id: Option<String>,
    /// What the `Retry-After` of a 429 or a 503 asks for.
    pub retry_after: Option<Duration>,
    /// The answer's headers: lower-case names, and their values.
    pub headers: Vec<(String, String)>,
}

/// The body of a refusal.
#[derive(Debug, Clone)]
pub enum Body {
    /// JSON, as it came.
    Json(Json),
    /// Anything else, as text.
    Text(String),
}

impl Default for Body {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// What is wrong with the body of a 2xx answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResponseProblem {
    /// It is larger than `max_response_bytes`.
    #[error("its body is larger than max_response_bytes={limit}")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The connection ended before the body did, or the body can't be decompressed.
    #[error("its body was cut short: {0}")]
    CutShort(String),
    /// It is not JSON, or JSON of another shape.
    #[error("its body is not what the API documents: {0}")]
    Document(#[from] DocumentError),
    /// It is one of a listing's that was not shown whole.
    #[error(
        "the campaign's listing can't be proven complete: {0} A record that it does not show may be \
         there all the same: look again when nothing writes to the campaign, and push nothing once \
         more because of this answer"
    )]
    Unproven(String),
    /// It is the documented JSON, and contradicts itself or the request.
    #[error("its body contradicts the request: {0}")]
    Contradiction(String),
}

impl Error {
    /// An [`Error::InvalidArgument`].
    pub fn invalid(argument: impl Into<String>, problem: impl Into<String>) -> Self {
        // A key of the caller's own may be a number too.
        Self::InvalidArgument { argument: masked(&argument.into()), problem: problem.into() }
    }
}

impl StatusError {
    /// A refusal with that body.
    pub fn of(status: u16, body: Vec<u8>) -> Self {
        let bytes = Bytes::from(body);
        let (detail, body) = match Json::parse(&bytes) {
            Some((json, detail)) => (detail, Body::Json(json)),
            None => (None, Body::Text(into_text(bytes.into()))),
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

fn connection_text(sent: bool, cause: &str) -> String {
    if sent {
        format!("the connection to the service broke before it answered: {cause}")
    } else {
        format!("could not connect to the service, nothing was sent: {cause}")
    }
}

fn timeout_text(sent: bool, after: Duration) -> String {
    let seconds = after.as_secs_f64();
    if sent {
        format!("the service did not answer within {seconds} s (timeout)")
    } else {
        format!(
            "could not connect to the service within {seconds} s, nothing was sent (connect_timeout)"
        )
    }
}

/// What is safe after a push of unknown outcome.
const FIND_OUT: &str = "look for its records with `campaign.find(app_session_id=…)` or \
                        `campaign.find(phone_number=…)` before you push any of them once more. What it \
                        finds is queued; that it finds nothing is proof only where the service has had \
                        the time to finish, minutes rather than seconds, and shows what is looked for. \
                        `campaign.upload([record])` in place of a push finds out by itself";

fn cut_off_text(records: usize, left: bool) -> String {
    let records = records_text(records);
    if left {
        format!(
            "this push of {records} was cut off while it was under way, so its outcome is unknown: its \
             phones may already be about to ring; {FIND_OUT}"
        )
    } else {
        format!("this push of {records} was cut off before it left: nothing was sent")
    }
}

fn wait_text(
    waited: Duration,
    record: Option<&Document<Record>>,
    records: &[Option<Document<Record>>],
    cause: Option<&Error>,
) -> String {
    let seconds = waited.as_secs_f64();
    let mut text = match record {
        None if records.len() > 1 => {
            let is_final = |record: &&Option<Document<Record>>| {
                !record.as_ref().is_some_and(Document::is_final)
            };
            format!(
                "{} of {} records were not final after {seconds:.1} s; `.records` is what was last seen \
                 of each",
                records.iter().filter(is_final).count(),
                records.len()
            )
        }
        Some(record) => format!(
            "the record was not final after {seconds:.1} s: it is {:?}, attempt {} of {}; wait longer, or poll \
             `record()`",
            masked(record.status.as_deref().unwrap_or("?")),
            count_text(record.attempt_count.as_ref()),
            count_text(record.max_attempts.as_ref()),
        ),
        None => format!("the record could not be read within {seconds:.1} s"),
    };
    if let Some(cause) = cause {
        let _ = write!(text, ". The last poll had no answer: {cause}");
    }
    text
}

fn count_text(count: Option<&Whole>) -> String {
    count.map_or_else(|| "?".to_owned(), |count| masked(&count.to_string()))
}

fn records_text(count: usize) -> String {
    if count == 1 { "1 record".to_owned() } else { format!("{count} records") }
}

fn request_id_text(request_id: Option<&str>) -> String {
    request_id.map_or_else(String::new, |id| format!(" [request id {}]", masked(id)))
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
