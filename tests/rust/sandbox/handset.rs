//! The person who is called, played: calls that wait for an answer.

use std::collections::BTreeMap;

use revrag::{Error, Secret};
use revrag_sandbox::call::Person;
use revrag_sandbox::command::Command;
use revrag_sandbox::outcome::{Outcome, Turn};
use revrag_sandbox::record::{Pushed, Status};
use revrag_sandbox::recording::Links;
use revrag_sandbox::time::{Seconds, Time};
use revrag_sandbox::world::{Workspace, World};
use revrag_sandbox::{Settings, runner, show};
use uuid::Uuid;

const START: i64 = 1_772_323_200_000_000;
const SECOND: i64 = 1_000_000;
const NUMBER: &str = "+919876500001";

fn order(world: &mut World, command: Command) {
    let now = world.now();
    command.check(world).unwrap();
    command.apply(world, now).unwrap();
}

/// A world in which a call to a number that somebody plays has just been placed.
fn ringing() -> World {
    let mut world = World::new(7, Time(START));
    let workspace = Workspace {
        id: Uuid::from_u128(2),
        name: String::new(),
        api_key: Secret::new("key"),
        webhook: None,
        dnc: BTreeMap::new(),
    };
    order(&mut world, Command::AddWorkspace(workspace));
    let settings = Settings { call_duration: Seconds::of(5), ..Settings::default() };
    let (id, status) = (Uuid::from_u128(10), "running".to_owned());
    let settings = Box::new(settings);
    order(&mut world, Command::AddCampaign { workspace: 0, id, status, settings });
    order(&mut world, Command::Handset { number: "98765 00001".to_owned(), on: true });
    let record = Pushed {
        phone_number: NUMBER.into(),
        variables: "{\"first_name\":\"Riya\"}".into(),
        app_user_id: None,
        app_session_id: None,
    };
    order(&mut world, Command::Push { campaign: 0, records: vec![record] });
    pass(&mut world, 1);
    assert_eq!(world.calls()[0].person, Person::Called);
    world
}

fn pass(world: &mut World, seconds: i64) {
    let until = Time(world.now().0 + seconds * SECOND);
    runner::run(world, until);
}

fn status(world: &World) -> Status {
    world.campaigns()[0].records()[0].status
}

fn say(world: &mut World, words: &str) {
    let turn = Turn { role: "user".to_owned(), content: words.to_owned() };
    order(world, Command::Say { call: 0, turn });
}

#[test]
fn it_rings_for_a_while() {
    let mut world = ringing();
    pass(&mut world, 43);
    assert_eq!(status(&world), Status::InProgress);
    pass(&mut world, 2);
    assert_eq!(status(&world), Status::Failed);
    assert_eq!(world.calls()[0].outcome, Outcome::NoAnswer);
    let answer = Command::Answer { call: 0 };
    assert!(matches!(answer.check(&world), Err(Error::InvalidArgument { .. })));
}

#[test]
fn an_answered_call_goes_on_until_somebody_hangs_up() {
    let mut world = ringing();
    order(&mut world, Command::Answer { call: 0 });
    // Once is enough.
    assert!(Command::Answer { call: 0 }.check(&world).is_err());
    pass(&mut world, 20 * 60);
    assert_eq!(status(&world), Status::InProgress);
    say(&mut world, "Yes, that suits me.");
    order(&mut world, Command::HangUp { call: 0, outcome: Outcome::Completed });
    assert_eq!(status(&world), Status::Completed);
    let call = show::call(&world, 0, &Links::new(String::new(), 1), world.now());
    assert_eq!(call.disconnection_reason.as_deref(), Some("user_hangup"));
    assert_eq!(call.duration, Some(1200.into()));
    let said = call.transcription.unwrap();
    let said: Vec<_> = said.messages.iter().map(|it| it.role.clone().unwrap()).collect();
    assert_eq!(said, ["assistant", "user", "assistant"]);
    assert_eq!(
        call.custom_variables.iter().map(|it| it.value.text()).collect::<Vec<_>>(),
        [b"true"]
    );
}

#[test]
fn whoever_stays_on_the_line_is_told_goodbye() {
    let mut world = ringing();
    order(&mut world, Command::Answer { call: 0 });
    say(&mut world, "I am not sure.");
    pass(&mut world, 31 * 60);
    assert_eq!(status(&world), Status::Completed);
    let call = show::call(&world, 0, &Links::new(String::new(), 1), world.now());
    assert_eq!(
        call.custom_variables.iter().map(|it| it.value.text()).collect::<Vec<_>>(),
        [b"false"]
    );
}

#[test]
fn a_wish_is_spoken_and_granted() {
    for (outcome, stands, word) in [
        (Outcome::Callback, Status::Rescheduled, "call me back"),
        (Outcome::Dnc, Status::Dnc, "don't call again"),
    ] {
        let mut world = ringing();
        order(&mut world, Command::Answer { call: 0 });
        order(&mut world, Command::HangUp { call: 0, outcome });
        assert_eq!(status(&world), stands);
        assert!(world.calls()[0].said.iter().any(|turn| turn.content.contains(word)));
    }
}

#[test]
fn a_ringing_call_outlives_a_snapshot() {
    let mut world = World::of_bytes(&ringing().to_bytes().unwrap()).unwrap();
    order(&mut world, Command::Answer { call: 0 });
    let mut world = World::of_bytes(&world.to_bytes().unwrap()).unwrap();
    order(&mut world, Command::HangUp { call: 0, outcome: Outcome::Completed });
    assert_eq!(status(&world), Status::Completed);
    // Its number is nobody's any more.
    order(&mut world, Command::Handset { number: NUMBER.to_owned(), on: false });
    assert!(world.handset().is_empty());
}
