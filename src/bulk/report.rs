//! What is known of every row, as counts and as a table.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::builder::{ArrayBuilder as _, StringBuilder, UInt64Builder};
use arrow_array::cast::AsArray as _;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchReader};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use uuid::Uuid;

use super::blob::RowReport;
use super::ledger::{Index, State};
use super::outcome::{Counts, Outcome};
use super::store::Closed;
use crate::{Error, Result};

/// Backing in a batch of the table, about.
const BATCH: usize = 32_768;

/// What an upload came to.
#[derive(Debug, Clone)]
pub struct Report {
    /// The upload's id: what its tokens begin with.
    pub upload_id: Uuid,
    /// How long it took, this time.
    pub elapsed: Duration,
    counts: Counts,
    rows: Backing,
}

/// Where a report's rows are.
#[derive(Debug, Clone)]
enum Backing {
    /// In the copy, and what each came to in the ledger.
    Kept(Arc<(Index, Closed)>),
    Loaded(Arc<[RecordBatch]>),
}

impl Report {
    /// The report of what a ledger and its copy hold.
    pub(super) fn new(upload_id: Uuid, elapsed: Duration, index: Index, closed: Closed) -> Self {
        let counts = index.counts();
        Self { upload_id, elapsed, counts, rows: Backing::Kept(Arc::new((index, closed))) }
    }

    /// What the journal at `path` knows.
    pub fn open(path: &Path) -> Result<Self> {
        let (identity, closed, chunks) = Closed::look(path)?;
        let mut index = Index::default();
        for rows in chunks {
            index.take_in(&rows);
        }
        Ok(Self::new(identity.upload, Duration::ZERO, index, closed))
    }

    /// A report without rows: nothing was read, or nothing of it can be shown.
    pub fn unknown(upload_id: Uuid) -> Self {
        Self::new(upload_id, Duration::ZERO, Index::default(), Closed::empty())
    }

    /// The rows as an Arrow IPC stream.
    pub fn to_ipc(&self) -> Result<Vec<u8>> {
        let refuse = |error: ArrowError| Error::Journal(error.to_string());
        let mut writer = StreamWriter::try_new(Vec::new(), &Table::columns()).map_err(refuse)?;
        for batch in self.table() {
            writer.write(&batch.map_err(refuse)?).map_err(refuse)?;
        }
        writer.into_inner().map_err(refuse)
    }

    /// A report from its parts, as [`Report::to_ipc`] gave them.
    ///
    /// Of `counts` only what the rows don't tell is taken.
    pub fn from_ipc(
        upload_id: Uuid,
        elapsed: Duration,
        counts: Counts,
        ipc: &[u8],
    ) -> Result<Self> {
        let refuse = |error: ArrowError| Error::invalid("report", error.to_string());
        let reader = StreamReader::try_new(ipc, None).map_err(refuse)?;
        if reader.schema() != Table::columns() {
            return Err(Error::invalid("report", "it has other columns"));
        }
        let batches = reader.collect::<std::result::Result<Vec<_>, _>>().map_err(refuse)?;
        let mut counts = counts;
        for batch in &batches {
            for name in batch.column(3).as_string::<i32>().iter().flatten() {
                let outcome = Outcome::named(name);
                let outcome = outcome.ok_or_else(|| Error::invalid("report", "unknown outcome"))?;
                counts.add(outcome, 1);
            }
        }
        Ok(Self { upload_id, elapsed, counts, rows: Backing::Loaded(batches.into()) })
    }

    /// How many rows came to what.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How many rows were still to be sent when it ended; None of one from `from_ipc`. Of an upload that was
    /// not stopped, these are rows that the service failed on each time.
    pub fn waiting(&self) -> Option<u64> {
        match &self.rows {
            Backing::Kept(kept) => Some(kept.0.count(State::Waiting)),
            Backing::Loaded(_) => None,
        }
    }

    /// The rows in the order of the source: `row`, `key`, `phone_number`, `outcome`, `run_id`,
    /// `status`, `error`.
    pub fn table(&self) -> Table {
        Table { rows: self.rows.clone(), seq: 0, only: None }
    }

    /// The rows of some outcomes. Those of others are not even read.
    pub fn only(&self, outcomes: Vec<Outcome>) -> Table {
        Table { only: Some(outcomes), ..self.table() }
    }
}

/// The rows of a report, many at a time.
pub struct Table {
    rows: Backing,
    seq: u64,
    only: Option<Vec<Outcome>>,
}

impl Table {
    /// The columns.
    pub fn columns() -> SchemaRef {
        let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
        Arc::new(Schema::new(vec![
            Field::new("row", DataType::UInt64, false),
            text("key", true),
            text("phone_number", true),
            text("outcome", false),
            text("run_id", true),
            text("status", true),
            text("error", true),
        ]))
    }

    fn wants(&self, outcome: Outcome) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(&outcome))
    }

    fn chosen(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        if self.only.is_none() {
            return Ok(batch.clone());
        }
        let refuse = |error: ArrowError| Error::Journal(error.to_string());
        let Some(outcomes) = batch.column_by_name("outcome") else { return Ok(batch.clone()) };
        let outcomes = outcomes.as_string::<i32>().iter();
        let wanted = outcomes.map(|name| Some(self.wants(Outcome::named(name?)?)));
        arrow_select::filter::filter_record_batch(batch, &wanted.collect()).map_err(refuse)
    }

    fn read(&mut self) -> Result<Option<RecordBatch>> {
        let kept = match &self.rows {
            Backing::Kept(kept) => kept.clone(),
            Backing::Loaded(batches) => {
                let at = usize::try_from(self.seq).unwrap_or(usize::MAX);
                self.seq += 1;
                let Some(batch) = batches.get(at) else { return Ok(None) };
                return self.chosen(batch).map(Some);
            }
        };
        let (index, closed) = &*kept;
        let mut batch = Batch::default();
        while let Some((first_row, rows)) = index.span(self.seq)
            && (batch.row.len() == 0 || batch.row.len() + rows as usize <= BATCH)
        {
            let seq = self.seq;
            let states = (0..rows).map(|at| index.state((seq, at)).unwrap_or(State::Doubt));
            if !states.clone().any(|state| self.wants(state.outcome())) {
                self.seq += 1;
                continue;
            }
            let stored = closed.rows(self.seq);
            for (at, state) in (0..rows).zip(states) {
                if !self.wants(state.outcome()) {
                    continue;
                }
                let report = match &stored {
                    Ok(reports) => reports.get(at as usize),
                    Err(_) => None,
                };
                let row = first_row + u64::from(at);
                match report.filter(|report| report.outcome == state.outcome()) {
                    Some(report) => batch.add(row, report),
                    // The ledger knows what it came to; its copy is gone.
                    None => batch.add_bare(row, state.outcome()),
                }
            }
            self.seq += 1;
        }
        if batch.row.len() == 0 { Ok(None) } else { batch.finish().map(Some) }
    }
}

impl Iterator for Table {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().map_err(|error| ArrowError::ExternalError(Box::new(error))).transpose()
    }
}

impl RecordBatchReader for Table {
    fn schema(&self) -> SchemaRef {
        Self::columns()
    }
}

#[derive(Default)]
struct Batch {
    row: UInt64Builder,
    key: StringBuilder,
    number: StringBuilder,
    outcome: StringBuilder,
    texts: [StringBuilder; 3],
}

impl Batch {
    fn add(&mut self, row: u64, report: &RowReport) {
        let run = report.run.as_ref().map(ToString::to_string);
        let texts = [run.as_deref(), report.status.as_deref(), report.error.as_deref()];
        self.put(row, report.key.as_deref(), report.number.as_deref(), report.outcome, texts);
    }

    fn add_bare(&mut self, row: u64, outcome: Outcome) {
        let why = "what is known of it was in a file that can't be read any more";
        self.put(row, None, None, outcome, [None, None, Some(why)]);
    }

    fn put(
        &mut self,
        row: u64,
        key: Option<&str>,
        number: Option<&str>,
        outcome: Outcome,
        texts: [Option<&str>; 3],
    ) {
        self.row.append_value(row);
        self.key.append_option(key);
        self.number.append_option(number);
        self.outcome.append_value(outcome.name());
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.append_option(text);
        }
    }

    fn finish(mut self) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.row.finish()),
            Arc::new(self.key.finish()),
            Arc::new(self.number.finish()),
            Arc::new(self.outcome.finish()),
        ];
        columns.extend(self.texts.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        RecordBatch::try_new(Table::columns(), columns)
            .map_err(|_| Error::Journal("its rows can't be shown".to_owned()))
    }
}
