//! `revrag status`: a campaign and its counts.

use super::connect::{CampaignChoice, Connection};
use super::failure::{End, Failure};
use super::output::Out;
use super::session;
use crate::model::{CampaignStatus, Count, Document};

/// Show a campaign's status and how many of its records are in each.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    campaign: CampaignChoice,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(args: &Args, out: &mut Out<'_>) -> Result<End, Failure> {
    let connected = args.connection.client()?;
    let campaign = args.campaign.of(&connected.settings)?;
    let status = session::finish(async { Ok(connected.client.campaign_status(campaign).await?) })?;
    show(&status, out)?;
    Ok(End::Done)
}

/// The counts by status, in the order of the reference.
pub(super) fn counts(status: &Document<CampaignStatus>) -> Vec<(&'static str, Option<u64>)> {
    let Some(stats) = &status.stats else { return Vec::new() };
    let number = |count: &Count| count.0.as_ref().and_then(crate::model::Whole::as_u64);
    vec![
        ("queued", number(&stats.queued)),
        ("in_progress", number(&stats.in_progress)),
        ("completed", number(&stats.completed)),
        ("failed", number(&stats.failed)),
        ("dnc", number(&stats.dnc)),
        ("rescheduled", number(&stats.rescheduled)),
        ("retry_pending", number(&stats.retry_pending)),
        ("follow_up_pending", number(&stats.follow_up_pending)),
        ("total", stats.total_records.as_ref().and_then(crate::model::Whole::as_u64)),
    ]
}

fn show(status: &Document<CampaignStatus>, out: &mut Out<'_>) -> Result<(), Failure> {
    if out.is_json() {
        return Ok(out.json(status)?);
    }
    let word = status.status.as_deref().unwrap_or("?");
    let word = out.status(word);
    out.line(format_args!("campaign  {}", status.campaign_id.as_deref().unwrap_or("?")))?;
    out.line(format_args!("status    {word}"))?;
    for (name, count) in counts(status) {
        let count = count.map_or_else(|| "?".to_owned(), |count| count.to_string());
        out.line(format_args!("  {name:<17} {count:>9}"))?;
    }
    Ok(())
}
