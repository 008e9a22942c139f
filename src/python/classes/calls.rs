//! Calls by the dozen: what `revrag._calls` stands on.

use std::time::Duration;

use arrow_array::RecordBatch;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyIterator};
use uuid::Uuid;

use crate::classes::frames::{stream, unmade};
use crate::classes::models;
use crate::convert::errors::to_pyerr;
use crate::ground::run::{Operation, run_sync};
use crate::ground::task::run_async;
use revrag::frame::{self, Variables};
use revrag::http::{self, Client, Fetched, Pace, Wanted};
use revrag::model::{Call, Document};

/// Fetches calls, so many at a time.
#[pyclass(frozen, module = "revrag._revrag")]
pub(crate) struct CallFetcher {
    client: Client,
    campaign: Uuid,
    pace: Pace,
    hook: Option<Py<PyAny>>,
}

impl CallFetcher {
    pub(crate) fn new(
        client: Client,
        campaign: Uuid,
        concurrency: usize,
        apart: Duration,
        hook: Option<Py<PyAny>>,
    ) -> Self {
        Self { client, campaign, pace: Pace::new(concurrency, apart), hook }
    }

    fn operation(&self, wanted: Vec<(bool, String)>) -> Operation<CallBatch> {
        let (client, campaign, pace) = (self.client.clone(), self.campaign, self.pace.clone());
        Box::new(move |py, watch, _| {
            let (mut ids, mut unfit) = (Vec::with_capacity(wanted.len()), Vec::new());
            for (is_call, id) in wanted {
                match http::parse_id("source", &id) {
                    Ok(id) if is_call => ids.push(Wanted::Call(id)),
                    Ok(id) => ids.push(Wanted::Run(id)),
                    // A record may say anything.
                    Err(_) if is_call => unfit.push(id),
                    Err(error) => return Err(to_pyerr(py, error)),
                }
            }
            let client = client.observed(watch.observer.clone());
            Ok(Box::pin(async move {
                let mut fetched = client.calls(campaign, &ids, &pace).await?;
                fetched.missing.extend(unfit);
                Ok(CallBatch(fetched))
            }))
        })
    }

    fn hook(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.hook.as_ref().map(|hook| hook.clone_ref(py))
    }
}

#[pymethods]
impl CallFetcher {
    /// The calls of all that is wanted: pairs of whether it is a call, and the id.
    fn fetch(&self, py: Python<'_>, wanted: Vec<(bool, String)>) -> PyResult<CallBatch> {
        run_sync(py, self.hook(py), self.operation(wanted))
    }

    /// The asyncio twin of `fetch`.
    fn fetch_async<'py>(
        &self,
        py: Python<'py>,
        wanted: Vec<(bool, String)>,
    ) -> PyResult<Bound<'py, PyAny>> {
        run_async(py, "CallFetcher.fetch_async", self.hook(py), self.operation(wanted))
    }

    /// An Arrow stream of batches: a row a call, or a row a message.
    #[allow(clippy::unused_self, reason = "who has a fetcher needs no other class")]
    fn stream<'py>(
        &self,
        py: Python<'py>,
        batches: &Bound<'py, PyIterator>,
        by_message: bool,
        variables: &str,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let variables = if variables == "map" { Variables::Map } else { Variables::Json };
        let table = move |calls: &[&Document<Call>]| -> PyResult<RecordBatch> {
            let made =
                if by_message { frame::messages(calls) } else { frame::calls(calls, &variables) };
            made.map_err(unmade)
        };
        let empty = table(&[])?;
        let batches = batches.clone().unbind();
        let make = Box::new(move |py: Python<'_>| {
            let Some(batch) = batches.bind(py).clone().next() else { return Ok(None) };
            let batch = batch?.cast_into::<CallBatch>()?;
            let calls: Vec<_> = batch.get().0.calls.iter().collect();
            table(&calls).map(Some)
        });
        stream(py, &empty, make, requested_schema)
    }

    #[allow(clippy::needless_pass_by_value, reason = "the signature that pyo3 wants")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.hook)
    }
}

/// Calls that were fetched together.
#[pyclass(frozen, module = "revrag._revrag")]
pub(crate) struct CallBatch(Fetched);

#[pymethods]
impl CallBatch {
    /// The calls.
    fn calls(&self) -> Vec<models::Call> {
        self.0.calls.iter().map(|call| call.clone().into()).collect()
    }

    /// The ids that the service does not know.
    fn missing(&self) -> Vec<String> {
        self.0.missing.clone()
    }
}
