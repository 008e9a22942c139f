//! Taking chunks in: new ones, those of a journal, and those that will not be sent.

use super::blob;
use super::chunk::Chunk;
use super::driver::{Driver, Stage, checks, entry};
use super::ending::Cause;
use super::source::SourceError;
use super::work::Work;
use crate::{Error, Result};

impl Driver {
    /// Takes a chunk in.
    pub(super) async fn admit(&mut self, chunk: Chunk) -> Result<()> {
        self.read += chunk.rows.len() as u64;
        self.taken += 1;
        if chunk.seq < self.resumed {
            return self.readmit(chunk).await;
        }
        let work = Work::new(chunk);
        if self.setting.options.dry_run || !work.is_ready() {
            self.record(&work, Stage::Ended);
            self.finished.merge(&work.counts());
            return Ok(());
        }
        self.launched = true;
        self.plan(work, Stage::Planned);
        Ok(())
    }

    /// Writes a chunk down before any of it goes out.
    fn plan(&mut self, work: Work, stage: Stage) {
        let seq = work.chunk.seq;
        match &self.store {
            Some(store) if self.setting.options.journal.is_some() => {
                store.plan(entry(&work, stage));
                self.planning.insert(seq, work);
            }
            _ => {
                self.works.insert(seq, work);
            }
        }
    }

    /// Takes a chunk in that was written down before.
    async fn readmit(&mut self, chunk: Chunk) -> Result<()> {
        let Some(store) = &self.store else { return Ok(()) };
        let seq = chunk.seq;
        let stored = store.read(seq).await?.ok_or_else(|| store.name().corrupt())?;
        let checks = checks(&chunk);
        let differs =
            checks.chunks(4).zip(stored.checks.chunks(4)).position(|(now, then)| now != then);
        if let Some(at) = differs {
            let row = chunk.first_row + at as u64;
            return Err(journal(format!(
                "row {row} of the source has changed since it was uploaded; restore it, or upload \
                 the changed rows with another journal"
            )));
        }
        if checks.len() < stored.checks.len() {
            return Err(vanished(chunk.first_row + chunk.rows.len() as u64));
        }
        let states = match stored.results {
            Some(results) => {
                let reports = blob::unpack(&results, chunk.rows.len());
                blob::states(reports.map_err(|blob::Corrupt| store.name().corrupt())?)
            }
            // It was on its way.
            None => chunk.rows.iter().map(|row| blob::on_its_way(&row.fate)).collect(),
        };
        let work = Work::resumed(chunk, states);
        if work.is_finished() {
            self.finished.merge(&work.counts());
        } else if work.is_ready() {
            // What the journal has as not sent is on its way from here on.
            self.plan(work, Stage::Open);
        } else {
            self.works.insert(seq, work);
            self.conclude(seq);
        }
        Ok(())
    }

    /// Takes rows in that will not be sent.
    pub(super) fn shelve(&mut self, chunk: Chunk) {
        let is_known = chunk.seq < self.resumed;
        // Nothing was sent, and nothing is kept of it.
        let is_unreadable =
            matches!(self.stopping, Some(Cause::Source(SourceError::Unreadable(_))));
        let is_refused = !self.launched && is_unreadable;
        if is_known || is_refused {
            return;
        }
        self.read += chunk.rows.len() as u64;
        let work = Work::new(chunk);
        self.record(&work, Stage::Ended);
        self.finished.merge(&work.counts());
    }

    /// The source has ended.
    pub(super) fn at_end(&mut self) -> Result<()> {
        self.pipeline = None;
        if self.taken < self.resumed && self.stopping.is_none() {
            return Err(vanished(self.read));
        }
        Ok(())
    }
}

fn vanished(row: u64) -> Error {
    journal(format!(
        "the source ends before row {row}, which was uploaded from it; restore it, or name another \
         journal"
    ))
}

fn journal(problem: String) -> Error {
    Error::Journal(problem)
}
