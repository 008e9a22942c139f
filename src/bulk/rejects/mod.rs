//! The rows of a source that an upload of it left out, in the source's own columns.

mod shape;

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray as _;
use arrow_array::types::UInt64Type;
use arrow_array::{Array as _, ArrayRef, BooleanArray, RecordBatch, RecordBatchReader};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use uuid::Uuid;

use super::encode::Encoder;
use super::layout::OF_REPORT;
use super::options::{Content, OnInvalid};
use super::outcome::Outcome;
use super::report::{Report, Table};
use super::source::{Block, Distinct, Input, Item, Source, SourceError};
use crate::{Error, Result};
use shape::Shape;

/// What was not read has no row in a report.
const UNREAD: &str = "the upload ended before it read this row";

/// What rows are asked for, and of what.
#[derive(Clone)]
pub struct Rejects {
    /// The source, which can be read again.
    pub input: Input,
    /// How it was read.
    pub content: Content,
    /// What became of its rows.
    pub report: Report,
    /// The outcomes that are wanted.
    pub outcomes: Vec<Outcome>,
}

impl Rejects {
    /// Reads the source again, to find what its columns hold, and then for its rows.
    pub fn open(&self) -> Result<Reader, SourceError> {
        let columns = Columns::find(&self.input)?;
        let content = Content { on_invalid: OnInvalid::Reject, ..self.content.clone() };
        Ok(Reader {
            schema: columns.schema(),
            columns,
            source: (self.input.open)()?,
            encoder: Encoder::new(content, Uuid::nil())?.keeping(true),
            cursor: Cursor::new(self.report.table()),
            outcomes: self.outcomes.clone(),
            row: 0,
            has_ended: false,
        })
    }
}

/// The source's own columns, under names of their own.
struct Columns {
    /// What each is called in the source.
    keys: Vec<String>,
    fields: Vec<Arc<Field>>,
    metadata: std::collections::HashMap<String, String>,
}

impl Columns {
    fn find(input: &Input) -> Result<Self, SourceError> {
        let mut source = (input.open)()?;
        let is_uniform = source.is_uniform();
        let mut shapes: Vec<(String, Shape, Option<Arc<Field>>)> = Vec::new();
        let mut metadata = std::collections::HashMap::new();
        let mut add = |key: &str, shape: Shape, field: Option<&Arc<Field>>| match shapes
            .iter_mut()
            .find(|(known, ..)| known == key)
        {
            Some((_, known, _)) => {
                let before = std::mem::replace(known, Shape::Nothing);
                *known = before.with(shape);
            }
            None => shapes.push((key.to_owned(), shape, field.cloned())),
        };
        while let Some(block) = source.next()? {
            match block {
                Block::Batch(batch) => {
                    let schema = batch.schema();
                    for (name, field) in distinct(&schema).iter().zip(schema.fields()) {
                        let shape = if is_uniform {
                            Shape::Arrow(field.data_type().clone())
                        } else {
                            Shape::of_type(field.data_type())
                        };
                        add(name, shape, Some(field));
                    }
                    metadata.clone_from(schema.metadata());
                    if is_uniform {
                        break;
                    }
                }
                Block::Objects(rows) => {
                    for (key, value) in rows.iter().flat_map(Item::readable) {
                        add(key, value.map_or(Shape::Nothing, Shape::of), None);
                    }
                }
            }
        }
        let field = |(_, shape, field): &(String, Shape, Option<Arc<Field>>)| {
            let kind = shape.kind();
            match field {
                Some(field) if *field.data_type() == kind => field.as_ref().clone(),
                _ => Field::new("", kind, true),
            }
        };
        let fields: Vec<Field> = shapes.iter().map(field).collect();
        let keys: Vec<String> = shapes.into_iter().map(|(key, ..)| key).collect();
        let names: Vec<&str> = keys.iter().map(String::as_str).collect();
        // The report's own come first, and keep their names.
        let all: Vec<&str> =
            ["outcome", "error"].into_iter().chain(names.iter().copied()).collect();
        let mut given = Distinct::among(&all);
        let _ = ["outcome", "error"].map(|name| given.name(name));
        let fields = fields
            .into_iter()
            .zip(&names)
            .map(|(field, name)| Arc::new(field.with_name(given.name(name)).with_nullable(true)));
        Ok(Self { fields: fields.collect(), keys, metadata })
    }

    fn schema(&self) -> SchemaRef {
        let own = |name: &str, nullable| {
            let mark = [(OF_REPORT.to_owned(), name.to_owned())].into();
            Arc::new(Field::new(name, DataType::Utf8, nullable).with_metadata(mark))
        };
        let fields: Vec<_> = [own("outcome", false), own("error", true)]
            .into_iter()
            .chain(self.fields.clone())
            .collect();
        Arc::new(Schema::new_with_metadata(fields, self.metadata.clone()))
    }

    /// Some rows of a block.
    fn rows(&self, block: &Block, wanted: &[bool]) -> Result<Vec<ArrayRef>, ArrowError> {
        match block {
            Block::Batch(batch) => {
                let wanted = BooleanArray::from(wanted.to_vec());
                let batch = arrow_select::filter::filter_record_batch(batch, &wanted)?;
                let names = distinct(&batch.schema());
                let columns = self.keys.iter().zip(&self.fields).map(|(key, field)| {
                    match names.iter().position(|name| name == key) {
                        Some(at) if batch.column(at).data_type() == field.data_type() => {
                            Ok(batch.column(at).clone())
                        }
                        Some(at) => cast(batch.column(at), field.data_type()),
                        None => {
                            Ok(arrow_array::new_null_array(field.data_type(), batch.num_rows()))
                        }
                    }
                });
                columns.collect()
            }
            Block::Objects(rows) => {
                let chosen: Vec<&Item> = rows
                    .iter()
                    .zip(wanted)
                    .filter(|(_, wanted)| **wanted)
                    .map(|(row, _)| row)
                    .collect();
                let columns = self.keys.iter().zip(&self.fields).map(|(key, field)| {
                    let values: Vec<_> = chosen.iter().map(|row| row.readable_at(key)).collect();
                    shape::column(&values, field.data_type())
                });
                columns.collect()
            }
        }
    }
}

/// The names of a table's columns, each once.
fn distinct(schema: &Schema) -> Vec<String> {
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut given = Distinct::among(&names);
    names.iter().map(|name| given.name(name)).collect()
}

/// Rows that were left out, many at a time.
pub struct Reader {
    schema: SchemaRef,
    columns: Columns,
    source: Box<dyn Source>,
    encoder: Encoder,
    cursor: Cursor,
    outcomes: Vec<Outcome>,
    row: u64,
    has_ended: bool,
}

impl Reader {
    fn read(&mut self) -> Result<Option<RecordBatch>, SourceError> {
        let broken = |error: ArrowError| Error::invalid("source", error.to_string());
        while !self.has_ended
            && let Some(block) = self.source.next()?
        {
            let rows = self.rows(&block)?;
            let (mut wanted, mut outcomes, mut errors) =
                (Vec::new(), StringBuilder::new(), StringBuilder::new());
            for (at, row) in (self.row..).zip(&rows) {
                let known = self.cursor.at(at).map_err(broken)?;
                let (outcome, error) = match &known {
                    Some(known) => (known.outcome, known.error.as_deref()),
                    None => (Outcome::NotSent, Some(UNREAD)),
                };
                if let Some(what) = known.as_ref().and_then(|known| row.differs(known)) {
                    let problem = format!("has another {what} than the one that was uploaded");
                    return Err(other_source(at, &problem));
                }
                let is_wanted = self.outcomes.contains(&outcome);
                wanted.push(is_wanted);
                if is_wanted {
                    outcomes.append_value(outcome.name());
                    errors.append_option(error);
                }
            }
            self.row += rows.len() as u64;
            if wanted.contains(&true) {
                let own = self.columns.rows(&block, &wanted).map_err(broken)?;
                let report: [ArrayRef; 2] =
                    [Arc::new(outcomes.finish()), Arc::new(errors.finish())];
                let columns = report.into_iter().chain(own).collect();
                let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(broken)?;
                return Ok(Some(batch));
            }
        }
        if !std::mem::replace(&mut self.has_ended, true)
            && self.cursor.at(self.row).map_err(broken)?.is_some()
        {
            return Err(other_source(self.row, "was uploaded and is not there"));
        }
        Ok(None)
    }

    /// What tells each row from others.
    fn rows(&self, block: &Block) -> Result<Vec<Row>> {
        if block.is_empty() {
            return Ok(Vec::new());
        }
        let mut rows = Vec::with_capacity(block.len());
        self.encoder.encode(block, self.row)?.each(|row| {
            rows.push(Row {
                key: row.key.and_then(|key| key.shown).map(str::to_owned),
                number: row.number.map(str::to_owned),
                came: row.came.map(str::to_owned),
            });
        });
        Ok(rows)
    }
}

/// What tells a row from others: its key, where it has one, and its number, as it is sent and as it came.
struct Row {
    key: Option<String>,
    number: Option<String>,
    came: Option<String>,
}

impl Row {
    /// What of it is not as a report has it, whatever became of the row.
    fn differs(&self, known: &Known) -> Option<&'static str> {
        if self.key != known.key {
            return Some("key");
        }
        // What stayed home is shown as it came.
        let is_as_it_came = self.came.is_some() && known.number == self.came;
        (known.number != self.number && !is_as_it_came).then_some("number")
    }
}

fn other_source(row: u64, problem: &str) -> SourceError {
    let problem = format!(
        "row {row} {problem}: pass the very source that was uploaded, in the same order, or rows that are \
         in the campaign might be taken for others"
    );
    Error::invalid("source", problem).into()
}

impl Iterator for Reader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read().map_err(|error| ArrowError::ExternalError(Box::new(error)));
        if read.is_err() {
            self.has_ended = true;
        }
        read.transpose()
    }
}

impl RecordBatchReader for Reader {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

/// What became of each row, asked for in the order of the source.
struct Cursor {
    table: Table,
    batch: Option<RecordBatch>,
    at: usize,
}

/// What is known of a row.
struct Known {
    outcome: Outcome,
    key: Option<String>,
    number: Option<String>,
    error: Option<String>,
}

impl Cursor {
    fn new(table: Table) -> Self {
        Self { table, batch: None, at: 0 }
    }

    fn at(&mut self, row: u64) -> Result<Option<Known>, ArrowError> {
        loop {
            let Some(batch) = &self.batch else {
                match self.table.next().transpose()? {
                    Some(next) => (self.batch, self.at) = (Some(next), 0),
                    None => return Ok(None),
                }
                continue;
            };
            let Some(rows) = batch.column_by_name("row") else { return Ok(None) };
            let rows = rows.as_primitive::<UInt64Type>();
            if self.at >= rows.len() {
                self.batch = None;
                continue;
            }
            if rows.value(self.at) > row {
                return Ok(None);
            }
            if rows.value(self.at) < row {
                self.at += 1;
                continue;
            }
            let text = |name: &str| {
                let column = batch.column_by_name(name)?.as_string::<i32>();
                column.is_valid(self.at).then(|| column.value(self.at).to_owned())
            };
            let outcome = Outcome::named(&text("outcome").unwrap_or_default());
            let known = Known {
                outcome: outcome.unwrap_or(Outcome::Unknown),
                key: text("key"),
                number: text("phone_number"),
                error: text("error"),
            };
            self.at += 1;
            return Ok(Some(known));
        }
    }
}
