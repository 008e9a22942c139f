//! The faults on order, as the sandbox under way has them.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use super::command::Command;
use super::engine::Held;
use super::fault::{Endpoint, Fault, Struck};
use super::plan::{Exchange, Ordered};
use super::routes::Shared;
use revrag::Result;

/// What a rate limit's seconds are counted from.
static SINCE: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What goes wrong with a request.
pub(super) fn strike(
    held: &mut Held,
    endpoint: Endpoint,
    records: &dyn Fn() -> u64,
) -> Option<Struck> {
    if held.world().plan().ordered().is_empty() {
        return None;
    }
    let now = SINCE.elapsed().as_secs_f64();
    held.strike(&Exchange { endpoint, records, now })
}

impl Shared {
    /// Orders a fault; its number, or 0 where it strikes at once and is over.
    pub(super) fn order_fault(&self, fault: Fault) -> Result<u64> {
        if fault.is_at_once() {
            fault.check()?;
            self.door.shut(Duration::from_secs_f64(fault.lasts()));
            return Ok(0);
        }
        let applied = self.engine.order(Command::Fault(Box::new(fault)))?;
        Ok(applied.fault)
    }

    /// Takes away one fault, or all: then everybody is let in again, too.
    pub(super) fn clear_faults(&self, id: Option<u64>) -> Result<()> {
        self.engine.order(Command::ClearFaults { id })?;
        if id.is_none() {
            self.door.open();
        }
        Ok(())
    }

    pub(super) fn faults(&self) -> Vec<Ordered> {
        self.engine.lock().world().plan().ordered().to_vec()
    }

    /// Begins anew: with what the settings say, and with empty logs.
    pub(super) fn reset(&self) -> Result<()> {
        self.engine.reset()?;
        self.door.open();
        self.requests.lock().clear();
        self.deliveries.lock().clear();
        self.engine.look();
        Ok(())
    }
}
