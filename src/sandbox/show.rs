//! Records, calls and campaigns as the API shows them.

use serde_json::{Map, Value};

use super::call::Person;
use super::outcome::Outcome;
use super::record::Status;
use super::recording::Links;
use super::time::{Seconds, Time};
use super::words;
use super::world::World;
use revrag::model::{
    Call, CallAttempt, CampaignStats, CampaignStatus, CustomVariable, Document, Json, List,
    Message, Object, Record, RecordPage, Timestamp, Transcription,
};

/// Which page of which records, already checked.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// Only records of this status.
    pub status: Option<String>,
    /// The page, from 1.
    pub page: u64,
    /// Records per page.
    pub page_size: u64,
    /// By how many records the page is off, where a fault has it so.
    pub shift: i64,
}

/// A page of a campaign's records, newest first.
pub fn page(world: &World, campaign: usize, asked: &PageRequest) -> serde_json::Result<RecordPage> {
    let it = &world.campaigns()[campaign];
    let skipped = (asked.page - 1).saturating_mul(asked.page_size);
    let skip = skipped.saturating_add_signed(asked.shift);
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    let most = usize::try_from(asked.page_size).unwrap_or(usize::MAX);
    let (total, records): (_, Box<dyn Iterator<Item = usize>>) =
        match asked.status.as_deref().map(Status::named) {
            None => (it.records().len(), it.listed(None, skip)),
            Some(Some(status)) => (it.count(status), it.listed(Some(status), skip)),
            Some(None) => (0, Box::new(std::iter::empty())),
        };
    let items = records
        .take(most)
        .map(|index| Document::of(record(world, campaign, index)))
        .collect::<Result<List<_>, _>>()?;
    let total = total as u64;
    Ok(RecordPage {
        has_more: Some(skipped.saturating_add(asked.page_size) < total),
        items,
        total: Some(total.into()),
        page: Some(asked.page.into()),
        page_size: Some(asked.page_size.into()),
    })
}

/// A campaign's status and counts.
pub fn campaign(world: &World, campaign: usize) -> serde_json::Result<CampaignStatus> {
    let it = &world.campaigns()[campaign];
    let count = |status| (it.count(status) as u64).into();
    let stats = CampaignStats {
        total_records: Some((it.records().len() as u64).into()),
        queued: count(Status::Queued),
        in_progress: count(Status::InProgress),
        completed: count(Status::Completed),
        failed: count(Status::Failed),
        dnc: count(Status::Dnc),
        rescheduled: count(Status::Rescheduled),
        retry_pending: count(Status::RetryPending),
        follow_up_pending: count(Status::FollowUpPending),
    };
    Ok(CampaignStatus {
        campaign_id: Some(it.id.to_string()),
        status: Some(it.status().to_owned()),
        stats: Some(Document::of(stats)?),
    })
}

/// A record of a campaign, both by index.
pub fn record(world: &World, campaign: usize, record: usize) -> Record {
    let it = &world.campaigns()[campaign];
    let entry = &it.records()[record];
    let history = world.calls_of(entry).into_iter().filter_map(|call| {
        let call = &world.calls()[call];
        let attempt = CallAttempt {
            call_id: Some(call.id.to_string()),
            status: Some(call_status(call.ended, call.outcome).to_owned()),
        };
        Document::of(attempt).ok()
    });
    // A record in the queue has its first attempt ahead, which is no later attempt's time.
    let planned = entry.status.is_waiting() && entry.status != Status::Queued;
    let dnc = entry.dnc.as_deref();
    Record {
        id: Some(entry.id.to_string()),
        campaign_id: Some(it.id.to_string()),
        workspace_id: Some(world.workspaces()[it.workspace].id.to_string()),
        phone_number: Some(entry.phone_number.to_string()),
        status: Some(entry.status.as_str().to_owned()),
        variables: object(&entry.variables),
        app_user_id: entry.app_user_id.as_deref().map(str::to_owned),
        app_session_id: entry.app_session_id.as_deref().map(str::to_owned),
        attempt_count: Some(u32::from(entry.attempts).into()),
        max_attempts: Some(u32::from(entry.max_attempts).into()),
        call_history: history.collect(),
        next_attempt_at: planned.then(|| entry.due.into()),
        dnc_at: dnc.map(|(at, _)| Timestamp::from(*at)),
        dnc_reason: dnc.map(|(_, reason)| reason.clone()),
        created_at: Some(entry.created_at.into()),
        updated_at: Some(entry.updated_at.into()),
    }
}

fn call_status(ended: bool, outcome: Outcome) -> &'static str {
    if ended { outcome.call_status() } else { Status::InProgress.as_str() }
}

/// A call by its index, as the API and the webhook show it. `links` make its recording's URL.
pub fn call(world: &World, index: usize, links: &Links, now: Time) -> Call {
    let call = &world.calls()[index];
    let campaign = &world.campaigns()[call.campaign as usize];
    let (entry, settings) = (&campaign.records()[call.record as usize], campaign.settings());
    let answered = call.ended && call.outcome.is_answered();
    let line = call.script.as_deref();
    let refused = call.person == Person::Speaks
        && call.outcome == Outcome::Completed
        && !words::agreed(&call.said);
    let name = words::first_name(&entry.variables);
    let transcription = answered.then(|| {
        let turns = match line.and_then(|line| line.transcript.clone()) {
            Some(turns) => turns,
            None if call.said.is_empty() => words::conversation(call.outcome, &name),
            None => call.said.clone(),
        };
        let messages = turns.into_iter().filter_map(|turn| {
            Document::of(Message { role: Some(turn.role), content: Some(turn.content) }).ok()
        });
        Document::of(Transcription { messages: messages.collect() }).ok()
    });
    let summary = || {
        let scripted = line.and_then(|line| line.summary.clone());
        scripted.unwrap_or_else(|| {
            if refused {
                "The callee spoke with the agent and confirmed nothing.".to_owned()
            } else {
                words::summary(call.outcome, &name)
            }
        })
    };
    let extracted = || {
        let scripted = line.and_then(|line| line.variables.as_deref());
        let extracted = scripted.map_or_else(
            || words::extracted(call.outcome, !refused),
            |json| serde_json::from_str(json).unwrap_or_default(),
        );
        extracted.into_iter().filter_map(|(key, value)| Document::of(variable(key, &value)).ok())
    };
    let duration = call.ended.then(|| Seconds::between(call.started_at, call.ends_at).whole());
    Call {
        call_status: Some(call_status(call.ended, call.outcome).to_owned()),
        call_id: Some(call.id.to_string()),
        agent_id: Some(settings.agent_id.to_string()),
        from_number: Some(settings.from_number.clone()),
        to_number: Some(entry.phone_number.to_string()),
        summary: answered.then(summary),
        start_time: Some(call.started_at.into()),
        end_time: call.ended.then(|| call.ends_at.into()),
        duration: duration.map(Into::into),
        disconnection_reason: call.ended.then(|| call.hangup().to_owned()),
        recording_url: answered.then(|| links.url(call.id, now)),
        transcription: transcription.flatten(),
        custom_variables: if answered { extracted().collect() } else { List::default() },
        variables_fields: object(&entry.variables),
        campaign_id: Some(campaign.id.to_string()),
        attempt_no: Some(u32::from(call.attempt).into()),
        app_user_id: entry.app_user_id.as_deref().map(str::to_owned),
        app_session_id: entry.app_session_id.as_deref().map(str::to_owned),
    }
}

fn variable(key: String, value: &Value) -> CustomVariable {
    let kind = match value {
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::Null => "null",
    };
    CustomVariable {
        key: Some(key),
        r#type: Some(kind.to_owned()),
        value: Json::of(value).unwrap_or_default(),
    }
}

/// The JSON of an object, as it was kept.
fn object(json: &str) -> Option<Object> {
    let raw: &serde_json::value::RawValue = serde_json::from_str(json).ok()?;
    Json::of(&raw).ok().map(Object)
}

/// The JSON to keep of what was pushed.
pub(super) fn kept(variables: Option<&Map<String, Value>>) -> Box<str> {
    let none = Map::new();
    let json = serde_json::to_string(variables.unwrap_or(&none));
    json.unwrap_or_else(|_| "{}".to_owned()).into()
}
