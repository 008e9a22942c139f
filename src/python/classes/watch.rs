//! One watching of a campaign: what `revrag.CampaignWatch` stands on.

use std::sync::Arc;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use tokio::sync::Mutex;

use crate::classes::client::prepared;
use crate::classes::models::CampaignStatus;
use crate::ground::run::{Operation, run_sync};
use crate::ground::task::run_async;
use revrag::http;

/// One watching of a campaign, status by status.
#[pyclass(frozen, module = "revrag._revrag")]
pub(crate) struct Statuses {
    http: http::Client,
    watch: Arc<Mutex<http::Watch>>,
    hook: Option<Py<PyAny>>,
}

impl Statuses {
    pub(crate) fn new(http: http::Client, watch: http::Watch, hook: Option<Py<PyAny>>) -> Self {
        Self { http, watch: Arc::new(Mutex::new(watch)), hook }
    }

    fn hook(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.hook.as_ref().map(|hook| hook.clone_ref(py))
    }

    fn operation(&self) -> Operation<Option<CampaignStatus>> {
        let (http, statuses) = (self.http.clone(), self.watch.clone());
        Box::new(move |py, watch, _| {
            let http = prepared(py, &http, watch, None)?;
            Ok(Box::pin(async move {
                let status = statuses.lock().await.next(&http).await?;
                Ok(status.map(CampaignStatus::from))
            }))
        })
    }
}

#[pymethods]
impl Statuses {
    /// The next status; None after the last one.
    fn next(&self, py: Python<'_>) -> PyResult<Option<CampaignStatus>> {
        run_sync(py, self.hook(py), self.operation())
    }

    /// The asyncio twin of `next`.
    fn next_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        run_async(py, "Statuses.next_async", self.hook(py), self.operation())
    }

    #[allow(clippy::needless_pass_by_value, reason = "the signature that pyo3 wants")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.hook)
    }
}
