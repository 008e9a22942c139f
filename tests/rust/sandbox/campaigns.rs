//! The sandbox's world: what must hold whatever is pushed, ordered and set, and however time passes.

use std::collections::BTreeMap;

use revrag::Secret;
use revrag_sandbox::command::Command;
use revrag_sandbox::gate::{self, Gate};
use revrag_sandbox::outcome::{Line, Outcome};
use revrag_sandbox::record::Pushed;
use revrag_sandbox::recording::Links;
use revrag_sandbox::settings::Window;
use revrag_sandbox::time::{Seconds, Time};
use revrag_sandbox::world::{Workspace, World};
use revrag_sandbox::{Settings, runner, show};
use uuid::Uuid;

mod drawn;
mod properties;

const HOUR: i64 = 3_600_000_000;
/// 2026-03-01, before the clocks go forward in America and Europe.
const START: i64 = 1_772_323_200_000_000;

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
    let turn = revrag_sandbox::outcome::Turn {
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
