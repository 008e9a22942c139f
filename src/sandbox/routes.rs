//! The endpoints of the reference.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, Extension, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use uuid::Uuid;

use super::courier::Counts;
use super::deliveries::Deliveries;
use super::door::Door;
use super::engine::{Engine, Held, Unpushed};
use super::front::{Shift, front};
use super::record::Pushed;
use super::recording::{self, Links};
use super::refusal::Refusal;
use super::requests::Requests;
use super::show::{self, PageRequest};
use super::validate;
use revrag::http::{MAX_PAGE_SIZE, parse_id};
use revrag::model::{Document, PushOutcome, PushResult};
use revrag::phone;

/// What every request shares.
pub(super) struct Shared {
    pub(super) engine: Engine,
    pub(super) links: Links,
    pub(super) count: AtomicU64,
    pub(super) counts: Counts,
    pub(super) requests: Requests,
    pub(super) deliveries: Deliveries,
    pub(super) door: Door,
    /// How long a request may take to arrive.
    pub(super) patience: Duration,
    pub(super) allow_remote_webhooks: bool,
}

impl Shared {
    /// Delivers an event once more, as long as the log knows it.
    pub(super) fn resend(&self, event_id: &str) -> revrag::Result<()> {
        let call =
            (self.deliveries.lock().iter()).find(|it| it.event_id == event_id).map(|it| it.call);
        let call = call.filter(|call| {
            let held = self.engine.lock();
            // Another world may have come since.
            *call < held.world().calls().len() && held.world().event_id(*call) == event_id
        });
        let problem = "the log holds no delivery of it; resend by the call's id instead";
        self.engine.resend(call.ok_or_else(|| revrag::Error::invalid("event_id", problem))?)
    }
}

/// The workspace of a request's key, as an index.
#[derive(Clone, Copy)]
pub(super) struct Workspace(pub(super) usize);

/// The service.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/campaigns/{campaign_id}/records/push-bulk", post(push))
        .route("/v1/campaigns/{campaign_id}/records/{run_id}", get(record))
        .route("/v1/campaigns/{campaign_id}/records", get(records))
        .route("/v1/campaigns/{campaign_id}/status", get(status))
        .route("/v1/campaigns/trigger/status/{call_id}", get(call))
        .route("/recordings/{file}", get(recording))
        .fallback(unknown)
        .method_not_allowed_fallback(other_method)
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(shared.clone(), front))
        .with_state(shared.clone())
        .merge(super::dashboard::router(shared))
}

async fn unknown() -> Refusal {
    Refusal::not_found("Not Found", "path", "a path of the reference, such as /v1/campaigns/…")
}

async fn other_method() -> Refusal {
    let passes = "the path's own method: POST to push records, GET for all else";
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed", "method", passes)
}

type Handled = Result<Response, Refusal>;

fn answer(body: Result<impl Serialize, impl std::fmt::Display>) -> Handled {
    body.map(|body| Json(body).into_response()).map_err(broken)
}

fn campaign(held: &Held, workspace: Workspace, id: &str) -> Result<usize, Refusal> {
    let id = parse_id("campaign_id", id).ok();
    id.and_then(|id| held.world().campaign(workspace.0, id)).ok_or_else(no_campaign)
}

fn no_campaign() -> Refusal {
    let passes = "the id of a campaign in the workspace of the request's API key";
    Refusal::not_found("Campaign not found", "campaign", passes)
}

/// What the server itself could not do.
fn broken(error: impl std::fmt::Display) -> Refusal {
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    Refusal::new(status, error.to_string(), "server", "nothing; it is the sandbox's own fault")
}

/// The names in a path, unless they are no text.
type Names<T> = std::result::Result<Path<T>, PathRejection>;

fn names<T>(names: Names<T>, missing: fn() -> Refusal) -> Result<T, Refusal> {
    names.map(|Path(names)| names).map_err(|_| missing())
}

async fn push(
    State(shared): State<Arc<Shared>>,
    Extension(workspace): Extension<Workspace>,
    campaign_id: Names<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Handled {
    let campaign_id = names(campaign_id, no_campaign)?;
    campaign(&shared.engine.lock(), workspace, &campaign_id)?;
    let json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| {
            let kind = kind.trim().to_ascii_lowercase();
            kind == "application/json"
                || (kind.starts_with("application/") && kind.ends_with("+json"))
        });
    if !json {
        let faults = validate::not_json_content(&body);
        return Err(Refusal::faults(faults, "content_type", "Content-Type: application/json"));
    }
    // A large push is read on another thread: requests go on being answered on this one.
    let id = parse_id("campaign_id", &campaign_id).unwrap_or_default();
    let taken = tokio::task::spawn_blocking(move || take(&shared.engine, workspace, id, &body));
    taken.await.unwrap_or_else(|error| Err(broken(error)))
}

/// Reads a push's body, and queues what is valid.
fn take(engine: &Engine, workspace: Workspace, campaign: Uuid, body: &[u8]) -> Handled {
    let records = validate::push(body).map_err(|faults| {
        let passes = "a JSON object with records, a list of objects that have a phone_number";
        Refusal::faults(faults, "body", passes)
    })?;
    let valid: Vec<_> =
        records.iter().map(|record| phone::is_valid_in_india(&record.phone_number)).collect();
    let boxed = |text: &Option<String>| text.as_deref().map(Box::from);
    let accepted: Vec<_> = records
        .iter()
        .zip(&valid)
        .filter(|(_, valid)| **valid)
        .map(|(record, _)| Pushed {
            phone_number: record.phone_number.as_str().into(),
            variables: show::kept(record.variables.as_ref()),
            app_user_id: boxed(&record.app_user_id),
            app_session_id: boxed(&record.app_session_id),
        })
        .collect();
    let run_ids = engine.push(workspace.0, campaign, accepted).map_err(|why| match why {
        Unpushed::Unknown => no_campaign(),
        Unpushed::Status(status) => {
            let detail = format!("Cannot push records: campaign is {status}.");
            let passes = "a campaign whose status is running";
            Refusal::new(StatusCode::BAD_REQUEST, detail, "campaign_status", passes)
        }
        Unpushed::Failed(error) => broken(error),
    })?;
    let accepted = run_ids.len() as u64;
    let mut run_ids = run_ids.into_iter();
    let results = records.into_iter().zip(valid).filter_map(|(record, valid)| {
        let phone_number = record.phone_number;
        let outcome = if valid {
            PushOutcome {
                run_id: run_ids.next().map(|id| id.to_string()),
                accepted: Some(true),
                status: Some("queued".to_owned()),
                error: None,
                phone_number: Some(phone_number),
            }
        } else {
            PushOutcome {
                error: Some(format!("Invalid Indian phone number: {phone_number}")),
                accepted: Some(false),
                run_id: None,
                status: None,
                phone_number: Some(phone_number),
            }
        };
        Document::of(outcome).ok()
    });
    let results: Vec<_> = results.collect();
    let rejected = results.len() as u64 - accepted;
    answer(Ok::<_, String>(PushResult {
        accepted: Some(accepted.into()),
        rejected: Some(rejected.into()),
        results: results.into_iter().collect(),
    }))
}

async fn record(
    State(shared): State<Arc<Shared>>,
    Extension(workspace): Extension<Workspace>,
    path: Names<(String, String)>,
) -> Handled {
    let missing = || {
        let passes = "a run_id that a push to this campaign answered with";
        Refusal::not_found("Record not found", "record", passes)
    };
    let (campaign_id, run_id) = names(path, missing)?;
    let held = shared.engine.lock();
    let campaign = campaign(&held, workspace, &campaign_id)?;
    let record = parse_id("run_id", &run_id).ok();
    let record = record.and_then(|id| held.world().record(campaign, id)).ok_or_else(missing)?;
    answer(Ok::<_, String>(show::record(held.world(), campaign, record)))
}

async fn records(
    State(shared): State<Arc<Shared>>,
    Extension(workspace): Extension<Workspace>,
    campaign_id: Names<String>,
    RawQuery(query): RawQuery,
    shift: Option<Extension<Shift>>,
) -> Handled {
    let campaign_id = names(campaign_id, no_campaign)?;
    let held = shared.engine.lock();
    let campaign = campaign(&held, workspace, &campaign_id)?;
    let query = query.unwrap_or_default();
    let number = validate::query_number;
    let page = number("page", last(&query, "page").as_deref(), 1, None);
    let most = Some(u64::from(MAX_PAGE_SIZE));
    let page_size = number("page_size", last(&query, "page_size").as_deref(), 50, most);
    let (page, page_size) = match (page, page_size) {
        (Ok(page), Ok(page_size)) => (page, page_size),
        (page, page_size) => {
            let faults = [page.err(), page_size.err()].into_iter().flatten().flatten();
            let passes = "page from 1, page_size from 1 to 200";
            return Err(Refusal::faults(faults.collect(), "query", passes));
        }
    };
    let shift = shift.map_or(0, |Extension(Shift(by))| by);
    let asked = PageRequest { status: last(&query, "status"), page, page_size, shift };
    answer(show::page(held.world(), campaign, &asked))
}

/// The last value of a name in a query.
pub(super) fn last(query: &str, name: &str) -> Option<String> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.filter(|(key, _)| key == name).last().map(|(_, value)| value.into_owned())
}

async fn status(
    State(shared): State<Arc<Shared>>,
    Extension(workspace): Extension<Workspace>,
    campaign_id: Names<String>,
) -> Handled {
    let campaign_id = names(campaign_id, no_campaign)?;
    let held = shared.engine.lock();
    let campaign = campaign(&held, workspace, &campaign_id)?;
    answer(show::campaign(held.world(), campaign))
}

async fn call(
    State(shared): State<Arc<Shared>>,
    Extension(workspace): Extension<Workspace>,
    call_id: Names<String>,
) -> Handled {
    let missing = || {
        let passes = "a call_id from the call_history of one of the workspace's records";
        Refusal::not_found("Call not found", "call", passes)
    };
    let held = shared.engine.lock();
    let call = parse_id("call_id", &names(call_id, missing)?).ok();
    let call = call.and_then(|id| held.world().call(workspace.0, id)).ok_or_else(missing)?;
    answer(Ok::<_, String>(show::call(held.world(), call, &shared.links, held.now())))
}

async fn recording(
    State(shared): State<Arc<Shared>>,
    file: Names<String>,
    RawQuery(query): RawQuery,
) -> Handled {
    let missing = || {
        let passes = "the recording_url of an answered call";
        Refusal::not_found("Recording not found", "recording", passes)
    };
    let file = names(file, missing)?;
    let query = query.unwrap_or_default();
    let held = shared.engine.lock();
    let id = file.strip_suffix(".wav").and_then(|id| parse_id("call_id", id).ok());
    let id = id.ok_or_else(missing)?;
    let expires = last(&query, "expires").and_then(|text| text.parse().ok()).unwrap_or_default();
    let signature = last(&query, "signature").unwrap_or_default();
    if let Some(refusal) = shared.links.refusal(id, expires, &signature, held.now()) {
        let passes = "a recording_url that Get Call Status gave within the last hour";
        return Err(Refusal::new(StatusCode::FORBIDDEN, refusal, "link", passes));
    }
    let call = held.world().any_call(id).map(|call| &held.world().calls()[call]);
    let call = call.ok_or_else(missing)?;
    Ok(([(header::CONTENT_TYPE, "audio/wav")], recording::wav(call)).into_response())
}
