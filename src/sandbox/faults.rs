//! The faults on order, as the sandbox under way has them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::door::Door;
use super::fault::{Endpoint, Fault, Struck};
use super::plan::{Exchange, Ordered, Plan};
use crate::Result;

/// The faults on order.
#[derive(Debug)]
pub(super) struct Faults {
    plan: Mutex<Plan>,
    since: Instant,
}

impl Faults {
    pub(super) fn new() -> Self {
        Self { plan: Mutex::default(), since: Instant::now() }
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Orders a fault; its number, or 0 where it strikes at once and is over.
    pub(super) fn order(&self, fault: Fault, door: &Door) -> Result<u64> {
        if fault.is_at_once() {
            fault.check()?;
            door.shut(Duration::from_secs_f64(fault.lasts()));
            return Ok(0);
        }
        self.lock().order(fault)
    }

    pub(super) fn clear(&self, id: Option<u64>) {
        self.lock().clear(id);
    }

    pub(super) fn ordered(&self) -> Vec<Ordered> {
        self.lock().ordered().to_vec()
    }

    /// What goes wrong with a request.
    pub(super) fn decide(&self, endpoint: Endpoint, records: &dyn Fn() -> u64) -> Option<Struck> {
        let now = self.since.elapsed().as_secs_f64();
        self.lock().decide(&Exchange { endpoint, records, now })
    }
}
