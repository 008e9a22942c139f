//! A record, as a campaign keeps it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::time::Time;

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waiting for the runner.
    Queued,
    /// Being called.
    InProgress,
    /// Called.
    Completed,
    /// Not reached.
    Failed,
    /// On the Do-Not-Call list.
    Dnc,
    /// Waiting for the callback that the callee asked for.
    Rescheduled,
    /// Waiting for the next attempt.
    RetryPending,
    /// Waiting for a follow-up.
    FollowUpPending,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::InProgress,
        Self::Completed,
        Self::Failed,
        Self::Dnc,
        Self::Rescheduled,
        Self::RetryPending,
        Self::FollowUpPending,
    ];

    /// As the reference spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Dnc => "dnc",
            Self::Rescheduled => "rescheduled",
            Self::RetryPending => "retry_pending",
            Self::FollowUpPending => "follow_up_pending",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether a call is still to be placed.
    pub fn is_waiting(self) -> bool {
        matches!(
            self,
            Self::Queued | Self::Rescheduled | Self::RetryPending | Self::FollowUpPending
        )
    }
}

/// What is pushed: a valid record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pushed {
    /// The number, as it came.
    pub phone_number: Box<str>,
    /// The variables: the JSON of an object.
    pub variables: Box<str>,
    /// The caller's own user id.
    pub app_user_id: Option<Box<str>>,
    /// The caller's own session id.
    pub app_session_id: Option<Box<str>>,
}

/// A pushed record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its run id.
    pub id: Uuid,
    /// Which push of the sandbox it is, counted from 0.
    pub number: u64,
    /// The phone number.
    pub phone_number: Box<str>,
    /// The variables: the JSON of an object.
    pub variables: Box<str>,
    /// The caller's own user id.
    pub app_user_id: Option<Box<str>>,
    /// The caller's own session id.
    pub app_session_id: Option<Box<str>>,
    /// Where it stands.
    pub status: Status,
    /// Attempts made.
    pub attempts: u16,
    /// Attempts there may be.
    pub max_attempts: u16,
    /// Callbacks granted.
    pub callbacks: u8,
    /// Follow-ups granted.
    pub follow_ups: u8,
    /// Its last call.
    pub last_call: Option<u32>,
    /// When its next attempt is due, while it waits.
    pub due: Time,
    /// When it was pushed.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
    /// When and why its number was barred.
    pub dnc: Option<Box<(Time, String)>>,
    /// Which line it waits in.
    pub(super) line: Line,
    /// The record before it, in this campaign, of the same number.
    pub(super) same_number: Option<u32>,
}

/// The lines that waiting records stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Line {
    /// None.
    No,
    /// For the first attempt.
    First,
    /// For a later one.
    Again,
    /// For being told that its number is on the Do-Not-Call list.
    Barred,
}
