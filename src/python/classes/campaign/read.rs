//! What a campaign tells: `Campaign.record`, `records`, `records_page` and `status`.

use std::time::Duration;

use pyo3::prelude::*;

use crate::classes::calls::CallFetcher;
use crate::classes::campaign::Campaign;
use crate::classes::client::{bounded, prepared};
use crate::classes::listing::RecordPages;
use crate::classes::models;
use crate::convert::errors::to_pyerr;
use crate::convert::input::{self, Whole};
use crate::ground::process;
use crate::ground::run::{Operation, run_sync};
use crate::ground::task::run_async;
use revrag::Error;
use revrag::http::{Listing, RecordsQuery};

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

    fn call_fetcher(
        &self,
        py: Python<'_>,
        concurrency: Whole,
        max_per_second: Option<f64>,
        timeout: Option<f64>,
    ) -> PyResult<CallFetcher> {
        let http = bounded(py, &self.http(), timeout)?;
        let concurrency = concurrency.at_least(py, "concurrency", 1)?;
        let concurrency = usize::try_from(concurrency).unwrap_or(usize::MAX).min(256);
        let apart = match max_per_second {
            Some(most) if !(most > 0.0 && most.is_finite()) => {
                let problem = "it must be a positive number, or None";
                return Err(to_pyerr(py, Error::invalid("max_per_second", problem)));
            }
            Some(most) => Duration::try_from_secs_f64(1.0 / most).unwrap_or(Duration::MAX),
            None => Duration::ZERO,
        };
        Ok(CallFetcher::new(http, self.id, concurrency, apart, self.onlooker(py)))
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

    /// The campaign's records, page after page, for `for`, for `async for`, and as an Arrow stream.
    ///
    /// The service promises no order, and records move between statuses while they are listed. As a
    /// stream (`polars.DataFrame(campaign.records())`, pandas, pyarrow, DuckDB) it has a column for each
    /// documented field, timestamps in UTC, and no Python object per row.
    ///
    /// Args:
    ///     status (str | None): Only records of this status.
    ///     page_size (int): Records per request, from 1 to 200.
    ///     variables (str): What they are in the stream: `"json"`, their text; `"map"`, from name to text;
    ///         `"struct"`, with a type for each, for which all pages are read before the first row.
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
        signature = (*, status=None, page_size=Whole(200), variables="json", timeout=None),
        text_signature = "($self, *, status=None, page_size=200, variables='json', timeout=None)"
    )]
    fn records<'py>(
        slf: &Bound<'py, Self>,
        status: Option<String>,
        page_size: Whole,
        variables: &str,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let query = query(py, status, Whole(1), page_size)?;
        timeout.map(|timeout| input::seconds(py, "timeout", timeout)).transpose()?;
        let pager = process::import(py, "revrag._pager")?.getattr("RecordPager")?;
        if !["json", "map", "struct"].contains(&variables) {
            let problem = r#"it must be "json", "map" or "struct""#;
            return Err(to_pyerr(py, Error::invalid("variables", problem)));
        }
        pager.call1((slf, query.status, query.page_size, timeout, variables))
    }

    /// The calls of many records, fetched side by side, for `for`, for `async for`, and as an Arrow stream.
    ///
    /// Give one of `source`, `status` and `call_ids`. A call or record that the service does not know is in
    /// `.missing` of what is returned, and ends nothing.
    ///
    /// Args:
    ///     source (Iterable | None): Run ids, records, push outcomes or call attempts, in any mixture.
    ///     status (str | None): All calls of all records of this status.
    ///     call_ids (Iterable[str | UUID] | None): Calls by their own ids.
    ///     concurrency (int): Requests under way at a time, at most 256.
    ///     max_per_second (float | None): Requests that begin in a second, at most.
    ///     by (str): The stream's rows: `"call"`, or `"message"`, a row for each of a transcript.
    ///     variables (str): What `variables_fields` is in the stream: `"json"` or `"map"`.
    ///     timeout (float | None): Seconds each try may take; None is as the client has it.
    ///
    /// Returns:
    ///     CallPager: Iterable as often as wanted, as far as the source is; each iteration asks anew.
    ///
    /// Raises:
    ///     InvalidArgumentError: An argument can't be used.
    ///
    /// Example:
    ///     >>> [call.call_status for call in campaign.calls([run_id])]
    ///     ['completed']
    #[pyo3(
        signature = (
            source=None, *, status=None, call_ids=None, concurrency=Whole(8), max_per_second=None,
            by="call", variables="json", timeout=None
        ),
        text_signature = "($self, source=None, *, status=None, call_ids=None, concurrency=8, \
            max_per_second=None, by='call', variables='json', timeout=None)"
    )]
    #[allow(clippy::too_many_arguments, reason = "the public signature")]
    fn calls<'py>(
        slf: &Bound<'py, Self>,
        source: Option<Bound<'py, PyAny>>,
        status: Option<String>,
        call_ids: Option<Bound<'py, PyAny>>,
        concurrency: Whole,
        max_per_second: Option<f64>,
        by: &str,
        variables: &str,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let fetcher = slf.get().call_fetcher(py, concurrency, max_per_second, timeout)?;
        let pager = process::import(py, "revrag._calls")?.getattr("CallPager")?;
        pager.call1((slf, fetcher, source, status, call_ids, by, variables))
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
