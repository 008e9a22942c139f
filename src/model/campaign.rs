//! A campaign's status and counts.

use serde::Serialize;

use super::document::{Document, model};
use super::value::{Count, Whole};

/// A campaign's lifecycle status and its records counted by status.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CampaignStatus {
    /// The campaign.
    pub campaign_id: Option<String>,
    /// `running`, `paused`, `completed`, `cancelled`, or another.
    pub status: Option<String>,
    /// The counts.
    pub stats: Option<Document<CampaignStats>>,
}

impl CampaignStatus {
    /// How many records something will happen to yet, where the counts tell.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        let by = self.stats.as_ref()?;
        let open = [
            &by.queued,
            &by.in_progress,
            &by.rescheduled,
            &by.retry_pending,
            &by.follow_up_pending,
        ];
        open.into_iter().map(|count| count.0.as_ref()?.as_u64()).sum()
    }

    /// Whether nothing is left to do: it has ended, or no record is open.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.status.as_deref(), Some("completed" | "cancelled")) || self.left() == Some(0)
    }
}

/// Records counted by status. A count that is not in the answer is 0.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CampaignStats {
    /// All records.
    pub total_records: Option<Whole>,
    /// Waiting for the runner.
    pub queued: Count,
    /// Being called.
    pub in_progress: Count,
    /// Called.
    pub completed: Count,
    /// Failed.
    pub failed: Count,
    /// On the Do-Not-Call list.
    pub dnc: Count,
    /// Waiting for the callback the callee asked for.
    pub rescheduled: Count,
    /// Waiting for a retry.
    pub retry_pending: Count,
    /// Waiting for a follow-up.
    pub follow_up_pending: Count,
}

model! {
    CampaignStatus needs ["status"] {
        "campaign_id" => campaign_id,
        "status" => status,
        "stats" => stats,
    }
}

model! {
    CampaignStats needs [] {
        "total_records" => total_records,
        "queued" => queued,
        "in_progress" => in_progress,
        "completed" => completed,
        "failed" => failed,
        "dnc" => dnc,
        "rescheduled" => rescheduled,
        "retry_pending" => retry_pending,
        "follow_up_pending" => follow_up_pending,
    }
}
