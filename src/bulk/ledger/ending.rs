//! How an upload stops, and what it leaves behind.

use std::sync::Arc;
use std::time::Duration;

use super::super::blob::Told;
use super::super::source::SourceError;
use super::event::{Cause, Effect, Snapshot};
use super::index::State;
use super::intake::interrupted;
use super::work::{self, Work};
use super::{Ledger, TELL_EVERY};
use crate::Error;

/// How long an upload that stops waits for rows that are being read.
const LAST_ROWS: Duration = Duration::from_secs(1);

/// Where an upload is between its beginning and its end.
#[derive(Debug, Default)]
pub(super) struct Phase {
    pub(super) stage: Stage,
    /// Why nothing more is sent.
    pub(super) stopping: Option<Cause>,
    /// When an upload that stops ends, whatever else happens.
    stops_at: Option<Duration>,
    closing: Closing,
    /// Whether a chunk that was not read again is being loaded.
    pub(super) is_loading: bool,
    pub(super) has_launched: bool,
    /// When it was last told how far the upload has come.
    told: Option<Duration>,
    /// Whether there is something new to tell.
    pub(super) has_news: bool,
    /// Rows that are told apart by the service's clock leave from this moment on.
    pub(super) own_from: Duration,
    pushes: u64,
    /// When something last happened.
    pub(super) now: Duration,
}

/// What is done at a time.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The campaign and the source are being checked.
    #[default]
    Checking,
    /// The campaign's records are read, to tell which rows are there.
    Surveying,
    /// Rows are read and sent.
    Running,
    /// Nothing was read, and nothing will be.
    Refused,
    Ended,
}

/// Whether nobody waits any more.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Closing {
    #[default]
    No,
    Yes,
    /// What was being loaded is asked for once more, by whoever closes the books.
    Reloading,
}

impl Phase {
    pub(super) fn next_push(&mut self) -> u64 {
        self.pushes += 1;
        self.pushes
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.stops_at
    }

    /// When to tell how far the upload has come, if there is something new.
    pub(super) fn tells_at(&self) -> Option<Duration> {
        let next = self.told.map_or(self.now, |told| told.saturating_add(TELL_EVERY));
        self.has_news.then_some(next)
    }
}

impl Ledger {
    /// Sends nothing more, for this reason if it is the first.
    pub(super) fn stop(&mut self, cause: Cause, now: Duration) {
        // A source that has failed has ended; another may be in the middle of its next row.
        let patience = match &cause {
            Cause::Source(_) => None,
            _ => Some(LAST_ROWS),
        };
        if let Some(until) = patience.map(|patience| now.saturating_add(patience)) {
            let stops_at = self.phase.stops_at.unwrap_or(until);
            self.phase.stops_at = Some(stops_at.min(until));
        }
        if self.phase.stopping.is_none() {
            self.phase.stopping = Some(cause);
            self.phase.has_news = true;
            self.out.push(Effect::Halt);
        }
    }

    /// Everything ends at once; nothing was sent of the pushes in `unsent`.
    pub(super) fn cut_off(&mut self, cause: Cause, unsent: &[u64], now: Duration) {
        for push in unsent {
            if let Some(flight) = self.flights.remove(push) {
                self.take_back(flight);
            }
        }
        self.flights.clear();
        if matches!(self.phase.stage, Stage::Checking | Stage::Surveying) {
            self.phase.stage = Stage::Running;
        }
        self.phase.closing = Closing::Yes;
        // So does what is loaded: whoever closes the books is asked anew.
        self.phase.is_loading = false;
        self.phase.stops_at = Some(now);
        self.stop(cause, now);
    }

    /// Nothing is sent, and nothing was read.
    pub(super) fn refuse(&mut self, cause: Cause, now: Duration) {
        self.phase.stage = Stage::Refused;
        self.source.has_ended = true;
        self.stop(cause, now);
    }

    /// Nothing can be written down any more.
    pub(super) fn store_failed(&mut self, error: Error, now: Duration) {
        for work in self.works.values_mut() {
            if work.stage == work::Stage::Planning {
                work.stage = work::Stage::Open;
            }
        }
        self.stop(Cause::Journal(error), now);
    }

    /// Whether nothing was sent of a source that can't be: then nothing is kept of it.
    pub(super) fn is_void(&self) -> bool {
        let is_unreadable =
            matches!(self.phase.stopping, Some(Cause::Source(SourceError::Unreadable(_))));
        is_unreadable && !self.phase.has_launched
    }

    /// When to look whether the service is back at all.
    pub(super) fn hopeless(&self) -> Option<Duration> {
        self.gate.hopeless_at().filter(|_| self.phase.stopping.is_none() && self.has_more())
    }

    /// Ends where nothing is left to do.
    pub(super) fn end_if_done(&mut self, now: Duration) {
        let is_late = self.phase.stops_at.is_some_and(|at| now >= at);
        if !self.flights.is_empty() {
            return;
        }
        if !(self.source.has_ended || is_late) {
            return;
        }
        if self.phase.stopping.is_none() {
            let is_done = self.works.is_empty() && self.aside.is_empty();
            if is_done && self.source.has_caught_up() {
                self.none_went_first(now);
                return self.end(now);
            }
            // Rows that were written down before, and that the source does not have any more.
            let is_loading = self.works.values().any(|work| work.stage == work::Stage::Loading);
            if !self.source.has_caught_up() && !is_loading {
                self.load_next();
            }
            return;
        }
        // What was written down before belongs to the report, read again or not.
        let loading = self.works.iter().filter(|(_, work)| work.stage == work::Stage::Loading);
        let loading: Vec<u64> = loading.map(|(seq, _)| *seq).collect();
        if !loading.is_empty() && self.phase.stage != Stage::Refused {
            if self.phase.closing == Closing::Yes {
                self.phase.closing = Closing::Reloading;
                self.out.extend(loading.into_iter().map(Effect::Load));
            }
            return;
        }
        if !self.source.has_caught_up() && !matches!(self.phase.stopping, Some(Cause::Changed(_))) {
            return self.load_next();
        }
        self.end(now);
    }

    fn load_next(&mut self) {
        if !self.phase.is_loading {
            self.phase.is_loading = true;
            self.out.push(Effect::Load(self.index.chunks()));
        }
    }

    fn end(&mut self, now: Duration) {
        self.phase.stage = Stage::Ended;
        let works = std::mem::take(&mut self.works);
        for (seq, work) in works.into_iter().chain(std::mem::take(&mut self.aside)) {
            self.leave(seq, work);
        }
        self.tell(now, true);
        self.out.push(Effect::End);
    }

    /// Writes down what is known of a chunk, and lets go of it.
    fn leave(&mut self, seq: u64, work: Work) {
        let rows = self.index.span(seq).map_or(0, |(_, rows)| rows);
        let cut_off: Arc<str> = interrupted();
        let mut told = Vec::new();
        for row in 0..rows {
            match self.index.state((seq, row)) {
                Some(State::Out) => {
                    self.index.set((seq, row), State::Doubt);
                    told.push((row, Told::Unknown { why: cut_off.clone() }));
                }
                Some(State::Waiting) => told.push((row, Told::NotSent { why: None })),
                _ => {}
            }
        }
        self.record(seq, &told);
        self.leave_in_doubt(seq, work, None);
    }

    /// Tells how far the upload has come.
    pub(super) fn tell(&mut self, now: Duration, is_last: bool) {
        let is_time =
            self.phase.told.is_none() || self.phase.tells_at().is_some_and(|at| at <= now);
        if !is_last && (!is_time || self.phase.stage == Stage::Ended) {
            return;
        }
        (self.phase.told, self.phase.has_news) = (Some(now), false);
        let progress = self.settling.progress();
        self.out.push(Effect::Tell(Snapshot {
            total: self.source.total,
            read: self.index.rows(),
            counts: self.index.counts(),
            settling: progress.map_or(0, |_| self.index.count(State::Doubt)),
            pages: progress.map_or(0, |(pages, _)| pages),
            total_pages: progress.and_then(|(_, total)| total),
            elapsed: now,
            is_last,
        }));
    }
}
