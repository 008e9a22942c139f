//! What happened, as lines for people and as one number for comparing.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The most lines that are kept.
const LINES: usize = 40;

/// A story that is being told.
pub(super) struct Story {
    keeps: bool,
    lines: VecDeque<String>,
    print: DefaultHasher,
}

impl Story {
    pub(super) fn new(keeps: bool) -> Self {
        Self { keeps, lines: VecDeque::new(), print: DefaultHasher::new() }
    }

    /// Something happened: `what` in numbers, and in words where they are kept.
    pub(super) fn tell(&mut self, what: impl Hash, words: impl FnOnce() -> String) {
        what.hash(&mut self.print);
        if self.keeps {
            if self.lines.len() == LINES {
                self.lines.pop_front();
            }
            self.lines.push_back(words());
        }
    }

    pub(super) fn end(self) -> (u64, Vec<String>) {
        (self.print.finish(), self.lines.into())
    }
}

impl fmt::Debug for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.lines).finish()
    }
}
