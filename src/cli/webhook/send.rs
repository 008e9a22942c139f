//! `revrag webhook send`: one signed delivery.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::endpoint::{Delivery, Endpoint};
use super::{body, sample, secret, sign};
use crate::connect::seconds;
use crate::failure::{End, Failure, Kind};
use crate::output::Out;
use crate::session;
use revrag::webhook::Verifier;
use revrag::world::{System, World as _};

/// Send a signed delivery: a made-up call, or a body of your own
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The endpoint
    #[arg(value_name = "URL")]
    url: String,
    /// A file with the body; `-` is standard input. By default a made-up call with an id of its own
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    #[command(flatten)]
    event: sign::Event,
    /// Seconds to wait for the answer
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    timeout: f64,
    #[command(flatten)]
    secret: secret::Place,
}

/// The beginning of an answer that is shown.
const SHOWN: usize = 300;

pub(super) fn run(
    args: &Args,
    configured: &secret::Configured<'_>,
    out: &mut Out<'_>,
) -> Result<End, Failure> {
    let endpoint = Endpoint::at("URL", &args.url, seconds("timeout", args.timeout)?)?;
    let verifier =
        Verifier::new(args.secret.read_to_sign(configured)?, Duration::ZERO, Duration::ZERO)?;
    let body = match &args.body {
        Some(path) => body::read(path)?,
        None => sample::call(System.id()).to_string().into_bytes(),
    };
    let headers = args.event.sign(&verifier, &body)?;
    let id = headers[3].1.clone();
    let answer =
        session::finish(async { Ok(endpoint.deliver(Delivery::of(headers, body)).await) })?;
    let answer = answer.map_err(|unanswered| {
        let url = endpoint.shown();
        Failure::Told(Kind::Connection, format!("{url} did not answer: {}", unanswered.cause))
    })?;
    let text: String = String::from_utf8_lossy(&answer.body).chars().take(SHOWN).collect();
    if out.is_json() {
        out.json(&json!({
            "id": id,
            "accepted": answer.is_accepted(),
            "status_code": answer.status,
            "elapsed": answer.elapsed.as_secs_f64(),
            "body": text,
        }))?;
    } else {
        let status = answer.status;
        let status = if answer.is_accepted() {
            out.good(format_args!("{status}, accepted"))
        } else {
            out.doubtful(format_args!("{status}, not accepted"))
        };
        let elapsed = answer.elapsed.as_millis();
        out.line(format_args!("{id}: the endpoint answered {status}, after {elapsed} ms"))?;
        if let Some(location) = &answer.location {
            let location = out.words(location);
            out.line(format_args!(
                "It redirects to {location}, where no delivery goes: use that URL itself"
            ))?;
        }
        if !text.trim().is_empty() {
            let text = out.words(text.trim());
            out.line(text)?;
        }
    }
    // Redelivered or not: the endpoint did not take it.
    Ok(if answer.is_accepted() { End::Done } else { End::Partly })
}
