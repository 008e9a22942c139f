//! What is written down of a chunk's rows, compact: a plan once, and then what became of them, part
//! by part.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::answer::{RunId, Status};
use super::chunk::{Chunk, Fate};
use super::outcome::Outcome;
use super::seal::{SEAL, Seal};

/// Why nothing is known of a row that was planned and of which nothing was written down since.
pub(super) const INTERRUPTED: &str = "the upload ended while it was on its way";

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// It is in the campaign.
    Accepted { run: RunId, status: Status },
    /// The service refused it.
    Rejected { error: Box<str> },
    /// It was sent, and may be there.
    Unknown { why: Arc<str> },
    /// Nothing of it is there; why it was not sent, if that needs saying.
    NotSent { why: Option<Arc<str>> },
    /// It was in the campaign before; what else there is to say.
    Existing { run: RunId, status: Status, why: Option<&'static str> },
    /// It is about to be sent, after it was written down as not sent.
    Sent,
    /// It stays home, after it was to be sent.
    Excluded,
}

/// Which rows of a chunk are not sent though they could be.
#[derive(Debug, Clone)]
pub(super) struct Hold {
    /// The first of them.
    pub(super) from: u32,
    /// The first that is not sent for a reason.
    pub(super) beyond: u32,
    /// The reason.
    pub(super) why: Arc<str>,
    /// Those that may be there already, in order, whether or not they would go; and why they may.
    pub(super) open: (Vec<u32>, Arc<str>),
}

impl Hold {
    /// All are sent.
    pub(super) fn none() -> Self {
        Self { from: u32::MAX, beyond: u32::MAX, why: "".into(), open: (Vec::new(), "".into()) }
    }
}

/// What is known of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowReport {
    /// Its number, as it was sent, or as it came where it was not.
    pub number: Option<String>,
    /// Whether its number was repaired.
    pub is_repaired: bool,
    /// Its key, where rows are known by one.
    pub key: Option<String>,
    /// Whether the campaign has it as it was before it changed.
    pub is_changed: bool,
    /// Whether the campaign has several records of it.
    pub is_doubled: bool,
    /// What it came to.
    pub outcome: Outcome,
    /// Its run.
    pub run: Option<RunId>,
    /// The run's status.
    pub status: Option<String>,
    /// Why it is not in the campaign, or may not be.
    pub error: Option<String>,
}

/// A blob that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Corrupt;

/// A plan, in columns.
#[derive(Debug, Default, Serialize, Deserialize)]
struct PlanColumns {
    numbers: String,
    /// How long each number is, in bytes.
    lengths: Vec<u32>,
    /// [`SEND`], [`INVALID`], [`DUPLICATE`], [`EXCLUDED`] or [`HELD`] for each row, [`REPAIRED`] and
    /// [`NUMBERLESS`].
    codes: serde_bytes::ByteBuf,
    texts: Vec<String>,
    /// Rows and why they stay home, as texts.
    reasons: Vec<(u32, u32)>,
}

const SEND: u8 = 0;
const INVALID: u8 = 1;
const DUPLICATE: u8 = 2;
const EXCLUDED: u8 = 3;
const HELD: u8 = 4;
const EXISTING: u8 = 5;
const DOUBTFUL: u8 = 6;
const REPAIRED: u8 = 1 << 7;
const NUMBERLESS: u8 = 1 << 6;
const CHANGED: u8 = 1 << 5;
const DOUBLED: u8 = 1 << 4;

/// Rows' keys, after a plan, where rows are known by them.
#[derive(Debug, Default, Serialize, Deserialize)]
struct KeyColumns<'a> {
    keys: &'a str,
    /// How long each key is, in bytes; none where it is missing.
    lengths: Cow<'a, [Option<u32>]>,
    /// Of each row, where the plan is kept for another upload to read.
    #[serde(with = "serde_bytes")]
    seals: Cow<'a, [u8]>,
}

/// What became of rows, in columns. Positions are those of a row in here.
#[derive(Debug, Default, Serialize, Deserialize)]
struct PartColumns {
    /// Which rows: the first of a run of them, and how many.
    rows: Vec<(u32, u32)>,
    /// A code for each row.
    codes: serde_bytes::ByteBuf,
    /// 16 bytes for each accepted row whose run id is a UUID, in order.
    runs: serde_bytes::ByteBuf,
    texts: Vec<String>,
    /// Rows and their run ids that are no UUIDs, as texts.
    named: Vec<(u32, u32)>,
    /// Rows and their statuses other than `queued`, as texts.
    statuses: Vec<(u32, Option<u32>)>,
    /// Rows and their errors, as texts.
    errors: Vec<(u32, u32)>,
}

const ACCEPTED: u8 = 0;
const REJECTED: u8 = 1;
const UNKNOWN: u8 = 2;
const NOT_SENT: u8 = 3;
const SENT: u8 = 4;
const KEPT: u8 = 5;
const WAS_THERE: u8 = 6;

/// Texts, each once.
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

/// Packs a chunk's plan: its rows' numbers, and why some of them stay home; what tells their keys apart,
/// too, where that is for a journal.
pub(super) fn pack_plan(chunk: &Chunk, hold: &Hold, is_journaled: bool) -> Vec<u8> {
    let mut columns = PlanColumns::default();
    let mut texts = Texts::default();
    for (row, what) in chunk.rows.iter().enumerate() {
        let number = chunk.number(row);
        columns.numbers.push_str(number);
        columns.lengths.push(narrow(number.len()));
        let mut code = match &what.fate {
            Fate::Send { .. } if hold.open.0.binary_search(&narrow(row)).is_ok() => {
                columns.reasons.push((narrow(row), texts.index(&hold.open.1)));
                DOUBTFUL
            }
            Fate::Send { .. } if narrow(row) >= hold.beyond => {
                columns.reasons.push((narrow(row), texts.index(&hold.why)));
                HELD
            }
            Fate::Send { .. } if narrow(row) >= hold.from => HELD,
            Fate::Send { .. } => SEND,
            Fate::Invalid(why) => {
                columns.reasons.push((narrow(row), texts.index(why)));
                INVALID
            }
            Fate::Excluded { .. } => EXCLUDED,
            Fate::Duplicate(why) => {
                columns.reasons.extend(why.as_deref().map(|why| (narrow(row), texts.index(why))));
                DUPLICATE
            }
            Fate::Existing(one) => {
                let changed = if one.is_changed { CHANGED } else { 0 };
                EXISTING | changed | if one.is_doubled { DOUBLED } else { 0 }
            }
            Fate::Doubtful(why) => {
                columns.reasons.push((narrow(row), texts.index(why)));
                DOUBTFUL
            }
        };
        code |= if what.repaired { REPAIRED } else { 0 };
        code |= if what.has_number { 0 } else { NUMBERLESS };
        columns.codes.push(code);
    }
    columns.texts = texts.all;
    let mut blob = postcard::to_stdvec(&columns).unwrap_or_default();
    if !chunk.seals().is_empty() {
        let seals = if is_journaled { chunk.seals() } else { &[] };
        let keys = KeyColumns {
            keys: chunk.keys(),
            lengths: chunk.key_lengths().into(),
            seals: seals.iter().flat_map(|seal| seal.to_bytes()).collect(),
        };
        blob.extend(postcard::to_stdvec(&keys).unwrap_or_default());
    }
    blob
}

/// What the tokens of a plan's rows come to; none where they are known by their places, or where the plan
/// was not for a journal.
pub(super) fn seals(plan: &[u8], rows: usize) -> Result<Vec<Seal>, Corrupt> {
    let (_, rest) = postcard::take_from_bytes::<PlanColumns>(plan).map_err(|_| Corrupt)?;
    let Some(columns) = key_columns(rest, rows)? else { return Ok(Vec::new()) };
    let (seals, _) = columns.seals.as_chunks::<SEAL>();
    Ok(seals.iter().copied().map(Seal::of_bytes).collect())
}

fn key_columns(rest: &[u8], rows: usize) -> Result<Option<KeyColumns<'_>>, Corrupt> {
    if rest.is_empty() {
        return Ok(None);
    }
    let columns: KeyColumns<'_> = postcard::from_bytes(rest).map_err(|_| Corrupt)?;
    let fits = columns.lengths.len() == rows && [0, rows * SEAL].contains(&columns.seals.len());
    if fits { Ok(Some(columns)) } else { Err(Corrupt) }
}

/// Packs what became of rows.
pub(super) fn pack(told: &[(u32, Told)]) -> Vec<u8> {
    let mut columns = PartColumns::default();
    let mut texts = Texts::default();
    for (at, (row, told)) in told.iter().enumerate() {
        let at = narrow(at);
        match columns.rows.last_mut() {
            Some((first, count)) if *first + *count == *row => *count += 1,
            _ => columns.rows.push((*row, 1)),
        }
        columns.codes.push(match told {
            Told::Accepted { run, status } | Told::Existing { run, status, .. } => {
                if let Told::Existing { why: Some(why), .. } = told {
                    columns.errors.push((at, texts.index(why)));
                }
                match run {
                    RunId::Uuid(uuid) => columns.runs.extend_from_slice(uuid.as_bytes()),
                    RunId::Text(text) => columns.named.push((at, texts.index(text))),
                }
                if *status != Status::Queued {
                    columns.statuses.push((at, status.text().map(|text| texts.index(text))));
                }
                if matches!(told, Told::Accepted { .. }) { ACCEPTED } else { WAS_THERE }
            }
            Told::Rejected { error } => {
                columns.errors.push((at, texts.index(error)));
                REJECTED
            }
            Told::Unknown { why } => {
                columns.errors.push((at, texts.index(why)));
                UNKNOWN
            }
            Told::NotSent { why } => {
                columns.errors.extend(why.as_deref().map(|why| (at, texts.index(why))));
                NOT_SENT
            }
            Told::Sent => SENT,
            Told::Excluded => KEPT,
        });
    }
    columns.texts = texts.all;
    postcard::to_stdvec(&columns).unwrap_or_default()
}

/// What is known of a chunk's `rows` rows, given its plan and what was told since, in order. Of a row
/// that was to be sent and of which nothing was told, nothing is known.
pub(super) fn unpack<'a>(
    plan: &[u8],
    parts: impl IntoIterator<Item = &'a [u8]>,
    rows: usize,
) -> Result<Vec<RowReport>, Corrupt> {
    let mut reports = unpack_plan(plan, rows)?;
    for part in parts {
        apply(part, &mut reports)?;
    }
    Ok(reports)
}

fn unpack_plan(blob: &[u8], rows: usize) -> Result<Vec<RowReport>, Corrupt> {
    let (columns, rest) = postcard::take_from_bytes::<PlanColumns>(blob).map_err(|_| Corrupt)?;
    let keys = key_columns(rest, rows)?;
    let mut key_start = 0_usize;
    if columns.lengths.len() != rows || columns.codes.len() != rows {
        return Err(Corrupt);
    }
    let reasons = by_row(columns.reasons)?;
    let mut start = 0_usize;
    let mut reports = Vec::with_capacity(rows);
    for (row, (length, code)) in columns.lengths.iter().zip(columns.codes.iter()).enumerate() {
        let end = start.checked_add(*length as usize).ok_or(Corrupt)?;
        let number = columns.numbers.get(start..end).ok_or(Corrupt)?;
        start = end;
        let reason = reasons.get(&narrow(row)).map(|at| columns.texts.get(*at as usize));
        let (outcome, error) = match code & !(REPAIRED | NUMBERLESS | CHANGED | DOUBLED) {
            SEND => (Outcome::Unknown, Some(INTERRUPTED.to_owned())),
            INVALID => (Outcome::Invalid, reason.ok_or(Corrupt)?.cloned()),
            DUPLICATE => (Outcome::Duplicate, reason.flatten().cloned()),
            EXCLUDED => (Outcome::Excluded, None),
            EXISTING => (Outcome::Existing, None),
            HELD => (Outcome::NotSent, reason.flatten().cloned()),
            DOUBTFUL => (Outcome::Unknown, reason.ok_or(Corrupt)?.cloned()),
            _ => return Err(Corrupt),
        };
        let mut key = None;
        if let Some(keys) = &keys
            && let Some(length) = keys.lengths.get(row).copied().flatten()
        {
            let end = key_start.checked_add(length as usize).ok_or(Corrupt)?;
            key = Some(keys.keys.get(key_start..end).ok_or(Corrupt)?.to_owned());
            key_start = end;
        }
        reports.push(RowReport {
            number: (code & NUMBERLESS == 0).then(|| number.to_owned()),
            is_repaired: code & REPAIRED != 0,
            key,
            is_changed: code & CHANGED != 0,
            is_doubled: code & DOUBLED != 0,
            outcome,
            run: None,
            status: None,
            error,
        });
    }
    Ok(reports)
}

fn apply(blob: &[u8], reports: &mut [RowReport]) -> Result<(), Corrupt> {
    let columns: PartColumns = postcard::from_bytes(blob).map_err(|_| Corrupt)?;
    let named = by_row(columns.named)?;
    let statuses: HashMap<u32, Option<u32>> = columns.statuses.into_iter().collect();
    let errors = by_row(columns.errors)?;
    let text = |at: u32| columns.texts.get(at as usize).cloned().ok_or(Corrupt);
    let mut runs = columns.runs.chunks_exact(16);
    let mut codes = (0..).zip(columns.codes.iter());
    for (first, count) in columns.rows {
        let end = first.checked_add(count).ok_or(Corrupt)?;
        for row in first..end {
            let (at, code) = codes.next().ok_or(Corrupt)?;
            // A row that a later plan keeps home, or does not have, never left.
            let is_there = |report: &&mut RowReport| {
                !matches!(report.outcome, Outcome::Invalid | Outcome::Duplicate)
            };
            let Some(report) = reports.get_mut(row as usize).filter(is_there) else {
                if matches!(*code, ACCEPTED | WAS_THERE) {
                    return Err(Corrupt);
                }
                continue;
            };
            (report.run, report.status) = (None, None);
            report.error = errors.get(&at).map(|at| text(*at)).transpose()?;
            report.outcome = match *code {
                ACCEPTED | WAS_THERE => {
                    report.run = Some(if let Some(at) = named.get(&at) {
                        RunId::Text(text(*at)?.into())
                    } else {
                        let bytes = runs.next().ok_or(Corrupt)?;
                        RunId::Uuid(Uuid::from_slice(bytes).map_err(|_| Corrupt)?)
                    });
                    report.status = match statuses.get(&at) {
                        None => Some("queued".to_owned()),
                        Some(at) => at.map(text).transpose()?,
                    };
                    if *code == ACCEPTED { Outcome::Accepted } else { Outcome::Existing }
                }
                REJECTED => Outcome::Rejected,
                UNKNOWN => Outcome::Unknown,
                NOT_SENT => Outcome::NotSent,
                SENT => {
                    report.error = Some(INTERRUPTED.to_owned());
                    Outcome::Unknown
                }
                KEPT => Outcome::Excluded,
                _ => return Err(Corrupt),
            };
        }
    }
    Ok(())
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
mod tests;
