//! `revrag.UploadProgress`.

use pyo3::prelude::*;

use crate::classes::model::html;
use revrag::bulk::{Outcome, Snapshot};

/// How far an upload has come, as its `progress` is told.
///
/// Example:
///     >>> seen = []
///     >>> report = campaign.upload([{"phone_number": "+919876543210"}], progress=seen.append)
///     >>> seen[-1].read, seen[-1].accepted
///     (1, 1)
#[pyclass(frozen, subclass, module = "revrag", skip_from_py_object)]
pub(crate) struct UploadProgress(Snapshot);

impl From<Snapshot> for UploadProgress {
    fn from(snapshot: Snapshot) -> Self {
        Self(snapshot)
    }
}

#[pymethods]
impl UploadProgress {
    /// int | None: How many rows the source has, where that is known.
    #[getter]
    fn total(&self) -> Option<u64> {
        self.0.total
    }
    /// int: How many rows were read.
    #[getter]
    fn read(&self) -> u64 {
        self.0.read
    }
    /// int: How many rows are in the campaign.
    #[getter]
    fn accepted(&self) -> u64 {
        self.0.counts.of(Outcome::Accepted)
    }
    /// int: How many rows were in the campaign before, by their keys.
    #[getter]
    fn existing(&self) -> u64 {
        self.0.counts.of(Outcome::Existing)
    }
    /// int: How many rows the service refused.
    #[getter]
    fn rejected(&self) -> u64 {
        self.0.counts.of(Outcome::Rejected)
    }
    /// int: How many rows stay home because they are not valid.
    #[getter]
    fn invalid(&self) -> u64 {
        self.0.counts.of(Outcome::Invalid)
    }
    /// int: How many rows stay home because their number is in `exclude`.
    #[getter]
    fn excluded(&self) -> u64 {
        self.0.counts.of(Outcome::Excluded)
    }
    /// int: How many rows stay home because an earlier one has their number, or their key.
    #[getter]
    fn duplicate(&self) -> u64 {
        self.0.counts.of(Outcome::Duplicate)
    }
    /// int: How many rows may be in the campaign: sent, without a clear answer.
    #[getter]
    fn unknown(&self) -> u64 {
        self.0.counts.of(Outcome::Unknown)
    }
    /// int: How many rows were read and not sent, or not answered yet.
    #[getter]
    fn not_sent(&self) -> u64 {
        self.0.counts.of(Outcome::NotSent)
    }
    /// int: How many rows in doubt are being looked for in the campaign's listing right now.
    #[getter]
    fn settling(&self) -> u64 {
        self.0.settling
    }
    /// int: How many pages of the listing this look has read.
    #[getter]
    fn pages(&self) -> u64 {
        self.0.pages
    }
    /// int | None: How many pages the listing has, where that is known.
    #[getter]
    fn total_pages(&self) -> Option<u64> {
        self.0.total_pages
    }
    /// float: Seconds since the upload began.
    #[getter]
    fn elapsed(&self) -> f64 {
        self.0.elapsed.as_secs_f64()
    }
    fn _repr_html_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let ended = Outcome::ALL.iter().map(|outcome| outcome.name());
        let fields: Vec<&str> =
            ["total", "read"].into_iter().chain(ended).chain(["elapsed"]).collect();
        html(slf.as_any(), &fields)
    }

    fn __repr__(&self) -> String {
        let total = self.0.total.map_or_else(|| "None".to_owned(), |total| total.to_string());
        let counts: Vec<String> = Outcome::ALL
            .iter()
            .map(|outcome| format!("{}={}", outcome.name(), self.0.counts.of(*outcome)))
            .collect();
        format!(
            "UploadProgress(total={total}, read={}, {}, elapsed={:.1})",
            self.0.read,
            counts.join(", "),
            self.elapsed()
        )
    }
}
