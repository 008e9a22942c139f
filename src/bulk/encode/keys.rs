//! Keys of rows, as text.

use std::borrow::Cow;

use arrow_schema::DataType;
use serde_json::Value;

use super::super::options::{Content, Keying};
use super::super::source::Block;
use super::cells::Cells;
use super::object::cell;
use super::{Encoder, Rows, at, identifier};
use crate::key;
use crate::phone::Cell;
use crate::{Error, Result};

/// What stands in a key column.
#[derive(Debug, Clone)]
pub(super) enum Part<'a> {
    /// A text that stands in a token as it is.
    Plain(&'a str),
    /// Any other text.
    Text(Cow<'a, str>),
    /// A whole number.
    Integer(i64),
    /// The row's number, as it is sent.
    Number,
    /// Nothing.
    Missing,
}

impl<'a> Part<'a> {
    /// What a cell is as a part of a key.
    #[inline]
    pub(super) fn of(cell: Cell<'a>, row: u64, column: &str) -> Result<Self> {
        match cell {
            Cell::Text(Cow::Borrowed(text)) if is_short(text) && key::is_plain(text) => {
                Ok(Self::Plain(text))
            }
            Cell::Text(Cow::Borrowed(text)) if is_fit(text) => Ok(Self::Text(text.into())),
            cell => Self::of_any(cell, row, column),
        }
    }

    /// The same for cells of every kind.
    fn of_any(cell: Cell<'a>, row: u64, column: &str) -> Result<Self> {
        let text = match cell {
            Cell::Integer(number) => {
                let short = i64::try_from(number).map(Self::Integer);
                return Ok(short.unwrap_or_else(|_| Self::Text(number.to_string().into())));
            }
            // One number, whatever its sign.
            Cell::Float(0.0) | Cell::Single(0.0) => return Ok(Self::Integer(0)),
            Cell::Float(number) if number < 0.0 => {
                let whole = identifier(Cell::Float(-number), row, column)?;
                whole.map(|digits| format!("-{digits}").into())
            }
            Cell::Decimal(number) => {
                let is_whole = crate::phone::whole(&number).is_some();
                if !is_whole {
                    return Err(Error::invalid(at(row, column), "it has a fraction"));
                }
                match identifier(Cell::Decimal(number), row, column)? {
                    Some(digits) if digits == "-0" => return Ok(Self::Integer(0)),
                    digits => digits,
                }
            }
            cell => identifier(cell, row, column)?,
        };
        Ok(match text {
            None => Self::Missing,
            Some(text) if text.trim().is_empty() => Self::Missing,
            Some(text) => match unfit(&text) {
                Some(problem) => return Err(Error::invalid(at(row, column), problem)),
                None => Self::Text(text),
            },
        })
    }
}

/// The longest key, in bytes.
const LONGEST: usize = 4096;

/// Whether a text is a key of the kind that nearly all are, which is told many bytes at a time.
fn is_fit(text: &str) -> bool {
    is_short(text) && text.bytes().fold(true, |all, byte| all & byte.is_ascii_graphic())
}

fn is_short(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
}

/// Why a text is no key: no system gives such out, so the column or the file is another than meant.
fn unfit(text: &str) -> Option<String> {
    if text.len() > LONGEST {
        return Some(format!("it has {} bytes, and a key at most {LONGEST}", text.len()));
    }
    let control = text.chars().find(|c| c.is_control())?;
    Some(format!("it holds the control character {control:?}, so it is no key"))
}

impl Part<'_> {
    /// Its text in a row with this number.
    fn text<'a>(&'a self, number: &'a str) -> Cow<'a, str> {
        match self {
            Self::Plain(text) => (*text).into(),
            Self::Text(text) => (&**text).into(),
            Self::Integer(whole) => whole.to_string().into(),
            Self::Number | Self::Missing => number.into(),
        }
    }
}

impl Encoder {
    /// Takes down what a row is known by; the column that is empty, if one is.
    pub(super) fn key(
        &self,
        rows: &mut Rows,
        key: &[Part<'_>],
        session: Option<&str>,
        number: &str,
    ) -> Option<&str> {
        let keying = self.keying.as_ref()?;
        if let Keying::Own = keying {
            rows.key(session, |out| {
                out.push_str(session.unwrap_or_default());
                true
            });
            let column = self.content.key.first();
            return session.is_none().then(|| column.map_or("", String::as_str));
        }
        let missing = key.iter().position(|part| matches!(part, Part::Missing));
        if let Some(at) = missing {
            rows.key(None, |_| false);
            return self.content.key.get(at).map(String::as_str);
        }
        let Keying::Tokens(tokens) = keying else { return None };
        let mut plain = |text: &str| rows.key(Some(text), |out| tokens.write_plain(text, out));
        match key {
            [Part::Integer(whole)] => plain(itoa::Buffer::new().format(*whole)),
            [Part::Plain(text)] => plain(text),
            [part] => {
                let text = &*part.text(number);
                rows.key(Some(text), |out| tokens.write([text], out));
            }
            _ => {
                let texts: Vec<_> = key.iter().map(|part| part.text(number)).collect();
                let texts = || texts.iter().map(|text| &**text);
                rows.key(Some(&key::joined(texts())), |out| tokens.write(texts(), out));
            }
        }
        None
    }
}

/// Whether a source's first block is of a kind in which a key may turn out to be no text later on.
pub(super) fn may_be_refused(block: &Block, content: &Content) -> bool {
    match block {
        Block::Batch(batch) => {
            let schema = batch.schema();
            let is_float = |name: &String| {
                let field = schema.field_with_name(name);
                field.is_ok_and(|field| {
                    let kind = field.data_type();
                    kind.is_floating()
                        || kind.is_decimal()
                        || matches!(kind, DataType::Dictionary(..))
                })
            };
            content.key.iter().any(is_float)
        }
        Block::Objects(rows) => rows.iter().any(|row| {
            let is_odd = |value: &Value| match value {
                Value::Number(number) => number.is_f64(),
                Value::String(_) | Value::Null => false,
                _ => true,
            };
            content.key.iter().any(|name| row.get(name).is_some_and(is_odd))
        }),
    }
}

/// Refuses keys of a block that can't be text.
pub(super) fn check(block: &Block, first_row: u64, content: &Content) -> Result<()> {
    for column in &content.key {
        match block {
            Block::Batch(batch) => {
                let schema = batch.schema();
                let Ok(place) = schema.index_of(column) else { continue };
                if *column == content.phone_number || batch.column(place).data_type().is_integer() {
                    continue;
                }
                let cells =
                    Cells::of(schema.field(place), batch.column(place)).map_err(|error| {
                        Error::invalid(format!("column {column:?}"), error.to_string())
                    })?;
                for index in 0..batch.num_rows() {
                    Part::of(cells.at(index), first_row + index as u64, column)?;
                }
            }
            Block::Objects(rows) if *column != content.phone_number => {
                for (row, object) in (first_row..).zip(rows) {
                    if let Some(problem) = object.flaw_at(column) {
                        return Err(Error::invalid(at(row, column), problem));
                    }
                    Part::of(cell(object.get(column)), row, column)?;
                }
            }
            Block::Objects(_) => {}
        }
    }
    Ok(())
}
