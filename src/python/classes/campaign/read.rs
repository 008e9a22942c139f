//! What a campaign tells: `Campaign.record`, `records`, `records_page` and `status`.

use pyo3::prelude::*;

use crate::http::{Listing, RecordsQuery};
use crate::python::classes::campaign::Campaign;
use crate::python::classes::client::{bounded, prepared};
use crate::python::classes::listing::RecordPages;
use crate::python::classes::models;
use crate::python::convert::errors::to_pyerr;
use crate::python::convert::input::{self, Whole};
use crate::python::ground::run::{Operation, run_sync};
use crate::python::ground::task::run_async;

impl Campaign {
    fn record_operation(
        &self,
        run_id: Py<PyAny>,
        timeout: Option<f64>,
    ) -> Operation<models::Record> {
        let (http, campaign) = (self.http(), self.id);
        Box::new(move |py, watch, _| {
            let run = input::id("run_id", run_id.bind(py))?;
            let http = prepared(py, &http, watch, timeout)?;
            Ok(Box::pin(async move { http.record(campaign, run).await.map(Into::into) }))
        })
    }

    fn page_operation(
        &self,
        status: Option<String>,
        page: Whole,
        page_size: Whole,
        timeout: Option<f64>,
    ) -> Operation<models::RecordPage> {
        let (http, campaign) = (self.http(), self.id);
        Box::new(move |py, watch, _| {
            let query = query(py, status, page, page_size)?;
            let http = prepared(py, &http, watch, timeout)?;
            Ok(Box::pin(async move { http.records_page(campaign, &query).await.map(Into::into) }))
        })
    }

    fn status_operation(&self, timeout: Option<f64>) -> Operation<models::CampaignStatus> {
        let (http, campaign) = (self.http(), self.id);
        Box::new(move |py, watch, _| {
            let http = prepared(py, &http, watch, timeout)?;
            Ok(Box::pin(async move { http.campaign_status(campaign).await.map(Into::into) }))
        })
    }
}

fn query(
    py: Python<'_>,
    status: Option<String>,
    page: Whole,
    page_size: Whole,
) -> PyResult<RecordsQuery> {
    let query = RecordsQuery {
        status,
        page: page.at_least(py, "page", 1)?,
        page_size: u32::try_from(page_size.at_least(py, "page_size", 1)?).unwrap_or(u32::MAX),
    };
    query.check().map_err(|error| to_pyerr(py, error))?;
    Ok(query)
}

#[pymethods]
impl Campaign {
    /// A pushed record's status and details (`GET …/records/{run_id}`).
    ///
    /// Args:
    ///     run_id (str | UUID): The run id from the push's result.
    ///     timeout (float | None): Seconds each try may take; None is as the client has it.
    ///
    /// Returns:
    ///     Record: The record.
    ///
    /// Raises:
    ///     InvalidArgumentError: The id is not a UUID; nothing was sent.
    ///     NotFoundError: There is no such record.
    ///     APIStatusError: The service refused for another reason.
    ///     APIConnectionError: The service could not be reached, or did not answer in time.
    ///     InvalidResponseError: The answer is not what the API documents.
    ///
    /// Example:
    ///     >>> campaign.record(run_id).phone_number
    ///     '+919876543210'
    #[pyo3(signature = (run_id, *, timeout=None))]
    fn record(
        &self,
        py: Python<'_>,
        run_id: Py<PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<models::Record> {
        run_sync(py, self.onlooker(py), self.record_operation(run_id, timeout))
    }

    /// The asyncio twin of `record`.
    ///
    /// Example:
    ///     >>> asyncio.run(campaign.record_async(run_id)).id == run_id
    ///     True
    #[pyo3(signature = (run_id, *, timeout=None))]
    fn record_async<'py>(
        &self,
        py: Python<'py>,
        run_id: Py<PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let operation = self.record_operation(run_id, timeout);
        run_async(py, "Campaign.record_async", self.onlooker(py), operation)
    }

    /// The campaign's records, page after page, for `for` and for `async for`.
    ///
    /// The service promises no order, and records move between statuses while they are listed.
    ///
    /// Args:
    ///     status (str | None): Only records of this status.
    ///     page_size (int): Records per request, from 1 to 200.
    ///     timeout (float | None): Seconds each try may take; None is as the client has it.
    ///
    /// Returns:
    ///     RecordPager: Iterable as often as wanted; each iteration asks anew.
    ///
    /// Raises:
    ///     InvalidArgumentError: `page_size` is out of range.
    ///
    /// Example:
    ///     >>> run_id in {record.id for record in campaign.records()}
    ///     True
    #[pyo3(
        signature = (*, status=None, page_size=Whole(200), timeout=None),
        text_signature = "($self, *, status=None, page_size=200, timeout=None)"
    )]
    fn records<'py>(
        slf: &Bound<'py, Self>,
        status: Option<String>,
        page_size: Whole,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let query = query(py, status, Whole(1), page_size)?;
        timeout.map(|timeout| input::seconds(py, "timeout", timeout)).transpose()?;
        let pager = py.import("revrag._pager")?.getattr("RecordPager")?;
        pager.call1((slf, query.status, query.page_size, timeout))
    }

    /// One reading of the listing, for `RecordPager`.
    fn _record_pages(
        &self,
        py: Python<'_>,
        status: Option<String>,
        page_size: u32,
        timeout: Option<f64>,
    ) -> PyResult<RecordPages> {
        let http = bounded(py, &self.http(), timeout)?;
        let query = RecordsQuery { status, page: 1, page_size };
        Ok(RecordPages::new(Listing::new(&http, self.id, query), self.onlooker(py)))
    }

    /// One page of the campaign's records (`GET …/records`).
    ///
    /// Args:
    ///     status (str | None): Only records of this status.
    ///     page (int): The page's number, from 1.
    ///     page_size (int): Records per page, from 1 to 200.
    ///     timeout (float | None): Seconds each try may take; None is as the client has it.
    ///
    /// Returns:
    ///     RecordPage: The page.
    ///
    /// Raises:
    ///     InvalidArgumentError: `page` or `page_size` is out of range; nothing was sent.
    ///     NotFoundError: There is no such campaign in the key's workspace.
    ///     APIStatusError: The service refused for another reason.
    ///     APIConnectionError: The service could not be reached, or did not answer in time.
    ///     InvalidResponseError: The answer is not what the API documents.
    ///
    /// Example:
    ///     >>> campaign.records_page(status="completed", page_size=10).page
    ///     1
    #[pyo3(
        signature = (*, status=None, page=Whole(1), page_size=Whole(50), timeout=None),
        text_signature = "($self, *, status=None, page=1, page_size=50, timeout=None)"
    )]
    fn records_page(
        &self,
        py: Python<'_>,
        status: Option<String>,
        page: Whole,
        page_size: Whole,
        timeout: Option<f64>,
    ) -> PyResult<models::RecordPage> {
        run_sync(py, self.onlooker(py), self.page_operation(status, page, page_size, timeout))
    }

    /// The asyncio twin of `records_page`.
    ///
    /// Example:
    ///     >>> asyncio.run(campaign.records_page_async()).page_size
    ///     50
    #[pyo3(
        signature = (*, status=None, page=Whole(1), page_size=Whole(50), timeout=None),
        text_signature = "($self, *, status=None, page=1, page_size=50, timeout=None)"
    )]
    fn records_page_async<'py>(
        &self,
        py: Python<'py>,
        status: Option<String>,
        page: Whole,
        page_size: Whole,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let operation = self.page_operation(status, page, page_size, timeout);
        run_async(py, "Campaign.records_page_async", self.onlooker(py), operation)
    }

    /// The campaign's lifecycle status and its records counted by status (`GET …/status`).
    ///
    /// Args:
    ///     timeout (float | None): Seconds each try may take; None is as the client has it.
    ///
    /// Returns:
    ///     CampaignStatus: The status and the counts.
    ///
    /// Raises:
    ///     NotFoundError: There is no such campaign in the key's workspace.
    ///     APIStatusError: The service refused for another reason.
    ///     APIConnectionError: The service could not be reached, or did not answer in time.
    ///     InvalidResponseError: The answer is not what the API documents.
    ///
    /// Example:
    ///     >>> campaign.status().stats.total_records > 0
    ///     True
    #[pyo3(signature = (*, timeout=None))]
    fn status(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<models::CampaignStatus> {
        run_sync(py, self.onlooker(py), self.status_operation(timeout))
    }

    /// The asyncio twin of `status`.
    ///
    /// Example:
    ///     >>> asyncio.run(campaign.status_async()).status
    ///     'running'
    #[pyo3(signature = (*, timeout=None))]
    fn status_async<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        run_async(py, "Campaign.status_async", self.onlooker(py), self.status_operation(timeout))
    }
}
