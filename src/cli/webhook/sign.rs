//! `revrag webhook sign`: the four headers of a body.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use super::{body, id, secret};
use crate::failure::{End, Failure};
use crate::output::Out;
use revrag::Error;
use revrag::webhook::{CALL_ENDED, UnixTime, Verifier};
use revrag::world::{System, World as _};

/// Sign a body: print the four headers with which it would be delivered
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file with the body; `-` is standard input
    #[arg(value_name = "BODY", default_value = "-")]
    body: PathBuf,
    #[command(flatten)]
    event: Event,
    #[command(flatten)]
    secret: secret::Place,
}

/// What the headers say beside the signature.
#[derive(Debug, clap::Args)]
pub(super) struct Event {
    /// The event's id; by default a new one
    #[arg(long = "event-id", value_name = "ID")]
    id: Option<String>,
    /// The event's type
    #[arg(long = "event-type", value_name = "TYPE", default_value = CALL_ENDED)]
    kind: String,
    /// When it is sent, in Unix seconds; by default now
    #[arg(long, value_name = "SECONDS")]
    timestamp: Option<i64>,
}

/// Headers, signed.
pub(super) type Signed = [(&'static str, String); 4];

impl Event {
    pub(super) fn sign(&self, verifier: &Verifier, body: &[u8]) -> Result<Signed, Error> {
        let id = self.id.clone().unwrap_or_else(|| id::of_bits(System.id().as_u128()));
        let now = || UnixTime::from(System.wall()).as_secs();
        verifier.sign(body, &id, &self.kind, self.timestamp.unwrap_or_else(now))
    }
}

pub(super) fn run(
    args: &Args,
    configured: &secret::Configured<'_>,
    out: &mut Out<'_>,
) -> Result<End, Failure> {
    let verifier =
        Verifier::new(args.secret.read_to_sign(configured)?, Duration::ZERO, Duration::ZERO)?;
    let body = body::read(&args.body)?;
    let headers = args.event.sign(&verifier, &body)?;
    if out.is_json() {
        let fields = headers.into_iter().map(|(name, value)| (name.to_owned(), value.into()));
        out.json(&fields.collect::<Map<String, Value>>())?;
    } else {
        for (name, value) in headers {
            out.line(format_args!("{name}: {value}"))?;
        }
    }
    Ok(End::Done)
}
