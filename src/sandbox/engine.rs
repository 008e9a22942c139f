//! The world under way: with its clock, and with the file that keeps it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, broadcast, watch};
use uuid::Uuid;

use super::begin::{first_world, webhook};
use super::clock::Clock;
use super::command::{Applied, Command};
use super::config::{Config, Pace};
use super::fault::Struck;
use super::keep::Keep;
use super::plan::Exchange;
use super::record::Pushed;
use super::runner::{self, Effect};
use super::time::{Seconds, Time};
use super::world::World;
use revrag::{Error, Result};

/// Events per slice: less than a millisecond's, so that requests are answered in between.
const SLICE: usize = 250;
/// Effects kept for a subscriber that is slow.
const EFFECTS: usize = 4096;

/// The world under way, shared by requests, the loop that runs it, and whoever moves its time.
#[derive(Debug)]
pub struct Engine {
    held: Mutex<Held>,
    /// Tells the loop that something may be due earlier than it thinks.
    pub(super) changed: Notify,
    arrived: Condvar,
    /// Grows with everything that may look different now.
    seen: watch::Sender<u64>,
    pub(super) config: Config,
}

/// What the engine's lock guards.
#[derive(Debug)]
pub struct Held {
    world: World,
    clock: Clock,
    keep: Option<Keep>,
    target: Option<Target>,
    /// How often time was moved.
    aims: u64,
    stopped: bool,
    /// Grows when another world takes this one's place.
    epoch: u64,
    effects: broadcast::Sender<Effect>,
}

/// Where time by hand goes.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// To this moment.
    At(Time),
    /// To the moment from which on nothing happens to any record.
    Idle,
    /// To the moment from which on there is nothing to be told either. Time stands still while
    /// deliveries are under way.
    Delivered,
}

/// A move of time by hand.
#[derive(Debug, Clone, Copy)]
pub struct Aim(u64);

/// How far a piece of the loop's work brought time by hand.
enum Way {
    There,
    /// There is more to do.
    Further,
    /// There is nothing to do until a delivery is over.
    Waits,
}

/// What a slice of the loop's work left.
#[derive(Debug)]
pub(super) struct Slice {
    pub(super) done: bool,
    /// How long the loop may sleep.
    pub(super) sleep: Option<Duration>,
}

/// Why nothing was pushed.
#[derive(Debug)]
pub(super) enum Unpushed {
    /// The workspace has no such campaign.
    Unknown,
    /// The campaign has this status.
    Status(String),
    /// It could not be kept.
    Failed(Error),
}

impl Held {
    /// The world.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// What time it is.
    pub fn now(&self) -> Time {
        self.clock.now(self.world.now())
    }

    /// How long it is until then outside; none where time is moved by hand.
    pub(super) fn takes_until(&self, moment: Time) -> Option<Duration> {
        self.clock.takes(Seconds::between(self.now(), moment))
    }

    /// Which world it is: another after a `restore` or `reset`.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether time is on its way to where it was moved.
    pub fn is_moving(&self) -> bool {
        self.target.is_some()
    }

    /// Runs the world up to now.
    pub fn catch_up(&mut self) {
        let now = self.now();
        let effects = runner::run(&mut self.world, now);
        self.tell(&effects);
    }

    /// Does what is asked, now, or refuses it. It is in the file before this returns.
    pub fn apply(&mut self, command: Command) -> Result<Applied> {
        self.catch_up();
        command.check(&self.world)?;
        let at = self.world.now();
        if let Some(keep) = &mut self.keep {
            keep.note(at, &command)?;
        }
        let applied = command.apply(&mut self.world, at)?;
        self.tell(&applied.effects);
        if let Some(keep) = &mut self.keep
            && keep.is_long()
        {
            keep.write(&self.world)?;
        }
        Ok(applied)
    }

    /// What goes wrong with a request, where a fault on order strikes it.
    pub(super) fn strike(&mut self, exchange: &Exchange<'_>) -> Option<Struck> {
        let plan = &mut self.world.plan;
        let before = self.keep.is_some().then(|| plan.counts());
        let struck = plan.decide(exchange);
        let after = plan.counts();
        if let (Some(keep), Some(before)) = (&mut self.keep, before)
            && before != after
        {
            // At worst it strikes once more.
            let _ = keep.note(self.world.now(), &Command::Struck { counts: after });
        }
        struck
    }

    fn tell(&mut self, effects: &[Effect]) {
        if let Some(keep) = &self.keep
            && !effects.is_empty()
        {
            // What this says is already so; at worst it comes about once more.
            let _ = keep.reached(self.world.now());
        }
        if self.effects.receiver_count() > 0 {
            for effect in effects {
                let _ = self.effects.send(*effect);
            }
        }
    }

    /// Runs a slice towards the target.
    fn toward(&mut self, target: Target) -> Way {
        let mut left = SLICE;
        while left > 0 {
            let until = match target {
                Target::At(until) => Some(until),
                Target::Idle => runner::busy_until(&mut self.world),
                Target::Delivered => {
                    let due = self.world.posts().next().map(|(due, _)| due);
                    if due.is_some_and(|due| due <= self.world.now()) {
                        return Way::Waits;
                    }
                    runner::busy_until(&mut self.world).into_iter().chain(due).min()
                }
            };
            let Some(until) = until else { return Way::There };
            let step = runner::step(&mut self.world, until, left);
            left = left.saturating_sub(step.effects.len().max(1));
            self.tell(&step.effects);
            if step.done && matches!(target, Target::At(_)) {
                return Way::There;
            }
        }
        Way::Further
    }
}

impl Engine {
    /// The world of a configuration, or that of its file.
    pub(super) fn open(config: &Config) -> Result<Self> {
        let (keep, kept) = match &config.state {
            None => (None, None),
            Some(path) => {
                let (keep, world) = Keep::open(path)?;
                (Some(keep), world)
            }
        };
        let is_new = kept.is_none();
        let world = match kept {
            Some(world) => world,
            None => first_world(config)?,
        };
        let clock = Clock::new(config.pace, world.now());
        let mut held = Held {
            world,
            clock,
            keep,
            target: None,
            aims: 0,
            stopped: false,
            epoch: 0,
            effects: broadcast::channel(EFFECTS).0,
        };
        if is_new {
            held.write()?;
        } else if let Some(webhook) = webhook(config) {
            // A receiver in a test has another port each time.
            held.apply(Command::SetWebhook { workspace: 0, webhook: Some(webhook) })?;
        }
        Ok(Self {
            held: Mutex::new(held),
            changed: Notify::new(),
            arrived: Condvar::new(),
            seen: watch::Sender::new(0),
            config: config.clone(),
        })
    }

    /// The world, to look at.
    pub fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the world, and lets the loop know.
    pub fn turn<R>(&self, change: impl FnOnce(&mut Held) -> R) -> R {
        let result = change(&mut self.lock());
        self.changed.notify_one();
        self.look();
        result
    }

    /// Does what is asked.
    pub fn order(&self, command: Command) -> Result<Applied> {
        self.turn(|held| held.apply(command))
    }

    /// Queues records in a workspace's campaign, if there is one and it is running.
    pub(super) fn push(
        &self,
        workspace: usize,
        campaign: Uuid,
        records: Vec<Pushed>,
    ) -> std::result::Result<Vec<Uuid>, Unpushed> {
        self.turn(|held| {
            held.catch_up();
            // Another world may have come since the request was let in.
            let campaign = held.world.campaign(workspace, campaign).ok_or(Unpushed::Unknown)?;
            let it = &held.world.campaigns()[campaign];
            if !it.is_running() {
                return Err(Unpushed::Status(it.status().to_owned()));
            }
            if records.is_empty() {
                return Ok(Vec::new());
            }
            let applied = held.apply(Command::Push { campaign, records });
            applied.map(|applied| applied.run_ids).map_err(Unpushed::Failed)
        })
    }

    /// Tells those who watch that something may look different.
    pub(super) fn look(&self) {
        self.seen.send_modify(|seen| *seen += 1);
    }

    /// Says when something may look different, however much: nobody lags.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.seen.subscribe()
    }

    /// How time passes.
    pub fn pace(&self) -> Pace {
        self.config.pace
    }

    /// What happens from now on. A receiver that lags misses some.
    pub fn subscribe(&self) -> broadcast::Receiver<Effect> {
        self.lock().effects.subscribe()
    }

    /// Moves time by hand, as soon as the loop gets there.
    pub fn aim(&self, target: Target) -> Result<Aim> {
        self.turn(|held| {
            if !matches!(held.clock, Clock::ByHand) {
                let problem = "it passes by itself here; start the sandbox with time=\"manual\"";
                return Err(Error::invalid("time", problem));
            }
            if let Target::At(at) = target
                && at < held.world.now()
            {
                return Err(Error::invalid(
                    "time",
                    "it never goes back; restore a snapshot instead",
                ));
            }
            held.target = Some(target);
            held.aims += 1;
            Ok(Aim(held.aims))
        })
    }

    /// Waits for time to be where it was moved to, or for this long; whether it is.
    pub fn wait(&self, most: Duration) -> bool {
        let held = self.lock();
        let moving = |held: &mut Held| held.target.is_some() && !held.stopped;
        let waited = self.arrived.wait_timeout_while(held, most, moving);
        let (held, _) = waited.unwrap_or_else(PoisonError::into_inner);
        held.target.is_none() || held.stopped
    }

    /// Leaves time by hand where it has come to, unless it was moved elsewhere meanwhile.
    pub fn halt(&self, Aim(aim): Aim) {
        self.turn(|held| {
            if held.aims == aim {
                held.target = None;
            }
        });
    }

    pub(super) fn replace(&self, world: World) -> Result<()> {
        self.turn(|held| {
            held.clock = Clock::new(self.config.pace, world.now());
            held.world = world;
            held.target = None;
            held.epoch += 1;
            held.write()
        })?;
        self.arrived.notify_all();
        Ok(())
    }

    /// Does a piece of the loop's work.
    pub(super) fn slice(&self) -> Slice {
        let mut held = self.lock();
        if let Some(target) = held.target {
            self.look();
            match held.toward(target) {
                Way::There => held.target = None,
                Way::Further => return Slice { done: false, sleep: None },
                Way::Waits => return Slice { done: true, sleep: None },
            }
            // Time that passed without an event counts too.
            if let Some(keep) = &held.keep {
                let _ = keep.reached(held.world.now());
            }
            self.arrived.notify_all();
        }
        let now = held.now();
        let step = runner::step(&mut held.world, now, SLICE);
        held.tell(&step.effects);
        if !step.effects.is_empty() {
            self.look();
        }
        let due = runner::wakes_at(&mut held.world);
        let sleep = due.and_then(|due| held.clock.takes(Seconds::between(now, due)));
        Slice { done: step.done, sleep }
    }

    /// Writes down the whole, and lets nobody wait any more.
    pub(super) fn stop(&self) {
        let mut held = self.lock();
        held.stopped = true;
        // Everything is in the file already; this spares the next start some work.
        let _ = held.write();
        held.keep = None;
        self.arrived.notify_all();
    }
}

impl Held {
    fn write(&mut self) -> Result<()> {
        match &mut self.keep {
            Some(keep) => keep.write(&self.world),
            None => Ok(()),
        }
    }
}
