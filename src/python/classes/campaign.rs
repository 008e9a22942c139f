//! `revrag.Campaign`.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::IntoPyObjectExt as _;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::pyclass::CompareOp;
use pyo3::types::{PyDict, PyString};
use uuid::Uuid;

use crate::Error;
use crate::http::{self, Passage, RecordsQuery};
use crate::python::classes::client::{Client, prepared};
use crate::python::classes::find::{self, Asked};
use crate::python::classes::models;
use crate::python::classes::report::UploadReport;
use crate::python::classes::upload;
use crate::python::convert::errors::{answered_too_late, to_pyerr};
use crate::python::convert::input::{self, Whole};
use crate::python::ground::observe;
use crate::python::ground::run::{Aftermath, Operation, run_async, run_sync};

/// A light handle for one campaign, made by `Client.campaign`. Handles of one campaign of one service are
/// equal.
///
/// Example:
///     >>> client.campaign("11111111-1111-1111-1111-111111111111").status().status
///     'running'
#[pyclass(frozen, subclass, module = "revrag")]
pub(in crate::python) struct Campaign {
    client: Py<Client>,
    id: Uuid,
}

impl Campaign {
    pub(in crate::python) fn new(client: Py<Client>, id: Uuid) -> Self {
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

    fn push_operation(
        &self,
        records: Py<PyAny>,
        timeout: Option<f64>,
    ) -> Operation<models::PushResult> {
        let (http, campaign) = (self.http(), self.id);
        Box::new(move |py, watch, _| {
            let (passage, count) = (Passage::default(), Arc::new(AtomicUsize::new(0)));
            watch.if_cut_off(if_push_is_cut_off(passage.clone(), count.clone()));
            let records = input::records(records.bind(py))?;
            count.store(records.len(), Ordering::Relaxed);
            let http = prepared(py, &http, watch, timeout)?;
            Ok(Box::pin(async move {
                http.push_watched(campaign, &records, &passage).await.map(Into::into)
            }))
        })
    }

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

/// What there is to say of a push that was cut off: that nothing left, that nobody knows, or the answer
/// itself.
fn if_push_is_cut_off(passage: Passage, count: Arc<AtomicUsize>) -> Aftermath {
    Box::new(move |py, result| {
        let records = count.load(Ordering::Relaxed);
        let error = match result {
            Some(Ok(result)) => answered_too_late(py, records, &result),
            Some(Err(error)) => error,
            None => to_pyerr(py, Error::PushCutOff { records, left: !passage.give_up() }),
        };
        observe::warn_of_unknown(py, &error);
        Some(error)
    })
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

    /// Queue records for calling, in one request (`POST …/records/push-bulk`).
    ///
    /// Every record is treated on its own: invalid ones are rejected in the result. None at a record's
    /// top level is left out; inside `variables` it is sent as null.
    ///
    /// Args:
    ///     records (Iterable[RecordInput]): Mappings with `phone_number` and, optionally, `variables`,
    ///         `app_user_id` and `app_session_id`. Values inside `variables` may be str, int, float,
    ///         bool, None, lists, dicts, dates and times (sent as ISO 8601), Decimal and UUID (as text),
    ///         and numpy scalars; NaN, NaT and `pd.NA` are null.
    ///     timeout (float | None): Seconds each try may take; None is as the client has it.
    ///
    /// Returns:
    ///     PushResult: `results[i]` belongs to the i-th record.
    ///
    /// Raises:
    ///     InvalidArgumentError: A record can't be sent; nothing was.
    ///     PushOutcomeUnknownError: The records may have been queued; they were not sent again.
    ///     BadRequestError: The campaign does not accept pushes.
    ///     APIStatusError: The service refused for another reason.
    ///     APIConnectionError: No connection could be made; nothing was sent.
    ///
    /// Example:
    ///     >>> record = {"phone_number": "+919876543210", "variables": {"first_name": "Pankaj"}}
    ///     >>> campaign.push([record]).accepted
    ///     1
    #[pyo3(signature = (records, *, timeout=None))]
    fn push(
        &self,
        py: Python<'_>,
        records: Py<PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<models::PushResult> {
        run_sync(py, self.onlooker(py), self.push_operation(records, timeout))
    }

    /// The asyncio twin of `push`.
    ///
    /// Example:
    ///     >>> asyncio.run(campaign.push_async([{"phone_number": "+919876543210"}])).accepted
    ///     1
    #[pyo3(signature = (records, *, timeout=None))]
    fn push_async<'py>(
        &self,
        py: Python<'py>,
        records: Py<PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let operation = self.push_operation(records, timeout);
        run_async(py, "Campaign.push_async", self.onlooker(py), operation)
    }

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

    /// The campaign's records that have all that is given, looked for in the whole listing.
    ///
    /// It is what to do after a `PushOutcomeUnknownError`, before anything is pushed once more. What is
    /// found is there. That nothing is found is proof only where the service has had the time to finish
    /// the push (minutes rather than seconds) and shows what is looked for as it was sent: session ids
    /// and user ids, that is, which not every service gives back.
    ///
    /// Every page is read, until a look shows as many records as its pages say there are, or two looks
    /// in a row show the same.
    ///
    /// Args:
    ///     app_session_id (str | int | UUID | None): The session id, as it was sent.
    ///     app_user_id (str | int | UUID | None): The user id, as it was sent.
    ///     phone_number (str | int | None): The number, in any notation: compared as E.164.
    ///     region (str): Where numbers without a country code belong, as `"IN"`.
    ///     timeout (float | None): Seconds each try may take; None is as the client has it.
    ///
    /// Returns:
    ///     list[Record]: All records with everything that is given; empty where there is none.
    ///
    /// Raises:
    ///     InvalidArgumentError: Nothing is given, or something that can't be looked for; nothing was sent.
    ///     InvalidResponseError: The listing could not be proven complete: a record that it does not show
    ///         may be there. The text names the runs that were seen. Look again later.
    ///     APIStatusError: The service refused.
    ///     APIConnectionError: The service could not be reached, or did not answer in time.
    ///
    /// Example:
    ///     >>> run_id in {record.id for record in campaign.find(phone_number="98765 43210")}
    ///     True
    #[pyo3(
        signature = (*, app_session_id=None, app_user_id=None, phone_number=None, region="IN".to_owned(), timeout=None),
        text_signature = "($self, *, app_session_id=None, app_user_id=None, phone_number=None, region='IN', timeout=None)"
    )]
    fn find(
        &self,
        py: Python<'_>,
        app_session_id: Option<Py<PyAny>>,
        app_user_id: Option<Py<PyAny>>,
        phone_number: Option<Py<PyAny>>,
        region: String,
        timeout: Option<f64>,
    ) -> PyResult<Vec<models::Record>> {
        let asked = Asked { app_session_id, app_user_id, phone_number, region };
        run_sync(py, self.onlooker(py), find::operation(self.http(), self.id, asked, timeout))
    }

    /// The asyncio twin of `find`.
    ///
    /// Example:
    ///     >>> found = asyncio.run(campaign.find_async(phone_number="98765 43210"))
    ///     >>> run_id in {record.id for record in found}
    ///     True
    #[pyo3(
        signature = (*, app_session_id=None, app_user_id=None, phone_number=None, region="IN".to_owned(), timeout=None),
        text_signature = "($self, *, app_session_id=None, app_user_id=None, phone_number=None, region='IN', timeout=None)"
    )]
    fn find_async<'py>(
        &self,
        py: Python<'py>,
        app_session_id: Option<Py<PyAny>>,
        app_user_id: Option<Py<PyAny>>,
        phone_number: Option<Py<PyAny>>,
        region: String,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let asked = Asked { app_session_id, app_user_id, phone_number, region };
        let operation = find::operation(self.http(), self.id, asked, timeout);
        run_async(py, "Campaign.find_async", self.onlooker(py), operation)
    }

    /// Upload a table of any size, each row exactly once.
    ///
    /// The rows are read, checked, cut into requests and sent side by side, and every request whose
    /// outcome is unknown is settled: its rows are looked for in the campaign, and only those that are
    /// proven not to be there go out again. With a `journal`, an upload that ended in any way is gone on with by the
    /// same call. Rows of dicts are read in the thread of the caller.
    ///
    /// Args:
    ///     source (object): A data frame (polars, pandas), an Arrow table or stream, a DuckDB relation,
    ///         an iterable of mappings, or the path of a `.csv`, `.tsv`, `.txt`, `.jsonl`, `.ndjson`
    ///         (each also `.gz`), `.parquet`, `.arrow`, `.xlsx` or `.xls` file.
    ///     phone_number (str): The column of the numbers.
    ///     variables (list[str] | dict[str, str] | None): The columns to send as variables, or a mapping
    ///         from variable to column; None takes a column `variables` that holds objects, else every
    ///         column without another role that has a name. Nulls are left out, but kept in lists.
    ///     app_user_id (str | None): The column of the user ids; one of that very name by itself.
    ///     app_session_id (str | None): The column of the session ids; one of that very name by itself.
    ///         Rows without one are stamped with `<upload id>-<row>`.
    ///     region (str | None): Where numbers without a country code belong, as `"IN"`; None sends all
    ///         as they come.
    ///     on_invalid (str): What becomes of rows that are not valid: `"reject"` keeps them home,
    ///         `"send"` sends their numbers as they came, `"raise"` stops, before anything is sent where
    ///         the source can be read twice.
    ///     on_duplicate (str): What becomes of the second and later rows of one number: `"keep"` sends
    ///         them, `"reject"` keeps them home.
    ///     required (Iterable[str]): Variables that must be neither null nor empty.
    ///     exclude (object | None): Numbers that are not to be called: a list or column of them, a table with
    ///         a column named as `phone_number` says or `phone_number`, or the path of a file. They are
    ///         compared as E.164, and never sent or logged. An entry that can't be read as a number is an
    ///         error that names it: who is meant by it would be called.
    ///     limit (int | None): The first so many rows that would go are sent, the rest is `not_sent`. With a
    ///         journal it goes on with the next call, which has a limit of its own.
    ///     max_invalid (float | int | None): How many rows may be invalid, as a share (a float from 0.0 to
    ///         1.0) or a count (an int). With more, nothing is sent where the source can be read twice;
    ///         otherwise nothing of its first 10,000 rows, and no more once there are too many.
    ///     max_records (int): Rows in a request.
    ///     max_bytes (int): Bytes in a request; a larger row goes alone.
    ///     concurrency (int): Requests at a time.
    ///     max_records_per_second (float | None): Rows a second.
    ///     journal (str | PathLike | None): A file in which the upload can be gone on with.
    ///     on_unknown (str): What becomes of rows of unknown outcome: `"settle"` looks for them,
    ///         `"leave"` reports them, `"stop"` stops.
    ///     settle_after (float): Seconds the service is given to finish what it has of a lost request,
    ///         before its rows are looked for; after a timeout it is given another `timeout`.
    ///     give_up_after (float): Seconds for which the service may answer no push before the upload
    ///         stops. Meanwhile a few rows at a time try whether it is back.
    ///     progress (bool | Callable[[UploadProgress], object] | None): True shows a bar; a callable is
    ///         told a few times a second.
    ///     dry_run (bool): Read and check everything, send nothing.
    ///     delimiter (str | None): What separates the fields of a CSV file; None finds it in the header.
    ///     encoding (str | None): How a text file is written, as `"windows-1252"`; None is UTF-8, or what
    ///         a mark at its start says.
    ///     sheet (str | None): The name of a workbook's sheet; None takes the only one, or the only one
    ///         with the column of the numbers.
    ///     max_field_bytes (int): The largest field of a CSV file; a quote that is never closed ends there.
    ///
    /// Returns:
    ///     UploadReport: What became of every row.
    ///
    /// Raises:
    ///     InvalidArgumentError: The source or an option can't be used; nothing was sent.
    ///     UploadError: It stopped before its end; `.report` tells of every row that was read.
    ///     JournalError: The journal is none, another upload's, in use, or the source has changed.
    ///     AuthenticationError: The key is not valid; nothing was read or sent.
    ///     NotFoundError: There is no such campaign; nothing was read or sent.
    ///
    /// Example:
    ///     >>> rows = [{"phone_number": "98765 43210", "name": "Riya"}, {"phone_number": "12"}]
    ///     >>> report = campaign.upload(rows)
    ///     >>> report.accepted, report.invalid
    ///     (1, 1)
    #[pyo3(signature = (source, **options), text_signature = "($self, source, *, phone_number='phone_number', \
        variables=None, app_user_id=None, app_session_id=None, region='IN', on_invalid='reject', \
        on_duplicate='keep', required=(), exclude=None, limit=None, max_invalid=None, max_records=500, \
        max_bytes=1000000, concurrency=4, max_records_per_second=None, journal=None, on_unknown='settle', settle_after=5.0, \
        give_up_after=600.0, progress=None, dry_run=False, delimiter=None, encoding=None, sheet=None, \
        max_field_bytes=1000000)")]
    fn upload<'py>(
        &self,
        py: Python<'py>,
        source: Py<PyAny>,
        options: Option<Py<PyDict>>,
    ) -> PyResult<Bound<'py, UploadReport>> {
        let operation = upload::operation(self.http(), self.id, source, options);
        run_sync(py, self.onlooker(py), operation)?.into_pyobject(py)
    }

    /// The asyncio twin of `upload`. Rows of dicts are read in a thread of their own.
    ///
    /// Example:
    ///     >>> report = asyncio.run(campaign.upload_async([{"phone_number": "98765 43210"}]))
    ///     >>> report.accepted
    ///     1
    #[pyo3(signature = (source, **options), text_signature = "($self, source, *, phone_number='phone_number', \
        variables=None, app_user_id=None, app_session_id=None, region='IN', on_invalid='reject', \
        on_duplicate='keep', required=(), exclude=None, limit=None, max_invalid=None, max_records=500, \
        max_bytes=1000000, concurrency=4, max_records_per_second=None, journal=None, on_unknown='settle', settle_after=5.0, \
        give_up_after=600.0, progress=None, dry_run=False, delimiter=None, encoding=None, sheet=None, \
        max_field_bytes=1000000)")]
    fn upload_async<'py>(
        &self,
        py: Python<'py>,
        source: Py<PyAny>,
        options: Option<Py<PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let operation = upload::operation(self.http(), self.id, source, options);
        run_async(py, "Campaign.upload_async", self.onlooker(py), operation)
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
