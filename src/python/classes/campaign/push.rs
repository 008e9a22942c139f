//! `Campaign.push`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::prelude::*;

use crate::classes::campaign::Campaign;
use crate::classes::client::prepared;
use crate::classes::models;
use crate::convert::errors::{answered_too_late, to_pyerr};
use crate::convert::input;
use crate::ground::observe;
use crate::ground::run::{Aftermath, Operation, run_sync};
use crate::ground::task::run_async;
use revrag::Error;
use revrag::http::Passage;

impl Campaign {
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

#[pymethods]
impl Campaign {
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
}
