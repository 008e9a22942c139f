//! What a ledger is told, and what it asks for.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use super::super::answer::Answer;
use super::super::blob::{self, RowReport};
use super::super::chunk::Chunk;
use super::super::outcome::Counts;
use super::super::seal::Seal;
use super::super::source::SourceError;
use super::book::Book;
use crate::Error;

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// The upload begins.
    Begin,
    /// What the campaign was before anything was sent, or why that can't be told.
    Campaign(Result<Campaign, Error>),
    /// The source was checked as a whole, or can't be.
    Checked(Result<(), SourceError>),
    /// How many rows the source has.
    Total(u64),
    /// A chunk was read.
    Chunk(Chunk),
    /// A chunk was read of a source that can't be read on, or was told to stop: it is not sent.
    Rest(Chunk),
    /// The source has ended.
    SourceEnded,
    /// The source can't be read on; what was read of it comes as [`Event::Rest`].
    SourceFailed(SourceError),
    /// What was written down of a chunk before, a report for each row.
    Loaded {
        /// The chunk.
        seq: u64,
        /// What is known of it.
        stored: Result<Stored, Error>,
    },
    /// Plans of these chunks are durable.
    Planned(Vec<u64>),
    /// Nothing can be written down any more.
    StoreFailed(Error),
    /// What came of a push.
    Answered {
        /// Which push.
        push: u64,
        /// What came of it.
        reply: Reply,
    },
    /// A chunk that was put aside is back; none where that failed.
    Recalled {
        /// The chunk.
        seq: u64,
        /// What was put aside.
        chunk: Option<Chunk>,
    },
    /// A page of the listing, as it came.
    Page {
        /// For which look.
        look: u64,
        /// Which page, from 1.
        number: u64,
        /// Its JSON.
        body: Result<Bytes, Error>,
    },
    /// How many records the campaign says it has; none where that can't be told.
    Counted {
        /// For which look.
        look: u64,
        /// How many.
        count: Option<u64>,
    },
    /// Time has passed.
    Tick,
    /// Send nothing more.
    Stop(Cause),
    /// Everything ends at once.
    CutOff {
        /// Why.
        cause: Cause,
        /// The pushes of which nothing was sent.
        unsent: Vec<u64>,
    },
}

/// Something to be done. Effects are carried out in the order in which they are given out.
#[derive(Debug)]
pub enum Effect {
    /// Ask what the campaign is: [`Event::Campaign`].
    AskCampaign,
    /// Read the source as a whole, to no other purpose: [`Event::Checked`].
    Check,
    /// Rows are known by keys, and this is what is known of them before any is read.
    Know(Arc<Book>),
    /// Read on: what comes of it is one event of the source.
    Read,
    /// Read no further than has been read; what was read comes as [`Event::Rest`].
    Halt,
    /// Write down what the upload is: when it began, by the service's clock and by ours.
    Identify(Beginning),
    /// Find what was written down of a chunk: [`Event::Loaded`].
    Load(u64),
    /// Write a chunk down. With a journal, [`Event::Planned`] says that it is durable.
    Plan(Plan),
    /// Write down what became of rows of a chunk.
    Record {
        /// The chunk.
        seq: u64,
        /// The rows and what became of them, packed.
        results: Vec<u8>,
        /// Whether [`Event::Planned`] is to say that it is durable.
        is_awaited: bool,
    },
    /// Push: [`Event::Answered`].
    Push {
        /// Which push.
        push: u64,
        /// What is pushed.
        batch: Batch,
    },
    /// Put a chunk aside: it needs no memory until it is recalled.
    Aside(Arc<Chunk>),
    /// Nothing more will be asked of what was put aside of a chunk.
    Forget(u64),
    /// Bring a chunk back: [`Event::Recalled`].
    Recall(u64),
    /// Fetch a page of the listing: [`Event::Page`].
    Fetch {
        /// For which look.
        look: u64,
        /// Which page, from 1.
        page: u64,
    },
    /// Ask how many records the campaign has: [`Event::Counted`].
    Count {
        /// For which look.
        look: u64,
    },
    /// Tell how far the upload has come.
    Tell(Snapshot),
    /// The upload has ended; nothing more is asked for.
    End,
}

/// The rows of a chunk that one push holds.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The chunk.
    pub chunk: Arc<Chunk>,
    /// Which rows of it.
    pub rows: Vec<u32>,
}

impl Batch {
    /// The request's body.
    pub fn body(&self) -> Bytes {
        self.chunk.body(&self.rows)
    }

    /// The number of each of its records, as it is sent.
    pub fn numbers(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.rows.iter().map(|row| self.chunk.number(*row as usize))
    }
}

/// What a campaign is before anything is sent.
#[derive(Debug, Clone, Default)]
pub struct Campaign {
    /// Its status.
    pub status: String,
    /// How many records it has.
    pub records: Option<u64>,
    /// The service's clock, to the second.
    pub date: Option<Timestamp>,
}

/// When an upload began, so that its records can be told from those of before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Beginning {
    /// By the service's clock, to the second.
    pub service: Option<Timestamp>,
    /// By ours.
    pub began: Option<Timestamp>,
    /// How many records there were.
    pub records: Option<u64>,
    /// How long it took until a record of it was known.
    pub first_known_after: Option<Duration>,
}

/// A chunk as it is written down before any of it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The chunk.
    pub seq: u64,
    /// The position of its first row.
    pub first_row: u64,
    /// A check of each row, four bytes each.
    pub checks: Vec<u8>,
    /// Its rows' numbers, and why some stay home, packed.
    pub rows: Vec<u8>,
}

/// What was written down of a chunk.
#[derive(Debug, Clone)]
pub struct Stored {
    /// A check of each row.
    pub checks: Vec<u8>,
    /// What is known of each row.
    pub rows: Vec<RowReport>,
    /// What each row's token comes to; none where rows are known by their places, and where they were not
    /// written down for another upload.
    pub seals: Vec<Seal>,
}

impl Stored {
    /// What is known of a chunk by its plan and by what was recorded since, in order; none where they
    /// are not of one chunk.
    pub fn of(checks: &[u8], plan: &[u8], parts: &[&[u8]]) -> Option<Self> {
        let count = checks.len() / 4;
        let rows = blob::unpack(plan, parts.iter().copied(), count).ok()?;
        let seals = blob::seals(plan, count).ok()?;
        Some(Self { checks: checks.to_vec(), rows, seals })
    }
}

/// What came of a push.
#[derive(Debug, Clone)]
pub enum Reply {
    /// It was applied, and the answer tells of each row and agrees with what was sent.
    Applied(Vec<Answer>),
    /// The service answered, and its answer can't be right: the rows may be there.
    Odd(String),
    /// No answer that tells anything: the rows may be there.
    Lost {
        /// Whether the service was still at it when the time was up.
        timed_out: bool,
        /// What happened.
        error: Error,
    },
    /// Nothing was applied: it is too large.
    TooLarge(String),
    /// Nothing was applied: rows, those named by position if any, don't fit the schema.
    Unfit {
        /// The rows and why.
        named: Vec<(usize, Box<str>)>,
        /// Why the rows are refused, where none is named.
        why: String,
        /// The service's refusal.
        error: Error,
    },
    /// Nothing was applied: too much was sent.
    Limited {
        /// How long the service asks to wait.
        retry_after: Option<Duration>,
        /// The service's refusal.
        error: Error,
    },
    /// Nothing was sent.
    NotSent(Error),
    /// Nothing was applied, and nothing will be.
    Refused(Error),
}

/// How far an upload has come.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Snapshot {
    /// How many rows there are in all, where that is known.
    pub total: Option<u64>,
    /// How many were read.
    pub read: u64,
    /// What they came to so far.
    pub counts: Counts,
    /// How many rows in doubt are being looked for.
    pub settling: u64,
    /// How many pages of the listing this look has read.
    pub pages: u64,
    /// How many there are, where that is known.
    pub total_pages: Option<u64>,
    /// How long it has taken.
    pub elapsed: Duration,
    /// Whether it has ended.
    pub is_last: bool,
}

/// Why an upload stopped.
#[derive(Debug, Clone)]
pub enum Cause {
    /// The campaign could not be asked, or may not be: nothing was read.
    Preflight(Error),
    /// The campaign takes no records: its status.
    NotRunning(String),
    /// The service refused, could not be reached, or left an outcome unknown that was not to be.
    Service(Error),
    /// The service was away for longer than the upload waits for it.
    GaveUp {
        /// How long it answered no push.
        after: Duration,
        /// What happened last.
        error: Error,
    },
    /// What tells which rows are in the campaign already could not be proven: nothing was sent, or one
    /// row.
    Unproven(Box<str>),
    /// The source was checked before anything was sent, and can't be sent.
    Checked(SourceError),
    /// The source can't be read on.
    Source(SourceError),
    /// The journal is not of this source.
    Changed(Error),
    /// The journal can't be written any more.
    Journal(Error),
    /// It was interrupted.
    CutOff,
    /// It failed inside.
    Bug,
    /// It was interrupted, and did not stop in time: what was sent is not known.
    Lost,
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotRunning(status) => {
                let status = crate::error::masked(status);
                write!(f, "the campaign is {status:?} and takes no records")
            }
            Self::Service(error)
            | Self::Journal(error)
            | Self::Preflight(error)
            | Self::Changed(error) => error.fmt(f),
            Self::GaveUp { after, error } => write!(
                f,
                "the service has answered no push for {} s (give_up_after), last: {error}",
                after.as_secs_f64().round()
            ),
            Self::Unproven(why) => {
                write!(f, "it is not known which rows the campaign has already: {why}")
            }
            Self::Source(error) | Self::Checked(error) => error.fmt(f),
            Self::CutOff => f.write_str("it was interrupted"),
            Self::Bug => f.write_str("revrag failed inside; this is a bug, please report it"),
            Self::Lost => f.write_str(
                "it was interrupted and did not stop in time, so what was sent is not known here",
            ),
        }
    }
}
