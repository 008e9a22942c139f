//! `revrag webhook check`: an endpoint is tried out, one kind of delivery after the other.
//!
//! | file | holds |
//! | --- | --- |
//! | `cases` | the kinds of deliveries, what each should be answered with, and why: pure |
//! | `verdict` | what is made of the answers: pure |
//! | `handled` | what the application's own log says of them |

mod cases;
mod handled;
mod verdict;

use std::path::PathBuf;

use serde_json::{Value, json};

use self::cases::{Case, Ground};
use self::handled::Log;
use self::verdict::{Finding, Verdict};
use super::endpoint::{Answer, Endpoint, Unanswered};
use super::secret;
use crate::connect::seconds;
use crate::failure::{End, Failure, Kind};
use crate::output::Out;
use crate::session;
use revrag::webhook::UnixTime;
use revrag::world::{System, World as _};

/// Try an endpoint out, and say what will go wrong in production. Its handler hears of made-up calls
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The endpoint. It has to know the secret
    #[arg(value_name = "URL")]
    url: String,
    /// A file to which the application writes each call_id that it handles, as its log: it shows
    /// what no answer does, how often each call was handled
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Seconds to wait for an answer
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    timeout: f64,
    /// Bytes of the body that should be too large
    #[arg(long, default_value_t = 5_000_000, value_name = "BYTES")]
    huge: usize,
    #[command(flatten)]
    secret: secret::Place,
}

pub(super) fn run(
    args: &Args,
    configured: &secret::Configured<'_>,
    out: &mut Out<'_>,
) -> Result<End, Failure> {
    let timeout = seconds("timeout", args.timeout)?;
    let endpoint = Endpoint::at("URL", &args.url, timeout)?;
    let ground = Ground {
        secrets: args.secret.read(configured)?,
        huge: args.huge,
        seed: System.id().as_u128(),
    };
    let mut log = args.log.as_deref().map(Log::open).transpose()?;
    let findings = session::finish(async {
        let mut findings = Vec::new();
        for case in cases::all() {
            let Some(found) = try_out(case, &ground, &endpoint, log.as_mut()).await? else {
                findings.push(Finding::skipped(case));
                continue;
            };
            findings.push(found);
            show(findings.last(), out)?;
        }
        Ok(findings)
    })?;
    for skipped in findings.iter().filter(|finding| finding.verdict == Verdict::Skipped) {
        show(Some(skipped), out)?;
    }
    conclude(&findings, log.is_some(), out)
}

/// Makes the deliveries of a case; none where they can't be made.
async fn try_out(
    case: &'static Case,
    ground: &Ground,
    endpoint: &Endpoint,
    log: Option<&mut Log>,
) -> Result<Option<Finding>, Failure> {
    let now = UnixTime::from(System.wall()).as_secs();
    let Some(trial) = case.make(ground, now)? else { return Ok(None) };
    let mut answers = Vec::new();
    if trial.is_at_once {
        let others = trial.deliveries.into_iter().map(|delivery| endpoint.deliver(delivery));
        answers = together(others.collect()).await;
    } else {
        for delivery in trial.deliveries {
            answers.push(endpoint.deliver(delivery).await);
        }
    }
    if case.is_first()
        && let [Err(Unanswered { is_connect: true, cause, .. })] = answers.as_slice()
    {
        let url = endpoint.shown();
        return Err(Failure::Told(Kind::Connection, format!("{url} can't be reached: {cause}")));
    }
    let handled = match log {
        Some(log) => Some(log.handled(case.is_first(), &trial.call).await?),
        None => None,
    };
    Ok(Some(verdict::of(case, &trial.leaks, &answers, handled)))
}

/// All of them at the same time.
async fn together(
    deliveries: Vec<impl Future<Output = Result<Answer, Unanswered>>>,
) -> Vec<Result<Answer, Unanswered>> {
    let mut waiting: Vec<_> = deliveries.into_iter().map(Box::pin).collect();
    let mut answers: Vec<_> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (place, answer) in waiting.iter_mut().zip(&mut answers) {
            if answer.is_none()
                && let std::task::Poll::Ready(ready) = place.as_mut().poll(context)
            {
                *answer = Some(ready);
            }
        }
        if answers.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    answers.into_iter().flatten().collect()
}

fn show(finding: Option<&Finding>, out: &mut Out<'_>) -> Result<(), Failure> {
    let Some(finding) = finding else { return Ok(()) };
    if out.is_json() {
        out.json(&json!({
            "check": finding.case.name,
            "verdict": finding.verdict.as_str(),
            "expected": finding.case.expected(),
            "answered": finding.answered,
            "handled": finding.handled,
            "problem": finding.problem,
            "consequence": finding.consequence,
        }))?;
    } else {
        let verdict = format!("{:<7}", finding.verdict.as_str());
        let verdict = match finding.verdict {
            Verdict::Good => out.good(verdict),
            Verdict::Bad => out.bad(verdict),
            Verdict::Doubtful => out.doubtful(verdict),
            Verdict::Skipped => out.faint(verdict),
        };
        let answered = out.words(&finding.answered);
        out.line(format_args!("{verdict} {:<17} {answered}", finding.case.name))?;
        let details = [&finding.problem, &finding.consequence];
        for text in details.into_iter().filter_map(Option::as_ref) {
            let text = out.words(text);
            out.hanging(&" ".repeat(8), 8, &text)?;
        }
    }
    out.flush()?;
    Ok(())
}

fn conclude(findings: &[Finding], has_log: bool, out: &mut Out<'_>) -> Result<End, Failure> {
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let (good, bad, doubtful) =
        (count(Verdict::Good), count(Verdict::Bad), count(Verdict::Doubtful));
    if out.is_json() {
        let skipped = count(Verdict::Skipped);
        out.json(&json!({
            "check": Value::Null, "good": good, "bad": bad, "doubtful": doubtful,
            "skipped": skipped,
        }))?;
    } else {
        out.line("")?;
        let text = format!("{good} good, {bad} bad, {doubtful} to look at");
        let text = if bad > 0 { out.bad(text) } else { out.good(text) };
        out.line(text)?;
        if !has_log {
            let note = "Whether a call is handled once can't be seen in an answer: pass --log with a file to \
                        which the application writes the call_id of each call that it handles.";
            out.hanging("", 0, note)?;
        }
    }
    Ok(if bad > 0 { End::Partly } else { End::Done })
}
