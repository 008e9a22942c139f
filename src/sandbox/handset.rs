//! The person who is called, where someone plays it: the call rings until it is answered, and goes on
//! until somebody hangs up.

use serde::{Deserialize, Serialize};

use super::call::Person;
use super::campaign::short;
use super::command::Command;
use super::outcome::{Outcome, Turn, number_key};
use super::time::{Seconds, Time};
use super::words;
use super::world::World;
use revrag::{Error, Result};

/// How long it rings.
pub(super) const RINGS: Seconds = Seconds::of(45);
/// After so long the agent says goodbye.
const LONGEST: Seconds = Seconds::of(30 * 60);

/// What a person at the handset does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Picks it up.
    Answer,
    /// Does not want it: it was busy.
    Decline,
    /// Speaks.
    Say,
    /// Ends it.
    HangUp,
    /// Ends it, and wants to be called again.
    Callback,
    /// Ends it, and never wants to be called again.
    Dnc,
}

impl Act {
    /// As what is asked of a world.
    pub fn command(self, call: usize, words: &str) -> Command {
        let hang_up = |outcome| Command::HangUp { call, outcome };
        match self {
            Self::Answer => Command::Answer { call },
            Self::Decline => hang_up(Outcome::Busy),
            Self::HangUp => hang_up(Outcome::Completed),
            Self::Callback => hang_up(Outcome::Callback),
            Self::Dnc => hang_up(Outcome::Dnc),
            Self::Say => {
                let turn = Turn { role: "user".to_owned(), content: words.to_owned() };
                Command::Say { call, turn }
            }
        }
    }

    /// Refuses what can't be done with a call now: only one that was answered hears words.
    pub fn check(self, world: &World, call: usize, words: &str) -> Result<()> {
        let refuse = |name: &str, problem: &str| Err(Error::invalid(name, problem));
        let person = world.calls.get(call).filter(|call| !call.ended).map(|call| call.person);
        match (self, person) {
            (_, None | Some(Person::No)) => {
                refuse("call", "it is not at the handset: it has ended, or nobody plays its number")
            }
            (Self::Answer | Self::Decline, Some(Person::Speaks)) => {
                refuse("call", "it was answered before")
            }
            (Self::Say | Self::HangUp | Self::Callback | Self::Dnc, Some(Person::Called)) => {
                refuse("call", "it rings; answer it first")
            }
            (Self::Say, _) if words.trim().is_empty() => refuse("words", "there are none"),
            (Self::Say, _) if words.len() > MOST_WORDS => {
                refuse("words", "it must be at most 2000 bytes long")
            }
            _ => Ok(()),
        }
    }
}

/// What a person says at once is no book.
pub(super) const MOST_WORDS: usize = 2_000;

/// The call at the handset of a number: the one that rings or goes on.
pub fn call_of(world: &World, number: &str) -> Option<usize> {
    let number = number_key(number);
    world.live_calls().find(|index| {
        let call = &world.calls[*index];
        let entry = &world.campaigns[call.campaign as usize].records()[call.record as usize];
        call.person != Person::No && number_key(&entry.phone_number) == number
    })
}

/// The person answers a call that rings.
pub(super) fn answer(world: &mut World, call: usize) {
    let now = world.now;
    let it = &mut world.calls[call];
    if it.ended || it.person != Person::Called {
        return;
    }
    let (campaign, record, planned) = (it.campaign as usize, it.record as usize, it.ends_at);
    let ends_at = now.after(LONGEST);
    (it.person, it.outcome, it.ends_at) = (Person::Speaks, Outcome::Completed, ends_at);
    let (records, kept) = world.campaigns[campaign].touch();
    let name = words::first_name(&records[record].variables);
    kept.live.remove(&(planned, short(call)));
    kept.live.insert((ends_at, short(call)));
    let opening = words::conversation(Outcome::Completed, &name).into_iter().take(1);
    world.calls[call].said.extend(opening);
}

/// Something is said; the agent has an answer to what a person at the handset says.
pub(super) fn say(world: &mut World, call: usize, turn: Turn) {
    let it = &mut world.calls[call];
    let answers = it.person == Person::Speaks && turn.role == "user" && !it.ended;
    let before = it.said.iter().filter(|turn| turn.role == "user").count();
    it.said.push(turn);
    if answers {
        let content = words::reply(before).to_owned();
        it.said.push(Turn { role: "assistant".to_owned(), content });
    }
}

/// What is said when the person ends a call with a wish.
pub(super) fn farewell(world: &mut World, call: usize, outcome: Outcome) {
    let it = &mut world.calls[call];
    let wishes = matches!(outcome, Outcome::Callback | Outcome::Dnc | Outcome::FollowUp);
    if it.person == Person::Speaks && wishes {
        it.said.extend(words::conversation(outcome, "").into_iter().skip(1));
    }
}

/// When a call that was placed now stops ringing.
pub(super) fn rings_until(now: Time) -> Time {
    now.after(RINGS)
}
