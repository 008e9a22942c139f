//! The campaign's runner: what happens next, and when. A pure function of state, clock and seed.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use uuid::Uuid;

use super::state::{CampaignState, Status};
use crate::model::{NewRecord, Timestamp};

/// How calls go.
#[derive(Debug, Clone)]
pub struct Rules {
    /// From a push to its call, at the earliest.
    pub dispatch_after: Duration,
    /// How long a call lasts.
    pub call_duration: Duration,
    /// Calls at a time.
    pub max_concurrency: usize,
    /// The share of calls that fail, from 0 to 1.
    pub failure_rate: f64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            dispatch_after: Duration::from_millis(200),
            call_duration: Duration::from_millis(500),
            max_concurrency: 100,
            failure_rate: 0.1,
        }
    }
}

/// A campaign under way.
#[derive(Debug)]
pub struct Runner {
    /// The campaign.
    pub state: CampaignState,
    rules: Rules,
    random: fastrand::Rng,
    /// Records by the earliest moment of their call, in the order pushed.
    queue: VecDeque<(Timestamp, usize)>,
    /// Live calls by their end.
    live: BinaryHeap<Reverse<(Timestamp, usize, Status)>>,
    /// How far the campaign has been run.
    clock: Timestamp,
}

impl Runner {
    /// A runner that has done nothing yet.
    pub fn new(state: CampaignState, rules: Rules, seed: u64, now: Timestamp) -> Self {
        Self {
            state,
            rules,
            random: fastrand::Rng::with_seed(seed),
            queue: VecDeque::new(),
            live: BinaryHeap::new(),
            clock: now,
        }
    }

    /// Queues a record; its run id.
    pub fn push(&mut self, record: NewRecord, now: Timestamp) -> Uuid {
        let id = self.new_id();
        let index = self.state.add(id, record, now);
        self.queue.push_back((after(now, self.rules.dispatch_after), index));
        id
    }

    /// Runs the campaign up to `now`; the calls that ended, in order.
    pub fn advance(&mut self, now: Timestamp) -> Vec<usize> {
        let mut ended = Vec::new();
        while let Some(due) = self.next_due().filter(|due| *due <= now) {
            self.clock = self.clock.max(due);
            if let Some(Reverse((end, call, outcome))) = self.live.peek().copied()
                && end <= due
            {
                self.live.pop();
                self.state.end_call(call, outcome, end);
                ended.push(call);
            } else if let Some((_, record)) = self.queue.pop_front() {
                self.begin(record);
            }
        }
        self.clock = self.clock.max(now);
        ended
    }

    /// When something happens next, if nothing is pushed meanwhile.
    pub fn next_due(&self) -> Option<Timestamp> {
        let end = self.live.peek().map(|Reverse((end, _, _))| *end);
        let open = self.state.status == "running" && self.live.len() < self.rules.max_concurrency;
        let start = self.queue.front().filter(|_| open).map(|(due, _)| (*due).max(self.clock));
        match (end, start) {
            (Some(end), Some(start)) => Some(end.min(start)),
            (end, start) => end.or(start),
        }
    }

    fn begin(&mut self, record: usize) {
        let id = self.new_id();
        let failed = self.random.f64() < self.rules.failure_rate;
        let outcome = if failed { Status::Failed } else { Status::Completed };
        let call = self.state.begin_call(record, id, self.clock);
        self.live.push(Reverse((after(self.clock, self.rules.call_duration), call, outcome)));
    }

    fn new_id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.random.u128(..).to_be_bytes()).into_uuid()
    }
}

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.0.checked_add(wait).map_or(now, Timestamp)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp(jiff::Timestamp::from_millisecond(milliseconds).unwrap())
    }

    fn runner(rules: Rules) -> Runner {
        let state = CampaignState::new(Uuid::nil(), "running".to_owned());
        Runner::new(state, rules, 7, at(0))
    }

    fn record() -> NewRecord {
        NewRecord { phone_number: "+919876543210".to_owned(), ..NewRecord::default() }
    }

    fn never_failing(max_concurrency: usize) -> Rules {
        Rules { max_concurrency, failure_rate: 0.0, ..Rules::default() }
    }

    #[test]
    fn a_record_is_queued_then_called_then_completed() {
        let mut runner = runner(never_failing(1));
        let id = runner.push(record(), at(0));
        let status = |runner: &Runner| runner.state.record(id).unwrap().status;
        assert_eq!(runner.next_due(), Some(at(200)));
        assert!(runner.advance(at(199)).is_empty());
        assert_eq!(status(&runner).as_deref(), Some("queued"));
        assert!(runner.advance(at(200)).is_empty());
        assert_eq!(status(&runner).as_deref(), Some("in_progress"));
        assert_eq!(runner.next_due(), Some(at(700)));
        assert_eq!(runner.advance(at(700)), [0]);
        assert_eq!(status(&runner).as_deref(), Some("completed"));
        assert_eq!(runner.next_due(), None);
    }

    #[test]
    fn calls_wait_for_a_free_slot() {
        let mut runner = runner(never_failing(2));
        for _ in 0..3 {
            runner.push(record(), at(0));
        }
        runner.advance(at(400));
        assert_eq!(runner.state.count(Status::InProgress), 2);
        assert_eq!(runner.state.count(Status::Queued), 1);
        runner.advance(at(700));
        assert_eq!(runner.state.count(Status::InProgress), 1);
        assert_eq!(runner.state.calls()[2].started_at, at(700));
    }

    #[test]
    fn one_large_step_is_many_small_ones() {
        let mut large = runner(Rules { max_concurrency: 3, failure_rate: 0.3, ..Rules::default() });
        let mut small = runner(Rules { max_concurrency: 3, failure_rate: 0.3, ..Rules::default() });
        for _ in 0..20 {
            large.push(record(), at(0));
            small.push(record(), at(0));
        }
        let at_once = large.advance(at(60_000));
        let in_steps: Vec<_> = (0..600).flat_map(|i| small.advance(at(i * 100))).collect();
        assert_eq!(at_once, in_steps);
        let ends =
            |runner: &Runner| runner.state.calls().iter().map(|c| c.ended).collect::<Vec<_>>();
        assert_eq!(ends(&large), ends(&small));
    }

    #[test]
    fn a_paused_campaign_ends_its_calls_and_begins_none() {
        let mut runner = runner(never_failing(1));
        runner.push(record(), at(0));
        runner.push(record(), at(0));
        runner.advance(at(300));
        runner.state.status = "paused".to_owned();
        runner.advance(at(60_000));
        assert_eq!(runner.state.count(Status::Completed), 1);
        assert_eq!(runner.state.count(Status::Queued), 1);
        assert_eq!(runner.next_due(), None);
        runner.state.status = "running".to_owned();
        assert_eq!(runner.advance(at(61_000)).len(), 1);
    }

    proptest! {
        #[test]
        fn every_record_ends_once_and_the_cap_holds(
            pushes in proptest::collection::vec((0..2_000_i64, 1..20_usize), 1..20),
            max_concurrency in 1..10_usize,
            failure_rate in 0.0..=1.0,
            step in 1..3_000_i64,
        ) {
            let mut runner = runner(Rules { max_concurrency, failure_rate, ..Rules::default() });
            let (mut now, mut pushed, mut ended) = (0, 0_u64, 0_u64);
            let mut pushes = pushes.into_iter();
            loop {
                let next = pushes.next();
                if let Some((wait, count)) = next {
                    now += wait;
                    for _ in 0..count {
                        runner.push(record(), at(now));
                        pushed += 1;
                    }
                } else if runner.next_due().is_none() {
                    break;
                }
                now += step;
                ended += runner.advance(at(now)).len() as u64;
                let state = &runner.state;
                let live = state.count(Status::InProgress);
                prop_assert!(live <= max_concurrency as u64);
                let done = state.count(Status::Completed) + state.count(Status::Failed);
                prop_assert_eq!(done, ended);
                prop_assert_eq!(state.count(Status::Queued) + live + done, pushed);
            }
            prop_assert_eq!(ended, pushed);
        }
    }
}
