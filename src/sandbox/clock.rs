//! The sandbox's time: the only part that looks at the machine's.

use std::time::Instant;

use super::config::Pace;
use super::time::{Seconds, Time};

/// How a sandbox's time passes.
#[derive(Debug)]
pub(super) enum Clock {
    Real,
    Times { speed: f64, base: Time, since: Instant },
    ByHand,
}

impl Clock {
    /// One that goes on from `base`, unless time is real.
    pub(super) fn new(pace: Pace, base: Time) -> Self {
        match pace {
            Pace::Real => Self::Real,
            Pace::Times(speed) => Self::Times { speed, base, since: Instant::now() },
            Pace::ByHand => Self::ByHand,
        }
    }

    /// What time it is in a world that was run up to `reached`. It never goes back.
    pub(super) fn now(&self, reached: Time) -> Time {
        let now = match self {
            Self::Real => Time::of_the_machine(),
            Self::Times { speed, base, since } => {
                base.after(since.elapsed().mul_f64(*speed).into())
            }
            Self::ByHand => reached,
        };
        now.max(reached)
    }

    /// How long that much of the sandbox's time takes outside; none where nothing passes by itself.
    pub(super) fn takes(&self, wait: Seconds) -> Option<std::time::Duration> {
        // Longer waits are waited for in parts.
        let seconds = wait.as_f64().min(3600.0);
        match self {
            Self::Real => Some(std::time::Duration::from_secs_f64(seconds)),
            Self::Times { speed, .. } => {
                Some(std::time::Duration::from_secs_f64((wait.as_f64() / speed).min(3600.0)))
            }
            Self::ByHand => None,
        }
    }
}
