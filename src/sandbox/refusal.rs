//! An answer other than 2xx, and the rule behind it.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::requests::Rule;
use super::validate;

/// An answer other than 2xx.
#[derive(Debug)]
pub(super) struct Refusal(Box<Told>);

#[derive(Debug)]
struct Told {
    status: StatusCode,
    detail: Value,
    rule: Rule,
}

impl Refusal {
    /// Refuses by the rule of this name, and says what would have passed it.
    pub(super) fn new(
        status: StatusCode,
        detail: impl Into<Value>,
        rule: &'static str,
        passes: &'static str,
    ) -> Self {
        let rule = Rule::new(rule, passes);
        Self(Box::new(Told { status, detail: detail.into(), rule }))
    }

    pub(super) fn not_found(detail: &str, rule: &'static str, passes: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail, rule, passes)
    }

    pub(super) fn faults(
        faults: validate::Faults,
        rule: &'static str,
        passes: &'static str,
    ) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, faults, rule, passes)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Told { status, detail, rule } = *self.0;
        let mut response = (status, Json(json!({"detail": detail}))).into_response();
        response.extensions_mut().insert(rule);
        response
    }
}
