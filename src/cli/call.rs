//! `revrag call`: one call, and what was said in it.

use super::columns::seconds;
use super::connect::Connection;
use super::failure::{End, Failure};
use super::moment;
use super::output::Out;
use super::session;
use revrag::http::parse_id;
use revrag::model::{Call, Document};

/// Show a call: how it went, what was said, and what the agent took from it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The call's id: from `revrag record`, a webhook or the dashboard
    call_id: String,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(args: &Args, out: &mut Out<'_>) -> Result<End, Failure> {
    let id = parse_id("CALL_ID", &args.call_id)?;
    let connected = args.connection.client()?;
    let call = session::finish(async { Ok(connected.client.call(id).await?) })?;
    if out.is_json() {
        out.document(call.json())?;
    } else {
        show(&call, out)?;
    }
    Ok(End::Done)
}

fn show(call: &Document<Call>, out: &mut Out<'_>) -> Result<(), Failure> {
    let told = |text: &Option<String>| text.as_deref().map(|text| out.words(text));
    let moment = |at: Option<&revrag::model::Timestamp>| at.map(|at| moment::shown(Some(at)));
    let number = |number: &Option<String>| number.as_deref().map(|number| out.number(number));
    let lines = [
        ("call id", call.call_id.as_deref().map(super::output::printable)),
        ("status", call.call_status.as_deref().map(|status| out.status(status))),
        ("from", number(&call.from_number)),
        ("to", number(&call.to_number)),
        ("attempt", call.attempt_no.as_ref().map(ToString::to_string)),
        ("began", moment(call.start_time.as_ref())),
        ("ended", moment(call.end_time.as_ref())),
        ("duration", call.duration.as_ref().and_then(seconds).map(moment::span)),
        ("ended by", told(&call.disconnection_reason)),
        ("user id", told(&call.app_user_id)),
        ("session id", told(&call.app_session_id)),
        // A link is of use as a whole alone.
        ("recording", call.recording_url.as_deref().map(super::output::printable)),
        ("summary", told(&call.summary)),
    ];
    out.pairs(&lines)?;
    for variable in call.custom_variables.iter() {
        let name = out.words(variable.key.as_deref().unwrap_or("?"));
        let value = out.words(&String::from_utf8_lossy(variable.value.text()));
        out.line(format_args!("  {name} = {value}"))?;
    }
    let Some(said) = &call.transcription else { return Ok(()) };
    out.line("")?;
    let roles = said.messages.iter().filter_map(|message| message.role.as_deref());
    let width = roles.map(|role| role.chars().count()).max().unwrap_or(0).min(20);
    for message in said.messages.iter() {
        let role = out.words(message.role.as_deref().unwrap_or("?"));
        let words = out.words(message.content.as_deref().unwrap_or(""));
        out.turn(&role, width, &words)?;
    }
    Ok(())
}
