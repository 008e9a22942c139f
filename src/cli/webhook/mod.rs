//! `revrag webhook …`: deliveries that are signed, verified, sent and tried out by hand.

#![allow(clippy::doc_markdown, reason = "help texts are read as they stand")]

mod body;
mod check;
mod diagnosis;
pub(super) mod endpoint;
mod headers;
pub(super) mod id;
mod sample;
pub(super) mod secret;
mod send;
mod sign;
mod verify;

use super::failure::{End, Failure};
use super::output::Out;
use super::settings::Chosen;

/// Sign, verify, send and try out webhook deliveries
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
    /// A profile of the settings file whose webhook_secret is used [env: REVRAG_PROFILE]
    #[arg(long, value_name = "NAME", global = true)]
    profile: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Sign(sign::Args),
    Verify(verify::Args),
    Send(send::Args),
    Check(check::Args),
}

pub(super) fn run(args: Args, out: &mut Out<'_>) -> Result<End, Failure> {
    let Args { verb, profile } = args;
    let load = || Ok(Chosen::load(profile.as_deref())?.profile.webhook_secret);
    let configured = secret::Configured { is_first: profile.is_some(), load: &load };
    match verb {
        Verb::Sign(args) => sign::run(&args, &configured, out),
        Verb::Verify(args) => verify::run(&args, &configured, out),
        Verb::Send(args) => send::run(&args, &configured, out),
        Verb::Check(args) => check::run(&args, &configured, out),
    }
}
