//! What must hold of pushes over time: how fast they leave, and when they must not.

use std::collections::HashMap;
use std::time::Duration;

use revrag::bulk::ledger::Reply;

use super::check::Violation;
use super::scenario::Scenario;

/// So many pushes in a row are lost before the service counts as away, and then so many rows try it.
const TRIP: u32 = 3;
const PROBE: usize = 3;
/// The most requests with one row that are lost: it goes in halves, and then alone so many times.
const LOSSES: u32 = 9 + 17;
/// How long an upload that stops may take, beyond the answers that it waits for.
const STOP: Duration = Duration::from_secs(2);

/// One life of the process, as the service sees it. Times are the simulation's.
pub(super) struct Watch {
    began: Duration,
    rate: Option<f64>,
    /// Rows that left.
    sent: u64,
    /// Nothing may leave before.
    held_until: Duration,
    /// Pushes that were lost, and nothing was heard of the service since.
    lost: u32,
    losses: HashMap<usize, u32>,
    /// When the last answer is due of those that are.
    answered_by: Duration,
    stopped: Option<Duration>,
}

impl Watch {
    pub(super) fn new(scenario: &Scenario, began: Duration) -> Self {
        Self {
            began,
            rate: scenario.rate,
            sent: 0,
            held_until: Duration::ZERO,
            lost: 0,
            losses: HashMap::new(),
            answered_by: Duration::ZERO,
            stopped: None,
        }
    }

    /// A push leaves.
    pub(super) fn departs(&mut self, rows: usize, now: Duration) -> Result<(), Violation> {
        let must = |holds: bool, otherwise: String| {
            if holds { Ok(()) } else { Err(Violation::new(otherwise)) }
        };
        must(self.stopped.is_none(), "a push left after the upload was stopped".to_owned())?;
        must(now >= self.held_until, "a push left before the service takes more".to_owned())?;
        must(self.lost < TRIP || rows <= PROBE, {
            format!("{rows} rows went to a service that has lost {} pushes", self.lost)
        })?;
        if let Some(rate) = self.rate {
            #[allow(clippy::cast_precision_loss, reason = "few rows")]
            let earliest = self.sent as f64 / rate;
            let elapsed = (now - self.began).as_secs_f64();
            must(elapsed >= earliest - 1e-6, "rows left faster than they may".to_owned())?;
        }
        self.sent += rows as u64;
        Ok(())
    }

    /// The last answer to a push comes by then.
    pub(super) fn waits(&mut self, until: Duration) {
        self.answered_by = self.answered_by.max(until);
    }

    /// A push of these rows is answered for the first time.
    pub(super) fn answered(
        &mut self,
        rows: &[usize],
        reply: &Reply,
        now: Duration,
    ) -> Result<(), Violation> {
        match reply {
            // The same row again tells of that row.
            Reply::Lost { .. } => {
                let is_again = matches!(rows, [row] if self.losses.contains_key(row));
                self.lost += u32::from(!is_again);
            }
            Reply::Limited { retry_after, .. } => {
                self.held_until = self.held_until.max(now + retry_after.unwrap_or_default());
            }
            Reply::NotSent(_) => {}
            Reply::Odd(_) => {
                self.lost = 0;
                for row in rows {
                    self.losses.entry(*row).or_default();
                }
            }
            _ => self.lost = 0,
        }
        if !matches!(reply, Reply::Lost { .. }) {
            return Ok(());
        }
        for row in rows {
            let losses = self.losses.entry(*row).or_default();
            *losses += 1;
            if *losses > LOSSES {
                return Err(Violation::new(format!("row {row} was lost {losses} times")));
            }
        }
        Ok(())
    }

    /// A look may find what was lost: the service is there.
    pub(super) fn looked(&mut self) {
        self.lost = 0;
    }

    /// Time has passed; whether the upload has a reason to stop.
    pub(super) fn passes(&mut self, is_stopped: bool, now: Duration) -> Result<(), Violation> {
        if !is_stopped {
            return Ok(());
        }
        let stopped = *self.stopped.get_or_insert(now);
        if now > stopped.max(self.answered_by) + STOP {
            return Err(Violation::new("it was stopped and does not end".to_owned()));
        }
        Ok(())
    }
}
