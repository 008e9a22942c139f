//! What a page of the model's listing shows.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use jiff::SignedDuration;
use revrag::{Error, Result};

use super::scenario::{Numbers, Order, Pages, Sessions, Totals, Values, View};
use super::service::{Record, Service, status};

impl Service<'_> {
    /// How many records of others are made up when they are shown, before all that are kept.
    fn crowd(&self) -> usize {
        usize::try_from(self.scenario.service.crowd).unwrap_or(usize::MAX)
    }

    /// One of them.
    fn one_of_crowd(&self, at: usize) -> Record {
        let run = uuid::Uuid::from_u128(at as u128 | 0xc0 << 120).to_string();
        let created = self.clock(Duration::ZERO) - SignedDuration::from_hours(20);
        let number = format!("+9195{:08}", at % 100_000_000);
        Record::foreign(run, number, "theirs".to_owned(), "{}".to_owned(), created)
    }

    /// A page, as it comes.
    pub(super) fn page(&mut self, view: &View, number: u64, now: Duration) -> Result<Bytes> {
        self.pages += 1;
        self.live(now);
        let mut number = number;
        let one_in = |rng: &mut fastrand::Rng, n: u64| rng.u64(..n.max(1)) == 0;
        match view.pages {
            Pages::Never => return Err(status(500)),
            Pages::Refused => return Err(status(403)),
            Pages::Fail(n) if one_in(&mut self.rng, n) => return Err(status(503)),
            Pages::Repeat(from) => number = number.min(from),
            _ => {}
        }
        let mut order: Vec<usize> = Vec::new();
        if let Order::Shuffled = view.order {
            order = (0..self.listed(now).len()).collect();
            self.rng.shuffle(&mut order);
        }
        if let Order::Restless(pages) = view.order
            && self.pages <= pages
            && !self.records.is_empty()
        {
            for _ in 0..40.min(self.records.len()) {
                let at = self.rng.usize(..self.records.len());
                let record = self.records.remove(at);
                self.records.insert(0, record);
            }
        }
        let mut listed = self.listed(now);
        match view.order {
            Order::Newest => listed.reverse(),
            Order::Shuffled => listed = order.into_iter().map(|at| listed[at]).collect(),
            Order::Oldest | Order::Restless(_) => {}
        }
        let size = view.page_size;
        let start = usize::try_from(number - 1).unwrap_or(usize::MAX).saturating_mul(size);
        let crowd = self.crowd();
        let all = crowd + listed.len();
        let more = match view.pages {
            Pages::Repeat(_) => true,
            _ => start.saturating_add(size) < all,
        };
        let total = all as u64;
        let mut body = String::with_capacity(300 * size);
        body.push_str("{\"items\":[");
        for at in start..all.min(start.saturating_add(size)) {
            if at > start {
                body.push(',');
            }
            match at.checked_sub(crowd).map(|at| listed[at]) {
                Some(record) => body.push_str(record.shown.get_or_init(|| shown_as(record, view))),
                None => body.push_str(&shown_as(&self.one_of_crowd(at), view)),
            }
        }
        let total = match view.totals {
            Totals::Right => Some(total),
            Totals::Absent => None,
            Totals::TooMany(by) => Some(total + by),
            Totals::TooFew(by) => Some(total.saturating_sub(by)),
            Totals::Growing => Some(total + self.pages),
        };
        body.push(']');
        if let Some(total) = total {
            let _ = write!(body, ",\"total\":{total}");
        }
        let _ = write!(body, ",\"has_more\":{more},\"page\":{number},\"page_size\":{size}}}");
        if let Pages::Cut(n) = view.pages
            && one_in(&mut self.rng, n)
        {
            let middle = (body.len() / 2..body.len()).find(|at| body.is_char_boundary(*at));
            body.truncate(middle.unwrap_or(0));
        }
        Ok::<_, Error>(body.into())
    }
}

/// Whether one in `n` is this record.
fn is_one_in(record: &Record, n: u64) -> bool {
    record.run.bytes().fold(0_u64, |sum, byte| (sum * 31 + u64::from(byte)) % 1_000_003) % n == 0
}

fn shown_as(record: &Record, view: &View) -> String {
    let mut out = String::new();
    show(record, view, &mut out);
    out
}

fn show(record: &Record, view: &View, out: &mut String) {
    let Record { run, number, session, variables, created, .. } = record;
    let status = if record.is_brief { "completed" } else { "queued" };
    let _ =
        write!(out, "{{\"id\":\"{run}\",\"status\":\"{status}\",\"call_history\":[{{\"x\":1}}]");
    match view.numbers {
        Numbers::AsSent => {
            let _ = write!(out, ",\"phone_number\":\"{number}\"");
        }
        Numbers::Masked => {
            let _ = write!(out, ",\"phone_number\":\"+91******{}\"", &number[9..]);
        }
        Numbers::WithoutPlus => {
            let _ = write!(out, ",\"phone_number\":\"{}\"", &number[1..]);
        }
        Numbers::National => {
            let _ = write!(out, ",\"phone_number\":\"{}\"", &number[3..]);
        }
        Numbers::Absent => {}
    }
    match view.sessions {
        Sessions::Absent => {}
        Sessions::Null => out.push_str(",\"app_session_id\":null"),
        Sessions::Sometimes(n) if is_one_in(record, n) => {}
        Sessions::Upper => {
            let _ = write!(out, ",\"app_session_id\":\"{}\"", session.to_uppercase());
        }
        Sessions::CutAt(at) => {
            let end = at.min(session.len());
            let _ = write!(out, ",\"app_session_id\":\"{}\"", &session[..end]);
        }
        Sessions::Replaced => {
            let _ = write!(out, ",\"app_session_id\":\"s-{}\"", &run[..8]);
        }
        Sessions::AsSent | Sessions::Sometimes(_) => {
            let _ = write!(out, ",\"app_session_id\":\"{session}\"");
        }
    }
    if view.values != Values::Absent {
        let _ = write!(out, ",\"variables\":{}", shown(variables, view.values));
    }
    let _ = write!(out, ",\"created_at\":\"{created}\"}}");
}

fn shown(variables: &str, values: Values) -> String {
    match values {
        Values::AsSent | Values::Absent => variables.to_owned(),
        Values::WithoutEmpty => {
            variables.replace("\"name\":\"\",", "").replace(",\"more\":null", "")
        }
        Values::Stripped => variables.replace(" Riya ", "Riya"),
        Values::KnownOnly => match variables.split_once(",\"n\"") {
            Some((name, _)) => format!("{name}}}"),
            None => variables.to_owned(),
        },
        Values::AsText => match variables.split_once("\"n\":") {
            Some((before, after)) => {
                let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
                format!("{before}\"n\":\"{}\"{}", &after[..end], &after[end..])
            }
            None => variables.to_owned(),
        },
    }
}
