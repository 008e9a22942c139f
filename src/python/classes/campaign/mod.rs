//! `revrag.Campaign`: the handle; its methods stand in a file per concern.

mod find;
mod push;
mod read;
mod reconcile;
mod upload;
mod wait;
mod watch;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use pyo3::IntoPyObjectExt as _;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::pyclass::CompareOp;
use uuid::Uuid;

use crate::classes::client::Client;
use revrag::http;

/// A light handle for one campaign, made by `Client.campaign`. Handles of one campaign of one service are
/// equal.
///
/// Example:
///     >>> client.campaign("11111111-1111-1111-1111-111111111111").status().status
///     'running'
#[pyclass(frozen, subclass, module = "revrag")]
pub(crate) struct Campaign {
    client: Py<Client>,
    id: Uuid,
}

impl Campaign {
    pub(crate) fn new(client: Py<Client>, id: Uuid) -> Self {
        Self { client, id }
    }

    fn http(&self) -> http::Client {
        self.client.get().http()
    }

    fn onlooker(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.client.get().onlooker(py)
    }

    /// What makes two handles the same campaign: the service, and the id there.
    fn identity(&self) -> (&str, Uuid) {
        (self.client.get().service(), self.id)
    }
}

#[pymethods]
impl Campaign {
    /// str: The campaign's id.
    #[getter]
    fn id(&self) -> String {
        self.id.to_string()
    }

    /// Client: The client that made this handle.
    #[getter]
    fn client(&self) -> &Py<Client> {
        &self.client
    }

    fn __richcmp__(&self, other: &Bound<'_, PyAny>, op: CompareOp) -> PyResult<Py<PyAny>> {
        let py = other.py();
        let Ok(other) = other.cast::<Self>() else { return Ok(py.NotImplemented()) };
        let same = self.identity() == other.get().identity();
        match op {
            CompareOp::Eq => same.into_py_any(py),
            CompareOp::Ne => (!same).into_py_any(py),
            _ => Ok(py.NotImplemented()),
        }
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.identity().hash(&mut hasher);
        hasher.finish()
    }

    #[allow(clippy::needless_pass_by_value, reason = "the signature that pyo3 wants")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.client)
    }

    fn __repr__(&self) -> String {
        format!("Campaign(id='{}')", self.id)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let make = self.client.bind(py).getattr("campaign")?;
        (make, (self.id(),)).into_bound_py_any(py)
    }
}
