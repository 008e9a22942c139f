//! `revrag sandbox`: the service in miniature, until it is interrupted.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::failure::{End, Failure};
use super::output::Out;
use super::session::interruption;
use revrag::{Error, Secret};
use revrag_sandbox::{Config, Sandbox};

/// Run the service in miniature on a loopback port. Prints its URL when it listens.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A TOML file of workspaces, campaigns, scripts and faults. Flags go before what it says
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// The port; 0 takes a free one [default: 0]
    #[arg(long)]
    port: Option<u16>,
    /// The API key it accepts. It guards nothing real [default: sandbox-key]
    #[arg(long)]
    api_key: Option<String>,
    /// The campaign it runs [default: 11111111-1111-1111-1111-111111111111]
    #[arg(long, value_name = "UUID")]
    campaign_id: Option<Uuid>,
    /// The campaign's status; only a running one accepts pushes [default: running]
    #[arg(long)]
    campaign_status: Option<String>,
    /// Where to tell of ended calls
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// The secret that signs those deliveries
    #[arg(long, env = "REVRAG_WEBHOOK_SECRET", hide_env_values = true, value_name = "SECRET")]
    webhook_secret: Option<String>,
    /// Let webhooks go to other machines, too
    #[arg(long)]
    allow_remote_webhooks: bool,
    /// Seconds that a request may take to arrive [default: 30]
    #[arg(long, value_name = "SECONDS")]
    request_timeout: Option<f64>,
    /// Seconds from a push to its call [default: 0.2]
    #[arg(long, value_name = "SECONDS")]
    dispatch_after: Option<f64>,
    /// Seconds a call lasts [default: 0.5]
    #[arg(long, value_name = "SECONDS")]
    call_duration: Option<f64>,
    /// Calls at a time [default: 100]
    #[arg(long, value_name = "N")]
    max_concurrency: Option<usize>,
    /// The share of calls that fail, from 0 to 1 [default: 0.1]
    #[arg(long, value_name = "SHARE")]
    failure_rate: Option<f64>,
    /// What ids and outcomes are drawn from [default: 0]
    #[arg(long)]
    seed: Option<u64>,
    /// How many times as fast as outside its time passes [default: 1]
    #[arg(long, value_name = "TIMES")]
    speed: Option<f64>,
    /// The file to keep the state in: another run goes on where this one was. It holds the keys too
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

/// Takes what is given in place of what is there.
fn put<T>(place: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *place = given;
    }
}

fn config(args: Args) -> revrag::Result<Config> {
    let seconds = |name: &str, value: Option<f64>| {
        value
            .map(Duration::try_from_secs_f64)
            .transpose()
            .map_err(|_| Error::invalid(name, "it must be a number of seconds, 0 or more"))
    };
    let mut config =
        args.settings.as_deref().map_or_else(|| Ok(Config::default()), Config::from_file)?;
    put(&mut config.port, args.port);
    put(&mut config.api_key, args.api_key.map(Secret::new));
    put(&mut config.campaign_id, args.campaign_id);
    put(&mut config.campaign_status, args.campaign_status);
    put(&mut config.webhook_url, args.webhook_url.map(Some));
    put(&mut config.webhook_secret, args.webhook_secret.map(|it| Some(Secret::new(it))));
    config.allow_remote_webhooks |= args.allow_remote_webhooks;
    put(&mut config.patience, seconds("request_timeout", args.request_timeout)?);
    let settings = &mut config.settings;
    let dispatch_after = seconds("dispatch_after", args.dispatch_after)?;
    put(&mut settings.dispatch_after, dispatch_after.map(Into::into));
    let call_duration = seconds("call_duration", args.call_duration)?;
    put(&mut settings.call_duration, call_duration.map(Into::into));
    put(&mut settings.max_concurrency, args.max_concurrency);
    put(&mut settings.failure_rate, args.failure_rate);
    put(&mut config.seed, args.seed);
    put(&mut config.state, args.state.map(Some));
    config.passes(None, args.speed, None);
    Ok(config)
}

pub(super) fn run(args: Args, out: &mut Out<'_>) -> Result<End, Failure> {
    let config = config(args)?;
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
