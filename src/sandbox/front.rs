//! What every request to the service passes: the log, the key, the limits, and faults on order.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use http_body::Body as _;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::Value;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::door::Cut;
use super::fault::{Act, Endpoint, Struck};
use super::faults;
use super::pieces::Pieces;
use super::refusal::Refusal;
use super::requests::{self, Rule};
use super::ring::Text;
use super::routes::{Shared, Workspace};
use revrag::http::SANDBOX;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The largest body, in bytes.
const MOST_BODY: usize = 10 << 20;
/// How much of a body that is too large is read before its sender is cut off.
const MOST_DRAINED: usize = 256 << 20;
/// The longest path that is kept, in characters.
const MOST_PATH: usize = 1_000;

/// By how many records a page is off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shift(pub(super) i64);

/// The layer.
pub(super) async fn front(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    shared.count.fetch_add(1, Ordering::Relaxed);
    let mut entry = Entry::new(&shared, &request);
    let mut response = match admit(&shared, request, &mut entry).await {
        Ok((parts, body)) => pass(&shared, parts, body, next, &mut entry).await,
        Err(refusal) => refusal.into_response(),
    };
    let now = shared.engine.lock().now().stamp();
    let own = [
        (REQUEST_ID, HeaderValue::try_from(entry.it.request_id.to_string()).ok()),
        // By its own time, as everything that it tells of its records.
        (header::DATE, http_date(now)),
        (header::SERVER, Some(HeaderValue::from_static(SANDBOX))),
    ];
    for (name, value) in own {
        if let Some(value) = value {
            // One that a fault was told to answer with stays.
            response.headers_mut().entry(name).or_insert(value);
        }
    }
    entry.answered(response).await
}

fn http_date(now: jiff::Timestamp) -> Option<HeaderValue> {
    let text = DateTimePrinter::new().timestamp_to_rfc9110_string(&now).ok()?;
    HeaderValue::try_from(text).ok()
}

/// Lets in who has the key, and takes the whole body.
async fn admit(
    shared: &Shared,
    request: Request,
    entry: &mut Entry<'_>,
) -> Result<(Parts, Bytes), Refusal> {
    let (mut parts, body) = request.into_parts();
    // A presigned link is its own key.
    let open = parts.uri.path().starts_with("/recordings/");
    let given = parts.headers.get("X-API-Key").map(HeaderValue::as_bytes);
    let workspace = given.and_then(|given| {
        let held = shared.engine.lock();
        let keys = held.world().workspaces().iter().map(|it| it.api_key.expose().as_bytes());
        keys.enumerate().find(|(_, key)| bool::from(given.ct_eq(key))).map(|(index, _)| index)
    });
    if workspace.is_none() && !open {
        let passes = "X-API-Key: the key of a workspace";
        let detail = "Missing or invalid API key";
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, detail, "api_key", passes));
    }
    entry.it.workspace = workspace;
    if let Some(workspace) = workspace {
        parts.extensions.insert(Workspace(workspace));
    }
    let length = parts.headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > MOST_BODY as u64)
        && parts.headers.contains_key(header::EXPECT)
    {
        // It is asked about before it is sent.
        return Err(too_large());
    }
    let body = match tokio::time::timeout(shared.patience, collect(body)).await {
        Ok(Ok(Some(body))) => body,
        Ok(Ok(None)) => return Err(too_large()),
        Ok(Err(())) => {
            let passes = "a body that is sent to its end";
            let status = StatusCode::BAD_REQUEST;
            return Err(Refusal::new(status, "Request body was cut off", "body_end", passes));
        }
        Err(_) => {
            let passes = "a body that arrives in time";
            let status = StatusCode::REQUEST_TIMEOUT;
            return Err(Refusal::new(status, "Request took too long", "patience", passes));
        }
    };
    entry.it.request_body = Text::of(&body);
    Ok((parts, body))
}

fn too_large() -> Refusal {
    let passes = "a body of at most 10 MiB";
    let status = StatusCode::PAYLOAD_TOO_LARGE;
    Refusal::new(status, "Request body too large", "body_size", passes)
}

/// The whole body; none where it is too large. Most of that is read all the same, and let go: who is
/// still sending does not read the answer.
async fn collect(body: Body) -> Result<Option<Bytes>, ()> {
    let mut body = pin!(body);
    let (mut whole, mut length) = (BytesMut::new(), 0_usize);
    while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
        let Ok(data) = frame.map_err(drop)?.into_data() else { continue };
        length += data.len();
        if length > MOST_DRAINED {
            return Ok(None);
        }
        if length <= MOST_BODY {
            whole.extend_from_slice(&data);
        } else {
            whole = BytesMut::new();
        }
    }
    Ok((length <= MOST_BODY).then(|| whole.freeze()))
}

/// Answers, or does what a fault has in its place.
async fn pass(
    shared: &Shared,
    parts: Parts,
    body: Bytes,
    next: Next,
    entry: &mut Entry<'_>,
) -> Response {
    let endpoint = endpoint(&parts);
    let records = || records(&body).map_or(0, |records| records.len() as u64);
    let struck = faults::strike(&mut shared.engine.lock(), endpoint, &records);
    let Some(Struck { id, kind, act }) = struck else {
        return next.run(Request::from_parts(parts, body.into())).await;
    };
    entry.it.rule = Some(Rule::new(
        format!("fault {id}: {}", kind.as_str()),
        "the same request, once the fault is over or cleared",
    ));
    let whole = |parts| Request::from_parts(parts, Body::from(body.clone()));
    match act {
        Act::Answer { status, body: said, headers, applied } => {
            apply(parts, &body, next, applied).await;
            made(status, said, &headers)
        }
        Act::Drop { applied } => {
            apply(parts, &body, next, applied).await;
            cut()
        }
        Act::Silence { seconds, applied } => {
            apply(parts, &body, next, applied).await;
            match seconds {
                Some(seconds) => sleep(seconds).await,
                None => std::future::pending().await,
            }
            cut()
        }
        Act::Late(seconds) => {
            let request = whole(parts);
            tokio::spawn(async move {
                sleep(seconds).await;
                next.run(request).await
            });
            cut()
        }
        Act::Delay(seconds) => {
            let response = next.run(whole(parts)).await;
            sleep(seconds).await;
            response
        }
        Act::Slow(seconds) => {
            let (head, body) = taken(next.run(whole(parts)).await).await;
            Response::from_parts(head, Body::new(Pieces::slow(body, seconds)))
        }
        Act::Truncate => {
            let (mut head, body) = taken(next.run(whole(parts)).await).await;
            // What was promised is more than what comes.
            head.headers.insert(header::CONTENT_LENGTH, body.len().into());
            Response::from_parts(head, Body::new(Pieces::half(body)))
        }
        Act::Refuse(seconds) => {
            let mut response = next.run(whole(parts)).await;
            // So that nobody sends another request on it.
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
            shared.door.shut_now(Duration::from_secs_f64(seconds)).await;
            response
        }
        Act::Shift(by) => {
            let mut request = whole(parts);
            request.extensions_mut().insert(Shift(by));
            next.run(request).await
        }
        // Of deliveries only.
        Act::Duplicate | Act::Reorder => next.run(whole(parts)).await,
    }
}

/// Applies the first share of a request, and drops its answer.
async fn apply(mut parts: Parts, body: &Bytes, next: Next, share: f64) {
    if share <= 0.0 {
        return;
    }
    let mut body = body.clone();
    if share < 1.0
        && let Some(mut records) = records(&body)
    {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a length"
        )]
        records.truncate((records.len() as f64 * share).round() as usize);
        if records.is_empty() {
            return;
        }
        body = serde_json::json!({ "records": records }).to_string().into();
        parts.headers.insert(header::CONTENT_LENGTH, body.len().into());
    }
    next.run(Request::from_parts(parts, body.into())).await;
}

/// The records of a push's body, where it can be read.
fn records(body: &[u8]) -> Option<Vec<Value>> {
    match serde_json::from_slice::<Value>(body).ok()?.get_mut("records")?.take() {
        Value::Array(records) => Some(records),
        _ => None,
    }
}

fn endpoint(parts: &Parts) -> Endpoint {
    let segments: Vec<_> = parts.uri.path().split('/').skip(1).collect();
    match (&parts.method, &*segments) {
        (&Method::POST, ["v1", "campaigns", _, "records", "push-bulk"]) => Endpoint::Push,
        (&Method::GET, ["v1", "campaigns", "trigger", "status", _]) => Endpoint::Call,
        (&Method::GET, ["v1", "campaigns", _, "records"]) => Endpoint::Records,
        (&Method::GET, ["v1", "campaigns", _, "records", _]) => Endpoint::Record,
        (&Method::GET, ["v1", "campaigns", _, "status"]) => Endpoint::Status,
        (&Method::GET, ["recordings", _]) => Endpoint::Recording,
        _ => Endpoint::Any,
    }
}

fn made(status: u16, body: Vec<u8>, headers: &[(String, String)]) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    let all: HeaderMap = headers
        .iter()
        .filter_map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, value.parse().ok()?)))
        .collect();
    response.headers_mut().extend(all);
    response
}

fn cut() -> Response {
    let mut response = Response::default();
    response.extensions_mut().insert(Cut);
    response
}

async fn sleep(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

/// A response in whole. All of the service's are made in memory.
async fn taken(response: Response) -> (axum::http::response::Parts, Bytes) {
    let (head, body) = response.into_parts();
    (head, axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default())
}

/// A line of the log in the making: written when it goes, were it because the client has gone.
struct Entry<'a> {
    shared: &'a Shared,
    begun: Instant,
    it: requests::Request,
}

impl<'a> Entry<'a> {
    fn new(shared: &'a Shared, request: &Request) -> Self {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let it = requests::Request {
            id: 0,
            request_id: Uuid::new_v4(),
            at: super::time::Time::default(),
            seconds: 0.0,
            method: request.method().as_str().chars().take(MOST_PATH).collect(),
            path: path.chars().take(MOST_PATH).collect(),
            workspace: None,
            status: None,
            request_body: Text::default(),
            response_body: Text::default(),
            rule: None,
        };
        Self { shared, begun: Instant::now(), it }
    }

    /// Notes what is answered.
    async fn answered(mut self, mut response: Response) -> Response {
        if let Some(rule) = response.extensions_mut().remove::<Rule>() {
            self.it.rule = Some(rule);
        }
        if response.extensions().get::<Cut>().is_some() {
            return response;
        }
        self.it.status = Some(response.status().as_u16());
        let struck = self.it.rule.as_ref().is_some_and(|rule| rule.name.starts_with("fault"));
        if struck {
            // It may be in pieces on purpose.
            return response;
        }
        let (head, body) = taken(response).await;
        let kind = head.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
        if kind.is_some_and(|kind| kind.starts_with(b"audio/")) {
            self.it.response_body.bytes = body.len() as u64;
        } else {
            self.it.response_body = Text::of(&body);
        }
        Response::from_parts(head, body.into())
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.it.seconds = self.begun.elapsed().as_secs_f64();
        self.it.at = self.shared.engine.lock().now();
        let it = self.it.clone();
        self.shared.requests.push(|id| requests::Request { id, ..it });
    }
}
