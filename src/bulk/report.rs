//! What is known of every row, as counts and as a table.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow_array::builder::{StringBuilder, UInt64Builder};
use arrow_array::cast::AsArray as _;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchReader};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use rusqlite::{Connection, OptionalExtension as _};
use uuid::Uuid;

use super::blob;
use super::outcome::{Counts, Outcome};
use super::store::{Closed, Name, Store, signed};
use crate::{Error, Result};

/// What an upload came to.
#[derive(Debug, Clone)]
pub struct Report {
    /// The upload's id: what its tokens begin with.
    pub upload_id: Uuid,
    /// How long it took, this time.
    pub elapsed: Duration,
    counts: Counts,
    rows: Rows,
}

/// The rows in a store, as they were when the upload ended.
#[derive(Debug)]
struct Stored {
    connection: Mutex<Connection>,
    name: Name,
    /// How many chunks there were.
    chunks: u64,
    /// Those of which more may become known to whoever goes on with the journal.
    open: HashMap<u64, Chunk>,
}

#[derive(Debug, Clone)]
struct Chunk {
    first_row: u64,
    rows: usize,
    results: Option<Vec<u8>>,
}

/// Where a report's rows are.
#[derive(Debug, Clone)]
enum Rows {
    Stored(Arc<Stored>),
    Loaded(Arc<[RecordBatch]>),
}

impl Report {
    /// The report of the rows in a store.
    pub(super) fn new(upload_id: Uuid, elapsed: Duration, closed: Closed) -> Result<Self> {
        let read = || -> rusqlite::Result<(Counts, u64, HashMap<u64, Chunk>)> {
            let connection = &closed.connection;
            let chunks: i64 =
                connection.query_row("SELECT count(*) FROM chunk", [], |row| row.get(0))?;
            let open = if closed.is_shared { open_chunks(connection)? } else { HashMap::new() };
            Ok((counts(connection)?, chunks.unsigned_abs(), open))
        };
        let (counts, chunks, open) = read().map_err(|error| closed.name.told(&error))?;
        let (connection, name) = closed.unlocked();
        let connection = Mutex::new(connection);
        let rows = Rows::Stored(Arc::new(Stored { connection, name, chunks, open }));
        Ok(Self { upload_id, elapsed, counts, rows })
    }

    /// What the journal at `path` knows.
    pub fn open(path: &Path) -> Result<Self> {
        let (identity, closed) = Store::look(path)?;
        Self::new(identity.upload, Duration::ZERO, closed)
    }

    /// A report without rows: nothing was read, or nothing of it can be shown.
    pub fn unknown(upload_id: Uuid) -> Self {
        let rows = Rows::Loaded(Arc::new([]));
        Self { upload_id, elapsed: Duration::ZERO, counts: Counts::default(), rows }
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
    pub fn from_ipc(upload_id: Uuid, elapsed: Duration, repaired: u64, ipc: &[u8]) -> Result<Self> {
        let refuse = |error: ArrowError| Error::invalid("report", error.to_string());
        let reader = StreamReader::try_new(ipc, None).map_err(refuse)?;
        if reader.schema() != Table::columns() {
            return Err(Error::invalid("report", "it has other columns"));
        }
        let batches = reader.collect::<std::result::Result<Vec<_>, _>>().map_err(refuse)?;
        let mut counts = Counts::new([0; 6], repaired);
        for batch in &batches {
            for name in batch.column(2).as_string::<i32>().iter().flatten() {
                let outcome = Outcome::ALL.into_iter().find(|outcome| outcome.name() == name);
                counts.add(outcome.ok_or_else(|| Error::invalid("report", "unknown outcome"))?);
            }
        }
        Ok(Self { upload_id, elapsed, counts, rows: Rows::Loaded(batches.into()) })
    }

    /// How many rows came to what.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The rows in the order of the source: `row`, `phone_number`, `outcome`, `run_id`, `status`,
    /// `error`.
    pub fn table(&self) -> Table {
        Table { rows: self.rows.clone(), seq: 0 }
    }
}

fn counts(connection: &Connection) -> rusqlite::Result<Counts> {
    // A chunk of which nothing came back is in doubt as a whole.
    connection.query_row(
        "SELECT ifnull(sum(accepted), 0), ifnull(sum(rejected), 0), ifnull(sum(invalid), 0),
                ifnull(sum(duplicate), 0),
                ifnull(sum(CASE WHEN results IS NULL THEN rows ELSE unknown END), 0),
                ifnull(sum(not_sent), 0), ifnull(sum(repaired), 0)
         FROM chunk",
        [],
        |row| {
            let count = |at: usize| row.get::<_, i64>(at).map(i64::unsigned_abs);
            let by_outcome = [count(0)?, count(1)?, count(2)?, count(3)?, count(4)?, count(5)?];
            Ok(Counts::new(by_outcome, count(6)?))
        },
    )
}

const CHUNK: &str = "SELECT seq, first_row, rows, results FROM chunk";

fn chunk_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<(u64, Chunk)> {
    let number = |at: usize| row.get::<_, i64>(at).map(i64::unsigned_abs);
    let rows = usize::try_from(number(2)?).unwrap_or(usize::MAX);
    Ok((number(0)?, Chunk { first_row: number(1)?, rows, results: row.get(3)? }))
}

fn open_chunks(connection: &Connection) -> rusqlite::Result<HashMap<u64, Chunk>> {
    let mut query = connection
        .prepare(&format!("{CHUNK} WHERE results IS NULL OR unknown > 0 OR not_sent > 0"))?;
    query.query_map([], chunk_of)?.collect()
}

impl Stored {
    fn chunk(&self, seq: u64) -> Result<Option<Chunk>> {
        if seq >= self.chunks {
            return Ok(None);
        }
        if let Some(chunk) = self.open.get(&seq) {
            return Ok(Some(chunk.clone()));
        }
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let read = connection
            .prepare_cached(&format!("{CHUNK} WHERE seq = ?"))
            .and_then(|mut query| query.query_row([signed(seq)], chunk_of).optional());
        Ok(read.map_err(|error| self.name.told(&error))?.map(|(_, chunk)| chunk))
    }
}

/// The rows of a report, a chunk at a time.
pub struct Table {
    rows: Rows,
    seq: u64,
}

impl Table {
    /// The columns.
    pub fn columns() -> SchemaRef {
        let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
        Arc::new(Schema::new(vec![
            Field::new("row", DataType::UInt64, false),
            text("phone_number", true),
            text("outcome", false),
            text("run_id", true),
            text("status", true),
            text("error", true),
        ]))
    }

    fn read(&mut self) -> Result<Option<RecordBatch>> {
        let seq = self.seq;
        self.seq += 1;
        let stored = match &self.rows {
            Rows::Stored(stored) => stored,
            Rows::Loaded(batches) => {
                return Ok(usize::try_from(seq).ok().and_then(|at| batches.get(at)).cloned());
            }
        };
        let Some(Chunk { first_row, rows, results }) = stored.chunk(seq)? else { return Ok(None) };
        let mut batch = Batch::default();
        match results {
            Some(results) => {
                let reports =
                    blob::unpack(&results, rows).map_err(|blob::Corrupt| stored.name.corrupt())?;
                for (row, report) in (first_row..).zip(reports) {
                    let run = report.run.map(|run| run.to_string());
                    batch.add(
                        row,
                        report.number.as_deref(),
                        report.outcome,
                        [run, report.status, report.error],
                    );
                }
            }
            None => {
                for row in (first_row..).take(rows) {
                    batch.add(row, None, Outcome::Unknown, [None, None, None]);
                }
            }
        }
        Ok(Some(batch.finish()?))
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
    number: StringBuilder,
    outcome: StringBuilder,
    texts: [StringBuilder; 3],
}

impl Batch {
    fn add(
        &mut self,
        row: u64,
        number: Option<&str>,
        outcome: Outcome,
        texts: [Option<String>; 3],
    ) {
        self.row.append_value(row);
        self.number.append_option(number);
        self.outcome.append_value(outcome.name());
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.append_option(text);
        }
    }

    fn finish(mut self) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.row.finish()),
            Arc::new(self.number.finish()),
            Arc::new(self.outcome.finish()),
        ];
        columns.extend(self.texts.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        RecordBatch::try_new(Table::columns(), columns)
            .map_err(|_| Error::Journal("its rows can't be shown".to_owned()))
    }
}
