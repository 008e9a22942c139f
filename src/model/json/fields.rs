//! The fields of objects that come one after another.

use std::ops::Range;

use super::scanner::{Fault, Scanner};
use super::text::Raw;

/// Finds the fields of the objects of one text by their names. Objects that come together are mostly written
/// alike: what stood before a field's value last time is looked for first.
#[derive(Debug)]
pub struct Fields {
    names: &'static [&'static str],
    /// What came after each field, after one of another name, and at last after the beginning.
    habits: Vec<Option<Habit>>,
    /// The field that was found last, or the beginning.
    at: usize,
    /// Whether the object has shown no field yet.
    first: bool,
}

/// A part of the text that led from the end of one value to the next, and whose that was.
#[derive(Debug, Clone)]
struct Habit {
    gap: Range<usize>,
    field: usize,
}

impl Fields {
    /// Fields of these names.
    pub fn new(names: &'static [&'static str]) -> Self {
        let habits = vec![None; names.len() + 2];
        Self { names, habits, at: names.len() + 1, first: true }
    }

    /// The names.
    pub const fn names(&self) -> &'static [&'static str] {
        self.names
    }

    /// An object begins, into which the scanner has stepped.
    pub fn begin(&mut self) {
        (self.at, self.first) = (self.names.len() + 1, true);
    }

    /// Which field comes next, and the scanner is before its value: its place among the names, or their
    /// count where it has another name. None at the end of the object.
    #[inline]
    pub fn next(&mut self, scanner: &mut Scanner<'_>) -> Result<Option<usize>, Fault> {
        if let Some(Some(Habit { gap, field })) = self.habits.get(self.at)
            && scanner.pass_if_as(gap.clone())
        {
            (self.at, self.first) = (*field, false);
            return Ok(Some(*field));
        }
        self.next_by_name(scanner)
    }

    fn next_by_name(&mut self, scanner: &mut Scanner<'_>) -> Result<Option<usize>, Fault> {
        let end = scanner.at();
        let Some(key) = scanner.key(&mut self.first)? else { return Ok(None) };
        scanner.space();
        let field = place_of(self.names, key, self.at + 1).unwrap_or(self.names.len());
        if let Some(habit) = self.habits.get_mut(self.at) {
            *habit = Some(Habit { gap: end..scanner.at(), field });
        }
        self.at = field;
        Ok(Some(field))
    }
}

/// Which name a key is; `next` is the one that is looked at first.
pub fn place_of(names: &[&str], key: Raw<'_>, next: usize) -> Option<usize> {
    let key = key.decoded();
    let is = |name: &str| name.as_bytes() == &*key;
    if names.get(next).is_some_and(|name| is(name)) {
        return Some(next);
    }
    names.iter().position(|name| is(name))
}
