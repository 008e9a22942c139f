//! Which page of a listing to ask for next, and when all of it was seen. Nothing here waits.
//!
//! The service promises no order, and a listing shifts while it is read: a record that comes in pushes
//! others to later pages, and one that goes draws them to earlier ones. Read forwards, one page after
//! the other, a listing that only grows loses nothing; read backwards, one that only shrinks. So a look
//! that shows a shift is followed by another, in the direction that is safe from it, until there is
//! nothing new to be seen. Records are told apart by a hash of eight bytes each.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

use bytes::Bytes;

use crate::model::{Document, Record, RecordPage, Whole, same_json};

/// A listing may grow, and shift, while it is read: so much more than its total may be seen.
const SLACK: u64 = 1000;
/// Records that come in may shift one page into the place of another, but not time after time.
const MOST_REPEATS: u32 = 5;
/// Pages after which a listing that says no total must have shown something new.
const FEW: u64 = 64;
/// The most looks at a listing that shifts all the time.
const MOST_LOOKS: u32 = 6;
/// The most pages that are asked for ahead.
const MOST_AHEAD: u64 = 4;
/// The most bytes that they may have, as far as the last page tells.
const MOST_BYTES: usize = 8 << 20;

/// A page, and what of it tells it from others.
pub(super) struct Seen {
    pub(super) page: Document<RecordPage>,
    /// A hash for each record.
    hashes: Vec<u64>,
}

impl Seen {
    pub(super) fn new(page: Document<RecordPage>) -> Self {
        let hash = |record: &Document<Record>| {
            let mut hasher = DefaultHasher::new();
            match id_of(record) {
                Some(id) => id.hash(&mut hasher),
                // What has no id is what it says.
                None => record.json().hash(&mut hasher),
            }
            hasher.finish()
        };
        let hashes = page.items.iter().map(hash).collect();
        Self { page, hashes }
    }

    fn first_id(&self) -> Option<Cow<'_, str>> {
        self.page.items.first().and_then(id_of)
    }

    fn count(&self) -> u64 {
        (self.hashes.len() + self.page.items.left_out().len()) as u64
    }
}

fn id_of(record: &Document<Record>) -> Option<Cow<'_, str>> {
    record.text(0, |record| &record.id)
}

/// What follows a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Another page of this look.
    Page,
    /// Another look: what was asked for ahead is of no use.
    Look,
    /// Nothing: all was seen.
    End,
}

/// Takes a hash for one of a hash.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// All looks at one listing.
#[derive(Default)]
pub(super) struct Looks {
    /// In which look a record was seen last.
    seen: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    number: u32,
    look: Look,
}

/// One look, from the first page to the last or the other way.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "what was noted, each by itself")]
struct Look {
    is_backwards: bool,
    /// The page that was asked for last.
    asked: Option<u64>,
    /// The page that comes next, but for the first one.
    number: u64,
    pages: u64,
    /// How many pages there are, as far as is known.
    of: u64,
    /// How many records a page has, as the first one shows.
    size: u64,
    bytes: usize,
    shown: u64,
    distinct: u64,
    total: Option<u64>,
    largest: u64,
    has_new: bool,
    has_twice: bool,
    grew: bool,
    shrank: bool,
    hashes: HashSet<u64>,
    repeats: u32,
    /// How many different records there were when that was last looked at.
    known: u64,
    /// The page before: its first record's id, and its text.
    before: Option<(Option<String>, Bytes)>,
}

impl Looks {
    /// The page to ask for now, where `ahead` are asked for already and were not taken.
    pub(super) fn ask(&mut self, ahead: u64) -> Option<u64> {
        let first_look = self.number == 0;
        let look = &mut self.look;
        let next = match look.asked {
            None if look.is_backwards => look.of,
            None => 1,
            Some(page) if look.is_backwards => page - 1,
            Some(page) => page + 1,
        };
        // One alone is out where the order matters in which they are answered; otherwise as many as
        // have come before, so that a glance at a listing costs little.
        let room = (MOST_BYTES / look.bytes.max(1)) as u64;
        let is_still = first_look && !look.grew && !look.shrank && !look.has_twice;
        let most = if is_still { look.pages.min(MOST_AHEAD).min(room) } else { 1 };
        let is_known = ahead == 0 || next <= look.of;
        if next == 0 || ahead >= most.max(1) || !is_known {
            return None;
        }
        look.asked = Some(next);
        Some(next)
    }

    /// What was asked for and not taken is to be asked for again.
    pub(super) fn forget(&mut self, ahead: u64) {
        let look = &mut self.look;
        look.asked = look.asked.and_then(|asked| {
            let back = if look.is_backwards { asked + ahead } else { asked - ahead.min(asked) };
            (look.pages > 0).then_some(back)
        });
    }

    /// Takes the page that comes next: which of its records were not seen before, and what then; or
    /// what is wrong with the listing.
    pub(super) fn take(&mut self, seen: &Seen) -> Result<(Vec<usize>, Then), String> {
        let mut new = Vec::with_capacity(seen.hashes.len());
        for (at, hash) in seen.hashes.iter().enumerate() {
            match self.seen.insert(*hash, self.number) {
                None => new.push(at),
                Some(look) if look == self.number => {
                    self.look.has_twice = true;
                    continue;
                }
                Some(_) => {}
            }
            self.look.distinct += 1;
        }
        self.look.has_new |= !new.is_empty();
        self.look.note(seen);
        let is_last = if self.look.is_backwards {
            self.look.number <= 1
        } else {
            seen.count() == 0 || seen.page.has_more == Some(false)
        };
        if is_last {
            return Ok((new, self.end_look()));
        }
        if !self.look.is_backwards {
            self.look.check_end(seen)?;
        }
        Ok((new, Then::Page))
    }

    fn end_look(&mut self) -> Then {
        let look = &self.look;
        let is_safe = if self.number == 0 {
            // One page is the listing at one moment.
            let is_whole = look.distinct >= look.largest && !look.has_twice && !look.shrank;
            look.pages == 1 || is_whole
        } else if look.is_backwards {
            !look.grew || !look.has_new
        } else {
            !look.shrank || !look.has_new
        };
        self.number += 1;
        if is_safe || self.number == MOST_LOOKS {
            return Then::End;
        }
        self.look = Look {
            is_backwards: look.shrank,
            of: look.of.max(look.pages),
            size: look.size,
            bytes: look.bytes,
            ..Look::default()
        };
        Then::Look
    }
}

impl Look {
    fn note(&mut self, seen: &Seen) {
        let count = seen.count();
        self.number = match self.pages {
            0 if self.is_backwards => self.of,
            0 => 1,
            _ if self.is_backwards => self.number - 1,
            _ => self.number + 1,
        };
        self.pages += 1;
        self.shown += count;
        self.bytes = seen.page.json().len();
        self.size = self.size.max(count);
        if let Some(total) = seen.page.total.as_ref().and_then(Whole::as_u64) {
            self.grew |= self.total.is_some_and(|before| total > before);
            self.shrank |= self.total.is_some_and(|before| total < before);
            self.total = Some(total);
            self.largest = self.largest.max(total);
            if !self.is_backwards {
                self.of = total.div_ceil(self.size.max(1));
            }
        }
    }

    /// Makes sure that a listing which says that it goes on does not do so for ever.
    fn check_end(&mut self, seen: &Seen) -> Result<(), String> {
        if !seen.hashes.is_empty() {
            let mut hasher = DefaultHasher::new();
            seen.hashes.hash(&mut hasher);
            self.repeats += u32::from(!self.hashes.insert(hasher.finish()));
        }
        let (first, text) = (seen.first_id(), seen.page.shared_json());
        // To compare two pages reads both: only where they may be the same.
        let is_same = self.before.as_ref().is_some_and(|(before, page)| {
            before.as_deref() == first.as_deref() && same_json(page, &text)
        });
        self.before = Some((first.map(Cow::into_owned), text));
        if is_same {
            return Err("the service's listing shows one page again and again".to_owned());
        }
        if self.repeats > MOST_REPEATS {
            return Err("the service's listing shows the same pages again and again".to_owned());
        }
        if self.total.is_none() && self.pages >= FEW && self.pages.is_power_of_two() {
            // Half of all pages brought nothing new, in whatever order.
            if std::mem::replace(&mut self.known, self.distinct) == self.distinct {
                return Err(
                    "the service's listing shows the same records again and again".to_owned()
                );
            }
        }
        if self.total.is_some() && self.shown > 2 * self.largest + SLACK {
            return Err(format!(
                "the service's listing does not end: it has {} records in all, as it says, and has \
                 shown {}",
                self.largest, self.shown
            ));
        }
        Ok(())
    }
}
