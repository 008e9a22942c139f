//! Which calls are to be told of, and when to try again.

use std::time::Duration;

/// Statuses of a call that has not ended, in the words of the reference and of older pages.
const UNDER_WAY: [&str; 9] = [
    "queued",
    "in_progress",
    "running",
    "ringing",
    "initiated",
    "scheduled",
    "pending",
    "dialing",
    "ongoing",
];

/// Whether a call of this status may have ended. Statuses are an open set: whatever is not known to be
/// under way is looked at.
pub(super) fn may_be_over(status: Option<&str>) -> bool {
    status.is_none_or(|status| {
        let status = status.to_ascii_lowercase().replace('-', "_");
        !UNDER_WAY.contains(&status.as_str())
    })
}

/// What is to be done about a call that was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It has not ended: look again.
    Later,
    /// It ended, and nobody wants to hear of it.
    PassOver,
    /// It is to be told of.
    Tell,
}

/// What is known of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'c> {
    pub(super) status: Option<&'c str>,
    /// When it ended, in Unix milliseconds.
    pub(super) ended: Option<i64>,
}

/// Decides about a call. A call that does not tell when it ended is told of: better twice than never.
pub(super) fn fate(call: Facts<'_>, cutoff: Option<i64>, statuses: &[String]) -> Fate {
    if !may_be_over(call.status) || (call.status.is_none() && call.ended.is_none()) {
        return Fate::Later;
    }
    let is_wanted = statuses.is_empty()
        || call.status.is_some_and(|status| {
            statuses.iter().any(|wanted| wanted.eq_ignore_ascii_case(status))
        });
    let is_early = cutoff.zip(call.ended).is_some_and(|(cutoff, ended)| ended < cutoff);
    if is_wanted && !is_early { Fate::Tell } else { Fate::PassOver }
}

/// The longest pause between two tries.
const LONGEST: Duration = Duration::from_secs(30);

/// The pause before the next try, after so many. `draw` is from `0.0..1.0`.
pub(super) fn pause(tries: u32, asked: Option<u64>, draw: f64) -> Duration {
    let full = Duration::from_millis(250).saturating_mul(1 << tries.saturating_sub(1).min(10));
    let drawn = full.min(LONGEST).mul_f64(0.5 + draw / 2.0);
    // What the application asks for is honoured within reason.
    drawn.max(Duration::from_secs(asked.unwrap_or(0).min(60)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_an_open_set() {
        for over in [Some("completed"), Some("failed"), Some("ENDED"), Some("no_answer"), None] {
            assert!(may_be_over(over), "{over:?}");
        }
        for under_way in ["queued", "QUEUED", "RUNNING", "in_progress", "in-progress"] {
            assert!(!may_be_over(Some(under_way)), "{under_way}");
        }
    }

    #[test]
    fn a_call_is_told_of_once_it_ended() {
        let fate = |status, ended, cutoff, wanted: &[&str]| {
            let wanted: Vec<_> = wanted.iter().map(ToString::to_string).collect();
            fate(Facts { status, ended }, cutoff, &wanted)
        };
        assert_eq!(fate(Some("completed"), Some(5), None, &[]), Fate::Tell);
        assert_eq!(fate(Some("completed"), Some(5), Some(5), &[]), Fate::Tell);
        assert_eq!(fate(Some("completed"), Some(4), Some(5), &[]), Fate::PassOver);
        assert_eq!(fate(Some("completed"), None, Some(5), &[]), Fate::Tell);
        assert_eq!(fate(Some("failed"), Some(5), None, &["completed"]), Fate::PassOver);
        assert_eq!(fate(Some("COMPLETED"), Some(5), None, &["completed"]), Fate::Tell);
        assert_eq!(fate(Some("in_progress"), None, None, &[]), Fate::Later);
        assert_eq!(fate(None, None, None, &[]), Fate::Later);
        assert_eq!(fate(None, Some(5), None, &[]), Fate::Tell);
    }

    #[test]
    fn pauses_grow_and_have_an_end() {
        let millis = |tries, draw| pause(tries, None, draw).as_millis();
        assert_eq!((millis(1, 0.0), millis(1, 1.0), millis(3, 1.0)), (125, 250, 1_000));
        assert_eq!(millis(100, 1.0), 30_000);
        assert_eq!(pause(1, Some(5), 0.0), Duration::from_secs(5));
        assert_eq!(pause(1, Some(5_000), 0.0), Duration::from_mins(1));
    }
}
