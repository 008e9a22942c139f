//! What a push came to.

use serde_json::{Map, Value, json};

use crate::failure::{End, Failure, Kind, in_flags};
use crate::output::Out;
use revrag::bulk::{Cause, Outcome, Report};
use revrag::error::Error;

/// Shows it: a receipt for people, an object for programs.
pub(super) fn show(
    report: &Report,
    stopped: Option<&str>,
    is_dry_run: bool,
    out: &mut Out<'_>,
) -> Result<(), Failure> {
    let counts = report.counts();
    let seconds = report.elapsed.as_secs_f64();
    if out.is_json() {
        let mut told = Map::new();
        told.insert("upload_id".to_owned(), report.upload_id.simple().to_string().into());
        told.insert("dry_run".to_owned(), is_dry_run.into());
        told.insert("total".to_owned(), counts.total().into());
        for outcome in Outcome::ALL {
            told.insert(outcome.name().to_owned(), counts.of(outcome).into());
        }
        told.insert("repaired".to_owned(), counts.repaired.into());
        told.insert("changed".to_owned(), counts.changed.into());
        told.insert("doubled".to_owned(), counts.doubled.into());
        told.insert("elapsed".to_owned(), json!(seconds));
        told.insert("stopped".to_owned(), stopped.map_or(Value::Null, Value::from));
        return Ok(out.json(&told)?);
    }
    let title = if is_dry_run { "Dry run" } else { "Upload" };
    out.line(out.strong(format_args!("{title} {}", report.upload_id.simple())))?;
    let width = counts.total().to_string().len();
    for outcome in Outcome::ALL {
        let count = counts.of(outcome);
        if count == 0 && outcome != Outcome::Accepted {
            continue;
        }
        let name = out.status_padded(outcome.name(), 9);
        out.line(format_args!("  {name}  {count:>width$}  {}", outcome.about()))?;
    }
    let mut last = format!("  {:<9}  {:>width$}  in {seconds:.1} s", "total", counts.total());
    for (count, what) in [
        (counts.repaired, "numbers repaired"),
        (counts.changed, "changed since"),
        (counts.doubled, "there more than once"),
    ] {
        if count > 0 {
            last = format!("{last}, {count} {what}");
        }
    }
    Ok(out.line(last)?)
}

/// Whether all is well.
pub(super) fn end(report: &Report, is_dry_run: bool) -> End {
    let counts = report.counts();
    let is_left = [Outcome::Rejected, Outcome::Invalid, Outcome::Unknown]
        .iter()
        .any(|outcome| counts.of(*outcome) > 0);
    if is_left || failed_on(report, is_dry_run) > 0 { End::Partly } else { End::Done }
}

/// How many rows the service failed on each time that they were sent.
fn failed_on(report: &Report, is_dry_run: bool) -> u64 {
    if is_dry_run { 0 } else { report.waiting().unwrap_or_default() }
}

/// The counts that are not nothing, in a line.
pub(super) fn in_a_line(report: &Report) -> String {
    let counts = report.counts();
    let all = Outcome::ALL.iter().map(|outcome| (counts.of(*outcome), outcome.name()));
    let told: Vec<String> = all
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {}", name.replace('_', " ")))
        .collect();
    if told.is_empty() { "no rows".to_owned() } else { told.join(", ") }
}

/// What is said of an upload that stopped.
pub(super) fn stopped(cause: &Cause, report: &Report) -> Failure {
    let kind = match cause {
        Cause::Preflight(error)
        | Cause::Service(error)
        | Cause::GaveUp { error, .. }
        | Cause::Changed(error)
        | Cause::Journal(error) => Kind::of(error),
        Cause::NotRunning(_) | Cause::Unproven(_) => Kind::Refused,
        Cause::Checked(_) | Cause::Source(_) => Kind::Usage,
        Cause::CutOff => Kind::Interrupted,
        Cause::Bug | Cause::Lost => Kind::Partly,
    };
    let advice = match cause {
        Cause::Journal(Error::JournalLost(_)) => {
            "--report FILE tells what is known of every row; without this journal all would be called \
             again: push those that are not_sent there and no others"
        }
        Cause::Unproven(_) => {
            "with --existing journal the journal alone is asked, which is right only where it knows \
             every row that was sent under this name"
        }
        Cause::NotRunning(_) => "it is started in the dashboard; then the same command goes on",
        _ => "the same command goes on from here",
    };
    let told = in_flags(&cause.to_string());
    let counts = in_a_line(report);
    Failure::Told(kind, format!("the push stopped: {told} ({counts}); {advice}"))
}
