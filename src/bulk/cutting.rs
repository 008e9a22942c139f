//! Which rows stay home because of others, and where the rest is cut into chunks.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::chunk::{Chunk, Cut, Cutter, Encoded, Fate, Limits};
use super::encode::{Numbers, Rows};
use super::firsts::Firsts;
use super::ledger::Book;
use super::pipeline::Plan;
use super::rails::{FIRST_BYTES, Tally};
use crate::Result;

/// Cuts rows where they were cut before, and then at the limits.
pub(super) struct Cutting {
    cutter: Cutter,
    cuts: VecDeque<usize>,
    limits: Limits,
    /// None where every row that can be sent is.
    apart: Option<Apart>,
    tally: Option<Tally>,
    /// How many rows were put.
    rows: u64,
    /// Chunks that are complete and not handed over: all of them, until the first rows were judged.
    held: Vec<Chunk>,
    has_begun: bool,
}

impl Cutting {
    pub(super) fn new(plan: Plan) -> Self {
        let mut cuts: VecDeque<usize> = plan.cuts.into();
        let first = cuts.pop_front().map_or(Cut::At(plan.limits), Cut::After);
        Self {
            cutter: Cutter::new(first),
            cuts,
            limits: plan.limits,
            apart: Apart::of(plan.reject_duplicates, plan.claims, plan.book, plan.excluded),
            tally: plan.tally,
            rows: 0,
            held: Vec::new(),
            has_begun: false,
        }
    }

    /// There will be so many rows, as the source says.
    pub(super) fn make_room(&mut self, rows: u64) {
        if let Some(keys) = self.keys() {
            keys.make_room(rows);
        }
    }

    /// Puts rows, and returns the chunks that are to be handed over; an error where the source is not
    /// to be sent.
    pub(super) fn cut(&mut self, rows: Rows) -> Result<Vec<Chunk>> {
        self.take(rows);
        if let Some(tally) = &self.tally {
            tally.verdict(false, self.has_begun)?;
            if !self.has_begun && !tally.has_enough() {
                if self.held.iter().map(Chunk::size).sum::<usize>() < FIRST_BYTES {
                    return Ok(Vec::new());
                }
                self.judge()?;
            }
        }
        self.has_begun = true;
        Ok(std::mem::take(&mut self.held))
    }

    /// Whether what was read may be sent, where no more rows decide.
    pub(super) fn judge(&self) -> Result<()> {
        self.tally.as_ref().map_or(Ok(()), |tally| tally.verdict(true, self.has_begun))
    }

    /// Whether invalid rows are counted here.
    pub(super) fn counts_invalid(&self) -> bool {
        self.tally.is_some()
    }

    /// Takes note of the column that looks most like that of the numbers.
    pub(super) fn suspect(&mut self, likely: Option<String>) {
        if let Some(tally) = &mut self.tally {
            tally.suspect(likely);
        }
    }

    /// Puts rows.
    pub(super) fn take(&mut self, rows: Rows) {
        let mut chunks = std::mem::take(&mut self.held);
        let start = self.rows;
        let firsts = self
            .keys()
            .map_or_else(Vec::new, |keys| keys.put_all(rows.tokens(), rows.seals(), start));
        let mut firsts = firsts.into_iter();
        rows.each(|row| self.put(row, firsts.next(), &mut chunks));
        self.held = chunks;
    }

    fn keys(&mut self) -> Option<&mut Firsts> {
        self.apart.as_mut()?.keys.as_mut()
    }

    /// The chunks that were not handed over, and the rows since the last cut.
    pub(super) fn rest(&mut self) -> Vec<Chunk> {
        let mut chunks = std::mem::take(&mut self.held);
        chunks.extend(self.cutter.take());
        chunks
    }

    #[inline]
    fn put(&mut self, row: &mut Encoded<'_>, first: Option<u64>, chunks: &mut Vec<Chunk>) {
        if let Some(tally) = &mut self.tally {
            tally.see(row);
        }
        if let (Fate::Send { .. }, Some(apart)) = (&row.fate, &mut self.apart) {
            apart.put(row, self.rows, first);
        }
        self.rows += 1;
        chunks.extend(self.cutter.put(row));
        if self.cutter.is_complete() {
            chunks.extend(self.cutter.take());
            let next = self.cuts.pop_front().map_or(Cut::At(self.limits), Cut::After);
            self.cutter.cut_at(next);
        }
    }
}

/// Which rows stay home because of others.
struct Apart {
    numbers: Option<HashSet<u128>>,
    /// The rows that have left with a number before.
    claims: HashMap<u128, u64>,
    /// The first row of each key, where rows are known by keys.
    keys: Option<Firsts>,
    book: Option<Arc<Book>>,
    excluded: Option<Arc<Numbers>>,
}

impl Apart {
    fn of(
        reject_duplicates: bool,
        claims: HashMap<u128, u64>,
        book: Option<Arc<Book>>,
        excluded: Option<Arc<Numbers>>,
    ) -> Option<Self> {
        let numbers = reject_duplicates.then(HashSet::new);
        let keys = book.as_ref().map(|_| Firsts::new());
        let book = book.filter(|book| !book.is_empty());
        let is_needed = numbers.is_some() || keys.is_some() || excluded.is_some();
        is_needed.then_some(Self { numbers, claims, keys, book, excluded })
    }

    /// A row that could be sent stays home because of an earlier one, because the campaign has it, or
    /// because its number is not to be called. `first` is the first row with its key.
    fn put(&mut self, row: &mut Encoded<'_>, at: u64, first: Option<u64>) {
        if let Some(first) = first.filter(|first| *first != at) {
            let shown = row.key.and_then(|key| key.shown).unwrap_or_default();
            let why = format!("row {first} has the key {shown:?}, too");
            return row.stays(Fate::Duplicate(Some(why.into())));
        }
        let known = self.book.as_ref().and_then(|book| book.fate(row));
        let number = row.number.unwrap_or_default();
        if self.excluded.as_ref().is_some_and(|excluded| excluded.has(number)) {
            // What was sent before was.
            let sent = known.or_else(|| self.book.as_ref().and_then(|book| book.doubt(row)));
            return match sent {
                Some(fate) => row.stays(fate),
                None => row.excluded(),
            };
        }
        let is_new = self.numbers.as_mut().is_none_or(|known| {
            let print = fingerprint(number);
            self.claims.get(&print).map_or_else(|| known.insert(print), |row| *row == at)
        });
        match known {
            Some(fate @ Fate::Existing(_)) => row.stays(fate),
            _ if !is_new => row.stays(Fate::Duplicate(None)),
            Some(fate) => row.stays(fate),
            None => {}
        }
    }
}

/// A number in 16 bytes: its digits, where it is E.164; a digest of any other text.
pub(super) fn fingerprint(number: &str) -> u128 {
    use sha2::{Digest as _, Sha256};
    let digits = number.strip_prefix('+').and_then(|rest| rest.parse::<u64>().ok());
    // Read back, or two texts could be one number.
    if let Some(digits) = digits.filter(|digits| format!("+{digits}") == number) {
        return digits.into();
    }
    let digest = Sha256::digest(number.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    // Apart from every number of digits.
    u128::from_be_bytes(bytes) | 1 << 127
}
