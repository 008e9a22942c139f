//! How far a push has come, on a terminal.

use std::fmt::Write as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::output::Out;
use revrag::bulk::{Outcome, Snapshot};

/// A bar; none where nobody looks.
pub(super) struct Bar(Option<ProgressBar>);

impl Bar {
    pub(super) fn new(total: Option<u64>, out: &Out<'_>) -> Self {
        if !out.is_watched() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        let shape = match total {
            Some(_) => "{bar:30} {human_pos}/{human_len} rows  {rate}  {eta} left{msg}",
            None => "{spinner} {human_pos} rows  {rate}{msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(shape) {
            let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = write!(out, "{:.0} rows/s", state.per_sec());
            };
            bar.set_style(style.with_key("rate", rate).progress_chars("━╸─"));
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(Some(bar))
    }

    pub(super) fn show(&self, snapshot: &Snapshot) {
        let Some(bar) = &self.0 else { return };
        let done = snapshot.read.saturating_sub(snapshot.counts.of(Outcome::NotSent));
        bar.set_position(done);
        let mut said = String::new();
        for outcome in [Outcome::Existing, Outcome::Rejected, Outcome::Invalid, Outcome::Unknown] {
            let count = snapshot.counts.of(outcome);
            if count > 0 {
                let _ = write!(said, "  {} {count}", outcome.name());
            }
        }
        if snapshot.settling > 0 || snapshot.pages > 0 && done == 0 {
            let of = snapshot.total_pages.map_or_else(String::new, |pages| format!("/{pages}"));
            let _ = write!(said, "  looking at page {}{of}", snapshot.pages);
        }
        bar.set_message(said);
    }

    /// Leaves no trace: what comes after says more.
    pub(super) fn clear(self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
