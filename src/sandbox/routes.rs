//! The endpoints of the reference.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Extension, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::Serialize;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::engine::{Engine, Held, Unpushed};
use super::record::Pushed;
use super::recording::{self, Links};
use super::show::{self, PageRequest};
use super::validate;
use crate::http::{MAX_PAGE_SIZE, parse_id};
use crate::model::{Document, PushOutcome, PushResult};
use crate::phone;

const MOST_BODY: usize = 10 << 20;

/// What every request shares.
pub(super) struct Shared {
    pub(super) engine: Engine,
    pub(super) links: Links,
    pub(super) requests: AtomicU64,
}

/// The workspace of a request's key, as an index.
#[derive(Clone, Copy)]
struct Workspace(usize);

/// The service.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/campaigns/{campaign_id}/records/push-bulk", post(push))
        .route("/v1/campaigns/{campaign_id}/records/{run_id}", get(record))
        .route("/v1/campaigns/{campaign_id}/records", get(records))
        .route("/v1/campaigns/{campaign_id}/status", get(status))
        .route("/v1/campaigns/trigger/status/{call_id}", get(call))
        .route("/recordings/{file}", get(recording))
        .fallback(|| async { Refusal::not_found("Not Found") })
        .method_not_allowed_fallback(|| async {
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        })
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .layer(middleware::from_fn_with_state(shared.clone(), admit))
        .with_state(shared.clone())
        .merge(super::dashboard::router(shared))
}

/// An answer other than 2xx.
struct Refusal(StatusCode, Value);

impl Refusal {
    fn new(status: StatusCode, detail: impl Into<Value>) -> Self {
        Self(status, detail.into())
    }

    fn not_found(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    fn faults(faults: validate::Faults) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, faults)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"detail": self.1}))).into_response()
    }
}

type Handled = Result<Response, Refusal>;

fn answer(body: Result<impl Serialize, impl std::fmt::Display>) -> Handled {
    body.map(|body| Json(body).into_response())
        .map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

/// Counts the request, names it, and lets in who has the key.
async fn admit(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    shared.requests.fetch_add(1, Ordering::Relaxed);
    // A presigned link is its own key.
    let open = request.uri().path().starts_with("/recordings/");
    let given = request.headers().get("X-API-Key").map(HeaderValue::as_bytes);
    let workspace = given.and_then(|given| {
        let held = shared.engine.lock();
        let keys = held.world().workspaces().iter().map(|it| it.api_key.expose().as_bytes());
        keys.enumerate().find(|(_, key)| bool::from(given.ct_eq(key))).map(|(index, _)| index)
    });
    let mut response = match workspace {
        Some(workspace) => {
            request.extensions_mut().insert(Workspace(workspace));
            next.run(request).await
        }
        None if open => next.run(request).await,
        None => {
            Refusal::new(StatusCode::UNAUTHORIZED, "Missing or invalid API key").into_response()
        }
    };
    if let Ok(id) = HeaderValue::try_from(Uuid::new_v4().to_string()) {
        response.headers_mut().insert("X-Request-ID", id);
    }
    response
}

fn campaign(held: &Held, workspace: Workspace, id: &str) -> Result<usize, Refusal> {
    let id = parse_id("campaign_id", id).ok();
    id.and_then(|id| held.world().campaign(workspace.0, id))
        .ok_or_else(|| Refusal::not_found("Campaign not found"))
}

async fn push(
    State(shared): State<Arc<Shared>>,
    Extension(workspace): Extension<Workspace>,
    Path(campaign_id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Handled {
    campaign(&shared.engine.lock(), workspace, &campaign_id)?;
    let body: Bytes = axum::body::to_bytes(body, MOST_BODY)
        .await
        .map_err(|_| Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "Request body too large"))?;
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
        return Err(Refusal::faults(validate::not_json_content(&body)));
    }
    // A large push is read on another thread: requests go on being answered on this one.
    let id = parse_id("campaign_id", &campaign_id).unwrap_or_default();
    let taken = tokio::task::spawn_blocking(move || take(&shared.engine, workspace, id, &body));
    taken.await.unwrap_or_else(|error| {
        Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
    })
}

/// Reads a push's body, and queues what is valid.
fn take(engine: &Engine, workspace: Workspace, campaign: Uuid, body: &[u8]) -> Handled {
    let records = validate::push(body).map_err(Refusal::faults)?;
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
        Unpushed::Unknown => Refusal::not_found("Campaign not found"),
        Unpushed::Status(status) => {
            let detail = format!("Cannot push records: campaign is {status}.");
            Refusal::new(StatusCode::BAD_REQUEST, detail)
        }
        Unpushed::Failed(error) => {
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
        }
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
    Path((campaign_id, run_id)): Path<(String, String)>,
) -> Handled {
    let held = shared.engine.lock();
    let campaign = campaign(&held, workspace, &campaign_id)?;
    let record = parse_id("run_id", &run_id).ok();
    let record = record.and_then(|id| held.world().record(campaign, id));
    let record = record.ok_or_else(|| Refusal::not_found("Record not found"))?;
    answer(Ok::<_, String>(show::record(held.world(), campaign, record)))
}

#[derive(Deserialize)]
struct Listing {
    status: Option<String>,
    page: Option<String>,
    page_size: Option<String>,
}

async fn records(
    State(shared): State<Arc<Shared>>,
    Extension(workspace): Extension<Workspace>,
    Path(campaign_id): Path<String>,
    Query(listing): Query<Listing>,
) -> Handled {
    let held = shared.engine.lock();
    let campaign = campaign(&held, workspace, &campaign_id)?;
    let number = validate::query_number;
    let page = number("page", listing.page.as_deref(), 1, None);
    let most = Some(u64::from(MAX_PAGE_SIZE));
    let page_size = number("page_size", listing.page_size.as_deref(), 50, most);
    let (page, page_size) = match (page, page_size) {
        (Ok(page), Ok(page_size)) => (page, page_size),
        (page, page_size) => {
            let faults = [page.err(), page_size.err()].into_iter().flatten().flatten();
            return Err(Refusal::faults(faults.collect()));
        }
    };
    let asked = PageRequest { status: listing.status, page, page_size };
    answer(show::page(held.world(), campaign, &asked))
}

async fn status(
    State(shared): State<Arc<Shared>>,
    Extension(workspace): Extension<Workspace>,
    Path(campaign_id): Path<String>,
) -> Handled {
    let held = shared.engine.lock();
    let campaign = campaign(&held, workspace, &campaign_id)?;
    answer(show::campaign(held.world(), campaign))
}

async fn call(
    State(shared): State<Arc<Shared>>,
    Extension(workspace): Extension<Workspace>,
    Path(call_id): Path<String>,
) -> Handled {
    let held = shared.engine.lock();
    let call = parse_id("call_id", &call_id).ok();
    let call = call.and_then(|id| held.world().call(workspace.0, id));
    let call = call.ok_or_else(|| Refusal::not_found("Call not found"))?;
    answer(Ok::<_, String>(show::call(held.world(), call, &shared.links, held.now())))
}

#[derive(Deserialize)]
struct Presigned {
    #[serde(default)]
    expires: i64,
    #[serde(default)]
    signature: String,
}

async fn recording(
    State(shared): State<Arc<Shared>>,
    Path(file): Path<String>,
    Query(link): Query<Presigned>,
) -> Handled {
    let held = shared.engine.lock();
    let id = file.strip_suffix(".wav").and_then(|id| parse_id("call_id", id).ok());
    let id = id.ok_or_else(|| Refusal::not_found("Recording not found"))?;
    let refusal = shared.links.refusal(id, link.expires, &link.signature, held.now());
    if let Some(refusal) = refusal {
        return Err(Refusal::new(StatusCode::FORBIDDEN, refusal));
    }
    let call = held.world().any_call(id).map(|call| &held.world().calls()[call]);
    let call = call.ok_or_else(|| Refusal::not_found("Recording not found"))?;
    Ok(([(header::CONTENT_TYPE, "audio/wav")], recording::wav(call)).into_response())
}
