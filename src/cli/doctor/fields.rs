//! What the service sends that this version does not know: by name, never by value.

use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;

use super::finding::Finding;
use revrag::model::{
    Call, CallAttempt, CampaignStats, CampaignStatus, CustomVariable, Document, Message, Model,
    Record, RecordPage, Transcription,
};

/// Fields that are not documented, each with where it was.
#[derive(Debug, Default)]
pub(super) struct Unknown(BTreeSet<String>);

impl Unknown {
    pub(super) fn status(&mut self, status: &Document<CampaignStatus>) {
        self.add::<CampaignStatus>("status", status.json());
        if let Some(stats) = &status.stats {
            self.add::<CampaignStats>("status.stats", stats.json());
        }
    }

    /// Looks through a page; a call that may be looked at, too.
    pub(super) fn page(&mut self, page: &Document<RecordPage>) -> Option<Uuid> {
        let mut call = None;
        self.add::<RecordPage>("page", page.json());
        for record in page.items.iter() {
            self.add::<Record>("record", record.json());
            for attempt in record.call_history.iter() {
                self.add::<CallAttempt>("record.call_history", attempt.json());
                let id = attempt.call_id.as_deref().and_then(|id| Uuid::try_parse(id).ok());
                call = call.or(id);
            }
        }
        call
    }

    pub(super) fn call(&mut self, call: &Document<Call>) {
        self.add::<Call>("call", call.json());
        if let Some(transcription) = &call.transcription {
            self.add::<Transcription>("call.transcription", transcription.json());
            for message in transcription.messages.iter() {
                self.add::<Message>("call.transcription.messages", message.json());
            }
        }
        for variable in call.custom_variables.iter() {
            self.add::<CustomVariable>("call.custom_variables", variable.json());
        }
    }

    fn add<T: Model>(&mut self, place: &str, json: &[u8]) {
        let text = String::from_utf8_lossy(json);
        let Ok(Value::Object(fields)) = serde_json::from_str(&text) else { return };
        let unknown = fields.keys().filter(|name| !T::FIELDS.contains(&name.as_str()));
        self.0.extend(unknown.map(|name| format!("{place}.{name}")));
    }

    pub(super) fn finding(&self) -> Finding {
        const SUBJECT: &str = "fields";
        if self.0.is_empty() {
            return Finding::good(SUBJECT, "all that the service sends is documented");
        }
        let names: Vec<&str> = self.0.iter().map(String::as_str).collect();
        Finding::doubtful(
            SUBJECT,
            format!("the service sends what this version does not know: {}", names.join(", ")),
            "nothing is lost: `.extra` has it. A newer version of revrag may know it",
        )
    }
}
