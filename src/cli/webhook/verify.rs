//! `revrag webhook verify`: whether a delivery is the service's, and what is wrong with it if not.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::{body, diagnosis, headers, secret};
use crate::connect::seconds;
use crate::failure::{End, Failure};
use crate::output::Out;
use revrag::webhook::{Headers, Reason, UnixTime, Verifier};
use revrag::world::{System, World as _};

/// Verify a delivery that was kept: its body to the byte, and its headers
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file with the raw body; `-` is standard input
    #[arg(value_name = "BODY", default_value = "-")]
    body: PathBuf,
    /// A file with the headers: `Name: value` on each line, or JSON
    #[arg(long, value_name = "FILE", required_unless_present = "header")]
    headers: Option<PathBuf>,
    /// A header, as often as needed
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// How old, or how far ahead of the clock, it may be, in seconds
    #[arg(long, default_value_t = 300.0, value_name = "SECONDS")]
    tolerance: f64,
    /// The time at which it arrived, in Unix seconds; by default now
    #[arg(long, value_name = "SECONDS")]
    at: Option<i64>,
    #[command(flatten)]
    secret: secret::Place,
}

pub(super) fn run(
    args: &Args,
    configured: &secret::Configured<'_>,
    out: &mut Out<'_>,
) -> Result<End, Failure> {
    let tolerance = seconds("tolerance", args.tolerance)?;
    let secrets = args.secret.read(configured)?;
    let verifier = Verifier::new(secrets.iter().cloned(), tolerance, tolerance)?;
    let pairs = given_headers(args)?;
    let offered = || Headers::pick(pairs.iter().map(|(name, value)| (name, value.as_bytes())));
    let body = body::read(&args.body)?;
    let now = args.at.map_or_else(|| UnixTime::from(System.wall()), UnixTime::from_secs);
    match verifier.verify(&body, &offered(), now) {
        Ok(event) => {
            let call = event.call.as_ref().and_then(|call| call.call_id.clone());
            if out.is_json() {
                out.json(&json!({
                    "valid": true,
                    "id": event.id,
                    "type": event.event_type,
                    "timestamp": event.timestamp,
                    "call_id": call,
                }))?;
            } else {
                let (valid, kind) = (out.good("valid"), out.words(&event.event_type));
                let id = out.words(&event.id);
                let call =
                    call.map_or_else(String::new, |call| format!(", call {}", out.words(&call)));
                let sent = diagnosis::moment(event.timestamp);
                out.line(format_args!("{valid}: {kind} {id}{call}, sent {sent}"))?;
            }
            Ok(End::Done)
        }
        Err(error) => {
            let hints = diagnosis::of(&error, &body, &offered(), &secrets, now);
            if out.is_json() {
                let reason = name_of(error.reason);
                let problem = error.message;
                out.json(&json!({
                    "valid": false, "reason": reason, "problem": problem, "hints": hints,
                }))?;
            } else {
                let invalid = out.bad("not valid");
                out.line(format_args!("{invalid}: {}", error.message))?;
                for hint in hints {
                    out.line(format_args!("- {hint}"))?;
                }
            }
            Ok(End::Partly)
        }
    }
}

fn given_headers(args: &Args) -> Result<Vec<(String, String)>, Failure> {
    let mut pairs = Vec::new();
    if let Some(path) = &args.headers {
        let text = std::fs::read(path).map_err(|error| Failure::file(path, &error))?;
        let read = headers::read(&String::from_utf8_lossy(&text));
        let problem = |problem| Failure::flag("headers", format!("{}: {problem}", path.display()));
        pairs = read.map_err(problem)?;
    }
    for line in &args.header {
        let pair = headers::pair(line);
        pairs.push(pair.ok_or_else(|| Failure::flag("header", "it is no `Name: value`"))?);
    }
    Ok(pairs)
}

const fn name_of(reason: Reason) -> &'static str {
    match reason {
        Reason::MissingHeader => "missing_header",
        Reason::MalformedHeader => "malformed_header",
        Reason::TimestampOutOfTolerance => "timestamp_out_of_tolerance",
        Reason::SignatureMismatch => "signature_mismatch",
        Reason::InvalidPayload => "invalid_payload",
    }
}

/// A tolerance that everything is within.
pub(super) const ANY_TIME: Duration = Duration::MAX;
