//! What becomes of rows in doubt once a look was judged.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::answer::{RunId, Status};
use super::super::blob::Told;
use super::Ledger;
use super::event::Effect;
use super::index::{Place, State};
use super::look::Look;
use super::own;
use super::proof::{Proof, Verdict};
use super::work::{Doubt, Part, Work};

impl Ledger {
    /// What is certain of rows in doubt is so from now on; whether anything is.
    pub(super) fn apply(
        &mut self,
        verdicts: Vec<(Place, Verdict)>,
        look: &Look,
        is_proven: bool,
        now: Duration,
    ) -> bool {
        let (mut found, mut absent) = (HashMap::new(), HashMap::new());
        for (place, verdict) in verdicts {
            match verdict {
                Verdict::Found { run, status } => {
                    found.insert(place, (run, status));
                }
                Verdict::Absent(proof) => {
                    absent.insert(place, proof);
                }
                Verdict::Open => {}
            }
        }
        let mut is_fruitful = false;
        if !found.is_empty() {
            // What was lost had arrived: the service is there.
            self.gate.found(now);
        }
        let seqs: Vec<u64> = self.works.keys().chain(self.aside.keys()).copied().collect();
        for seq in seqs {
            is_fruitful |= self.take_found(seq, &mut found, now);
            if is_proven {
                is_fruitful |= self.take_absent(seq, &absent, look.began);
            }
            self.conclude(seq);
            self.conclude_aside(seq);
        }
        is_fruitful
    }

    fn work(&mut self, seq: u64) -> Option<&mut Work> {
        match self.works.get_mut(&seq) {
            Some(work) => Some(work),
            None => self.aside.get_mut(&seq),
        }
    }

    /// Rows that were found are accepted, in doubt or about to be sent again.
    fn take_found(
        &mut self,
        seq: u64,
        found: &mut HashMap<Place, (RunId, Status)>,
        now: Duration,
    ) -> bool {
        let Some(work) = self.work(seq) else { return false };
        let mut told = Vec::new();
        let mut known = Vec::new();
        for doubt in &mut work.doubts {
            let mut kept = Vec::new();
            let rows = std::mem::take(&mut doubt.part.rows);
            let prints = std::mem::take(&mut doubt.prints);
            for (row, print) in rows.into_iter().zip(prints) {
                match found.remove(&(seq, row)) {
                    Some((run, status)) => {
                        if let Some(identity) = print.identity {
                            known.push(own::known(own::run(&run.to_string()), identity));
                        }
                        told.push((row, Told::Accepted { run, status }));
                    }
                    None => kept.push((row, print)),
                }
            }
            (doubt.part.rows, doubt.prints) = kept.into_iter().unzip();
        }
        work.doubts.retain(|doubt| !doubt.part.rows.is_empty());
        for part in &mut work.parts {
            part.rows.retain(|row| match found.remove(&(seq, *row)) {
                Some((run, status)) => {
                    told.push((*row, Told::Accepted { run, status }));
                    false
                }
                None => true,
            });
        }
        work.parts.retain(|part| !part.rows.is_empty());
        self.index.set_all(seq, told.iter().map(|(row, _)| row), State::Accepted);
        self.settling.known.append(&mut known);
        self.record(seq, &told);
        if !told.is_empty() && self.settling.beginning.first_known_after.is_none() {
            self.is_known(Duration::ZERO, now);
        }
        !told.is_empty()
    }

    /// Rows that are proven absent go out again, in halves.
    fn take_absent(&mut self, seq: u64, absent: &HashMap<Place, Proof>, began: Duration) -> bool {
        let (youngest, lag) = (self.settling.lag.youngest_then, self.settling.lag.measured);
        let patience = self.gate.patience();
        let Some(work) = self.work(seq) else { return false };
        let (mut again, mut told, mut home) = (Vec::new(), Vec::new(), Vec::new());
        let mut doubts = std::mem::take(&mut work.doubts);
        for doubt in &mut doubts {
            let is_certain =
                youngest >= Some(doubt.lost_at) || began >= doubt.lost_at.saturating_add(lag);
            if !is_certain {
                doubt.due = doubt.due.max(doubt.lost_at.saturating_add(lag));
            }
            if !is_certain || doubt.due > began {
                continue;
            }
            let (gone, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut doubt.part.rows)
                .into_iter()
                .zip(std::mem::take(&mut doubt.prints))
                .partition(|(row, _)| absent.contains_key(&(seq, *row)));
            (doubt.part.rows, doubt.prints) = kept.into_iter().unzip();
            let rows: Vec<u32> = gone.into_iter().map(|(row, _)| row).collect();
            if let Some(stay) = &doubt.stays {
                home.extend(rows.into_iter().map(|row| (row, stay.clone())));
                continue;
            }
            match rows[..] {
                [] => {}
                [row] if doubt.part.losses > patience => told.push((row, given_up(doubt))),
                _ => again.push(Part { rows, losses: doubt.part.losses }),
            }
        }
        doubts.retain(|doubt| !doubt.part.rows.is_empty());
        let Some(work) = self.work(seq) else { return false };
        work.doubts = doubts;
        let is_any = !again.is_empty() || !told.is_empty() || !home.is_empty();
        let mut rows: Vec<u32> = told.iter().map(|(row, _)| *row).collect();
        for part in again {
            rows.extend(&part.rows);
            let (first, second) = part.halves();
            work.parts.push_back(first);
            work.parts.extend(second);
        }
        if !work.parts.is_empty()
            && self.aside.contains_key(&seq)
            && !self.settling.recalls.contains(&seq)
        {
            self.settling.recalls.push_back(seq);
        }
        self.index.set_all(seq, &rows, State::Waiting);
        for (row, stay) in home {
            self.index.set((seq, row), stay.state());
            told.push((row, stay.told()));
        }
        self.record(seq, &told);
        is_any
    }

    /// Lets go of a chunk put aside of which nothing is left to do.
    fn conclude_aside(&mut self, seq: u64) {
        if self.aside.get(&seq).is_some_and(Work::is_finished) {
            self.aside.remove(&seq);
            self.out.push(Effect::Forget(seq));
            self.index.settle(seq);
        }
    }

    /// What is in doubt stays so.
    pub(super) fn give_up(&mut self, why: &str) {
        let mut aside = std::mem::take(&mut self.aside);
        for seq in self.settling.recalls.clone() {
            if let Some(work) = aside.remove(&seq) {
                self.aside.insert(seq, work);
            }
        }
        for (seq, work) in aside {
            self.leave_in_doubt(seq, work, Some(why));
        }
        self.settling.fruitless = 0;
    }

    /// Writes down that rows of a chunk stay in doubt, and lets go of it.
    pub(super) fn leave_in_doubt(&mut self, seq: u64, work: Work, why: Option<&str>) {
        let mut told = Vec::new();
        for Doubt { part, why: lost, .. } in work.doubts {
            let why: Arc<str> = match why {
                Some(why) => format!("{lost}; {why}").into(),
                None => lost,
            };
            told.extend(part.rows.into_iter().map(|row| (row, Told::Unknown { why: why.clone() })));
        }
        self.record(seq, &told);
        if work.has_copy {
            self.out.push(Effect::Forget(seq));
        }
        self.index.settle(seq);
    }
}

/// A row that is not in the campaign, and that is not sent once more.
fn given_up(doubt: &Doubt) -> Told {
    let why = format!(
        "each of {} requests with this row alone was lost, and it is not in the campaign: {}",
        doubt.part.losses.saturating_sub(1),
        doubt.why
    );
    Told::NotSent { why: Some(why.into()) }
}
