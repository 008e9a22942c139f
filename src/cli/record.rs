//! `revrag record`: one record, and its calls.

use super::connect::{CampaignChoice, Connection};
use super::failure::{End, Failure};
use super::moment;
use super::output::Out;
use super::session;
use revrag::http::parse_id;
use revrag::model::{Document, Record};

/// Show a record: its status, its attempts and the ids of its calls.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run id that its push answered with
    run_id: String,
    #[command(flatten)]
    campaign: CampaignChoice,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(args: &Args, out: &mut Out<'_>) -> Result<End, Failure> {
    let run = parse_id("RUN_ID", &args.run_id)?;
    let connected = args.connection.client()?;
    let campaign = args.campaign.of(&connected.settings)?;
    let record = session::finish(async { Ok(connected.client.record(campaign, run).await?) })?;
    if out.is_json() {
        out.document(record.json())?;
    } else {
        show(&record, out)?;
    }
    Ok(End::Done)
}

fn show(record: &Document<Record>, out: &mut Out<'_>) -> Result<(), Failure> {
    let told = |text: &Option<String>| text.as_deref().map(|text| out.words(text));
    let attempts = record.attempt_count.as_ref().map(|made| match &record.max_attempts {
        Some(most) => format!("{made} of {most}"),
        None => made.to_string(),
    });
    let is_final = if record.is_final() { " (final)" } else { "" };
    let status = record.status.as_deref().map(|status| format!("{}{is_final}", out.status(status)));
    let variables = record
        .variables
        .as_ref()
        .map(|object| out.words(&String::from_utf8_lossy(object.0.text())));
    let moment = |at: Option<&revrag::model::Timestamp>| at.map(|at| moment::shown(Some(at)));
    let lines = [
        ("run id", record.id.as_deref().map(super::output::printable)),
        ("number", record.phone_number.as_deref().map(|number| out.number(number))),
        ("status", status),
        ("attempts", attempts),
        ("variables", variables),
        ("user id", told(&record.app_user_id)),
        ("session id", told(&record.app_session_id)),
        ("next attempt", moment(record.next_attempt_at.as_ref())),
        ("do not call", moment(record.dnc_at.as_ref())),
        ("because", told(&record.dnc_reason)),
        ("created", moment(record.created_at.as_ref())),
        ("updated", moment(record.updated_at.as_ref())),
    ];
    out.pairs(&lines)?;
    for attempt in record.call_history.iter() {
        let id =
            attempt.call_id.as_deref().map_or_else(|| "?".to_owned(), super::output::printable);
        let status = out.status(attempt.status.as_deref().unwrap_or("?"));
        out.line(format_args!("call          {id}  {status}"))?;
    }
    Ok(())
}
