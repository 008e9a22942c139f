//! What happens next, and when: pure, with the time passed in.

use serde::{Deserialize, Serialize};

use super::campaign::{Campaign, Kept};
use super::record::{Line, Status};
use super::time::Time;
use super::world::World;
use super::{dial, hangup};

/// Something that happened, by the indexes of what it happened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// A call was placed.
    Placed {
        /// The call.
        call: usize,
    },
    /// A call ended; `event` is its number in the outbox, where there is someone to tell.
    Ended {
        /// The call.
        call: usize,
        /// Its number among those of [`World::letter`].
        event: Option<u64>,
    },
    /// A record's status changed, for whatever reason.
    Changed {
        /// The campaign.
        campaign: usize,
        /// The record.
        record: usize,
    },
    /// A campaign ended.
    Finished {
        /// The campaign.
        campaign: usize,
    },
}

/// How far a step came.
#[derive(Debug, Default)]
pub struct Step {
    /// What happened, in order.
    pub effects: Vec<Effect>,
    /// Whether everything that was due has happened.
    pub done: bool,
}

/// What a campaign does next. In the order in which they happen where they are due at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    End,
    Finish,
    Close,
    Bar,
    Dial { due: Time, record: u32 },
}

pub(super) type Event = (Time, Kind);

/// Runs the world up to `until`, or through `most` events of it.
pub fn step(world: &mut World, until: Time, most: usize) -> Step {
    let mut effects = Vec::new();
    for _ in 0..most {
        let Some((campaign, (at, kind))) = next(world, false).filter(|(_, (at, _))| *at <= until)
        else {
            world.now = world.now.max(until);
            return Step { effects, done: true };
        };
        world.now = world.now.max(at);
        match kind {
            Kind::End => hangup::end(world, campaign, &mut effects),
            Kind::Finish => {
                world.campaigns[campaign].set_status("completed".to_owned());
                effects.push(Effect::Finished { campaign });
            }
            Kind::Close => close(world, campaign, &mut effects),
            Kind::Bar => bar(world, campaign, &mut effects),
            Kind::Dial { record, .. } => {
                dial::dial(world, campaign, record as usize, &mut effects);
            }
        }
    }
    Step { effects, done: false }
}

/// Runs the world up to `until`; what happened, in order.
pub fn run(world: &mut World, until: Time) -> Vec<Effect> {
    step(world, until, usize::MAX).effects
}

/// When something happens next, if no command comes meanwhile.
pub fn wakes_at(world: &mut World) -> Option<Time> {
    next(world, false).map(|(_, (at, _))| at)
}

/// When something happens next to a record. A campaign in which none is open may have its end ahead.
pub fn busy_until(world: &mut World) -> Option<Time> {
    next(world, true).map(|(_, (at, _))| at)
}

/// The campaign in which something happens next, and what.
fn next(world: &mut World, only_busy: bool) -> Option<(usize, Event)> {
    let now = world.now;
    let campaigns = world.campaigns.iter_mut().enumerate();
    let campaigns = campaigns.filter(|(_, it)| !only_busy || it.live() + it.waiting() > 0);
    campaigns
        .filter_map(|(index, campaign)| Some((index, next_of(campaign, now)?)))
        .min_by_key(|(index, (at, kind))| (*at, *kind, *index))
}

fn next_of(campaign: &mut Campaign, now: Time) -> Option<Event> {
    if let Some(known) = campaign.kept().next {
        return known;
    }
    let settings = campaign.settings();
    let (running, over) = (campaign.is_running(), campaign.is_over());
    let unfinished = running || campaign.status() == "paused";
    let (cap, eager) = (settings.max_concurrency, settings.dial_first_attempt_immediately);
    let waiting = campaign.waiting() > 0;
    let (_, kept) = campaign.touch();
    let mut soonest: Option<Event> = kept.live.first().map(|(end, _)| (*end, Kind::End));
    let mut offer = |event: Event| {
        soonest = Some(soonest.map_or(event, |soonest| soonest.min(event)));
    };
    if let Some(ends) = kept.calendar.ends()
        && unfinished
    {
        offer((ends.max(now), Kind::Finish));
    }
    if over && waiting {
        offer((now, Kind::Close));
    }
    if running {
        if let Some((due, _)) = kept.barred.first() {
            offer(((*due).max(now), Kind::Bar));
        }
        if kept.live.len() < cap {
            for (front, eager) in [(kept.first.first(), eager), (kept.again.first(), false)] {
                let Some((due, record)) = front.copied() else { continue };
                if let Some(at) = opening(&kept.calendar, &mut kept.open, due.max(now), eager) {
                    offer((at, Kind::Dial { due, record }));
                }
            }
        }
    }
    kept.next = Some(soonest);
    soonest
}

/// When the gates next stand open, from what was last found where that holds.
fn opening(
    calendar: &super::calendar::Calendar,
    known: &mut [Option<(Time, Time)>; 2],
    from: Time,
    eager: bool,
) -> Option<Time> {
    let known = &mut known[usize::from(eager)];
    if known.is_none_or(|(opens, closes)| from < opens || closes <= from) {
        *known = calendar.opening(from, eager);
    }
    known.map(|(opens, _)| opens.max(from))
}

/// Takes one record out of a campaign that calls nobody any more.
fn close(world: &mut World, campaign: usize, effects: &mut Vec<Effect>) {
    let now = world.now;
    let kept = world.campaigns[campaign].kept();
    let front = |kept: &Kept| {
        let lines = [&kept.first, &kept.again, &kept.barred];
        lines.into_iter().find_map(|line| line.first().copied())
    };
    let Some((_, record)) = front(kept) else { return };
    let record = record as usize;
    let entry = &world.campaigns[campaign].records()[record];
    // A follow-up's call did take place.
    let status = match entry.status {
        Status::FollowUpPending => Status::Completed,
        _ => Status::Failed,
    };
    let it = &mut world.campaigns[campaign];
    it.turn(record, status, Line::No, now, now);
    let entry = &mut it.touch().0[record];
    entry.max_attempts = entry.attempts;
    effects.push(Effect::Changed { campaign, record });
}

/// Looks at a record that was pushed with a number of the Do-Not-Call list.
fn bar(world: &mut World, campaign: usize, effects: &mut Vec<Effect>) {
    let now = world.now;
    let Some((due, record)) = world.campaigns[campaign].kept().barred.first().copied() else {
        return;
    };
    let record = record as usize;
    if !hangup::bar_if_listed(world, campaign, record, effects) {
        // It was taken off the list meanwhile.
        world.campaigns[campaign].turn(record, Status::Queued, Line::First, due, now);
    }
}
