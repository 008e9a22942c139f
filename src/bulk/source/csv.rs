//! Separated values: everything is text, an empty field is null.

use std::io::{self, Chain, Cursor, Read};
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::delimiter::{self, Failed};
use super::encoding::{Malformed, Text, likely, not_utf8};
use super::quoting::{Fault, Quoting};
use super::{Block, Format, Source, SourceError, shown};
use crate::{Error, Result};

/// Rows in a block.
const BLOCK: usize = 4096;
/// A block is cut early when its text is larger than this, in bytes.
const LARGE: usize = 4 << 20;
/// What is looked at to tell an encoding, in bytes.
const SAMPLE: usize = 1 << 16;

type Lines = Quoting<Chain<Chain<Cursor<Vec<u8>>, Failed>, Text>>;

/// A file of separated values that is being read.
pub(super) struct Csv {
    reader: csv::Reader<Lines>,
    schema: SchemaRef,
    record: csv::ByteRecord,
    row: u64,
    is_shown: bool,
    name: String,
    /// Why it can't be read any further.
    failed: Option<SourceError>,
    /// Rows in the encoding that the file seems to have.
    advised: Option<RecordBatch>,
}

impl Csv {
    /// Reads the header.
    pub(super) fn new(input: Box<dyn Read + Send>, format: &Format, name: String) -> Result<Self> {
        let unread = |error: &io::Error| {
            Error::invalid("source", format!("the header can't be read: {error}"))
        };
        let mut text = Text::new(input, format.encoding).map_err(|error| unread(&error))?;
        let plain = name.to_lowercase();
        let plain = plain.strip_suffix(".gz").unwrap_or(&plain);
        let usual = if plain.rsplit('.').next() == Some("tsv") { b'\t' } else { b',' };
        let start = delimiter::find(&mut text, usual, format).map_err(|error| unread(&error))?;
        let start = start?;
        let input = Cursor::new(start.bytes).chain(start.failed).chain(text);
        let input = Quoting::new(input, start.delimiter, format.max_field_bytes);
        let mut reader = csv::ReaderBuilder::new().delimiter(start.delimiter).from_reader(input);
        let header = match reader.byte_headers() {
            Ok(header) => header.clone(),
            Err(error) => {
                let problem = format!("the header can't be read: {}", told(&error));
                return Err(Error::invalid("source", problem));
            }
        };
        if header.is_empty() {
            return Err(Error::invalid("source", "it is empty: not even a header is there"));
        }
        let fields = header
            .iter()
            .map(|name| Field::new(String::from_utf8_lossy(name), DataType::Utf8, true));
        let mut csv = Self {
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            reader,
            record: csv::ByteRecord::new(),
            row: 0,
            is_shown: false,
            name,
            failed: None,
            advised: None,
        };
        if !header.iter().all(is_text) {
            let problem = csv.advise(&header, Vec::new());
            let problem = format!("{}: the header: {problem}", csv.name);
            csv.failed = Some(Error::invalid("source", problem).into());
        }
        Ok(csv)
    }

    /// The next record, unless there is none, or there are to be no more.
    fn advance(&mut self) -> bool {
        match self.reader.read_byte_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => return false,
            Err(error) => {
                let problem = match error.kind() {
                    csv::ErrorKind::Io(error) if of_the_text(error).is_none() => {
                        format!("{}: {error}", self.name)
                    }
                    _ => told(&error),
                };
                self.failed = Some(SourceError::at_row(self.row, problem));
                return false;
            }
        }
        if self.record.as_slice().is_ascii() || self.record.iter().all(is_text) {
            return true;
        }
        let at = self.record.iter().position(|field| !is_text(field)).unwrap_or_default();
        let at = format!("row {}, column {}", self.row, shown(self.schema.field(at).name()));
        let header = self.reader.byte_headers().cloned().unwrap_or_default();
        let problem = self.advise(&header, vec![self.record.clone()]);
        self.failed = Some(Error::invalid(at, problem).into());
        false
    }

    /// What to say of a file that is not UTF-8, told by its header, these records and those after
    /// them; and how they look in the encoding it seems to have.
    fn advise(&mut self, header: &csv::ByteRecord, mut records: Vec<csv::ByteRecord>) -> String {
        let known = records.iter().chain([header]);
        let mut bytes = known.flat_map(csv::ByteRecord::as_slice).copied().collect::<Vec<u8>>();
        // What can't be read adds nothing.
        while bytes.len() < SAMPLE
            && let Ok(true) = self.reader.read_byte_record(&mut self.record)
        {
            bytes.extend_from_slice(self.record.as_slice());
            records.push(self.record.clone());
        }
        let encoding = likely(&bytes);
        let decoded = |field: &[u8]| encoding.decode_without_bom_handling(field).0.into_owned();
        let fields = header.iter().map(|name| Field::new(decoded(name), DataType::Utf8, true));
        let columns = (0..header.len()).map(|at| {
            let cells = records.iter().map(|record| record.get(at).filter(|cell| !cell.is_empty()));
            Arc::new(cells.map(|cell| cell.map(decoded)).collect::<StringArray>()) as ArrayRef
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        self.advised = RecordBatch::try_new(schema, columns.collect()).ok();
        not_utf8(&bytes)
    }
}

fn is_text(field: &[u8]) -> bool {
    std::str::from_utf8(field).is_ok()
}

impl Source for Csv {
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
        while rows < BLOCK && size < LARGE && self.advance() {
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

    fn advised(&mut self) -> Option<Block> {
        self.advised.take().map(Block::Batch)
    }
}

/// What went wrong, without a value of the file.
fn told(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, pos } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!("it has {len} fields, and the header has {expected_len} (line {line})")
        }
        csv::ErrorKind::Io(error) => of_the_text(error).unwrap_or_else(|| error.to_string()),
        _ => "it is not well-formed".to_owned(),
    }
}

/// What is wrong with what was read, where reading is not what failed.
fn of_the_text(error: &io::Error) -> Option<String> {
    let inner = error.get_ref()?;
    let fault = inner.downcast_ref::<Fault>().map(ToString::to_string);
    fault.or_else(|| inner.downcast_ref::<Malformed>().map(ToString::to_string))
}
