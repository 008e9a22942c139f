//! `revrag.sandbox.Sandbox`, and the `revrag` command.

mod handset;
mod order;
mod time;
mod wire;

use std::ffi::OsString;
use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

pub(crate) use handset::Handset;

use crate::convert::errors::to_pyerr;
use crate::convert::input::{self, Whole};
use revrag::{Error, Secret};
use revrag_sandbox::{self as sandbox, Config};

/// The service in miniature, on a loopback port of this machine.
///
/// It listens as soon as it is made, speaks the API of the reference, calls nobody, and stops at the
/// end of its `with` block.
///
/// Args:
///     settings (str | PathLike | None): A TOML file of workspaces, campaigns, scripts and faults
///         (`examples/sandbox.toml`). What is said here goes before what it says, of its first
///         workspace and that one's first campaign.
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
///     **campaign: Settings of the campaign, as of `add_campaign`.
///
/// Raises:
///     InvalidArgumentError: An argument or a setting can't be used (of the file, its line and column
///         are told), or the port is taken.
///
/// Example:
///     >>> from revrag.sandbox import Sandbox
///     >>> with Sandbox(dispatch_after=0, call_duration=0, failure_rate=0) as service:
///     ...     leads = service.client().campaign(service.campaign_id)
///     ...     pushed = leads.push([{"phone_number": "+919876543210"}])
///     ...     leads.wait(pushed.results[0].run_id, poll_interval=0.05).status
///     'completed'
#[pyclass(frozen, subclass, module = "revrag.sandbox", weakref)]
pub(crate) struct Sandbox(sandbox::Sandbox);

/// Takes what is given in place of what is there.
fn put<T>(place: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *place = given;
    }
}

#[pymethods]
impl Sandbox {
    #[new]
    #[pyo3(
        signature = (
            *, settings=None, port=None, api_key=None, campaign_id=None, campaign_status=None,
            webhook_url=None, webhook_secret=None, dispatch_after=None, call_duration=None,
            max_concurrency=None, failure_rate=None, seed=None, time=None, speed=None, now=None,
            state=None, allow_remote_webhooks=None, request_timeout=None, **campaign
        ),
        text_signature = "(*, settings=None, port=0, api_key='sandbox-key', \
            campaign_id='11111111-1111-1111-1111-111111111111', campaign_status='running', \
            webhook_url=None, webhook_secret=None, dispatch_after=0.2, call_duration=0.5, \
            max_concurrency=100, failure_rate=0.1, seed=0, time='real', speed=1.0, now=None, \
            state=None, allow_remote_webhooks=False, request_timeout=30.0, **campaign)"
    )]
    #[allow(clippy::too_many_arguments, clippy::similar_names, reason = "the public signature")]
    fn new(
        py: Python<'_>,
        settings: Option<PathBuf>,
        port: Option<Whole>,
        api_key: Option<String>,
        campaign_id: Option<&Bound<'_, PyAny>>,
        campaign_status: Option<String>,
        webhook_url: Option<String>,
        webhook_secret: Option<String>,
        dispatch_after: Option<f64>,
        call_duration: Option<f64>,
        max_concurrency: Option<Whole>,
        failure_rate: Option<f64>,
        seed: Option<Whole>,
        time: Option<&str>,
        speed: Option<f64>,
        now: Option<&Bound<'_, PyAny>>,
        state: Option<PathBuf>,
        allow_remote_webhooks: Option<bool>,
        request_timeout: Option<f64>,
        campaign: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let refuse = |error: Error| to_pyerr(py, error);
        let seconds = |name: &str, value: Option<f64>| {
            value.map(|value| input::seconds(py, name, value)).transpose()
        };
        // What is not said is as the settings file says, or as usual.
        let mut config = match settings {
            Some(path) => py.detach(|| Config::from_file(&path)).map_err(refuse)?,
            None => Config::default(),
        };
        if let Some(port) = port {
            config.port = u16::try_from(port.at_least(py, "port", 0)?)
                .map_err(|_| refuse(Error::invalid("port", "it must be at most 65535")))?;
        }
        put(&mut config.api_key, api_key.map(Secret::new));
        put(
            &mut config.campaign_id,
            campaign_id.map(|id| input::id("campaign_id", id)).transpose()?,
        );
        put(&mut config.campaign_status, campaign_status);
        put(&mut config.webhook_url, webhook_url.map(Some));
        put(&mut config.webhook_secret, webhook_secret.map(|it| Some(Secret::new(it))));
        put(&mut config.allow_remote_webhooks, allow_remote_webhooks);
        put(&mut config.patience, seconds("request_timeout", request_timeout)?);
        put(&mut config.state, state.map(Some));
        let seed = seed.map(|seed| seed.at_least(py, "seed", 0)).transpose()?;
        put(&mut config.seed, seed);
        let mut base = config.settings.clone();
        let dispatch_after = seconds("dispatch_after", dispatch_after)?;
        put(&mut base.dispatch_after, dispatch_after.map(Into::into));
        let call_duration = seconds("call_duration", call_duration)?;
        put(&mut base.call_duration, call_duration.map(Into::into));
        if let Some(most) = max_concurrency {
            let most = most.at_least(py, "max_concurrency", 1)?;
            base.max_concurrency = usize::try_from(most).unwrap_or(usize::MAX);
        }
        put(&mut base.failure_rate, failure_rate);
        config.settings = order::settings(py, "Sandbox", base, campaign)?;
        let manual = match time {
            None => None,
            Some("real") => Some(false),
            Some("manual") => Some(true),
            Some(_) => {
                let problem = "it must be \"real\" or \"manual\"";
                return Err(refuse(Error::invalid("time", problem)));
            }
        };
        config.passes(manual, speed, now.map(|now| time::moment("now", now)).transpose()?);
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
        py.get_type::<crate::classes::client::Client>().call((), Some(&kwargs))
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
pub(crate) fn run_command(py: Python<'_>, args: Vec<OsString>) -> i32 {
    py.detach(|| revrag_cli::main(args))
}
