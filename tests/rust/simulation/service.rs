//! A model of the service: what it does with a push, and when.

use std::cell::OnceCell;
use std::time::Duration;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use revrag::Error;
use revrag::bulk::ledger::{Batch, Campaign, Reply};
use revrag::bulk::understood;
use revrag::error::StatusError;

use super::scenario::{self, Counter, Scenario};
use super::source::{Manner, Row};

/// When every simulation begins.
pub(super) fn dawn() -> Timestamp {
    Timestamp::from_second(1_780_000_000).expect("a moment")
}

/// A record that the service has.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) run: String,
    pub(super) number: String,
    pub(super) session: String,
    pub(super) variables: String,
    pub(super) created: Timestamp,
    /// When it was applied, by the simulation's clock.
    pub(super) at: Duration,
    /// The row of the upload that it is of.
    pub(super) row: Option<usize>,
    /// Whether the service applied it later than an upload waits for.
    pub(super) is_too_late: bool,
    /// Whether it leaves the listing when its call is over.
    pub(super) is_brief: bool,
    /// What the listing shows of it.
    pub(super) shown: OnceCell<String>,
}

impl Record {
    /// One of somebody else, from before.
    pub(super) fn foreign(
        run: String,
        number: String,
        session: String,
        variables: String,
        created: Timestamp,
    ) -> Self {
        Self {
            run,
            number,
            session,
            variables,
            created,
            at: Duration::ZERO,
            row: None,
            is_too_late: false,
            is_brief: false,
            shown: OnceCell::new(),
        }
    }
}

/// What becomes of a push: what is applied when, and what is answered when.
pub(super) struct Fate {
    pub(super) applied_at: Duration,
    pub(super) applied: Vec<usize>,
    pub(super) is_too_late: bool,
    pub(super) answers: Vec<(Duration, Answer)>,
}

/// How a push is answered.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// With the results of what was applied.
    Results(Twist),
    Is(Reply),
}

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twist {
    None,
    Order,
    Count,
    SameRun,
}

pub(super) struct Service<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) rng: Rng,
    pub(super) records: Vec<Record>,
    pub(super) pushes: u64,
    pub(super) pages: u64,
    written: u64,
}

impl<'a> Service<'a> {
    pub(super) fn new(scenario: &'a Scenario, rows: &[Row]) -> Self {
        let rng = Rng::with_seed(scenario.seed ^ 0x5e41_11ce);
        let mut service =
            Self { scenario, rng, records: Vec::new(), pushes: 0, pages: 0, written: 0 };
        let yesterday = service.clock(Duration::ZERO) - SignedDuration::from_hours(20);
        for at in 0..scenario.service.records {
            let number = format!("+9197{at:08}");
            service.foreign(number, "theirs".to_owned(), "{}".to_owned(), yesterday);
        }
        for row in rows.iter().take(usize::try_from(scenario.service.same_leads).unwrap_or(0)) {
            let session = row.session.clone().unwrap_or_else(|| "earlier".to_owned());
            service.foreign(row.number.clone(), session, row.variables.clone(), yesterday);
        }
        service
    }

    fn foreign(&mut self, number: String, session: String, variables: String, created: Timestamp) {
        let run = self.run();
        self.records.push(Record::foreign(run, number, session, variables, created));
    }

    fn run(&mut self) -> String {
        let bits = self.rng.u128(..);
        uuid::Uuid::from_u128(bits).to_string()
    }

    /// The service's clock.
    pub(super) fn clock(&self, now: Duration) -> Timestamp {
        let clock = &self.scenario.service.clock;
        let mut ahead = clock.ahead;
        if let Some((_, by)) = clock.jump.filter(|(at, _)| now >= *at) {
            ahead += by;
        }
        dawn() + now + SignedDuration::from_secs(ahead)
    }

    /// Others push, as time goes by.
    pub(super) fn live(&mut self, now: Duration) {
        let Some(every) = self.scenario.service.writes_every else { return };
        let due = u64::try_from(now.as_millis() / every.as_millis()).unwrap_or(0).min(200);
        while self.written < due {
            self.written += 1;
            let number = format!("+9196{:08}", self.written);
            let created = self.clock(now);
            self.foreign(number, "theirs".to_owned(), "{}".to_owned(), created);
            if let Some(last) = self.records.last_mut() {
                last.at = now;
            }
        }
    }

    /// What the campaign says of itself.
    pub(super) fn campaign(&mut self, now: Duration) -> Campaign {
        self.live(now);
        let all = self.records.len() as u64;
        let records = match self.scenario.service.view.counter {
            Counter::Right => self.there(now).count() as u64,
            Counter::WithArchived => all,
            Counter::Constant(count) => count,
            Counter::Behind => {
                let lag = Duration::from_secs(20);
                self.records.iter().filter(|r| r.at + lag <= now || r.row.is_none()).count() as u64
            }
        };
        let date = self.scenario.service.clock.has_date.then(|| self.clock(now));
        let date = date.and_then(|date| Timestamp::from_second(date.as_second()).ok());
        let records = Some(records + self.scenario.service.crowd);
        Campaign { status: "running".to_owned(), records, date }
    }

    /// The records that have not left the listing.
    fn there(&self, now: Duration) -> impl Iterator<Item = &Record> {
        let after = self.scenario.service.view.archives_after;
        let has_left = move |record: &Record| {
            record.is_brief && after.is_some_and(|after| record.at + after <= now)
        };
        self.records.iter().filter(move |record| !has_left(record))
    }

    /// The records that the listing would show.
    pub(super) fn listed(&self, now: Duration) -> Vec<&Record> {
        let lag = self.scenario.service.view.lag;
        self.there(now).filter(|record| record.at + lag <= now || record.at.is_zero()).collect()
    }

    /// What becomes of a push of these rows that is sent now.
    pub(super) fn fate(
        &mut self,
        rows: &[Row],
        batch: &[usize],
        bytes: usize,
        now: Duration,
    ) -> Fate {
        let service = &self.scenario.service;
        let timeout = self.scenario.timeout;
        let quick = now + Duration::from_micros(self.rng.u64(200..4_000));
        let nothing = |at, reply| Fate {
            applied_at: at,
            applied: Vec::new(),
            is_too_late: false,
            answers: vec![(at, Answer::Is(reply))],
        };
        if service.away.is_some_and(|(from, to)| now >= from && now < to) {
            let applied =
                if service.is_away_applying { self.part(batch, rows) } else { Vec::new() };
            let answers = vec![(quick, Answer::Is(lost(false)))];
            return Fate { applied_at: quick, applied, is_too_late: false, answers };
        }
        let mut drawn = self.rng.u64(..1000);
        let mut pushes = service.pushes;
        let mut happens = None;
        for at in 0..scenario::Pushes::COUNT {
            let rate = *pushes.rate(at) / 4;
            if drawn < rate {
                happens = Some(at);
                break;
            }
            drawn -= rate;
        }
        match happens {
            Some(0) => return nothing(quick, Reply::NotSent(unreachable_service())),
            Some(1) => return nothing(quick, lost(false)),
            Some(7) => {
                let reply = Reply::Limited { retry_after: None, error: status(429) };
                return nothing(quick, reply);
            }
            Some(8) => {
                let retry_after = Some(Duration::from_millis(self.rng.u64(..9_000)));
                return nothing(quick, Reply::Limited { retry_after, error: status(429) });
            }
            Some(13) => return nothing(quick, Reply::Refused(status(400))),
            _ => {}
        }
        if batch.len() > service.most_rows || (bytes > service.most_bytes && batch.len() > 1) {
            return nothing(quick, Reply::TooLarge("too large".to_owned()));
        }
        let of = |manner| move |at: &usize| rows[*at].manner == manner;
        if batch.iter().any(of(Manner::Poison)) {
            return nothing(quick, lost(false));
        }
        let is_named = of(Manner::Names);
        let named: Vec<(usize, Box<str>)> = batch
            .iter()
            .enumerate()
            .filter(|(_, row)| is_named(row))
            .map(|(at, _)| (at, "unfit".into()))
            .collect();
        if !named.is_empty() || batch.iter().any(of(Manner::Nameless)) {
            return nothing(
                quick,
                Reply::Unfit { named, why: "unfit".to_owned(), error: status(422) },
            );
        }
        let all = batch.to_vec();
        let fate = |applied_at, applied, answers| Fate {
            applied_at,
            applied,
            is_too_late: false,
            answers,
        };
        let is_lost = |at| vec![(at, Answer::Is(lost(false)))];
        match happens {
            Some(2) => fate(quick, all, is_lost(quick)),
            Some(3) => fate(quick, self.part(batch, rows), is_lost(quick)),
            Some(4) => {
                let part = self.part(batch, rows);
                fate(quick, part, vec![(now + timeout, Answer::Is(lost(true)))])
            }
            // Within what an upload waits after a loss.
            Some(5) => {
                let within = self.scenario.settle_after.saturating_sub(service.view.lag);
                let wait = within.mul_f64(self.rng.f64() * 0.99);
                let is_too_late = within.is_zero();
                Fate { is_too_late, ..fate(quick + wait, all, is_lost(quick)) }
            }
            Some(6) => {
                let wait = Duration::from_millis(self.rng.u64(1_000..100_000));
                let wait = self.scenario.settle_after + wait;
                Fate { is_too_late: true, ..fate(quick + wait, all, is_lost(quick)) }
            }
            Some(9) => fate(quick, all, vec![(quick, Answer::Results(Twist::Order))]),
            Some(10) => fate(quick, all, vec![(quick, Answer::Results(Twist::Count))]),
            Some(11) => fate(quick, all, vec![(quick, Answer::Results(Twist::SameRun))]),
            Some(12) => {
                let again = quick + Duration::from_millis(1);
                let results = Answer::Results(Twist::None);
                fate(quick, all, vec![(quick, results.clone()), (again, results)])
            }
            _ => fate(quick, all, vec![(quick, Answer::Results(Twist::None))]),
        }
    }

    /// Some of a batch, from its beginning.
    fn part(&mut self, batch: &[usize], rows: &[Row]) -> Vec<usize> {
        if batch.iter().any(|row| !matches!(rows[*row].manner, Manner::Takes | Manner::Rejects)) {
            return Vec::new();
        }
        let count = self.rng.usize(..=batch.len());
        batch[..count].to_vec()
    }

    /// Applies rows; the result of each.
    pub(super) fn apply(
        &mut self,
        rows: &[Row],
        applied: &[usize],
        upload: &str,
        is_too_late: bool,
        now: Duration,
    ) -> Vec<Option<String>> {
        applied
            .iter()
            .map(|at| {
                let row = &rows[*at];
                if row.manner == Manner::Rejects {
                    return None;
                }
                let apart = self.scenario.service.clock.apart;
                let apart = if apart == 0 { 0 } else { self.rng.u64(..apart) };
                let apart = SignedDuration::from_secs(i64::try_from(apart).unwrap_or(0));
                let (run, created) = (self.run(), self.clock(now) - apart);
                let own = row.token.clone().or_else(|| row.session.clone());
                let session = own.unwrap_or_else(|| format!("{upload}-{at}"));
                let is_brief = self.rng.u8(..3) == 0;
                self.records.push(Record {
                    run: run.clone(),
                    number: row.number.clone(),
                    session,
                    variables: row.variables.clone(),
                    created,
                    at: now,
                    row: Some(*at),
                    is_too_late,
                    is_brief,
                    shown: OnceCell::new(),
                });
                Some(run)
            })
            .collect()
    }
}

/// The answer to a batch, as the client reads it.
pub(super) fn reply(batch: &Batch, results: &[Option<String>], twist: Twist) -> Reply {
    let numbers: Vec<&str> = batch.numbers().collect();
    let first = results.iter().flatten().next().cloned().unwrap_or_default();
    let mut entries: Vec<String> = results
        .iter()
        .zip(&numbers)
        .map(|(run, number)| match (run, twist) {
            (Some(_), Twist::SameRun) => format!(
                "{{\"phone_number\":\"{number}\",\"accepted\":true,\"run_id\":\"{first}\",\"status\":\"queued\"}}"
            ),
            (Some(run), _) => format!(
                "{{\"phone_number\":\"{number}\",\"accepted\":true,\"run_id\":\"{run}\",\"status\":\"queued\"}}"
            ),
            (None, _) => format!(
                "{{\"phone_number\":\"{number}\",\"accepted\":false,\"run_id\":null,\"error\":\"no\"}}"
            ),
        })
        .collect();
    if twist == Twist::Order {
        entries.reverse();
    }
    let mut accepted = results.iter().flatten().count();
    let rejected = results.len() - accepted;
    if twist == Twist::Count {
        accepted += 1;
    }
    let body = format!(
        "{{\"accepted\":{accepted},\"rejected\":{rejected},\"results\":[{}]}}",
        entries.join(",")
    );
    understood(&body.into(), batch, Some("IN"))
}

pub(super) fn lost(timed_out: bool) -> Reply {
    let cause = Error::Connection { sent: true, cause: "reset".to_owned() };
    let error = Error::PushOutcomeUnknown { records: 0, cause: Box::new(cause) };
    Reply::Lost { timed_out, error }
}

fn unreachable_service() -> Error {
    Error::Connection { sent: false, cause: "refused".to_owned() }
}

pub(super) fn status(status: u16) -> Error {
    Error::Status(Box::new(StatusError { status, ..StatusError::default() }))
}
