//! `revrag.sandbox.Sandbox`, and the `revrag` command.

mod order;
mod time;
mod wire;

use std::ffi::OsString;
use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::python::convert::errors::to_pyerr;
use crate::python::convert::input::{self, Whole};
use crate::sandbox::{Config, DEFAULT_API_KEY, DEFAULT_CAMPAIGN_ID, Pace, Settings};
use crate::{Error, Secret, cli, sandbox};

/// The service in miniature, on a loopback port of this machine.
///
/// It listens as soon as it is made, speaks the API of the reference, calls nobody, and stops at the
/// end of its `with` block.
///
/// Args:
///     port (int): The port; 0 takes a free one.
///     api_key (str): The API key of its first workspace.
///     campaign_id (str | UUID): That workspace's first campaign.
///     campaign_status (str): That campaign's status; only a `running` one accepts pushes.
///     webhook_url (str | None): Where to tell of ended calls.
///     webhook_secret (str | None): The secret that signs those deliveries.
///     dispatch_after (float): Seconds from a push to its call, where all gates are open.
///     call_duration (float): Seconds a call lasts.
///     max_concurrency (int): Calls at a time.
///     failure_rate (float): The share of calls that fail, from 0 to 1.
///     seed (int): What ids and outcomes are drawn from.
///     time (str): `real`, or `manual`: then it stands still until it is moved.
///     speed (float): How many times as fast as outside real time passes.
///     now (datetime | None): When manual or sped-up time begins; manual time else begins on
///         2026-06-01, a Monday, at 10:00 in India.
///     state (str | PathLike | None): The file to keep the state in, so that another sandbox goes on
///         where this one was. What it holds goes before what is said here, but for `port`, `time`,
///         `speed`, and a webhook that is given. It holds the keys and secrets too.
///     allow_remote_webhooks (bool): Whether webhooks may go to other machines than this one.
///     request_timeout (float): Seconds that a request may take to arrive.
///     **settings: Settings of the campaign, as of `add_campaign`.
///
/// Raises:
///     InvalidArgumentError: An argument can't be used, or the port is taken.
///
/// Example:
///     >>> from revrag.sandbox import Sandbox
///     >>> with Sandbox(dispatch_after=0, call_duration=0, failure_rate=0) as service:
///     ...     leads = service.client().campaign(service.campaign_id)
///     ...     pushed = leads.push([{"phone_number": "+919876543210"}])
///     ...     leads.wait(pushed.results[0].run_id, poll_interval=0.05).status
///     'completed'
#[pyclass(frozen, subclass, module = "revrag.sandbox", weakref)]
pub(in crate::python) struct Sandbox(sandbox::Sandbox);

#[pymethods]
impl Sandbox {
    #[new]
    #[pyo3(
        signature = (
            *, port=Whole(0), api_key=DEFAULT_API_KEY.to_owned(), campaign_id=None,
            campaign_status="running".to_owned(), webhook_url=None, webhook_secret=None,
            dispatch_after=0.2, call_duration=0.5, max_concurrency=Whole(100), failure_rate=0.1,
            seed=Whole(0), time="real", speed=1.0, now=None, state=None,
            allow_remote_webhooks=false, request_timeout=30.0, **settings
        ),
        text_signature = "(*, port=0, api_key='sandbox-key', \
            campaign_id='11111111-1111-1111-1111-111111111111', campaign_status='running', \
            webhook_url=None, webhook_secret=None, dispatch_after=0.2, call_duration=0.5, \
            max_concurrency=100, failure_rate=0.1, seed=0, time='real', speed=1.0, now=None, \
            state=None, allow_remote_webhooks=False, request_timeout=30.0, **settings)"
    )]
    #[allow(clippy::too_many_arguments, clippy::similar_names, reason = "the public signature")]
    fn new(
        py: Python<'_>,
        port: Whole,
        api_key: String,
        campaign_id: Option<&Bound<'_, PyAny>>,
        campaign_status: String,
        webhook_url: Option<String>,
        webhook_secret: Option<String>,
        dispatch_after: f64,
        call_duration: f64,
        max_concurrency: Whole,
        failure_rate: f64,
        seed: Whole,
        time: &str,
        speed: f64,
        now: Option<&Bound<'_, PyAny>>,
        state: Option<PathBuf>,
        allow_remote_webhooks: bool,
        request_timeout: f64,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let port = u16::try_from(port.at_least(py, "port", 0)?)
            .map_err(|_| to_pyerr(py, Error::invalid("port", "it must be at most 65535")))?;
        let max_concurrency = max_concurrency.at_least(py, "max_concurrency", 1)?;
        let base = Settings {
            dispatch_after: input::seconds(py, "dispatch_after", dispatch_after)?.into(),
            call_duration: input::seconds(py, "call_duration", call_duration)?.into(),
            max_concurrency: usize::try_from(max_concurrency).unwrap_or(usize::MAX),
            failure_rate,
            ..Settings::default()
        };
        let pace = match time {
            #[allow(clippy::float_cmp, reason = "it is the default, as it stands")]
            "real" if speed == 1.0 && now.is_none() => Pace::Real,
            "real" => Pace::Times(speed),
            "manual" => Pace::ByHand,
            _ => {
                let problem = "it must be \"real\" or \"manual\"";
                return Err(to_pyerr(py, Error::invalid("time", problem)));
            }
        };
        let config = Config {
            port,
            api_key: Secret::new(api_key),
            campaign_id: match campaign_id {
                Some(id) => input::id("campaign_id", id)?,
                None => DEFAULT_CAMPAIGN_ID,
            },
            campaign_status,
            webhook_url,
            webhook_secret: webhook_secret.map(Secret::new),
            allow_remote_webhooks,
            patience: input::seconds(py, "request_timeout", request_timeout)?,
            settings: order::settings(py, "Sandbox", base, settings)?,
            pace,
            start: now.map(|now| time::moment("now", now)).transpose()?,
            state,
            seed: seed.at_least(py, "seed", 0)?,
        };
        let started = py.detach(|| sandbox::Sandbox::start(config));
        started.map(Self).map_err(|error| to_pyerr(py, error))
    }

    /// str: Where it listens; in a browser, its dashboard.
    #[getter]
    fn url(&self) -> String {
        self.0.url()
    }

    /// str: The API key of its first workspace.
    #[getter]
    fn api_key(&self) -> String {
        let held = self.0.engine().lock();
        let first = held.world().workspaces().first();
        first.map_or_else(String::new, |first| first.api_key.expose().to_owned())
    }

    /// str: Its first campaign.
    #[getter]
    fn campaign_id(&self) -> String {
        self.0.campaign_id().to_string()
    }

    /// int: How many requests it has answered.
    #[getter]
    fn request_count(&self) -> u64 {
        self.0.request_count()
    }

    /// int: How many webhooks were answered with a 2xx.
    #[getter]
    fn webhooks_delivered(&self) -> u64 {
        self.0.tally().delivered
    }

    /// int: How many webhooks were given up after their last try.
    #[getter]
    fn webhooks_failed(&self) -> u64 {
        self.0.tally().failed
    }

    /// A client of this sandbox.
    ///
    /// Args:
    ///     **options: Arguments of `Client` other than `base_url`; `api_key` is that of the first
    ///         workspace unless given.
    ///
    /// Returns:
    ///     Client: The client.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox() as service, service.client(max_retries=0) as client:
    ///     ...     client.campaign(service.campaign_id).status().stats.total_records
    ///     0
    #[pyo3(signature = (**options))]
    fn client<'py>(
        &self,
        py: Python<'py>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let kwargs = PyDict::new(py);
        if let Some(options) = options {
            kwargs.update(options.as_mapping())?;
        }
        kwargs.set_item("base_url", self.url())?;
        if !kwargs.contains("api_key")? {
            kwargs.set_item("api_key", self.api_key())?;
        }
        py.get_type::<crate::python::classes::client::Client>().call((), Some(&kwargs))
    }

    /// Stop it; connections and deliveries under way are cut off.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> Sandbox().stop()
    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.0.stop());
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exc))]
    fn __exit__(&self, py: Python<'_>, _exc: &Bound<'_, PyTuple>) {
        self.stop(py);
    }

    fn __repr__(&self) -> String {
        format!("Sandbox(url='{}', campaign_id='{}')", self.url(), self.campaign_id())
    }
}

/// Runs the `revrag` command; its exit code.
#[pyfunction]
pub(in crate::python) fn run_command(py: Python<'_>, args: Vec<OsString>) -> i32 {
    py.detach(|| cli::main(args))
}
