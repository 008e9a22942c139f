//! The gates that only the time opens: the daily window, the active days, the first day, the last.
//!
//! Each is judged by the clock on the wall of the campaign's zone, and by nothing else: a moment is
//! inside the window if that clock shows a time inside it. An hour that daylight saving repeats is
//! open twice, one that it skips never comes.

use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::gate::Gate;
use super::settings::Settings;
use super::time::{DAY, SECOND, Time};
use revrag::{Error, Result};

/// The zones are the package's own, lest a history depend on the machine it is made on.
fn zone(name: &str) -> Result<TimeZone> {
    let problem = "it is no time zone of the IANA database; write it as in \"Asia/Kolkata\"";
    TimeZoneDatabase::bundled().get(name).map_err(|_| Error::invalid("timezone", problem))
}

/// When a campaign's gates stand open.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
    /// The open stretches of a day, in microseconds of its wall clock, in order.
    hours: Vec<(i64, i64)>,
    /// By day of the week, from Monday.
    active: [bool; 7],
    /// The first and last day, counted from 1970.
    first: i64,
    last: i64,
    ends: Option<Time>,
}

impl Calendar {
    /// That of these settings.
    pub fn of(settings: &Settings) -> Result<Self> {
        let zone = zone(&settings.timezone)?;
        let since_midnight =
            |time: jiff::civil::Time| time.duration_since(jiff::civil::Time::midnight());
        let hours = match settings.window {
            None => vec![(0, DAY)],
            Some(window) => {
                let [from, to] = [window.from, window.to].map(|time| {
                    i64::try_from(since_midnight(time).as_micros()).unwrap_or_default()
                });
                match to {
                    0 => vec![(from, DAY)],
                    to if to > from => vec![(from, to)],
                    to => vec![(0, to), (from, DAY)],
                }
            }
        };
        let mut active = [false; 7];
        for day in &settings.active_days {
            active[*day as usize] = true;
        }
        let beyond = |_| Error::invalid("end_date", "it is beyond the calendar's end");
        let ends = match settings.end_date {
            None => None,
            Some(last) => {
                let next = last.tomorrow().map_err(beyond)?;
                let midnight = DateTime::from_parts(next, jiff::civil::Time::midnight());
                Some(zone.to_timestamp(midnight).map_err(beyond)?.into())
            }
        };
        Ok(Self {
            zone,
            hours,
            active,
            first: settings.first_attempt_on.map_or(i64::MIN, day_number),
            last: settings.end_date.map_or(i64::MAX, day_number),
            ends,
        })
    }

    /// When the campaign is over.
    pub fn ends(&self) -> Option<Time> {
        self.ends
    }

    /// The zone it is in.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The next stretch in which all gates are open: from when, at `from` or later, and until when.
    /// `eager` attempts pay no heed to the first day.
    pub fn opening(&self, from: Time, eager: bool) -> Option<(Time, Time)> {
        let mut from = from;
        loop {
            // Between two changes of its offset a zone's wall clock runs evenly.
            let (offset, until) = self.stretch(from);
            let (opens, closes) = self.on_the_wall(from.0.checked_add(offset)?, eager)?;
            let (opens, closes) = (Time(opens - offset), Time(closes - offset));
            if opens < until {
                return Some((opens, closes.min(until)));
            }
            from = until;
        }
    }

    /// The gate that is closed at this moment, if one is.
    pub fn closed(&self, at: Time, eager: bool) -> Option<Gate> {
        let wall = at.0.saturating_add(self.stretch(at).0);
        let (day, time) = (wall.div_euclid(DAY), wall.rem_euclid(DAY));
        if day > self.last {
            Some(Gate::EndDate)
        } else if day < self.first && !eager {
            Some(Gate::FirstAttemptDay)
        } else if !self.is_active(day) {
            Some(Gate::ActiveDays)
        } else if !self.hours.iter().any(|(from, to)| (*from..*to).contains(&time)) {
            Some(Gate::Window)
        } else {
            None
        }
    }

    /// The offset at a moment, and until when it holds.
    fn stretch(&self, at: Time) -> (i64, Time) {
        let stamp = at.stamp();
        let next = self.zone.following(stamp).next();
        let until = next.map_or(Time::MAX, |next| Time::from(next.timestamp()));
        (i64::from(self.zone.to_offset(stamp).seconds()) * SECOND, until)
    }

    fn on_the_wall(&self, from: i64, eager: bool) -> Option<(i64, i64)> {
        let today = from.div_euclid(DAY);
        let first = if eager { today } else { today.max(self.first) };
        // A week and a day: today's hours may be over.
        for day in first..=first.checked_add(7)?.min(self.last) {
            if !self.is_active(day) {
                continue;
            }
            let midnight = day.checked_mul(DAY)?;
            for (opens, closes) in &self.hours {
                let (opens, closes) = ((midnight + opens).max(from), midnight + closes);
                if opens < closes {
                    return Some((opens, closes));
                }
            }
        }
        None
    }

    fn is_active(&self, day: i64) -> bool {
        // 1970 began on a Thursday.
        usize::try_from((day + 3).rem_euclid(7)).is_ok_and(|day| self.active[day])
    }
}

fn day_number(date: Date) -> i64 {
    let epoch = jiff::civil::date(1970, 1, 1);
    date.since(epoch).map_or(i64::MAX, |span| i64::from(span.get_days()))
}
