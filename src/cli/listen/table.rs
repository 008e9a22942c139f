//! What came, and what the application answered: rows for people, JSON lines for programs.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::super::webhook::endpoint::{Answer, Unanswered};
use super::Told;
use super::carry::Event;
use crate::failure::Failure;
use crate::output::Out;
use revrag::model::Timestamp;

/// What is shown.
pub(super) struct Table<'o, 'c> {
    out: &'o mut Out<'c>,
    bar: Option<ProgressBar>,
    has_head: bool,
    last_trouble: Option<String>,
}

/// How much was done, and how much is under way.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) accepted: u64,
    pub(super) waiting: u64,
    pub(super) records: u64,
}

impl<'o, 'c> Table<'o, 'c> {
    pub(super) fn new(out: &'o mut Out<'c>) -> Self {
        let bar = (out.is_terminal() && out.is_watched()).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Self { out, bar, has_head: false, last_trouble: None }
    }

    /// What whoever starts it has to know.
    pub(super) fn begin(&mut self, told: &Told, forward_to: &str) -> Result<(), Failure> {
        let secret = told.secret.as_ref().map(revrag::Secret::expose);
        if self.out.is_json() {
            self.out.json(&json!({
                "event": "listening",
                "forward_to": forward_to,
                "secret": secret,
                "state": told.state.display().to_string(),
            }))?;
        } else {
            self.print(&format!("Calls that end are delivered to {forward_to}"))?;
            if let Some(secret) = secret {
                self.print(&format!("Signed with REVRAG_WEBHOOK_SECRET={secret}"))?;
            }
        }
        Ok(self.out.flush()?)
    }

    /// What became of a try to deliver.
    pub(super) fn tried(
        &mut self,
        event: &Event,
        tries: u32,
        answer: &Result<Answer, Unanswered>,
        now: jiff::Timestamp,
    ) -> Result<(), Failure> {
        let late = event.ended.map(|ended| now.as_millisecond().saturating_sub(ended));
        let is_accepted = answer.as_ref().is_ok_and(Answer::is_accepted);
        if self.out.is_json() {
            let ended = event.ended.and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
            #[allow(clippy::cast_precision_loss, reason = "milliseconds of an hour, not of an age")]
            let late = late.map(|late| late as f64 / 1e3);
            self.out.json(&json!({
                "event": "delivery",
                "id": event.id,
                "call_id": event.call,
                "campaign_id": event.campaign,
                "call_status": event.status,
                "attempt_no": event.attempt,
                "ended_at": ended.map(|at| Timestamp(at).to_string()),
                "tries": tries,
                "accepted": is_accepted,
                "status_code": answer.as_ref().ok().map(|answer| answer.status),
                "error": answer.as_ref().err().map(|unanswered| &unanswered.cause),
                "elapsed": answer.as_ref().ok().map(|answer| answer.elapsed.as_secs_f64()),
                "late": late,
            }))?;
            return Ok(self.out.flush()?);
        }
        if !std::mem::replace(&mut self.has_head, true) {
            let head = row("time", "call", "status", "length", "answer", "try", "late");
            let head = self.out.faint(head);
            self.print(&head)?;
        }
        let time = now.strftime("%H:%M:%S").to_string();
        let call = event.call.to_string();
        let status = self.out.words(event.status.as_deref().unwrap_or("?"));
        let length = event.duration.clone().unwrap_or_default();
        let said = match answer {
            Ok(answer) => answer.status.to_string(),
            Err(unanswered) if unanswered.is_timeout => "slow".to_owned(),
            Err(unanswered) if unanswered.is_connect => "down".to_owned(),
            Err(_) => "cut".to_owned(),
        };
        let late = late.map_or_else(String::new, in_words);
        let text = row(&time, &call, &status, &length, &said, &tries.to_string(), &late);
        let text = if is_accepted { text } else { self.out.doubtful(text) };
        self.print(&text)?;
        match answer {
            Ok(Answer { location: Some(location), .. }) => {
                let location = self.out.words(location);
                self.trouble(&format!(
                    "it redirects to {location}, where no delivery goes: name that URL in --forward-to"
                ));
            }
            Ok(Answer { status: 401 | 403, .. }) => self.trouble(
                "it refuses the signature: is REVRAG_WEBHOOK_SECRET of the application the secret that is \
                 used here?",
            ),
            Err(unanswered) => self.trouble(&unanswered.cause.clone()),
            Ok(_) => {}
        }
        Ok(self.out.flush()?)
    }

    /// Something that is in the way, told once for as long as it is the same.
    pub(super) fn trouble(&mut self, text: &str) {
        if self.last_trouble.as_deref() == Some(text) {
            return;
        }
        self.last_trouble = Some(text.to_owned());
        self.note(text);
    }

    /// Whatever was in the way is no longer.
    pub(super) fn calm(&mut self) {
        self.last_trouble = None;
    }

    /// Something to be known.
    pub(super) fn note(&mut self, text: &str) {
        if self.out.is_json() {
            self.out.say(json!({"event": "note", "message": text}));
        } else if let Some(bar) = &self.bar {
            bar.suspend(|| self.out.say(text));
        } else {
            self.out.say(text);
        }
    }

    pub(super) fn counts(&self, counts: Counts) {
        if let Some(bar) = &self.bar {
            let Counts { accepted, waiting, records } = counts;
            bar.set_message(format!(
                "{records} records watched, {accepted} calls accepted, {waiting} on their way"
            ));
        }
    }

    fn print(&mut self, text: &str) -> Result<(), Failure> {
        let printed = match &self.bar {
            Some(bar) => bar.suspend(|| self.out.line(text)),
            None => self.out.line(text),
        };
        Ok(printed?)
    }
}

impl Drop for Table<'_, '_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn row(
    time: &str,
    call: &str,
    status: &str,
    length: &str,
    answer: &str,
    tries: &str,
    late: &str,
) -> String {
    format!("{time:<8}  {call:<36}  {status:<11}  {length:>8}  {answer:>6}  {tries:>3}  {late:>8}")
}

/// A time that has passed, in milliseconds.
fn in_words(millis: i64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "a few digits are shown")]
    let seconds = millis.max(0) as f64 / 1e3;
    if seconds < 100.0 {
        format!("{seconds:.1} s")
    } else if seconds < 6_000.0 {
        format!("{:.0} min", seconds / 60.0)
    } else {
        format!("{:.0} h", seconds / 3_600.0)
    }
}
