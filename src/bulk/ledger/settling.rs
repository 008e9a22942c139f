//! When to look at the listing, and what becomes of the rows in doubt that were looked for.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use fixedbitset::FixedBitSet;

use super::super::answer::Answer;
use super::super::options::OnUnknown;
use super::Ledger;
use super::event::{Beginning, Effect};
use super::extent::Extent;
use super::index::State;
use super::listing::{Alike, Listing, Wanted};
use super::look::{Look, Over, Show};
use super::own;
use super::proof::{Circumstances, Proof, Unproven};
use crate::{Error, Result};

/// Looks in a row that settle nothing, before what is in doubt stays so.
pub(super) const LOOKS: u32 = 5;
/// The least time between two looks while rows are being sent, and how many times as long as the
/// look took.
const BETWEEN: Duration = Duration::from_secs(30);
const TIMES: u32 = 10;
/// With so many rows in doubt it is looked for them at once.
const PRESSING: u64 = 100_000;
/// Pages at a time.
const WIDTH: usize = 4;
/// How many times as long as the service is given is between two looks that are to agree.
const APART: u32 = 3;
/// The least pause between two looks.
const FLOOR: Duration = Duration::from_millis(20);
/// The first pause before a listing that shifted is looked at again; each pause doubles.
const PAUSE: Duration = Duration::from_millis(100);

/// What is known for settling, beyond the rows.
pub(super) struct Settling {
    look: Option<Look>,
    looks: u64,
    /// The look has read all it will, and the campaign's count is asked for.
    is_judging: bool,
    previous: Option<Extent>,
    /// Looks in a row that settled nothing.
    pub(super) fruitless: u32,
    /// No look before this moment.
    pub(super) not_before: Duration,
    /// When the last look ended, and how long it took.
    last: Option<(Duration, Duration)>,
    pub(super) lag: Lag,
    pub(super) beginning: Beginning,
    /// Runs with session ids of the caller's own that are known to be accepted, and what each is
    /// known by.
    pub(super) known: Vec<u64>,
    /// The first run of each answer: an answer that was given before begins with one of them.
    firsts: HashSet<u64>,
    /// Chunks that were put aside and have something to send again.
    pub(super) recalls: VecDeque<u64>,
}

/// What a look proves, or why it proves nothing.
pub(super) type Judged = Result<Proof, (String, Option<Unproven>)>;

/// How far the listing is behind, as far as our own records tell.
#[derive(Debug, Default)]
pub(super) struct Lag {
    /// When the youngest of our accepted rows was sent.
    youngest: Option<Duration>,
    /// The same, when the look under way began.
    pub(super) youngest_then: Option<Duration>,
    /// Whether the last look showed too few of them.
    is_behind: bool,
    pub(super) measured: Duration,
}

impl Settling {
    pub(super) fn new(beginning: Beginning) -> Self {
        Self {
            look: None,
            recalls: VecDeque::new(),
            looks: 0,
            is_judging: false,
            previous: None,
            fruitless: 0,
            not_before: Duration::ZERO,
            last: None,
            lag: Lag::default(),
            beginning,
            known: Vec::new(),
            firsts: HashSet::new(),
        }
    }

    /// Whether an answer was given before; if not, it is now.
    pub(super) fn has_seen(&mut self, answers: &[Answer]) -> bool {
        let first = answers.iter().find_map(|answer| match answer {
            Answer::Accepted { run, .. } => Some(own::print(run)),
            Answer::Rejected { .. } | Answer::Unsure => None,
        });
        first.is_some_and(|first| !self.firsts.insert(first))
    }

    /// A request leaves.
    pub(super) fn sends(&mut self) {
        if let Some(look) = &mut self.look {
            look.was_sending = true;
        }
    }

    pub(super) fn progress(&self) -> Option<(u64, Option<u64>)> {
        self.look.as_ref().map(Look::progress)
    }
}

impl Ledger {
    /// A row that was sent at `sent_at` is known to be accepted.
    pub(super) fn is_known(&mut self, sent_at: Duration, now: Duration) {
        self.settling.lag.youngest = self.settling.lag.youngest.max(Some(sent_at));
        if self.settling.beginning.first_known_after.is_none() {
            self.settling.beginning.first_known_after = Some(self.elapsed(now));
            self.out.push(Effect::Identify(self.settling.beginning));
        }
    }

    /// How long ago the upload began, in whichever process it did.
    pub(super) fn elapsed(&self, now: Duration) -> Duration {
        let began = self.settling.beginning.began;
        let since = began.map(|began| self.wall(now).duration_since(began));
        since.and_then(|since| Duration::try_from(since).ok()).unwrap_or(now).max(now)
    }

    /// Looks at the listing, if it is time to.
    pub(super) fn settle(&mut self, now: Duration) {
        if self.phase.stopping.is_some() {
            return;
        }
        if self.settling.look.is_none() && self.look_at().is_some_and(|at| at <= now) {
            self.begin_look(now);
        }
        let width = self.setting.limits.concurrency.min(WIDTH);
        let (looks, is_judging) = (self.settling.looks, self.settling.is_judging);
        let Some(look) = self.settling.look.as_mut().filter(|_| !is_judging) else { return };
        match look.over() {
            None => {
                while let Some(page) = look.next(now, width) {
                    self.out.push(Effect::Fetch { look: looks, page });
                }
            }
            Some(Over::Read) => {
                self.settling.is_judging = true;
                self.out.push(Effect::Count { look: looks });
            }
            Some(_) => self.judge(None, now),
        }
    }

    /// When there is something to do for a look.
    pub(super) fn next_look(&self) -> Option<Duration> {
        if self.phase.stopping.is_some() {
            return None;
        }
        match &self.settling.look {
            Some(look) => look.wake(),
            None => self.look_at(),
        }
    }

    /// When the next look is to begin, as things are.
    fn look_at(&self) -> Option<Duration> {
        if let Some(at) = self.survey_at() {
            return Some(at);
        }
        if self.setting.on_unknown != OnUnknown::Settle || !self.source.has_caught_up() {
            return None;
        }
        let all = self.works.values().chain(self.aside.values());
        let dues = all.flat_map(|work| &work.doubts).map(|doubt| doubt.due);
        let (first, last) = dues.fold(None, |range: Option<(Duration, Duration)>, due| {
            let (first, last) = range.unwrap_or((due, due));
            Some((first.min(due), last.max(due)))
        })?;
        let not_before = self.settling.not_before;
        let has_nothing_to_send = self.settling.recalls.is_empty()
            && self.works.values().all(|work| !work.is_ready() && work.chunk().is_none());
        let is_at_rest = self.flights.is_empty()
            && ((self.source.has_ended && has_nothing_to_send) || self.gate.is_tripped());
        if is_at_rest {
            return Some(last.max(not_before));
        }
        if self.index.count(State::Doubt) >= PRESSING {
            return Some(first.max(not_before));
        }
        let between = self.settling.last.map_or(BETWEEN, |(ended, took)| {
            ended.saturating_add(BETWEEN.max(took.saturating_mul(TIMES)))
        });
        Some(first.max(not_before).max(between))
    }

    fn begin_look(&mut self, now: Duration) {
        let rows = usize::try_from(self.index.rows()).unwrap_or(usize::MAX);
        let mut accepted = FixedBitSet::with_capacity(rows);
        self.index.each(State::Accepted, |row, mark| {
            if let (false, Ok(row)) = (mark.is_own(), usize::try_from(row)) {
                accepted.insert(row);
            }
        });
        let show = match self.scan(&accepted) {
            Some(scan) => scan,
            None => Show::Rows(Box::new(Listing::new(self.wanted(accepted)))),
        };
        let settling = &mut self.settling;
        settling.looks += 1;
        settling.lag.youngest_then = settling.lag.youngest;
        let mut look = Look::new(show, now);
        look.was_sending = !self.flights.is_empty();
        settling.look = Some(look);
    }

    /// What a look is about.
    fn wanted(&mut self, accepted: FixedBitSet) -> Wanted {
        let mut known = std::mem::take(&mut self.settling.known);
        known.sort_unstable();
        known.dedup();
        let mut wanted = Wanted {
            prefix: format!("{}-", self.setting.upload),
            reader: self.setting.reader(),
            tokens: HashMap::new(),
            own: HashMap::new(),
            numbers: HashSet::new(),
            accepted,
            known,
        };
        for (seq, work) in self.works.iter().chain(&self.aside) {
            for doubt in &work.doubts {
                for (row, print) in doubt.part.rows.iter().zip(&doubt.prints) {
                    let place = (*seq, *row);
                    wanted.numbers.insert(print.number);
                    match print.identity {
                        None => {
                            let row = self.index.row(place);
                            wanted.tokens.insert(row, (place, print.number));
                        }
                        Some(identity) => {
                            let alike = wanted
                                .own
                                .entry(identity)
                                .or_insert_with(|| Alike { print: *print, places: Vec::new() });
                            alike.places.push(place);
                        }
                    }
                }
            }
        }
        wanted
    }

    /// A page came, or did not.
    pub(super) fn page(&mut self, look: u64, number: u64, body: Result<Bytes>, now: Duration) {
        if look != self.settling.looks {
            return;
        }
        let Some(look) = &mut self.settling.look else { return };
        self.phase.has_news = true;
        match body {
            Ok(body) => look.take(number, &body, now, &self.index),
            Err(error) => look.failed(number, error, now),
        }
    }

    /// How many records the campaign says it has.
    pub(super) fn counted(&mut self, look: u64, count: Option<u64>, now: Duration) {
        if look == self.settling.looks && self.settling.is_judging {
            self.judge(count, now);
        }
    }

    /// Takes what a look showed.
    fn judge(&mut self, count: Option<u64>, now: Duration) {
        let Some(mut look) = self.settling.look.take() else { return };
        self.settling.is_judging = false;
        self.phase.has_news = true;
        let circumstances = Circumstances {
            extent: look.extent(),
            previous: self.settling.previous,
            before: self.settling.beginning.records,
            count,
            accepted: self.index.count(State::Accepted),
            beginning: self.settling.beginning,
            elapsed: self.elapsed(now),
            was_sending: look.was_sending,
        };
        let over = look.over().cloned();
        self.settling.previous = Some(circumstances.extent);
        if self.is_surveying() {
            return self.surveyed(look, &circumstances, now);
        }
        let (proof, verdicts) = match &mut look.show {
            Show::Keys(scan) => self.scanned(scan, over, &circumstances),
            Show::Rows(listing) => {
                let proof = match over {
                    Some(Over::Read) => {
                        listing.prove(&circumstances).map_err(|why| (why.to_string(), Some(why)))
                    }
                    over => Err((over.map(unread).unwrap_or_default(), None)),
                };
                let ok = proof.as_ref().ok();
                let mut verdicts = listing.tokens(ok, &circumstances, &self.index);
                verdicts.extend(listing.own(ok, &circumstances));
                self.settling.known.append(&mut listing.wanted.known);
                (proof, verdicts)
            }
        };
        self.measure(&proof, look.began);
        self.settling.last = Some((now, now.saturating_sub(look.began)));
        let is_fruitful = self.apply(verdicts, &look, proof.is_ok(), now);
        self.forget_tokens();
        let is_final = matches!(look.over(), Some(Over::Failed { is_final: true, .. }));
        if is_fruitful {
            self.settling.fruitless = 0;
        } else {
            self.settling.fruitless += 1;
        }
        let doubling = 2_u32.pow(self.settling.fruitless.saturating_sub(1).min(8));
        let pause = match &proof {
            Err((_, None | Some(Unproven::Shifting { .. }))) => PAUSE,
            // Two looks that are to agree are apart.
            Err((_, Some(Unproven::Nothing))) => self.setting.settle_after.max(FLOOR) * APART,
            _ => self.setting.settle_after.max(FLOOR),
        };
        self.settling.not_before = now.saturating_add(pause.saturating_mul(doubling));
        let waits = self.gate.is_tripped() && self.has_more();
        if is_final || (self.settling.fruitless >= LOOKS && !waits) {
            let why = proof.err().map_or_else(
                || {
                    "a record in the service's listing may be this row, and does not look as it was sent"
                        .to_owned()
                },
                |(why, _)| why,
            );
            if !self.cannot_probe(&why, now) {
                self.give_up(&why);
            }
        }
    }

    /// Learns how far the listing is behind.
    fn measure(&mut self, proof: &Judged, began: Duration) {
        let lag = &mut self.settling.lag;
        match proof {
            Err((_, Some(Unproven::Missing { .. } | Unproven::Sessions))) => lag.is_behind = true,
            Ok(_) if lag.is_behind => {
                lag.is_behind = false;
                let youngest = lag.youngest_then.unwrap_or(Duration::ZERO);
                lag.measured = lag.measured.max(began.saturating_sub(youngest));
            }
            _ => {}
        }
    }
}

/// Why a look that did not read every page proves nothing.
pub(super) fn unread(over: Over) -> String {
    match over {
        Over::Repeats => "the service's listing shows one page again and again".to_owned(),
        Over::Endless => "the service's listing goes on for longer than it says it is".to_owned(),
        Over::Failed { error, .. } => cannot_be_read(&error),
        Over::Found | Over::Read => String::new(),
    }
}

fn cannot_be_read(error: &Error) -> String {
    format!("the service's listing can't be read: {error}")
}
