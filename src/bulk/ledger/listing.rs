//! What a listing shows of an upload. Pure; what it proves is in `proof`.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use fixedbitset::FixedBitSet;
use jiff::Timestamp;

use super::super::answer::{RunId, Status};
use super::index::{Index, Mark, Place, State};
use super::own::{self, Beginning as Session, Number, Print, Reader};
use super::page::{self, Page, Shown};
use super::span::{Span, moment};

/// What a look is about, as things were when it began.
pub(super) struct Wanted {
    /// What our tokens begin with.
    pub(super) prefix: String,
    pub(super) reader: Reader,
    /// Rows in doubt that have a token.
    pub(super) tokens: HashMap<u64, (Place, u64)>,
    /// Rows in doubt that have a session id of the caller's own, by what they are known by.
    pub(super) own: HashMap<u64, Alike>,
    /// The numbers of both.
    pub(super) numbers: HashSet<u64>,
    /// Rows with a token that are known to be accepted.
    pub(super) accepted: FixedBitSet,
    /// Runs with session ids of the caller's own that are known to be accepted, in order.
    pub(super) known: Vec<u64>,
}

/// Rows of which the same was sent, and what they are known by.
#[derive(Debug)]
pub(super) struct Alike {
    pub(super) print: Print,
    pub(super) places: Vec<Place>,
}

/// A record that may be of this upload: with a session id of the caller's own, with none that can be
/// read, or, while nothing of the upload is known, with any.
pub(super) struct Candidate {
    /// How its session id begins, if it shows one.
    pub(super) session: Option<Session>,
    pub(super) id: RunId,
    pub(super) status: Status,
    pub(super) number: Option<Number>,
    pub(super) identity: Option<u64>,
    pub(super) created: Option<Timestamp>,
}

/// A row in doubt that was found, and as what.
pub(super) struct Found {
    pub(super) run: RunId,
    pub(super) status: Status,
    /// Whether the record shows the number that was sent.
    pub(super) is_verified: bool,
    /// Whether no other record has the same token.
    pub(super) is_one: bool,
}

/// A listing as far as it was read.
pub(super) struct Listing {
    pub(super) wanted: Wanted,
    /// Whether nothing is known that would show in which form it has our records.
    is_blind: bool,
    /// Every record that was shown, by its id.
    pub(super) ids: Vec<u64>,
    /// When each was created, in seconds, where rows are known by the service's clock.
    pub(super) created: Vec<u32>,
    /// Those under tokens of ours, by id and row.
    pub(super) ours: Vec<u64>,
    /// Accepted rows that were not shown yet.
    pub(super) missing: FixedBitSet,
    pub(super) known_seen: FixedBitSet,
    pub(super) found: HashMap<Place, Found>,
    pub(super) candidates: Vec<Candidate>,
    /// When the oldest and the youngest of our own were created, by the service's clock.
    pub(super) span: Span,
    /// How long the longest token was that was recognised.
    pub(super) longest: usize,
    pub(super) odd: Odd,
}

/// What a listing shows that it should not.
#[derive(Default)]
pub(super) struct Odd {
    /// Records without a session id, or with the beginning of one of ours.
    pub(super) sessionless: u64,
    /// A token shows another number than it was sent with.
    pub(super) misnumbered: bool,
    /// A token that was never sent.
    pub(super) strange: bool,
}

/// The most records that may be of this upload and are not, before it is not worth telling apart.
pub(super) const MOST_CANDIDATES: usize = 100_000;

impl Listing {
    pub(super) fn new(wanted: Wanted) -> Self {
        Self {
            is_blind: wanted.accepted.is_clear() && wanted.known.is_empty(),
            ids: Vec::new(),
            created: Vec::new(),
            ours: Vec::new(),
            missing: wanted.accepted.clone(),
            known_seen: FixedBitSet::with_capacity(wanted.known.len()),
            found: HashMap::new(),
            candidates: Vec::new(),
            span: Span::default(),
            longest: 0,
            odd: Odd::default(),
            wanted,
        }
    }

    /// Makes room for as many records as there are said to be.
    pub(super) fn expect(&mut self, total: u64) {
        const MOST: u64 = 1 << 24;
        let total = usize::try_from(total.min(MOST)).unwrap_or(0);
        self.ids.reserve_exact(total.saturating_sub(self.ids.len()));
    }

    /// Reads a page, and what it says of itself; its records in one number, too.
    pub(super) fn read(&mut self, text: &[u8], index: &Index) -> Option<(Page, u64)> {
        let start = self.ids.len();
        let page = page::read(text, |shown| self.see(shown, index))?;
        Some((page, own::print(&&self.ids[start..])))
    }

    fn see(&mut self, shown: &Shown<'_>, index: &Index) {
        let id = shown.id.and_then(page::scalar);
        let run = id.as_deref().map_or_else(|| own::print(&shown.whole), own::run);
        self.ids.push(run);
        if !self.wanted.own.is_empty()
            && let Some(at) = created(shown)
        {
            self.created.push(u32::try_from(at.as_second()).unwrap_or(0));
        }
        let session = shown.app_session_id.and_then(page::scalar);
        let Some(session) = session else {
            self.odd.sessionless += 1;
            return self.see_foreign(shown, run, id.as_deref(), None);
        };
        let Some(digits) = session.strip_prefix(self.wanted.prefix.as_str()) else {
            let is_cut = is_altered(&session, &self.wanted.prefix);
            self.odd.sessionless += u64::from(is_cut);
            let session = (!is_cut).then(|| Session::of(&session));
            return self.see_foreign(shown, run, id.as_deref(), session);
        };
        match row(digits).and_then(|row| Some((row, index.place(row)?))) {
            Some((row, place)) => self.see_ours(shown, (run, id.as_deref()), row, place, index),
            None => self.odd.strange = true,
        }
    }

    /// A record under a token of ours.
    fn see_ours(
        &mut self,
        shown: &Shown<'_>,
        (run, id): (u64, Option<&str>),
        row: u64,
        place: Place,
        index: &Index,
    ) {
        if index.mark(place).is_none_or(Mark::is_own) {
            self.odd.strange = true;
            return;
        }
        let at = usize::try_from(row).unwrap_or(usize::MAX);
        if self.wanted.accepted.contains(at) {
            self.ours.push(own::print(&(run, row)));
            self.missing.set(at, false);
            self.recognised(shown, row);
            return;
        }
        let state = index.state(place);
        match (self.wanted.tokens.get(&row), state, id) {
            (Some(_), _, Some(id)) | (None, Some(State::Waiting), Some(id)) => {
                self.ours.push(own::print(&(run, row)));
                let number = shown.phone_number.and_then(page::scalar);
                let expected = self.wanted.tokens.get(&row).map(|(_, print)| *print);
                let is_of = number
                    .zip(expected)
                    .and_then(|(number, sent)| self.wanted.reader.is_of(&number, sent));
                if is_of == Some(false) {
                    // Another row's record, whose token was cut short.
                    self.odd.misnumbered = true;
                    return;
                }
                let is_verified = is_of.is_some();
                if is_verified {
                    self.recognised(shown, row);
                }
                let status = shown.status.and_then(page::scalar);
                let status = Status::of(status.as_deref());
                let found = Found { run: RunId::of(id), status, is_verified, is_one: true };
                self.take(place, found);
            }
            // It is on its way right now, or was accepted meanwhile.
            (_, Some(State::Out | State::Accepted | State::Doubt), _) => {}
            _ => self.odd.strange = true,
        }
    }

    fn take(&mut self, place: Place, found: Found) {
        match self.found.entry(place) {
            Entry::Vacant(entry) => {
                entry.insert(found);
            }
            Entry::Occupied(mut entry) if entry.get().run != found.run => {
                let before = entry.get_mut();
                if found.is_verified && !before.is_verified {
                    *before = found;
                } else if !before.is_verified {
                    before.is_one = false;
                }
            }
            Entry::Occupied(_) => {}
        }
    }

    /// Whether a record under a row's token is that row's: no longer token that was cut short could be
    /// taken for it, or its number says so.
    pub(super) fn is_sure(&self, place: Place, index: &Index) -> bool {
        self.found.get(&place).is_some_and(|found| {
            let (row, rows) = (index.row(place), index.rows());
            let is_whole = row == 0
                || row.saturating_mul(10) >= rows
                || self.longest >= digits(rows.saturating_sub(1));
            if is_whole {
                found.is_verified || found.is_one
            } else {
                found.is_verified && !self.is_beginning(row, index)
            }
        })
    }

    /// Whether a row that may be in the campaign has a token that begins with this row's, and may have
    /// its number.
    fn is_beginning(&self, row: u64, index: &Index) -> bool {
        let number = |row: u64| self.wanted.tokens.get(&row).map(|(_, number)| *number);
        let may_be = |other: u64| {
            let mark = index.place(other).and_then(|place| index.mark(place));
            match mark.filter(|mark| !mark.is_own()).map(Mark::state) {
                Some(State::Out) => true,
                Some(State::Doubt) => number(other).is_none_or(|it| Some(it) == number(row)),
                Some(State::Accepted) => {
                    let at = usize::try_from(other).unwrap_or(usize::MAX);
                    !self.wanted.accepted.contains(at) || self.missing.contains(at)
                }
                _ => false,
            }
        };
        std::iter::successors(Some((row, row + 1)), |(from, to)| {
            Some((from.checked_mul(10)?, to.checked_mul(10)?))
        })
        .skip(1)
        .take_while(|(from, _)| *from < index.rows())
        .any(|(from, to)| (from..to.min(index.rows())).any(may_be))
    }

    /// A record of ours looks as we know it.
    fn recognised(&mut self, shown: &Shown<'_>, row: u64) {
        self.longest = self.longest.max(digits(row));
        self.date(shown);
    }

    fn date(&mut self, shown: &Shown<'_>) {
        if let Some(created) = shown.created_at {
            self.span.take(created);
        }
    }

    /// A record without a token of ours.
    fn see_foreign(
        &mut self,
        shown: &Shown<'_>,
        run: u64,
        id: Option<&str>,
        session: Option<Session>,
    ) {
        let asks_for_own = !self.wanted.own.is_empty();
        if session.is_some() && !asks_for_own && !self.is_blind && self.wanted.known.is_empty() {
            return;
        }
        let read = self.wanted.reader.shown(shown);
        if let Some((_, identity)) = read {
            let known = own::known(run, identity);
            if let Ok(at) = self.wanted.known.binary_search(&known) {
                self.known_seen.insert(at);
                self.date(shown);
                return;
            }
        }
        let number = match read {
            Some((number, _)) => Some(number),
            None => shown
                .phone_number
                .and_then(page::scalar)
                .map(|number| self.wanted.reader.number(&number)),
        };
        let is_other = number
            .is_some_and(|number| number.is_valid && !self.wanted.numbers.contains(&number.print));
        let is_wanted = asks_for_own || self.is_blind || session.is_none();
        if is_other || !is_wanted || self.candidates.len() >= MOST_CANDIDATES {
            return;
        }
        let status = shown.status.and_then(page::scalar);
        self.candidates.push(Candidate {
            session,
            id: RunId::of(id.unwrap_or_default()),
            status: Status::of(status.as_deref()),
            number,
            identity: read.map(|(_, identity)| identity),
            created: created(shown),
        });
    }

    /// Whether all that is looked for was found, beyond doubt.
    pub(super) fn is_satisfied(&self, index: &Index) -> bool {
        self.wanted.own.is_empty()
            && self.found.len() >= self.wanted.tokens.len()
            && self.wanted.tokens.values().all(|(place, _)| self.is_sure(*place, index))
    }

    /// How many different records were shown, and which.
    pub(super) fn distinct(&mut self) -> (u64, u64) {
        self.ids.sort_unstable();
        self.ids.dedup();
        (self.ids.len() as u64, self.ids.iter().fold(0, |all, id| all ^ id.wrapping_mul(id | 1)))
    }
}

/// Whether a session id is the beginning of one of ours, or one in another case.
fn is_altered(session: &str, prefix: &str) -> bool {
    let length = session.len().min(prefix.len());
    let (one, other) = (session.as_bytes(), prefix.as_bytes());
    length > 4 && one[..length].eq_ignore_ascii_case(&other[..length])
}

/// The row that a token tells, if it is one that this version writes.
fn row(digits: &str) -> Option<u64> {
    let row: u64 = digits.parse().ok()?;
    (self::digits(row) == digits.len()).then_some(row)
}

/// How many digits a row's position has.
pub(super) fn digits(row: u64) -> usize {
    row.checked_ilog10().map_or(1, |log| log as usize + 1)
}

fn created(shown: &Shown<'_>) -> Option<Timestamp> {
    shown.created_at.and_then(moment)
}
