//! How many records had which status, over time: what a chart is drawn from.

use serde::{Deserialize, Serialize};

use super::time::{SECOND, Time};

/// Samples kept: more than a chart has room for.
const MOST: usize = 256;

/// From this moment on, until the next sample's: so many records of each status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The moment.
    pub at: Time,
    /// The counts, in the order of [`super::record::Status::ALL`].
    pub counts: [u32; 8],
}

/// Samples, one for each stretch of time in which something changed. The longer the history, the
/// longer the stretches, so that it never grows past a bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    stretch: i64,
    samples: Vec<Sample>,
}

impl Default for History {
    fn default() -> Self {
        Self { stretch: SECOND / 10, samples: Vec::new() }
    }
}

impl History {
    /// The samples, in the order of time.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Notes that the counts are these from now on.
    pub(super) fn note(&mut self, at: Time, counts: [u32; 8]) {
        let stretch = |time: Time, length: i64| time.0.div_euclid(length);
        let sample = Sample { at, counts };
        match self.samples.last_mut() {
            Some(last) if stretch(last.at, self.stretch) == stretch(at, self.stretch) => {
                *last = sample;
            }
            _ => self.samples.push(sample),
        }
        while self.samples.len() > MOST {
            self.stretch = self.stretch.saturating_mul(2);
            let length = self.stretch;
            // Of each stretch, what it ended with.
            let mut later = self.samples.iter().skip(1).map(|it| it.at).collect::<Vec<_>>();
            later.push(Time::MAX);
            let mut later = later.into_iter();
            self.samples.retain(|it| {
                later.next().is_none_or(|next| stretch(it.at, length) != stretch(next, length))
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_and_ends_with_what_is_so() {
        let mut history = History::default();
        for second in 0..100_000_u32 {
            history.note(Time(i64::from(second) * SECOND), [second, 0, 0, 0, 0, 0, 0, 0]);
            assert!(history.samples().len() <= MOST);
        }
        let samples = history.samples();
        assert!(samples.len() > MOST / 4);
        assert!(samples.windows(2).all(|pair| pair[0].at < pair[1].at));
        // Each sample tells the truth about its moment.
        assert!(samples.iter().all(|it| it.at.0 == i64::from(it.counts[0]) * SECOND));
        assert_eq!(samples.last().map(|it| it.counts[0]), Some(99_999));
    }
}
