//! What the service's answer means.

use super::finding::Finding;
use super::network::certificate_remedy;
use crate::failure::Kind;
use revrag::Error;
use revrag::http::Obstacle;

/// What there is to say of the key, the campaign and the service.
pub(super) fn of(asked: Result<(), &Error>, has_campaign: bool) -> Vec<Finding> {
    let Err(error) = asked else {
        return vec![key_is_good(), Finding::good("service", "it answers as documented")];
    };
    match error {
        Error::Status(refusal) => refused(refusal.status, error, has_campaign),
        Error::Timeout { after, .. } => vec![Finding::bad(
            "service",
            Kind::Connection,
            format!("it took a connection and did not answer within {} s", after.as_secs_f64()),
            "try again in a few minutes; if it stays so, raise --timeout and tell contact@revrag.ai",
        )],
        Error::Connection { cause, .. } => vec![broken(cause)],
        Error::InvalidResponse { .. } => vec![Finding::bad(
            "service",
            Kind::Refused,
            error.to_string(),
            "something in between may have answered, as the login page of a network: open the URL in a \
             browser; and check --base-url",
        )],
        other => vec![Finding::bad("service", Kind::Refused, other.to_string(), "correct it")],
    }
}

fn key_is_good() -> Finding {
    Finding::good("key", "the service accepts it")
}

fn refused(status: u16, error: &Error, has_campaign: bool) -> Vec<Finding> {
    let said = crate::failure::in_flags(&error.to_string());
    match status {
        401 => vec![Finding::bad(
            "key",
            Kind::Refused,
            said,
            "copy the key from the dashboard anew. A key of staging is none of production, and the other way \
             round: see --base-url",
        )],
        403 => vec![Finding::bad(
            "key",
            Kind::Refused,
            said,
            "the key is known and may not read this campaign: use one of the campaign's workspace",
        )],
        404 if has_campaign => vec![
            key_is_good(),
            Finding::bad(
                "campaign",
                Kind::Refused,
                "the workspace of this key has no such campaign",
                "copy the id from the campaign's page in the dashboard, and check that key and campaign \
                 are of one workspace",
            ),
        ],
        404 => vec![
            key_is_good(),
            Finding::unknown(
                "campaign",
                "none was named: pass --campaign-id to have it looked at, too",
            ),
        ],
        429 => vec![Finding::doubtful(
            "service",
            said,
            "it is asked too often at this moment: who else uses this key?",
        )],
        300..=399 => vec![Finding::bad(
            "service",
            Kind::Refused,
            said,
            "it redirects: set --base-url to the URL itself, with https and without a path that is not its \
             own",
        )],
        500..=599 => vec![Finding::bad(
            "service",
            Kind::Refused,
            said,
            "it is the service that fails: try again in a few minutes, and tell contact@revrag.ai if it \
             stays so",
        )],
        _ => {
            vec![Finding::bad("service", Kind::Refused, said, "check --base-url and --campaign-id")]
        }
    }
}

/// A request that went wrong where the way was open; through a proxy it tells of certificates, too.
fn broken(cause: &str) -> Finding {
    let doubts = [
        ("UnknownIssuer", Obstacle::UnknownIssuer),
        ("Expired", Obstacle::OutOfDate),
        ("NotValidYet", Obstacle::OutOfDate),
        ("NotValidForName", Obstacle::WrongName),
    ];
    let doubt = doubts.into_iter().find(|(name, _)| cause.contains(name));
    match doubt {
        Some((_, doubt)) => {
            Finding::bad("certificate", Kind::Connection, cause, certificate_remedy(doubt))
        }
        None => Finding::bad(
            "service",
            Kind::Connection,
            format!("the connection broke: {cause}"),
            "try again; if it stays so, something in between cuts connections: a firewall, a proxy",
        ),
    }
}
