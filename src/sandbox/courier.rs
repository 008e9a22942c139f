//! The loop that runs the world as its time passes, and delivers what is to be told.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use super::command::Command;
use super::deliveries::Delivery;
use super::engine::Held;
use super::fault::{Act, Endpoint};
use super::faults;
use super::routes::Shared;
use super::show;
use super::webhooks::{Attempt, Tally};

/// Attempts at a time.
const AT_A_TIME: usize = 32;

/// Counts deliveries.
#[derive(Debug, Default)]
pub(super) struct Counts {
    delivered: AtomicU64,
    failed: AtomicU64,
    tries: AtomicU64,
}

impl Counts {
    pub(super) fn tally(&self) -> Tally {
        Tally {
            delivered: self.delivered.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            tries: self.tries.load(Ordering::Relaxed),
        }
    }
}

/// What is under way. However many events wait, no more than these are held.
struct Courier<'a> {
    shared: &'a Shared,
    http: reqwest::Client,
    epoch: u64,
    attempts: JoinSet<(u64, u64, Vec<Delivery>)>,
    /// Events of those attempts, and those held back.
    busy: BTreeSet<u64>,
    /// Attempts that others are to overtake.
    held_back: VecDeque<(u64, Attempt)>,
}

/// Runs the world, and delivers.
pub(super) async fn run(shared: &Shared, http: reqwest::Client) {
    let engine = &shared.engine;
    let mut courier = Courier {
        shared,
        http,
        epoch: engine.lock().epoch(),
        attempts: JoinSet::new(),
        busy: BTreeSet::new(),
        held_back: VecDeque::new(),
    };
    loop {
        let slice = engine.slice();
        let due = courier.dispatch();
        let mut done = courier.attempts.try_join_next();
        if done.is_none() && !slice.done {
            tokio::task::yield_now().await;
            continue;
        }
        if done.is_none() {
            let sleep = slice.sleep.into_iter().chain(due).min();
            tokio::select! {
                () = engine.changed.notified() => {}
                Some(joined) = courier.attempts.join_next() => done = Some(joined),
                () = tokio::time::sleep(sleep.unwrap_or_default()), if sleep.is_some() => {}
            }
        }
        if let Some(Ok((epoch, event, made))) = done
            && epoch == courier.epoch
        {
            courier.settle(event, made);
        }
    }
}

impl Courier<'_> {
    /// Begins the attempts that are due; how long until the next one is.
    fn dispatch(&mut self) -> Option<Duration> {
        let shared = self.shared;
        let mut held = shared.engine.lock();
        if held.epoch() != self.epoch {
            // What another world wanted told is told no more.
            self.attempts.abort_all();
            self.busy.clear();
            self.held_back.clear();
            self.epoch = held.epoch();
        }
        let now = held.now();
        while self.attempts.len() < AT_A_TIME {
            let next = held.world().posts().find(|(_, event)| !self.busy.contains(event));
            let Some((_, event)) = next.filter(|(due, _)| *due <= now) else {
                // Nobody comes to overtake it any more.
                if self.attempts.is_empty()
                    && let Some((event, attempt)) = self.held_back.pop_front()
                {
                    self.begin(event, attempt);
                    continue;
                }
                return next.and_then(|(due, _)| held.takes_until(due));
            };
            self.busy.insert(event);
            let Some(attempt) = self.attempt(&mut held, event) else {
                // Nobody is there to be told any more.
                self.attempts.spawn(std::future::ready((self.epoch, event, Vec::new())));
                continue;
            };
            if attempt.fault.as_ref().is_some_and(|it| it.act == Act::Reorder) {
                self.held_back.push_back((event, attempt));
            } else {
                self.begin(event, attempt);
            }
        }
        None
    }

    fn attempt(&self, held: &mut Held, event: u64) -> Option<Attempt> {
        let world = held.world();
        let letter = world.letter(event)?;
        let index = letter.call as usize;
        let call = &world.calls()[index];
        let workspace = world.campaigns()[call.campaign as usize].workspace;
        let to = world.workspaces()[workspace].webhook.clone()?;
        // The same bytes each time.
        let shown = show::call(world, index, &self.shared.links, call.ends_at);
        Some(Attempt {
            to,
            event_id: world.event_id(index),
            call: index,
            workspace,
            number: letter.attempts + 1,
            body: serde_json::to_string(&shown).ok()?,
            now: held.now(),
            allow_remote: self.shared.allow_remote_webhooks,
            fault: faults::strike(held, Endpoint::Webhook, &|| 0),
        })
    }

    fn begin(&mut self, event: u64, attempt: Attempt) {
        let (http, epoch) = (self.http.clone(), self.epoch);
        self.attempts.spawn(async move { (epoch, event, attempt.make(&http).await) });
    }

    /// Notes what became of an attempt.
    fn settle(&mut self, event: u64, made: Vec<Delivery>) {
        let shared = self.shared;
        let counts = &shared.counts;
        let count =
            |counter: &AtomicU64, by: usize| counter.fetch_add(by as u64, Ordering::Relaxed);
        count(&counts.tries, made.len());
        let delivered = made.iter().any(Delivery::is_delivered);
        let command = if delivered || made.is_empty() {
            Command::Told { event }
        } else {
            Command::Untold { event }
        };
        let (at, next) = shared.engine.turn(|held| {
            if held.apply(command).is_ok() {
                self.busy.remove(&event);
            }
            // Not written down, it is told again after the next start: at least once.
            (held.now(), held.world().letter(event).map(|letter| letter.due))
        });
        if delivered {
            count(&counts.delivered, 1);
        } else if next.is_none() && !made.is_empty() {
            count(&counts.failed, 1);
        }
        for it in made {
            shared.deliveries.push(|id| Delivery { id, at, next_attempt_at: next, ..it });
        }
        if let Some((event, attempt)) = self.held_back.pop_front() {
            self.begin(event, attempt);
        }
    }
}
