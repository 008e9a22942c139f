//! Settings and orders, drawn at random.

use proptest::prelude::*;
use revrag_sandbox::call::Person;
use revrag_sandbox::command::Command;
use revrag_sandbox::outcome::{Line, Outcome};
use revrag_sandbox::settings::{Day, Window};
use revrag_sandbox::time::{Seconds, Time};
use revrag_sandbox::world::World;
use revrag_sandbox::{Settings, runner};

use super::{HOUR, order, push, pushed};

const ZONES: [&str; 5] =
    ["Asia/Kolkata", "America/New_York", "Europe/London", "Australia/Lord_Howe", "UTC"];

#[derive(Debug, Clone)]
pub(super) enum Deed {
    Push(usize, Vec<u32>),
    Status(usize, &'static str),
    Bar(u32),
    Cap(usize, usize),
    Script(u32, Outcome),
    Play(u32, bool),
    /// Answers the first call that rings at the handset, else ends the first that was answered.
    Pick(Outcome),
}

pub(super) fn outcomes() -> impl Strategy<Value = Outcome> {
    proptest::sample::select(Outcome::ALL.to_vec())
}

pub(super) fn settings() -> impl Strategy<Value = Settings> {
    let hour = 0..24_i8;
    let window = proptest::option::of((hour.clone(), hour)).prop_map(|window| {
        let (from, to) = window.filter(|(from, to)| from != to)?;
        Some(Window {
            from: jiff::civil::time(from, 30, 0, 0),
            to: jiff::civil::time(to, 30, 0, 0),
        })
    });
    let days = proptest::sample::subsequence(Day::ALL.to_vec(), 1..=7);
    let date = |days: i64| jiff::civil::date(2026, 3, 1) + jiff::Span::new().days(days);
    let first = proptest::option::of(0..6_i64).prop_map(move |days| days.map(date));
    let last = proptest::option::of(0..20_i64).prop_map(move |days| days.map(date));
    let shares = proptest::collection::btree_map(outcomes(), 0.0..0.14, 0..6);
    (
        (proptest::sample::select(ZONES.to_vec()), window, days, first, last),
        (any::<bool>(), 1..4_usize, 1..4_u16, shares, 0..20_000_u32, 1..20_000_u32),
    )
        .prop_map(|((zone, window, active_days, first_attempt_on, end_date), rest)| {
            let (eager, max_concurrency, max_attempts, outcomes, delay, duration) = rest;
            Settings {
                timezone: zone.to_owned(),
                window,
                active_days,
                first_attempt_on,
                end_date,
                dial_first_attempt_immediately: eager,
                max_concurrency,
                max_attempts,
                outcomes,
                retry_delay: Seconds::of(delay),
                call_duration: Seconds::of(duration),
                dispatch_after: Seconds::of(delay % 7),
                ..Settings::default()
            }
        })
}

pub(super) fn deeds() -> impl Strategy<Value = Vec<(i64, Deed)>> {
    let states = vec!["running", "paused", "running", "cancelled", "running"];
    let numbers = proptest::collection::vec(0..12_u32, 1..6);
    let deed = prop_oneof![
        6 => (0..2_usize, numbers).prop_map(|(campaign, numbers)| Deed::Push(campaign, numbers)),
        1 => (0..2_usize, proptest::sample::select(states))
            .prop_map(|(campaign, status)| Deed::Status(campaign, status)),
        1 => (0..12_u32).prop_map(Deed::Bar),
        1 => (0..2_usize, 1..4_usize).prop_map(|(campaign, cap)| Deed::Cap(campaign, cap)),
        1 => (0..12_u32, outcomes()).prop_map(|(number, outcome)| Deed::Script(number, outcome)),
        1 => (0..12_u32, any::<bool>()).prop_map(|(number, on)| Deed::Play(number, on)),
        2 => outcomes().prop_map(Deed::Pick),
    ];
    proptest::collection::vec((0..40 * HOUR, deed), 1..25)
}

pub(super) fn perform(world: &mut World, at: i64, deed: &Deed) {
    runner::run(world, Time(at));
    match deed {
        Deed::Push(campaign, numbers) => {
            if world.campaigns()[*campaign].is_running() {
                push(world, at, *campaign, numbers.iter().copied());
            }
        }
        Deed::Status(campaign, status) => {
            let status = (*status).to_owned();
            order(world, at, Command::SetStatus { campaign: *campaign, status });
        }
        Deed::Bar(number) => {
            let number = pushed(*number).phone_number.into();
            let reason = "asked".to_owned();
            order(world, at, Command::Bar { workspace: 0, number, reason });
        }
        Deed::Cap(campaign, cap) => {
            let mut settings = world.campaigns()[*campaign].settings().clone();
            settings.max_concurrency = *cap;
            let settings = Box::new(settings);
            order(world, at, Command::SetSettings { campaign: *campaign, settings });
        }
        Deed::Script(number, outcome) => {
            let number = pushed(*number).phone_number.into();
            order(world, at, Command::Script { number, lines: vec![Line::of(*outcome)] });
        }
        Deed::Play(number, on) => {
            let number = pushed(*number).phone_number.into();
            order(world, at, Command::Handset { number, on: *on });
        }
        Deed::Pick(outcome) => {
            let first =
                |person| world.live_calls().find(|call| world.calls()[*call].person == person);
            if let Some(call) = first(Person::Called) {
                order(world, at, Command::Answer { call });
            } else if let Some(call) = first(Person::Speaks) {
                order(world, at, Command::HangUp { call, outcome: *outcome });
            }
        }
    }
}
