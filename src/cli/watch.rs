//! `revrag watch`: a campaign's counts until nothing is left to do.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::connect::{CampaignChoice, Connection, seconds};
use super::failure::{End, Failure, Kind};
use super::output::Out;
use super::{session, status};
use revrag::http::Client;
use revrag::model::{CampaignStatus, Document};

/// For how long the service may be away.
const AWAY: Duration = Duration::from_mins(10);

/// Follow a campaign until nothing is left to do.
///
/// Draws over itself at a terminal; in a pipe there is a line for each change, of JSON with --json.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    campaign: CampaignChoice,
    #[command(flatten)]
    connection: Connection,
}

/// How often, and for how long.
#[derive(Debug, clap::Args)]
pub(super) struct Pace {
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    interval: f64,
    /// Seconds after which it ends, with exit code 1, though something is left to do
    #[arg(long, value_name = "SECONDS")]
    until: Option<f64>,
}

pub(super) fn run(args: &Args, out: &mut Out<'_>) -> Result<End, Failure> {
    let connected = args.connection.client()?;
    let campaign = args.campaign.of(&connected.settings)?;
    follow(&connected.client, campaign, &args.pace, out)
}

/// Follows a campaign until nothing is left to do.
pub(super) fn follow(
    client: &Client,
    campaign: Uuid,
    pace: &Pace,
    out: &mut Out<'_>,
) -> Result<End, Failure> {
    let interval = seconds("interval", pace.interval)?.max(Duration::from_millis(50));
    let until = pace.until.map(|until| seconds("until", until)).transpose()?;
    let began = Instant::now();
    session::finish(async {
        let (mut last, mut drawn) = (None, 0);
        let mut answered = Instant::now();
        loop {
            match client.campaign_status(campaign).await {
                Ok(now) => {
                    answered = Instant::now();
                    if last.as_ref() != Some(&now) {
                        drawn = show(&now, drawn, out)?;
                    }
                    if now.is_over() {
                        return Ok(End::Done);
                    }
                    last = Some(now);
                }
                // One look that fails says nothing of the next.
                Err(error) if passes(&error) && answered.elapsed() < AWAY => {
                    out.say(format_args!("revrag: {error}"));
                    drawn = 0;
                }
                Err(error) => return Err(error.into()),
            }
            if until.is_some_and(|until| began.elapsed() + interval > until) {
                let left = last.as_ref().and_then(|last| last.left());
                let left = left.map_or_else(|| "something".to_owned(), |left| left.to_string());
                let problem = format!("--until: {left} records are not done yet");
                return Err(Failure::Told(Kind::Partly, problem));
            }
            tokio::time::sleep(interval).await;
        }
    })
}

fn passes(error: &revrag::Error) -> bool {
    match error {
        revrag::Error::Status(refusal) => refusal.status >= 500 || refusal.status == 429,
        other => Kind::of(other) == Kind::Connection,
    }
}

/// Shows it in the place of the `drawn` lines before.
fn show(
    status: &Document<CampaignStatus>,
    drawn: usize,
    out: &mut Out<'_>,
) -> Result<usize, Failure> {
    if out.is_terminal() {
        if drawn > 0 {
            out.raw(format!("\x1b[{drawn}A\x1b[J").as_bytes())?;
        }
        let lines = status::show(status, out)?;
        out.flush()?;
        return Ok(lines);
    }
    if out.is_json() {
        out.document(status.json())?;
    } else {
        let counts = status::counts(status).into_iter();
        let told: Vec<String> = counts
            .filter_map(|(name, count)| Some((name, count?)))
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        let word = out.words(status.status.as_deref().unwrap_or("?"));
        out.line(format_args!("{word}: {}", told.join(", ")))?;
    }
    out.flush()?;
    Ok(0)
}
