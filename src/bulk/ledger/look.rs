//! One look at the listing: which pages to fetch, in which order, and when it is over. Pure.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use super::extent::Extent;
use super::index::Index;
use super::listing::Listing;
use super::page::Page;
use super::scan::Scan;
use crate::Error;
use crate::http::MAX_PAGE_SIZE;

/// How often a page is asked for.
const TRIES: u8 = 4;
/// The first pause before a page is asked for again; it doubles.
const PAUSE: Duration = Duration::from_millis(100);
/// The most pages of a listing that does not say how many records there are.
const MOST_PAGES: u64 = 20_000;
/// Pages after which a listing that goes on must have shown something new.
const FEW: u64 = 64;

/// A look under way.
pub(super) struct Look {
    pub(super) show: Show,
    /// When it began.
    pub(super) began: Duration,
    /// Whether a request was on its way at any time since.
    pub(super) was_sending: bool,
    route: Route,
    totals: Totals,
    /// Pages that are out, and how often each was asked for before.
    out: BTreeMap<u64, u8>,
    /// Pages to ask for again, when, and how often they were asked for.
    again: Vec<(u64, Duration, u8)>,
    /// The content of each page, in one number: one that repeats is no page.
    contents: HashSet<u64>,
    /// How many different records there were when that was last counted.
    seen: u64,
    over: Option<Over>,
}

/// What pages are read for.
pub(super) enum Show {
    /// Rows that are known by their places, or by all that was sent of them.
    Rows(Box<Listing>),
    /// Rows that are known by keys.
    Keys(Box<Scan>),
}

impl Show {
    fn expect(&mut self, total: u64) {
        match self {
            Self::Rows(listing) => listing.expect(total),
            Self::Keys(scan) => scan.roster.expect(total),
        }
    }

    fn read(&mut self, body: &[u8], index: &Index) -> Option<(Page, u64)> {
        match self {
            Self::Rows(listing) => listing.read(body, index),
            Self::Keys(scan) => scan.read(body),
        }
    }

    fn is_satisfied(&self, index: &Index) -> bool {
        match self {
            Self::Rows(listing) => listing.is_satisfied(index),
            Self::Keys(scan) => scan.is_satisfied(),
        }
    }

    fn distinct(&mut self) -> (u64, u64) {
        match self {
            Self::Rows(listing) => listing.distinct(),
            Self::Keys(scan) => scan.roster.distinct(),
        }
    }
}

/// Why a look is over.
#[derive(Debug, Clone)]
pub(super) enum Over {
    /// All that was looked for was found.
    Found,
    /// Every page was read.
    Read,
    /// The listing shows one page again and again.
    Repeats,
    /// The listing goes on and on.
    Endless,
    /// A page can't be had; for good, or now.
    Failed { error: Error, is_final: bool },
}

/// From both ends towards the middle: new records are at one of them, in most orders.
#[derive(Debug, Default)]
struct Route {
    /// The next page from the beginning.
    front: u64,
    /// The next page from the end; none until that is known.
    back: Option<u64>,
    from_back: bool,
    /// The last page that was read, and whether it says that more follow.
    last: (u64, bool),
    read: u64,
    most: u64,
}

#[derive(Debug, Default)]
struct Totals {
    first: Option<u64>,
    most: u64,
    differ: bool,
    size: u64,
}

impl Look {
    pub(super) fn new(show: Show, now: Duration) -> Self {
        Self {
            show,
            began: now,
            was_sending: false,
            route: Route { front: 1, most: MOST_PAGES, ..Route::default() },
            totals: Totals::default(),
            out: BTreeMap::new(),
            again: Vec::new(),
            contents: HashSet::new(),
            seen: 0,
            over: None,
        }
    }

    /// The next page to fetch, if one may be fetched now with `width` pages at a time.
    pub(super) fn next(&mut self, now: Duration, width: usize) -> Option<u64> {
        if self.over.is_some() || self.out.len() >= width {
            return None;
        }
        if let Some(at) = self.again.iter().position(|(_, when, _)| *when <= now) {
            let (number, _, tries) = self.again.swap_remove(at);
            self.out.insert(number, tries);
            return Some(number);
        }
        // Where the end is, the first page tells.
        if self.route.read == 0 && self.route.front > 1 {
            return None;
        }
        let is_waiting = !self.out.is_empty() || !self.again.is_empty();
        let number = self.route.next(is_waiting)?;
        self.out.insert(number, 0);
        Some(number)
    }

    /// When there is a page to ask for again.
    pub(super) fn wake(&self) -> Option<Duration> {
        self.again.iter().map(|(_, when, _)| *when).min()
    }

    /// A page came.
    pub(super) fn take(&mut self, number: u64, body: &[u8], now: Duration, index: &Index) {
        let Some(tries) = self.out.remove(&number) else { return };
        let Some((page, content)) = self.show.read(body, index) else {
            let problem =
                crate::error::ResponseProblem::Document(crate::model::DocumentError::NotJson {
                    line: 1,
                    column: 1,
                });
            let error = Error::InvalidResponse { status: 200, request_id: None, problem };
            return self.put_off(number, tries, error, now);
        };
        self.totals.take(&page);
        if page.items > 0 && !self.contents.insert(content) {
            self.over.get_or_insert(Over::Repeats);
        }
        let more = page.items > 0
            && page.has_more.unwrap_or_else(|| page.items >= self.totals.size.max(1));
        if number == 1 {
            self.begin(&page, more);
        }
        self.route.arrived(number, more);
        if self.route.read >= FEW && self.route.read.is_power_of_two() {
            // Whatever a total says: half of all pages brought nothing new.
            let (records, _) = self.show.distinct();
            if std::mem::replace(&mut self.seen, records) == records {
                self.over.get_or_insert(Over::Repeats);
            }
        }
        self.conclude(index);
    }

    /// A page did not come.
    pub(super) fn failed(&mut self, number: u64, error: Error, now: Duration) {
        let Some(tries) = self.out.remove(&number) else { return };
        if is_final(&error) {
            self.over.get_or_insert(Over::Failed { error, is_final: true });
            return;
        }
        self.put_off(number, tries, error, now);
    }

    fn put_off(&mut self, number: u64, tries: u8, error: Error, now: Duration) {
        if tries + 1 >= TRIES {
            self.over.get_or_insert(Over::Failed { error, is_final: false });
            return;
        }
        self.again.push((number, now + PAUSE * 2_u32.pow(tries.into()), tries + 1));
    }

    /// The first page tells where the last one is.
    fn begin(&mut self, page: &Page, more: bool) {
        let Some(total) = page.total else { return };
        self.show.expect(total);
        let size = if more { page.items } else { page.items.max(1) };
        let pages = total.div_ceil(size.max(1));
        self.route.most = pages.saturating_mul(2).saturating_add(64);
        self.route.back = (more && pages > 1).then_some(pages);
    }

    fn conclude(&mut self, index: &Index) {
        if self.show.is_satisfied(index) {
            self.over.get_or_insert(Over::Found);
        } else if self.out.is_empty() && self.again.is_empty() && self.route.is_done() {
            self.over.get_or_insert(if self.route.read >= self.route.most {
                Over::Endless
            } else {
                Over::Read
            });
        }
    }

    /// Why it is over, once it is: then nothing of it is out any more that matters.
    pub(super) fn over(&self) -> Option<&Over> {
        self.over.as_ref()
    }

    /// How much of the campaign it has seen.
    pub(super) fn extent(&mut self) -> Extent {
        let (records, print) = self.show.distinct();
        let total = self.totals.first.filter(|_| !self.totals.differ);
        Extent { records, print, total, most: self.totals.most }
    }

    /// How many pages were read, of how many.
    pub(super) fn progress(&self) -> (u64, Option<u64>) {
        let pages = self.totals.first.map(|_| self.totals.most.div_ceil(self.totals.size.max(1)));
        (self.route.read, pages.map(|pages| pages.max(self.route.read)))
    }
}

impl Route {
    fn next(&mut self, is_waiting: bool) -> Option<u64> {
        if self.read == 0 || self.back.is_some_and(|back| self.front <= back) {
            let from_back = self.back.filter(|_| self.from_back);
            self.from_back = !self.from_back;
            if let Some(back) = from_back {
                self.back = Some(back - 1);
                return Some(back);
            }
            self.front += 1;
            return Some(self.front - 1);
        }
        // Beyond what was known of, one page at a time.
        let (last, more) = self.last;
        if is_waiting || !more || self.read >= self.most {
            return None;
        }
        (self.front, self.back) = (last + 2, None);
        Some(last + 1)
    }

    fn arrived(&mut self, number: u64, more: bool) {
        self.read += 1;
        // Beyond a page that is the last there is nothing, whatever a total says.
        if !more {
            self.back = self.back.map(|back| back.min(number));
        }
        if number >= self.last.0 {
            self.last = (number, more);
        }
    }

    fn is_done(&self) -> bool {
        let is_within = self.back.is_some_and(|back| self.front <= back);
        !is_within && (!self.last.1 || self.read >= self.most)
    }
}

impl Totals {
    fn take(&mut self, page: &Page) {
        if self.size == 0 {
            self.size = if page.has_more == Some(true) {
                page.items
            } else {
                page.size.unwrap_or(page.items)
            };
            self.size = self.size.clamp(1, u64::from(MAX_PAGE_SIZE));
            self.first = page.total;
        }
        self.differ |= page.total != self.first;
        self.most = self.most.max(page.total.unwrap_or(0));
    }
}

/// Whether the service will say the same again.
fn is_final(error: &Error) -> bool {
    match error {
        Error::Status(error) => matches!(error.status, 400 | 401 | 403 | 404 | 422),
        Error::InvalidArgument { .. } => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
