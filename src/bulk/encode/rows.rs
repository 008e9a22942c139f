//! Encoded rows of one block, one after the other.

use super::super::chunk::{Encoded, Fate};

/// The rows of a block, encoded, in the order of the source.
#[derive(Debug, Default)]
pub(in super::super) struct Rows {
    marks: Vec<Mark>,
    numbers: String,
    json: Vec<u8>,
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

impl Rows {
    /// Hands out each row.
    pub(in super::super) fn each(self, mut put: impl FnMut(Encoded<'_>)) {
        let (mut number_start, mut json_start) = (0, 0);
        for Mark { fate, repaired, check, number_end, json_end, came, has_number } in self.marks {
            let number = self.numbers.get(number_start..number_end).filter(|_| has_number);
            let json = &self.json[json_start..json_end];
            (number_start, json_start) = (number_end, json_end);
            put(Encoded { fate, repaired, check, number, came: came.as_deref(), json });
        }
    }

    /// Where the next row's JSON is written.
    pub(super) fn json(&mut self) -> &mut Vec<u8> {
        &mut self.json
    }

    /// Ends a row that is sent; its JSON has been written from `start` on.
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

    fn end(&mut self, fate: Fate, number: Option<&str>, repaired: bool, check: u32) {
        self.numbers.push_str(number.unwrap_or_default());
        let (number_end, json_end) = (self.numbers.len(), self.json.len());
        self.marks.push(Mark {
            fate,
            repaired,
            check,
            number_end,
            json_end,
            came: None,
            has_number: number.is_some(),
        });
    }
}
