//! Placing a call.

use super::call::{Call, Person};
use super::campaign::short;
use super::outcome::{self, Outcome, number_key};
use super::record::{Line, Status};
use super::runner::Effect;
use super::world::{Kind, World};
use super::{handset, hangup};

/// Calls a record, whose gates are open.
pub(super) fn dial(world: &mut World, campaign: usize, record: usize, effects: &mut Vec<Effect>) {
    if hangup::bar_if_listed(world, campaign, record, effects) {
        return;
    }
    let now = world.now;
    let it = &world.campaigns[campaign];
    let (entry, settings) = (&it.records()[record], it.settings());
    let attempt = entry.attempts.saturating_add(1);
    let number = number_key(&entry.phone_number);
    let played = world.handset.contains_key(&number);
    let scripts = world.scripts.get(&number).filter(|_| !played);
    let script = scripts.and_then(|lines| {
        // The last line goes on.
        lines.get(usize::from(attempt) - 1).or(lines.last()).cloned().map(Box::new)
    });
    let digits = || {
        let digits = settings.last_digits.then(|| Outcome::of_digits(number, attempt));
        digits.flatten()
    };
    let drawn = || outcome::drawn(settings, world.seed, entry.number, attempt);
    let outcome = script.as_ref().map(|line| line.outcome).or_else(digits).unwrap_or_else(drawn);
    let outcome = if played { Outcome::NoAnswer } else { outcome };
    let duration = script.as_ref().and_then(|line| line.duration).unwrap_or(settings.call_duration);
    let call = Call {
        id: world.id(Kind::Call, world.calls.len() as u64),
        campaign: short(campaign),
        record: short(record),
        attempt,
        outcome,
        ended: false,
        due: entry.due,
        started_at: now,
        ends_at: if played { handset::rings_until(now) } else { now.after(duration) },
        previous: entry.last_call,
        script,
        said: Vec::new(),
        person: if played { Person::Called } else { Person::No },
    };
    let ends_at = call.ends_at;
    let call = world.place(call);
    let it = &mut world.campaigns[campaign];
    it.turn(record, Status::InProgress, Line::No, now, now);
    let (records, kept) = it.touch();
    records[record].attempts = attempt;
    records[record].last_call = Some(short(call));
    kept.live.insert((ends_at, short(call)));
    effects.push(Effect::Placed { call });
    effects.push(Effect::Changed { campaign, record });
}
