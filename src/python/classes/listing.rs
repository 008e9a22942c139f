//! One reading of a campaign's listing: what `revrag.RecordPager` stands on.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyList};
use tokio::sync::Mutex;

use crate::classes::frames::{stream, unmade};
use crate::classes::model::place;
use crate::classes::models;
use crate::classes::tables::{Table, Tables};
use crate::convert::attribute::note_left_out;
use crate::ground::run::{Operation, run_sync};
use crate::ground::task::run_async;
use revrag::frame::{self, Variables};
use revrag::http::{Listing, Page};
use revrag::model::{self, Object};

/// Where a record's variables stand among its fields.
const VARIABLES: usize = place(<model::Record as model::Model>::FIELDS, "variables");

/// One reading of a listing, page by page.
#[pyclass(frozen, module = "revrag._revrag")]
pub(crate) struct RecordPages {
    listing: Arc<Mutex<Listing>>,
    hook: Option<Py<PyAny>>,
}

impl RecordPages {
    pub(crate) fn new(listing: Listing, hook: Option<Py<PyAny>>) -> Self {
        Self { listing: Arc::new(Mutex::new(listing)), hook }
    }

    /// The next page.
    fn page(&self, py: Python<'_>) -> PyResult<Option<Page>> {
        let listing = self.listing.clone();
        let operation: Operation<Fresh> = Box::new(move |_, watch, _| {
            let observer = watch.observer.clone();
            Ok(Box::pin(async move {
                let page = listing.lock().await.next(Some(&observer)).await?;
                Ok(Fresh(page.into_iter().collect()))
            }))
        });
        run_sync(py, self.hook(py), operation).map(|Fresh(mut pages)| pages.pop())
    }

    fn hook(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.hook.as_ref().map(|hook| hook.clone_ref(py))
    }

    fn operation(&self) -> Operation<Fresh> {
        let listing = self.listing.clone();
        Box::new(move |_, watch, _| {
            let observer = watch.observer.clone();
            Ok(Box::pin(
                async move { listing.lock().await.next_few(Some(&observer)).await.map(Fresh) },
            ))
        })
    }
}

#[pymethods]
impl RecordPages {
    /// The records of the next pages that were not there before; None after the last one.
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        run_sync(py, self.hook(py), self.operation())?.list(py)
    }

    /// The asyncio twin of `next`: a `Handful`.
    fn next_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        run_async(py, "RecordPages.next_async", self.hook(py), self.operation())
    }

    /// All pages as an Arrow stream. A struct's fields are known when all has been read.
    fn stream<'py>(
        slf: &Bound<'py, Self>,
        variables: &str,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let mut pages = VecDeque::new();
        let variables = match variables {
            "map" => Variables::Map,
            "struct" => {
                while let Some(page) = slf.get().page(py)? {
                    pages.push_back(page);
                }
                let records = pages.iter().flat_map(Page::records);
                let objects: Vec<Object> = records
                    .filter_map(|record| {
                        record.with(VARIABLES, |record| &record.variables, Clone::clone)
                    })
                    .collect();
                Variables::struct_of(objects.iter())
            }
            _ => Variables::Json,
        };
        let empty = frame::records(&[], &variables).map_err(unmade)?;
        let tables = Tables::new(slf.get().listing.clone(), pages, Arc::new(variables));
        let (tables, reading) = (Arc::new(Mutex::new(tables)), slf.clone().unbind());
        let make = Box::new(move |py: Python<'_>| {
            let tables = tables.clone();
            let operation: Operation<Option<Table>> = Box::new(move |_, watch, _| {
                let observer = watch.observer.clone();
                Ok(Box::pin(async move { tables.lock().await.next(&observer).await }))
            });
            let table = run_sync(py, reading.get().hook(py), operation)?;
            let Some(Table { pages, made }) = table else { return Ok(None) };
            for page in pages.iter() {
                note_left_out(py, &page.page().items);
            }
            made.map(Some).map_err(unmade)
        });
        stream(py, &empty, make, requested_schema)
    }

    #[allow(clippy::needless_pass_by_value, reason = "the signature that pyo3 wants")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.hook)
    }
}

/// Pages on their way to the thread that has asked for them: what Python sees of them is made there.
#[pyclass(frozen, module = "revrag._revrag")]
struct Handful(std::sync::Mutex<Vec<Page>>);

#[pymethods]
impl Handful {
    /// The records that were not there before, once.
    fn records<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let pages = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Fresh(pages).list(py)?.unwrap_or_else(|| PyList::empty(py)))
    }
}

/// Pages, for Python a list of what is new in them; none at the end.
struct Fresh(Vec<Page>);

impl Fresh {
    fn list(self, py: Python<'_>) -> PyResult<Option<Bound<'_, PyList>>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let mut records = Vec::with_capacity(self.0.iter().map(|page| page.records().len()).sum());
        for page in self.0 {
            note_left_out(py, &page.page().items);
            for record in page.into_records() {
                records.push(Bound::new(py, models::Record::from(record))?);
            }
        }
        PyList::new(py, records).map(Some)
    }
}

impl<'py> IntoPyObject<'py> for Fresh {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        if self.0.is_empty() {
            return Ok(py.None().into_bound(py));
        }
        Ok(Bound::new(py, Handful(self.0.into()))?.into_any())
    }
}
