//! What holds whatever is ordered, and when.

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use proptest::prelude::*;
use revrag::model;
use revrag_sandbox::command::Command;
use revrag_sandbox::outcome::Outcome;
use revrag_sandbox::record::Status;
use revrag_sandbox::settings::{Day, Window};
use revrag_sandbox::time::Time;
use revrag_sandbox::world::World;
use revrag_sandbox::{Settings, runner, show};

use super::drawn::{Deed, deeds, perform, settings};
use super::{HOUR, START, history, order, push, pushed, world};

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
        let was = was.map_or(0, revrag_sandbox::campaign::Campaign::live);
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
