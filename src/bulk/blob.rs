//! What is known of a chunk's rows, as one compact blob.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::answer::{RunId, Status};
use super::chunk::{self, Fate};
use super::outcome::{Counts, Outcome};
use super::work::{State, Work};

/// The rows of a chunk, in columns.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Columns {
    numbers: String,
    /// How long each number is, in bytes.
    lengths: Vec<u32>,
    /// An [`Outcome`] for each row, [`REPAIRED`] and [`NUMBERLESS`].
    codes: serde_bytes::ByteBuf,
    /// 16 bytes for each accepted row whose run id is a UUID, in order.
    runs: serde_bytes::ByteBuf,
    /// Texts, each once.
    texts: Vec<String>,
    /// Rows and their run ids that are no UUIDs, as texts.
    named: Vec<(u32, u32)>,
    /// Rows and their statuses other than `queued`, as texts.
    statuses: Vec<(u32, Option<u32>)>,
    /// Rows and their errors, as texts.
    errors: Vec<(u32, u32)>,
}

const REPAIRED: u8 = 1 << 7;
const NUMBERLESS: u8 = 1 << 6;

/// What is known of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowReport {
    pub(super) number: Option<String>,
    pub(super) outcome: Outcome,
    pub(super) run: Option<RunId>,
    pub(super) status: Option<String>,
    pub(super) error: Option<String>,
}

/// A blob that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Corrupt;

#[derive(Default)]
struct Texts {
    at: HashMap<String, u32>,
    all: Vec<String>,
}

impl Texts {
    fn index(&mut self, text: &str) -> u32 {
        if let Some(at) = self.at.get(text) {
            return *at;
        }
        let at = narrow(self.all.len());
        self.all.push(text.to_owned());
        self.at.insert(text.to_owned(), at);
        at
    }
}

/// Packs what is known of a chunk. While it is open, rows that wait to be sent are in doubt: they may
/// be on their way by the time this is read.
pub(super) fn pack(work: &Work, is_open: bool) -> (Vec<u8>, Counts) {
    let mut columns = Columns::default();
    let mut counts = Counts::default();
    let mut texts = Texts::default();
    for (row, state) in work.states().iter().enumerate() {
        let number = work.chunk.number(row);
        columns.numbers.push_str(number);
        columns.lengths.push(narrow(number.len()));
        let chunk::Row { fate, repaired, has_number, .. } = &work.chunk.rows[row];
        let mut flags = if *repaired { REPAIRED } else { 0 };
        flags |= if *has_number { 0 } else { NUMBERLESS };
        let outcome = match work.outcome(row) {
            Outcome::NotSent if is_open => Outcome::Unknown,
            outcome => outcome,
        };
        counts.add(outcome);
        counts.repaired += u64::from(*repaired);
        columns.codes.push(outcome as u8 | flags);
        match (state, fate) {
            (State::Accepted { run, status }, _) => {
                match run {
                    RunId::Uuid(uuid) => columns.runs.extend_from_slice(uuid.as_bytes()),
                    RunId::Text(text) => columns.named.push((narrow(row), texts.index(text))),
                }
                if *status != Status::Queued {
                    let text = status.text().map(|text| texts.index(text));
                    columns.statuses.push((narrow(row), text));
                }
            }
            (State::Rejected { error }, _) => {
                columns.errors.push((narrow(row), texts.index(error)));
            }
            (State::Unknown { why }, _) => columns.errors.push((narrow(row), texts.index(why))),
            (State::Home, Fate::Invalid(reason)) => {
                columns.errors.push((narrow(row), texts.index(reason)));
            }
            _ => {}
        }
    }
    columns.texts = texts.all;
    (postcard::to_stdvec(&columns).unwrap_or_default(), counts)
}

/// Unpacks a blob of `rows` rows.
pub(super) fn unpack(blob: &[u8], rows: usize) -> Result<Vec<RowReport>, Corrupt> {
    let columns: Columns = postcard::from_bytes(blob).map_err(|_| Corrupt)?;
    if columns.lengths.len() != rows || columns.codes.len() != rows {
        return Err(Corrupt);
    }
    let named = by_row(columns.named)?;
    let statuses: HashMap<u32, Option<u32>> = columns.statuses.into_iter().collect();
    let errors = by_row(columns.errors)?;
    let text = |at: u32| columns.texts.get(at as usize).cloned().ok_or(Corrupt);
    let mut runs = columns.runs.chunks_exact(16);
    let mut start = 0_usize;
    let mut reports = Vec::with_capacity(rows);
    for (row, (length, code)) in columns.lengths.iter().zip(columns.codes.iter()).enumerate() {
        let end = start.checked_add(*length as usize).ok_or(Corrupt)?;
        let number = columns.numbers.get(start..end).ok_or(Corrupt)?;
        let number = (code & NUMBERLESS == 0).then(|| number.to_owned());
        start = end;
        let outcome =
            *Outcome::ALL.get(usize::from(code & !(REPAIRED | NUMBERLESS))).ok_or(Corrupt)?;
        let row = narrow(row);
        let (mut run, mut status) = (None, None);
        if outcome == Outcome::Accepted {
            run = Some(if let Some(at) = named.get(&row) {
                RunId::Text(text(*at)?.into())
            } else {
                let bytes = runs.next().ok_or(Corrupt)?;
                RunId::Uuid(Uuid::from_slice(bytes).map_err(|_| Corrupt)?)
            });
            status = match statuses.get(&row) {
                None => Some("queued".to_owned()),
                Some(at) => at.map(text).transpose()?,
            };
        }
        let error = errors.get(&row).map(|at| text(*at)).transpose()?;
        reports.push(RowReport { number, outcome, run, status, error });
    }
    Ok(reports)
}

/// The states of a chunk's rows, to go on from. Rows in doubt stay in doubt.
pub(super) fn states(reports: Vec<RowReport>) -> Vec<State> {
    let state = |report: RowReport| match report.outcome {
        Outcome::Invalid | Outcome::Duplicate => State::Home,
        Outcome::NotSent => State::Waiting,
        Outcome::Unknown => match report.error {
            Some(why) => State::Unknown { why: why.into() },
            None => State::interrupted(),
        },
        Outcome::Rejected => State::Rejected { error: report.error.unwrap_or_default().into() },
        Outcome::Accepted => match report.run {
            Some(run) => State::Accepted { run, status: Status::of(report.status.as_deref()) },
            None => State::interrupted(),
        },
    };
    reports.into_iter().map(state).collect()
}

/// The state of a row of a chunk that was on its way when everything ended.
pub(super) fn on_its_way(fate: &Fate) -> State {
    match fate {
        Fate::Send { .. } => State::interrupted(),
        _ => State::Home,
    }
}

fn by_row(pairs: Vec<(u32, u32)>) -> Result<HashMap<u32, u32>, Corrupt> {
    let count = pairs.len();
    let map: HashMap<u32, u32> = pairs.into_iter().collect();
    if map.len() == count { Ok(map) } else { Err(Corrupt) }
}

/// A chunk has far fewer rows and texts than 32 bits count.
fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::answer::Answer;
    use super::super::chunk::{Cut, Cutter, Encoded};
    use super::*;

    fn answer() -> impl Strategy<Value = Option<Answer>> {
        let run = prop_oneof![
            any::<u128>().prop_map(|id| RunId::Uuid(Uuid::from_u128(id))),
            "[a-z]{0,5}".prop_map(|text| RunId::Text(text.into())),
        ];
        let status = prop_oneof![
            Just(Status::Queued),
            proptest::option::of("[a-z]{0,5}").prop_map(|text| Status::of(text.as_deref())),
        ];
        prop_oneof![
            (run, status).prop_map(|(run, status)| Some(Answer::Accepted { run, status })),
            "[a-z]{0,5}".prop_map(|error| Some(Answer::Rejected { error: error.into() })),
            Just(None),
        ]
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(
            rows in proptest::collection::vec((".{0,9}", answer(), any::<bool>()), 1..30),
        ) {
            let mut cutter = Cutter::new(Cut::After(usize::MAX));
            for (number, _, repaired) in &rows {
                let fate = match number.len() % 4 {
                    0 => Fate::Invalid("why".into()),
                    1 => Fate::Duplicate,
                    _ => Fate::Send { own_session: false },
                };
                let json: &[u8] = if matches!(fate, Fate::Send { .. }) { b"{}" } else { b"" };
                let row = Encoded { fate, repaired: *repaired, check: 0, number: Some(number), came: None, json };
                prop_assert!(cutter.put(row).is_none());
            }
            let mut work = Work::new(cutter.take().unwrap());
            while let Some(part) = work.send() {
                for row in part {
                    match &rows[row].1 {
                        Some(answer) => work.applied(&[row], vec![answer.clone()]),
                        None => work.in_doubt(&[row], "why"),
                    }
                }
            }
            let reports = unpack(&pack(&work, false).0, rows.len()).unwrap();
            for (row, report) in reports.iter().enumerate() {
                prop_assert_eq!(report.number.as_ref(), Some(&rows[row].0));
                prop_assert_eq!(report.outcome, work.outcome(row));
            }
            prop_assert_eq!(&states(reports)[..], work.states());
        }

        #[test]
        fn any_bytes_are_unpacked_or_refused(
            blob in proptest::collection::vec(any::<u8>(), 0..200), rows in 0..20_usize,
        ) {
            let _ = unpack(&blob, rows);
        }
    }
}
