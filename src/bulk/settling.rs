//! Settling: the rows in doubt are looked for in the campaign.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use super::answer::RunId;
use super::chunk::Fate;
use super::driver::Driver;
use super::ending::{Cause, bug};
use super::outcome::Outcome;
use super::scan::scan;
use super::settle::{Search, Verdict};
use super::work::{Part, State, Work};
use crate::phone::Rules;
use crate::{Error, Result};

/// How often a listing is read until it shows everything.
const SCANS: u32 = 5;
/// How often rows go out again with nothing learned of any.
const FRUITLESS: u32 = 8;

impl Driver {
    /// Looks for every row in doubt. Those found are accepted, those surely not there go out again,
    /// and the rest stays in doubt.
    pub(super) async fn settle(&mut self) {
        let settle_after = self.setting.options.settle_after;
        let due = self.doubtful_at + settle_after;
        tokio::time::sleep(due.saturating_duration_since(Instant::now())).await;
        match self.search(settle_after).await {
            Ok(is_fruitful) => {
                if !is_fruitful {
                    self.leave_in_doubt();
                }
            }
            Err(error @ Error::Journal(_)) => self.stop(Cause::Journal(error)),
            Err(error) => self.stop(Cause::Service(error)),
        }
    }

    /// Whether there is anything to go on with.
    async fn search(&mut self, settle_after: Duration) -> Result<bool> {
        let mut search = self.wanted();
        let mut is_complete = false;
        for attempt in 0..SCANS {
            if attempt > 0 {
                let pause = Duration::from_millis(100) * 2_u32.pow(attempt);
                tokio::time::sleep(pause.min(settle_after)).await;
            }
            let setting = &self.setting;
            let (client, width) = (&setting.client, setting.options.concurrency);
            match scan(client, setting.campaign, width, |record| search.see(record)).await {
                Ok(complete) => is_complete = complete,
                Err(error) if is_final(&error) => return Err(error),
                // Later, perhaps.
                Err(_) => {}
            }
            if is_complete || search.is_satisfied() {
                break;
            }
        }
        let accounted = self.accounted(search.candidates().cloned().collect()).await?;
        let mut absent: BTreeMap<u64, Part> = BTreeMap::new();
        for ((seq, row), verdict) in search.verdicts(is_complete, &accounted) {
            let Some(work) = self.works.get_mut(&seq) else { continue };
            match verdict {
                Verdict::Found { run, status } => work.found(row, run, status),
                Verdict::Absent => absent.entry(seq).or_default().push(row),
                Verdict::Open => {}
            }
        }
        let is_any_absent = !absent.is_empty();
        for (seq, rows) in absent {
            if let Some(work) = self.works.get_mut(&seq) {
                work.absent(rows);
            }
        }
        for seq in self.works.keys().copied().collect::<Vec<_>>() {
            self.conclude(seq);
        }
        let known = self.known();
        self.fruitless = if known > self.known_before { 0 } else { self.fruitless + 1 };
        self.known_before = known;
        Ok(is_any_absent && self.fruitless < FRUITLESS)
    }

    fn wanted(&self) -> Search {
        let region = self.setting.options.content.region.as_deref().unwrap_or("IN");
        let mut search = Search::new(Rules::of(region).ok(), self.identity.since);
        for (seq, work) in &self.works {
            for row in work.unknown() {
                let own = work.chunk.rows[row].fate == Fate::Send { own_session: true };
                search.want((*seq, row), work.chunk.json(row), own);
            }
        }
        search
    }

    /// Which of `runs` belong to rows that are known to be accepted.
    async fn accounted(&self, runs: HashSet<RunId>) -> Result<HashSet<RunId>> {
        if runs.is_empty() {
            return Ok(runs);
        }
        let here = self.works.values().flat_map(Work::states).filter_map(|state| match state {
            State::Accepted { run, .. } if runs.contains(run) => Some(run.clone()),
            _ => None,
        });
        let mut accounted: HashSet<RunId> = here.collect();
        let store = self.store.as_ref().ok_or_else(bug)?;
        accounted.extend(store.accounted(runs).await?);
        Ok(accounted)
    }

    /// How many rows have their outcome.
    fn known(&self) -> u64 {
        let mut counts = self.finished;
        for work in self.works.values() {
            counts.merge(&work.counts());
        }
        counts.of(Outcome::Accepted) + counts.of(Outcome::Rejected)
    }

    /// Lets go of every chunk with rows in doubt.
    fn leave_in_doubt(&mut self) {
        let in_doubt: Vec<u64> = self
            .works
            .iter_mut()
            .filter(|(_, work)| !work.unknown().is_empty() || work.is_ready())
            .map(|(seq, _)| *seq)
            .collect();
        for seq in in_doubt {
            if let Some(work) = self.works.get_mut(&seq) {
                work.give_up();
            }
            self.let_go(seq);
        }
    }
}

/// Whether the service will say the same again.
fn is_final(error: &Error) -> bool {
    match error {
        Error::Status(error) => matches!(error.status, 400 | 401 | 403 | 404 | 422),
        Error::InvalidArgument { .. } => true,
        _ => false,
    }
}
