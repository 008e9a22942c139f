//! A campaign's status and counts.

use serde::{Deserialize, Serialize};

use super::document::{Document, Fields};

/// A campaign's lifecycle status and its records counted by status.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct CampaignStatus {
    /// The campaign.
    pub campaign_id: String,
    /// `running`, `paused`, `completed`, `cancelled`, or another.
    pub status: String,
    /// The counts.
    pub stats: Document<CampaignStats>,
}

/// Records counted by status. A count that is not in the answer is 0.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize)]
pub struct CampaignStats {
    /// All records.
    pub total_records: u64,
    /// Waiting for the runner.
    #[serde(default, deserialize_with = "super::document::null_as_absent")]
    pub queued: u64,
    /// Being called.
    #[serde(default, deserialize_with = "super::document::null_as_absent")]
    pub in_progress: u64,
    /// Called.
    #[serde(default, deserialize_with = "super::document::null_as_absent")]
    pub completed: u64,
    /// Failed.
    #[serde(default, deserialize_with = "super::document::null_as_absent")]
    pub failed: u64,
    /// On the Do-Not-Call list.
    #[serde(default, deserialize_with = "super::document::null_as_absent")]
    pub dnc: u64,
    /// Waiting for the callback the callee asked for.
    #[serde(default, deserialize_with = "super::document::null_as_absent")]
    pub rescheduled: u64,
    /// Waiting for a retry.
    #[serde(default, deserialize_with = "super::document::null_as_absent")]
    pub retry_pending: u64,
    /// Waiting for a follow-up.
    #[serde(default, deserialize_with = "super::document::null_as_absent")]
    pub follow_up_pending: u64,
}

impl Fields for CampaignStatus {
    const FIELDS: &'static [&'static str] = &["campaign_id", "status", "stats"];
}

impl Fields for CampaignStats {
    const FIELDS: &'static [&'static str] = &[
        "total_records",
        "queued",
        "in_progress",
        "completed",
        "failed",
        "dnc",
        "rescheduled",
        "retry_pending",
        "follow_up_pending",
    ];
}
