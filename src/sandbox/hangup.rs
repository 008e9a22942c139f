//! What the end of a call does to its record, and to others of its number.

use super::outcome::{Outcome, number_key};
use super::record::{Line, Status};
use super::runner::Effect;
use super::time::Time;
use super::world::{Barred, World};

/// Ends the campaign's call that is the next to.
pub(super) fn end(world: &mut World, campaign: usize, effects: &mut Vec<Effect>) {
    let (_, kept) = world.campaigns[campaign].touch();
    let Some((_, call)) = kept.live.pop_first() else { return };
    let call = call as usize;
    world.calls[call].ended = true;
    let it = &world.campaigns[campaign];
    let event = world.workspaces[it.workspace].webhook.is_some().then(|| world.post(call));
    effects.push(Effect::Ended { call, event });
    settle(world, campaign, call, effects);
}

/// What the callee's asking leads to, in a call that has ended.
fn settle(world: &mut World, campaign: usize, call: usize, effects: &mut Vec<Effect>) {
    let (now, call) = (world.now, &world.calls[call]);
    let (outcome, record) = (call.outcome, call.record as usize);
    let line = call.script.as_deref();
    let wait = |usual| now.after(line.and_then(|line| line.after).unwrap_or(usual));
    let it = &world.campaigns[campaign];
    let (entry, settings) = (&it.records()[record], it.settings());
    let mut next = (Status::Completed, now);
    let (mut callbacks, mut follow_ups) = (entry.callbacks, entry.follow_ups);
    match outcome {
        Outcome::Callback if callbacks < settings.max_callbacks => {
            callbacks += 1;
            next = (Status::Rescheduled, wait(settings.callback_delay));
        }
        Outcome::FollowUp if follow_ups < settings.max_follow_ups => {
            follow_ups += 1;
            next = (Status::FollowUpPending, wait(settings.follow_up_delay));
        }
        Outcome::Completed | Outcome::Callback | Outcome::FollowUp => {}
        Outcome::Dnc => {
            let why = line.and_then(|line| line.reason.clone());
            let reason = why.unwrap_or_else(|| "Asked during the call".to_owned());
            let number = entry.phone_number.to_string();
            let workspace = it.workspace;
            list(world, workspace, Barred { number, at: now, reason }, effects);
            mark(world, campaign, record, effects);
            return;
        }
        Outcome::NoAnswer | Outcome::Busy | Outcome::Failed | Outcome::Voicemail => {
            let again = entry.attempts < entry.max_attempts && settings.retry_on.contains(&outcome);
            next = if again {
                (Status::RetryPending, wait(settings.retry_delay))
            } else {
                (Status::Failed, now)
            };
        }
    }
    let (status, due) = next;
    let waits = status.is_waiting();
    if waits && world.barred(it.workspace, &entry.phone_number).is_some() {
        mark(world, campaign, record, effects);
        return;
    }
    let it = &mut world.campaigns[campaign];
    it.turn(record, status, if waits { Line::Again } else { Line::No }, due, now);
    let entry = &mut it.touch().0[record];
    (entry.callbacks, entry.follow_ups) = (callbacks, follow_ups);
    if waits {
        // What the callee or the post-call logic asked for is granted.
        entry.max_attempts = entry.max_attempts.max(entry.attempts.saturating_add(1));
    } else if status == Status::Failed {
        // No attempt is left, and so it reads.
        entry.max_attempts = entry.attempts;
    }
    effects.push(Effect::Changed { campaign, record });
}

/// Puts a number on a workspace's list: its records that wait are called no more.
pub(super) fn list(world: &mut World, workspace: usize, barred: Barred, effects: &mut Vec<Effect>) {
    let number = number_key(&barred.number);
    world.workspaces[workspace].dnc.entry(number).or_insert(barred);
    for campaign in 0..world.campaigns.len() {
        let it = &world.campaigns[campaign];
        if it.workspace != workspace {
            continue;
        }
        let waits = |record: &usize| {
            let entry = &it.records()[*record];
            entry.status.is_waiting()
                && entry.line != Line::Barred
                && number_key(&entry.phone_number) == number
        };
        let waiting: Vec<_> = it.of_number(number).filter(waits).collect();
        for record in waiting {
            mark(world, campaign, record, effects);
        }
    }
}

/// Marks a record whose number is on its workspace's list; whether it is.
pub(super) fn bar_if_listed(
    world: &mut World,
    campaign: usize,
    record: usize,
    effects: &mut Vec<Effect>,
) -> bool {
    let it = &world.campaigns[campaign];
    let listed = world.barred(it.workspace, &it.records()[record].phone_number).is_some();
    if listed {
        mark(world, campaign, record, effects);
    }
    listed
}

/// Marks a record as not to be called any more.
fn mark(world: &mut World, campaign: usize, record: usize, effects: &mut Vec<Effect>) {
    let now = world.now;
    let it = &world.campaigns[campaign];
    let barred = world.barred(it.workspace, &it.records()[record].phone_number);
    let dnc = barred.map(|barred| Box::new((barred.at, barred.reason.clone())));
    let it = &mut world.campaigns[campaign];
    it.turn(record, Status::Dnc, Line::No, now, now);
    it.touch().0[record].dnc = dnc;
    effects.push(Effect::Changed { campaign, record });
}

/// Ends a live call now, as the person at the handset wants it.
pub(super) fn cut(world: &mut World, call: usize, outcome: Outcome, now: Time) {
    let it = &mut world.calls[call];
    let (campaign, planned) = (it.campaign as usize, it.ends_at);
    (it.outcome, it.ends_at) = (outcome, now);
    if let Some(line) = &mut it.script {
        line.outcome = outcome;
    }
    let (_, kept) = world.campaigns[campaign].touch();
    kept.live.remove(&(planned, super::campaign::short(call)));
    kept.live.insert((now, super::campaign::short(call)));
}
