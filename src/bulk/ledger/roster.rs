//! What a campaign's listing shows of rows that are known by keys. Pure.
//!
//! Every record that shows a session id takes one entry of 48 bytes, found by its digest. A record
//! that shows none may be any row with its number.

use super::super::answer::{RunId, Status};
use super::super::chunk::Existing;
use super::super::seal::{Seal, Sealer};
use super::own::{self, Reader};
use super::page::{self, Page, Shown};
use crate::key;

/// A record that shows a session id.
#[derive(Debug, Clone, Copy)]
struct Entry {
    folded: [u8; 12],
    exact: u32,
    /// Its id, where that is a UUID; else its place among the others.
    run: [u8; 16],
    number: [u8; 8],
    /// What else it shows: user id and variables.
    rest: u32,
    /// Its status' place.
    status: u16,
    length: u8,
    flags: u8,
}

const _: () = assert!(size_of::<Entry>() == 48);

/// Its id is no UUID.
const NAMED: u8 = 1;
/// It shows a number that reads as one.
const NUMBERED: u8 = 2;
/// Its variables can be read.
const READABLE: u8 = 4;

/// The records of a campaign, as far as a look has read them.
#[derive(Debug)]
pub(super) struct Roster {
    reader: Reader,
    sealer: Sealer,
    entries: Vec<Entry>,
    /// Records that no entry tells apart, by their ids; until they were counted.
    ids: Vec<u64>,
    nameless: Nameless,
    /// What our tokens begin with, and whether one was shown, of any upload.
    prefix: Option<Box<str>>,
    is_ours: bool,
    /// The numbers of records under ids of others, where none of ours was shown: any of those may be
    /// what the service makes of one.
    strangers: Option<Vec<u64>>,
    words: Words,
    /// How long the longest session id is that was shown.
    longest: u8,
    /// Whether letters of either case were shown.
    cases: (bool, bool),
    is_sorted: bool,
}

/// Records that show no session id.
#[derive(Debug, Default)]
struct Nameless {
    count: u64,
    /// The numbers that they show.
    numbers: Vec<u64>,
    /// Whether one of them shows none that can be read, either.
    hides: bool,
}

/// Texts, of which entries have the places.
#[derive(Debug, Default)]
struct Words {
    statuses: Vec<Option<Box<str>>>,
    /// Ids of runs that are no UUIDs.
    runs: Vec<Box<str>>,
}

/// What a roster says of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is in the campaign.
    There(Existing),
    /// No record can be it.
    Absent,
    /// A record may be it, for this reason.
    MayBe(&'static str),
}

/// A row as it is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sought<'a> {
    pub(super) seal: Seal,
    /// Its token, where it is known.
    pub(super) token: Option<&'a str>,
    /// Its number, as parsed.
    pub(super) number: Option<u64>,
    /// What else is sent of it.
    pub(super) rest: Option<u32>,
}

impl Roster {
    pub(super) fn new(reader: Reader, sealer: Sealer, prefix: Option<Box<str>>) -> Self {
        Self {
            reader,
            sealer,
            entries: Vec::new(),
            ids: Vec::new(),
            nameless: Nameless::default(),
            prefix,
            is_ours: false,
            strangers: None,
            words: Words::default(),
            longest: 0,
            cases: (false, false),
            is_sorted: true,
        }
    }

    /// Makes room for as many records as there are said to be.
    pub(super) fn expect(&mut self, total: u64) {
        const MOST: u64 = 1 << 24;
        let total = usize::try_from(total.min(MOST)).unwrap_or(0);
        self.entries.reserve_exact(total.saturating_sub(self.entries.len()));
    }

    /// Reads a page, and what it says of itself; its records in one number, too. `seen` is told of
    /// each session id.
    pub(super) fn read(&mut self, text: &[u8], mut seen: impl FnMut(Seal)) -> Option<(Page, u64)> {
        self.is_sorted = false;
        let mut ids: Vec<u64> = Vec::new();
        let page = page::read(text, |shown| {
            let id = shown.id.and_then(page::scalar);
            ids.push(id.as_deref().map_or_else(|| own::print(&shown.whole), own::run));
            let before = self.entries.len();
            if let Some(seal) = self.see(shown, id.as_deref()) {
                seen(seal);
            }
            if self.entries[before..].iter().all(|one| one.flags & NAMED != 0) {
                self.ids.extend(ids.last());
            }
        })?;
        Some((page, own::print(&&ids[..])))
    }

    fn see(&mut self, shown: &Shown<'_>, id: Option<&str>) -> Option<Seal> {
        let number = shown.phone_number.and_then(page::scalar);
        let number = number.map(|number| self.reader.number(&number));
        let session = shown.app_session_id.and_then(page::scalar);
        let Some(session) = session.filter(|session| !session.is_empty()) else {
            self.nameless.count += 1;
            match number {
                Some(number) if number.is_valid => self.nameless.numbers.push(number.print),
                _ => self.nameless.hides = true,
            }
            return None;
        };
        let seal = self.sealer.seal(&session);
        if !self.is_ours {
            self.is_ours = key::is_given(&session, self.prefix.as_deref());
        }
        self.longest = self.longest.max(seal.length);
        self.cases.0 |= session.bytes().any(|byte| byte.is_ascii_lowercase());
        self.cases.1 |= session.bytes().any(|byte| byte.is_ascii_uppercase());
        let rest = own::rest_shown(shown);
        let mut flags = if rest.is_some() { READABLE } else { 0 };
        flags |= if number.is_some_and(|number| number.is_valid) { NUMBERED } else { 0 };
        let run = match RunId::of(id.unwrap_or_default()) {
            RunId::Uuid(uuid) => *uuid.as_bytes(),
            RunId::Text(text) => {
                flags |= NAMED;
                self.words.runs.push(text);
                (self.words.runs.len() as u128 - 1).to_le_bytes()
            }
        };
        let status = shown.status.and_then(page::scalar);
        let status = self.status(status.as_deref());
        self.entries.push(Entry {
            folded: seal.folded,
            exact: seal.exact,
            run,
            number: number.map_or(0, |number| number.print).to_le_bytes(),
            rest: rest.unwrap_or(0),
            status,
            length: seal.length,
            flags,
        });
        Some(seal)
    }

    /// The place of a status among those that were seen. There are few.
    fn status(&mut self, status: Option<&str>) -> u16 {
        let at = self.words.statuses.iter().position(|known| known.as_deref() == status);
        let at = at.unwrap_or_else(|| {
            if self.words.statuses.len() < usize::from(u16::MAX) {
                self.words.statuses.push(status.map(Into::into));
            }
            self.words.statuses.len() - 1
        });
        u16::try_from(at).unwrap_or(u16::MAX)
    }

    /// How many different records were shown, and which.
    pub(super) fn distinct(&mut self) -> (u64, u64) {
        self.sort();
        self.ids.sort_unstable();
        self.ids.dedup();
        let own = self.entries.iter().filter(|one| one.flags & NAMED == 0).map(Entry::id);
        let (count, print) = own
            .chain(self.ids.iter().copied())
            .fold((0, 0), |(count, all), id| (count + 1, all ^ id.wrapping_mul(id | 1)));
        (count, print)
    }

    /// Everything was read: from here on records are found.
    pub(super) fn sort(&mut self) {
        if !std::mem::replace(&mut self.is_sorted, true) {
            self.entries.sort_unstable_by_key(|one| (one.folded, one.exact, one.run));
            // A page that was read twice, as it moved.
            self.entries.dedup_by_key(|one| (one.folded, one.exact, one.run, one.flags & NAMED));
            self.nameless.numbers.sort_unstable();
            self.nameless.numbers.dedup();
        }
    }

    /// Lets go of what is needed only to judge it.
    pub(super) fn settle(&mut self) {
        self.sort();
        self.ids = Vec::new();
    }

    /// How many records show a session id, and how many show none.
    pub(super) fn sessions(&self) -> (u64, u64) {
        (self.entries.len() as u64, self.nameless.count)
    }

    /// Whether a token of ours is shown.
    pub(super) const fn is_ours(&self) -> bool {
        self.is_ours
    }

    /// None of the ids that it shows is ours: any record may be a row with its number.
    pub(super) fn doubt_strangers(&mut self) {
        let numbered = self.entries.iter().filter(|one| one.flags & NUMBERED != 0);
        let mut numbers = Vec::with_capacity(self.entries.len());
        numbers.extend(numbered.map(|one| u64::from_le_bytes(one.number)));
        self.nameless.hides |= numbers.len() < self.entries.len();
        numbers.sort_unstable();
        numbers.dedup();
        self.strangers = Some(numbers);
    }

    /// Whether a record shows neither a session id nor a number.
    pub(super) const fn hides(&self) -> bool {
        self.nameless.hides
    }

    /// Whether a token is shown as it was sent.
    pub(super) fn shows(&self, seal: Seal) -> bool {
        self.exact(seal).next().is_some()
    }

    /// Whether each record that shows it shows a number, too.
    pub(super) fn shows_number(&self, seal: Seal) -> bool {
        self.exact(seal).all(|one| one.flags & NUMBERED != 0)
    }

    /// Whether several records show it.
    pub(super) fn shows_twice(&self, seal: Seal) -> bool {
        self.exact(seal).nth(1).is_some()
    }

    fn group(&self, folded: [u8; 12]) -> impl Iterator<Item = &Entry> {
        debug_assert!(self.is_sorted);
        let start = self.entries.partition_point(|entry| entry.folded < folded);
        self.entries[start..].iter().take_while(move |entry| entry.folded == folded)
    }

    fn exact(&self, seal: Seal) -> impl Iterator<Item = &Entry> {
        self.group(seal.folded)
            .filter(move |one| one.exact == seal.exact && one.length == seal.length)
    }

    /// Whether no record can be any row.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
            && self.nameless.count == 0
            && self.strangers.is_none()
            && self.longest == 0
    }

    /// Whether no record can be a row, whatever its number is.
    pub(super) fn has_none_of(&self, seal: Seal) -> bool {
        let may_be_cut = seal.length > self.longest && self.longest > 0;
        let is_open = self.nameless.hides
            || self.nameless.count > 0
            || self.strangers.is_some()
            || may_be_cut;
        !is_open && self.group(seal.folded).next().is_none()
    }

    /// What it says of a row.
    pub(super) fn standing(&self, row: Sought<'_>) -> Standing {
        let Sought { seal, token, number, rest } = row;
        let is_of = |one: &&Entry| one.is_of(number);
        let all = || self.exact(seal);
        if let Some(found) = all().find(is_of).or_else(|| all().next()) {
            let is_same = found.flags & READABLE == 0 || rest.is_none_or(|rest| rest == found.rest);
            let is_known = found.flags & READABLE != 0 && rest.is_some();
            // What is as long as the longest may be a longer one's, cut short; a digest is as it is.
            let may_be_cut = seal.length >= self.longest && !token.is_some_and(key::has_digest);
            let shows_number = found.flags & NUMBERED != 0;
            let is_its_own = (is_same && is_known)
                || if shows_number { found.is_of(number) } else { rest.is_none() };
            if !is_its_own && may_be_cut {
                return Standing::MayBe(if shows_number {
                    "a record under its session id shows another number and other variables, and may \
                     be another row's, whose id was cut short"
                } else {
                    "a record under its session id shows no number and other variables, and may be \
                     another row's, whose id was cut short"
                });
            }
            return Standing::There(Existing {
                run: self.run(found),
                status: Status::of(
                    self.words.statuses.get(usize::from(found.status)).and_then(|s| s.as_deref()),
                ),
                is_changed: !is_same || !found.is_of(number),
                is_doubled: all().nth(1).is_some(),
            });
        }
        let may_be = |one: &Entry| one.is_of(number);
        // Whatever its number is: a listing that shows one case alone may have made it of any.
        if self.cases != (true, true) && self.group(seal.folded).next().is_some() {
            return Standing::MayBe(
                "a record shows its session id in another case, and may be this row",
            );
        }
        let cut = token.filter(|_| seal.length > self.longest && self.longest > 0);
        if let Some(cut) = cut.and_then(|token| token.as_bytes().get(..self.longest.into())) {
            let folded = self.sealer.fold(cut);
            if self.group(folded).any(|one| one.length == self.longest && may_be(one)) {
                return Standing::MayBe(
                    "a record shows the beginning of its session id, and may be this row",
                );
            }
        }
        let is_nameless = number.is_none_or(|it| self.nameless.numbers.binary_search(&it).is_ok());
        if self.nameless.hides || (self.nameless.count > 0 && is_nameless) {
            return Standing::MayBe(
                "a record with its number shows no session id, and may be this row",
            );
        }
        let strangers = self.strangers.as_ref();
        if strangers.is_some_and(|all| number.is_none_or(|it| all.binary_search(&it).is_ok())) {
            return Standing::MayBe(
                "a record with its number shows another session id, and the listing has shown none as it \
                 was sent, yet: call again once it does",
            );
        }
        Standing::Absent
    }

    fn run(&self, entry: &Entry) -> RunId {
        if entry.flags & NAMED == 0 {
            return RunId::Uuid(uuid::Uuid::from_bytes(entry.run));
        }
        let at = usize::try_from(u128::from_le_bytes(entry.run)).unwrap_or(usize::MAX);
        RunId::Text(self.words.runs.get(at).cloned().unwrap_or_default())
    }

    /// How long the longest session id is that was shown.
    pub(super) const fn longest(&self) -> u8 {
        self.longest
    }
}

impl Entry {
    /// Its run and its session id in one number: what another look is compared by.
    fn id(&self) -> u64 {
        own::print(&(self.run, self.folded))
    }

    /// Whether it may have this number.
    fn is_of(&self, number: Option<u64>) -> bool {
        self.flags & NUMBERED == 0 || number.is_none_or(|it| it == u64::from_le_bytes(self.number))
    }
}
