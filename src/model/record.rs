//! A record of a campaign, and a page of them.

use serde::Serialize;

use super::document::{Document, model};
use super::json::{Fault, Scanner, Token, Walk};
use super::timestamp::Timestamp;
use super::value::{List, Object, Whole};

/// A record that was pushed, and what has become of it.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Record {
    /// The run id that the push answered with.
    pub id: Option<String>,
    /// The campaign it belongs to.
    pub campaign_id: Option<String>,
    /// The workspace it belongs to.
    pub workspace_id: Option<String>,
    /// The number to call.
    pub phone_number: Option<String>,
    /// `queued`, `in_progress`, `completed`, `failed`, `retry_pending`, `follow_up_pending`,
    /// `rescheduled`, `dnc`, or one not documented yet.
    pub status: Option<String>,
    /// The variables sent with the push.
    pub variables: Option<Object>,
    /// The caller's own user id.
    pub app_user_id: Option<String>,
    /// The caller's own session id.
    pub app_session_id: Option<String>,
    /// Attempts made so far.
    pub attempt_count: Option<Whole>,
    /// Attempts there may be in all.
    pub max_attempts: Option<Whole>,
    /// One entry per attempt.
    pub call_history: List<CallAttempt>,
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

impl Document<Record> {
    /// Whether nothing more will happen to the record: `completed`, `dnc`, or `failed` with no
    /// attempt left. A `failed` record that does not tell its attempts is final unless another
    /// attempt is scheduled.
    pub fn is_final(&self) -> bool {
        match self.status.as_deref() {
            Some("completed" | "dnc") => true,
            Some("failed") => match (&self.attempt_count, &self.max_attempts) {
                (Some(made), Some(most)) => made >= most,
                _ => self.next_attempt_at.is_none() && !self.says_something("next_attempt_at"),
            },
            _ => false,
        }
    }

    /// Whether a field is there and holds something, be it nothing that can be read.
    fn says_something(&self, name: &str) -> bool {
        let mut scanner = Scanner::new(self.json());
        let (mut first, mut found) = (true, false);
        let mut look = || {
            scanner.value()?;
            while let Some(key) = scanner.key(&mut first)? {
                let mut ahead = scanner.clone();
                if key.to_text() == name {
                    let token = ahead.value()?;
                    found = match token {
                        Token::Null | Token::Bool(false) => false,
                        Token::Text(text) => !text.to_text().trim().is_empty(),
                        _ => true,
                    };
                }
                Walk::new(&mut scanner).finish()?;
            }
            Ok::<_, Fault>(())
        };
        look().is_ok() && found
    }
}

/// One attempt to call a record's number.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CallAttempt {
    /// The call's id, for `GET /v1/campaigns/trigger/status/{call_id}`.
    pub call_id: Option<String>,
    /// The call's status.
    pub status: Option<String>,
}

/// One page of a campaign's records.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecordPage {
    /// The records of this page.
    pub items: List<Record>,
    /// How many records match in all.
    pub total: Option<Whole>,
    /// Whether there is a page after this one.
    pub has_more: Option<bool>,
    /// This page's number, from 1.
    pub page: Option<Whole>,
    /// The page size the service used.
    pub page_size: Option<Whole>,
}

model! {
    Record needs ["id"] lazy true {
        "id" => id,
        "campaign_id" => campaign_id,
        "workspace_id" => workspace_id,
        "phone_number" => phone_number,
        "status" => status,
        "variables" => variables,
        "app_user_id" => app_user_id,
        "app_session_id" => app_session_id,
        "attempt_count" => attempt_count,
        "max_attempts" => max_attempts,
        "call_history" => call_history,
        "next_attempt_at" => next_attempt_at,
        "dnc_at" => dnc_at,
        "dnc_reason" => dnc_reason,
        "created_at" => created_at,
        "updated_at" => updated_at,
    }
}

model! {
    CallAttempt needs [] {
        "call_id" => call_id,
        "status" => status,
    }
}

model! {
    RecordPage needs ["items"] {
        "items" => items,
        "total" => total,
        "has_more" => has_more,
        "page" => page,
        "page_size" => page_size,
    }
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
        assert!(!is_final(r#""status": "failed", "next_attempt_at": "tomorrow""#));
        assert!(!is_final(r#""status": "failed", "next_attempt_at": 1780000000"#));
        assert!(is_final(r#""status": "failed", "next_attempt_at": """#));
        assert!(is_final(r#""status": "failed", "next_attempt_at": null"#));
        assert!(is_final(r#""status": "failed", "attempt_count": "3", "max_attempts": 3.0"#));
        assert!(!is_final(r#""status": "queued""#));
        assert!(!is_final(r#""status": "a_status_of_tomorrow""#));
    }
}
