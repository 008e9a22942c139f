//! The answer to a push, read for what an upload keeps of it.

use std::borrow::Cow;

use serde::Deserialize;
use uuid::Uuid;

use crate::error::ResponseProblem;
use crate::model::DocumentError;

/// What the service said of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Accepted { run: RunId, status: Status },
    Rejected { error: Box<str> },
}

/// A run's id: a UUID, as documented, or whatever else the service says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum RunId {
    Uuid(Uuid),
    Text(Box<str>),
}

/// A run's status; `queued` takes no memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Status {
    Queued,
    Other(Option<Box<str>>),
}

impl RunId {
    pub(super) fn of(text: &str) -> Self {
        // Only the one form that is written back as it was read.
        let canonical = text.len() == 36 && !text.bytes().any(|byte| byte.is_ascii_uppercase());
        match Uuid::try_parse(text) {
            Ok(uuid) if canonical => Self::Uuid(uuid),
            _ => Self::Text(text.into()),
        }
    }
}

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Uuid(uuid) => uuid.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl Status {
    pub(super) fn of(text: Option<&str>) -> Self {
        match text {
            Some("queued") => Self::Queued,
            other => Self::Other(other.map(Into::into)),
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Queued => Some("queued"),
            Self::Other(text) => text.as_deref(),
        }
    }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(rename = "accepted")]
    _accepted: u64,
    #[serde(rename = "rejected")]
    _rejected: u64,
    #[serde(borrow)]
    results: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    accepted: bool,
    #[serde(borrow, default)]
    run_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    status: Option<Text<'a>>,
    #[serde(borrow, default)]
    error: Option<Text<'a>>,
}

/// A text, borrowed where it has no escapes. serde borrows no [`Cow`] within an [`Option`].
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads the answer to a push of `count` rows.
pub(super) fn read(body: &[u8], count: usize) -> Result<Vec<Answer>, ResponseProblem> {
    // Checked as a whole, which is quicker than text by text.
    let text =
        std::str::from_utf8(body).map_err(|_| DocumentError::NotJson { line: 1, column: 1 })?;
    let body: Body<'_> = serde_json::from_str(text).map_err(|error| told(&error))?;
    let contradiction = |text: String| Err(ResponseProblem::Contradiction(text));
    let found = body.results.len();
    if found != count {
        return contradiction(format!("it has {found} results for {count} records"));
    }
    let mut answers = Vec::with_capacity(count);
    for (at, entry) in body.results.into_iter().enumerate() {
        answers.push(match (entry.accepted, entry.run_id) {
            (true, Some(run)) => Answer::Accepted {
                run: RunId::of(&run.0),
                status: Status::of(entry.status.as_ref().map(|text| &*text.0)),
            },
            (true, None) => {
                return contradiction(format!("results[{at}] is accepted and has no run_id"));
            }
            (false, _) => Answer::Rejected {
                error: entry
                    .error
                    .map_or("the service gave no reason".into(), |text| text.0.into_owned().into()),
            },
        });
    }
    Ok(answers)
}

fn told(error: &serde_json::Error) -> ResponseProblem {
    let (line, column) = (error.line(), error.column());
    if error.is_data() {
        let problem = format!("another shape was expected (line {line}, column {column})");
        return DocumentError::Shape { path: ".".to_owned(), problem }.into();
    }
    DocumentError::NotJson { line, column }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_has_its_answer() {
        let body = br#"{"accepted": 1, "rejected": 1, "results": [
            {"phone_number": "+1", "accepted": true, "run_id": "00000000-0000-0000-0000-000000000001",
             "status": "queued", "error": null},
            {"phone_number": "x", "accepted": false, "run_id": null, "status": null, "error": "no \"x\""}
        ], "more": {}}"#;
        let answers = read(body, 2).unwrap();
        let run = RunId::Uuid(Uuid::from_u128(1));
        assert_eq!(answers[0], Answer::Accepted { run, status: Status::Queued });
        assert_eq!(answers[1], Answer::Rejected { error: "no \"x\"".into() });
    }

    #[test]
    fn what_is_not_an_answer_is_told() {
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"accepted": 1, "rejected": 0, "results": []}"#,
            r#"{"accepted": 1, "rejected": 0, "results": [{"accepted": true}]}"#,
            r#"{"accepted": 1, "rejected": 0, "results": [{"run_id": "x"}]}"#,
        ] {
            assert!(read(bad.as_bytes(), 1).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_id_is_given_back_as_it_came() {
        for text in
            ["00000000-0000-0000-0000-00000000abcd", "ABCDEFAB-1111-1111-1111-111111111111", "r1"]
        {
            assert_eq!(RunId::of(text).to_string(), text);
        }
    }
}
