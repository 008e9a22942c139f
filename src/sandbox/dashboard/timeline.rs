//! What became of a record, from its push on.

use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::asked::Asked;
use super::parts;
use crate::call::{Call, Person};
use crate::campaign::Campaign;
use crate::deliveries::Deliveries;
use crate::gate;
use crate::outcome::Outcome;
use crate::record::{Entry, Status};
use crate::time::{Seconds, Time};
use crate::world::World;

/// A wait that is shorter is the runner's own pace.
const WORTH_TELLING: f64 = 2.0;

struct Event {
    class: &'static str,
    title: Markup,
    /// When it came about; none while it lasts.
    at: Option<Time>,
    more: Markup,
}

/// A record's story, as a list.
pub(super) fn timeline(
    world: &World,
    deliveries: &Deliveries,
    (campaign, record): (usize, usize),
    asked: &Asked,
) -> Markup {
    let it = &world.campaigns()[campaign];
    let zone = it.calendar().zone();
    let events = events(world, deliveries, (campaign, record), asked);
    html! {
        ol.timeline {
            @for event in events {
                li class=(event.class) {
                    p.event-title { (event.title) }
                    @if let Some(at) = event.at { p.event-time { (parts::moment(at, zone)) } }
                    @else { p.event-time { "Now" } }
                    (event.more)
                }
            }
        }
    }
}

fn plain(text: impl Into<String>) -> Markup {
    let text = text.into();
    html! { (text) }
}

fn events(
    world: &World,
    deliveries: &Deliveries,
    (campaign, record): (usize, usize),
    asked: &Asked,
) -> Vec<Event> {
    let it = &world.campaigns()[campaign];
    let entry = &it.records()[record];
    let zone = it.calendar().zone();
    let calls = world.calls_of(entry);
    let mut events = vec![Event {
        class: "queued",
        title: plain("Pushed"),
        at: Some(entry.created_at),
        more: html! { p.quiet { "Accepted and queued." } },
    }];
    for (place, index) in calls.iter().enumerate() {
        let call = &world.calls()[*index];
        events.extend(waited(it, call));
        events.push(placed(call));
        if !call.ended {
            continue;
        }
        events.push(ended(call));
        events.extend(told(world, deliveries, *index, call));
        if let Some(next) = calls.get(place + 1) {
            events.push(again(call, world.calls()[*next].due, zone));
        }
    }
    if let Some((at, reason)) = entry.dnc.as_deref() {
        let reason = parts::text(asked, reason);
        events.push(Event {
            class: "dnc",
            title: plain("Not to be called any more"),
            at: Some((*at).max(entry.created_at)),
            more: html! { p.quiet { "Its number is on the Do-Not-Call list: " (reason) "." } },
        });
    }
    events.extend(now(world, campaign, record, entry, zone));
    // A webhook may be delivered long after the call.
    events.sort_by_key(|event| event.at.unwrap_or(Time::MAX));
    events
}

/// What a call waited for between when it was due and when it was placed.
fn waited(it: &Campaign, call: &Call) -> Option<Event> {
    let wait = Seconds::between(call.due, call.started_at);
    if wait.as_f64() < WORTH_TELLING {
        return None;
    }
    let eager = call.attempt == 1 && it.settings().dial_first_attempt_immediately;
    let why = match it.calendar().closed(call.due, eager) {
        Some(gate) => format!("It was due, and {}", when_words(gate)),
        None => "It was due, and no line was free or the campaign stood still".to_owned(),
    };
    Some(Event {
        class: "retry",
        title: plain(format!("Waited {}", parts::length(wait))),
        at: Some(call.due),
        more: html! { p.quiet { (why) "." } },
    })
}

fn when_words(gate: gate::Gate) -> String {
    match gate {
        gate::Gate::ActiveDays => "the day was no active one".to_owned(),
        gate::Gate::FirstAttemptDay => "it was before the first-attempt day".to_owned(),
        gate::Gate::EndDate => "the campaign’s end date was past".to_owned(),
        other => format!("it was {}", other.words()),
    }
}

fn placed(call: &Call) -> Event {
    let words = match call.person {
        Person::No => "",
        Person::Called | Person::Speaks => "You play the person who is called.",
    };
    Event {
        class: if call.ended { "queued" } else { "live" },
        title: html! {
            a href={ "/calls/" (call.id) } { "Call " (call.attempt) " placed" }
        },
        at: Some(call.started_at),
        more: html! { p.quiet { code { (parts::short_id(call.id)) } " " (words) } },
    }
}

fn ended(call: &Call) -> Event {
    let (class, words) = parts::call_words(call);
    Event {
        class,
        title: plain(words),
        at: Some(call.ends_at),
        more: html! {
            p.quiet {
                "After " (parts::span(call.started_at, call.ends_at)) "; reason "
                code { (call.hangup()) } "."
            }
        },
    }
}

fn told(world: &World, deliveries: &Deliveries, index: usize, call: &Call) -> Vec<Event> {
    let ring = deliveries.lock();
    let made: Vec<_> = ring.iter().filter(|it| it.call == index).collect();
    let mut events: Vec<_> = made
        .into_iter()
        .rev()
        .map(|it| {
            let (class, words) = match it.status {
                Some(status) if it.is_delivered() => {
                    ("done", format!("Webhook delivered, {status}"))
                }
                Some(status) => ("failed", format!("Webhook refused, {status}")),
                None => ("failed", "Webhook not delivered".to_owned()),
            };
            Event {
                class,
                title: html! { a href={ "/webhooks/" (it.id) } { (words) } },
                at: Some(it.at),
                more: html! { p.quiet { "Attempt " (it.attempt) ", " code { (it.event_id) } } },
            }
        })
        .collect();
    if world.is_untold(index) {
        events.push(Event {
            class: "live",
            title: plain("Webhook on its way"),
            at: Some(call.ends_at),
            more: html! { p.quiet { code { "call.ended" } " " code { (world.event_id(index)) } } },
        });
    }
    events
}

fn again(call: &Call, due: Time, zone: &TimeZone) -> Event {
    let (class, words) = match call.outcome {
        Outcome::Callback => ("callback", "Callback planned"),
        Outcome::FollowUp => ("follow", "Follow-up planned"),
        _ => ("retry", "Retry planned"),
    };
    Event {
        class,
        title: plain(words),
        at: Some(call.ends_at),
        more: html! { p.quiet { "Due " (parts::moment(due, zone)) "." } },
    }
}

/// Where it stands.
fn now(
    world: &World,
    campaign: usize,
    record: usize,
    entry: &Entry,
    zone: &TimeZone,
) -> Option<Event> {
    let words = match entry.status {
        Status::Queued => "Waits for its first call",
        Status::RetryPending => "Waits for its retry",
        Status::Rescheduled => "Waits for the callback",
        Status::FollowUpPending => "Waits for the follow-up",
        Status::InProgress | Status::Dnc => return None,
        Status::Completed | Status::Failed => {
            return Some(Event {
                class: parts::status_class(entry.status),
                title: plain(if entry.status == Status::Failed {
                    "Failed for good"
                } else {
                    "Done"
                }),
                at: Some(entry.updated_at),
                more: html! {
                    p.quiet {
                        @if entry.status == Status::Failed { "No attempt is left." }
                        @else { "Nothing more happens to it." }
                    }
                },
            });
        }
    };
    let wait = gate::of_record(world, campaign, record);
    let wait =
        wait.map_or_else(|| "All gates are open".to_owned(), |it| it.words(zone, world.now()));
    Some(Event {
        class: parts::status_class(entry.status),
        title: plain(words),
        at: None,
        more: html! { p.quiet { "Gate: " (wait) "." } },
    })
}
