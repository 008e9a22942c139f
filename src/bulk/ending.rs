//! How an upload goes, and how it ends.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;

use super::outcome::Counts;
use super::report::Report;
use super::source::SourceError;
use crate::Error;

/// How far an upload has come.
#[derive(Debug, Clone, Copy, Default)]
pub struct Snapshot {
    /// How many rows there are in all, where that is known.
    pub total: Option<u64>,
    /// How many were read.
    pub read: u64,
    /// What they came to so far.
    pub counts: Counts,
    /// How long it has taken.
    pub elapsed: Duration,
    /// Whether it has ended.
    pub is_last: bool,
}

/// Why an upload has no report, or not a whole one.
#[derive(Debug)]
pub enum Failure {
    /// It can't be done; nothing was sent.
    Refused(SourceError),
    /// It stopped before its end.
    Stopped(Box<Stopped>),
}

/// An upload that stopped before its end.
#[derive(Debug)]
pub struct Stopped {
    /// Why.
    pub cause: Cause,
    /// What is known of every row that was read.
    pub report: Report,
}

/// Why an upload stopped.
#[derive(Debug)]
pub enum Cause {
    /// The campaign takes no records: its status.
    NotRunning(String),
    /// The service refused, could not be reached, or left an outcome unknown that was not to be.
    Service(Error),
    /// The source can't be read on.
    Source(SourceError),
    /// The journal can't be written any more.
    Journal(Error),
    /// It was interrupted.
    CutOff,
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
            Self::Service(error) | Self::Journal(error) => error.fmt(f),
            Self::Source(error) => error.fmt(f),
            Self::CutOff => f.write_str("it was interrupted"),
            Self::Lost => f.write_str(
                "it was interrupted and did not stop in time, so what was sent is not known here",
            ),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error.into())
    }
}

/// Watches an upload from outside.
#[derive(Debug, Clone)]
pub struct Monitor {
    progress: watch::Receiver<Snapshot>,
    end: Arc<End>,
}

/// Where an upload leaves its report, for whoever did not wait for it.
#[derive(Debug, Default)]
struct End {
    state: Mutex<Reached>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Reached {
    is_reached: bool,
    report: Option<Report>,
}

/// Held by every part of an upload. Once the last is gone, so is the upload.
#[derive(Debug, Clone)]
pub(super) struct Ending(Arc<Last>);

#[derive(Debug)]
struct Last(Arc<End>);

impl Drop for Last {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_reached = true;
        self.0.changed.notify_all();
    }
}

impl Ending {
    /// Leaves a report; the first one stays.
    pub(super) fn leave(&self, report: Report) {
        let end = &self.0.0;
        let mut state = end.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.report.get_or_insert(report);
    }
}

impl Monitor {
    /// A monitor of an upload, and what the upload's parts hold.
    pub(super) fn new(progress: watch::Receiver<Snapshot>) -> (Self, Ending) {
        let end = Arc::new(End::default());
        (Self { progress, end: end.clone() }, Ending(Arc::new(Last(end))))
    }

    /// How far the upload has come.
    pub fn snapshot(&self) -> Snapshot {
        *self.progress.borrow()
    }

    /// Waits until the upload has come further; false once it has ended.
    pub async fn advanced(&mut self) -> bool {
        self.progress.changed().await.is_ok()
    }

    /// After an upload was dropped: what is known of its rows. Blocks until everything of it has
    /// stopped and the journal is free; none where that took longer than `limit`.
    pub fn stopped(&self, limit: Duration) -> Option<Report> {
        let state = self.end.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = |state: &mut Reached| !state.is_reached;
        let waited = self.end.changed.wait_timeout_while(state, limit, waiting);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let report = state.report.clone();
        // Without a report nothing was begun.
        state.is_reached.then(|| report.unwrap_or_else(|| Report::unknown(Uuid::nil())))
    }
}

/// What can't be, and is no fault of the caller's.
pub(super) fn bug() -> Error {
    Error::invalid("upload", "revrag failed inside; this is a bug, please report it")
}
