//! The sandbox's world: what must hold whatever is pushed, ordered and set, and however time passes.

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use proptest::prelude::*;
use revrag::sandbox::call::Person;
use revrag::sandbox::command::Command;
use revrag::sandbox::gate::{self, Gate};
use revrag::sandbox::outcome::{Line, Outcome};
use revrag::sandbox::record::{Pushed, Status};
use revrag::sandbox::recording::Links;
use revrag::sandbox::settings::{Day, Window};
use revrag::sandbox::time::{Seconds, Time};
use revrag::sandbox::world::{Workspace, World};
use revrag::sandbox::{Settings, runner, show};
use revrag::{Secret, model};
use uuid::Uuid;

const HOUR: i64 = 3_600_000_000;
/// 2026-03-01, before the clocks go forward in America and Europe.
const START: i64 = 1_772_323_200_000_000;
const ZONES: [&str; 5] =
    ["Asia/Kolkata", "America/New_York", "Europe/London", "Australia/Lord_Howe", "UTC"];

fn workspace(key: &str) -> Workspace {
    Workspace {
        id: Uuid::from_u128(2),
        name: String::new(),
        api_key: Secret::new(key),
        webhook: None,
        dnc: BTreeMap::new(),
    }
}

fn order(world: &mut World, at: i64, command: Command) {
    let at = Time(at);
    runner::run(world, at);
    command.check(world).unwrap();
    command.apply(world, at).unwrap();
}

fn world(seed: u64, settings: &[Settings]) -> World {
    let mut world = World::new(seed, Time(START));
    order(&mut world, START, Command::AddWorkspace(workspace("key")));
    for (index, settings) in settings.iter().enumerate() {
        let id = Uuid::from_u128(index as u128 + 10);
        let settings = Box::new(settings.clone());
        let status = "running".to_owned();
        order(&mut world, START, Command::AddCampaign { workspace: 0, id, status, settings });
    }
    world
}

fn pushed(number: u32) -> Pushed {
    Pushed {
        phone_number: format!("+9198765{number:05}").into(),
        variables: "{\"first_name\":\"Riya\"}".into(),
        app_user_id: None,
        app_session_id: None,
    }
}

fn push(world: &mut World, at: i64, campaign: usize, numbers: impl IntoIterator<Item = u32>) {
    let records = numbers.into_iter().map(pushed).collect();
    order(world, at, Command::Push { campaign, records });
}

/// Everything that the API would say of a world.
fn history(world: &World) -> String {
    let links = Links::new("http://sandbox".to_owned(), 1);
    let mut text = String::new();
    for campaign in 0..world.campaigns().len() {
        text += &serde_json::to_string(&show::campaign(world, campaign).unwrap()).unwrap();
        for record in 0..world.campaigns()[campaign].records().len() {
            text += &serde_json::to_string(&show::record(world, campaign, record)).unwrap();
        }
    }
    for call in 0..world.calls().len() {
        let call = show::call(world, call, &links, world.now());
        text += &serde_json::to_string(&call).unwrap();
    }
    text
}

fn statuses(world: &World) -> Vec<&'static str> {
    world.campaigns()[0].records().iter().map(|record| record.status.as_str()).collect()
}

#[derive(Debug, Clone)]
enum Deed {
    Push(usize, Vec<u32>),
    Status(usize, &'static str),
    Bar(u32),
    Cap(usize, usize),
    Script(u32, Outcome),
    Play(u32, bool),
    /// Answers the first call that rings at the handset, else ends the first that was answered.
    Pick(Outcome),
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    proptest::sample::select(Outcome::ALL.to_vec())
}

fn settings() -> impl Strategy<Value = Settings> {
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

fn deeds() -> impl Strategy<Value = Vec<(i64, Deed)>> {
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

fn perform(world: &mut World, at: i64, deed: &Deed) {
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

/// What the wall clock of a campaign's zone shows.
fn wall(settings: &Settings, at: Time) -> DateTime {
    let zone: TimeZone = TimeZoneDatabase::bundled().get(&settings.timezone).unwrap();
    zone.to_datetime(at.stamp())
}

/// Whether a call at this moment keeps every rule of the calendar; by another way than the runner's.
fn may_call(settings: &Settings, at: Time, attempt: u16) -> bool {
    let now = wall(settings, at);
    let (day, time): (Date, _) = (now.date(), now.time());
    let weekday = Day::ALL[usize::try_from(day.weekday().to_monday_zero_offset()).unwrap()];
    let eager = settings.dial_first_attempt_immediately && attempt == 1;
    let inside = settings.window.is_none_or(|Window { from, to }| {
        if from < to { from <= time && time < to } else { from <= time || time < to }
    });
    inside
        && settings.active_days.contains(&weekday)
        && settings.end_date.is_none_or(|last| day <= last)
        && (eager || settings.first_attempt_on.is_none_or(|first| first <= day))
}

fn check(world: &World, before: &World) -> Result<(), TestCaseError> {
    for campaign in world.campaigns() {
        let counted: usize = Status::ALL.into_iter().map(|status| campaign.count(status)).sum();
        prop_assert_eq!(counted, campaign.records().len());
        for status in Status::ALL {
            let truth = campaign.records().iter().filter(|it| it.status == status).count();
            prop_assert_eq!(campaign.count(status), truth, "{:?}", status);
        }
        prop_assert_eq!(campaign.live(), campaign.count(Status::InProgress));
        // A cap that was lowered holds for calls from then on.
        let was = before.campaigns().iter().find(|it| it.id == campaign.id);
        let was = was.map_or(0, revrag::sandbox::campaign::Campaign::live);
        prop_assert!(campaign.live() <= campaign.settings().max_concurrency.max(was));
        for record in campaign.records() {
            prop_assert!(record.attempts <= record.max_attempts);
        }
    }
    Ok(())
}

/// Live calls at the moment each call begins.
fn crowd(world: &World, campaign: usize) -> usize {
    let of =
        |index: usize| world.calls().iter().filter(move |call| call.campaign as usize == index);
    let at = |moment: Time| {
        of(campaign).filter(|call| call.started_at <= moment && moment < call.ends_at).count()
    };
    of(campaign).map(|call| at(call.started_at)).max().unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn gates_hold_counts_add_up_and_all_records_end(
        (one, other) in (settings(), settings()),
        deeds in deeds(),
        seed in any::<u64>(),
    ) {
        let caps = [one.max_concurrency, other.max_concurrency];
        let mut world = world(seed, &[one, other]);
        let mut at = START;
        let mut barred = BTreeMap::new();
        let mut capped = [false; 2];
        for (wait, deed) in &deeds {
            at += wait;
            let before = world.clone();
            runner::run(&mut world, Time(at));
            check(&world, &before)?;
            let before = world.clone();
            perform(&mut world, at, deed);
            if let Deed::Bar(number) = deed {
                barred.entry(pushed(*number).phone_number).or_insert(Time(at));
            }
            if let Deed::Cap(campaign, _) = deed {
                capped[*campaign] = true;
            }
            check(&world, &before)?;
        }
        for campaign in 0..2 {
            if !world.campaigns()[campaign].is_over() {
                let status = "running".to_owned();
                order(&mut world, at, Command::SetStatus { campaign, status });
            }
        }
        while let Some(next) = runner::busy_until(&mut world) {
            prop_assert!(next >= world.now());
            prop_assert!(next.0 < START + 24 * 366 * HOUR, "it goes on for ever");
            let before = world.clone();
            runner::run(&mut world, next);
            check(&world, &before)?;
        }
        for campaign in 0..2 {
            let it = &world.campaigns()[campaign];
            if !capped[campaign] {
                prop_assert!(crowd(&world, campaign) <= caps[campaign]);
            }
            for index in 0..it.records().len() {
                let shown = model::Document::of(show::record(&world, campaign, index)).unwrap();
                prop_assert!(shown.is_final(), "{:?}", it.records()[index]);
            }
        }
        for call in world.calls() {
            let it = &world.campaigns()[call.campaign as usize];
            prop_assert!(call.ended);
            prop_assert!(call.due <= call.started_at);
            prop_assert!(may_call(it.settings(), call.started_at, call.attempt), "{:?}", call);
            let number = &it.records()[call.record as usize].phone_number;
            let listed = barred.get(number).copied();
            let asked = world.calls().iter().filter(|other| {
                let of = &world.campaigns()[other.campaign as usize];
                other.outcome == Outcome::Dnc
                    && of.records()[other.record as usize].phone_number == *number
            });
            let asked = asked.map(|other| other.ends_at).min();
            for since in [listed, asked].into_iter().flatten() {
                prop_assert!(call.started_at <= since, "{:?} after {:?}", call, since);
            }
        }
    }

    #[test]
    fn one_large_step_is_many_small_ones_and_a_seed_gives_one_history(
        settings in (settings(), settings()),
        deeds in deeds(),
        seed in any::<u64>(),
        step in 1..30 * HOUR,
        snapshot in 0..25_usize,
    ) {
        let all = [settings.0, settings.1];
        let (mut large, mut small, mut again) =
            (world(seed, &all), world(seed, &all), world(seed, &all));
        let (mut at, mut reached) = (START, START);
        let mut effects = (Vec::new(), Vec::new());
        let mut steps = |world: &mut World, reached: &mut i64, until: i64| {
            while *reached < until {
                *reached = (*reached + step).min(until);
                // In slices, too.
                loop {
                    let step = runner::step(world, Time(*reached), 3);
                    effects.1.extend(step.effects);
                    if step.done {
                        break;
                    }
                }
            }
        };
        for (index, (wait, deed)) in deeds.iter().enumerate() {
            at += wait;
            effects.0.extend(runner::run(&mut large, Time(at)));
            steps(&mut small, &mut reached, at);
            for world in [&mut large, &mut small, &mut again] {
                perform(world, at, deed);
            }
            if index == snapshot {
                again = World::of_bytes(&again.to_bytes().unwrap()).unwrap();
            }
        }
        let end = at + 60 * 24 * HOUR;
        effects.0.extend(runner::run(&mut large, Time(end)));
        steps(&mut small, &mut reached, end);
        runner::run(&mut again, Time(end));
        prop_assert_eq!(effects.0, effects.1);
        prop_assert_eq!(history(&large), history(&small));
        prop_assert_eq!(history(&large), history(&again));
        prop_assert_eq!(large.to_bytes().unwrap(), again.to_bytes().unwrap());
    }

    #[test]
    fn openings_are_the_first_open_moments(settings in settings(), hours in 0..24 * 40_i64) {
        let world = world(0, std::slice::from_ref(&settings));
        let calendar = world.campaigns()[0].calendar();
        let from = START + hours * HOUR + 17_000_000;
        let opening = calendar.opening(Time(from), false);
        // By minutes, as a person with a watch would look for it.
        let minute = HOUR / 60;
        let seen = (0..12 * 24 * 60).map(|minutes| Time(from + minutes * minute));
        let seen = seen.into_iter().find(|at| may_call(&settings, *at, 2));
        match (opening, seen) {
            (Some((opens, closes)), Some(seen)) => {
                prop_assert!(opens <= seen && seen.0 - opens.0 < minute);
                prop_assert!(may_call(&settings, opens, 2));
                prop_assert!(may_call(&settings, Time(closes.0 - 1), 2));
                prop_assert_eq!(calendar.closed(opens, false), None);
            }
            (None, None) => {}
            (opening, seen) => prop_assert!(false, "{:?} {:?}", opening, seen),
        }
    }

    #[test]
    fn snapshots_that_are_damaged_are_refused(place in any::<usize>(), bit in 0..8_u8) {
        let mut world = world(1, &[Settings::default()]);
        push(&mut world, START, 0, 0..3);
        let mut bytes = world.to_bytes().unwrap();
        let place = place % bytes.len();
        bytes[place] ^= 1 << bit;
        prop_assert!(World::of_bytes(&bytes).is_err());
        prop_assert!(World::of_bytes(&bytes[..place]).is_err());
    }
}

fn hourly() -> Settings {
    Settings {
        dispatch_after: Seconds::of(0),
        call_duration: Seconds::of(60),
        failure_rate: 0.0,
        max_attempts: 3,
        timezone: "UTC".to_owned(),
        ..Settings::default()
    }
}

#[test]
fn outcomes_lead_where_the_reference_says() {
    let table = [
        (Outcome::Completed, "completed", 1),
        (Outcome::NoAnswer, "retry_pending", 1),
        (Outcome::Busy, "retry_pending", 1),
        (Outcome::Failed, "retry_pending", 1),
        (Outcome::Voicemail, "retry_pending", 1),
        (Outcome::Callback, "rescheduled", 1),
        (Outcome::Dnc, "dnc", 1),
        (Outcome::FollowUp, "follow_up_pending", 1),
    ];
    let ends =
        ["completed", "failed", "failed", "failed", "failed", "completed", "dnc", "completed"];
    for ((outcome, first, attempts), last) in table.into_iter().zip(ends) {
        // Both by script and by last digits.
        for scripted in [true, false] {
            let mut world = world(0, &[hourly()]);
            let index = Outcome::ALL.iter().position(|it| *it == outcome).unwrap();
            let number = if scripted { 1 } else { u32::try_from(index).unwrap() };
            let mut record = pushed(number);
            if scripted {
                let number = record.phone_number.to_string();
                let lines = vec![Line::of(outcome)];
                order(&mut world, START, Command::Script { number, lines });
            } else {
                record.phone_number = format!("+9198755501{number:02}").into();
            }
            let records = vec![record];
            order(&mut world, START, Command::Push { campaign: 0, records });
            runner::run(&mut world, Time(START + 60_000_000));
            assert_eq!(statuses(&world), [first], "{outcome:?}");
            let record = &world.campaigns()[0].records()[0];
            assert_eq!(record.attempts, attempts);
            let planned = show::record(&world, 0, 0).next_attempt_at;
            assert_eq!(planned.is_some(), record.status.is_waiting());
            while let Some(next) = runner::busy_until(&mut world) {
                runner::run(&mut world, next);
            }
            assert_eq!(statuses(&world), [last], "{outcome:?}");
        }
    }
}

#[test]
fn a_waiting_record_tells_its_gate() {
    let mut settings = hourly();
    settings.window =
        Some(Window { from: jiff::civil::time(9, 0, 0, 0), to: jiff::civil::time(21, 0, 0, 0) });
    settings.timezone = "Asia/Kolkata".to_owned();
    settings.first_attempt_on = Some(jiff::civil::date(2026, 3, 2));
    settings.max_concurrency = 1;
    let mut world = world(0, &[settings]);
    push(&mut world, START, 0, [1, 2]);
    let wait = |world: &World, record| {
        let zone = world.campaigns()[0].calendar().zone();
        gate::of_record(world, 0, record).map(|wait| (wait.gate, wait.words(zone, world.now())))
    };
    let words = "before the first-attempt day until Mon 2 Mar, 09:00 IST".to_owned();
    assert_eq!(wait(&world, 0), Some((Gate::FirstAttemptDay, words)));
    // 2026-03-02, 03:00 in India.
    runner::run(&mut world, Time(START + 21 * HOUR + HOUR / 2));
    let words = "outside the window until 09:00 IST".to_owned();
    assert_eq!(wait(&world, 0), Some((Gate::Window, words)));
    runner::run(&mut world, Time(START + 27 * HOUR + HOUR / 2));
    assert_eq!(wait(&world, 0), None);
    let words = "as many calls as may be until 09:01 IST".to_owned();
    assert_eq!(wait(&world, 1), Some((Gate::Concurrency, words)));
    let status = "paused".to_owned();
    let now = world.now().0;
    order(&mut world, now, Command::SetStatus { campaign: 0, status });
    assert_eq!(wait(&world, 1), Some((Gate::Campaign, "the campaign is not running".to_owned())));
}

#[test]
fn a_call_can_be_taken_at_the_handset() {
    let mut world = world(0, &[hourly()]);
    push(&mut world, START, 0, [1]);
    runner::run(&mut world, Time(START + 1_000_000));
    let turn = revrag::sandbox::outcome::Turn {
        role: "user".to_owned(),
        content: "Who is this?".to_owned(),
    };
    order(&mut world, START + 2_000_000, Command::Say { call: 0, turn });
    let outcome = Outcome::Callback;
    order(&mut world, START + 7_000_000, Command::HangUp { call: 0, outcome });
    assert_eq!(statuses(&world), ["rescheduled"]);
    let call = show::call(&world, 0, &Links::new(String::new(), 0), world.now());
    assert_eq!(serde_json::to_value(&call.duration).unwrap(), 7);
    let said = call.transcription.unwrap().messages[0].content.clone();
    assert_eq!(said.as_deref(), Some("Who is this?"));
    let again = Command::HangUp { call: 0, outcome };
    assert!(again.check(&world).is_err(), "it has ended");
}

#[test]
fn a_campaign_past_its_end_date_is_completed_and_its_records_are_over() {
    let mut settings = hourly();
    settings.end_date = Some(jiff::civil::date(2026, 3, 1));
    settings.max_concurrency = 1;
    settings.call_duration = Seconds::of(20 * 3600);
    let mut world = world(0, &[settings]);
    push(&mut world, START, 0, 0..3);
    runner::run(&mut world, Time(START + 24 * HOUR - 1));
    assert_eq!(world.campaigns()[0].status(), "running");
    runner::run(&mut world, Time(START + 24 * HOUR));
    assert_eq!(world.campaigns()[0].status(), "completed");
    assert_eq!(statuses(&world), ["completed", "in_progress", "failed"]);
    runner::run(&mut world, Time(START + 48 * HOUR));
    assert_eq!(statuses(&world), ["completed", "completed", "failed"]);
}
