//! `Campaign.reconcile`.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::classes::campaign::Campaign;
use crate::convert::input::Whole;
use crate::ground::process;

/// What both forms are given, for the function of `revrag.webhooks._reconcile` that does it.
#[allow(clippy::too_many_arguments, reason = "the public signature")]
fn call<'py>(
    campaign: &Bound<'py, Campaign>,
    function: &str,
    store: Bound<'py, PyAny>,
    handler: Bound<'py, PyAny>,
    since: Bound<'py, PyAny>,
    name: Option<String>,
    concurrency: Whole,
    max_per_second: Option<f64>,
    timeout: Option<f64>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = campaign.py();
    let options = PyDict::new(py);
    options.set_item("since", since)?;
    options.set_item("name", name)?;
    options.set_item("concurrency", concurrency.at_least(py, "concurrency", 1)?)?;
    options.set_item("max_per_second", max_per_second)?;
    options.set_item("timeout", timeout)?;
    let function = process::import(py, "revrag.webhooks._reconcile")?.getattr(function)?;
    function.call((campaign, store, handler), Some(&options))
}

#[pymethods]
impl Campaign {
    /// Hands to a webhook handler the calls that ended and that no webhook brought.
    ///
    /// The handler gets a `WebhookEvent` of the type `call.ended` with what a webhook would have had in its
    /// body, through the same store as the endpoint: so each call is handled once, whichever way it comes
    /// first. It may be run as often as wanted, and beside the endpoint, as long as it goes back no further
    /// than the store remembers, which is its `done_ttl`, three days by default: a call that was handled before
    /// that is handled again, and a `since` before that is warned of. A handler that raises is logged, the call
    /// is in `failed`, and the next run hands it over again; so it does a call whose handler was cut off, once
    /// its claim has expired.
    ///
    /// Args:
    ///     store (Store | TransactionalStore): The endpoint's store.
    ///     handler (Callable[[WebhookEvent], object]): The endpoint's handler; of a view, which is called with
    ///         a request, the function that it calls with the event.
    ///     since (datetime | timedelta): From when on calls have ended: a moment with a time zone, or how
    ///         long ago.
    ///     name (str | None): What the endpoint is called in the store, the same as there; None is the
    ///         handler's module and name, as there.
    ///     concurrency (int): Requests under way at a time, at most 256.
    ///     max_per_second (float | None): Requests that begin in a second, at most.
    ///     timeout (float | None): Seconds each try may take; None is as the client has it.
    ///
    /// Returns:
    ///     Reconciled: How many were `handled` now, `known` before and are `in_progress` elsewhere, and the
    ///     ids of those whose handler `failed` and of those that are `missing`.
    ///
    /// Raises:
    ///     InvalidArgumentError: An argument can't be used.
    ///     TypeError: The handler can't be called with an event alone, or the store is none.
    ///     APIStatusError: The service refused.
    ///     APIConnectionError: The service could not be reached, or did not answer in time.
    ///
    /// Example:
    ///     >>> import datetime
    ///     >>> store = revrag.webhooks.stores.MemoryStore()
    ///     >>> heard = []
    ///     >>> def call_ended(event: revrag.WebhookEvent) -> None:
    ///     ...     heard.append(event.call.call_id)
    ///     >>> since = datetime.timedelta(days=36500)
    ///     >>> first = campaign.reconcile(store, call_ended, since=since)
    ///     >>> again = campaign.reconcile(store, call_ended, since=since)
    ///     >>> first.handled > 0, again.known >= first.handled, len(heard) == len(set(heard))
    ///     (True, True, True)
    #[pyo3(
        signature = (
            store, handler, *, since, name=None, concurrency=Whole(8), max_per_second=None, timeout=None
        ),
        text_signature = "($self, store, handler, *, since, name=None, concurrency=8, \
            max_per_second=None, timeout=None)"
    )]
    #[allow(clippy::too_many_arguments, reason = "the public signature")]
    fn reconcile<'py>(
        slf: &Bound<'py, Self>,
        store: Bound<'py, PyAny>,
        handler: Bound<'py, PyAny>,
        since: Bound<'py, PyAny>,
        name: Option<String>,
        concurrency: Whole,
        max_per_second: Option<f64>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let function = "reconcile";
        call(slf, function, store, handler, since, name, concurrency, max_per_second, timeout)
    }

    /// The asyncio twin of `reconcile`; the handler may be a coroutine function, the store one to be awaited.
    ///
    /// Example:
    ///     >>> import datetime
    ///     >>> store = revrag.webhooks.stores.MemoryStore()
    ///     >>> async def call_ended(event: revrag.WebhookEvent) -> None: ...
    ///     >>> since = datetime.timedelta(days=36500)
    ///     >>> asyncio.run(campaign.reconcile_async(store, call_ended, since=since)).failed
    ///     []
    #[pyo3(
        signature = (
            store, handler, *, since, name=None, concurrency=Whole(8), max_per_second=None, timeout=None
        ),
        text_signature = "($self, store, handler, *, since, name=None, concurrency=8, \
            max_per_second=None, timeout=None)"
    )]
    #[allow(clippy::too_many_arguments, reason = "the public signature")]
    fn reconcile_async<'py>(
        slf: &Bound<'py, Self>,
        store: Bound<'py, PyAny>,
        handler: Bound<'py, PyAny>,
        since: Bound<'py, PyAny>,
        name: Option<String>,
        concurrency: Whole,
        max_per_second: Option<f64>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let function = "reconcile_async";
        call(slf, function, store, handler, since, name, concurrency, max_per_second, timeout)
    }
}
