//! What is ordered of a sandbox over HTTP, under `/_sandbox/`: for tests in any language, and for
//! people with only `curl`. It takes no API key, and orders from this machine alone.

mod handset;
mod openapi;
mod orders;
mod schemas;
mod state;
mod watch;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router, middleware};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::engine::Held;
use super::guard::guard;
use super::routes::Shared;
use revrag::Error;
use revrag::http::parse_id;

/// The largest order, in bytes.
const MOST_BODY: usize = 10 << 20;
/// The largest snapshot.
const MOST_SNAPSHOT: usize = 2 << 30;

type Orders = Router<Arc<Shared>>;
type Answer = Result<Response, Oops>;
/// The name in a path, unless it is no text.
type Name = Result<Path<String>, PathRejection>;

/// The orders there are.
const TABLE: [(&str, &str, &str); 37] = [
    ("GET", "/", "this list"),
    ("GET", "/openapi.json", "the same as an OpenAPI document, with what each takes and answers"),
    ("GET", "/readyz", "200 as soon as it listens"),
    ("GET", "/time", "the time"),
    ("POST", "/time/advance", "move manual time on: {\"hours\": 3}, or days, minutes, seconds"),
    (
        "POST",
        "/time/advance_to",
        "move manual time to a moment: {\"to\": \"2026-06-01T09:00:00Z\"}",
    ),
    ("POST", "/time/run_until_idle", "move manual time until nothing more happens to any record"),
    (
        "POST",
        "/time/run_until_delivered",
        "the same, and until every webhook is delivered or given up: {\"timeout\": 30}",
    ),
    ("POST", "/snapshot", "the whole state, as bytes; they hold keys and secrets"),
    ("POST", "/restore", "take back a snapshot: its bytes"),
    (
        "POST",
        "/reset",
        "begin anew, with what the settings say and nothing else, and with empty logs",
    ),
    ("GET", "/workspaces", "all workspaces"),
    ("POST", "/workspaces", "add one: {\"api_key\": \"…\", \"name\": \"…\"}"),
    (
        "PUT",
        "/workspaces/{workspace_id}/webhook",
        "say where calls are told of: {\"url\": \"http://127.0.0.1:…\", \"secret\": \"…\"}, or null",
    ),
    (
        "POST",
        "/workspaces/{workspace_id}/webhook/rotate",
        "sign with another secret, and with the old one too for a while: {\"secret\", \"overlap\"}",
    ),
    ("GET", "/campaigns", "all campaigns, with counts and what holds them up"),
    (
        "POST",
        "/campaigns",
        "add one: {\"campaign_id\", \"workspace_id\", \"status\", \"settings\"}, all optional",
    ),
    ("GET", "/campaigns/{campaign_id}", "one, with its settings"),
    ("PATCH", "/campaigns/{campaign_id}", "change it: {\"status\": \"paused\", \"settings\": {…}}"),
    ("GET", "/scripts", "how calls to numbers go"),
    (
        "PUT",
        "/scripts/{number}",
        "say how: [\"no_answer\", {\"outcome\": \"callback\", \"after\": 60}]",
    ),
    ("DELETE", "/scripts/{number}", "take a script away"),
    ("GET", "/dnc", "the Do-Not-Call lists"),
    ("PUT", "/dnc/{number}", "put a number on one: {\"reason\", \"workspace_id\"}, both optional"),
    ("DELETE", "/dnc/{number}", "take a number off all lists"),
    ("GET", "/handset", "the numbers that a person plays, and the call at each"),
    (
        "PUT",
        "/handset/{number}",
        "play the person of a number: its calls ring until they are answered",
    ),
    ("DELETE", "/handset/{number}", "play it no longer"),
    (
        "POST",
        "/handset/{number}",
        "do as that person: {\"act\": \"answer\"}, decline, say (with \"words\"), hang_up, callback, dnc",
    ),
    ("GET", "/faults", "the faults that may still strike"),
    (
        "POST",
        "/faults",
        "order one: {\"endpoint\": \"push\", \"kind\": \"status\", \"status\": 503}",
    ),
    ("DELETE", "/faults", "take all away"),
    ("DELETE", "/faults/{id}", "take one away"),
    ("GET", "/deliveries", "the last attempts to deliver webhooks, newest first"),
    ("POST", "/deliveries/{event_id}/resend", "deliver an event once more, under the same id"),
    ("POST", "/calls/{call_id}/resend", "tell of an ended call once more"),
    ("GET", "/requests", "the last requests to the service, newest first"),
];

/// The orders under `/_sandbox/`.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let orders = Orders::new()
        .route("/readyz", get(readyz))
        .route("/time", get(state::time))
        .route("/time/advance", post(state::advance))
        .route("/time/advance_to", post(state::advance_to))
        .route("/time/run_until_idle", post(state::run_until_idle))
        .route("/time/run_until_delivered", post(state::run_until_delivered))
        .route("/snapshot", post(state::snapshot))
        .route("/restore", post(state::restore).layer(DefaultBodyLimit::max(MOST_SNAPSHOT)))
        .route("/reset", post(state::reset))
        .route("/workspaces", get(orders::workspaces).post(orders::add_workspace))
        .route("/workspaces/{workspace_id}/webhook", put(orders::set_webhook))
        .route("/workspaces/{workspace_id}/webhook/rotate", post(orders::rotate_secret))
        .route("/campaigns", get(orders::campaigns).post(orders::add_campaign))
        .route("/campaigns/{campaign_id}", get(orders::campaign).patch(orders::change_campaign))
        .route("/scripts", get(orders::scripts))
        .route("/scripts/{number}", put(orders::script).delete(orders::unscript))
        .route("/dnc", get(orders::dnc))
        .route("/dnc/{number}", put(orders::bar).delete(orders::unbar))
        .route("/handset", get(handset::list))
        .route("/handset/{number}", put(handset::pick).delete(handset::put_away).post(handset::act))
        .route("/openapi.json", get(openapi::answer))
        .route("/faults", get(watch::faults).post(watch::fault).delete(watch::clear_faults))
        .route("/faults/{id}", delete(watch::clear_fault))
        .route("/deliveries", get(watch::deliveries))
        .route("/deliveries/{event_id}/resend", post(watch::resend))
        .route("/calls/{call_id}/resend", post(watch::resend_call))
        .route("/requests", get(watch::requests))
        .fallback(|| async {
            Oops::new(StatusCode::NOT_FOUND, "There is no such order; GET /_sandbox/ lists all")
        })
        .method_not_allowed_fallback(other_method)
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .layer(middleware::from_fn(guard))
        .with_state(shared);
    // A nested path without its last slash would be another.
    let list = get(table).fallback(other_method).layer(middleware::from_fn(guard));
    Router::new()
        .route("/_sandbox/", list.clone())
        .route("/_sandbox", list)
        .nest("/_sandbox", orders)
}

/// An order that was refused.
#[derive(Debug)]
pub(super) struct Oops(StatusCode, String);

impl Oops {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self(status, detail.into())
    }

    fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("There is no such {what}"))
    }
}

impl From<Error> for Oops {
    fn from(error: Error) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
    }
}

impl IntoResponse for Oops {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"detail": self.1}))).into_response()
    }
}

async fn table() -> Answer {
    let rows = TABLE.iter().map(|(method, path, what)| {
        json!({"method": method, "path": format!("/_sandbox{path}"), "what": what})
    });
    Ok(Json(rows.collect::<Value>()).into_response())
}

async fn other_method() -> Oops {
    let detail = "Another method is meant; GET /_sandbox/ lists all";
    Oops::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

async fn readyz(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let requests = shared.count.load(Ordering::Relaxed);
    Json(json!({"ready": true, "version": env!("CARGO_PKG_VERSION"), "requests": requests}))
}

/// Reads an order's body, an object. Where there is none, it is an empty one.
fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> Result<T, Oops> {
    // serde would take a list for an object's values in their order.
    if body.trim_ascii_start().starts_with(b"[") {
        let detail = "The body must be an object";
        return Err(Oops::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    read_any(headers, body)
}

/// The same of an order that takes something else.
fn read_any<T: DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> Result<T, Oops> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    // Another site's form can send all but this.
    if !body.is_empty() && !kind.eq_ignore_ascii_case("application/json") {
        let detail = "Content-Type must be application/json";
        return Err(Oops::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let text: &[u8] = if body.is_empty() { b"{}" } else { body };
    let mut reader = serde_json::Deserializer::from_slice(text);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let (path, problem) = (error.path().to_string(), error.inner().to_string());
        let detail = if path == "." { problem } else { format!("{path}: {problem}") };
        Oops::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    })
}

fn name(name: Name) -> Result<String, Oops> {
    let detail = "The path is no UTF-8";
    name.map(|Path(name)| name).map_err(|_| Oops::new(StatusCode::NOT_FOUND, detail))
}

/// The campaign of an id, whoever's it is.
fn campaign(held: &Held, id: &str) -> Result<usize, Oops> {
    let id = parse_id("campaign_id", id).ok();
    let found = id.and_then(|id| held.world().campaigns().iter().position(|it| it.id == id));
    found.ok_or_else(|| Oops::not_found("campaign"))
}

/// The workspace of an id, or the first.
fn workspace(held: &Held, id: Option<&str>) -> Result<usize, Oops> {
    let Some(id) = id else { return Ok(0) };
    let id = parse_id("workspace_id", id).ok();
    let found = id.and_then(|id| held.world().workspaces().iter().position(|it| it.id == id));
    found.ok_or_else(|| Oops::not_found("workspace"))
}

fn done() -> Response {
    StatusCode::NO_CONTENT.into_response()
}
