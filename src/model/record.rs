//! A record of a campaign, and a page of them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::document::{Document, Fields};
use super::timestamp::Timestamp;

/// A record that was pushed, and what has become of it.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Record {
    /// The run id that the push answered with.
    pub id: String,
    /// The campaign it belongs to.
    pub campaign_id: Option<String>,
    /// The workspace it belongs to.
    pub workspace_id: Option<String>,
    /// The number to call.
    pub phone_number: String,
    /// `queued`, `in_progress`, `completed`, `failed`, `retry_pending`, `follow_up_pending`,
    /// `rescheduled`, `dnc`, or one not documented yet.
    pub status: String,
    /// The variables sent with the push.
    pub variables: Option<Map<String, Value>>,
    /// The caller's own user id.
    pub app_user_id: Option<String>,
    /// The caller's own session id.
    pub app_session_id: Option<String>,
    /// Attempts made so far.
    pub attempt_count: Option<u32>,
    /// Attempts there may be in all.
    pub max_attempts: Option<u32>,
    /// One entry per attempt.
    #[serde(default, deserialize_with = "super::document::null_as_absent")]
    pub call_history: Vec<Document<CallAttempt>>,
    /// When the next attempt is due.
    pub next_attempt_at: Option<Timestamp>,
    /// When the number was put on the Do-Not-Call list.
    pub dnc_at: Option<Timestamp>,
    /// Why it was.
    pub dnc_reason: Option<String>,
    /// When the record was created.
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Option<Timestamp>,
}

impl Record {
    /// Whether nothing more will happen to the record: `completed`, `dnc`, or `failed` with no
    /// attempt left. A `failed` record that does not tell its attempts is final unless another
    /// attempt is scheduled.
    pub fn is_final(&self) -> bool {
        match self.status.as_str() {
            "completed" | "dnc" => true,
            "failed" => match (self.attempt_count, self.max_attempts) {
                (Some(made), Some(most)) => made >= most,
                _ => self.next_attempt_at.is_none(),
            },
            _ => false,
        }
    }
}

/// One attempt to call a record's number.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct CallAttempt {
    /// The call's id, for `GET /v1/campaigns/trigger/status/{call_id}`.
    pub call_id: String,
    /// The call's status.
    pub status: Option<String>,
}

/// One page of a campaign's records.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct RecordPage {
    /// The records of this page.
    pub items: Vec<Document<Record>>,
    /// How many records match in all.
    pub total: u64,
    /// Whether there is a page after this one.
    pub has_more: bool,
    /// This page's number, from 1.
    pub page: u64,
    /// The page size the service used.
    pub page_size: u64,
}

impl Fields for Record {
    const FIELDS: &'static [&'static str] = &[
        "id",
        "campaign_id",
        "workspace_id",
        "phone_number",
        "status",
        "variables",
        "app_user_id",
        "app_session_id",
        "attempt_count",
        "max_attempts",
        "call_history",
        "next_attempt_at",
        "dnc_at",
        "dnc_reason",
        "created_at",
        "updated_at",
    ];
}

impl Fields for CallAttempt {
    const FIELDS: &'static [&'static str] = &["call_id", "status"];
}

impl Fields for RecordPage {
    const FIELDS: &'static [&'static str] = &["items", "total", "has_more", "page", "page_size"];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_final(json: &str) -> bool {
        let json = format!(r#"{{"id": "1", "phone_number": "+1", {json}}}"#);
        Document::<Record>::parse(json.as_bytes()).unwrap().is_final()
    }

    #[test]
    fn final_is_completed_dnc_or_failed_for_good() {
        assert!(is_final(r#""status": "completed""#));
        assert!(is_final(r#""status": "dnc""#));
        assert!(is_final(r#""status": "failed", "attempt_count": 3, "max_attempts": 3"#));
        assert!(!is_final(r#""status": "failed", "attempt_count": 2, "max_attempts": 3"#));
        assert!(is_final(r#""status": "failed""#));
        assert!(!is_final(r#""status": "failed", "next_attempt_at": "2026-05-27T03:00:00Z""#));
        assert!(!is_final(r#""status": "queued""#));
        assert!(!is_final(r#""status": "a_status_of_tomorrow""#));
    }
}
