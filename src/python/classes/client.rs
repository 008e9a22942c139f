//! `revrag.Client`.

use std::path::PathBuf;

use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::classes::campaign::Campaign;
use crate::classes::models;
use crate::convert::errors::to_pyerr;
use crate::convert::input::{self, Whole};
use crate::ground::observe;
use crate::ground::run::{Operation, Watch, run_sync};
use crate::ground::task::{ready, run_async};
use revrag::http::{self, Bounds, Config, Options};
use revrag::{Error, Secret};

/// What `proxy` may be.
#[derive(FromPyObject)]
enum ProxyArgument {
    Switch(bool),
    Url(String),
}

/// A client of the Campaign Records API.
///
/// It opens nothing until its first request, may be used from any thread and any event loop, and
/// works in a forked child. It pickles, and its API key goes into the pickle.
///
/// Args:
///     api_key (str | None): The workspace's API key, else `REVRAG_API_KEY`.
///     base_url (str | None): The service, else `REVRAG_BASE_URL`, else `revrag.PRODUCTION`. `http://`
///         is refused except to a loopback address; a path prefix is kept.
///     timeout (float): Seconds each try may take.
///     connect_timeout (float): Seconds a connection may take.
///     max_retries (int): Tries after the first, where a request may be sent again.
///     proxy (str | Literal[False] | None): A proxy's URL, or False for none; else `HTTPS_PROXY`,
///         `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` decide.
///     ca_bundle (str | PathLike | None): A file of PEM certificates to trust beside the platform's,
///         or beside those of the file that `SSL_CERT_FILE` names in their place.
///     max_response_bytes (int): The largest response body that is read, decompressed.
///     on_request (Callable[[RequestEvent], None] | None): Called after each try.
///
/// Raises:
///     InvalidArgumentError: There is no API key, or an argument can't be used.
///
/// Example:
///     >>> client = revrag.Client()
///     >>> client.campaign("11111111-1111-1111-1111-111111111111").status().status
///     'running'
#[pyclass(frozen, subclass, module = "revrag", weakref)]
pub(crate) struct Client {
    http: http::Client,
    options: Options,
    on_request: Option<Py<PyAny>>,
}

impl Client {
    pub(crate) fn http(&self) -> http::Client {
        self.http.clone()
    }

    /// The service's URL.
    pub(crate) fn service(&self) -> &str {
        self.http.config().base_url()
    }

    pub(crate) fn onlooker(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.on_request.as_ref().map(|hook| hook.clone_ref(py))
    }

    fn call_operation(&self, call_id: Py<PyAny>, timeout: Option<f64>) -> Operation<models::Call> {
        let http = self.http.clone();
        Box::new(move |py, watch, _| {
            let call = input::id("call_id", call_id.bind(py))?;
            let http = prepared(py, &http, watch, timeout)?;
            Ok(Box::pin(async move { http.call(call).await.map(models::Call::from) }))
        })
    }
}

/// An `on_request`, if it is one.
fn listener(hook: &Bound<'_, PyAny>) -> PyResult<Option<Py<PyAny>>> {
    if hook.is_none() {
        return Ok(None);
    }
    observe::check_listener("on_request", hook)?;
    Ok(Some(hook.clone().unbind()))
}

/// The client of one call: watched, and with the bound that the call asks for.
pub(crate) fn prepared(
    py: Python<'_>,
    http: &http::Client,
    watch: &Watch,
    timeout: Option<f64>,
) -> PyResult<http::Client> {
    Ok(bounded(py, http, timeout)?.observed(watch.observer.clone()))
}

/// A client with another timeout, where one is given.
pub(crate) fn bounded(
    py: Python<'_>,
    http: &http::Client,
    timeout: Option<f64>,
) -> PyResult<http::Client> {
    let timeout = timeout.map(|timeout| input::seconds(py, "timeout", timeout)).transpose()?;
    let bounds = Bounds { timeout, ..Bounds::default() };
    let bounded = if timeout.is_some() { http.with_bounds(bounds) } else { Ok(http.clone()) };
    bounded.map_err(|error| to_pyerr(py, error))
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(
        signature = (
            api_key=None, *, base_url=None, timeout=30.0, connect_timeout=5.0, max_retries=Whole(2),
            proxy=None, ca_bundle=None, max_response_bytes=Whole(64 << 20), on_request=None
        ),
        text_signature = "(api_key=None, *, base_url=None, timeout=30.0, connect_timeout=5.0, \
            max_retries=2, proxy=None, ca_bundle=None, max_response_bytes=67108864, on_request=None)"
    )]
    #[allow(clippy::too_many_arguments, reason = "the public signature")]
    fn new(
        py: Python<'_>,
        api_key: Option<String>,
        base_url: Option<String>,
        timeout: f64,
        connect_timeout: f64,
        max_retries: Whole,
        proxy: Option<ProxyArgument>,
        ca_bundle: Option<PathBuf>,
        max_response_bytes: Whole,
        on_request: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let max_retries = max_retries.at_least(py, "max_retries", 0)?;
        let options = Options {
            api_key: api_key.map(Secret::new),
            base_url,
            timeout: input::seconds(py, "timeout", timeout)?,
            connect_timeout: input::seconds(py, "connect_timeout", connect_timeout)?,
            max_retries: u32::try_from(max_retries).unwrap_or(u32::MAX),
            direct: matches!(proxy, Some(ProxyArgument::Switch(_))),
            proxy: match proxy {
                Some(ProxyArgument::Url(url)) => Some(Secret::new(url)),
                Some(ProxyArgument::Switch(true)) => {
                    let problem = "True is no proxy; pass its URL, or False for none";
                    return Err(to_pyerr(py, Error::invalid("proxy", problem)));
                }
                _ => None,
            },
            ca_bundle,
            max_response_bytes: max_response_bytes.at_least(py, "max_response_bytes", 1)?,
            user_agent: Some(format!(
                "python/{}",
                Python::version_str().split(' ').next().unwrap_or("")
            )),
        };
        let on_request = on_request.map(listener).transpose()?.flatten();
        let config = Config::resolve(&options, |name| std::env::var(name).ok())
            .map_err(|error| to_pyerr(py, error))?;
        Ok(Self { http: http::Client::new(config), options, on_request })
    }

    /// str: The service's URL.
    #[getter]
    fn base_url(&self) -> &str {
        self.service()
    }

    /// float: Seconds each try may take.
    #[getter]
    fn timeout(&self) -> f64 {
        self.options.timeout.as_secs_f64()
    }

    /// float: Seconds a connection may take.
    #[getter]
    fn connect_timeout(&self) -> f64 {
        self.options.connect_timeout.as_secs_f64()
    }

    /// int: Tries after the first, where a request may be sent again.
    #[getter]
    fn max_retries(&self) -> u32 {
        self.options.max_retries
    }

    /// str | None: The proxy that requests go through, `***` in the place of its credentials; None
    /// where they go directly.
    #[getter]
    fn proxy(&self) -> Option<String> {
        self.http.config().proxy()
    }

    /// PathLike | None: The file of certificates that was given.
    #[getter]
    fn ca_bundle(&self) -> Option<&PathBuf> {
        self.options.ca_bundle.as_ref()
    }

    /// int: The largest response body that is read, decompressed.
    #[getter]
    fn max_response_bytes(&self) -> u64 {
        self.options.max_response_bytes
    }

    /// Callable[[RequestEvent], object] | None: What is called after each try.
    #[getter]
    fn on_request(&self) -> Option<&Py<PyAny>> {
        self.on_request.as_ref()
    }

    /// The same client with other options, over the same connections.
    ///
    /// Closing one of the two closes both.
    ///
    /// Args:
    ///     timeout (float): Seconds each try may take.
    ///     max_retries (int): Tries after the first, where a request may be sent again.
    ///     max_response_bytes (int): The largest response body that is read, decompressed.
    ///     on_request (Callable[[RequestEvent], object] | None): Called after each try.
    ///
    /// Returns:
    ///     Client: The client; what isn't given stays as it is here.
    ///
    /// Raises:
    ///     InvalidArgumentError: An option can't be used, or belongs to the connections.
    ///
    /// Example:
    ///     >>> patient = client.with_options(timeout=120, max_retries=5)
    ///     >>> patient.timeout, patient.base_url == client.base_url
    ///     (120.0, True)
    #[pyo3(signature = (**changes), text_signature = "($self, *, timeout=..., max_retries=..., \
        max_response_bytes=..., on_request=...)")]
    fn with_options(&self, py: Python<'_>, changes: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut options = self.options.clone();
        let mut on_request = self.onlooker(py);
        let mut bounds = Bounds::default();
        for (name, value) in changes.into_iter().flatten() {
            let name: String = name.extract()?;
            match name.as_str() {
                "timeout" => {
                    options.timeout = input::seconds(py, &name, value.extract()?)?;
                    bounds.timeout = Some(options.timeout);
                }
                "max_retries" => {
                    let count = value.extract::<Whole>()?.at_least(py, &name, 0)?;
                    options.max_retries = u32::try_from(count).unwrap_or(u32::MAX);
                    bounds.max_retries = Some(options.max_retries);
                }
                "max_response_bytes" => {
                    options.max_response_bytes =
                        value.extract::<Whole>()?.at_least(py, &name, 1)?;
                    bounds.max_response_bytes = Some(options.max_response_bytes);
                }
                "on_request" => on_request = listener(&value)?,
                "api_key" | "base_url" | "connect_timeout" | "proxy" | "ca_bundle" => {
                    let problem = "it belongs to the connections, which both clients share; make a \
                                   new Client with it";
                    return Err(to_pyerr(py, Error::invalid(name, problem)));
                }
                _ => {
                    return Err(PyTypeError::new_err(format!(
                        "with_options() got an unexpected keyword argument '{name}'"
                    )));
                }
            }
        }
        let http = self.http.with_bounds(bounds).map_err(|error| to_pyerr(py, error))?;
        Ok(Self { http, options, on_request })
    }

    /// A handle for one campaign; no request is made.
    ///
    /// Args:
    ///     campaign_id (str | UUID): The campaign's id, from the dashboard's Campaign → Settings tab.
    ///
    /// Returns:
    ///     Campaign: The handle.
    ///
    /// Raises:
    ///     InvalidArgumentError: The id is not a UUID.
    ///
    /// Example:
    ///     >>> client.campaign("11111111-1111-1111-1111-111111111111").id
    ///     '11111111-1111-1111-1111-111111111111'
    fn campaign(slf: &Bound<'_, Self>, campaign_id: &Bound<'_, PyAny>) -> PyResult<Campaign> {
        Ok(Campaign::new(slf.clone().unbind(), input::id("campaign_id", campaign_id)?))
    }

    /// A call's status, transcript, recording and extracted variables
    /// (`GET /v1/campaigns/trigger/status/{call_id}`).
    ///
    /// Args:
    ///     call_id (str | UUID): From a record's `call_history`, a webhook, or the dashboard.
    ///     timeout (float | None): Seconds each try may take; None is as the client has it.
    ///
    /// Returns:
    ///     Call: The call.
    ///
    /// Raises:
    ///     InvalidArgumentError: The id is not a UUID; nothing was sent.
    ///     NotFoundError: There is no such call in the key's workspace.
    ///     APIStatusError: The service refused for another reason.
    ///     APIConnectionError: The service could not be reached, or did not answer in time.
    ///     InvalidResponseError: The answer is not what the API documents.
    ///
    /// Example:
    ///     >>> client.call(call_id).transcription.messages[0].role
    ///     'assistant'
    #[pyo3(signature = (call_id, *, timeout=None))]
    fn call(
        &self,
        py: Python<'_>,
        call_id: Py<PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<models::Call> {
        run_sync(py, self.onlooker(py), self.call_operation(call_id, timeout))
    }

    /// The asyncio twin of `call`.
    ///
    /// Example:
    ///     >>> asyncio.run(client.call_async(call_id)).call_status
    ///     'completed'
    #[pyo3(signature = (call_id, *, timeout=None))]
    fn call_async<'py>(
        &self,
        py: Python<'py>,
        call_id: Py<PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        run_async(py, "Client.call_async", self.onlooker(py), self.call_operation(call_id, timeout))
    }

    /// Close idle connections; later requests raise `InvalidArgumentError`.
    ///
    /// Example:
    ///     >>> revrag.Client().close()
    fn close(&self) {
        self.http.close();
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exc))]
    fn __exit__(&self, _exc: &Bound<'_, PyTuple>) {
        self.close();
    }

    fn __aenter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        ready(slf.py(), slf.as_any())
    }

    #[pyo3(signature = (*_exc))]
    fn __aexit__<'py>(
        &self,
        py: Python<'py>,
        _exc: &Bound<'_, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.close();
        ready(py, py.None().bind(py))
    }

    // A hook of its owner's makes a ring, which only the garbage collector can undo. Nothing needs to be
    // cleared here: the owner, or whatever else learned of this client after it was made, can be.
    #[allow(clippy::needless_pass_by_value, reason = "the signature that pyo3 wants")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.on_request)
    }

    fn __repr__(&self) -> String {
        format!("Client(base_url={:?})", self.base_url())
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let options = &self.options;
        let kwargs = PyDict::new(py);
        kwargs.set_item("base_url", self.base_url())?;
        kwargs.set_item("timeout", options.timeout.as_secs_f64())?;
        kwargs.set_item("connect_timeout", options.connect_timeout.as_secs_f64())?;
        kwargs.set_item("max_retries", options.max_retries)?;
        match &options.proxy {
            None if options.direct => kwargs.set_item("proxy", false)?,
            url => kwargs.set_item("proxy", url.as_ref().map(Secret::expose))?,
        }
        kwargs.set_item("ca_bundle", &options.ca_bundle)?;
        kwargs.set_item("max_response_bytes", options.max_response_bytes)?;
        kwargs.set_item("on_request", &self.on_request)?;
        ((self.http.config().api_key().expose(),), kwargs).into_pyobject(py)
    }
}
