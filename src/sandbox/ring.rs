//! The last so many of something, for whoever looks.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::watch;

/// The longest text of a body that is kept, in bytes.
const MOST_TEXT: usize = 8 << 10;

/// The last `most` entries, each with a number that counts all there ever were, from 1.
#[derive(Debug)]
pub struct Ring<T> {
    kept: VecDeque<T>,
    most: usize,
    count: u64,
}

impl<T> Ring<T> {
    /// Keeps nothing yet.
    pub fn new(most: usize) -> Self {
        Self { kept: VecDeque::new(), most, count: 0 }
    }

    /// Adds an entry, made of its number; the oldest may go for it.
    pub fn push(&mut self, make: impl FnOnce(u64) -> T) -> u64 {
        if self.kept.len() >= self.most {
            self.kept.pop_front();
        }
        self.count += 1;
        self.kept.push_back(make(self.count));
        self.count
    }

    /// The entry of a number, as long as it is kept.
    pub fn get(&self, id: u64) -> Option<&T> {
        let first = self.count - self.kept.len() as u64 + 1;
        self.kept.get(usize::try_from(id.checked_sub(first)?).ok()?)
    }

    /// Those kept, newest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.kept.iter().rev()
    }

    /// How many there ever were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Forgets all. Numbers go on.
    pub fn clear(&mut self) {
        self.kept.clear();
    }
}

/// A ring that threads share, and that tells when it grows.
#[derive(Debug)]
pub struct Log<T> {
    ring: Mutex<Ring<T>>,
    changed: watch::Sender<u64>,
}

impl<T> Log<T> {
    /// Of the last `most` entries.
    pub fn new(most: usize) -> Self {
        Self { ring: Mutex::new(Ring::new(most)), changed: watch::channel(0).0 }
    }

    /// The ring, to look at.
    pub fn lock(&self) -> MutexGuard<'_, Ring<T>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an entry, made of its number.
    pub fn push(&self, make: impl FnOnce(u64) -> T) {
        let id = self.lock().push(make);
        self.changed.send_replace(id);
    }

    /// Tells the number of each new entry, or of the last where several came.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

/// The text of a body: its beginning, where it is long.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Text {
    /// The text, with signs in place of bytes that are no text.
    pub text: String,
    /// How many bytes the whole has.
    pub bytes: u64,
    /// Whether `text` is only the beginning.
    pub is_cut: bool,
}

impl Text {
    /// That of a body.
    pub fn of(body: &[u8]) -> Self {
        let shown = body.get(..MOST_TEXT).unwrap_or(body);
        Self {
            text: String::from_utf8_lossy(shown).into_owned(),
            bytes: body.len() as u64,
            is_cut: shown.len() < body.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_last_and_numbers_them_all() {
        let mut ring = Ring::new(3);
        assert_eq!(ring.get(0), None);
        assert_eq!(ring.get(1), None);
        for id in 1..=5 {
            assert_eq!(ring.push(|id| id * 10), id);
        }
        assert_eq!(ring.iter().copied().collect::<Vec<_>>(), [50, 40, 30]);
        assert_eq!(
            [0, 2, 3, 5, 6].map(|id| ring.get(id).copied()),
            [None, None, Some(30), Some(50), None]
        );
        ring.clear();
        assert_eq!((ring.push(|id| id), ring.get(5), ring.get(6)), (6, None, Some(&6)));
    }

    #[test]
    fn a_long_body_is_kept_in_part() {
        let text = Text::of(&vec![b'x'; MOST_TEXT + 1]);
        assert_eq!((text.text.len(), text.bytes, text.is_cut), (MOST_TEXT, 8193, true));
        assert!(!Text::of(b"\xff").is_cut);
    }
}
