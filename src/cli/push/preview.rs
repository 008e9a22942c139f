//! What a push is about to do, shown before it does it.

use std::path::Path;

use arrow_cast::display::{ArrayFormatter, FormatOptions};
use serde_json::Value;

use crate::output::{Out, printable};
use revrag::bulk::source::{Block, Input, SourceError};
use revrag::bulk::{Outcome, Report};
use revrag::error::masked;
use revrag::model::{CampaignStatus, Document};

/// Rows that are shown.
const ROWS: usize = 3;
/// Columns that are shown beside the numbers.
const COLUMNS: usize = 5;
/// Characters of a value.
const LONG: usize = 40;
/// What the service may call the hours in which it calls, should it tell them.
const HOURS: [&str; 4] = ["window", "schedule", "active_days", "time_zone"];

/// The first rows of a source: each column's name and value.
pub(super) fn first_rows(input: &Input) -> Result<Vec<Vec<(String, String)>>, SourceError> {
    let mut source = (input.open)()?;
    let Some(block) = source.next()? else { return Ok(Vec::new()) };
    Ok(match block {
        Block::Batch(batch) => {
            let options = FormatOptions::default();
            let schema = batch.schema();
            (0..batch.num_rows().min(ROWS))
                .map(|row| {
                    let cell = |(at, field): (usize, &std::sync::Arc<arrow_schema::Field>)| {
                        let cells = ArrayFormatter::try_new(batch.column(at), &options).ok()?;
                        Some((field.name().clone(), cells.value(row).try_to_string().ok()?))
                    };
                    schema.fields().iter().enumerate().filter_map(cell).collect()
                })
                .collect()
        }
        Block::Objects(rows) => {
            let text = |value: &Value| match value {
                Value::String(text) => text.clone(),
                Value::Null => String::new(),
                other => other.to_string(),
            };
            let cells = |row: &revrag::bulk::source::Item| {
                row.readable()
                    .filter_map(|(key, value)| Some((key.clone(), text(value?))))
                    .collect()
            };
            rows.iter().take(ROWS).map(cells).collect()
        }
    })
}

/// What is known before anything is sent.
pub(super) struct Plan<'a> {
    pub(super) file: &'a Path,
    pub(super) status: &'a Document<CampaignStatus>,
    pub(super) campaign: uuid::Uuid,
    pub(super) base_url: &'a str,
    pub(super) profile: Option<&'a str>,
    /// What a dry run says of the rows.
    pub(super) checked: &'a Report,
    /// What the journal knows of an upload that it goes on with.
    pub(super) before: Option<(&'a Path, Report)>,
    pub(super) journal: Option<&'a Path>,
    pub(super) is_keyed: bool,
    pub(super) column: &'a str,
    pub(super) rows: Vec<Vec<(String, String)>>,
}

impl Plan<'_> {
    /// How many rows would go, as far as that is known without asking what is there already.
    pub(super) fn to_send(&self) -> u64 {
        self.checked.counts().of(Outcome::NotSent)
    }

    /// Shows it to whoever looks on.
    pub(super) fn show(&self, out: &mut Out<'_>) {
        let counts = self.checked.counts();
        let status = printable(self.status.status.as_deref().unwrap_or("?"));
        let name = told(self.status, &["name", "campaign_name"]);
        let name = name.map_or_else(String::new, |name| format!("{name}, "));
        let profile = self.profile.map_or_else(String::new, |name| format!(", profile {name}"));
        let (campaign, service) = (self.campaign, self.base_url);
        out.say(format_args!("campaign  {name}{campaign} ({status}) at {service}{profile}"));
        match told(self.status, &HOURS) {
            Some(window) => out.say(format_args!("window    {window}")),
            None => out.say("window    as set in the dashboard; the service does not tell it"),
        }
        // Which of them went before, a dry run does not know.
        let may_have_gone = self.before.is_some() || self.is_keyed;
        let what = if may_have_gone { "valid" } else { "to send" };
        let mut line = format!("{} rows: {} {what}", counts.total(), self.to_send());
        for outcome in [Outcome::Invalid, Outcome::Excluded, Outcome::Duplicate] {
            if counts.of(outcome) > 0 {
                line = format!("{line}, {} {}", counts.of(outcome), outcome.name());
            }
        }
        if counts.repaired > 0 {
            line = format!("{line}; {} numbers repaired", counts.repaired);
        }
        out.say(format_args!("file      {}, {line}", self.file.display()));
        match (&self.before, self.journal) {
            (Some((path, report)), _) => {
                let known = super::receipt::in_a_line(report);
                let path = path.display();
                out.say(format_args!("journal   {path} goes on: {known}"));
            }
            (None, Some(path)) => out.say(format_args!("journal   {} begins", path.display())),
            (None, None) => {}
        }
        if self.is_keyed {
            out.say("key       what was sent under this key is not sent again; what was sent without it is");
        }
        for row in &self.rows {
            let shown = self.row(row, out);
            out.say(format_args!("          {shown}"));
        }
    }

    fn row(&self, row: &[(String, String)], out: &Out<'_>) -> String {
        let number = row.iter().find(|(name, _)| name == self.column);
        let number = number.map(|(_, number)| printable(&out.number_said(number.trim())));
        let others = row.iter().filter(|(name, value)| name != self.column && !value.is_empty());
        let others = others.take(COLUMNS).map(|(name, value)| {
            let value = printable(&if out.shows_numbers() { value.clone() } else { masked(value) });
            format!("{}={}", printable(name), shortened(&value))
        });
        number.into_iter().chain(others).collect::<Vec<_>>().join("  ")
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONG) {
        Some((at, _)) => format!("{}…", text.split_at(at).0),
        None => text.to_owned(),
    }
}

/// What the service says of a campaign under a name that holds one of these.
fn told(status: &Document<CampaignStatus>, names: &[&str]) -> Option<String> {
    let Ok(Value::Object(all)) = serde_json::from_slice(status.json()) else { return None };
    let is_meant = |key: &String| names.iter().any(|name| key.contains(name));
    let found = all.iter().filter(|(key, value)| is_meant(key) && !value.is_null());
    let texts: Vec<String> = found
        .map(|(key, value)| match value {
            Value::String(text) => text.clone(),
            other => format!("{key} {other}"),
        })
        .collect();
    (!texts.is_empty()).then(|| shortened_line(&printable(&texts.join(", "))))
}

fn shortened_line(text: &str) -> String {
    text.chars().take(200).collect()
}
