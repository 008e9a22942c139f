//! An upload and the world around it, as a seed draws them.

use std::time::Duration;

use fastrand::Rng;

mod drawn;

/// How the service shows session ids in its listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sessions {
    AsSent,
    Null,
    Absent,
    Upper,
    CutAt(usize),
    /// One in so many is not shown.
    Sometimes(u64),
    /// The service gives each record one of its own.
    Replaced,
}

/// How it shows numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    AsSent,
    Masked,
    WithoutPlus,
    National,
    Absent,
}

/// How it shows variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Values {
    AsSent,
    WithoutEmpty,
    Stripped,
    KnownOnly,
    AsText,
    Absent,
}

/// In which order the listing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Oldest,
    Newest,
    /// Anew for every page.
    Shuffled,
    /// What was touched last comes first, for so many pages.
    Restless(u64),
}

/// What the pages say of themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Totals {
    Right,
    Absent,
    TooMany(u64),
    TooFew(u64),
    Growing,
}

/// What goes wrong with a page, now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pages {
    Right,
    /// One in so many fails.
    Fail(u64),
    /// One in so many is cut short.
    Cut(u64),
    /// After this one, the same comes again and again.
    Repeat(u64),
    /// Every one fails.
    Never,
    /// The listing is refused.
    Refused,
}

/// What the service says of its number of records, beside the listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counter {
    Right,
    Behind,
    Constant(u64),
    WithArchived,
}

/// What the listing does with records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) sessions: Sessions,
    pub(crate) numbers: Numbers,
    pub(crate) values: Values,
    pub(crate) order: Order,
    pub(crate) totals: Totals,
    pub(crate) pages: Pages,
    pub(crate) counter: Counter,
    /// How far it is behind.
    pub(crate) lag: Duration,
    /// After how long one record in three leaves it.
    pub(crate) archives_after: Option<Duration>,
    pub(crate) page_size: usize,
}

/// How often each thing happens to a push, in a thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Pushes {
    pub(crate) refused: u64,
    pub(crate) lost_before: u64,
    pub(crate) lost_after: u64,
    pub(crate) lost_in_part: u64,
    pub(crate) timed_out: u64,
    pub(crate) late: u64,
    pub(crate) very_late: u64,
    pub(crate) limited: u64,
    pub(crate) limited_until: u64,
    pub(crate) wrong_order: u64,
    pub(crate) wrong_count: u64,
    pub(crate) same_run: u64,
    pub(crate) answered_twice: u64,
    pub(crate) refused_for_good: u64,
}

/// How the service is beyond single pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Service {
    pub(crate) pushes: Pushes,
    pub(crate) view: View,
    /// Records of before, some of them the very same leads.
    pub(crate) records: u64,
    pub(crate) same_leads: u64,
    /// Records of others, as many as one likes: they are made up page by page.
    pub(crate) crowd: u64,
    /// Others push, on average once in this time.
    pub(crate) writes_every: Option<Duration>,
    pub(crate) most_rows: usize,
    pub(crate) most_bytes: usize,
    /// One in so many rows is rejected, unfit by name, unfit without, poisonous.
    pub(crate) rejects: u64,
    pub(crate) names: u64,
    pub(crate) nameless: u64,
    pub(crate) poison: u64,
    /// It is away from one moment to another.
    pub(crate) away: Option<(Duration, Duration)>,
    pub(crate) is_away_applying: bool,
    pub(crate) clock: Clock,
}

/// How its clock is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clock {
    /// Seconds ahead of ours.
    pub(crate) ahead: i64,
    /// Each record by up to this many seconds apart.
    pub(crate) apart: u64,
    /// It jumps by so many seconds, at this moment.
    pub(crate) jump: Option<(Duration, i64)>,
    pub(crate) has_date: bool,
}

/// What happens to the process and its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Nothing,
    /// Killed at the n-th effect.
    Killed(u64),
    /// Cut off at the n-th event.
    CutOff(u64),
    /// Told to stop at the n-th event, from which on the source blocks.
    Stopped(u64),
    /// Cut off while the source blocks from this chunk on.
    Blocked(u64),
    /// Nothing more can be written from the n-th entry on.
    StoreFails(u64),
    /// The source raises after so many chunks.
    SourceRaises(u64),
}

/// An upload, and the world around it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) rows: u64,
    /// One in so many rows stays home.
    pub(crate) invalid: u64,
    /// One number in so many is not to be called, others in each life.
    pub(crate) excluded: u64,
    /// The most rows that go in a life.
    pub(crate) limit: Option<u64>,
    /// In a hundred: rows with session ids of the caller's own, and how many there are.
    pub(crate) own: u64,
    pub(crate) sessions: u64,
    pub(crate) chunk: usize,
    pub(crate) concurrency: usize,
    /// The most bytes of rows in memory.
    pub(crate) window: usize,
    pub(crate) rate: Option<f64>,
    pub(crate) max_retries: u32,
    pub(crate) settle_after: Duration,
    pub(crate) timeout: Duration,
    pub(crate) give_up_after: Duration,
    pub(crate) is_journaled: bool,
    /// What happens in each life of the process; the last has none of it.
    pub(crate) lives: Vec<Fate>,
    /// A row changes between two lives.
    pub(crate) changes: Option<u64>,
    /// Rows are known by keys.
    pub(crate) keyed: Option<Keyed>,
    pub(crate) durable_after: Duration,
    pub(crate) service: Service,
    /// The service shows what it was sent, at once, and its clock is one.
    pub(crate) is_kind: bool,
}

/// What becomes of rows that are known by keys between two lives of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is drawn by itself")]
pub(crate) struct Keyed {
    /// They come in another order.
    pub(crate) shuffles: bool,
    /// So many are new.
    pub(crate) grows: u64,
    /// One in so many is another.
    pub(crate) changes: u64,
    /// The journal is lost.
    pub(crate) loses_journal: bool,
    /// The journal alone is asked.
    pub(crate) asks_journal: bool,
    /// The next life is on another machine.
    pub(crate) is_elsewhere: bool,
}

impl Scenario {
    /// Whether a number is not to be called in a life.
    pub(crate) fn is_excluded(&self, number: &str, life: usize) -> bool {
        let mut drawn = Rng::with_seed(u64::from(crc32fast::hash(number.as_bytes())) ^ life as u64);
        self.excluded > 0 && drawn.u64(..self.excluded) == 0
    }

    /// The same with one thing less in it, each in turn.
    pub(crate) fn simpler(&self) -> Vec<Self> {
        let mut all = Vec::new();
        let mut without = |change: &dyn Fn(&mut Self)| {
            let mut simpler = self.clone();
            change(&mut simpler);
            all.push(simpler);
        };
        for at in 0..self.lives.len() {
            without(&|s| {
                s.lives.remove(at);
            });
        }
        without(&|s| s.rows /= 2);
        without(&|s| s.rows = s.rows.saturating_sub(1).max(1));
        without(&|s| s.own = 0);
        without(&|s| s.invalid = 0);
        without(&|s| s.excluded = 0);
        without(&|s| s.limit = None);
        without(&|s| s.rate = None);
        without(&|s| s.concurrency = 1);
        let plain = Self::plain(self.seed);
        without(&|s| s.chunk = plain.chunk);
        without(&|s| s.window = plain.window);
        without(&|s| s.max_retries = plain.max_retries);
        without(&|s| s.settle_after = plain.settle_after);
        without(&|s| s.timeout = plain.timeout);
        without(&|s| s.give_up_after = plain.give_up_after);
        without(&|s| s.durable_after = plain.durable_after);
        without(&|s| s.is_journaled &= !s.lives.is_empty());
        without(&|s| s.is_journaled &= s.keyed.is_none_or(|keyed| keyed.asks_journal));
        without(&|s| s.sessions = plain.sessions);
        without(&|s| s.is_kind = false);
        without(&|s| s.changes = None);
        without(&|s| s.keyed.iter_mut().for_each(|keyed| keyed.shuffles = false));
        without(&|s| s.keyed.iter_mut().for_each(|keyed| keyed.grows = 0));
        without(&|s| s.keyed.iter_mut().for_each(|keyed| keyed.changes = 0));
        without(&|s| s.keyed.iter_mut().for_each(|keyed| keyed.loses_journal = false));
        without(&|s| s.keyed.iter_mut().for_each(|keyed| keyed.is_elsewhere = false));
        without(&|s| s.service.records = 0);
        without(&|s| s.service.same_leads = 0);
        without(&|s| s.service.writes_every = None);
        without(&|s| s.service.most_rows = usize::MAX);
        without(&|s| s.service.most_bytes = usize::MAX);
        without(&|s| s.service.rejects = 0);
        without(&|s| s.service.names = 0);
        without(&|s| s.service.nameless = 0);
        without(&|s| s.service.poison = 0);
        without(&|s| s.service.away = None);
        without(&|s| s.service.is_away_applying = false);
        without(&|s| s.service.view.page_size = 200);
        without(&|s| s.service.clock = Clock::plain());
        without(&|s| s.service.view = View::plain());
        without(&|s| s.service.view.sessions = Sessions::AsSent);
        without(&|s| s.service.view.numbers = Numbers::AsSent);
        without(&|s| s.service.view.values = Values::AsSent);
        without(&|s| s.service.view.order = Order::Oldest);
        without(&|s| s.service.view.totals = Totals::Right);
        without(&|s| s.service.view.pages = Pages::Right);
        without(&|s| s.service.view.counter = Counter::Right);
        without(&|s| s.service.view.lag = Duration::ZERO);
        without(&|s| s.service.view.archives_after = None);
        for at in 0..Pushes::COUNT {
            without(&|s| *s.service.pushes.rate(at) = 0);
        }
        all
    }
}
