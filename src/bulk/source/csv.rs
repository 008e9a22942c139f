//! `.csv` and `.tsv`: everything is text, an empty field is null.

use std::io::Read;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::{Block, Source, SourceError, shown};
use crate::{Error, Result};

/// Rows in a block.
const BLOCK: usize = 4096;
/// A block is cut early when its text is larger than this, in bytes.
const LARGE: usize = 4 << 20;

/// A file of separated values that is being read.
pub(super) struct Csv<R> {
    reader: csv::Reader<R>,
    schema: SchemaRef,
    record: csv::ByteRecord,
    row: u64,
    is_shown: bool,
    name: String,
    /// Why it can't be read any further.
    failed: Option<SourceError>,
}

impl<R: Read + Send> Csv<R> {
    /// Reads the header.
    pub(super) fn new(input: R, delimiter: u8, name: String) -> Result<Self> {
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(input);
        let header = reader.byte_headers().map_err(|error| {
            Error::invalid("source", format!("the header can't be read: {}", told(&error)))
        })?;
        if header.is_empty() {
            return Err(Error::invalid("source", "it is empty: not even a header is there"));
        }
        let fields = header
            .iter()
            .map(|name| match std::str::from_utf8(name) {
                Ok(name) => {
                    Ok(Field::new(name.trim_start_matches('\u{FEFF}'), DataType::Utf8, true))
                }
                Err(_) => {
                    Err(Error::invalid("source", "a column's name in the header is not UTF-8"))
                }
            })
            .collect::<Result<Vec<_>>>()?;
        let schema = Arc::new(Schema::new(fields));
        Ok(Self {
            reader,
            schema,
            record: csv::ByteRecord::new(),
            row: 0,
            is_shown: false,
            name,
            failed: None,
        })
    }
}

impl<R: Read + Send> Source for Csv<R> {
    fn total(&self) -> Option<u64> {
        None
    }

    fn next(&mut self) -> Result<Option<Block>, SourceError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let mut columns: Vec<StringBuilder> =
            self.schema.fields().iter().map(|_| StringBuilder::new()).collect();
        let (mut rows, mut size) = (0, 0);
        while rows < BLOCK && size < LARGE {
            match self.reader.read_byte_record(&mut self.record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    let problem = match error.kind() {
                        csv::ErrorKind::Io(_) => format!("{}: {}", self.name, told(&error)),
                        _ => told(&error),
                    };
                    self.failed = Some(SourceError::at_row(self.row, problem));
                    break;
                }
            }
            let not_text = |(_, field): &(usize, &[u8])| std::str::from_utf8(field).is_err();
            if let Some((at, _)) = self.record.iter().enumerate().find(not_text) {
                let name = self.schema.field(at).name();
                let at = format!("row {}, column {}", self.row, shown(name));
                let problem = "it is not UTF-8; save the file as UTF-8";
                self.failed = Some(Error::invalid(at, problem).into());
                break;
            }
            for (field, column) in self.record.iter().zip(&mut columns) {
                match std::str::from_utf8(field) {
                    Ok(text) if !text.is_empty() => column.append_value(text),
                    _ => column.append_null(),
                }
                size += field.len();
            }
            rows += 1;
            self.row += 1;
        }
        // What was read before an error is good, and comes first.
        if rows == 0
            && let Some(error) = &self.failed
        {
            return Err(error.clone());
        }
        // The columns of a table without rows are checked too.
        if rows == 0 && std::mem::replace(&mut self.is_shown, true) {
            return Ok(None);
        }
        self.is_shown = true;
        let columns = columns.into_iter().map(|mut c| Arc::new(c.finish()) as ArrayRef).collect();
        RecordBatch::try_new(self.schema.clone(), columns)
            .map(|batch| Some(Block::Batch(batch)))
            .map_err(|error| SourceError::at_row(self.row, error))
    }
}

/// What went wrong, without a value of the file.
fn told(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, pos } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!("it has {len} fields, and the header has {expected_len} (line {line})")
        }
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => "it is not well-formed".to_owned(),
    }
}
