//! Why a record is not being called right now.

use serde::{Deserialize, Serialize};

use super::record::Status;
use super::time::Time;
use super::world::World;

/// What stands between a record and its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// The campaign is not running.
    Campaign,
    /// The runner's next look, the retry's delay, or the hour of the callback or follow-up.
    NotDue,
    /// The number is on the Do-Not-Call list, which the runner is about to see.
    DoNotCall,
    /// The day is before the first attempt's.
    FirstAttemptDay,
    /// The day is none of the active ones.
    ActiveDays,
    /// The hour is outside the daily window.
    Window,
    /// The campaign's last day is over.
    EndDate,
    /// As many calls are live as may be.
    Concurrency,
}

impl Gate {
    /// In a person's words, as in "outside the window".
    pub fn words(self) -> &'static str {
        match self {
            Self::Campaign => "the campaign is not running",
            Self::NotDue => "not due yet",
            Self::DoNotCall => "on the Do-Not-Call list",
            Self::FirstAttemptDay => "before the first-attempt day",
            Self::ActiveDays => "not an active day",
            Self::Window => "outside the window",
            Self::EndDate => "past the end date",
            Self::Concurrency => "as many calls as may be",
        }
    }
}

/// The gate a record waits for, and until when if that can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// The gate.
    pub gate: Gate,
    /// When it opens, as far as can be told now.
    pub until: Option<Time>,
}

impl Wait {
    /// In a person's words, as in "outside the window until 09:00 IST".
    pub fn words(&self, zone: &jiff::tz::TimeZone, now: Time) -> String {
        let words = self.gate.words();
        let Some(until) = self.until else { return words.to_owned() };
        let [until, now] =
            [until, now].map(|time| jiff::ZonedDateTime::new(time.stamp(), zone.clone()));
        let form = if until.date() == now.date() { "%H:%M %Z" } else { "%a %-d %b, %H:%M %Z" };
        format!("{words} until {}", until.strftime(form))
    }
}

/// What a campaign's record waits for; none where it waits for nothing.
pub fn of_record(world: &World, campaign: usize, record: usize) -> Option<Wait> {
    let campaign = &world.campaigns()[campaign];
    let entry = &campaign.records()[record];
    if !entry.status.is_waiting() {
        return None;
    }
    let now = world.now();
    let wait = |gate, until| Some(Wait { gate, until });
    if !campaign.is_running() {
        return wait(Gate::Campaign, None);
    }
    if entry.due > now {
        return wait(Gate::NotDue, Some(entry.due));
    }
    if world.barred(campaign.workspace, &entry.phone_number).is_some() {
        return wait(Gate::DoNotCall, None);
    }
    let first = entry.status == Status::Queued;
    of_attempts(world, campaign, first)
}

/// What a campaign's attempts that are due wait for.
pub fn of_campaign(world: &World, campaign: usize) -> Option<Wait> {
    let campaign = &world.campaigns()[campaign];
    if !campaign.is_running() {
        return Some(Wait { gate: Gate::Campaign, until: None });
    }
    of_attempts(world, campaign, true)
}

fn of_attempts(world: &World, campaign: &super::campaign::Campaign, first: bool) -> Option<Wait> {
    let now = world.now();
    let eager = first && campaign.settings().dial_first_attempt_immediately;
    if let Some(gate) = campaign.calendar().closed(now, eager) {
        let until = campaign.calendar().opening(now, eager).map(|(opens, _)| opens);
        return Some(Wait { gate, until });
    }
    let full = campaign.live() >= campaign.settings().max_concurrency;
    full.then(|| Wait { gate: Gate::Concurrency, until: campaign.next_end() })
}
