//! The answer to a push, read for what an upload keeps of it.

mod body;

use std::collections::HashSet;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use self::body::Body;
use super::ledger::{Reader, print};
use crate::error::ResponseProblem;
use crate::model::json::{Fault, FaultKind, Raw, to_utf8};
use crate::model::unreadable;

/// What the service said of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is queued.
    Accepted {
        /// Its run.
        run: RunId,
        /// The run's status.
        status: Status,
    },
    /// It is refused.
    Rejected {
        /// Why.
        error: Box<str>,
    },
    /// Of the rows with its number some are queued and some refused, and only the order of the
    /// results would tell which.
    Unsure,
}

/// A run's id: a UUID, as documented, or whatever else the service says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RunId {
    /// A UUID in its usual form.
    Uuid(Uuid),
    /// Any other text.
    Text(Box<str>),
}

/// A run's status; `queued` takes no memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// `queued`.
    Queued,
    /// Any other, or none.
    Other(Option<Box<str>>),
}

impl RunId {
    /// The id that a text is.
    pub fn of(text: &str) -> Self {
        uuid(text.as_bytes()).map_or_else(|| Self::Text(text.into()), Self::Uuid)
    }

    /// The id that a text is, if it is one in which no half of a character stands.
    fn read(text: Raw<'_>) -> Option<Self> {
        match uuid(text.text) {
            Some(uuid) => Some(Self::Uuid(uuid)),
            None => std::str::from_utf8(&text.decoded()).ok().map(Self::of),
        }
    }
}

/// The UUID that a text is, in the one form that is written back as it was read.
fn uuid(text: &[u8]) -> Option<Uuid> {
    let has_capitals = text.iter().fold(false, |has, byte| has | byte.is_ascii_uppercase());
    // No other form has this length.
    let is_hyphenated = text.len() == Hyphenated::LENGTH && !has_capitals;
    is_hyphenated.then(|| Uuid::try_parse_ascii(text).ok()).flatten()
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
    /// The status that a text is.
    pub fn of(text: Option<&str>) -> Self {
        match text {
            Some("queued") => Self::Queued,
            other => Self::Other(other.map(Into::into)),
        }
    }

    fn read(text: Option<Raw<'_>>) -> Self {
        match text {
            Some(Raw { text: b"queued", .. }) => Self::Queued,
            other => Self::of(other.map(Raw::to_text).as_deref()),
        }
    }

    /// Its text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Queued => Some("queued"),
            Self::Other(text) => text.as_deref(),
        }
    }
}

/// Reads the answer to a push of rows with these numbers, and holds it against what was sent: an
/// answer that contradicts itself or the request says nothing for certain.
pub(super) fn read<'a>(
    text: &Bytes,
    numbers: impl ExactSizeIterator<Item = &'a str> + Clone,
    reader: Reader,
) -> Result<Vec<Answer>, ResponseProblem> {
    let fault = |at| unreadable(Fault { at, kind: FaultKind::Syntax }, text);
    let text = to_utf8(text).map_err(fault)?;
    let body = Body::read(&text, numbers.len())?;
    let contradiction = |text: String| Err(ResponseProblem::Contradiction(text));
    let (found, count) = (body.results.len(), numbers.len());
    if found != count {
        return contradiction(format!("it has {found} results for {count} records"));
    }
    let mut answers = Vec::with_capacity(count);
    let mut accepted = 0;
    for ((at, entry), number) in body.results.into_iter().enumerate().zip(numbers.clone()) {
        if entry.phone_number.is_some_and(|shown| !is_of(shown, number, reader)) {
            return contradiction(format!("results[{at}] is of another number than records[{at}]"));
        }
        accepted += u64::from(entry.accepted);
        answers.push(match (entry.accepted, entry.run_id) {
            (true, Some(run)) => match RunId::read(run) {
                Some(run) => Answer::Accepted { run, status: Status::read(entry.status) },
                None => {
                    return contradiction(format!("results[{at}] has a run_id that is no text"));
                }
            },
            (true, None) => {
                return contradiction(format!("results[{at}] is accepted and has no run_id"));
            }
            (false, Some(_)) => {
                return contradiction(format!("results[{at}] is rejected and has a run_id"));
            }
            (false, None) => Answer::Rejected {
                error: entry
                    .error
                    .map_or("the service gave no reason".into(), |text| text.to_text().into()),
            },
        });
    }
    if (body.accepted, body.rejected) != (accepted, count as u64 - accepted) {
        return contradiction(format!(
            "it counts {} accepted and {} rejected, and its results show {accepted} and {}",
            body.accepted,
            body.rejected,
            count as u64 - accepted
        ));
    }
    if has_twins(&answers) {
        return contradiction("it gives one run_id to several records".to_owned());
    }
    if 0 < accepted && accepted < count as u64 {
        doubt_twins(&mut answers, numbers, reader);
    }
    Ok(answers)
}

/// Whether two records were given one run.
fn has_twins(answers: &[Answer]) -> bool {
    let runs = || {
        answers.iter().filter_map(|answer| match answer {
            Answer::Accepted { run, .. } => Some(run),
            Answer::Rejected { .. } | Answer::Unsure => None,
        })
    };
    // That all are different, a few bytes of each tell almost always.
    let prints = runs().map(|run| match run {
        RunId::Uuid(uuid) => {
            let (high, low) = uuid.as_u64_pair();
            high ^ low
        }
        RunId::Text(text) => print(text),
    });
    let mut prints: Vec<u64> = prints.collect();
    prints.sort_unstable();
    if prints.windows(2).all(|pair| pair[0] != pair[1]) {
        return false;
    }
    let mut runs: Vec<&RunId> = runs().collect();
    runs.sort_unstable();
    runs.windows(2).any(|pair| pair[0] == pair[1])
}

/// A service that answers in an order of its own shows that by the numbers, but not among rows that
/// share one.
fn doubt_twins<'a>(answers: &mut [Answer], numbers: impl Iterator<Item = &'a str>, reader: Reader) {
    let numbers: Vec<u64> = numbers.map(|number| reader.number(number).print).collect();
    let of = |answers: &[Answer], is_accepted: bool| -> HashSet<u64> {
        let all = answers.iter().zip(&numbers);
        let of = all.filter(|(one, _)| matches!(one, Answer::Accepted { .. }) == is_accepted);
        of.map(|(_, number)| *number).collect()
    };
    let (accepted, rejected) = (of(answers, true), of(answers, false));
    for (answer, number) in answers.iter_mut().zip(&numbers) {
        if accepted.contains(number) && rejected.contains(number) {
            *answer = Answer::Unsure;
        }
    }
}

/// Whether a number is the one that was sent: as it was, in another notation, or with digits hidden.
fn is_of(shown: Raw<'_>, sent: &str, reader: Reader) -> bool {
    if shown.is_plain && shown.text == sent.as_bytes() {
        return true;
    }
    let shown = &*shown.to_text();
    if shown == sent {
        return true;
    }
    let digits = |text: &str| -> Vec<u8> { text.bytes().filter(u8::is_ascii_digit).collect() };
    let (shown_digits, sent_digits) = (digits(shown), digits(sent));
    if shown_digits.is_empty() || sent_digits.is_empty() {
        return shown.trim() == sent.trim() || is_masked(shown);
    }
    if is_masked(shown) {
        let tail = shown.bytes().rev().take_while(u8::is_ascii_digit).count();
        return sent_digits.ends_with(&shown_digits[shown_digits.len() - tail..]);
    }
    shown_digits == sent_digits || reader.number(shown) == reader.number(sent)
}

/// Whether digits of a number are hidden.
fn is_masked(text: &str) -> bool {
    text.contains(['*', '•', 'x', 'X', '#'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(body: &str, numbers: &[&str]) -> Result<Vec<Answer>, ResponseProblem> {
        read(
            &Bytes::copy_from_slice(body.as_bytes()),
            numbers.iter().copied(),
            Reader::new(Some("IN")),
        )
    }

    fn accepted(number: &str, run: &str) -> String {
        format!(r#"{{"phone_number": "{number}", "accepted": true, "run_id": "{run}"}}"#)
    }

    fn body(accepted: u64, rejected: u64, results: &[String]) -> String {
        let results = results.join(",");
        format!(r#"{{"accepted": {accepted}, "rejected": {rejected}, "results": [{results}]}}"#)
    }

    #[test]
    fn each_row_has_its_answer() {
        let body = r#"{"accepted": 1, "rejected": 1, "results": [
            {"phone_number": "+1", "accepted": true, "run_id": "00000000-0000-0000-0000-000000000001",
             "status": "queued", "error": null},
            {"phone_number": "x", "accepted": false, "run_id": null, "status": null, "error": "no \"x\""}
        ], "more": {}}"#;
        let answers = answers(body, &["+1", "x"]).unwrap();
        let run = RunId::Uuid(Uuid::from_u128(1));
        assert_eq!(answers[0], Answer::Accepted { run, status: Status::Queued });
        assert_eq!(answers[1], Answer::Rejected { error: "no \"x\"".into() });
    }

    #[test]
    fn a_number_may_come_back_in_another_notation() {
        let sent = "+919876543210";
        for shown in [sent, "919876543210", "98765 43210", "+91******3210", "XXXXXX3210", "****"] {
            assert!(answers(&body(1, 0, &[accepted(shown, "r")]), &[sent]).is_ok(), "{shown}");
        }
        for shown in ["+919876543211", "+91******3211", "12"] {
            assert!(answers(&body(1, 0, &[accepted(shown, "r")]), &[sent]).is_err(), "{shown}");
        }
    }

    #[test]
    fn what_contradicts_itself_or_the_request_is_told() {
        let two = ["+919876543210", "+919876543211"];
        let [one, other] = two.map(|number| accepted(number, number));
        assert!(answers(&body(2, 0, &[one.clone(), other.clone()]), &two).is_ok());
        for bad in [
            body(2, 0, &[other.clone(), one.clone()]),
            body(1, 1, &[one.clone(), other]),
            body(2, 0, std::slice::from_ref(&one)),
            body(2, 0, &[one.clone(), accepted(two[1], two[0])]),
            body(1, 1, &[one, r#"{"accepted": false, "run_id": "r"}"#.to_owned()]),
        ] {
            let told = answers(&bad, &two);
            assert!(matches!(told, Err(ResponseProblem::Contradiction(_))), "{bad}");
        }
    }

    #[test]
    fn one_run_for_two_records_is_told_and_runs_alike_are_not() {
        let two = ["+919876543210", "+919876543211"];
        let answered = |runs: [u128; 2]| {
            let [one, other] =
                [0, 1].map(|at| accepted(two[at], &Uuid::from_u128(runs[at]).to_string()));
            answers(&body(2, 0, &[one, other]), &two)
        };
        assert!(answered([7 << 64 | 9, 9 << 64 | 7]).is_ok(), "their halves change places");
        assert!(answered([7 << 64 | 9, 7 << 64 | 9]).is_err());
    }

    #[test]
    fn of_rows_with_one_number_an_answer_does_not_tell_which_it_refused() {
        let sent = ["+919876543210", "+919876543211", "09876543210"];
        let no = r#"{"phone_number": "+919876543210", "accepted": false, "error": "twice"}"#;
        let results = [accepted(sent[0], "r1"), accepted(sent[1], "r2"), no.to_owned()];
        let answers = answers(&body(2, 1, &results), &sent).unwrap();
        assert!(matches!(answers[..], [Answer::Unsure, Answer::Accepted { .. }, Answer::Unsure]));
    }

    #[test]
    fn what_is_not_an_answer_is_told_with_its_place() {
        let one = |entry: &str| body(1, 0, &[entry.to_owned()]);
        let good = accepted("+1", "r");
        for (bad, told) in [
            ("", "line 1, column 1"),
            ("[]", "expected an object"),
            ("{}", "missing field `accepted`"),
            (r#"{"accepted": 1, "rejected": 0}"#, "missing field `results`"),
            (r#"{"accepted": 1, "rejected": 0, "results": null}"#, "results: expected a list"),
            (r#"{"accepted": true}"#, "accepted: expected a count"),
            (r#"{"accepted": -1}"#, "accepted: expected a count"),
            (r#"{"accepted": 1.0}"#, "accepted: expected a count"),
            (r#"{"accepted": 1, "\u0061ccepted": 1}"#, "accepted: it is there twice"),
            (&body(1, 0, &[]), "0 results for 1 records"),
            (&one("7"), "results[0]: expected an object"),
            (&one(r#"{"run_id": "x"}"#), "results[0]: missing field `accepted`"),
            (&one(r#"{"accepted": 1}"#), "results[0].accepted: expected true or false"),
            (&one(r#"{"accepted": true, "run_id": 7}"#), "results[0].run_id: expected a text"),
            (&one(r#"{"run_id": "x", "run_id": "x"}"#), "results[0].run_id: it is there twice"),
            (&one(r#"{"accepted": true}"#), "results[0] is accepted and has no run_id"),
            (&body(1, 0, &[good.clone(), r#"{"accepted": "no"}"#.into()]), "results[1].accepted"),
            (&format!("{}x", one(&good)), "line 1, column 101"),
            (one(&good).split_at(60).0, "line 1, column 61"),
        ] {
            let problem = answers(bad, &["+1"]).unwrap_err().to_string();
            assert!(problem.contains(told), "{bad}: {problem}");
        }
    }

    #[test]
    fn an_answer_is_read_in_any_encoding_and_with_what_nobody_asked_for() {
        let text = r#"{"more": [NaN, {"accepted": []}, "\ud800"], "results": [{"error": "\u0022é\u0022",
            "accepted": false, "x": null}], "rejected": 1, "accepted": 0}"#;
        let utf_16 = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for body in
            [text.into(), format!("\u{feff}{text}").into(), Bytes::from_owner::<Vec<u8>>(utf_16)]
        {
            let answers = read(&body, ["+1"].into_iter(), Reader::new(None)).unwrap();
            assert_eq!(answers, [Answer::Rejected { error: "\"é\"".into() }]);
        }
    }

    #[test]
    fn an_escape_in_an_id_makes_no_other_of_it() {
        let two = ["+919876543210", "+919876543211"];
        let id = "00000000-0000-0000-0000-00000000000a";
        let escaped = |id: &str| id.replacen('0', "\\u0030", 1);
        let one = |run: &str| answers(&body(1, 0, &[accepted(two[0], run)]), &two[..1]);
        assert_eq!(one(&escaped(id)).unwrap(), one(id).unwrap());
        let twins = [accepted(two[0], id), accepted(two[1], &escaped(id))];
        assert!(answers(&body(2, 0, &twins), &two).is_err());
        for half in ["\\ud800", "r\\udc00"] {
            let told = one(half).unwrap_err().to_string();
            assert!(told.contains("a run_id that is no text"), "{told}");
        }
        let status = accepted(two[0], id).replace('}', r#", "status": "\u0071ueued"}"#);
        let queued = Answer::Accepted { run: RunId::of(id), status: Status::Queued };
        assert_eq!(answers(&body(1, 0, &[status]), &two[..1]).unwrap(), [queued]);
    }

    /// The fields as `serde_json` reads them.
    mod documented {
        #[derive(serde::Deserialize)]
        pub(super) struct Body {
            pub(super) results: Vec<Entry>,
        }

        #[derive(serde::Deserialize)]
        pub(super) struct Entry {
            pub(super) accepted: bool,
            pub(super) run_id: Option<String>,
            pub(super) status: Option<String>,
            pub(super) error: Option<String>,
        }
    }

    proptest::proptest! {
        #[test]
        fn answers_however_they_are_written_are_read_as_any_reader_reads_them(
            entries in proptest::collection::vec(
                (proptest::collection::vec((0..7_usize, 0..6_usize), 0..6), 0..3_usize), 0..6,
            ),
        ) {
            const NAMES: [&str; 7] =
                ["accepted", "run_id", "status", "err\\u006fr", "error", "other", "results"];
            const VALUES: [&str; 6] =
                ["true", "null", r#""\u00e9\"x""#, r#""queued""#, r#"{"accepted": [1, {}]}"#, "7"];
            let texts: Vec<String> = entries
                .iter()
                .map(|(fields, blank)| {
                    let blank = ["", " ", "\n\t"][*blank];
                    // Nearly all are accepted or not, or nothing would be read.
                    let fields = fields.iter().map(|(name, value)| match (name, value) {
                        (0, value) if *value > 1 => ("accepted", "false"),
                        (name, value) => (NAMES[*name], VALUES[*value]),
                    });
                    let fields =
                        fields.map(|(name, value)| format!(r#"{blank}"{name}"{blank}:{blank}{value}"#));
                    format!("{{{}{blank}}}", fields.collect::<Vec<_>>().join(","))
                })
                .collect();
            let text = body(0, 0, &texts);
            let bytes = Bytes::from(text.clone());
            let read = Body::read(&bytes, 0);
            let documented: Result<documented::Body, _> = serde_json::from_str(&text);
            proptest::prop_assert_eq!(read.is_ok(), documented.is_ok(), "{}", text);
            if let (Ok(read), Ok(documented)) = (read, documented) {
                let of = |raw: Option<Raw<'_>>| raw.map(|raw| raw.to_text().into_owned());
                let read = read.results.iter();
                let read = read.map(|one| (one.accepted, of(one.run_id), of(one.status), of(one.error)));
                let documented = documented.results.into_iter();
                let documented = documented.map(|one| (one.accepted, one.run_id, one.status, one.error));
                proptest::prop_assert!(read.eq(documented));
            }
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
