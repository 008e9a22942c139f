//! `revrag.UploadReport`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pyo3::IntoPyObjectExt as _;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyType};
use pyo3_arrow::PyRecordBatchReader;
use uuid::Uuid;

use crate::classes::origin::Origin;
use crate::classes::rejects::{self, UploadRejects};
use crate::classes::rows::{self, ReportRows};
use crate::convert::errors::to_pyerr;
use crate::convert::rows::Raised;
use revrag::Error;
use revrag::bulk::{Counts, Outcome, Report};

/// What an upload came to: counters, and a table with a row for each row of the source.
///
/// It is an Arrow stream with the columns `row` (the position in the source, from 0),
/// `key` (null where rows are not known by one), `phone_number`, `outcome`, `run_id`, `status` and `error`: `polars.DataFrame(report)`,
/// `pyarrow.table(report)` and `pandas.DataFrame.from_arrow(report)` read it, as often as wanted.
///
/// Example:
///     >>> report = campaign.upload([{"phone_number": "9876543210"}, {"phone_number": "12"}])
///     >>> report.total, report.accepted, report.invalid
///     (2, 1, 1)
#[pyclass(frozen, subclass, module = "revrag")]
pub(crate) struct UploadReport {
    report: Report,
    origin: Arc<Origin>,
}

impl UploadReport {
    pub(crate) fn new(report: Report, origin: Arc<Origin>) -> Self {
        Self { report, origin }
    }

    /// How the source was read.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn report(&self) -> &Report {
        &self.report
    }

    pub(crate) fn count(&self, outcome: Outcome) -> u64 {
        self.report.counts().of(outcome)
    }

    /// The lines of the receipt: what, how many, and what that means.
    fn lines(&self) -> Vec<(&'static str, u64, &'static str)> {
        let all = Outcome::ALL.into_iter();
        all.map(|outcome| (outcome.name(), self.count(outcome), outcome.about()))
            .filter(|(name, count, _)| *count > 0 || *name == "accepted")
            .collect()
    }
}

#[pymethods]
impl UploadReport {
    /// int: How many rows were read.
    #[getter]
    fn total(&self) -> u64 {
        self.report.counts().total()
    }
    /// int: How many rows are in the campaign.
    #[getter]
    fn accepted(&self) -> u64 {
        self.count(Outcome::Accepted)
    }
    /// int: How many rows were in the campaign before, by their keys, and were not sent.
    #[getter]
    fn existing(&self) -> u64 {
        self.count(Outcome::Existing)
    }
    /// int: How many rows the service refused.
    #[getter]
    fn rejected(&self) -> u64 {
        self.count(Outcome::Rejected)
    }
    /// int: How many rows stayed home because they are not valid.
    #[getter]
    fn invalid(&self) -> u64 {
        self.count(Outcome::Invalid)
    }
    /// int: How many rows stayed home because their number is in `exclude`.
    #[getter]
    fn excluded(&self) -> u64 {
        self.count(Outcome::Excluded)
    }
    /// int: How many rows stayed home because an earlier one has their number, or their key.
    #[getter]
    fn duplicate(&self) -> u64 {
        self.count(Outcome::Duplicate)
    }
    /// int: How many rows may be in the campaign; they were not sent again.
    #[getter]
    fn unknown(&self) -> u64 {
        self.count(Outcome::Unknown)
    }
    /// int: How many rows were read and not sent.
    #[getter]
    fn not_sent(&self) -> u64 {
        self.count(Outcome::NotSent)
    }
    /// int: How many numbers were repaired: integers, whole floats, text ending in `.0`.
    #[getter]
    fn repaired(&self) -> u64 {
        self.report.counts().repaired
    }
    /// int: How many existing rows have changed since: the campaign has them as they were.
    #[getter]
    fn changed(&self) -> u64 {
        self.report.counts().changed
    }
    /// int: How many rows the campaign has several records of, by their keys.
    #[getter]
    fn doubled(&self) -> u64 {
        self.report.counts().doubled
    }
    /// str: What the upload's tokens begin with: without a key, `app_session_id` is
    /// `<upload_id>-<row>`.
    #[getter]
    fn upload_id(&self) -> String {
        self.report.upload_id.simple().to_string()
    }
    /// float: Seconds it took, this time.
    #[getter]
    fn elapsed(&self) -> f64 {
        self.report.elapsed.as_secs_f64()
    }

    /// The rows as an Arrow stream (the Arrow PyCapsule interface).
    ///
    /// Args:
    ///     requested_schema (object | None): A schema to cast to where that can be.
    ///
    /// Example:
    ///     >>> import pyarrow
    ///     >>> report = campaign.upload([{"phone_number": "9876543210"}])
    ///     >>> pyarrow.table(report).column("phone_number").to_pylist()
    ///     ['+919876543210']
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let reader = PyRecordBatchReader::new(Box::new(self.report.table())).into_pyobject(py)?;
        reader.call_method1("__arrow_c_stream__", (requested_schema,))
    }

    /// The rows one after the other, as dicts with the table's columns.
    ///
    /// Args:
    ///     outcome (str | Iterable[str] | None): Only rows of this outcome, or of these, as `"invalid"`.
    ///
    /// Returns:
    ///     Iterator[dict]: Read from the report as they are asked for.
    ///
    /// Raises:
    ///     InvalidArgumentError: There is no such outcome.
    ///
    /// Example:
    ///     >>> report = campaign.upload([{"phone_number": "9876543210"}, {"phone_number": "12"}])
    ///     >>> [row["row"] for row in report.rows("invalid")]
    ///     [1]
    #[pyo3(signature = (outcome=None))]
    fn rows(&self, outcome: Option<&Bound<'_, PyAny>>) -> PyResult<ReportRows> {
        Ok(ReportRows::new(match outcome {
            Some(outcome) => self.report.only(rows::outcomes(outcome)?),
            None => self.report.table(),
        }))
    }

    /// Write the rows to a file, in the format that its name says.
    ///
    /// The file is there as a whole or not at all, and its owner alone can read it: it holds phone numbers. A
    /// cell is written as it is: one that begins with `=`, `+`, `-` or `@` is a formula to a spreadsheet that
    /// opens a CSV.
    ///
    /// Args:
    ///     path (str | PathLike): A `.csv`, `.tsv`, `.jsonl`, `.ndjson` (each also `.gz`), `.parquet` or
    ///         `.arrow` file.
    ///     outcome (str | Iterable[str] | None): Only rows of this outcome, or of these.
    ///
    /// Raises:
    ///     InvalidArgumentError: The name says no format, or there is no such outcome.
    ///     OSError: The file can't be written.
    ///
    /// Example:
    ///     >>> report = campaign.upload([{"phone_number": "9876543210"}, {"phone_number": "12"}])
    ///     >>> import pathlib, tempfile
    ///     >>> folder = pathlib.Path(tempfile.mkdtemp())
    ///     >>> report.write(folder / "report.csv", outcome=["rejected", "invalid"])
    #[pyo3(signature = (path, *, outcome=None))]
    fn write(
        &self,
        py: Python<'_>,
        path: PathBuf,
        outcome: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let table = match outcome {
            Some(outcome) => self.report.only(rows::outcomes(outcome)?),
            None => self.report.table(),
        };
        rows::write_table(py, path, Box::new(move || Ok(Box::new(table))), Raised::default())
    }

    /// The source's own rows that are not in the campaign, with what became of them.
    ///
    /// They come in the order of the source, in its own columns, behind the columns `outcome` and `error`. A
    /// column of the source with one of these names is called `outcome_2` or `error_2`. The two are no variables
    /// where the stream itself is uploaded; from a file of it, leave them out with `variables=`. Rows that the
    /// upload did not come to are `not_sent`.
    ///
    /// Not all of them are to be uploaded again as they are: those that are `unknown` may be in the campaign, the
    /// person of a `duplicate` was called by an earlier row, and nobody who is `excluded` is to be called.
    ///
    /// Args:
    ///     source (object): What was uploaded, once more, in the same order: a row with another key or number than
    ///         the one that was uploaded in its place is an error. It must be one that can be read twice: a frame, a
    ///         table, a list, a file. It is read as the upload read it.
    ///     outcome (str | Iterable[str] | None): Only rows of this outcome, or of these; None is all but
    ///         `accepted` and `existing`.
    ///
    /// Returns:
    ///     UploadRejects: An Arrow stream that can be written to a file, too.
    ///
    /// Raises:
    ///     InvalidArgumentError: The source can be read once alone, or there is no such outcome.
    ///
    /// Example:
    ///     >>> leads = [{"phone_number": "9876543210"}, {"phone_number": "12", "name": "Riya"}]
    ///     >>> report = campaign.upload(leads)
    ///     >>> import pathlib, tempfile
    ///     >>> folder = pathlib.Path(tempfile.mkdtemp())
    ///     >>> report.rejects(leads).write(folder / "rejects.csv")
    #[pyo3(signature = (source, *, outcome=None))]
    fn rejects(
        &self,
        source: &Bound<'_, PyAny>,
        outcome: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<UploadRejects> {
        rejects::of(self, source, outcome)
    }

    fn __repr__(&self) -> String {
        let counts: Vec<String> = Outcome::ALL
            .iter()
            .map(|outcome| format!("{}={}", outcome.name(), self.count(*outcome)))
            .collect();
        format!(
            "UploadReport(total={}, {}, repaired={}, changed={}, doubled={}, upload_id='{}', \
             elapsed={:.1})",
            self.total(),
            counts.join(", "),
            self.repaired(),
            self.changed(),
            self.doubled(),
            self.upload_id(),
            self.elapsed()
        )
    }

    fn __str__(&self) -> String {
        let width = self.total().to_string().len().max(1);
        let mut text = format!("Upload {}\n", self.upload_id());
        for (name, count, about) in self.lines() {
            let _ = writeln!(text, "  {name:<9}  {count:>width$}  {about}");
        }
        let seconds = self.elapsed();
        let _ = write!(text, "  {:<9}  {:>width$}  in {seconds:.1} s", "total", self.total());
        if self.repaired() > 0 {
            let _ = write!(text, ", {} numbers repaired", self.repaired());
        }
        if self.changed() > 0 {
            let _ = write!(text, ", {} changed since", self.changed());
        }
        if self.doubled() > 0 {
            let _ = write!(text, ", {} there more than once", self.doubled());
        }
        text
    }

    fn _repr_html_(&self) -> String {
        let cells = |(name, count, about): (&str, u64, &str)| {
            format!(
                r#"<tr><th style="text-align:left">{name}</th><td>{count}</td><td style="text-align:left">{about}</td></tr>"#
            )
        };
        let rows: String = self.lines().into_iter().map(cells).collect();
        let total = cells(("total", self.total(), &format!("in {:.1} s", self.elapsed())));
        format!("<table><caption>Upload {}</caption>{rows}{total}</table>", self.upload_id())
    }

    /// Make one from its parts, as pickle does.
    #[classmethod]
    #[pyo3(signature = (upload_id, elapsed, counts, rows, origin=None))]
    fn _load(
        class: &Bound<'_, PyType>,
        upload_id: &str,
        elapsed: f64,
        counts: (u64, u64, u64),
        rows: &[u8],
        origin: Option<&str>,
    ) -> PyResult<Self> {
        let py = class.py();
        let id = Uuid::try_parse(upload_id)
            .map_err(|_| to_pyerr(py, Error::invalid("upload_id", "it is no UUID")))?;
        let elapsed = Duration::try_from_secs_f64(elapsed).unwrap_or_default();
        let also = counts;
        let mut counts = Counts::default();
        (counts.repaired, counts.changed, counts.doubled) = also;
        let report = Report::from_ipc(id, elapsed, counts, rows);
        let origin = origin.and_then(Origin::read).unwrap_or_default();
        report.map(|report| Self::new(report, origin.into())).map_err(|error| to_pyerr(py, error))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let report = slf.get();
        let rows = report.report.to_ipc().map_err(|error| to_pyerr(py, error))?;
        let counts = (report.repaired(), report.changed(), report.doubled());
        let (rows, origin) = (PyBytes::new(py, &rows), report.origin.written());
        let parts = (report.upload_id(), report.elapsed(), counts, rows, origin);
        (slf.get_type().getattr("_load")?, parts).into_bound_py_any(py)
    }
}
