//! What the way to the service is like.

use super::finding::Finding;
use crate::failure::Kind;
use revrag::http::{Obstacle, Stage, Step};

/// The proxy that is gone through.
pub(super) fn proxy(shown: Option<&str>) -> Finding {
    match shown {
        Some(shown) => Finding::good("proxy", format!("requests go through {shown}")),
        None => Finding::good("proxy", "none"),
    }
}

/// A stage of the way.
pub(super) fn of(step: &Step) -> Finding {
    let target = &step.target;
    let subject = match (step.stage, step.is_to_proxy) {
        (Stage::Tunnel, _) | (Stage::Connect, true) => "proxy",
        (Stage::Resolve, _) => "DNS",
        (Stage::Connect, false) => "connection",
        (Stage::Certificate, _) => "certificate",
    };
    let (obstacle, text) = match &step.outcome {
        Ok(found) => return Finding::good(subject, format!("{target}: {found}")),
        Err((obstacle, text)) => (*obstacle, text),
    };
    let remedy = match (step.stage, obstacle) {
        (Stage::Resolve, _) if step.is_to_proxy => {
            "correct the proxy's name in HTTPS_PROXY or --proxy, or pass --proxy none"
        }
        (Stage::Resolve, _) => {
            "check the name in --base-url or REVRAG_BASE_URL, this machine's name servers \
             (/etc/resolv.conf), and whether it has to go through a proxy (HTTPS_PROXY)"
        }
        (Stage::Connect, Obstacle::Refused) if step.is_to_proxy => {
            "nobody listens there: is the proxy running, and the port right? --proxy none goes without one"
        }
        (Stage::Connect, _) if step.is_to_proxy => {
            "check that the proxy is reachable from here; --proxy none goes without one"
        }
        (Stage::Connect, Obstacle::Refused) => {
            "nobody listens there: check host and port in --base-url or REVRAG_BASE_URL"
        }
        (Stage::Connect, _) => {
            "a firewall may drop the packets: does this machine have to go through a proxy (HTTPS_PROXY)?"
        }
        (Stage::Tunnel, Obstacle::ProxyStatus(407)) => {
            "the proxy wants a user name and a password: http://user:password@proxy:port"
        }
        (Stage::Tunnel, Obstacle::ProxyStatus(403)) => {
            "the proxy does not let this host through: have it allowed, or name it in NO_PROXY"
        }
        (Stage::Tunnel, _) => "ask whoever runs the proxy; --proxy none goes without one",
        (Stage::Certificate, doubt) => certificate_remedy(doubt),
    };
    Finding::bad(subject, Kind::Connection, format!("{target}: {text}"), remedy)
}

/// What mends a certificate that is not trusted.
pub(super) const fn certificate_remedy(doubt: Obstacle) -> &'static str {
    match doubt {
        Obstacle::UnknownIssuer => {
            "nobody whom this machine trusts signed it. Where a proxy of your company opens connections, \
             name its certificate with --ca-bundle or SSL_CERT_FILE; else update the package \
             ca-certificates"
        }
        Obstacle::OutOfDate => {
            "it has expired, or is not valid yet, by this machine's clock: check the clock first"
        }
        Obstacle::WrongName => {
            "it is another host's: check the name in --base-url or REVRAG_BASE_URL"
        }
        _ => {
            "the other side speaks no TLS that this version speaks: check host and port in --base-url"
        }
    }
}
