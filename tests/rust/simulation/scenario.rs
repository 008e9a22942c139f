//! What is drawn from a seed.

use std::time::Duration;

use fastrand::Rng;

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
    pub(crate) durable_after: Duration,
    pub(crate) service: Service,
    /// The service shows what it was sent, at once, and its clock is one.
    pub(crate) is_kind: bool,
}

/// Draws one of some values, the first of them half of the time.
fn mostly<T: Copy>(rng: &mut Rng, values: &[T]) -> T {
    if rng.bool() { values[0] } else { values[rng.usize(..values.len())] }
}

impl Scenario {
    /// What a seed comes to.
    pub(crate) fn drawn(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let rng = &mut rng;
        let settle_after = Duration::from_millis(mostly(rng, &[5_000, 0, 50, 1_000, 30_000]));
        let is_journaled = rng.u8(..100) < 60;
        let lives = if is_journaled && rng.u8(..100) < 60 {
            let count = rng.usize(1..4);
            (0..count).map(|_| Fate::drawn(rng)).collect()
        } else if rng.u8(..100) < 15 {
            vec![Fate::drawn(rng)]
        } else {
            Vec::new()
        };
        Self {
            seed,
            rows: mostly(rng, &[200, 200, 1, 7, 40, 120, 330]),
            invalid: mostly(rng, &[20, 0, 3, 50]),
            own: mostly(rng, &[0, 0, 30, 100]),
            sessions: mostly(rng, &[1000, 1, 5, 40]),
            chunk: mostly(rng, &[40, 10, 25, 100, 200]),
            concurrency: mostly(rng, &[4, 1, 2, 8]),
            window: mostly(rng, &[40_000, 5_000]),
            rate: mostly(rng, &[None, None, Some(50.0), Some(500.0)]),
            max_retries: mostly(rng, &[2, 0, 5, 12]),
            settle_after,
            timeout: Duration::from_millis(mostly(rng, &[30_000, 500, 5_000])),
            give_up_after: Duration::from_secs(mostly(rng, &[600, 30, 3_600])),
            is_journaled,
            lives,
            changes: (is_journaled && rng.u8(..100) < 10).then(|| rng.u64(..200)),
            durable_after: Duration::from_micros(mostly(rng, &[500, 20, 50_000, 2_000_000])),
            service: Service::drawn(rng),
            is_kind: rng.u8(..100) < 35,
        }
        .checked()
    }

    /// Nothing goes wrong: what others are told by their difference from.
    pub(crate) fn plain(seed: u64) -> Self {
        Self {
            seed,
            rows: 200,
            invalid: 0,
            own: 0,
            sessions: 1000,
            chunk: 40,
            concurrency: 1,
            window: 40_000,
            rate: None,
            max_retries: 2,
            settle_after: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            give_up_after: Duration::from_mins(10),
            is_journaled: false,
            lives: Vec::new(),
            changes: None,
            durable_after: Duration::from_micros(500),
            service: Service::plain(),
            is_kind: false,
        }
    }

    /// The same with a kind service, and rows that a token tells apart.
    #[cfg(test)]
    pub(crate) fn kind(seed: u64) -> Self {
        Self { is_kind: true, own: 0, ..Self::drawn(seed) }.checked()
    }

    /// A kind service is honest in its listing; so that what is asked of an upload there is all.
    fn checked(mut self) -> Self {
        // Where all that the service says is behind by longer than an upload waits, nothing tells.
        if !self.service.view.lag.is_zero() && self.service.view.counter != Counter::WithArchived {
            self.service.view.counter = Counter::Right;
        }
        if self.is_kind {
            let order = match self.service.view.order {
                Order::Shuffled | Order::Restless(_) => Order::Newest,
                order => order,
            };
            self.service.view =
                View { order, page_size: self.service.view.page_size, ..View::plain() };
            self.service.writes_every = None;
            self.service.clock = Clock { ahead: self.service.clock.ahead, ..Clock::plain() };
        }
        self
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
        without(&|s| s.sessions = plain.sessions);
        without(&|s| s.is_kind = false);
        without(&|s| s.changes = None);
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

impl Fate {
    fn drawn(rng: &mut Rng) -> Self {
        match rng.u8(..14) {
            0..=4 => Self::Killed(rng.u64(..60)),
            5..=6 => Self::CutOff(rng.u64(..60)),
            7 => Self::Blocked(rng.u64(..5)),
            8..=9 => Self::StoreFails(rng.u64(..20)),
            10 => Self::SourceRaises(rng.u64(..6)),
            11..=12 => Self::Stopped(rng.u64(..60)),
            _ => Self::Nothing,
        }
    }
}

impl Pushes {
    pub(super) const COUNT: usize = 14;

    pub(super) fn rate(&mut self, at: usize) -> &mut u64 {
        match at {
            0 => &mut self.refused,
            1 => &mut self.lost_before,
            2 => &mut self.lost_after,
            3 => &mut self.lost_in_part,
            4 => &mut self.timed_out,
            5 => &mut self.late,
            6 => &mut self.very_late,
            7 => &mut self.limited,
            8 => &mut self.limited_until,
            9 => &mut self.wrong_order,
            10 => &mut self.wrong_count,
            11 => &mut self.same_run,
            12 => &mut self.answered_twice,
            _ => &mut self.refused_for_good,
        }
    }

    fn drawn(rng: &mut Rng) -> Self {
        let mut pushes = Self::default();
        let most = mostly(rng, &[120, 0, 30, 400, 900]);
        for at in 0..Self::COUNT - 1 {
            if rng.u8(..3) == 0 {
                *pushes.rate(at) = rng.u64(..=most);
            }
        }
        pushes.refused_for_good = mostly(rng, &[0, 0, 0, 30]);
        pushes
    }
}

impl Service {
    fn plain() -> Self {
        Self {
            pushes: Pushes::default(),
            view: View::plain(),
            records: 0,
            same_leads: 0,
            writes_every: None,
            most_rows: usize::MAX,
            most_bytes: usize::MAX,
            rejects: 0,
            names: 0,
            nameless: 0,
            poison: 0,
            away: None,
            is_away_applying: false,
            clock: Clock::plain(),
        }
    }

    fn drawn(rng: &mut Rng) -> Self {
        let away = (rng.u8(..100) < 12).then(|| {
            let from = Duration::from_millis(rng.u64(..3_000));
            (from, from + Duration::from_secs(rng.u64(1..2_000)))
        });
        Self {
            pushes: Pushes::drawn(rng),
            view: View::drawn(rng),
            records: mostly(rng, &[50, 0, 150, 420]),
            same_leads: mostly(rng, &[0, 20, 100]),
            writes_every: mostly(rng, &[None, None, Some(Duration::from_secs(3))]),
            most_rows: mostly(rng, &[usize::MAX, 1, 7, 30, 90]),
            most_bytes: mostly(rng, &[usize::MAX, 300, 3_000]),
            rejects: mostly(rng, &[30, 0, 5]),
            names: mostly(rng, &[0, 0, 60]),
            nameless: mostly(rng, &[0, 0, 0, 90]),
            poison: mostly(rng, &[0, 0, 0, 120]),
            away,
            is_away_applying: rng.bool(),
            clock: Clock::drawn(rng),
        }
    }
}

impl View {
    pub(super) fn plain() -> Self {
        Self {
            sessions: Sessions::AsSent,
            numbers: Numbers::AsSent,
            values: Values::AsSent,
            order: Order::Oldest,
            totals: Totals::Right,
            pages: Pages::Right,
            counter: Counter::Right,
            lag: Duration::ZERO,
            archives_after: None,
            page_size: 200,
        }
    }

    fn drawn(rng: &mut Rng) -> Self {
        let cut = Sessions::CutAt(rng.usize(8..38));
        let sessions = [
            Sessions::AsSent,
            Sessions::AsSent,
            Sessions::Null,
            Sessions::Absent,
            Sessions::Upper,
            cut,
            Sessions::Sometimes(rng.u64(2..40)),
        ];
        let numbers = [
            Numbers::AsSent,
            Numbers::Masked,
            Numbers::WithoutPlus,
            Numbers::National,
            Numbers::Absent,
        ];
        let values = [
            Values::AsSent,
            Values::WithoutEmpty,
            Values::Stripped,
            Values::KnownOnly,
            Values::AsText,
            Values::Absent,
        ];
        let orders =
            [Order::Newest, Order::Oldest, Order::Shuffled, Order::Restless(rng.u64(..12))];
        let totals = [
            Totals::Right,
            Totals::Right,
            Totals::Absent,
            Totals::TooMany(rng.u64(1..300)),
            Totals::TooFew(rng.u64(1..300)),
            Totals::Growing,
        ];
        let pages = [
            Pages::Right,
            Pages::Right,
            Pages::Fail(rng.u64(2..9)),
            Pages::Cut(rng.u64(2..9)),
            Pages::Repeat(rng.u64(1..4)),
            Pages::Never,
            Pages::Refused,
        ];
        let counters = [
            Counter::Right,
            Counter::Behind,
            Counter::Constant(rng.u64(..300)),
            Counter::WithArchived,
        ];
        let after = Duration::from_secs(rng.u64(..20));
        let archived = mostly(rng, &[None, None, Some(after)]);
        Self {
            sessions: mostly(rng, &sessions),
            numbers: mostly(rng, &numbers),
            values: mostly(rng, &values),
            order: mostly(rng, &orders),
            totals: mostly(rng, &totals),
            pages: mostly(rng, &pages),
            counter: if archived.is_some() {
                Counter::WithArchived
            } else {
                mostly(rng, &counters)
            },
            lag: Duration::from_millis(mostly(rng, &[0, 0, 800, 7_000, 40_000])),
            archives_after: archived,
            page_size: mostly(rng, &[200, 7, 50]),
        }
    }
}

impl Clock {
    pub(super) const fn plain() -> Self {
        Self { ahead: 0, apart: 0, jump: None, has_date: true }
    }

    fn drawn(rng: &mut Rng) -> Self {
        let at = Duration::from_millis(rng.u64(..20_000));
        Self {
            ahead: mostly(rng, &[0, -86_400, 86_400, 2]),
            apart: mostly(rng, &[0, 3, 120]),
            jump: mostly(rng, &[None, None, Some((at, -200)), Some((at, 4_000))]),
            has_date: rng.u8(..100) < 80,
        }
    }
}
