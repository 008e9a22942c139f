//! `revrag.UploadRejects`.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatchReader as _;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::ArrowError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::PyRecordBatchReader;

use crate::classes::report::UploadReport;
use crate::classes::rows::{self, unread, write_table};
use crate::classes::upload::roles;
use crate::convert::errors::to_pyerr;
use crate::convert::rows::Raised;
use crate::convert::source;
use crate::ground::process;
use revrag::Error;
use revrag::bulk::{Outcome, Rejects, is_same};

/// How many rows a notebook shows.
const SHOWN: usize = 10;

/// The rows of a source that an upload left out, made by `UploadReport.rejects`.
///
/// It is an Arrow stream with the columns `outcome` and `error`, and then the source's own:
/// `polars.DataFrame(rejects)`, `pyarrow.table(rejects)` and `pandas.DataFrame.from_arrow(rejects)` read it,
/// as often as wanted. Each time the source is read again.
///
/// Example:
///     >>> import pyarrow
///     >>> leads = [{"phone_number": "9876543210"}, {"phone_number": "12"}]
///     >>> rejects = campaign.upload(leads).rejects(leads)
///     >>> pyarrow.table(rejects).column("phone_number").to_pylist()
///     ['12']
#[pyclass(frozen, subclass, module = "revrag")]
pub(crate) struct UploadRejects {
    rejects: Rejects,
    raised: Raised,
    /// The file that they come from, if it is one.
    file: Option<PathBuf>,
}

/// The rows of `object` that `report` does not have as accepted.
pub(crate) fn of(
    report: &UploadReport,
    object: &Bound<'_, PyAny>,
    outcome: Option<&Bound<'_, PyAny>>,
) -> PyResult<UploadRejects> {
    let py = object.py();
    let raised = Raised::default();
    let origin = report.origin();
    let content = origin.content.clone();
    let (input, _) = source::input(object, origin.format.clone(), roles(&content), None, &raised)?;
    if !input.repeatable {
        let problem = "it can be read once alone, and the upload has read it; pass a list, a table or a file, \
                       to the upload and here";
        return Err(to_pyerr(py, Error::invalid("source", problem)));
    }
    let outcomes = match outcome {
        Some(outcome) => rows::outcomes(outcome)?,
        None => Outcome::ALL.into_iter().filter(|outcome| !outcome.is_there()).collect(),
    };
    let report = report.report().clone();
    let file = source::path(object)?;
    Ok(UploadRejects { rejects: Rejects { input, content, report, outcomes }, raised, file })
}

impl UploadRejects {
    /// The columns' names, and the first rows as text: one more than a notebook shows.
    fn first(&self) -> Result<(Vec<String>, Vec<Vec<String>>), ArrowError> {
        let reader =
            self.rejects.open().map_err(|error| ArrowError::ExternalError(Box::new(error)))?;
        let names = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
        let (options, mut rows) = (FormatOptions::new(), Vec::new());
        for batch in reader {
            let batch = batch?;
            let cells = batch.columns().iter();
            let cells = cells.map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
            let cells = cells.collect::<Result<Vec<_>, _>>()?;
            for row in 0..batch.num_rows().min(SHOWN + 1 - rows.len()) {
                let row = cells.iter().map(|cell| cell.value(row).try_to_string());
                rows.push(row.collect::<Result<_, _>>()?);
            }
            if rows.len() > SHOWN {
                break;
            }
        }
        Ok((names, rows))
    }
}

#[pymethods]
impl UploadRejects {
    /// The rows as an Arrow stream (the Arrow PyCapsule interface).
    ///
    /// Args:
    ///     requested_schema (object | None): A schema to cast to where that can be.
    ///
    /// Raises:
    ///     InvalidArgumentError: The source can't be read.
    ///
    /// Example:
    ///     >>> import pyarrow
    ///     >>> leads = [{"phone_number": "12"}]
    ///     >>> pyarrow.table(campaign.upload(leads).rejects(leads)).column_names
    ///     ['outcome', 'error', 'phone_number']
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let opened = py.detach(|| self.rejects.open());
        let reader = opened.map_err(|error| {
            unread(py, ArrowError::ExternalError(Box::new(error)), Some(&self.raised))
        })?;
        let reader = PyRecordBatchReader::new(Box::new(reader)).into_pyobject(py)?;
        reader.call_method1("__arrow_c_stream__", (requested_schema,))
    }

    /// Write the rows to a file, in the format that its name says.
    ///
    /// The file is there as a whole or not at all, and its owner alone can read it. A cell is written as it
    /// is: one that begins with `=`, `+`, `-` or `@` is a formula to a spreadsheet that opens a CSV.
    ///
    /// Args:
    ///     path (str | PathLike): A `.csv`, `.tsv`, `.jsonl`, `.ndjson` (each also `.gz`), `.parquet` or
    ///         `.arrow` file.
    ///
    /// Raises:
    ///     InvalidArgumentError: The name says no format or is the source's own, or the source is not the one
    ///         that was uploaded.
    ///     OSError: The file can't be written.
    ///
    /// Example:
    ///     >>> import pathlib, tempfile
    ///     >>> folder = pathlib.Path(tempfile.mkdtemp())
    ///     >>> leads = [{"phone_number": "12", "name": "Riya"}]
    ///     >>> campaign.upload(leads).rejects(leads).write(folder / "rejects.csv")
    fn write(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        if self.file.as_ref().is_some_and(|file| is_same(file, &path)) {
            let problem =
                "it is the file of the source, whose other rows would be gone; name another";
            return Err(to_pyerr(py, Error::invalid("path", problem)));
        }
        let rejects = self.rejects.clone();
        let opens = Box::new(move || Ok(Box::new(rejects.open()?) as Box<_>));
        write_table(py, path, opens, Arc::clone(&self.raised))
    }

    /// The first rows. None, and so the `repr`, where the source can't be read any more.
    fn _repr_html_<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Ok((names, rows)) = py.detach(|| self.first()) else { return Ok(None) };
        let table = process::import(py, "revrag._html")?.getattr("rows")?;
        table.call1(("UploadRejects", names, rows, SHOWN)).map(Some)
    }

    fn __repr__(&self) -> String {
        let names: Vec<_> = self.rejects.outcomes.iter().map(|outcome| outcome.name()).collect();
        format!("UploadRejects({})", names.join(", "))
    }
}
