//! What may be sent again, and when: a pure function.
//!
//! | what happened | a GET | a push |
//! | --- | --- | --- |
//! | never connected | again | again: nothing was sent |
//! | 429 | again, after `Retry-After` | the same |
//! | 503 with `Retry-After` | again, after it | unknown |
//! | 408, 5xx; timeout, reset or garbage after the first byte went out | again | unknown |
//! | a 2xx body that is JSON of another shape, or too large | error | unknown |
//! | anything else | error | error |

use std::time::Duration;

/// Whether a request may be repeated without harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A GET.
    Read,
    /// A push: applied twice, it rings a phone twice.
    Push,
}

/// How one try failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Not a byte of the request's body left this machine.
    NotSent,
    /// The request may have arrived, and no usable answer came.
    Interrupted,
    /// A 2xx came whose body will not get better by asking again.
    Unreadable,
    /// The service answered with a status other than 2xx.
    Status {
        /// The status.
        status: u16,
        /// Its `Retry-After`.
        retry_after: Option<Duration>,
    },
}

/// What to do after a failed try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Send it again after this long.
    Again(Duration),
    /// Report the failure.
    Fail,
    /// Report that the request may have been applied.
    Unknown,
}

/// How often, and after what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Tries after the first.
    pub max_retries: u32,
    /// The longest first wait; it doubles with each try.
    pub base: Duration,
    /// The longest wait.
    pub cap: Duration,
    /// The longest `Retry-After` that is waited for.
    pub retry_after_cap: Duration,
}

impl Policy {
    /// The default waits, with `max_retries` tries after the first.
    pub const fn new(max_retries: u32) -> Self {
        Self {
            max_retries,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(8),
            retry_after_cap: Duration::from_mins(1),
        }
    }

    /// What to do after the `attempt`-th try (from 1) failed with `failure`; `jitter` is drawn
    /// from `0.0..1.0`.
    pub fn decide(&self, kind: Kind, attempt: u32, failure: Failure, jitter: f64) -> Decision {
        let interrupted = match failure {
            Failure::NotSent | Failure::Status { status: 429, .. } => false,
            Failure::Interrupted | Failure::Status { status: 408 | 500..=599, .. } => true,
            Failure::Unreadable if kind == Kind::Push => true,
            Failure::Unreadable | Failure::Status { .. } => return Decision::Fail,
        };
        if interrupted && kind == Kind::Push {
            return Decision::Unknown;
        }
        if attempt > self.max_retries {
            return Decision::Fail;
        }
        Decision::Again(match failure {
            Failure::Status { retry_after: Some(asked), .. } => asked.min(self.retry_after_cap),
            _ => self.backoff(attempt, jitter),
        })
    }

    /// Exponential backoff with full jitter: anything between nothing and the doubled base.
    pub fn backoff(&self, attempt: u32, jitter: f64) -> Duration {
        let doubled = self.base.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
        doubled.min(self.cap).mul_f64(jitter.clamp(0.0, 1.0))
    }
}

/// The wait that a `Retry-After` asks for: seconds, or an HTTP date as seen at `now`.
pub fn retry_after(value: &str, now: std::time::SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::*;

    const POLICY: Policy = Policy::new(2);

    fn status(status: u16) -> Failure {
        Failure::Status { status, retry_after: None }
    }

    #[test]
    fn the_table_of_what_may_be_sent_again() {
        use Decision::{Again, Fail, Unknown};
        let again = Again(Duration::ZERO);
        let table = [
            (Failure::NotSent, again, again),
            (status(429), again, again),
            (status(408), again, Unknown),
            (status(500), again, Unknown),
            (status(503), again, Unknown),
            (status(599), again, Unknown),
            (Failure::Interrupted, again, Unknown),
            (Failure::Unreadable, Fail, Unknown),
            (status(400), Fail, Fail),
            (status(401), Fail, Fail),
            (status(404), Fail, Fail),
            (status(413), Fail, Fail),
            (status(422), Fail, Fail),
            (status(302), Fail, Fail),
            (status(600), Fail, Fail),
        ];
        for (failure, read, push) in table {
            assert_eq!(POLICY.decide(Kind::Read, 1, failure, 0.0), read, "GET {failure:?}");
            assert_eq!(POLICY.decide(Kind::Push, 1, failure, 0.0), push, "push {failure:?}");
        }
    }

    #[test]
    fn the_last_try_is_final() {
        assert!(matches!(POLICY.decide(Kind::Push, 2, status(429), 0.5), Decision::Again(_)));
        assert_eq!(POLICY.decide(Kind::Push, 3, status(429), 0.5), Decision::Fail);
        assert_eq!(Policy::new(0).decide(Kind::Read, 1, Failure::NotSent, 0.5), Decision::Fail);
    }

    #[test]
    fn retry_after_is_honoured_up_to_a_minute() {
        let asked = |seconds| Failure::Status {
            status: 429,
            retry_after: Some(Duration::from_secs(seconds)),
        };
        let wait = |seconds| POLICY.decide(Kind::Push, 1, asked(seconds), 0.9);
        assert_eq!(wait(7), Decision::Again(Duration::from_secs(7)));
        assert_eq!(wait(3600), Decision::Again(Duration::from_mins(1)));
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
        let read = |text| retry_after(text, now);
        assert_eq!(read(" 12 "), Some(Duration::from_secs(12)));
        assert_eq!(read("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:47 GMT"), Some(Duration::from_secs(10)));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:07 GMT"), Some(Duration::ZERO));
        for bad in ["", "soon", "-1", "NaN", "inf", "1e400"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    fn any_failure() -> impl Strategy<Value = Failure> {
        prop_oneof![
            Just(Failure::NotSent),
            Just(Failure::Interrupted),
            Just(Failure::Unreadable),
            (100..1000_u16, proptest::option::of(0..10_000_u64)).prop_map(|(status, seconds)| {
                Failure::Status { status, retry_after: seconds.map(Duration::from_secs) }
            }),
        ]
    }

    proptest! {
        #[test]
        fn a_push_that_may_have_arrived_is_never_sent_again(
            failure in any_failure(), attempt in 1..20_u32, retries in 0..20_u32, jitter in 0.0..1.0,
        ) {
            let decision = Policy::new(retries).decide(Kind::Push, attempt, failure, jitter);
            let harmless = matches!(failure, Failure::NotSent | Failure::Status { status: 429, .. });
            prop_assert!(harmless || !matches!(decision, Decision::Again(_)));
        }

        #[test]
        fn a_read_is_never_unknown(
            failure in any_failure(), attempt in 1..20_u32, jitter in 0.0..1.0,
        ) {
            prop_assert_ne!(POLICY.decide(Kind::Read, attempt, failure, jitter), Decision::Unknown);
        }

        #[test]
        fn waits_are_bounded(
            failure in any_failure(), attempt in any::<u32>(), retries in any::<u32>(), jitter in any::<f64>(),
        ) {
            let policy = Policy::new(retries);
            if let Decision::Again(wait) = policy.decide(Kind::Read, attempt, failure, jitter) {
                prop_assert!(wait <= policy.retry_after_cap);
            }
        }

        #[test]
        fn any_retry_after_is_read_without_a_panic(text in ".*") {
            retry_after(&text, SystemTime::UNIX_EPOCH);
        }
    }
}
