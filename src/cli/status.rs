//! `revrag status`: a campaign and its counts.

use super::connect::{CampaignChoice, Connection};
use super::failure::{End, Failure};
use super::output::Out;
use super::session;
use super::watch::{self, Pace};
use revrag::model::{CampaignStatus, Count, Document};

/// Show a campaign's status and how many of its records are in each.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Follow it until nothing is left to do
    #[arg(long, short)]
    watch: bool,
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    campaign: CampaignChoice,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(args: &Args, out: &mut Out<'_>) -> Result<End, Failure> {
    let connected = args.connection.client()?;
    let campaign = args.campaign.of(&connected.settings)?;
    if args.watch {
        return watch::follow(&connected.client, campaign, &args.pace, out);
    }
    let status = session::finish(async { Ok(connected.client.campaign_status(campaign).await?) })?;
    if out.is_json() {
        out.document(status.json())?;
    } else {
        show(&status, out)?;
    }
    Ok(End::Done)
}

/// The counts by status, in the order of the reference.
pub(super) fn counts(status: &Document<CampaignStatus>) -> Vec<(&'static str, Option<u64>)> {
    let Some(by) = &status.stats else { return Vec::new() };
    let number = |count: &Count| count.0.as_ref().and_then(revrag::model::Whole::as_u64);
    vec![
        ("queued", number(&by.queued)),
        ("in_progress", number(&by.in_progress)),
        ("completed", number(&by.completed)),
        ("failed", number(&by.failed)),
        ("dnc", number(&by.dnc)),
        ("rescheduled", number(&by.rescheduled)),
        ("retry_pending", number(&by.retry_pending)),
        ("follow_up_pending", number(&by.follow_up_pending)),
        ("total", by.total_records.as_ref().and_then(revrag::model::Whole::as_u64)),
    ]
}

/// Shows it, for people; how many lines it takes.
pub(super) fn show(status: &Document<CampaignStatus>, out: &mut Out<'_>) -> Result<usize, Failure> {
    let word = out.status(status.status.as_deref().unwrap_or("?"));
    let campaign = super::output::printable(status.campaign_id.as_deref().unwrap_or("?"));
    out.line(format_args!("campaign  {campaign}"))?;
    out.line(format_args!("status    {word}"))?;
    let counts = counts(status);
    for (name, count) in &counts {
        let count = count.map_or_else(|| "?".to_owned(), |count| count.to_string());
        out.line(format_args!("  {name:<17} {count:>9}"))?;
    }
    Ok(2 + counts.len())
}
