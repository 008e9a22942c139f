//! What a sandbox does on the wire: faults on order, webhooks, and the logs of both ways.

use std::time::{Duration, Instant};

use pyo3::exceptions::PyTimeoutError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyDictMethods};
use pythonize::pythonize;
use serde::Serialize;
use serde_json::json;

use super::Sandbox;
use super::order::workspace;
use super::time::TICK;
use crate::convert::errors::to_pyerr;
use crate::convert::{input, json};
use revrag::{Error, Secret};
use revrag_sandbox::engine::Target;
use revrag_sandbox::fault::Fault;
use revrag_sandbox::ring::Log;

/// The entries of a log, oldest first, as dicts.
fn entries<'py, T>(py: Python<'py>, log: &Log<T>) -> PyResult<Bound<'py, PyAny>>
where
    T: Clone + Serialize,
{
    // Copied: what making a dict may call could ask for the log.
    let mut entries: Vec<T> = log.lock().iter().cloned().collect();
    entries.reverse();
    Ok(pythonize(py, &entries)?)
}

#[pymethods]
impl Sandbox {
    /// Have something go wrong with the next requests.
    ///
    /// Args:
    ///     endpoint (str): Which requests: `any`, `push`, `records`, `record`, `status`, `call`,
    ///         `recording`, or `webhook` for the sandbox's own deliveries.
    ///     kind (str): What goes wrong. `status` answers with `status` (503) and `body`; `malformed`
    ///         with a 200 that is not JSON; `dropped` resets the connection; `silent` says nothing
    ///         until the client hangs up, or for `seconds`; `late` resets the connection and applies
    ///         the request `seconds` later; `delay` answers `seconds` later; `slow` takes `seconds`
    ///         for the body; `truncated` breaks it off in the middle; `refused` accepts no connection
    ///         for `seconds`, from now on unless `after` is told; `rate_limit` answers 429 with
    ///         `Retry-After` beyond `limit` (10) requests in `seconds`; `largest_batch` answers 413
    ///         to pushes of more than `limit` (100) records; `shifting` has pages of records off by
    ///         `shift` (-1: one record is shown again; 1: one is missed). Deliveries can be `dropped`
    ///         or delayed (`delay`), made twice (`duplicate`), or overtaken by others (`reordered`).
    ///     **options: `times` (how many requests; 1, unless a probability, a rate limit or a largest
    ///         batch is told), `after` (how many it lets pass before; those that an earlier fault
    ///         strikes do not count), `probability` (from 0 to 1) and its `seed`; `status`, `body` (a
    ///         str as it is, all else as JSON), `headers`, an `X-Request-ID` among them; `seconds`
    ///         (outside of the sandbox, 1); `applied` (the share of the request that is applied all
    ///         the same, from 0 to 1: in between, the first of a push's records. It is 0 for `status`
    ///         and `dropped`, 1 for `malformed` and `silent`); `limit`; `shift`.
    ///
    /// Returns:
    ///     int: Its number, for `clear_faults`; 0 where it is over as soon as it is ordered.
    ///
    /// Raises:
    ///     InvalidArgumentError: There is no such fault, or an option is none of its kind's.
    ///
    /// Example:
    ///     >>> import revrag
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox() as service:
    ///     ...     _ = service.fault("push", "dropped", applied=1)
    ///     ...     leads = service.client(max_retries=0).campaign(service.campaign_id)
    ///     ...     try:
    ///     ...         _ = leads.push([{"phone_number": "+919876543210"}])
    ///     ...     except revrag.PushOutcomeUnknownError:
    ///     ...         leads.status().stats.total_records
    ///     1
    #[pyo3(signature = (endpoint, kind, **options))]
    fn fault(
        &self,
        py: Python<'_>,
        endpoint: &str,
        kind: &str,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<u64> {
        let mut written = json!({"endpoint": endpoint, "kind": kind});
        for (name, value) in options.into_iter().flat_map(PyDictMethods::iter) {
            let name: String = name.extract()?;
            let value = json::to_json(&value, &|| name.clone());
            written[&name] = value.map_err(|error| error.into_pyerr(py))?;
        }
        let fault: Fault = serde_path_to_error::deserialize(written).map_err(|error| {
            let path = match error.path().to_string() {
                path if path == "." => "fault".to_owned(),
                path => path,
            };
            to_pyerr(py, Error::invalid(path, error.inner().to_string()))
        })?;
        py.detach(|| self.0.fault(fault)).map_err(|error| to_pyerr(py, error))
    }

    /// Take faults away.
    ///
    /// Args:
    ///     id (int | None): The one that `fault` returned this number for; None takes all away,
    ///             and lets in again whom `refused` keeps out.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox() as service:
    ///     ...     _ = service.fault("any", "status", probability=1)
    ///     ...     service.clear_faults()
    ///     ...     service.faults
    ///     []
    #[pyo3(signature = (id=None))]
    fn clear_faults(&self, py: Python<'_>, id: Option<u64>) -> PyResult<()> {
        py.detach(|| self.0.clear_faults(id)).map_err(|error| to_pyerr(py, error))
    }

    /// list[dict]: The faults that may still strike: what `fault` was told, and how many requests they
    /// have `seen` and `struck`.
    #[getter]
    fn faults<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(pythonize(py, &self.0.faults())?)
    }

    /// list[dict]: The last 1,000 requests, oldest first: `method`, `path`, `status` (None where there
    /// was no answer), both bodies, and the `rule` that refused, with what it `passes`.
    #[getter]
    fn requests<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        entries(py, self.0.requests())
    }

    /// list[dict]: The last 1,000 attempts to deliver webhooks, oldest first: `event_id`, `attempt`,
    /// `url`, the request's headers and body, the answer's `status` and body, what was the `problem`,
    /// and `next_attempt_at`.
    #[getter]
    fn deliveries<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        entries(py, self.0.deliveries())
    }

    /// int: How many webhooks are still to be delivered.
    #[getter]
    fn webhooks_waiting(&self) -> usize {
        self.0.engine().lock().world().untold()
    }

    /// Deliver an event once more: the same id and body, with a fresh timestamp and signature.
    ///
    /// Args:
    ///     event_id (str): Its `X-Webhook-ID`, as in `deliveries`.
    ///
    /// Raises:
    ///     InvalidArgumentError: `deliveries` holds no such event, or the webhook is gone.
    ///
    /// Example:
    ///     >>> from revrag import InvalidArgumentError
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox() as service:
    ///     ...     try:
    ///     ...         service.resend("evt_unknown")
    ///     ...     except InvalidArgumentError as error:
    ///     ...         print(str(error).partition(":")[0])
    ///     event_id
    fn resend(&self, py: Python<'_>, event_id: &str) -> PyResult<()> {
        py.detach(|| self.0.resend(event_id)).map_err(|error| to_pyerr(py, error))
    }

    /// Say where a workspace's ended calls are told of.
    ///
    /// Args:
    ///     url (str | None): The URL, of this machine unless `allow_remote_webhooks`; None tells nobody.
    ///     secret (str | None): The secret that signs.
    ///     api_key (str | None): The key of the workspace; None is the first.
    ///
    /// Raises:
    ///     InvalidArgumentError: The URL is of another machine, there is no secret, or there is no such
    ///         workspace.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox() as service:
    ///     ...     service.set_webhook("http://127.0.0.1:8000/webhooks", "whsec_1")
    #[pyo3(signature = (url, secret=None, *, api_key=None))]
    fn set_webhook(
        &self,
        py: Python<'_>,
        url: Option<String>,
        secret: Option<String>,
        api_key: Option<&str>,
    ) -> PyResult<()> {
        let to = match (url, secret) {
            (None, _) => None,
            (Some(url), Some(secret)) if !secret.is_empty() => Some((url, Secret::new(secret))),
            (Some(_), _) => {
                let problem = "a webhook needs one, to sign deliveries";
                return Err(to_pyerr(py, Error::invalid("secret", problem)));
            }
        };
        let engine = self.0.engine();
        let done = py.detach(|| {
            let workspace = workspace(&engine.lock(), api_key)?;
            engine.set_webhook(workspace, to)
        });
        done.map_err(|error| to_pyerr(py, error))
    }

    /// Sign with another secret from now on, and for a while with the one so far too.
    ///
    /// Args:
    ///     secret (str): The new secret.
    ///     overlap (float): Seconds of the sandbox's time for which both sign.
    ///     api_key (str | None): The key of the workspace; None is the first.
    ///
    /// Raises:
    ///     InvalidArgumentError: The workspace has no webhook, or there is no such workspace.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox() as service:
    ///     ...     service.set_webhook("http://127.0.0.1:8000/webhooks", "whsec_1")
    ///     ...     service.rotate_webhook_secret("whsec_2")
    #[pyo3(
        signature = (secret, *, overlap=86400.0, api_key=None),
        text_signature = "($self, secret, *, overlap=86400.0, api_key=None)"
    )]
    fn rotate_webhook_secret(
        &self,
        py: Python<'_>,
        secret: String,
        overlap: f64,
        api_key: Option<&str>,
    ) -> PyResult<()> {
        let overlap = input::seconds(py, "overlap", overlap)?.into();
        let engine = self.0.engine();
        let done = py.detach(|| {
            let workspace = workspace(&engine.lock(), api_key)?;
            engine.rotate_secret(workspace, Secret::new(secret), overlap)
        });
        done.map_err(|error| to_pyerr(py, error))
    }

    /// Move manual time on until nothing more would happen to any record, and every webhook is
    /// delivered or given up. Time stands still while deliveries are under way.
    ///
    /// The endpoint must not need this thread: an asyncio test awaits `run_until_delivered_async`.
    ///
    /// Args:
    ///     timeout (float): Seconds outside to wait for.
    ///
    /// Returns:
    ///     datetime: What time it is then, in UTC.
    ///
    /// Raises:
    ///     InvalidArgumentError: The sandbox's time is real.
    ///     TimeoutError: Webhooks are still to be delivered after `timeout`.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox(time="manual", webhook_url="http://127.0.0.1:9", webhook_secret="s") as it:
    ///     ...     leads = it.client().campaign(it.campaign_id)
    ///     ...     pushed = leads.push([{"phone_number": "+919876543210"}])
    ///     ...     _ = it.run_until_delivered()
    ///     ...     it.webhooks_failed
    ///     1
    #[pyo3(signature = (*, timeout=30.0), text_signature = "($self, *, timeout=30.0)")]
    fn run_until_delivered<'py>(
        &self,
        py: Python<'py>,
        timeout: f64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let most: Duration = input::seconds(py, "timeout", timeout)?;
        let engine = self.0.engine();
        let aim = engine.aim(Target::Delivered).map_err(|error| to_pyerr(py, error))?;
        let begun = Instant::now();
        while !py.detach(|| engine.wait(TICK)) {
            let over = begun.elapsed() >= most;
            if let Err(error) = if over {
                Err(PyTimeoutError::new_err(self.why_late()()))
            } else {
                py.check_signals()
            } {
                engine.halt(aim);
                return Err(error);
            }
        }
        self.now(py)
    }

    /// The asyncio twin of `run_until_delivered`: the endpoint may be served by the same event loop.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox(time="manual") as service:
    ///     ...     asyncio.run(service.run_until_delivered_async()).isoformat()
    ///     '2026-06-01T04:30:00+00:00'
    #[pyo3(signature = (*, timeout=30.0), text_signature = "($self, *, timeout=30.0)")]
    fn run_until_delivered_async<'py>(
        slf: &Bound<'py, Self>,
        timeout: f64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let most: Duration = input::seconds(slf.py(), "timeout", timeout)?;
        let name = "Sandbox.run_until_delivered_async";
        Self::going(slf, name, |_| Ok(Target::Delivered), Some(most))
    }
}

impl Sandbox {
    /// What keeps time by hand from being there, told when it is asked.
    pub(super) fn why_late(&self) -> impl FnOnce() -> String + Send + 'static {
        self.0.why_late()
    }
}
