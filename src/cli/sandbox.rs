//! `revrag sandbox`: the service in miniature, until it is interrupted.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::failure::{End, Failure};
use super::output::Out;
use super::session::interruption;
use crate::sandbox::{Config, DEFAULT_API_KEY, DEFAULT_CAMPAIGN_ID, Pace, Sandbox, Settings};
use crate::{Error, Secret};

/// Run the service in miniature on a loopback port. Prints its URL when it listens.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The port; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The API key it accepts. It guards nothing real
    #[arg(long, default_value = DEFAULT_API_KEY)]
    api_key: String,
    /// The campaign it runs
    #[arg(long, default_value_t = DEFAULT_CAMPAIGN_ID, value_name = "UUID")]
    campaign_id: Uuid,
    /// The campaign's status; only a running one accepts pushes
    #[arg(long, default_value = "running")]
    campaign_status: String,
    /// Where to tell of ended calls
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// The secret that signs those deliveries
    #[arg(long, env = "REVRAG_WEBHOOK_SECRET", hide_env_values = true, value_name = "SECRET")]
    webhook_secret: Option<String>,
    /// Let webhooks go to other machines, too
    #[arg(long)]
    allow_remote_webhooks: bool,
    /// Seconds that a request may take to arrive
    #[arg(long, default_value_t = 30.0, value_name = "SECONDS")]
    request_timeout: f64,
    /// Seconds from a push to its call
    #[arg(long, default_value_t = 0.2, value_name = "SECONDS")]
    dispatch_after: f64,
    /// Seconds a call lasts
    #[arg(long, default_value_t = 0.5, value_name = "SECONDS")]
    call_duration: f64,
    /// Calls at a time
    #[arg(long, default_value_t = 100, value_name = "N")]
    max_concurrency: usize,
    /// The share of calls that fail, from 0 to 1
    #[arg(long, default_value_t = 0.1, value_name = "SHARE")]
    failure_rate: f64,
    /// What ids and outcomes are drawn from
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many times as fast as outside its time passes
    #[arg(long, default_value_t = 1.0, value_name = "TIMES")]
    speed: f64,
    /// The file to keep the state in: another run goes on where this one was. It holds the keys too
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

pub(super) fn run(args: Args, out: &mut Out<'_>) -> Result<End, Failure> {
    let seconds = |name: &str, value: f64| {
        Duration::try_from_secs_f64(value)
            .map_err(|_| Error::invalid(name, "it must be a number of seconds, 0 or more"))
    };
    let config = Config {
        port: args.port,
        api_key: Secret::new(args.api_key),
        campaign_id: args.campaign_id,
        campaign_status: args.campaign_status,
        webhook_url: args.webhook_url,
        webhook_secret: args.webhook_secret.map(Secret::new),
        allow_remote_webhooks: args.allow_remote_webhooks,
        patience: seconds("request_timeout", args.request_timeout)?,
        settings: Settings {
            dispatch_after: seconds("dispatch_after", args.dispatch_after)?.into(),
            call_duration: seconds("call_duration", args.call_duration)?.into(),
            max_concurrency: args.max_concurrency,
            failure_rate: args.failure_rate,
            ..Settings::default()
        },
        #[allow(clippy::float_cmp, reason = "it is the default, as it stands")]
        pace: if args.speed == 1.0 { Pace::Real } else { Pace::Times(args.speed) },
        start: None,
        state: args.state,
        seed: args.seed,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sandbox = Sandbox::start(config)?;
    let campaign = sandbox.campaign_id();
    // Listening for signals comes before saying so, lest one arrive in between.
    runtime.block_on(async {
        let interrupted = interruption()?;
        if out.is_json() {
            out.json(&json!({"url": sandbox.url(), "campaign_id": campaign}))?;
        } else {
            out.line(sandbox.url())?;
        }
        out.flush()?;
        interrupted.await;
        Ok::<_, std::io::Error>(())
    })?;
    sandbox.stop();
    Ok(End::Done)
}
