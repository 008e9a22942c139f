//! What is kept in mind of a campaign, and of a call that has to wait.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::book::Beginning;

/// What is known of a campaign.
pub(super) struct Watch {
    pub(super) beginning: Beginning,
    /// Calls that need no more attention.
    pub(super) known: HashSet<Uuid>,
    pub(super) records: u64,
    pub(super) is_looked_at: bool,
    /// Looks in a row that had no answer.
    pub(super) failures: u32,
}

/// A call that is tried again later.
pub(super) struct Again {
    /// Tries to deliver it.
    pub(super) tries: u32,
    /// How often it had to wait.
    pub(super) failures: u32,
    pub(super) due: Instant,
}

impl Watch {
    /// The time until the next look: longer while the service is away.
    pub(super) fn pause(&self, interval: Duration) -> Duration {
        let longest = interval.max(Duration::from_secs(30));
        interval.saturating_mul(1 << self.failures.min(5)).min(longest)
    }
}
