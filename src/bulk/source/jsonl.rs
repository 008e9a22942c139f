//! `.jsonl` and `.ndjson`: an object a line.

use std::io::BufRead;

use serde_json::{Map, Value};

use super::encoding::not_utf8;
use super::{Block, Source, SourceError, shown};
use crate::Error;

/// Rows in a block.
const BLOCK: usize = 1024;
/// A block is cut early when its text is larger than this, in bytes.
const LARGE: usize = 4 << 20;

type Row = Map<String, Value>;

/// A file of JSON lines that is being read.
pub(super) struct Jsonl<R> {
    input: R,
    line: Vec<u8>,
    row: u64,
    name: String,
    /// Why it can't be read any further.
    failed: Option<SourceError>,
}

impl<R: BufRead + Send> Jsonl<R> {
    pub(super) fn new(input: R, name: String) -> Self {
        Self { input, line: Vec::new(), row: 0, name, failed: None }
    }

    /// The next row; empty lines are passed over.
    fn row(&mut self) -> Result<Option<(Row, usize)>, SourceError> {
        loop {
            self.line.clear();
            let read = self.input.read_until(b'\n', &mut self.line);
            match read
                .map_err(|error| SourceError::at_row(self.row, format!("{}: {error}", self.name)))?
            {
                0 => return Ok(None),
                _ if self.line.trim_ascii().is_empty() => {}
                size => {
                    let line = self.line.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(&self.line);
                    if std::str::from_utf8(line).is_err() {
                        return Err(SourceError::at_row(self.row, not_utf8(line)));
                    }
                    let row: Row = serde_json::from_slice(line).map_err(|error| {
                        let problem = match error.classify() {
                            serde_json::error::Category::Data => "it is not a JSON object",
                            _ => "it is not JSON",
                        };
                        let column = error.column();
                        SourceError::at_row(self.row, format!("{problem} (column {column})"))
                    })?;
                    if let Some(key) = too_large(&row) {
                        let problem = "the number is beyond 64 bits; write it as text";
                        return Err(SourceError::Unreadable(Error::invalid(
                            format!("row {}, column {}", self.row, shown(key)),
                            problem,
                        )));
                    }
                    self.row += 1;
                    return Ok(Some((row, size)));
                }
            }
        }
    }
}

impl<R: BufRead + Send> Source for Jsonl<R> {
    fn total(&self) -> Option<u64> {
        None
    }

    fn next(&mut self) -> Result<Option<Block>, SourceError> {
        let (mut rows, mut size) = (Vec::new(), 0);
        while self.failed.is_none() && rows.len() < BLOCK && size < LARGE {
            match self.row() {
                Ok(None) => break,
                Ok(Some((row, length))) => {
                    rows.push(row);
                    size += length;
                }
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        // What was read before an error is good, and comes first.
        if rows.is_empty()
            && let Some(error) = &self.failed
        {
            return Err(error.clone());
        }
        Ok((!rows.is_empty()).then_some(Block::Objects(rows)))
    }
}

/// The key of a number that JSON writes as an integer and that was read as another: an `f64` that
/// large holds no integer to the last digit.
fn too_large(row: &Map<String, Value>) -> Option<&str> {
    fn is_too_large(value: &Value) -> bool {
        match value {
            Value::Number(number) => {
                number.is_f64() && number.as_f64().is_some_and(|number| number.abs() >= 1e18)
            }
            Value::Array(items) => items.iter().any(is_too_large),
            Value::Object(fields) => fields.values().any(is_too_large),
            _ => false,
        }
    }
    row.iter().find(|(_, value)| is_too_large(value)).map(|(key, _)| key.as_str())
}
