//! A listing as tables, each of which is made while the one before is in use.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use pyo3::prelude::*;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use revrag::frame::{self, Variables};
use revrag::http::{Listing, Observer, Page};
use revrag::{Error, Result};

/// How many tables are there or made at a time.
const AHEAD: usize = 2;

/// The tables of a listing, a handful of pages each.
pub(super) struct Tables {
    listing: Arc<Mutex<Listing>>,
    /// Pages that were read before.
    given: VecDeque<Page>,
    variables: Arc<Variables>,
    making: VecDeque<Making>,
    failed: Option<Error>,
    has_ended: bool,
}

impl Tables {
    /// Of the pages that are given, and then of those that the listing still has.
    pub(super) fn new(
        listing: Arc<Mutex<Listing>>,
        given: VecDeque<Page>,
        variables: Arc<Variables>,
    ) -> Self {
        let (making, failed) = (VecDeque::new(), None);
        Self { listing, given, variables, making, failed, has_ended: false }
    }

    /// The next table; none after the last one or an error, which comes after the tables before it.
    pub(super) async fn next(&mut self, observer: &Arc<dyn Observer>) -> Result<Option<Table>> {
        while self.making.len() < AHEAD && !self.has_ended {
            match self.pages(observer).await {
                Ok(pages) if pages.is_empty() => self.has_ended = true,
                Ok(pages) => self.making.push_back(Making::begin(pages, &self.variables)),
                Err(error) => (self.failed, self.has_ended) = (Some(error), true),
            }
        }
        let Some(first) = self.making.front_mut() else {
            return self.failed.take().map_or(Ok(None), Err);
        };
        let made = first.made(&self.variables).await;
        let pages = self.making.pop_front().map(|first| first.pages);
        Ok(pages.map(|pages| Table { pages, made }))
    }

    async fn pages(&mut self, observer: &Arc<dyn Observer>) -> Result<Vec<Page>> {
        match self.given.pop_front() {
            Some(page) => Ok(vec![page]),
            None => self.listing.lock().await.next_few(Some(observer)).await,
        }
    }
}

/// A table that is being made.
struct Making {
    pages: Arc<Vec<Page>>,
    task: JoinHandle<std::result::Result<RecordBatch, ArrowError>>,
    pid: u32,
}

impl Making {
    fn begin(pages: Vec<Page>, variables: &Arc<Variables>) -> Self {
        let pages = Arc::new(pages);
        let (of, variables) = (pages.clone(), variables.clone());
        let task = tokio::spawn(async move { table(&of, &variables) });
        Self { pages, task, pid: std::process::id() }
    }

    async fn made(
        &mut self,
        variables: &Variables,
    ) -> std::result::Result<RecordBatch, ArrowError> {
        // After a fork, it would be made in the parent.
        if self.pid == std::process::id()
            && let Ok(made) = (&mut self.task).await
        {
            return made;
        }
        table(&self.pages, variables)
    }
}

fn table(pages: &[Page], variables: &Variables) -> std::result::Result<RecordBatch, ArrowError> {
    let records: Vec<_> = pages.iter().flat_map(Page::records).collect();
    frame::records(&records, variables)
}

/// A table, and the pages that it is of.
pub(super) struct Table {
    pub(super) pages: Arc<Vec<Page>>,
    pub(super) made: std::result::Result<RecordBatch, ArrowError>,
}

impl<'py> IntoPyObject<'py> for Table {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        // Whoever was interrupted asks for no table.
        Ok(py.None().into_bound(py))
    }
}
