//! A model of the journal: what is durable, and what would be lost.

use std::collections::BTreeMap;
use std::time::Duration;

use revrag::bulk::RowReport;
use revrag::bulk::ledger::{Beginning, Plan, Stored};

/// What was written down of a chunk.
#[derive(Debug, Clone, Default)]
struct Entries {
    plan: Option<Plan>,
    parts: Vec<Vec<u8>>,
}

#[derive(Debug, Clone)]
enum Change {
    Plan(Plan),
    Part(u64, Vec<u8>),
    Begin(Beginning),
}

/// The journal of an upload, across the lives of its process.
#[derive(Debug, Default)]
pub(super) struct Store {
    durable: Content,
    /// Everything, durable or not: what the report reads.
    all: Content,
    /// What is on its way to the disk, and when it is there.
    pending: Vec<(Duration, Change)>,
    pub(super) fails_after: Option<u64>,
    written: u64,
    pub(super) has_failed: bool,
}

#[derive(Debug, Clone, Default)]
struct Content {
    chunks: BTreeMap<u64, Entries>,
    beginning: Beginning,
}

impl Content {
    fn take(&mut self, change: Change) {
        match change {
            Change::Plan(plan) => {
                let seq = plan.seq;
                self.chunks.entry(seq).or_default().plan = Some(plan);
            }
            Change::Part(seq, part) => self.chunks.entry(seq).or_default().parts.push(part),
            Change::Begin(beginning) => self.beginning = beginning,
        }
    }

    fn stored(&self, seq: u64) -> Option<Stored> {
        let entries = self.chunks.get(&seq)?;
        let plan = entries.plan.as_ref()?;
        let parts: Vec<&[u8]> = entries.parts.iter().map(Vec::as_slice).collect();
        Stored::of(&plan.checks, &plan.rows, &parts)
    }
}

impl Store {
    fn write(&mut self, change: Change, at: Duration) -> bool {
        self.all.take(change.clone());
        self.written += 1;
        if self.fails_after.is_some_and(|after| self.written > after) {
            self.has_failed = true;
        }
        if self.has_failed {
            return false;
        }
        // Durable in the order in which it was written.
        let at = self.pending.last().map_or(at, |(last, _)| at.max(*last));
        self.pending.push((at, change));
        true
    }

    /// Each returns whether it will be durable, by then.
    pub(super) fn plan(&mut self, plan: Plan, at: Duration) -> Option<Duration> {
        self.write(Change::Plan(plan), at).then(|| self.pending.last().map_or(at, |last| last.0))
    }

    pub(super) fn part(&mut self, seq: u64, part: Vec<u8>, at: Duration) -> Option<Duration> {
        self.write(Change::Part(seq, part), at)
            .then(|| self.pending.last().map_or(at, |last| last.0))
    }

    pub(super) fn begin(&mut self, beginning: Beginning, at: Duration) {
        self.write(Change::Begin(beginning), at);
    }

    /// What is durable by `now` is.
    pub(super) fn sync(&mut self, now: Duration) {
        let rest = self.pending.iter().position(|(at, _)| *at > now).unwrap_or(self.pending.len());
        for (_, change) in self.pending.drain(..rest) {
            self.durable.take(change);
        }
    }

    /// The process ends well: what was written is durable.
    pub(super) fn close(&mut self) {
        for (_, change) in std::mem::take(&mut self.pending) {
            self.durable.take(change);
        }
    }

    /// The process ends after nothing could be written any more: the report has what the file has not.
    pub(super) fn reopen_later(&mut self) {
        self.pending.clear();
    }

    /// The process and what was not durable are gone.
    pub(super) fn reopen(&mut self) {
        self.pending.clear();
        self.all = self.durable.clone();
        (self.has_failed, self.fails_after, self.written) = (false, None, 0);
    }

    pub(super) fn beginning(&self) -> Beginning {
        self.durable.beginning
    }

    /// The rows of each chunk that is there.
    pub(super) fn cuts(&self) -> Vec<usize> {
        let planned = self.durable.chunks.values().map_while(|entries| entries.plan.as_ref());
        planned.map(|plan| plan.checks.len() / 4).collect()
    }

    pub(super) fn durable(&self, seq: u64) -> Option<Stored> {
        self.durable.stored(seq)
    }

    /// What is known of a chunk's rows by all that was written, durable or not.
    pub(super) fn rows(&self, seq: u64) -> Option<Vec<RowReport>> {
        self.all.stored(seq).map(|stored| stored.rows)
    }
}
