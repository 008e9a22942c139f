//! Moments and lengths of time, in whole microseconds: what the service writes has no more.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use revrag::model::Timestamp;

pub(super) const SECOND: i64 = 1_000_000;
pub(super) const DAY: i64 = 24 * 60 * 60 * SECOND;

/// A moment, in microseconds since 1970.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Time(pub i64);

impl Time {
    /// Beyond every moment a sandbox reaches.
    pub const MAX: Self = Self(i64::MAX);

    /// The moment it is outside of the sandbox.
    pub(super) fn of_the_machine() -> Self {
        Self::from(jiff::Timestamp::now())
    }

    /// This much later.
    #[must_use]
    pub fn after(self, wait: Seconds) -> Self {
        Self(self.0.saturating_add(wait.0))
    }

    /// As `jiff` has it.
    pub fn stamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::MAX)
    }
}

impl From<jiff::Timestamp> for Time {
    fn from(stamp: jiff::Timestamp) -> Self {
        Self(stamp.as_microsecond())
    }
}

impl From<Time> for Timestamp {
    fn from(time: Time) -> Self {
        Self(time.stamp())
    }
}

/// A length of time: in seconds where it is written, a number of 0 or more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(i64);

impl Seconds {
    /// The longest: a hundred years.
    const MOST: f64 = 100.0 * 365.0 * 86_400.0;

    /// Whole seconds.
    pub const fn of(seconds: u32) -> Self {
        Self(seconds as i64 * SECOND)
    }

    /// In seconds.
    #[allow(clippy::cast_precision_loss, reason = "a hundred years in microseconds fit")]
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / SECOND as f64
    }

    /// Whole seconds, rounded down.
    pub(super) fn whole(self) -> i64 {
        self.0 / SECOND
    }

    /// From one moment to a later one.
    pub(super) fn between(from: Time, to: Time) -> Self {
        Self(to.0.saturating_sub(from.0).max(0))
    }
}

impl From<Duration> for Seconds {
    fn from(duration: Duration) -> Self {
        Self(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_f64().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    #[allow(clippy::cast_possible_truncation, reason = "the bounds are checked")]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        if (0.0..=Self::MOST).contains(&seconds) {
            Ok(Self((seconds * 1e6).round() as i64))
        } else {
            let problem = "it must be a number of seconds, from 0 to a hundred years";
            Err(serde::de::Error::custom(problem))
        }
    }
}
