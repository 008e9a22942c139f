//! Encoded rows of one block, one after the other.

use std::iter;

use super::super::chunk::{Encoded, Fate, Key};
use super::super::seal::{Seal, Sealer};
use super::write_text;

/// The rows of a block, encoded, in the order of the source.
#[derive(Debug)]
pub(in super::super) struct Rows {
    marks: Vec<Mark>,
    numbers: String,
    keys: Keys,
    json: Vec<u8>,
    /// How many there will be.
    expected: usize,
}

/// Rows after which it is known how much room one takes.
const SAMPLE: usize = 64;
/// The most bytes of room that are made at once: of larger rows there may be few.
const ROOM: usize = 8 << 20;

/// What rows are known by, one after the other.
#[derive(Debug, Default)]
struct Keys {
    /// The keys that tokens do not hold as they are shown.
    shown: String,
    tokens: String,
    /// One for each row, where rows are known by keys.
    marks: Vec<KeyMark>,
    /// What each row's token comes to, once all rows are there.
    seals: Vec<Seal>,
    /// Where the token of the row that is being encoded begins.
    start: usize,
    /// The key of that row; none where it is known by its place.
    next: Option<Kept>,
}

/// A row's key, and how long its texts are.
#[derive(Debug)]
struct KeyMark {
    token: u32,
    key: Kept,
    /// Whether the row can be sent.
    is_sent: bool,
}

/// Where the text of a key is, and how long.
#[derive(Debug, Clone, Copy)]
enum Kept {
    /// There is no key.
    Nowhere,
    /// At the end of its token.
    InToken(u32),
    Apart(u32),
}

/// A row, and where its texts end.
#[derive(Debug)]
struct Mark {
    fate: Fate,
    repaired: bool,
    check: u32,
    number_end: usize,
    json_end: usize,
    came: Option<Box<str>>,
    has_number: bool,
}

impl Keys {
    /// The token of the row that is being encoded.
    fn token(&self) -> &str {
        self.tokens.get(self.start..).unwrap_or_default()
    }
}

impl Rows {
    /// None yet, of so many: growing by doubling would copy them again and again.
    pub(super) fn expecting(rows: usize) -> Self {
        Self {
            marks: Vec::with_capacity(rows),
            numbers: String::new(),
            keys: Keys::default(),
            json: Vec::new(),
            expected: rows,
        }
    }

    /// Makes room for the others like the rows that are there. Where there is not so much, they grow as
    /// ever.
    fn make_room(&mut self) {
        let rest = self.expected.saturating_sub(SAMPLE);
        // Numbers that count rows get longer: some more than the first take.
        let more = |length: usize| (length / SAMPLE).saturating_mul(rest + rest / 8).min(ROOM);
        let _ = self.numbers.try_reserve(more(self.numbers.len()));
        let _ = self.json.try_reserve(more(self.json.len()));
        let _ = self.keys.shown.try_reserve(more(self.keys.shown.len()));
        let _ = self.keys.tokens.try_reserve(more(self.keys.tokens.len()));
    }

    /// The same with what tokens come to: all of them together, as no digest waits for another.
    #[must_use]
    pub(super) fn sealed(mut self, sealer: &Sealer) -> Self {
        let mut rest = &*self.keys.tokens;
        let seal = |mark: &KeyMark| {
            let (token, after) = rest.split_at_checked(mark.token as usize).unwrap_or_default();
            rest = after;
            sealer.seal(token)
        };
        self.keys.seals = self.keys.marks.iter().map(seal).collect();
        self
    }

    /// Hands out each row.
    pub(in super::super) fn each(mut self, mut put: impl FnMut(&mut Encoded<'_>)) {
        let (mut number_start, mut json_start) = (0, 0);
        let (mut shown_start, mut token_start) = (0, 0);
        let mut keys = self.keys.marks.iter().zip(&self.keys.seals);
        for mark in &mut self.marks {
            let Mark { repaired, check, number_end, json_end, has_number, .. } = *mark;
            let fate = mark.fate.take();
            let number = self.numbers.get(number_start..number_end).filter(|_| has_number);
            let json = &self.json[json_start..json_end];
            let key = keys.next().map(|(mark, seal)| {
                let token_end = token_start + mark.token as usize;
                let token = self.keys.tokens.get(token_start..token_end).unwrap_or_default();
                let shown = match mark.key {
                    Kept::Nowhere => None,
                    Kept::InToken(length) => token.get(token.len() - length as usize..),
                    Kept::Apart(length) => {
                        let start = shown_start;
                        shown_start += length as usize;
                        self.keys.shown.get(start..shown_start)
                    }
                };
                token_start = token_end;
                Key { shown, token, seal }
            });
            (number_start, json_start) = (number_end, json_end);
            let came = mark.came.as_deref();
            put(&mut Encoded { fate, repaired, check, number, came, key, json });
        }
    }

    /// Each row's token, if it could be sent, where rows are known by keys.
    pub(in super::super) fn tokens(&self) -> impl Iterator<Item = Option<&str>> {
        let mut end = 0;
        self.keys.marks.iter().map(move |mark| {
            let start = end;
            end += mark.token as usize;
            mark.is_sent.then(|| self.keys.tokens.get(start..end)).flatten()
        })
    }

    /// What each row's token comes to, where rows are known by keys.
    pub(in super::super) fn seals(&self) -> &[Seal] {
        &self.keys.seals
    }

    /// What the row that is encoded next is known by: its key as it is shown, if it has one, and what
    /// `write` writes as its token, saying whether that ends with the key as it is shown.
    pub(super) fn key(&mut self, shown: Option<&str>, write: impl FnOnce(&mut String) -> bool) {
        if self.keys.marks.is_empty() {
            self.keys.marks.reserve(self.expected);
        }
        let is_within = write(&mut self.keys.tokens);
        self.keys.next = Some(match shown {
            None => Kept::Nowhere,
            Some(shown) if is_within => Kept::InToken(length(shown)),
            Some(shown) => {
                self.keys.shown.push_str(shown);
                Kept::Apart(length(shown))
            }
        });
    }

    /// The row that is being encoded could not be, and may not have come as far as its key.
    pub(super) fn keyless(&mut self) {
        self.keys.next.get_or_insert(Kept::Nowhere);
    }

    /// Writes the token of the row that is being encoded where its JSON is; `is_json` where no character
    /// of it has another form there.
    pub(super) fn write_token(&mut self, is_json: bool) {
        let token = self.keys.token();
        if is_json {
            self.json.reserve(token.len() + 2);
            self.json.push(b'"');
            self.json.extend_from_slice(token.as_bytes());
            self.json.push(b'"');
        } else {
            write_text(&mut self.json, token);
        }
    }

    /// Where the next row's JSON is written.
    pub(super) fn json(&mut self) -> &mut Vec<u8> {
        &mut self.json
    }

    /// Ends a row that is sent; its JSON has been written from `start` on.
    #[inline]
    pub(super) fn send(&mut self, number: &str, repaired: bool, own_session: bool, start: usize) {
        let check = crc32fast::hash(&self.json[start..]);
        self.end(Fate::Send { own_session }, Some(number), repaired, check);
    }

    /// How the number of the row that was ended last came, where that is not how it is sent.
    pub(super) fn came_as(&mut self, text: &str) {
        if let Some(mark) = self.marks.last_mut() {
            mark.came = Some(text.into());
        }
    }

    /// Ends a row that stays home; what has been written of it from `start` on is taken back.
    pub(super) fn keep(&mut self, number: Option<&str>, reason: &str, start: usize) {
        self.json.truncate(start);
        let mut check = crc32fast::Hasher::new();
        check.update(number.unwrap_or_default().as_bytes());
        check.update(b"home");
        self.end(Fate::Invalid(reason.into()), number, false, check.finalize());
    }

    #[inline]
    fn end(&mut self, fate: Fate, number: Option<&str>, repaired: bool, check: u32) {
        self.numbers.push_str(number.unwrap_or_default());
        let (number_end, json_end) = (self.numbers.len(), self.json.len());
        if let Some(key) = self.keys.next.take() {
            let token = length(self.keys.token());
            let is_sent = matches!(fate, Fate::Send { .. });
            self.keys.marks.push(KeyMark { token, key, is_sent });
            self.keys.start = self.keys.tokens.len();
        }
        // Made where it stays, as in a chunk.
        self.marks.extend(iter::once_with(|| Mark {
            fate,
            repaired,
            check,
            number_end,
            json_end,
            came: None,
            has_number: number.is_some(),
        }));
        if self.marks.len() == SAMPLE {
            self.make_room();
        }
    }
}

/// The length of a key or of a token, for which keys have a greatest one.
fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rows_do_not_decide_how_much_memory_is_asked_for() {
        let row = vec![b' '; 100_000];
        let mut rows = Rows::expecting(100_000);
        for _ in 0..=SAMPLE {
            let start = rows.json.len();
            rows.json.extend_from_slice(&row);
            rows.send("+919876543210", false, false, start);
        }
        assert!(rows.json.capacity() <= 2 * rows.json.len() + ROOM);
        let mut seen = 0;
        rows.each(|one| seen += usize::from(one.json == row));
        assert_eq!(seen, SAMPLE + 1);
    }
}
