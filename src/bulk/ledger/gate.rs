//! Whether a request may leave, and how much it may hold: the rate that was asked for, what the
//! service said of too much, and whether it is there at all. Pure.

use std::time::Duration;

use super::pace::Pace;
use super::sizes::Sizes;
use crate::Error;

/// How many pushes in a row are lost before the service counts as away.
const TRIP: u32 = 3;
/// Rows in a request that only tries whether the service is back.
const PROBE: usize = 3;
/// A streak of losses as unlikely as this is no chance.
const UNLIKELY: f64 = 1e-7;
/// The first pause between two such requests; it doubles, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// The least that a 429 holds pushes back.
const FLOOR: Duration = Duration::from_millis(100);
/// A moment that a 429 names is waited for, however often, if it is this far away at least.
const TOLD: Duration = Duration::from_secs(1);
/// How often the service may say 422 and nothing else, before it is believed: one that does not say
/// which row it is about weighs more.
const UNFIT: u32 = 512;
const NAMELESS: u32 = 8;

/// What a gate is told to keep to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) concurrency: usize,
    pub(super) rows_per_second: Option<f64>,
    /// Tries after the first, where nothing was sent or too much was.
    pub(super) max_retries: u32,
    pub(super) give_up_after: Duration,
}

/// The gate that every push passes, also one that goes out again.
#[derive(Debug)]
pub(super) struct Gate {
    rules: Rules,
    pace: Pace,
    breaker: Breaker,
    sizes: Sizes,
    /// Nothing leaves before this moment.
    held_until: Duration,
    /// Requests at a time; halved by a 429, and grown again.
    width: f64,
    /// Pushes in a row that were not sent, or were too much.
    turned_away: u32,
    /// When the last of them was counted: those that left before it are one with it.
    counted_at: Duration,
    /// Pushes in a row that the service took for unfit.
    unfit: u32,
    /// Pushes of rows that were never lost before, and how many of those were.
    fresh: (u32, u32),
    /// Since when it says of every push that too much was sent.
    limited_since: Option<Duration>,
}

/// Whether the service is there.
#[derive(Debug, Clone, Default)]
struct Breaker {
    /// Pushes in a row that were lost, and not found to have arrived.
    lost: u32,
    /// When the first of the pushes in a row was lost, how many were, and what happened last.
    since: Option<(Duration, u32, Error)>,
    pause: Duration,
    probe_at: Duration,
}

impl Gate {
    pub(super) fn new(rules: Rules) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "at most a thousand")]
        let width = rules.concurrency as f64;
        Self {
            pace: Pace::new(rules.rows_per_second),
            rules,
            breaker: Breaker::default(),
            sizes: Sizes::default(),
            held_until: Duration::ZERO,
            width,
            turned_away: 0,
            counted_at: Duration::ZERO,
            unfit: 0,
            fresh: (0, 0),
            limited_since: None,
        }
    }

    /// Whether another push may leave while `out` are on their way.
    pub(super) fn is_open(&self, now: Duration, out: usize) -> bool {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 on")]
        let width = if self.is_tripped() { 1 } else { self.width as usize };
        out < width && now >= self.opens_at()
    }

    /// When the next push may leave, if one may at all.
    pub(super) fn opens_at(&self) -> Duration {
        let probe = if self.is_tripped() { self.breaker.probe_at } else { Duration::ZERO };
        self.held_until.max(self.pace.free_at()).max(probe)
    }

    /// Nothing leaves before this moment.
    pub(super) fn hold(&mut self, until: Duration) {
        self.held_until = self.held_until.max(until);
    }

    /// Whether the service counts as away: then nothing leaves but a few rows that try it.
    pub(super) fn is_tripped(&self) -> bool {
        self.breaker.lost >= TRIP
    }

    /// Why to give up, if it is time to.
    pub(super) fn is_hopeless(&self, now: Duration) -> Option<(Duration, Error)> {
        let (since, lost, error) = self.breaker.since.as_ref()?;
        let after = now.saturating_sub(*since);
        (*lost >= TRIP && after >= self.rules.give_up_after).then(|| (after, error.clone()))
    }

    /// When to look whether it is hopeless.
    pub(super) fn hopeless_at(&self) -> Option<Duration> {
        let (since, lost, _) = self.breaker.since.as_ref()?;
        (*lost >= TRIP).then(|| since.saturating_add(self.rules.give_up_after))
    }

    /// How many of rows of these sizes, from the first on, may go in one request.
    pub(super) fn fits(&self, sizes: impl Iterator<Item = usize>) -> usize {
        let most = if self.is_tripped() { PROBE } else { usize::MAX };
        self.sizes.fits(sizes).min(most)
    }

    /// A push leaves.
    pub(super) fn sent(&mut self, rows: usize, losses: u8, now: Duration) {
        self.pace.sent(rows, now);
        self.fresh.0 = self.fresh.0.saturating_add(u32::from(losses == 0));
        if self.is_tripped() {
            self.breaker.probe_at = now.saturating_add(self.next_pause());
        }
    }

    /// The service answered a push, whatever it said.
    pub(super) fn answered(&mut self) {
        self.breaker = Breaker { pause: FIRST_PAUSE, ..Breaker::default() };
        self.turned_away = 0;
    }

    /// What was lost is found to have arrived: the service is there, and goes on unanswering, perhaps.
    pub(super) fn found(&mut self, now: Duration) {
        if self.breaker.since.is_some() {
            self.breaker.lost = 0;
            let pause = self.next_pause();
            self.hold(now.saturating_add(pause));
        }
    }

    fn next_pause(&mut self) -> Duration {
        let pause = self.breaker.pause.max(FIRST_PAUSE);
        self.breaker.pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        pause
    }

    /// It took a push of this many rows and bytes.
    pub(super) fn took(&mut self, rows: usize, bytes: usize) {
        self.answered();
        self.unfit = 0;
        self.limited_since = None;
        self.sizes.took(rows, bytes);
        #[allow(clippy::cast_precision_loss, reason = "at most a thousand")]
        let most = self.rules.concurrency as f64;
        self.width = (self.width + 1.0 / self.width).min(most);
    }

    /// It refused a push of this many rows and bytes for its size.
    pub(super) fn too_large(&mut self, rows: usize, bytes: usize) {
        self.answered();
        if rows > 1 {
            self.sizes.refused(rows, bytes);
        }
    }

    /// It took rows of a push for unfit; whether it takes everything for that.
    pub(super) fn unfit(&mut self, is_named: bool) -> bool {
        self.answered();
        self.unfit += if is_named { 1 } else { NAMELESS };
        self.unfit >= UNFIT
    }

    /// How often a row may be lost alone, until chance does not account for it: the service loses
    /// some of what it is sent, or it fails at this one row.
    pub(super) fn patience(&self) -> u8 {
        let (sent, lost) = self.fresh;
        let share = f64::from(lost + 1) / f64::from(sent + 2);
        let times = UNLIKELY.ln() / share.clamp(1e-6, 0.999).ln();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cut to 3..=16")]
        let times = times.ceil().clamp(3.0, 16.0) as u8;
        times
    }

    /// A push of rows that were lost `losses` times before was lost.
    pub(super) fn lost(&mut self, rows: usize, losses: u8, now: Duration, error: Error) {
        self.fresh.1 = self.fresh.1.saturating_add(u32::from(losses == 0));
        if rows == 1 && losses > 1 {
            // The same row again tells of that row.
            return;
        }
        self.breaker.lost = self.breaker.lost.saturating_add(1);
        let (since, lost) =
            self.breaker.since.take().map_or((now, 0), |(since, lost, _)| (since, lost));
        self.breaker.since = Some((since, lost.saturating_add(1), error));
        if self.breaker.lost == TRIP {
            self.breaker.probe_at = now.saturating_add(self.next_pause());
        }
    }

    /// The service says that too much was sent by a push that left at `sent_at`. False where it is
    /// time to stop: it has said so too often and does not say until when, or far too late.
    pub(super) fn limited(
        &mut self,
        (now, sent_at): (Duration, Duration),
        retry_after: Option<Duration>,
        jitter: f64,
    ) -> bool {
        if sent_at >= self.counted_at {
            self.counted_at = now;
            self.turned_away += 1;
            self.width = (self.width / 2.0).max(1.0);
        }
        let since = *self.limited_since.get_or_insert(now);
        let waited = now.saturating_sub(since);
        let wait = match retry_after {
            Some(told) if told.max(waited) > self.rules.give_up_after => return false,
            Some(told) if told >= TOLD => told + FLOOR.mul_f64(jitter),
            _ if self.turned_away > self.rules.max_retries => return false,
            Some(told) => told.max(FLOOR) + FLOOR.mul_f64(jitter),
            None => self.backoff(jitter).max(FLOOR),
        };
        self.hold(now.saturating_add(wait));
        true
    }

    /// A push that was begun at `sent_at` could not be sent. False where it is time to stop.
    pub(super) fn not_sent(&mut self, (now, sent_at): (Duration, Duration), jitter: f64) -> bool {
        if sent_at >= self.counted_at {
            self.counted_at = now;
            self.turned_away += 1;
        }
        if self.turned_away > self.rules.max_retries {
            return false;
        }
        self.hold(now.saturating_add(self.backoff(jitter)));
        true
    }

    fn backoff(&self, jitter: f64) -> Duration {
        let policy = crate::http::retry::Policy::new(self.rules.max_retries);
        policy.backoff(self.turned_away.max(1), jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn gate(concurrency: usize) -> Gate {
        let give_up_after = Duration::from_mins(10);
        Gate::new(Rules { concurrency, rows_per_second: None, max_retries: 2, give_up_after })
    }

    fn lost() -> Error {
        Error::Connection { sent: true, cause: "reset".to_owned() }
    }

    #[test]
    fn a_service_that_answers_nothing_is_tried_less_and_less_and_then_given_up() {
        let mut gate = gate(4);
        let (mut now, mut rows, mut pushes) = (Duration::ZERO, 0, Vec::new());
        while gate.is_hopeless(now).is_none() {
            now = now.max(gate.opens_at());
            assert!(gate.is_open(now, 0));
            let fits = gate.fits(std::iter::repeat_n(100, 500)).min(500);
            gate.sent(fits, 0, now);
            rows += fits;
            pushes.push(now);
            now += SECOND;
            gate.lost(fits, 0, now, lost());
        }
        assert!(pushes.len() < 25 && rows < 3 * 500 + 25 * PROBE, "{pushes:?}");
        assert!(now >= Duration::from_mins(10) && now < Duration::from_mins(12), "{now:?}");
        let last = pushes.len() - 1;
        assert!(pushes[last] >= pushes[last - 1] + LONGEST_PAUSE);
    }

    #[test]
    fn an_answer_ends_a_streak() {
        let mut gate = gate(4);
        for _ in 0..TRIP {
            gate.lost(500, 0, SECOND, lost());
        }
        assert!(gate.is_tripped() && !gate.is_open(SECOND, 0));
        gate.took(3, 300);
        assert!(!gate.is_tripped() && gate.is_open(SECOND, 3));
        assert!(gate.is_hopeless(Duration::from_hours(1)).is_none());
    }

    #[test]
    fn one_row_again_and_again_is_no_streak() {
        let mut gate = gate(1);
        for losses in 2..16 {
            gate.lost(1, losses, SECOND, lost());
        }
        assert!(!gate.is_tripped());
    }

    #[test]
    fn a_moment_that_is_named_is_waited_for_however_often() {
        let mut gate = gate(8);
        let mut now = Duration::ZERO;
        for _ in 0..20 {
            assert!(gate.limited((now, now), Some(SECOND * 20), 0.5));
            assert!(!gate.is_open(now + SECOND * 19, 0));
            now += SECOND * 21;
        }
        // One request at a time, and more again as they are taken.
        assert!(gate.is_open(now, 0) && !gate.is_open(now, 1));
        for _ in 0..80 {
            gate.took(10, 100);
        }
        assert!(gate.is_open(now, 7));
        assert!(!gate.limited((now, now), Some(Duration::from_hours(1)), 0.5));
    }

    #[test]
    fn a_moment_that_is_not_named_is_waited_for_a_few_times() {
        let mut gate = gate(2);
        let mut answers = Vec::new();
        for at in 0..3 {
            answers.push(gate.limited((SECOND * at, SECOND * at), None, 0.5));
        }
        assert_eq!(answers, [true, true, false]);
    }
}
