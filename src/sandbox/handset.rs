//! The person who is called, where someone plays it: the call rings until it is answered, and goes on
//! until somebody hangs up.

use super::call::Person;
use super::campaign::short;
use super::outcome::{Outcome, Turn};
use super::time::{Seconds, Time};
use super::words;
use super::world::World;

/// How long it rings.
pub(super) const RINGS: Seconds = Seconds::of(45);
/// After so long the agent says goodbye.
const LONGEST: Seconds = Seconds::of(30 * 60);

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
