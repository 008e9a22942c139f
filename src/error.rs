//! Every way to fail, once, with its context as fields.
//!
//! No text here carries a phone number, a variable or a secret: where the service's own words are
//! repeated, what may be a phone number in them is [`masked`].

use std::fmt::Write as _;
use std::time::Duration;

pub use crate::masked::{masked, masked_but_ids};
use crate::model::{CampaignStatus, Document, DocumentError, Record, Whole};
pub use crate::refused::{RefusalBody, StatusError};
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
    /// Something was left to do when the time to watch a campaign was over.
    #[error("{}", watch_text(*.waited, .status.as_deref(), .cause.as_deref()))]
    WatchTimeout {
        /// How long was watched.
        waited: Duration,
        /// The status as it was last seen, if it was.
        status: Option<Box<Document<CampaignStatus>>>,
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
    add_cause(&mut text, cause);
    text
}

fn watch_text(
    waited: Duration,
    status: Option<&Document<CampaignStatus>>,
    cause: Option<&Error>,
) -> String {
    let seconds = waited.as_secs_f64();
    let mut text = match status {
        Some(status) => {
            let left = status.left().map_or_else(|| "some records are".to_owned(), are_text);
            format!(
                "{left} not done after {seconds:.1} s, and the campaign is {:?}; watch longer, or poll `status()`",
                masked(status.status.as_deref().unwrap_or("?")),
            )
        }
        None => format!("the campaign's status could not be read within {seconds:.1} s"),
    };
    add_cause(&mut text, cause);
    text
}

fn add_cause(text: &mut String, cause: Option<&Error>) {
    if let Some(cause) = cause {
        let _ = write!(text, ". The last poll had no answer: {cause}");
    }
}

fn are_text(count: u64) -> String {
    if count == 1 { "1 record is".to_owned() } else { format!("{count} records are") }
}

fn count_text(count: Option<&Whole>) -> String {
    count.map_or_else(|| "?".to_owned(), |count| masked(&count.to_string()))
}

fn records_text(count: usize) -> String {
    if count == 1 { "1 record".to_owned() } else { format!("{count} records") }
}

pub(crate) fn request_id_text(request_id: Option<&str>) -> String {
    request_id.map_or_else(String::new, |id| format!(" [request id {}]", masked_but_ids(id)))
}
