//! Numbers that are not to be called, read from any source.

use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::RecordBatch;

use super::super::layout::{absent_number, holds_identifiers};
use super::super::options::{Content, OnInvalid};
use super::super::source::{Block, Input, SourceError};
use super::cells::Cells;
use super::object::cell;
use crate::phone::{Cell, Checker, Rules};
use crate::{Error, Result};

/// Entries that an error names.
const SHOWN: usize = 5;
/// The column that a source of bare numbers has.
const COLUMN: &str = "phone_number";

/// Numbers, eight bytes each.
#[derive(Default)]
pub(in super::super) struct Numbers(Vec<u64>);

impl std::fmt::Debug for Numbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // They are personal data.
        write!(f, "Numbers({})", self.0.len())
    }
}

impl Numbers {
    /// Whether a number as it is sent is one of them.
    pub(in super::super) fn has(&self, e164: &str) -> bool {
        digits(e164).is_some_and(|number| self.0.binary_search(&number).is_ok())
    }
}

/// The digits of a number in E.164: 15 at most, and none of them a leading zero.
fn digits(e164: &str) -> Option<u64> {
    e164.strip_prefix('+')?.parse().ok()
}

/// Reads a source to its end; its numbers stand in `column`, in `phone_number`, or in its only column.
pub(in super::super) fn read(
    input: &Input,
    column: &str,
    rules: Rules,
    stop: &AtomicBool,
) -> Result<Numbers, SourceError> {
    let mut reading = Reading {
        checker: Checker::new(rules),
        column,
        numbers: Vec::new(),
        entries: 0,
        unread: Vec::new(),
        count: 0,
    };
    let mut source = (input.open)().map_err(of_list)?;
    while !stop.load(Ordering::Acquire)
        && let Some(block) = source.next().map_err(of_list)?
    {
        match block {
            Block::Batch(batch) => reading.batch(&batch)?,
            Block::Objects(rows) => {
                for row in &rows {
                    if let Some(problem) = row.is_none() {
                        reading.unread(problem.to_owned());
                        continue;
                    }
                    let value = row.get(column).or_else(|| row.get(COLUMN));
                    let value = value.or_else(|| row.values().next().filter(|_| row.len() == 1));
                    reading.entry(cell(value));
                }
            }
        }
    }
    Ok(reading.end()?)
}

/// The numbers alone: the digits of each in E.164, in order and each once.
pub fn read_digits(
    input: &Input,
    column: &str,
    region: Option<&str>,
) -> Result<Vec<u64>, SourceError> {
    let rules = region.map(Rules::of).transpose()?.ok_or_else(needs_region)?;
    Ok(read(input, column, rules, &AtomicBool::new(false))?.0)
}

/// The rules by which numbers are compared.
pub(in super::super) fn comparable(content: &Content) -> Result<Rules> {
    let rules = content.rules()?.ok_or_else(needs_region)?;
    if content.on_invalid == OnInvalid::Send {
        return Err(Error::invalid(
            "exclude",
            "a number that can't be read can't be compared: it goes with on_invalid=\"reject\" or \
             \"raise\"",
        ));
    }
    Ok(rules)
}

fn needs_region() -> Error {
    Error::invalid("exclude", "numbers are compared as E.164: it needs a region")
}

/// What is wrong with a source, told of this one.
fn of_list(error: SourceError) -> SourceError {
    match error {
        SourceError::Unreadable(Error::InvalidArgument { argument, problem }) => {
            let problem =
                if argument == "source" { problem } else { format!("{argument}: {problem}") };
            SourceError::Unreadable(Error::invalid("exclude", problem))
        }
        other => other,
    }
}

struct Reading<'a> {
    checker: Checker,
    column: &'a str,
    numbers: Vec<u64>,
    entries: u64,
    /// Entries that are no numbers, the first of them, and how many there are.
    unread: Vec<(u64, String)>,
    count: u64,
}

impl Reading<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<()> {
        let schema = batch.schema();
        let at = self.find(batch)?;
        let field = schema.field(at);
        let refuse = |problem: String| Error::invalid("exclude", problem);
        if !holds_identifiers(field) {
            let problem = format!(
                "its column {:?} holds {}, and text or integers are needed",
                field.name(),
                field.data_type()
            );
            return Err(refuse(problem));
        }
        let cells =
            Cells::of(field, batch.column(at)).map_err(|error| refuse(error.to_string()))?;
        for row in 0..batch.num_rows() {
            self.entry(cells.at(row));
        }
        Ok(())
    }

    fn find(&mut self, batch: &RecordBatch) -> Result<usize> {
        let schema = batch.schema();
        let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let named = [self.column, COLUMN]
            .iter()
            .find_map(|name| known.iter().position(|known| known == name));
        if let Some(at) = named {
            return Ok(at);
        }
        if let [only] = known[..] {
            // A file without a header: its first number would be called.
            let first = Cell::Text(only.into());
            if self.entries == 0
                && let Some(number) = self.number(first).ok().flatten()
            {
                self.numbers.push(number);
            }
            return Ok(0);
        }
        Err(match absent_number(self.column, &known, None) {
            Error::InvalidArgument { problem, .. } => Error::invalid("exclude", problem),
            other => other,
        })
    }

    fn number(&self, cell: Cell<'_>) -> std::result::Result<Option<u64>, String> {
        let written = cell.written().map_err(|(_, problem)| problem.into_owned())?;
        let e164 = self.checker.e164(&written).map_err(std::borrow::Cow::into_owned)?;
        Ok(digits(&e164))
    }

    fn entry(&mut self, cell: Cell<'_>) {
        match self.number(cell) {
            Ok(number) => self.numbers.extend(number),
            Err(problem) => return self.unread(problem),
        }
        self.entries += 1;
    }

    /// An entry that is no number.
    fn unread(&mut self, problem: String) {
        self.count += 1;
        if self.unread.len() < SHOWN {
            self.unread.push((self.entries, problem));
        }
        self.entries += 1;
    }

    fn end(self) -> Result<Numbers> {
        if self.count > 0 {
            let named: Vec<String> = self
                .unread
                .iter()
                .map(|(entry, problem)| format!("entry {entry} ({problem})"))
                .collect();
            let more = if self.count > SHOWN as u64 { ", …" } else { "" };
            let problem = format!(
                "{} of {} entries can't be read as phone numbers, so that who is meant might be called: \
                 {}{more}; correct them or take them out. Nothing was sent",
                self.count,
                self.entries,
                named.join(", ")
            );
            return Err(Error::invalid("exclude", problem));
        }
        let mut numbers = self.numbers;
        numbers.sort_unstable();
        numbers.dedup();
        numbers.shrink_to_fit();
        Ok(Numbers(numbers))
    }
}
