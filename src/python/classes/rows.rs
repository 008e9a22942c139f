//! A report's rows, as dicts and as files.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::cast::AsArray as _;
use arrow_array::types::UInt64Type;
use arrow_array::{Array as _, RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, DataType};
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::convert::errors::to_pyerr;
use crate::convert::rows::Raised;
use crate::ground::run::run_sync;
use revrag::Error;
use revrag::bulk::report::Table;
use revrag::bulk::source::SourceError;
use revrag::bulk::{Outcome, WriteError, write};

/// A report's rows, one after the other.
#[pyclass(frozen, module = "revrag._revrag")]
pub(crate) struct ReportRows(Mutex<Reading>);

struct Reading {
    table: Table,
    batch: Option<RecordBatch>,
    at: usize,
}

impl ReportRows {
    pub(crate) fn new(table: Table) -> Self {
        Self(Mutex::new(Reading { table, batch: None, at: 0 }))
    }
}

#[pymethods]
impl ReportRows {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Reading { table, batch, at } = &mut *reading;
        loop {
            match batch {
                Some(batch) if *at < batch.num_rows() => {
                    *at += 1;
                    return dict(py, batch, *at - 1).map(Some);
                }
                _ => match table.next() {
                    Some(next) => {
                        (*batch, *at) = (Some(next.map_err(|error| unread(py, error, None))?), 0);
                    }
                    None => return Ok(None),
                },
            }
        }
    }
}

/// A row of a report.
fn dict<'py>(py: Python<'py>, batch: &RecordBatch, row: usize) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        if column.is_null(row) {
            dict.set_item(field.name(), py.None())?;
        } else if column.data_type() == &DataType::UInt64 {
            dict.set_item(field.name(), column.as_primitive::<UInt64Type>().value(row))?;
        } else {
            dict.set_item(field.name(), column.as_string::<i32>().value(row))?;
        }
    }
    Ok(dict)
}

/// The outcomes that an argument names: one, or several.
pub(crate) fn outcomes(value: &Bound<'_, PyAny>) -> PyResult<Vec<Outcome>> {
    let py = value.py();
    let one = |name: &Bound<'_, PyAny>| {
        let known = name.extract::<String>().ok().and_then(|name| Outcome::named(&name));
        known.ok_or_else(|| {
            let known: Vec<_> = Outcome::ALL.iter().map(|outcome| outcome.name()).collect();
            let problem = format!("it must be one of {}, or several of them", known.join(", "));
            to_pyerr(py, Error::invalid("outcome", problem))
        })
    };
    if value.is_instance_of::<PyString>() {
        return Ok(vec![one(value)?]);
    }
    let Ok(names) = value.try_iter() else { return one(value).map(|one| vec![one]) };
    names.map(|name| one(&name?)).collect()
}

/// Opens a table, in a thread of its own.
pub(crate) type Opens =
    Box<dyn FnOnce() -> Result<Box<dyn RecordBatchReader + Send>, SourceError> + Send>;

/// Writes a table to a file, and answers Ctrl-C meanwhile.
pub(crate) fn write_table(
    py: Python<'_>,
    path: PathBuf,
    opens: Opens,
    raised: Raised,
) -> PyResult<()> {
    /// Dropped, whoever writes stops.
    struct Halt(Arc<AtomicBool>);
    impl Drop for Halt {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }
    let written = run_sync(
        py,
        None,
        Box::new(move |_, _, _| {
            Ok(Box::pin(async move {
                let halt = Halt(Arc::default());
                let stop = halt.0.clone();
                let writing = tokio::task::spawn_blocking(move || {
                    let mut table =
                        opens().map_err(|error| ArrowError::ExternalError(Box::new(error)));
                    match &mut table {
                        Ok(table) => write(&path, table, &stop),
                        Err(_) => table.map(drop).map_err(WriteError::Rows),
                    }
                });
                Ok(Written { result: writing.await.ok(), raised })
            }))
        }),
    )?;
    written.into_pyobject(py).map(drop)
}

/// What came of writing; turned into Python, it is None, or raises.
struct Written {
    result: Option<Result<(), WriteError>>,
    raised: Raised,
}

impl<'py> IntoPyObject<'py> for Written {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        match self.result {
            Some(Ok(())) => Ok(py.None().into_bound(py)),
            Some(Err(WriteError::Refused(error))) => Err(to_pyerr(py, error)),
            Some(Err(WriteError::Io(error))) => Err(error.into()),
            Some(Err(WriteError::Rows(error))) => Err(unread(py, error, Some(&self.raised))),
            None => {
                Err(PyOSError::new_err("revrag failed inside; this is a bug, please report it"))
            }
        }
    }
}

/// Why rows can't be read.
pub(crate) fn unread(py: Python<'_>, error: ArrowError, raised: Option<&Raised>) -> PyErr {
    let refuse = |problem: String| to_pyerr(py, Error::invalid("source", problem));
    let ArrowError::ExternalError(inner) = error else { return refuse(error.to_string()) };
    match inner.downcast::<SourceError>() {
        Ok(error) => match *error {
            SourceError::Unreadable(error) => to_pyerr(py, error),
            SourceError::Raised { .. } => {
                let raised = raised.and_then(|raised| {
                    raised.lock().unwrap_or_else(PoisonError::into_inner).take()
                });
                raised.unwrap_or_else(|| refuse(error.to_string()))
            }
        },
        Err(inner) => match inner.downcast::<Error>() {
            Ok(error) => to_pyerr(py, *error),
            Err(inner) => refuse(inner.to_string()),
        },
    }
}
