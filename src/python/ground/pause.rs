//! Manners of a long piece of work that must stay attached to the interpreter.

use std::cell::Cell;
use std::time::{Duration, Instant};

use pyo3::prelude::*;

/// Twice Python's switch interval: a thread that has waited for one of them is sure to be next. One
/// that asks in the very moment of the release would miss it, again and again.
const TURN: Duration = Duration::from_millis(10);

thread_local! {
    static INTERRUPTED: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread's last pause ended in what a signal's handler raised; asked once.
pub(crate) fn was_interrupted() -> bool {
    INTERRUPTED.take()
}

/// Lets other threads and Ctrl-C have their turn, as Python's own loops do.
pub(crate) struct Pause {
    since: Instant,
}

impl Pause {
    pub(crate) fn new() -> Self {
        Self { since: Instant::now() }
    }

    /// Called between two pieces of the work. Raises what a signal's handler raises.
    pub(crate) fn when_due(&mut self, py: Python<'_>) -> PyResult<()> {
        if self.since.elapsed() >= TURN {
            py.check_signals().inspect_err(|_| INTERRUPTED.set(true))?;
            // Whoever waits for the interpreter gets it before this thread does again.
            py.detach(|| ());
            self.since = Instant::now();
        }
        Ok(())
    }
}
