//! The endpoints of the reference.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
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

use super::server::Campaign;
use super::state::PageRequest;
use super::validate;
use crate::Secret;
use crate::http::{MAX_PAGE_SIZE, parse_id};
use crate::model::{Document, PushOutcome, PushResult};
use crate::phone;

const MOST_BODY: usize = 10 << 20;

/// What every request shares.
pub(super) struct Shared {
    pub(super) api_key: Secret,
    pub(super) campaign: Campaign,
    pub(super) requests: AtomicU64,
}

/// The service.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/campaigns/{campaign_id}/records/push-bulk", post(push))
        .route("/v1/campaigns/{campaign_id}/records/{run_id}", get(record))
        .route("/v1/campaigns/{campaign_id}/records", get(records))
        .route("/v1/campaigns/{campaign_id}/status", get(status))
        .route("/v1/campaigns/trigger/status/{call_id}", get(call))
        .fallback(|| async { Refusal::not_found("Not Found") })
        .method_not_allowed_fallback(|| async {
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        })
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .layer(middleware::from_fn_with_state(shared.clone(), admit))
        .with_state(shared)
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
async fn admit(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    shared.requests.fetch_add(1, Ordering::Relaxed);
    let given = request.headers().get("X-API-Key").map(HeaderValue::as_bytes);
    let known =
        given.is_some_and(|given| bool::from(given.ct_eq(shared.api_key.expose().as_bytes())));
    let mut response = if known {
        next.run(request).await
    } else {
        Refusal::new(StatusCode::UNAUTHORIZED, "Missing or invalid API key").into_response()
    };
    if let Ok(id) = HeaderValue::try_from(Uuid::new_v4().to_string()) {
        response.headers_mut().insert("X-Request-ID", id);
    }
    response
}

fn check_campaign(shared: &Shared, id: &str) -> Result<(), Refusal> {
    let known = shared.campaign.lock().state.campaign_id;
    match parse_id("campaign_id", id) {
        Ok(id) if id == known => Ok(()),
        _ => Err(Refusal::not_found("Campaign not found")),
    }
}

async fn push(
    State(shared): State<Arc<Shared>>,
    Path(campaign_id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Handled {
    check_campaign(&shared, &campaign_id)?;
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
    let records = validate::push(&body).map_err(Refusal::faults)?;
    let mut runner = shared.campaign.lock();
    if runner.state.status != "running" {
        let detail = format!("Cannot push records: campaign is {}.", runner.state.status);
        return Err(Refusal::new(StatusCode::BAD_REQUEST, detail));
    }
    let now = super::server::now();
    let mut results = Vec::with_capacity(records.len());
    let mut accepted = 0;
    for record in records {
        let phone_number = record.phone_number.clone();
        let outcome = if phone::is_valid_in_india(&phone_number) {
            accepted += 1;
            PushOutcome {
                run_id: Some(runner.push(record, now).to_string()),
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
        results.extend(Document::of(outcome));
    }
    drop(runner);
    shared.campaign.wake();
    let rejected = results.len() as u64 - accepted;
    answer(Ok::<_, String>(PushResult {
        accepted: Some(accepted.into()),
        rejected: Some(rejected.into()),
        results: results.into_iter().collect(),
    }))
}

async fn record(
    State(shared): State<Arc<Shared>>,
    Path((campaign_id, run_id)): Path<(String, String)>,
) -> Handled {
    check_campaign(&shared, &campaign_id)?;
    let record =
        parse_id("run_id", &run_id).ok().and_then(|id| shared.campaign.lock().state.record(id));
    answer(Ok::<_, String>(record.ok_or_else(|| Refusal::not_found("Record not found"))?))
}

#[derive(Deserialize)]
struct Listing {
    status: Option<String>,
    page: Option<String>,
    page_size: Option<String>,
}

async fn records(
    State(shared): State<Arc<Shared>>,
    Path(campaign_id): Path<String>,
    Query(listing): Query<Listing>,
) -> Handled {
    check_campaign(&shared, &campaign_id)?;
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
    answer(shared.campaign.lock().state.page(&asked))
}

async fn status(State(shared): State<Arc<Shared>>, Path(campaign_id): Path<String>) -> Handled {
    check_campaign(&shared, &campaign_id)?;
    answer(shared.campaign.lock().state.campaign_status())
}

async fn call(State(shared): State<Arc<Shared>>, Path(call_id): Path<String>) -> Handled {
    let call =
        parse_id("call_id", &call_id).ok().and_then(|id| shared.campaign.lock().state.call(id));
    answer(Ok::<_, String>(call.ok_or_else(|| Refusal::not_found("Call not found"))?))
}
