//! Records and calls as Arrow streams: read from Python's thread, page by page.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::PyRecordBatchReader;

/// Makes the next table, attached; none after the last one.
pub(crate) type Make = Box<dyn FnMut(Python<'_>) -> PyResult<Option<RecordBatch>> + Send>;

/// An Arrow stream whose first table is there.
struct Stream {
    schema: SchemaRef,
    first: Option<RecordBatch>,
    make: Option<Make>,
}

/// A stream of the tables that `make` makes, for whoever asks Python for one. What the first one raises
/// is raised here; later, a reader of Arrow tells it in its own words.
pub(crate) fn stream<'py>(
    py: Python<'py>,
    empty: &RecordBatch,
    mut make: Make,
    requested_schema: Option<Bound<'py, PyCapsule>>,
) -> PyResult<Bound<'py, PyAny>> {
    let first = make(py)?;
    let make = first.is_some().then_some(make);
    let stream = Stream { schema: empty.schema(), first, make };
    let reader = PyRecordBatchReader::new(Box::new(stream)).into_pyobject(py)?;
    reader.call_method1("__arrow_c_stream__", (requested_schema,))
}

impl Iterator for Stream {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(first) = self.first.take() {
            return Some(Ok(first));
        }
        let make = self.make.as_mut()?;
        let table = Python::attach(|py| {
            make(py).map_err(|error| ArrowError::ExternalError(error.to_string().into()))
        });
        if !matches!(table, Ok(Some(_))) {
            self.make = None;
        }
        table.transpose()
    }
}

impl RecordBatchReader for Stream {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// A table that could not be made.
#[allow(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
pub(crate) fn unmade(error: ArrowError) -> PyErr {
    pyo3::exceptions::PyValueError::new_err(error.to_string())
}
