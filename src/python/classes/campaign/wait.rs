//! `Campaign.wait` and `wait_all`.

use pyo3::prelude::*;
use pyo3::types::PyString;
use uuid::Uuid;

use crate::classes::campaign::Campaign;
use crate::classes::client::prepared;
use crate::classes::models;
use crate::convert::errors::to_pyerr;
use crate::convert::input;
use crate::ground::run::{Operation, run_sync};
use crate::ground::task::run_async;
use revrag::Error;

impl Campaign {
    fn wait_operation(
        &self,
        run_id: Py<PyAny>,
        timeout: Option<f64>,
        poll_interval: f64,
    ) -> Operation<models::Record> {
        let (http, campaign) = (self.http(), self.id);
        Box::new(move |py, watch, _| {
            let run = input::id("run_id", run_id.bind(py))?;
            let timeout = timeout.map(|t| input::seconds(py, "timeout", t)).transpose()?;
            let interval = input::seconds(py, "poll_interval", poll_interval)?;
            let http = prepared(py, &http, watch, None)?;
            Ok(Box::pin(async move {
                http.wait(campaign, run, timeout, interval).await.map(Into::into)
            }))
        })
    }

    fn wait_all_operation(
        &self,
        run_ids: Py<PyAny>,
        timeout: Option<f64>,
        poll_interval: f64,
    ) -> Operation<Vec<models::Record>> {
        let (http, campaign) = (self.http(), self.id);
        Box::new(move |py, watch, _| {
            let runs = ids("run_ids", run_ids.bind(py))?;
            let timeout = timeout.map(|t| input::seconds(py, "timeout", t)).transpose()?;
            let interval = input::seconds(py, "poll_interval", poll_interval)?;
            let http = prepared(py, &http, watch, None)?;
            Ok(Box::pin(async move {
                let records = http.wait_all(campaign, &runs, timeout, interval).await?;
                Ok(records.into_iter().map(models::Record::from).collect())
            }))
        })
    }
}

/// Ids, from any iterable of them.
fn ids(argument: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<Uuid>> {
    if value.is_instance_of::<PyString>() {
        let problem = "it is one id; pass a list, [run_id]";
        return Err(to_pyerr(value.py(), Error::invalid(argument, problem)));
    }
    let items = value.try_iter()?.enumerate();
    items.map(|(at, item)| input::id(&format!("{argument}[{at}]"), &item?)).collect()
}

#[pymethods]
impl Campaign {
    /// Poll a record until it is final.
    ///
    /// A poll that fails in a way in which a GET is sent again (no connection, 429, 5xx) only counts as
    /// not final yet. Without a timeout, ten minutes of that end the wait with the failure.
    ///
    /// Args:
    ///     run_id (str | UUID): The run id from the push's result.
    ///     timeout (float | None): Seconds to wait at most; 0 asks once.
    ///     poll_interval (float): Seconds between two polls, 0.05 at least.
    ///
    /// Returns:
    ///     Record: The record, `completed`, `dnc`, or `failed` with no attempt left.
    ///
    /// Raises:
    ///     WaitTimeoutError: It was not final in time; `.record` is what was last seen, `__cause__` why
    ///         the last poll had no answer.
    ///     InvalidArgumentError: The id is not a UUID; nothing was sent.
    ///     NotFoundError: There is no such record.
    ///     APIStatusError: The service refused for another reason.
    ///     APIConnectionError: The service could not be reached, or did not answer in time.
    ///     InvalidResponseError: The answer is not what the API documents.
    ///
    /// Example:
    ///     >>> campaign.wait(run_id, timeout=10, poll_interval=0.1).status
    ///     'completed'
    #[pyo3(signature = (run_id, *, timeout=None, poll_interval=2.0))]
    fn wait(
        &self,
        py: Python<'_>,
        run_id: Py<PyAny>,
        timeout: Option<f64>,
        poll_interval: f64,
    ) -> PyResult<models::Record> {
        let operation = self.wait_operation(run_id, timeout, poll_interval);
        run_sync(py, self.onlooker(py), operation)
    }

    /// The asyncio twin of `wait`.
    ///
    /// Example:
    ///     >>> asyncio.run(campaign.wait_async(run_id, timeout=10, poll_interval=0.1)).is_final
    ///     True
    #[pyo3(signature = (run_id, *, timeout=None, poll_interval=2.0))]
    fn wait_async<'py>(
        &self,
        py: Python<'py>,
        run_id: Py<PyAny>,
        timeout: Option<f64>,
        poll_interval: f64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let operation = self.wait_operation(run_id, timeout, poll_interval);
        run_async(py, "Campaign.wait_async", self.onlooker(py), operation)
    }

    /// Poll many records until all are final.
    ///
    /// A round reads the campaign's listing once, or asks for each record where those are fewer than
    /// the listing has pages.
    ///
    /// Args:
    ///     run_ids (Iterable[str | UUID]): The run ids from a push's results.
    ///     timeout (float | None): Seconds to wait at most; 0 asks once.
    ///     poll_interval (float): Seconds between two rounds, 0.05 at least.
    ///
    /// Returns:
    ///     list[Record]: The records, in the order of their ids.
    ///
    /// Raises:
    ///     WaitTimeoutError: Some were not final in time; `.records` is what was last seen of each.
    ///     InvalidArgumentError: An id is not a UUID; nothing was sent.
    ///     NotFoundError: There is no such record.
    ///     APIStatusError: The service refused for another reason.
    ///     APIConnectionError: The service could not be reached, or did not answer in time.
    ///     InvalidResponseError: The answer is not what the API documents.
    ///
    /// Example:
    ///     >>> pushed = campaign.push([{"phone_number": "+919876543210"}] * 2)
    ///     >>> records = campaign.wait_all([outcome.run_id for outcome in pushed.results], timeout=10)
    ///     >>> [record.status for record in records]
    ///     ['completed', 'completed']
    #[pyo3(signature = (run_ids, *, timeout=None, poll_interval=2.0))]
    fn wait_all(
        &self,
        py: Python<'_>,
        run_ids: Py<PyAny>,
        timeout: Option<f64>,
        poll_interval: f64,
    ) -> PyResult<Vec<models::Record>> {
        let operation = self.wait_all_operation(run_ids, timeout, poll_interval);
        run_sync(py, self.onlooker(py), operation)
    }

    /// The asyncio twin of `wait_all`.
    ///
    /// Example:
    ///     >>> len(asyncio.run(campaign.wait_all_async([run_id], timeout=10)))
    ///     1
    #[pyo3(signature = (run_ids, *, timeout=None, poll_interval=2.0))]
    fn wait_all_async<'py>(
        &self,
        py: Python<'py>,
        run_ids: Py<PyAny>,
        timeout: Option<f64>,
        poll_interval: f64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let operation = self.wait_all_operation(run_ids, timeout, poll_interval);
        run_async(py, "Campaign.wait_all_async", self.onlooker(py), operation)
    }
}
