//! How far a push has come, for whoever cuts it off.

use std::sync::{Arc, Mutex, PoisonError};

use super::transport::Departure;

/// The tries of one push, seen from outside.
#[derive(Debug, Clone, Default)]
pub struct Passage(Arc<Mutex<Tries>>);

#[derive(Debug, Default)]
struct Tries {
    /// That of the try under way, or of the next one.
    departure: Departure,
    given_up: bool,
}

impl Passage {
    /// The passage of a single try.
    pub(super) fn of(departure: Departure) -> Self {
        Self(Arc::new(Mutex::new(Tries { departure, given_up: false })))
    }

    /// Gives the push up: true where nothing of it was applied, and nothing will be; false where
    /// that can't be said.
    pub fn give_up(&self) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.given_up = true;
        state.departure.give_up()
    }

    /// The departure of the try that is about to begin.
    pub(super) fn departure(&self) -> Departure {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).departure.clone()
    }

    /// The service applied nothing of the last try, and there will be another.
    pub(super) fn again(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.given_up {
            state.departure = Departure::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_not_begun_can_be_given_up() {
        let passage = Passage::default();
        assert!(passage.give_up());
        assert!(!passage.departure().begin(), "it leaves nevertheless");
        assert!(passage.give_up(), "no longer");
    }

    #[test]
    fn what_is_under_way_is_in_doubt_until_it_was_refused() {
        let passage = Passage::default();
        assert!(passage.departure().begin());
        let other = passage.clone();
        passage.again();
        assert!(other.give_up());
        assert!(!passage.departure().begin());

        let passage = Passage::default();
        assert!(passage.departure().begin());
        assert!(!passage.give_up());
        passage.again();
        assert!(!passage.give_up(), "an answer that came too late for who gave up");
    }
}
