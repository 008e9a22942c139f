//! How many rows a second.

use std::time::Duration;

/// Spaces requests so that rows leave at no more than a rate: a pure function of the time since the
/// upload began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    rate: Option<f64>,
    free_at: Duration,
}

impl Pace {
    /// At most `rate` rows a second.
    pub(super) fn new(rate: Option<f64>) -> Self {
        Self { rate, free_at: Duration::ZERO }
    }

    /// When the next request may leave.
    pub(super) fn free_at(&self) -> Duration {
        self.free_at
    }

    /// A request with `rows` leaves.
    pub(super) fn sent(&mut self, rows: usize, now: Duration) {
        if let Some(rate) = self.rate {
            #[allow(clippy::cast_precision_loss, reason = "a chunk has few rows")]
            let takes = Duration::try_from_secs_f64(rows as f64 / rate).unwrap_or(Duration::MAX);
            self.free_at = self.free_at.max(now).saturating_add(takes);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_more_rows_leave_than_allowed(
            rate in 1.0..10_000.0_f64,
            requests in proptest::collection::vec((1..500_usize, 0..200_u64), 1..50),
        ) {
            let mut pace = Pace::new(Some(rate));
            let (mut now, mut before) = (Duration::ZERO, 0);
            for (rows, idle) in requests {
                now = pace.free_at().max(now + Duration::from_millis(idle));
                #[allow(clippy::cast_precision_loss, reason = "few rows")]
                let least = before as f64 / rate;
                prop_assert!(now.as_secs_f64() >= least - 1e-6);
                pace.sent(rows, now);
                before += rows;
            }
        }
    }

    #[test]
    fn without_a_rate_nothing_waits() {
        let mut pace = Pace::new(None);
        pace.sent(usize::MAX, Duration::ZERO);
        assert_eq!(pace.free_at(), Duration::ZERO);
    }
}
