//! Taking chunks in: new ones, those that were written down before, and those that will not be sent.

use std::sync::Arc;
use std::time::Duration;

use super::super::blob::{self, Hold, Told};
use super::super::chunk::{Chunk, Fate};
use super::event::{Effect, Plan};
use super::held::{self, Allowance, Stay};
use super::index::{Also, Mark, State};
use super::own;
use super::work::{Doubt, Part, Stage, Work};
use super::{Ledger, Reader};

/// How far the source was read.
#[derive(Debug)]
pub(super) struct Intake {
    /// Whether a piece of it was asked for.
    is_reading: bool,
    pub(super) has_ended: bool,
    /// How many chunks were written down before.
    pub(super) resumed: u64,
    /// How many chunks were taken in.
    pub(super) taken: u64,
    pub(super) total: Option<u64>,
    /// How many rows may still go.
    pub(super) allowance: Allowance,
}

impl Intake {
    pub(super) fn new(resumed: u64, limit: Option<u64>) -> Self {
        let allowance = Allowance::new(limit);
        Self { is_reading: false, has_ended: false, resumed, taken: 0, total: None, allowance }
    }

    pub(super) fn total(&mut self, total: u64) {
        self.arrived();
        self.total = Some(total);
    }

    /// What was asked for is there.
    pub(super) fn arrived(&mut self) {
        self.is_reading = false;
    }

    /// Whether all that was written down before was read again.
    pub(super) fn has_caught_up(&self) -> bool {
        self.taken >= self.resumed
    }
}

/// Chunks in memory beside those that are on their way.
const CHUNKS: usize = 16;

impl Ledger {
    /// Reads on, if there is room.
    pub(super) fn read(&mut self) {
        let is_running = self.phase.stage == super::ending::Stage::Running;
        let is_wanted = is_running && (self.phase.stopping.is_some() || self.has_room());
        if is_wanted && !self.source.has_ended && !self.source.is_reading {
            self.source.is_reading = true;
            self.out.push(Effect::Read);
        }
    }

    /// Whether there is room for more rows in memory.
    pub(super) fn has_room(&self) -> bool {
        let bytes: usize = self.works.values().map(Work::size).sum();
        self.works.len() < CHUNKS + 4 * self.setting.limits.concurrency
            && bytes < self.setting.limits.window
    }

    /// Takes a chunk in.
    pub(super) fn admit(&mut self, chunk: Chunk, now: Duration) {
        self.source.arrived();
        if self.phase.stopping.is_some() {
            return self.shelve(&chunk);
        }
        self.source.taken += 1;
        self.phase.has_news = true;
        let seq = chunk.seq;
        self.index.push(chunk.first_row, marks(&chunk), also(&chunk));
        self.keys.iter_mut().for_each(|keys| keys.take(&chunk));
        if seq < self.source.resumed {
            self.works.insert(seq, Work::new(chunk, Stage::Loading));
            self.out.push(Effect::Load(seq));
            return;
        }
        let mut hold = self.source.allowance.hold(&chunk, &self.setting);
        let rows: Vec<u32> = chunk.sendable().map(narrow).collect();
        let (doubt, fresh, why) = self.doubtful(&chunk, rows);
        let why = why.unwrap_or_else(interrupted);
        // What may be there still may, though it would not be sent again: the plan itself says so, as
        // nothing else may ever be written.
        hold.open = (doubt.clone(), why.clone());
        self.out.push(Effect::Plan(plan(&chunk, &hold, self.setting.is_journaled)));
        if self.keys.is_some() {
            self.record(seq, &existing(&chunk));
        }
        let (fresh, beyond) = split(fresh, hold.beyond);
        let (doubt, kept) = split(doubt, hold.beyond);
        self.index.set_all(seq, &beyond, State::Held);
        self.index.set_all(seq, doubt.iter().chain(&kept), State::Doubt);
        if self.setting.is_dry_run || [&fresh, &doubt, &kept].iter().all(|rows| rows.is_empty()) {
            self.index.settle(seq);
            return;
        }
        let stage = if self.setting.is_journaled { Stage::Planning } else { Stage::Open };
        let mut work = Work::new(chunk, stage);
        if !fresh.is_empty() {
            work.parts.push_back(Part::fresh(fresh));
        }
        self.works.insert(seq, work);
        for row in doubt.iter().chain(&kept) {
            let row = self.index.row((seq, *row));
            self.keys.iter_mut().for_each(|keys| keys.inherits(row));
        }
        self.doubts(seq, doubt, None, why.clone(), now);
        let stay = Stay::Held(held::beyond(&self.setting));
        self.doubts(seq, kept, Some(stay), why, now);
    }

    /// Rows that were sent before, and may be there.
    pub(super) fn doubts(
        &mut self,
        seq: u64,
        rows: Vec<u32>,
        stays: Option<Stay>,
        why: Arc<str>,
        now: Duration,
    ) {
        let Some(chunk) = self.works.get(&seq).and_then(Work::chunk).cloned() else { return };
        if rows.is_empty() {
            return;
        }
        self.index.set_all(seq, &rows, State::Doubt);
        let prints = self.prints(&chunk, &rows);
        let due = now.saturating_add(self.setting.settle_after);
        if let Some(work) = self.works.get_mut(&seq) {
            let part = Part { rows, losses: 1 };
            work.doubts.push(Doubt { part, prints, lost_at: now, due, why, stays });
        }
    }

    /// Takes rows in that will not be sent.
    pub(super) fn shelve(&mut self, chunk: &Chunk) {
        self.source.arrived();
        if chunk.seq < self.source.resumed || self.is_void() || chunk.seq != self.index.chunks() {
            return;
        }
        self.source.taken += 1;
        self.index.push(chunk.first_row, marks(chunk), also(chunk));
        self.keys.iter_mut().for_each(|keys| keys.take(chunk));
        let rows: Vec<u32> = chunk.sendable().map(narrow).collect();
        // What may be there by the journal still may.
        let (doubt, fresh, why) = self.doubtful(chunk, rows);
        self.index.set_all(chunk.seq, &doubt, State::Doubt);
        let open = (doubt, why.unwrap_or_else(interrupted));
        self.out.push(Effect::Plan(plan(
            chunk,
            &Hold { open, ..Hold::none() },
            self.setting.is_journaled,
        )));
        let mut told = existing(chunk);
        told.extend(fresh.into_iter().map(|row| (row, Told::NotSent { why: None })));
        self.record(chunk.seq, &told);
        self.index.settle(chunk.seq);
    }

    /// A chunk's plan is durable.
    pub(super) fn planned(&mut self, seq: u64) {
        if let Some(work) = self.works.get_mut(&seq)
            && work.stage == Stage::Planning
        {
            work.stage = Stage::Open;
        }
    }

    /// The source has ended.
    pub(super) fn source_ended(&mut self) {
        self.source.arrived();
        self.source.has_ended = true;
    }

    /// What rows of a chunk may be known by.
    pub(super) fn prints(&mut self, chunk: &Chunk, rows: &[u32]) -> Vec<own::Print> {
        let reader: Reader = self.setting.reader();
        let print = |row: &u32| match chunk.rows[*row as usize].fate {
            Fate::Send { own_session: true } | Fate::Excluded { own_session: true } => {
                reader.own(chunk.json(*row as usize))
            }
            _ => reader.token(chunk.number(*row as usize)),
        };
        let prints: Vec<own::Print> = rows.iter().map(print).collect();
        if let Some(keys) = &mut self.keys {
            for (row, print) in rows.iter().zip(&prints) {
                let json = chunk.json(*row as usize);
                keys.doubts(chunk.first_row + u64::from(*row), json, print.number);
            }
        }
        prints
    }
}

fn marks(chunk: &Chunk) -> Vec<Mark> {
    let mark = |row: &super::super::chunk::Row| match row.fate {
        Fate::Send { own_session } => Mark::new(State::Waiting, own_session),
        Fate::Invalid(_) => Mark::new(State::Invalid, false),
        Fate::Duplicate(_) => Mark::new(State::Duplicate, false),
        Fate::Excluded { own_session } => Mark::new(State::Excluded, own_session),
        Fate::Existing(_) => Mark::new(State::Existing, false),
        Fate::Doubtful(_) => Mark::new(State::Doubt, false),
    };
    chunk.rows.iter().map(mark).collect()
}

fn also(chunk: &Chunk) -> Also {
    let mut also = Also::default();
    for row in &chunk.rows {
        also.repaired += u64::from(row.repaired);
        if let Fate::Existing(one) = &row.fate {
            also.changed += u64::from(one.is_changed);
            also.doubled += u64::from(one.is_doubled);
        }
    }
    also
}

/// What is told of rows that are in the campaign already.
fn existing(chunk: &Chunk) -> Vec<(u32, Told)> {
    let told = |(at, row): (u32, &super::super::chunk::Row)| match &row.fate {
        Fate::Existing(one) => {
            let why = match (one.is_changed, one.is_doubled) {
                (false, false) => None,
                (true, false) => Some(CHANGED),
                (_, true) => Some(DOUBLED),
            };
            let (run, status) = (one.run.clone(), one.status.clone());
            Some((at, Told::Existing { run, status, why }))
        }
        _ => None,
    };
    (0..).zip(&chunk.rows).filter_map(told).collect()
}

const CHANGED: &str =
    "it has changed since; the campaign has it as it was, and it was not sent again";
const DOUBLED: &str = "the campaign has several records with its key";

pub(super) fn checks(chunk: &Chunk) -> Vec<u8> {
    chunk.rows.iter().flat_map(|row| row.check.to_le_bytes()).collect()
}

pub(super) fn plan(chunk: &Chunk, hold: &Hold, is_journaled: bool) -> Plan {
    Plan {
        seq: chunk.seq,
        first_row: chunk.first_row,
        checks: checks(chunk),
        rows: blob::pack_plan(chunk, hold, is_journaled),
    }
}

/// Rows, which are in order, before one and from it on.
fn split(mut rows: Vec<u32>, beyond: u32) -> (Vec<u32>, Vec<u32>) {
    let rest = rows.split_off(rows.partition_point(|row| *row < beyond));
    (rows, rest)
}

/// A chunk has far fewer rows than 32 bits count.
pub(super) fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Why the outcome of rows that were on their way when everything ended is not known.
pub(super) fn interrupted() -> std::sync::Arc<str> {
    blob::INTERRUPTED.into()
}
