//! Rows cut into requests.

use std::ops::Range;
use std::{iter, mem};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::answer::{RunId, Status};
use super::seal::Seal;

/// What is to become of a row of the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// It is sent.
    Send {
        /// Whether its session id is the caller's own rather than a token.
        own_session: bool,
    },
    /// It stays home, for this reason.
    Invalid(Box<str>),
    /// It stays home, because an earlier row has its number, or its key: then this says which.
    Duplicate(Option<Box<str>>),
    /// It stays home, because its number is not to be called.
    Excluded {
        /// Whether its session id is the caller's own rather than a token.
        own_session: bool,
    },
    /// It stays home: the campaign has it, by its key.
    Existing(Box<Existing>),
    /// It stays home, because the campaign may have it; why that can't be told.
    Doubtful(Box<str>),
}

impl Fate {
    /// It, to be given to one alone: what is left in its place sends nothing.
    #[must_use]
    pub fn take(&mut self) -> Self {
        mem::replace(self, Self::Duplicate(None))
    }
}

/// A row that is in the campaign already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Existing {
    /// Its run.
    pub run: RunId,
    /// The run's status, when it was last seen.
    pub status: Status,
    /// Whether the campaign has it as it was before it changed.
    pub is_changed: bool,
    /// Whether the campaign has several records of it.
    pub is_doubled: bool,
}

/// A row of a chunk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// What is to become of it.
    pub fate: Fate,
    /// Whether its number had to be repaired.
    pub repaired: bool,
    /// Whether it has a number at all.
    pub has_number: bool,
    /// A check of what is sent of it, or of what kept it home.
    pub check: u32,
    /// Where its number ends in [`Chunk::numbers`]; it begins where the previous one ends.
    number_end: u32,
    /// Where its JSON stands in [`Chunk::json`], if it is sent or may have been before.
    json: Range<u32>,
}

/// Consecutive rows of the source, the unit that is sent, journaled and reported.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Chunk {
    /// Its place among the chunks, from 0.
    pub seq: u64,
    /// Its first row's position in the source.
    pub first_row: u64,
    /// Its rows.
    pub rows: Vec<Row>,
    numbers: String,
    keys: String,
    /// How many bytes each row's key has there, if it has one; nothing where rows are known by their places.
    key_lengths: Vec<Option<u32>>,
    /// What each row's token comes to; nothing where rows are known by their places.
    seals: Vec<Seal>,
    /// `{"records":[`, the rows' JSON with commas between, and `]}`.
    json: Bytes,
}

const HEAD: &[u8] = b"{\"records\":[";
const TAIL: &[u8] = b"]}";

impl Chunk {
    /// A row's number: as it is sent, or as it came where it is not.
    pub fn number(&self, index: usize) -> &str {
        let start = index.checked_sub(1).map_or(0, |before| self.rows[before].number_end);
        let end = self.rows[index].number_end;
        self.numbers.get(start as usize..end as usize).unwrap_or_default()
    }

    /// All rows' keys, one after the other.
    pub fn keys(&self) -> &str {
        &self.keys
    }

    /// How many bytes each row's key has, if it has one; nothing where rows are known by their places.
    pub fn key_lengths(&self) -> &[Option<u32>] {
        &self.key_lengths
    }

    /// What each row's token comes to; nothing where rows are known by their places.
    pub fn seals(&self) -> &[Seal] {
        &self.seals
    }

    /// A row's JSON, if it has one here.
    pub fn json(&self, index: usize) -> &[u8] {
        let Range { start, end } = self.rows[index].json;
        &self.json[start as usize..end as usize]
    }

    /// The indices of the rows that are sent.
    pub fn sendable(&self) -> impl Iterator<Item = usize> {
        let sent = |(_, row): &(usize, &Row)| matches!(row.fate, Fate::Send { .. });
        self.rows.iter().enumerate().filter(sent).map(|(index, _)| index)
    }

    /// The body of a push of some of its rows.
    pub fn body(&self, rows: &[u32]) -> Bytes {
        let encoded = || self.rows.iter().filter(|row| !row.json.is_empty()).count();
        if rows.len() == self.rows.len() || rows.len() == encoded() {
            return self.json.clone();
        }
        let size = rows.iter().map(|row| self.json(*row as usize).len() + 1).sum::<usize>();
        let mut body = Vec::with_capacity(HEAD.len() + size + TAIL.len());
        body.extend_from_slice(HEAD);
        for (at, row) in rows.iter().enumerate() {
            if at > 0 {
                body.push(b',');
            }
            body.extend_from_slice(self.json(*row as usize));
        }
        body.extend_from_slice(TAIL);
        body.into()
    }

    /// How much memory it holds, in bytes.
    pub fn size(&self) -> usize {
        self.json.len()
            + self.numbers.len()
            + self.rows.len() * size_of::<Row>()
            + self.keys.len()
            + size_of_val(&self.key_lengths[..])
            + size_of_val(&self.seals[..])
    }
}

/// How large a chunk may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows that are sent.
    pub records: usize,
    /// Bytes of the request's body.
    pub bytes: usize,
    /// Rows of the source, sent or not.
    pub rows: usize,
}

impl Limits {
    /// Whether a chunk that holds `sent` rows in `bytes` has room for one more of `more` bytes.
    ///
    /// An empty chunk has room for every row: a row larger than the limit goes alone.
    fn has_room(self, sent: usize, bytes: usize, more: usize) -> bool {
        sent == 0 || (sent < self.records && bytes + more + 1 + TAIL.len() <= self.bytes)
    }
}

/// When a chunk is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// At these limits.
    At(Limits),
    /// After so many rows of the source, as it was cut before.
    After(usize),
}

/// A chunk that is being filled.
#[derive(Debug)]
pub struct Cutter {
    seq: u64,
    first_row: u64,
    cut: Cut,
    rows: Vec<Row>,
    sent: usize,
    numbers: String,
    keys: String,
    key_lengths: Vec<Option<u32>>,
    seals: Vec<Seal>,
    json: Vec<u8>,
}

/// A row that is to be put into a chunk. `json` is empty unless it is sent.
#[derive(Debug)]
pub struct Encoded<'a> {
    /// What is to become of it.
    pub fate: Fate,
    /// Whether its number had to be repaired.
    pub repaired: bool,
    /// A check of what is sent of it, or of what kept it home.
    pub check: u32,
    /// Its number.
    pub number: Option<&'a str>,
    /// The number as it came, where it is not sent.
    pub came: Option<&'a str>,
    /// What it is known by, where rows are known by a key.
    pub key: Option<Key<'a>>,
    /// What is sent of it.
    pub json: &'a [u8],
}

/// A row's key.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    /// As a report shows it; none where it is missing.
    pub shown: Option<&'a str>,
    /// What the row is sent under.
    pub token: &'a str,
    /// What that comes to.
    pub seal: &'a Seal,
}

impl Encoded<'_> {
    /// Keeps the row home.
    pub fn stays(&mut self, fate: Fate) {
        self.fate = fate;
        self.repaired = false;
        self.number = self.came.or(self.number);
        self.json = b"";
    }

    /// Keeps the row home, because its number is not to be called.
    pub fn excluded(&mut self) {
        if let Fate::Send { own_session } = self.fate {
            self.fate = Fate::Excluded { own_session };
            self.repaired = false;
        }
    }
}

impl Cutter {
    /// A cutter of the first chunk.
    pub fn new(cut: Cut) -> Self {
        Self {
            seq: 0,
            first_row: 0,
            cut,
            rows: Vec::new(),
            sent: 0,
            numbers: String::new(),
            keys: String::new(),
            key_lengths: Vec::new(),
            seals: Vec::new(),
            json: HEAD.to_vec(),
        }
    }

    /// Decides where the chunk that is being filled is cut. It must be empty.
    pub fn cut_at(&mut self, cut: Cut) {
        debug_assert!(self.rows.is_empty());
        self.cut = cut;
    }

    /// Puts a row, whose fate it takes, and returns the chunk that had no room for it.
    #[inline]
    pub fn put(&mut self, row: &mut Encoded<'_>) -> Option<Chunk> {
        let is_sent = matches!(row.fate, Fate::Send { .. });
        let full = match self.cut {
            Cut::After(rows) => self.rows.len() >= rows,
            Cut::At(limits) => {
                self.rows.len() >= limits.rows
                    || (is_sent && !limits.has_room(self.sent, self.json.len(), row.json.len()))
            }
        };
        let cut = if full { self.take() } else { None };
        self.append(row, is_sent);
        cut
    }

    /// Whether a chunk cut after a number of rows has them all.
    #[inline]
    pub fn is_complete(&self) -> bool {
        matches!(self.cut, Cut::After(rows) if self.rows.len() >= rows)
    }

    /// The rows put since the last cut, if any.
    pub fn take(&mut self) -> Option<Chunk> {
        if self.rows.is_empty() {
            return None;
        }
        // The next is most likely as large.
        let mut next = Self {
            seq: self.seq + 1,
            first_row: self.first_row + self.rows.len() as u64,
            cut: self.cut,
            sent: 0,
            rows: Vec::with_capacity(self.rows.len()),
            numbers: String::with_capacity(self.numbers.len()),
            keys: String::with_capacity(self.keys.len()),
            key_lengths: Vec::with_capacity(self.key_lengths.len()),
            seals: Vec::with_capacity(self.seals.len()),
            json: Vec::with_capacity(self.json.len() + 256),
        };
        next.json.extend_from_slice(HEAD);
        let Self { seq, first_row, rows, numbers, keys, key_lengths, seals, mut json, .. } =
            mem::replace(self, next);
        json.extend_from_slice(TAIL);
        let json = json.into();
        Some(Chunk { seq, first_row, rows, numbers, keys, key_lengths, seals, json })
    }

    #[inline]
    fn append(&mut self, row: &mut Encoded<'_>, is_sent: bool) {
        let is_excluded = matches!(row.fate, Fate::Excluded { .. });
        // What was cut before may have been sent before: then it is looked for as it was sent.
        let was_cut = matches!(self.cut, Cut::After(_));
        let json = if is_sent || (is_excluded && was_cut) {
            if self.json.len() > HEAD.len() {
                self.json.push(b',');
            }
            let start = self.json.len();
            self.json.extend_from_slice(row.json);
            self.sent += usize::from(is_sent);
            offset(start)..offset(self.json.len())
        } else {
            0..0
        };
        let came = row.came.filter(|_| is_excluded && !was_cut);
        self.numbers.push_str(came.or(row.number).unwrap_or_default());
        if let Some(key) = &row.key {
            self.keys.push_str(key.shown.unwrap_or_default());
            self.key_lengths.push(key.shown.map(|shown| offset(shown.len())));
            self.seals.push(*key.seal);
        }
        let number_end = offset(self.numbers.len());
        // Made where it stays: a copy of what was just written in pieces waits until they have left the
        // processor.
        self.rows.extend(iter::once_with(|| Row {
            fate: row.fate.take(),
            repaired: row.repaired,
            has_number: row.number.is_some(),
            check: row.check,
            number_end,
            json,
        }));
    }
}

/// Offsets within a chunk: 4 GB are far beyond any body that a service takes, and a row that large
/// is refused when it is encoded.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
