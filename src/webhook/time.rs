//! The clock that is passed in.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// A moment in Unix time, to the nanosecond, so that "exactly the tolerance" is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime {
    nanos: i128,
}

impl UnixTime {
    /// Whole seconds.
    pub const fn from_secs(seconds: i64) -> Self {
        // An i64 times 10⁹ fits an i128 many times over.
        Self { nanos: seconds as i128 * NANOS_PER_SECOND }
    }

    /// Seconds with a fraction. [`None`] for a NaN or an infinity; a finite one beyond the range is
    /// the range's end.
    pub fn from_secs_f64(seconds: f64) -> Option<Self> {
        if !seconds.is_finite() {
            return None;
        }
        // The parts apart: whole seconds stay exact at any size. `as` saturates.
        #[allow(clippy::cast_possible_truncation)]
        let (whole, fraction) = (seconds.trunc() as i128, (seconds.fract() * 1e9).round() as i128);
        let nanos = whole.saturating_mul(NANOS_PER_SECOND).saturating_add(fraction);
        Some(Self { nanos })
    }

    /// Nanoseconds.
    pub const fn from_nanos(nanos: i128) -> Self {
        Self { nanos }
    }

    /// The whole seconds.
    pub fn as_secs(self) -> i64 {
        let seconds = self.nanos.div_euclid(NANOS_PER_SECOND);
        i64::try_from(seconds).unwrap_or(if seconds < 0 { i64::MIN } else { i64::MAX })
    }

    /// Where `then` lies, seen from `self`: inside is from `past` before to `future` after, both
    /// ends included.
    pub(super) fn near(self, then: Self, past: Duration, future: Duration) -> Near {
        let age = self.nanos.saturating_sub(then.nanos);
        if age > nanos_of(past) {
            Near::TooOld
        } else if age < -nanos_of(future) {
            Near::TooNew
        } else {
            Near::Inside
        }
    }
}

impl From<SystemTime> for UnixTime {
    fn from(time: SystemTime) -> Self {
        let nanos = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => nanos_of(after),
            Err(before) => -nanos_of(before.duration()),
        };
        Self { nanos }
    }
}

/// On which side of a tolerance a moment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Near {
    Inside,
    TooOld,
    TooNew,
}

fn nanos_of(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_keeps_its_whole_seconds() {
        for seconds in [0, 1, -1, 1_716_778_872, 1 << 52, -(1 << 52)] {
            #[allow(clippy::cast_precision_loss)]
            let float = UnixTime::from_secs_f64(seconds as f64);
            assert_eq!(float, Some(UnixTime::from_secs(seconds)));
        }
        assert_eq!(UnixTime::from_secs_f64(-1.5), Some(UnixTime::from_nanos(-1_500_000_000)));
    }

    #[test]
    fn no_number_overflows() {
        assert_eq!(UnixTime::from_secs_f64(f64::NAN), None);
        assert_eq!(UnixTime::from_secs_f64(f64::NEG_INFINITY), None);
        for now in [
            UnixTime::from_secs_f64(f64::MAX).unwrap(),
            UnixTime::from_secs_f64(f64::MIN).unwrap(),
            UnixTime::from_nanos(i128::MIN),
            UnixTime::from_nanos(i128::MAX),
        ] {
            for then in [i64::MIN, 0, i64::MAX] {
                let near = now.near(UnixTime::from_secs(then), Duration::MAX, Duration::MAX);
                assert_ne!(near, Near::Inside);
            }
        }
    }

    #[test]
    fn system_time_counts_from_the_epoch() {
        let half = Duration::from_millis(500);
        assert_eq!(UnixTime::from(UNIX_EPOCH + half), UnixTime::from_nanos(500_000_000));
        assert_eq!(UnixTime::from(UNIX_EPOCH - half), UnixTime::from_nanos(-500_000_000));
    }
}
