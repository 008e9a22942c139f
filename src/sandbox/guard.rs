//! Who may give orders: this machine's programs and the sandbox's own pages, and no other site.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// The layer: refuses foreign `Host` headers, and requests that another site's page makes.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    match refusal(request.method(), request.headers()) {
        Some(why) => (StatusCode::FORBIDDEN, Json(json!({"detail": why}))).into_response(),
        None => next.run(request).await,
    }
}

/// Why a request is refused, if it is.
pub(super) fn refusal(method: &Method, headers: &HeaderMap) -> Option<&'static str> {
    let text = |name: &HeaderName| headers.get(name).map(|it| it.to_str().unwrap_or("?"));
    // A name of somebody else's may be made to lead here.
    let host = text(&header::HOST).unwrap_or_default();
    if headers.get_all(header::HOST).iter().count() != 1 || !is_here(host) {
        return Some("The Host header names another machine; use 127.0.0.1 or localhost");
    }
    if let Some(origin) = text(&header::ORIGIN)
        && origin.strip_prefix("http://") != Some(host)
    {
        return Some("The request comes from another site's page");
    }
    let fetch = |name| text(&HeaderName::from_static(name));
    let site = fetch("sec-fetch-site").unwrap_or("none");
    // A link from elsewhere may be followed: it changes nothing, and who set it sees nothing.
    let follows = method == Method::GET && fetch("sec-fetch-mode") == Some("navigate");
    if !["same-origin", "none"].contains(&site) && !follows {
        return Some("The request comes from another site's page");
    }
    None
}

fn is_here(host: &str) -> bool {
    let Ok(url) = url::Url::parse(&format!("http://{host}/")) else { return false };
    if !url.username().is_empty() || url.password().is_some() || url.path() != "/" {
        return false;
    }
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(method: &Method, headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        refusal(method, &headers).is_some()
    }

    #[test]
    fn only_this_machine_is_here() {
        for host in ["127.0.0.1", "127.0.0.1:80", "localhost:9", "[::1]:9", "LOCALHOST"] {
            assert!(!refused(&Method::GET, &[("host", host)]), "{host}");
        }
        let foreign = [
            "evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "0.0.0.0",
            "x@localhost",
            "",
            "a/b",
        ];
        for host in foreign {
            assert!(refused(&Method::GET, &[("host", host)]), "{host}");
        }
        assert!(refused(&Method::GET, &[]));
        assert!(refused(&Method::GET, &[("host", "localhost"), ("host", "localhost")]));
    }

    #[test]
    fn other_sites_give_no_orders() {
        let here = ("host", "localhost:9");
        assert!(!refused(&Method::POST, &[here, ("origin", "http://localhost:9")]));
        for origin in ["http://localhost:8", "https://localhost:9", "http://evil.example", "null"] {
            assert!(refused(&Method::POST, &[here, ("origin", origin)]), "{origin}");
        }
        let site = |site| ("sec-fetch-site", site);
        assert!(!refused(&Method::POST, &[here, site("same-origin")]));
        assert!(refused(&Method::POST, &[here, site("cross-site")]));
        assert!(refused(&Method::POST, &[here, site("same-site")]));
        assert!(refused(&Method::GET, &[here, site("cross-site")]));
        let follow = ("sec-fetch-mode", "navigate");
        assert!(!refused(&Method::GET, &[here, site("cross-site"), follow]));
        assert!(refused(&Method::POST, &[here, site("cross-site"), follow]));
    }
}
