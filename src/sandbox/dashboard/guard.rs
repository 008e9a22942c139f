//! Who may look: this machine's browser, and no other site in it.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use url::{Host, Url};

/// Nothing but what the sandbox itself serves, and no script within a page: a pushed text that got
/// past the escaping would still do nothing.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Without a referrer at all, a browser hides the origin of the forms, too.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Lets in what comes from the dashboard itself, and says what a browser may do with the answer.
pub(super) async fn admit(request: Request, next: Next) -> Response {
    let mut response = match refusal(request.method(), request.headers()) {
        Some(why) => (StatusCode::FORBIDDEN, why).into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn refusal(method: &Method, headers: &HeaderMap) -> Option<&'static str> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok()).unwrap_or_default();
    // A name that somebody else's DNS points here would make their page this one's.
    if hosts.next().is_some() || !is_loopback(host) {
        return Some(
            "The dashboard answers to 127.0.0.1, [::1] and localhost only: this Host header names \
             another. Open the address that the sandbox printed.",
        );
    }
    if matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    let site = text(HeaderName::from_static("sec-fetch-site"));
    let foreign_site = headers.contains_key("sec-fetch-site") && site != Some("same-origin");
    let origin = text(header::ORIGIN).unwrap_or_default();
    let own = origin.strip_prefix("http://").is_some_and(|it| it.eq_ignore_ascii_case(host));
    let foreign_origin = headers.contains_key(header::ORIGIN) && !own;
    (foreign_site || foreign_origin).then_some(
        "This request comes from another site's page, so nothing was changed. Use the buttons of \
         the dashboard itself.",
    )
}

fn is_loopback(host: &str) -> bool {
    let Ok(url) = Url::parse(&format!("http://{host}/")) else { return false };
    let plain = url.username().is_empty() && url.password().is_none();
    let alone = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    plain
        && alone
        && match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &Method, headers: &[(&'static str, &str)]) -> bool {
        let pairs = headers.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap_or_else(|_| panic!()),
            )
        });
        refusal(method, &pairs.collect()).is_none()
    }

    #[test]
    fn only_loopback_names_are_hosts() {
        for host in ["127.0.0.1:8000", "localhost:8000", "LOCALHOST", "[::1]:9", "127.0.0.1"] {
            assert!(asked(&Method::GET, &[("host", host)]), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:8000",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "localhost@evil.example",
            "localhost/x",
            "evil.example#localhost",
            "localhost.evil",
            "localhost?",
            "0.0.0.0:80",
        ] {
            assert!(!asked(&Method::GET, &[("host", host)]), "{host}");
        }
        assert!(!asked(&Method::GET, &[]));
    }

    #[test]
    fn other_sites_change_nothing() {
        let host = ("host", "127.0.0.1:8000");
        let ours = ("origin", "http://127.0.0.1:8000");
        assert!(asked(&Method::POST, &[host]));
        assert!(asked(&Method::POST, &[host, ours, ("sec-fetch-site", "same-origin")]));
        assert!(asked(&Method::GET, &[host, ("sec-fetch-site", "cross-site")]));
        for header in [
            ("origin", "null"),
            ("origin", "https://127.0.0.1:8000"),
            ("origin", "http://127.0.0.1:9000"),
            ("origin", "http://evil.example"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "none"),
        ] {
            assert!(!asked(&Method::POST, &[host, header]), "{header:?}");
        }
        assert!(!asked(&Method::POST, &[host, ours, ("sec-fetch-site", "same-site")]));
    }
}
