//! Going on with chunks that were written down before.

use std::time::Duration;

use super::super::blob::{self, Hold, RowReport, Told};
use super::super::chunk::{Chunk, Fate};
use super::super::outcome::Outcome;
use super::Ledger;
use super::event::{Cause, Effect, Stored};
use super::held::{self, Stay};
use super::index::State;
use super::intake::{checks, interrupted, narrow, plan};
use super::own;
use super::work::{Body, Part, Stage};
use crate::{Error, Result};

impl Ledger {
    /// What was written down of a chunk before.
    pub(super) fn loaded(&mut self, seq: u64, stored: Result<Stored>, now: Duration) {
        if self.index.chunks() <= seq {
            return self.loaded_alone(stored, now);
        }
        let Some(work) = self.works.get(&seq) else { return };
        if work.stage != Stage::Loading {
            return;
        }
        let stored = match stored {
            Ok(stored) => stored,
            Err(error) => {
                self.works.remove(&seq);
                return self.stop(Cause::Changed(error), now);
            }
        };
        if let Err(problem) = self.readmit(seq, &stored, now) {
            // What is known of it stays known.
            self.works.remove(&seq);
            for (at, report) in stored.rows.iter().enumerate() {
                self.index.set((seq, narrow(at)), State::of(report.outcome));
            }
            self.stop(Cause::Changed(Error::Journal(problem)), now);
        }
    }

    /// Goes on with a chunk that is read again.
    fn readmit(&mut self, seq: u64, stored: &Stored, now: Duration) -> Result<(), String> {
        let Some(work) = self.works.get_mut(&seq) else { return Ok(()) };
        let Body::Here(chunk) = &work.body else { return Ok(()) };
        let chunk = chunk.clone();
        let checks = checks(&chunk);
        let mut then = stored.checks.chunks(4).zip(&stored.rows).enumerate();
        let differs = |at: usize, check: &[u8]| checks.chunks(4).nth(at) != Some(check);
        if let Some((at, _)) =
            then.find(|(at, (check, report))| has_left(report.outcome) && differs(*at, check))
        {
            let row = chunk.first_row + at as u64;
            return Err(if at < chunk.rows.len() { changed(row) } else { vanished(row) });
        }
        let (mut waiting, mut told, mut is_renumbered) = (Vec::new(), Vec::new(), false);
        let mut doubts: [(Vec<u32>, Option<Stay>); 3] = [
            (Vec::new(), None),
            (Vec::new(), Some(Stay::Excluded)),
            (Vec::new(), Some(Stay::Held(held::beyond(&self.setting)))),
        ];
        let mut why = None;
        for (at, row) in chunk.rows.iter().enumerate() {
            let place = (seq, narrow(at));
            let (own_session, is_excluded) = match row.fate {
                Fate::Send { own_session } => (own_session, false),
                Fate::Excluded { own_session } => (own_session, true),
                _ => continue,
            };
            match stored.rows.get(at) {
                Some(report) if report.outcome == Outcome::Accepted => {
                    self.index.set(place, State::Accepted);
                    if let (true, Some(run)) = (own_session, &report.run) {
                        let print = self.setting.reader().own(chunk.json(at));
                        let run = own::run(&run.to_string());
                        self.settling.known.push(own::known(run, print.identity.unwrap_or(0)));
                    }
                }
                Some(report) if report.outcome == Outcome::Rejected => {
                    self.index.set(place, State::Rejected);
                }
                Some(report) if report.outcome == Outcome::Unknown => {
                    self.index.set(place, State::Doubt);
                    why = why.or_else(|| report.error.clone());
                    let which = if is_excluded {
                        1
                    } else if self.source.allowance.take() {
                        0
                    } else {
                        2
                    };
                    doubts[which].0.push(narrow(at));
                }
                stored if is_excluded => {
                    if stored.is_some_and(|report| report.outcome != Outcome::Excluded) {
                        told.push((narrow(at), Told::Excluded));
                    }
                }
                stored => {
                    is_renumbered |= stored.is_some_and(|report| is_other(&chunk, at, report));
                    if self.source.allowance.take() {
                        waiting.push(narrow(at));
                    } else {
                        let stay = Stay::Held(held::beyond(&self.setting));
                        self.index.set(place, stay.state());
                        told.push((narrow(at), stay.told()));
                    }
                }
            }
        }
        let why = why.as_deref().map_or_else(interrupted, Into::into);
        if checks != stored.checks || is_renumbered {
            // Of rows in doubt that are not to be called any more, the new plan says only that.
            let open = doubts[1].0.iter().map(|row| (*row, Told::Unknown { why: why.clone() }));
            self.record(seq, &open.collect::<Vec<_>>());
            self.out.push(Effect::Plan(plan(&chunk, &Hold::none(), self.setting.is_journaled)));
        }
        if self.phase.stopping.is_some() {
            // Whatever kept them home before does not any more, and they do not go either.
            told.extend(waiting.iter().map(|row| (*row, Told::NotSent { why: None })));
        }
        self.record(seq, &told);
        if let Some(work) = self.works.get_mut(&seq) {
            work.stage = Stage::Open;
        }
        for (rows, stays) in doubts {
            self.doubts(seq, rows, stays, why.clone(), now);
        }
        let Some(work) = self.works.get_mut(&seq) else { return Ok(()) };
        if !waiting.is_empty() && self.phase.stopping.is_none() {
            // What was written down as not sent is on its way from here on.
            let told: Vec<_> = waiting.iter().map(|row| (*row, Told::Sent)).collect();
            work.parts.push_back(Part::fresh(waiting));
            work.stage = Stage::Planning;
            self.out.push(Effect::Record { seq, results: blob::pack(&told), is_awaited: true });
        }
        self.conclude(seq);
        Ok(())
    }

    /// Of a chunk that was written down before, nothing was read again: the source has ended before
    /// it, or the upload has.
    fn loaded_alone(&mut self, stored: Result<Stored>, now: Duration) {
        self.phase.is_loading = false;
        let Stored { rows, .. } = match stored {
            Ok(stored) => stored,
            Err(error) => {
                self.source.resumed = self.source.taken;
                return self.stop(Cause::Changed(error), now);
            }
        };
        let first_row = self.index.rows();
        let left = rows.iter().position(|report| has_left(report.outcome));
        match (left, self.phase.stopping.is_some()) {
            (Some(at), false) => {
                let error = Error::Journal(vanished(first_row + at as u64));
                self.stop(Cause::Changed(error), now);
            }
            (_, true) => {
                self.index.take_in(&rows);
                self.source.taken += 1;
            }
            // They never left, and are there no more.
            (None, false) => self.source.resumed -= 1,
        }
    }
}

const fn has_left(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Accepted | Outcome::Rejected | Outcome::Unknown)
}

/// Whether a row's number was written down in another notation.
fn is_other(chunk: &Chunk, at: usize, report: &RowReport) -> bool {
    chunk.rows[at].has_number && report.number.as_deref() != Some(chunk.number(at))
}

fn changed(row: u64) -> String {
    format!(
        "row {row} of the source has changed since it was uploaded; restore it, or upload new and \
         corrected rows alone, with another journal: all others would be called again. Where rows \
         change, come and go, upload with key=… from the first time on: then each is known by its key"
    )
}

fn vanished(row: u64) -> String {
    format!(
        "the source ends before row {row}, which was uploaded from it; restore it, or upload new rows \
         alone, with another journal: all others would be called again. Where rows change, come and \
         go, upload with key=… from the first time on: then each is known by its key"
    )
}
