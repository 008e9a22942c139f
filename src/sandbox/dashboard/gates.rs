//! What a campaign's gates say now, and why nobody is being called.

use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::parts;
use crate::gate::{self, Gate, Wait};
use crate::settings::Day;
use crate::time::Time;
use crate::world::World;

/// Whether calls are being placed, and if not, why.
pub(super) struct Why {
    pub(super) title: &'static str,
    pub(super) text: String,
    /// `done`, `live`, `retry` or `queued`: the colour.
    pub(super) class: &'static str,
}

/// Why a campaign calls nobody, or that it does.
pub(super) fn why(world: &World, campaign: usize) -> Why {
    let it = &world.campaigns()[campaign];
    let (live, waiting, now) = (it.live(), it.waiting(), world.now());
    let zone = it.calendar().zone();
    let blocked = |text: String| Why { title: "Nothing is being dialled", text, class: "retry" };
    let calls = |count: usize| {
        if count == 1 { "1 call".to_owned() } else { format!("{} calls", parts::count(count)) }
    };
    match gate::of_campaign(world, campaign) {
        Some(Wait { gate: Gate::Campaign, .. }) => {
            let status = it.status();
            let then = match status {
                "paused" => "resume it to go on",
                "completed" | "cancelled" => "whoever waited is called no more",
                _ => "only a running campaign places calls",
            };
            blocked(format!("The campaign is {status}: {then}."))
        }
        Some(wait) if wait.gate == Gate::Concurrency => Why {
            title: "Every line is taken",
            text: format!("{} at once is the most; {} waiting.", calls(live), records(waiting)),
            class: "live",
        },
        Some(wait) => blocked(capitalized(&wait.words(zone, now))),
        None if waiting == 0 && live == 0 => Why {
            title: "Nothing to dial",
            text: "No record waits for a call.".to_owned(),
            class: "queued",
        },
        None if live > 0 => Why {
            title: "Dialling",
            text: format!("{} under way, {} waiting.", calls(live), records(waiting)),
            class: "done",
        },
        None => {
            let next = it.next_due().filter(|due| *due > now);
            let text = next.map_or_else(
                || {
                    format!(
                        "All gates are open: {} waiting, and the runner is about to look.",
                        records(waiting)
                    )
                },
                |due| {
                    let waiting = records(waiting);
                    format!(
                        "All gates are open: {waiting} waiting, the next due {}.",
                        on(due, zone)
                    )
                },
            );
            Why { title: "Nothing is due", text, class: "queued" }
        }
    }
}

fn records(count: usize) -> String {
    if count == 1 { "1 record".to_owned() } else { format!("{} records", parts::count(count)) }
}

/// What a record waits for, and until when.
pub(super) fn waits(wait: &Wait, zone: &TimeZone, now: Time) -> String {
    let words = wait.words(zone, now);
    match words.strip_prefix("not due yet until ") {
        Some(until) => format!("due {until}"),
        None => words,
    }
}

/// With a capital, and a full stop.
fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}

fn on(time: Time, zone: &TimeZone) -> String {
    let at = jiff::ZonedDateTime::new(time.stamp(), zone.clone());
    at.strftime("%a %-d %b, %H:%M:%S %Z").to_string()
}

/// Why nobody is being called, in a box.
pub(super) fn panel(why: &Why) -> Markup {
    html! {
        div class={ "why " (why.class) } {
            p.why-title { (why.title) }
            p { (why.text) }
        }
    }
}

struct Told {
    name: &'static str,
    set: String,
    open: bool,
    now: String,
}

/// All gates, as they are set and as they stand.
pub(super) fn table(world: &World, campaign: usize) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Gates, as a table" {
            table {
                thead { tr {
                    th scope="col" { "Gate" } th scope="col" { "Set to" }
                    th scope="col" { "Now" } th scope="col" { "" span.sr { "What that means" } }
                } }
                tbody {
                    @for gate in gates(world, campaign) {
                        tr {
                            th scope="row" { (gate.name) }
                            td { (gate.set) }
                            td {
                                @if gate.open { (parts::badge("done", "Open")) }
                                @else { (parts::badge("retry", "Closed")) }
                            }
                            td.quiet { (gate.now) }
                        }
                    }
                }
            }
        }
    }
}

fn gates(world: &World, campaign: usize) -> Vec<Told> {
    let it = &world.campaigns()[campaign];
    let settings = it.settings();
    let zone = it.calendar().zone();
    let now = jiff::ZonedDateTime::new(world.now().stamp(), zone.clone());
    let (date, time) = (now.date(), now.time());
    let days: Vec<_> = settings.active_days.iter().map(|day| day_name(*day)).collect();
    let is_today =
        settings.active_days.iter().any(|day| day_name(*day) == now.strftime("%a").to_string());
    let in_window = settings.window.is_none_or(|it| {
        let closes_at_midnight = it.to == jiff::civil::Time::midnight();
        if it.from < it.to || closes_at_midnight {
            it.from <= time && (closes_at_midnight || time < it.to)
        } else {
            it.from <= time || time < it.to
        }
    });
    let first = settings.first_attempt_on;
    let barred = world.workspaces()[it.workspace].dnc.len();
    let told = |name, set: String, open, now: String| Told { name, set, open, now };
    vec![
        told("Campaign", "Running".to_owned(), it.is_running(), format!("It is {}", it.status())),
        told(
            "Calling window",
            settings.window.map_or_else(
                || "The whole day".to_owned(),
                |it| format!("{}–{}", it.from.strftime("%H:%M"), it.to.strftime("%H:%M")),
            ),
            in_window,
            format!("It is {}", now.strftime("%H:%M %Z")),
        ),
        told(
            "Active days",
            if days.len() == 7 { "Every day".to_owned() } else { days.join(", ") },
            is_today,
            format!("It is {}", now.strftime("%A")),
        ),
        told(
            "First-attempt day",
            first.map_or_else(
                || "None".to_owned(),
                |first| first.strftime("%a %-d %b %Y").to_string(),
            ),
            first.is_none_or(|first| first <= date),
            if first.is_some() && settings.dial_first_attempt_immediately {
                "First attempts skip it".to_owned()
            } else {
                String::new()
            },
        ),
        told(
            "End date",
            settings
                .end_date
                .map_or_else(|| "None".to_owned(), |end| end.strftime("%a %-d %b %Y").to_string()),
            settings.end_date.is_none_or(|end| date <= end),
            String::new(),
        ),
        told(
            "Concurrency",
            format!("{} at once", parts::count(settings.max_concurrency)),
            it.live() < settings.max_concurrency,
            format!("{} live", parts::count(it.live())),
        ),
        told(
            "Do-Not-Call list",
            "Numbers on it are never called".to_owned(),
            true,
            format!("{} on it", parts::count(barred)),
        ),
    ]
}

pub(super) fn day_name(day: Day) -> &'static str {
    match day {
        Day::Mon => "Mon",
        Day::Tue => "Tue",
        Day::Wed => "Wed",
        Day::Thu => "Thu",
        Day::Fri => "Fri",
        Day::Sat => "Sat",
        Day::Sun => "Sun",
    }
}
