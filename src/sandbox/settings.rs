//! A campaign's settings: what its dashboard sets in the real service.

use std::collections::BTreeMap;

use jiff::civil::{self, Date};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use super::calendar::Calendar;
use super::outcome::Outcome;
use super::time::Seconds;
use revrag::{Error, Result};

/// How a campaign calls. What the reference leaves open is settled by these defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What people call it.
    pub name: String,
    /// The agent that calls.
    pub agent_id: Uuid,
    /// The number it calls from.
    pub from_number: String,
    /// The variables its agent expects.
    pub variables: Vec<String>,
    /// The zone in which all of its times and days are meant, by its IANA name.
    pub timezone: String,
    /// The hours of a day in which it calls; none is the whole day. A window that ends before it
    /// begins runs across midnight, and each of its halves needs its own day to be active.
    pub window: Option<Window>,
    /// The days on which it calls.
    pub active_days: Vec<Day>,
    /// The day before which it calls nobody.
    pub first_attempt_on: Option<Date>,
    /// Whether first attempts pay no heed to `first_attempt_on`.
    pub dial_first_attempt_immediately: bool,
    /// Its last day. At that day's end it is completed, and calls nobody who still waits.
    pub end_date: Option<Date>,
    /// Calls at a time, at most.
    pub max_concurrency: usize,
    /// Attempts a record may have. One that a callee asked to be called again for, or that a
    /// follow-up takes, is granted on top.
    pub max_attempts: u16,
    /// After which outcomes a record is called again.
    pub retry_on: Vec<Outcome>,
    /// From such a call's end to the next attempt.
    pub retry_delay: Seconds,
    /// From the end of a call in which the callee asked for a callback to that callback.
    pub callback_delay: Seconds,
    /// Callbacks granted to a record.
    pub max_callbacks: u8,
    /// From a call's end to the follow-up that its post-call logic orders.
    pub follow_up_delay: Seconds,
    /// Follow-ups granted to a record.
    pub max_follow_ups: u8,
    /// From a push to its first attempt, where all gates are open.
    pub dispatch_after: Seconds,
    /// How long a call lasts.
    pub call_duration: Seconds,
    /// The share of calls that fail, from 0 to 1.
    pub failure_rate: f64,
    /// The shares of other outcomes; what is left of 1 is completed.
    pub outcomes: BTreeMap<Outcome, f64>,
    /// Whether a number's last digits say how its calls go (see [`Outcome::of_digits`]).
    pub last_digits: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "Sandbox".to_owned(),
            agent_id: Uuid::from_u128(0x3333_3333_3333_3333_3333_3333_3333_3333),
            from_number: "+911140000000".to_owned(),
            variables: vec!["first_name".to_owned()],
            timezone: "Asia/Kolkata".to_owned(),
            window: None,
            active_days: Day::ALL.to_vec(),
            first_attempt_on: None,
            dial_first_attempt_immediately: false,
            end_date: None,
            max_concurrency: 100,
            max_attempts: 1,
            retry_on: Outcome::UNANSWERED.to_vec(),
            retry_delay: Seconds::of(30 * 60),
            callback_delay: Seconds::of(2 * 60 * 60),
            max_callbacks: 3,
            follow_up_delay: Seconds::of(24 * 60 * 60),
            max_follow_ups: 1,
            dispatch_after: std::time::Duration::from_millis(200).into(),
            call_duration: std::time::Duration::from_millis(500).into(),
            failure_rate: 0.1,
            outcomes: BTreeMap::new(),
            last_digits: true,
        }
    }
}

impl Settings {
    /// Refuses what can't work.
    pub fn check(&self) -> Result<()> {
        let refuse = |name: &str, problem: &str| Err(Error::invalid(name, problem));
        let share = |share: f64| (0.0..=1.0).contains(&share);
        if !share(self.failure_rate) {
            return refuse("failure_rate", "it must be from 0 to 1");
        }
        if !self.outcomes.values().copied().all(share)
            || self.outcomes.values().sum::<f64>() + self.failure_rate > 1.0 + 1e-9
        {
            return refuse("outcomes", "with failure_rate, the shares must add up to at most 1");
        }
        if self.max_concurrency == 0 {
            return refuse("max_concurrency", "it must be at least 1");
        }
        if self.max_attempts == 0 {
            return refuse("max_attempts", "it must be at least 1");
        }
        if self.active_days.is_empty() {
            return refuse("active_days", "it names no day, so nobody would ever be called");
        }
        if self.window.is_some_and(|window| window.from == window.to) {
            let problem = "it ends when it begins; for the whole day, leave it out";
            return refuse("window", problem);
        }
        if let Some(other) = self.retry_on.iter().find(|it| !Outcome::UNANSWERED.contains(it)) {
            let problem = format!("a call that was {} is not tried again", other.as_str());
            return refuse("retry_on", &problem);
        }
        let year = Seconds::of(365 * 86_400);
        if self.dispatch_after > year || self.call_duration > year {
            return refuse("call_duration", "it and dispatch_after must be at most a year");
        }
        Calendar::of(self).map(drop)
    }
}

/// The hours of a day, from the first to just before the last; `["09:00", "21:00"]` where written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// When it opens.
    pub from: civil::Time,
    /// When it closes; midnight is the end of the day.
    pub to: civil::Time,
}

impl Serialize for Window {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.from, self.to).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (from, to) = <(String, String)>::deserialize(deserializer)?;
        let read = |text: &str| {
            if text == "24:00" {
                return Ok(civil::Time::midnight());
            }
            let problem = || format!("{text:?} is no time of day; write it as in \"09:00\"");
            text.parse().map_err(|_| serde::de::Error::custom(problem()))
        };
        Ok(Self { from: read(&from)?, to: read(&to)? })
    }
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "they are known")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    /// The whole week.
    pub const ALL: [Self; 7] =
        [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];
}
