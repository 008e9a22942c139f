//! Where rows come from.

mod csv;
mod delimiter;
mod encoding;
mod file;
mod format;
mod header;
mod item;
mod jsonl;
mod quoting;
mod sheet;

use std::io::Read;
use std::sync::Arc;

use arrow_array::RecordBatch;

use crate::{Error, Result};

pub use file::{Batches, open};
pub use format::Format;
pub(super) use header::{Distinct, twice};
pub use item::{Flaw, FlawPlace, Item};

/// The rows of separated values that are read from `input`, called `name` in errors.
pub fn csv(
    input: impl Read + Send + 'static,
    format: &Format,
    name: &str,
) -> Result<Box<dyn Source>> {
    Ok(Box::new(csv::Csv::new(Box::new(input), format, name.to_owned())?))
}

/// A block of rows.
#[derive(Debug)]
pub enum Block {
    /// Rows as columns.
    Batch(RecordBatch),
    /// Rows as objects.
    Objects(Vec<Item>),
}

impl Block {
    /// How many rows it has.
    pub fn len(&self) -> usize {
        match self {
            Self::Batch(batch) => batch.num_rows(),
            Self::Objects(rows) => rows.len(),
        }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A source of rows that is being read. It is read from a thread of its own and may block.
pub trait Source: Send {
    /// How many rows there are in all, where that is known.
    fn total(&self) -> Option<u64>;

    /// Whether all its blocks have columns of the same types.
    fn is_uniform(&self) -> bool {
        true
    }

    /// The next block; none at the end.
    fn next(&mut self) -> Result<Option<Block>, SourceError>;

    /// Some rows as they are where what the last error advises is done, if that can be told.
    fn advised(&mut self) -> Option<Block> {
        None
    }
}

/// For how many rows room is made at once where a source says that it has so many, which may be wrong.
pub(super) fn room(rows: u64) -> usize {
    const MOST: usize = 1 << 22;
    usize::try_from(rows).unwrap_or(MOST).min(MOST)
}

/// Opens a source from its beginning.
pub type Open = Arc<dyn Fn() -> Result<Box<dyn Source>, SourceError> + Send + Sync>;

/// What is uploaded.
#[derive(Clone)]
pub struct Input {
    /// Opens it.
    pub open: Open,
    /// Whether it can be opened, and read, more than once.
    pub repeatable: bool,
}

/// A column's name as errors show it: not longer than need be.
pub(super) fn shown(name: &str) -> String {
    const MOST: usize = 40;
    match name.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?}…", name.get(..end).unwrap_or_default()),
        None => format!("{name:?}"),
    }
}

/// Why a source can't be read on.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SourceError {
    /// It holds what can't be read or sent.
    #[error(transparent)]
    Unreadable(#[from] Error),
    /// Its owner raised an error in this row, and has it.
    #[error("the source raised an error at row {row}")]
    Raised {
        /// The row that was asked for, from 0.
        row: u64,
    },
}

impl SourceError {
    /// What is wrong in the `row`-th row (from 0, a header not counted).
    pub fn at_row(row: u64, problem: impl std::fmt::Display) -> Self {
        Self::Unreadable(Error::invalid(format!("row {row}"), problem.to_string()))
    }
}
