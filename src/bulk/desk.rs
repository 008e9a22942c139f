//! The ledger, its copy, and whoever waits for the report: it is left here, however an upload ends.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use uuid::Uuid;

use super::chunk::Chunk;
use super::claim::Claim;
use super::ledger::{Cause, Effect, Event, Ledger, Snapshot};
use super::report::Report;
use super::service::bug;
use super::source::SourceError;
use super::store::{Store, Word};
use crate::Error;
use crate::http::Departure;
use crate::world::World;

/// Why an upload has no report, or not a whole one.
#[derive(Debug)]
pub enum Failure {
    /// It can't be done; nothing was sent.
    Refused(SourceError),
    /// It stopped before its end.
    Stopped(Box<Stopped>),
}

/// An upload that stopped before its end.
#[derive(Debug)]
pub struct Stopped {
    /// Why.
    pub cause: Cause,
    /// What is known of every row that was read.
    pub report: Report,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error.into())
    }
}

/// The ledger, its copy, and whoever waits for the report. Dropped, for whatever reason, it leaves the
/// report.
pub(super) struct Desk {
    pub(super) ledger: Ledger,
    /// None once it is closed.
    pub(super) store: Option<Store>,
    pub(super) words: UnboundedReceiver<Word>,
    pub(super) world: Arc<dyn World>,
    pub(super) began: Instant,
    /// The way out of each push that is out.
    pub(super) departures: HashMap<u64, Departure>,
    pub(super) progress: watch::Sender<Snapshot>,
    pub(super) upload: Uuid,
    /// The right to upload rows of its name.
    pub(super) claim: Option<Claim>,
    pub(super) holder: Holder,
}

impl Desk {
    fn now(&self) -> Duration {
        self.world.now().saturating_duration_since(self.began)
    }

    pub(super) fn on(&mut self, event: Event) -> Vec<Effect> {
        let now = self.now();
        self.ledger.on(event, now)
    }

    /// How long until the ledger wants a tick.
    pub(super) fn wake(&self) -> Option<Duration> {
        let now = self.now();
        self.ledger.wake().map(|at| at.saturating_sub(now).max(Duration::from_millis(1)))
    }

    /// What the journal says, as an event.
    pub(super) fn said(&mut self, word: Word) -> Event {
        let Some(store) = &mut self.store else { return Event::Tick };
        match word {
            Word::Written { entries, planned } => {
                store.written(&entries);
                Event::Planned(planned)
            }
            Word::Loaded { seq, entries } => {
                Event::Loaded { seq, stored: store.loaded(seq, entries) }
            }
            Word::Failed(error) => Event::StoreFailed(error),
        }
    }

    /// Takes in rows that were read and are not sent.
    pub(super) fn rest(&mut self, chunk: Chunk) {
        for effect in self.on(Event::Rest(chunk)) {
            self.carry_out(effect);
        }
    }

    /// Carries out what needs nobody else.
    pub(super) fn carry_out(&mut self, effect: Effect) {
        let Some(store) = &mut self.store else { return };
        match effect {
            Effect::Identify(beginning) => store.identify(beginning),
            Effect::Load(seq) => store.load(seq),
            Effect::Plan(plan) => store.plan(&plan),
            Effect::Record { seq, results, is_awaited } => store.record(seq, results, is_awaited),
            Effect::Aside(chunk) => store.put_aside(chunk),
            Effect::Forget(seq) => store.forget(seq),
            Effect::Tell(snapshot) => {
                self.progress.send_replace(snapshot);
            }
            _ => {}
        }
    }

    /// Ends the upload, wherever it is, and closes the books.
    fn close(&mut self) -> std::result::Result<Report, Failure> {
        if !self.ledger.has_ended() {
            let cause = if std::thread::panicking() { Cause::Bug } else { Cause::CutOff };
            let unsent = self.departures.iter().filter(|(_, way)| way.give_up());
            let unsent = unsent.map(|(push, _)| *push).collect();
            let mut effects = self.on(Event::CutOff { cause, unsent });
            loop {
                let mut events = Vec::new();
                for effect in effects {
                    match (effect, &mut self.store) {
                        // What was written down before belongs to the report.
                        (Effect::Load(seq), Some(store)) => {
                            events.push(Event::Loaded { seq, stored: store.load_now(seq) });
                        }
                        (effect, _) => self.carry_out(effect),
                    }
                }
                effects = Vec::new();
                for event in events {
                    effects.extend(self.on(event));
                }
                if effects.is_empty() {
                    break;
                }
            }
        }
        let elapsed = self.now();
        let Some(store) = self.store.take() else { return Err(bug().into()) };
        let (closed, failure) = store.close(&mut self.words);
        let index = self.ledger.index().clone();
        let report = Report::new(self.upload, elapsed, index, closed);
        let cause = self.ledger.cause().cloned().or(failure.map(Cause::Journal));
        let has_launched = self.ledger.has_launched();
        if let Some(claim) = &mut self.claim
            && (cause.is_none() || !(has_launched || claim.was_cut_off()))
        {
            claim.end();
        }
        let refused = match cause {
            None => return Ok(report),
            Some(Cause::Preflight(error)) => error.into(),
            Some(Cause::Checked(error)) => error,
            Some(Cause::Source(error @ SourceError::Unreadable(_))) if !has_launched => error,
            Some(Cause::Changed(error) | Cause::Journal(error)) if !has_launched => error.into(),
            Some(cause) => return Err(Failure::Stopped(Box::new(Stopped { cause, report }))),
        };
        Err(Failure::Refused(refused))
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // Whatever fails here is tried once more, and not everything is torn down for it.
        let mut close = || std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.close()));
        let ended = close().or_else(|_| close()).unwrap_or_else(|_| {
            let report = Report::unknown(self.upload);
            Err(Failure::Stopped(Box::new(Stopped { cause: Cause::Bug, report })))
        });
        self.holder.0.leave(ended);
    }
}

/// Where an upload leaves what it came to.
#[derive(Debug, Default)]
pub(super) struct End {
    state: Mutex<Reached>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Reached {
    is_running: bool,
    ended: Option<std::result::Result<Report, Failure>>,
}

/// Held as long as anything of an upload is under way.
pub(super) struct Holder(pub(super) Arc<End>);

impl Drop for Holder {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_running = false;
        self.0.changed.notify_all();
    }
}

impl End {
    /// The upload is under way.
    pub(super) fn begin(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_running = true;
    }

    fn leave(&self, ended: std::result::Result<Report, Failure>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.ended.get_or_insert(ended);
    }

    /// What it came to, for whoever waited.
    pub(super) fn take(&self) -> std::result::Result<Report, Failure> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = state.ended.take().unwrap_or_else(|| Err(bug().into()));
        // Whoever is interrupted before the result arrives finds it there.
        state.ended = match &ended {
            Ok(report) => Some(Ok(report.clone())),
            Err(Failure::Stopped(stopped)) => Some(Ok(stopped.report.clone())),
            Err(Failure::Refused(_)) => None,
        };
        ended
    }
}

/// Watches an upload from outside.
#[derive(Debug, Clone)]
pub struct Monitor {
    pub(super) progress: watch::Receiver<Snapshot>,
    pub(super) end: Arc<End>,
}

impl Monitor {
    /// How far the upload has come.
    pub fn snapshot(&self) -> Snapshot {
        *self.progress.borrow()
    }

    /// Waits until the upload has come further; false once it has ended.
    pub async fn advanced(&mut self) -> bool {
        self.progress.changed().await.is_ok()
    }

    /// After an upload was dropped: what is known of its rows. Blocks until everything of it has
    /// stopped and the journal is free; none where that took longer than `limit`.
    pub fn stopped(&self, limit: Duration) -> Option<Report> {
        let state = self.end.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.end.changed.wait_timeout_while(state, limit, |state| state.is_running);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if state.is_running {
            return None;
        }
        Some(match &state.ended {
            Some(Ok(report)) => report.clone(),
            Some(Err(Failure::Stopped(stopped))) => stopped.report.clone(),
            // Without a report nothing was begun.
            Some(Err(Failure::Refused(_))) | None => Report::unknown(Uuid::nil()),
        })
    }
}
