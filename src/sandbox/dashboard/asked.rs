//! What a request says besides its path: whether numbers are shown, and what the last one led to.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use revrag::Result;

const SHOWN: &str = "revrag_numbers";
const NOTICE: &str = "revrag_notice";

/// What a page is asked for with.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The path and query, to come back to.
    pub(super) path: String,
    /// Whether phone numbers are shown whole.
    pub(super) shown: bool,
    /// What the last button led to.
    pub(super) notice: Option<Notice>,
}

/// What a button led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) text: String,
    pub(super) is_refusal: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Infallible> {
        let path = parts.uri.path_and_query().map_or("/", |it| it.as_str()).to_owned();
        let notice = cookie(&parts.headers, NOTICE).and_then(|text| {
            let text = percent_decode_str(&text).decode_utf8().ok()?;
            let (kind, text) = text.split_once(':')?;
            Some(Notice { text: text.to_owned(), is_refusal: kind == "no" })
        });
        let shown = cookie(&parts.headers, SHOWN).as_deref() == Some("shown");
        Ok(Self { path, shown, notice })
    }
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let mut pairs = all.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

/// The header that has a browser forget the notice.
pub(super) fn forget() -> (header::HeaderName, String) {
    (header::SET_COOKIE, format!("{NOTICE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"))
}

/// Back to a page of the dashboard, with the word of what was done, or why not.
pub(super) fn back(to: &str, done: Result<impl Into<String>>) -> Response {
    let (kind, text) = match done {
        Ok(text) => ("ok", text.into()),
        Err(error) => ("no", revrag::error::masked(&error.to_string())),
    };
    let text = format!("{kind}:{text}");
    let value = utf8_percent_encode(&text, NON_ALPHANUMERIC);
    let notice = format!("{NOTICE}={value}; Path=/; Max-Age=30; HttpOnly; SameSite=Strict");
    go(to, notice)
}

/// Back to a page, with numbers shown or masked from now on.
pub(super) fn show(to: &str, shown: bool) -> Response {
    let value = if shown { "shown" } else { "masked" };
    go(to, format!("{SHOWN}={value}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict"))
}

fn go(to: &str, cookie: String) -> Response {
    // Only to pages of this dashboard: `//host` would be another's.
    let own = to.starts_with('/') && !to.starts_with("//") && !to.contains(['\\', '\r', '\n']);
    let to = if own { to } else { "/" };
    let headers = [(header::LOCATION, to.to_owned()), (header::SET_COOKIE, cookie)];
    (StatusCode::SEE_OTHER, headers).into_response()
}
