//! Rows made into what is sent, or into the reason why they stay home: a pure function of a block.

mod batch;
mod cells;
mod exclude;
mod extension;
mod json;
mod keys;
mod likely;
mod nuls;
mod object;
mod rows;

use std::borrow::Cow;

use uuid::Uuid;

use super::layout::{Layout, absent_number, has_number};
use super::options::{Content, Keying, OnDuplicate, OnInvalid};
use super::seal::Sealer;
use super::source::{Block, shown};
use crate::phone::{Cell, Checker, Rules, whole};
use crate::{Error, Result};

pub(super) use cells::plain;
pub use exclude::read_digits as excluded_numbers;
pub(super) use exclude::{Numbers, comparable, read as read_numbers};
pub(super) use json::Style;
use keys::Part;
pub use nuls::is_in as has_nul;
pub(super) use rows::Rows;

/// Encodes rows of one upload.
#[derive(Debug)]
pub(super) struct Encoder {
    content: Content,
    rules: Option<Rules>,
    /// How session ids are made of keys; of the row's place otherwise.
    keying: Option<Keying>,
    upload: String,
    sealer: Sealer,
    /// Whether a valid row may stay home, and then shows its number as it came.
    keeps_came: bool,
}

/// A row's number, as it is sent or shown.
struct Number<'a> {
    text: Cow<'a, str>,
    /// As it came, where that is another text and may be asked for.
    came: Option<Cow<'a, str>>,
    repaired: bool,
    problem: Option<Cow<'static, str>>,
    missing: bool,
}

impl Number<'_> {
    fn shown(&self) -> Option<&str> {
        (!self.missing).then_some(&self.text)
    }
}

impl Encoder {
    /// An encoder whose tokens begin with the upload's id, unless rows are known by keys.
    pub(super) fn new(content: Content, upload: Uuid) -> Result<Self> {
        let rules = content.rules()?;
        let keying = content.keying()?;
        let keeps_came = content.on_duplicate == OnDuplicate::Reject || keying.is_some();
        let (sealer, upload) = (Sealer::of(upload), upload.simple().to_string());
        Ok(Self { content, rules, keying, upload, sealer, keeps_came })
    }

    /// The same for an upload that keeps more valid rows home, if it does.
    #[must_use]
    pub(super) fn keeping(self, some: bool) -> Self {
        Self { keeps_came: self.keeps_came || some, ..self }
    }

    /// The column that looks most like that of the numbers.
    pub(super) fn likely(&self, block: &Block) -> Option<String> {
        match block {
            Block::Batch(batch) => likely::column(batch, &self.content),
            Block::Objects(rows) => {
                likely::column_of_objects(rows, &self.content).map(str::to_owned)
            }
        }
    }

    /// Refuses a source without the columns that the options name, told by its first block.
    pub(super) fn check(&self, block: &Block) -> Result<()> {
        match block {
            Block::Batch(batch) if !has_number(&batch.schema(), &self.content) => {
                let schema = batch.schema();
                let known: Vec<&str> =
                    schema.fields().iter().map(|field| field.name().as_str()).collect();
                let likely = likely::column(batch, &self.content);
                Err(absent_number(&self.content.phone_number, &known, likely.as_deref()))
            }
            Block::Batch(batch) => Layout::of(&batch.schema(), &self.content).map(drop),
            Block::Objects(rows) => object::check(rows, &self.content),
        }
    }

    /// Whether a source must be read as a whole before anything of it is sent.
    pub(super) fn checks_first(&self) -> bool {
        self.content.on_invalid == OnInvalid::Raise || self.keying.is_some()
    }

    /// Refuses a block of which something would be refused; whether the next may be, too.
    pub(super) fn try_out(&self, block: &Block, first_row: u64) -> Result<bool> {
        if self.content.on_invalid == OnInvalid::Raise {
            return self.encode(block, first_row).map(|_| true);
        }
        keys::check(block, first_row, &self.content)?;
        Ok(keys::may_be_refused(block, &self.content))
    }

    /// Encodes a block whose first row is the `first_row`-th of the source.
    pub(super) fn encode(&self, block: &Block, first_row: u64) -> Result<Rows> {
        let checker = self.rules.map(Checker::new);
        let rows = match block {
            Block::Batch(batch) => self.batch(batch, first_row, checker.as_ref()),
            Block::Objects(rows) => self.objects(rows, first_row, checker.as_ref()),
        };
        Ok(rows?.sealed(&self.sealer))
    }

    #[inline]
    fn number<'a>(&self, cell: Cell<'a>, checker: Option<&Checker>) -> Number<'a> {
        let missing = matches!(cell, Cell::Missing | Cell::Other(_));
        let number = |text: Cow<'a, str>, repaired: bool, problem: Option<Cow<'static, str>>| {
            Number { text, came: None, repaired, problem, missing }
        };
        let as_it_came = match (&cell, checker) {
            // All go as they come.
            (Cell::Text(text), None) => return number(text.clone(), false, None),
            (Cell::Text(text), _) => Some(text.clone()),
            _ => None,
        };
        let written = match cell.written() {
            Ok(written) => written,
            Err((text, problem)) => return number(text, false, Some(problem)),
        };
        let repaired = written.repaired;
        match checker.map(|checker| checker.e164(&written)) {
            Some(Ok(e164)) => {
                let came = as_it_came.unwrap_or(written.text);
                let came = (self.keeps_came && came != e164).then_some(came);
                Number { came, ..number(e164.into(), repaired, None) }
            }
            Some(Err(problem)) => match as_it_came {
                Some(text) => number(text, false, Some(problem)),
                None => number(written.text, repaired, Some(problem)),
            },
            None => number(written.text, repaired, None),
        }
    }

    /// Ends a row that could not be encoded, `error` saying why: it stays home, and costs no other. What
    /// has been written of it from `start` on is taken back.
    fn unencoded(
        &self,
        rows: &mut Rows,
        (cell, checker): (Cell<'_>, Option<&Checker>),
        start: usize,
        error: Error,
    ) -> Result<()> {
        let Error::InvalidArgument { argument, problem } = &error else { return Err(error) };
        if self.content.on_invalid == OnInvalid::Raise {
            return Err(error);
        }
        // Which row it is, whoever reads the reason knows.
        let reason = match argument.split_once(", ") {
            Some((_, place)) => format!("{place}: {problem}"),
            None => problem.clone(),
        };
        if self.keying.is_some() {
            rows.keyless();
        }
        rows.keep(self.number(cell, checker).shown(), &reason, start);
        Ok(())
    }

    /// Writes one row: its number, then what `variables` writes, then its ids.
    ///
    /// `variables` returns the name of a required variable that is not there.
    #[inline]
    fn row(
        &self,
        rows: &mut Rows,
        row: u64,
        cell: Cell<'_>,
        checker: Option<&Checker>,
        Ids { user, session, key }: Ids<'_>,
        variables: impl FnOnce(&mut Vec<u8>) -> Result<Option<String>>,
    ) -> Result<()> {
        // An empty session id says nothing, and could not be found again.
        let session = session.filter(|session| !session.is_empty());
        let number = self.number(cell, checker);
        let start = rows.json().len();
        let missing = self.key(rows, key, session.as_deref(), &number.text);
        if let Some(problem) = &number.problem {
            match self.content.on_invalid {
                OnInvalid::Raise => {
                    return Err(Error::invalid(
                        at(row, &self.content.phone_number),
                        problem.clone(),
                    ));
                }
                OnInvalid::Send if !number.missing => {}
                _ => {
                    rows.keep(number.shown(), problem, start);
                    return Ok(());
                }
            }
        }
        if let Some(column) = missing {
            let problem = format!("it has no key: the column {} is empty", shown(column));
            if self.content.on_invalid == OnInvalid::Raise {
                return Err(Error::invalid(format!("row {row}"), problem));
            }
            rows.keep(number.shown(), &problem, start);
            return Ok(());
        }
        let out = rows.json();
        out.extend_from_slice(b"{\"phone_number\":");
        write_text(out, &number.text);
        let before = out.len();
        out.extend_from_slice(b",\"variables\":{");
        let empty = out.len();
        if let Some(name) = variables(out)? {
            let problem = format!("the required variable {name:?} is missing");
            if self.content.on_invalid == OnInvalid::Raise {
                return Err(Error::invalid(format!("row {row}"), problem));
            }
            rows.keep(number.shown(), &problem, start);
            return Ok(());
        }
        if out.len() == empty {
            out.truncate(before);
        } else {
            out.push(b'}');
        }
        if let Some(user) = user {
            out.extend_from_slice(b",\"app_user_id\":");
            write_text(out, &user);
        }
        out.extend_from_slice(b",\"app_session_id\":");
        if let Some(keying) = &self.keying {
            rows.write_token(matches!(keying, Keying::Tokens(_)));
        } else if let Some(session) = &session {
            write_text(out, session);
        } else {
            out.push(b'"');
            out.extend_from_slice(self.upload.as_bytes());
            out.push(b'-');
            out.extend_from_slice(itoa::Buffer::new().format(row).as_bytes());
            out.push(b'"');
        }
        rows.json().push(b'}');
        if rows.json().len() - start > LARGEST_ROW {
            return Err(Error::invalid(format!("row {row}"), "it is larger than 1 GiB"));
        }
        if self.content.on_invalid != OnInvalid::Send
            && let Some(place) = nuls::place(&rows.json()[start..])
        {
            let problem =
                format!("{place} holds a NUL character, which no database keeps in a text");
            if self.content.on_invalid == OnInvalid::Raise {
                return Err(Error::invalid(format!("row {row}"), problem));
            }
            rows.keep(number.shown(), &problem, start);
            return Ok(());
        }
        let own_session = session.is_some() && self.keying.is_none();
        rows.send(&number.text, number.repaired, own_session, start);
        if let Some(came) = &number.came {
            rows.came_as(came);
        }
        Ok(())
    }
}

/// A row's ids.
struct Ids<'a> {
    user: Option<Cow<'a, str>>,
    session: Option<Cow<'a, str>>,
    /// What stands in each key column.
    key: &'a [Part<'a>],
}

/// Offsets within a chunk have 32 bits.
const LARGEST_ROW: usize = 1 << 30;

/// A correlation id as text: integers, whole floats and whole decimals become digits.
fn identifier<'a>(cell: Cell<'a>, row: u64, column: &str) -> Result<Option<Cow<'a, str>>> {
    match cell {
        Cell::Missing => Ok(None),
        Cell::Text(text) => Ok(Some(text)),
        Cell::Decimal(number) => Ok(Some(match whole(&number) {
            Some(whole) => whole.to_owned().into(),
            None => number,
        })),
        Cell::Integer(number) => Ok(Some(digits(number).into())),
        Cell::Float(number) if number.is_nan() => Ok(None),
        Cell::Single(number) if number.is_nan() => Ok(None),
        number => match number.written() {
            Ok(written) => Ok(Some(written.text)),
            Err((_, problem)) => Err(Error::invalid(at(row, column), problem)),
        },
    }
}

/// An integer's digits: most have at most 64 bits, which are written in half the time.
fn digits(number: i128) -> String {
    match i64::try_from(number) {
        Ok(number) => itoa::Buffer::new().format(number).to_owned(),
        Err(_) => number.to_string(),
    }
}

/// A row and a column, as errors name them.
fn at(row: u64, column: &str) -> String {
    format!("row {row}, column {}", shown(column))
}

/// Writes a JSON text.
#[inline]
fn write_text(out: &mut Vec<u8>, text: &str) {
    // Nearly all have nothing to escape, and that is told many bytes at a time.
    let is_special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    if text.bytes().fold(false, |is, byte| is | is_special(byte)) {
        let written = serde_json::to_writer(out, text);
        debug_assert!(written.is_ok(), "memory takes every text");
        return;
    }
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Whether what was written is an empty text, list or object.
fn is_empty(json: &[u8]) -> bool {
    matches!(json, b"\"\"" | b"[]" | b"{}")
}
