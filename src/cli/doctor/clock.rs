//! This machine's clock against the service's.

use std::time::{Duration, SystemTime};

use super::finding::Finding;
use crate::failure::Kind;
use revrag::Error;
use revrag::http::ServiceClock;

/// Beyond what a verifier takes, webhooks are refused.
const TOO_FAR: Duration = Duration::from_mins(5);
/// Worth a look.
const FAR: Duration = Duration::from_secs(30);

/// What a refusal says of the service's time.
pub(super) fn told_by(error: &Error) -> ServiceClock {
    let Error::Status(refusal) = error else { return ServiceClock::default() };
    let headers = refusal.headers.iter();
    ServiceClock::of(headers.map(|(name, text)| (name.as_str(), text.as_bytes())))
}

/// How far the clocks are apart, where the service tells; it was asked between `before` and `after`.
pub(super) fn of(told: ServiceClock, before: SystemTime, after: SystemTime) -> Finding {
    const SUBJECT: &str = "clock";
    let Some(date) = told.date else {
        return Finding::unknown(SUBJECT, "the service does not tell the time");
    };
    if told.is_sandboxed {
        return Finding::good(SUBJECT, "the service is a sandbox, whose time is its own");
    }
    // A `Date` is cut to the second.
    let (apart, is_behind) = if date > after {
        (since(after, date), true)
    } else if date + Duration::from_secs(1) < before {
        (since(date + Duration::from_secs(1), before), false)
    } else {
        (Duration::ZERO, false)
    };
    let side = if is_behind { "behind" } else { "ahead of" };
    let said = format!("this machine is {} {side} the service", in_words(apart));
    let remedy = "set the clock by the network (timedatectl set-ntp true)";
    if apart > TOO_FAR {
        let why = "webhooks are refused as too old or too new beyond 300 s, and certificates may not be \
                   valid";
        Finding::bad(SUBJECT, Kind::Partly, said, format!("{remedy}: {why}"))
    } else if apart > FAR {
        Finding::doubtful(SUBJECT, said, remedy)
    } else {
        Finding::good(SUBJECT, "as the service's, to within seconds")
    }
}

fn since(earlier: SystemTime, later: SystemTime) -> Duration {
    later.duration_since(earlier).unwrap_or_default()
}

fn in_words(apart: Duration) -> String {
    let seconds = apart.as_secs();
    if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds / 60) }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Health;
    use super::*;

    #[test]
    fn both_sides_count() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_780_000_000);
        let of = |date, is_sandboxed| {
            let told = ServiceClock { date, is_sandboxed };
            of(told, now, now + Duration::from_millis(20)).health
        };
        let health = |ahead: i64| {
            let apart = Duration::from_secs(ahead.unsigned_abs());
            let date = if ahead < 0 { now + apart } else { now - apart };
            of(Some(date), false)
        };
        assert_eq!(health(0), Health::Good);
        assert_eq!((health(20), health(-20)), (Health::Good, Health::Good));
        assert_eq!((health(60), health(-60)), (Health::Doubtful, Health::Doubtful));
        let bad = Health::Bad(Kind::Partly);
        assert_eq!((health(600), health(-600)), (bad, bad));
        assert_eq!(of(None, false), Health::Unknown);
        assert_eq!(of(Some(SystemTime::UNIX_EPOCH), true), Health::Good);
    }
}
