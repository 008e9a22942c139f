//! Orders about time and the whole state.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Oops, read};
use crate::engine::Target;
use crate::routes::Shared;
use crate::time::{Seconds, Time};
use revrag::Error;
use revrag::model::Timestamp;

/// How often a wait for time by hand looks.
const TICK: Duration = Duration::from_millis(2);

fn now(shared: &Shared) -> Response {
    let held = shared.engine.lock();
    let (now, untold) = (Timestamp::from(held.now()), held.world().untold());
    Json(json!({"now": now, "webhooks_waiting": untold})).into_response()
}

pub(super) async fn time(State(shared): State<Arc<Shared>>) -> Answer {
    Ok(now(&shared))
}

/// Moves time, and waits for it to be there.
async fn go(shared: &Shared, target: Target, most: Option<Duration>) -> Answer {
    let aim = shared.engine.aim(target)?;
    let begun = Instant::now();
    while !shared.engine.wait(Duration::ZERO) {
        if most.is_some_and(|most| begun.elapsed() >= most) {
            shared.engine.halt(aim);
            let left = shared.engine.lock().world().untold();
            let detail = format!("{left} webhooks are still to be delivered; time stands still");
            return Err(Oops::new(StatusCode::REQUEST_TIMEOUT, detail));
        }
        tokio::time::sleep(TICK).await;
    }
    Ok(now(shared))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct By {
    #[serde(default)]
    days: f64,
    #[serde(default)]
    hours: f64,
    #[serde(default)]
    minutes: f64,
    #[serde(default)]
    seconds: f64,
}

pub(super) async fn advance(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let By { days, hours, minutes, seconds } = read(&headers, &body)?;
    let by = ((days * 24.0 + hours) * 60.0 + minutes) * 60.0 + seconds;
    let by = Duration::try_from_secs_f64(by)
        .map_err(|_| Error::invalid("time", "it never goes back, and not beyond all bounds"))?;
    let to = shared.engine.lock().now().after(Seconds::from(by));
    go(&shared, Target::At(to), None).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct To {
    to: String,
}

pub(super) async fn advance_to(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let To { to } = read(&headers, &body)?;
    let to: Timestamp = to.parse().map_err(|_| {
        Error::invalid("to", "it is no moment; write it as in \"2026-06-01T09:00:00+05:30\"")
    })?;
    go(&shared, Target::At(Time::from(to.0)), None).await
}

pub(super) async fn run_until_idle(State(shared): State<Arc<Shared>>) -> Answer {
    go(&shared, Target::Idle, None).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Within {
    #[serde(default = "half_a_minute")]
    timeout: Seconds,
}

fn half_a_minute() -> Seconds {
    Seconds::of(30)
}

pub(super) async fn run_until_delivered(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let Within { timeout } = read(&headers, &body)?;
    let most = Duration::from_secs_f64(timeout.as_f64());
    go(&shared, Target::Delivered, Some(most)).await
}

pub(super) async fn snapshot(State(shared): State<Arc<Shared>>) -> Answer {
    let bytes = shared.engine.snapshot()?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

pub(super) async fn restore(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    // A form of another site's page can send all but this.
    let kind = headers.get(header::CONTENT_TYPE).map(header::HeaderValue::as_bytes);
    if kind != Some(b"application/octet-stream") {
        let detail = "Content-Type must be application/octet-stream";
        return Err(Oops::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    shared.engine.restore(&body)?;
    Ok(now(&shared))
}

pub(super) async fn reset(State(shared): State<Arc<Shared>>) -> Answer {
    shared.reset()?;
    Ok(now(&shared))
}
