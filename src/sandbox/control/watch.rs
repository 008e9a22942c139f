//! Orders of faults, and what the logs hold.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Answer, Name, Oops, done, name, read};
use crate::ring::Log;
use crate::routes::{Shared, last};
use revrag::http::parse_id;

pub(super) async fn faults(State(shared): State<Arc<Shared>>) -> Answer {
    Ok(Json(shared.faults()).into_response())
}

pub(super) async fn fault(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let id = shared.order_fault(read(&headers, &body)?)?;
    Ok((StatusCode::CREATED, Json(json!({"id": id}))).into_response())
}

pub(super) async fn clear_faults(State(shared): State<Arc<Shared>>) -> Answer {
    shared.clear_faults(None)?;
    Ok(done())
}

pub(super) async fn clear_fault(State(shared): State<Arc<Shared>>, id: Name) -> Answer {
    let id = name(id)?.parse().map_err(|_| Oops::not_found("fault"))?;
    shared.clear_faults(Some(id))?;
    Ok(done())
}

/// The newest entries of a log: `limit` of them, 100 unless told.
fn newest<T: Serialize>(log: &Log<T>, query: Option<&str>) -> Answer {
    let limit = query.and_then(|query| last(query, "limit"));
    let limit = limit
        .map_or(Ok(100), |limit| limit.parse())
        .map_err(|_| Oops::new(StatusCode::UNPROCESSABLE_ENTITY, "limit: it must be a number"))?;
    let ring = log.lock();
    let items: Result<Vec<Value>, _> = ring.iter().take(limit).map(serde_json::to_value).collect();
    let items =
        items.map_err(|error| Oops::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(Json(json!({"items": items, "total": ring.count()})).into_response())
}

pub(super) async fn deliveries(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Answer {
    newest(&shared.deliveries, query.as_deref())
}

pub(super) async fn requests(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Answer {
    newest(&shared.requests, query.as_deref())
}

pub(super) async fn resend(State(shared): State<Arc<Shared>>, event_id: Name) -> Answer {
    let event_id = name(event_id)?;
    shared.resend(&event_id)?;
    Ok((StatusCode::ACCEPTED, Json(json!({"event_id": event_id}))).into_response())
}

pub(super) async fn resend_call(State(shared): State<Arc<Shared>>, call_id: Name) -> Answer {
    let id = parse_id("call_id", &name(call_id)?).ok();
    let call = id.and_then(|id| shared.engine.lock().world().any_call(id));
    let call = call.ok_or_else(|| Oops::not_found("call"))?;
    shared.engine.resend(call)?;
    let event_id = shared.engine.lock().world().event_id(call);
    Ok((StatusCode::ACCEPTED, Json(json!({"event_id": event_id}))).into_response())
}
