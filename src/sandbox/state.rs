//! A campaign, its records and its calls. Nothing here knows what time it is.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};
use uuid::Uuid;

use super::words;
use crate::model::{
    Call, CallAttempt, CampaignStats, CampaignStatus, CustomVariable, Document, Json, List,
    Message, NewRecord, Object, Record, RecordPage, Timestamp, Transcription,
};

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Waiting for the runner.
    Queued,
    /// Being called.
    InProgress,
    /// Called.
    Completed,
    /// Not reached.
    Failed,
}

impl Status {
    /// As the reference spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

/// A pushed record.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its run id.
    pub id: Uuid,
    /// What was pushed.
    pub pushed: NewRecord,
    /// Where it stands.
    pub status: Status,
    /// Its calls, as indexes into [`CampaignState::calls`].
    pub calls: Vec<usize>,
    /// When it was pushed.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A call to a record's number.
#[derive(Debug, Clone)]
pub struct CallEntry {
    /// Its id.
    pub id: Uuid,
    /// The record, as an index into [`CampaignState::records`].
    pub record: usize,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended and how, if it did.
    pub ended: Option<(Timestamp, Status)>,
}

/// A campaign.
#[derive(Debug, Clone)]
pub struct CampaignState {
    /// Its id.
    pub campaign_id: Uuid,
    /// The workspace it belongs to.
    pub workspace_id: Uuid,
    /// The agent that calls.
    pub agent_id: Uuid,
    /// Its lifecycle status.
    pub status: String,
    /// Attempts a record may have.
    pub max_attempts: u32,
    records: Vec<Entry>,
    calls: Vec<CallEntry>,
    record_ids: HashMap<Uuid, usize>,
    call_ids: HashMap<Uuid, usize>,
    counts: BTreeMap<Status, u64>,
}

/// Which page of which records, already checked.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// Only records of this status.
    pub status: Option<String>,
    /// The page, from 1.
    pub page: u64,
    /// Records per page.
    pub page_size: u64,
}

impl CampaignState {
    /// A campaign without records.
    pub fn new(campaign_id: Uuid, status: String) -> Self {
        Self {
            campaign_id,
            workspace_id: Uuid::from_u128(0x2222_2222_2222_2222_2222_2222_2222_2222),
            agent_id: Uuid::from_u128(0x3333_3333_3333_3333_3333_3333_3333_3333),
            status,
            max_attempts: 1,
            records: Vec::new(),
            calls: Vec::new(),
            record_ids: HashMap::new(),
            call_ids: HashMap::new(),
            counts: BTreeMap::new(),
        }
    }

    /// The records, in the order pushed.
    pub fn records(&self) -> &[Entry] {
        &self.records
    }

    /// The calls, in the order placed.
    pub fn calls(&self) -> &[CallEntry] {
        &self.calls
    }

    /// How many records have `status`.
    pub fn count(&self, status: Status) -> u64 {
        self.counts.get(&status).copied().unwrap_or_default()
    }

    /// Adds a queued record; its index.
    pub fn add(&mut self, id: Uuid, pushed: NewRecord, now: Timestamp) -> usize {
        let index = self.records.len();
        self.records.push(Entry {
            id,
            pushed,
            status: Status::Queued,
            calls: Vec::new(),
            created_at: now,
            updated_at: now,
        });
        self.record_ids.insert(id, index);
        *self.counts.entry(Status::Queued).or_default() += 1;
        index
    }

    /// Begins a call to a record; the call's index.
    pub fn begin_call(&mut self, record: usize, id: Uuid, now: Timestamp) -> usize {
        let index = self.calls.len();
        let entry = &mut self.records[record];
        entry.calls.push(index);
        let attempt = u32::try_from(entry.calls.len()).unwrap_or(u32::MAX);
        self.calls.push(CallEntry { id, record, attempt, started_at: now, ended: None });
        self.call_ids.insert(id, index);
        self.turn(record, Status::InProgress, now);
        index
    }

    /// Ends a call, and with it the record's attempt.
    pub fn end_call(&mut self, call: usize, outcome: Status, now: Timestamp) {
        let entry = &mut self.calls[call];
        entry.ended = Some((now, outcome));
        let record = entry.record;
        self.turn(record, outcome, now);
    }

    fn turn(&mut self, record: usize, status: Status, now: Timestamp) {
        let entry = &mut self.records[record];
        if let Some(count) = self.counts.get_mut(&entry.status) {
            *count -= 1;
        }
        entry.status = status;
        entry.updated_at = now;
        *self.counts.entry(status).or_default() += 1;
    }

    /// A record by its run id, as the API shows it.
    pub fn record(&self, id: Uuid) -> Option<Record> {
        self.record_ids.get(&id).map(|index| self.show_record(&self.records[*index]))
    }

    /// A call by its id, as the API shows it.
    pub fn call(&self, id: Uuid) -> Option<Call> {
        self.call_ids.get(&id).map(|index| self.show_call(*index))
    }

    /// A page of records, newest first.
    pub fn page(&self, asked: &PageRequest) -> Result<RecordPage, serde_json::Error> {
        let wanted = |entry: &&Entry| {
            asked.status.as_deref().is_none_or(|status| status == entry.status.as_str())
        };
        let total = match asked.status.as_deref() {
            None => self.records.len() as u64,
            Some(status) => {
                let known = self.counts.iter().find(|(known, _)| known.as_str() == status);
                known.map(|(_, count)| *count).unwrap_or_default()
            }
        };
        let skipped = (asked.page - 1).saturating_mul(asked.page_size);
        let items = self
            .records
            .iter()
            .rev()
            .filter(wanted)
            .skip(usize::try_from(skipped).unwrap_or(usize::MAX))
            .take(usize::try_from(asked.page_size).unwrap_or(usize::MAX))
            .map(|entry| Document::of(self.show_record(entry)))
            .collect::<Result<List<_>, _>>()?;
        Ok(RecordPage {
            has_more: Some(skipped.saturating_add(asked.page_size) < total),
            items,
            total: Some(total.into()),
            page: Some(asked.page.into()),
            page_size: Some(asked.page_size.into()),
        })
    }

    /// The campaign's status and counts.
    pub fn campaign_status(&self) -> Result<CampaignStatus, serde_json::Error> {
        let stats = CampaignStats {
            total_records: Some((self.records.len() as u64).into()),
            queued: self.count(Status::Queued).into(),
            in_progress: self.count(Status::InProgress).into(),
            completed: self.count(Status::Completed).into(),
            failed: self.count(Status::Failed).into(),
            ..CampaignStats::default()
        };
        Ok(CampaignStatus {
            campaign_id: Some(self.campaign_id.to_string()),
            status: Some(self.status.clone()),
            stats: Some(Document::of(stats)?),
        })
    }

    fn show_record(&self, entry: &Entry) -> Record {
        let history = entry.calls.iter().filter_map(|call| {
            let call = &self.calls[*call];
            let status = call.ended.map_or(Status::InProgress, |(_, status)| status);
            let attempt = CallAttempt {
                call_id: Some(call.id.to_string()),
                status: Some(status.as_str().to_owned()),
            };
            Document::of(attempt).ok()
        });
        Record {
            id: Some(entry.id.to_string()),
            campaign_id: Some(self.campaign_id.to_string()),
            workspace_id: Some(self.workspace_id.to_string()),
            phone_number: Some(entry.pushed.phone_number.clone()),
            status: Some(entry.status.as_str().to_owned()),
            variables: shown(entry.pushed.variables.as_ref()),
            app_user_id: entry.pushed.app_user_id.clone(),
            app_session_id: entry.pushed.app_session_id.clone(),
            attempt_count: Some((entry.calls.len() as u64).into()),
            max_attempts: Some(self.max_attempts.into()),
            call_history: history.collect(),
            next_attempt_at: None,
            dnc_at: None,
            dnc_reason: None,
            created_at: Some(entry.created_at),
            updated_at: Some(entry.updated_at),
        }
    }

    /// A call by its index, as the API and the webhook show it.
    pub fn show_call(&self, index: usize) -> Call {
        let call = &self.calls[index];
        let pushed = &self.records[call.record].pushed;
        let outcome = call.ended.map(|(_, status)| status);
        let answered = outcome == Some(Status::Completed);
        let name = words::first_name(pushed.variables.as_ref());
        let transcription = answered.then(|| {
            let messages = words::conversation(name).map(|(role, content)| {
                let content = Some(content);
                Document::of(Message { role: Some(role.to_owned()), content }).ok()
            });
            Document::of(Transcription { messages: messages.into_iter().flatten().collect() }).ok()
        });
        let confirmed = CustomVariable {
            key: Some("appointment_confirmed".to_owned()),
            r#type: Some("boolean".to_owned()),
            value: Json::of(&true).unwrap_or_default(),
        };
        let duration = call.ended.map(|(at, _)| at.0.duration_since(call.started_at.0).as_secs());
        Call {
            call_status: Some(outcome.unwrap_or(Status::InProgress).as_str().to_owned()),
            call_id: Some(call.id.to_string()),
            agent_id: Some(self.agent_id.to_string()),
            from_number: Some("+911140000000".to_owned()),
            to_number: Some(pushed.phone_number.clone()),
            summary: answered.then(|| words::summary(name)),
            start_time: Some(call.started_at),
            end_time: call.ended.map(|(at, _)| at),
            duration: duration.map(Into::into),
            disconnection_reason: outcome.map(|outcome| words::hangup(outcome).to_owned()),
            recording_url: answered
                .then(|| format!("https://recordings.sandbox.invalid/{}.mp3", call.id)),
            transcription: transcription.flatten(),
            custom_variables: if answered {
                Document::of(confirmed).into_iter().collect()
            } else {
                List::default()
            },
            variables_fields: shown(pushed.variables.as_ref()),
            campaign_id: Some(self.campaign_id.to_string()),
            attempt_no: Some(call.attempt.into()),
            app_user_id: pushed.app_user_id.clone(),
            app_session_id: pushed.app_session_id.clone(),
        }
    }
}

/// Variables as the API shows them: an object, though nothing was pushed.
fn shown(variables: Option<&Map<String, Value>>) -> Option<Object> {
    Object::of(variables.unwrap_or(&Map::new())).ok()
}
