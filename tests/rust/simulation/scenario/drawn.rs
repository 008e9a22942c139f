//! What a seed draws.

use std::time::Duration;

use fastrand::Rng;

use super::{
    Clock, Counter, Fate, Keyed, Numbers, Order, Pages, Pushes, Scenario, Service, Sessions,
    Totals, Values, View,
};

/// Draws one of some values, the first of them half of the time.
fn mostly<T: Copy>(rng: &mut Rng, values: &[T]) -> T {
    if rng.bool() { values[0] } else { values[rng.usize(..values.len())] }
}

impl Scenario {
    /// What a seed comes to.
    pub(crate) fn drawn(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let rng = &mut rng;
        // Drawn apart, so that what a seed drew before is drawn again.
        let rails = &mut Rng::with_seed(seed ^ 0x4a11_5000_4a11_5000);
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
            excluded: mostly(rails, &[0, 0, 30, 5]),
            limit: mostly(rails, &[None, None, Some(1), Some(30), Some(90), Some(0)]),
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
            keyed: None,
        }
        .replaced(rng)
        .with_keys()
        .checked()
    }

    /// Drawn last, so that no seed becomes another's.
    fn replaced(mut self, rng: &mut Rng) -> Self {
        if self.service.view.sessions == Sessions::AsSent && rng.u8(..100) < 8 {
            self.service.view.sessions = Sessions::Replaced;
        }
        self
    }

    /// The first request is lost, in a campaign with many records of others.
    pub(crate) fn crowded(records: u64) -> Self {
        let mut scenario = Self { rows: 100, chunk: 50, ..Self::plain(0) };
        scenario.service.crowd = records;
        scenario.service.away = Some((Duration::ZERO, Duration::from_millis(100)));
        scenario
    }

    /// Nothing goes wrong: what others are told by their difference from.
    pub(crate) fn plain(seed: u64) -> Self {
        Self {
            seed,
            rows: 200,
            invalid: 0,
            excluded: 0,
            limit: None,
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
            keyed: None,
            durable_after: Duration::from_micros(500),
            service: Service::plain(),
            is_kind: false,
        }
    }

    /// The same, in one of three seeds with rows that are known by keys.
    fn with_keys(mut self) -> Self {
        let mut rng = Rng::with_seed(self.seed ^ 0x6b65_7973);
        if rng.u8(..3) > 0 {
            return self;
        }
        let rng = &mut rng;
        (self.own, self.changes) = (0, None);
        self.lives = (0..rng.usize(1..4)).map(|_| Fate::drawn(rng)).collect();
        let asks_journal = self.is_journaled && rng.u8(..4) == 0;
        self.keyed = Some(Keyed {
            shuffles: rng.bool(),
            grows: mostly(rng, &[0, 3, 30]),
            changes: mostly(rng, &[0, 10, 3]),
            loses_journal: rng.bool() && !asks_journal,
            asks_journal,
            is_elsewhere: rng.u8(..4) == 0 && !asks_journal,
        });
        self
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
    pub(crate) const COUNT: usize = 14;

    pub(crate) fn rate(&mut self, at: usize) -> &mut u64 {
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
            crowd: 0,
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
            crowd: 0,
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
    pub(crate) fn plain() -> Self {
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
    pub(crate) const fn plain() -> Self {
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
