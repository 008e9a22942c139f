//! Logging and the `on_request` hook.

use std::sync::Arc;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;

use crate::classes::progress::UploadProgress;
use crate::convert::errors::to_pyerr;
use crate::convert::input;
use crate::convert::rows::{Pull, PythonRows, Side};
use crate::ground::process;
use revrag::{Error, bulk, http};

/// One try of one request, as `on_request` is told of it.
///
/// Args:
///     method (str): `GET` or `POST`.
///     path (str): The path, without the query.
///     status (int | None): The HTTP status; None where no answer came.
///     attempt (int): Which try this was, from 1.
///     elapsed (float): Seconds the try took.
///     request_id (str | None): The answer's `X-Request-ID`.
///     error (str | None): What went wrong, without phone numbers.
///
/// Raises:
///     InvalidArgumentError: `method` is another, or `elapsed` is no length of time.
///
/// Example:
///     >>> events = []
///     >>> with revrag.Client(on_request=events.append) as watched:
///     ...     status = watched.campaign(campaign.id).status()
///     >>> events[0].method, events[0].status, events[0].attempt
///     ('GET', 200, 1)
#[pyclass(frozen, eq, hash, subclass, module = "revrag", skip_from_py_object)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct RequestEvent(http::RequestEvent);

#[pymethods]
impl RequestEvent {
    #[new]
    #[pyo3(signature = (
        method, path, status=None, attempt=1, elapsed=0.0, request_id=None, error=None
    ))]
    #[allow(clippy::too_many_arguments, reason = "the public signature")]
    fn new(
        py: Python<'_>,
        method: &str,
        path: String,
        status: Option<u16>,
        attempt: u32,
        elapsed: f64,
        request_id: Option<String>,
        error: Option<String>,
    ) -> PyResult<Self> {
        let known = ["GET", "POST"].into_iter().find(|known| *known == method);
        let method = known.ok_or_else(|| {
            to_pyerr(py, Error::invalid("method", "it must be \"GET\" or \"POST\""))
        })?;
        let elapsed = input::seconds(py, "elapsed", elapsed)?;
        Ok(Self(http::RequestEvent {
            method,
            path,
            status,
            attempt,
            elapsed,
            request_id,
            error,
            retry_in: None,
        }))
    }

    /// str: `GET` or `POST`.
    #[getter]
    fn method(&self) -> &str {
        self.0.method
    }
    /// str: The path, without the query.
    #[getter]
    fn path(&self) -> &str {
        &self.0.path
    }
    /// int | None: The HTTP status; None where no answer came.
    #[getter]
    fn status(&self) -> Option<u16> {
        self.0.status
    }
    /// int: Which try this was, from 1.
    #[getter]
    fn attempt(&self) -> u32 {
        self.0.attempt
    }
    /// float: Seconds the try took.
    #[getter]
    fn elapsed(&self) -> f64 {
        self.0.elapsed.as_secs_f64()
    }
    /// str | None: The answer's `X-Request-ID`.
    #[getter]
    fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }
    /// str | None: What went wrong, without phone numbers.
    #[getter]
    fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }
    fn __getnewargs__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let event = &self.0;
        let (status, attempt, elapsed) = (event.status, event.attempt, self.elapsed());
        (event.method, &event.path, status, attempt, elapsed, &event.request_id, &event.error)
            .into_pyobject(py)
    }
    fn _repr_html_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let fields = ["method", "path", "status", "attempt", "elapsed", "request_id", "error"];
        process::import(slf.py(), "revrag._html")?.call_method1("table", (slf, fields.to_vec()))
    }

    fn __repr__(&self) -> String {
        let event = &self.0;
        let status = event.status.map_or_else(|| "None".to_owned(), |status| status.to_string());
        format!(
            "RequestEvent(method={:?}, path={:?}, status={status}, attempt={}, elapsed={:.4})",
            event.method,
            event.path,
            event.attempt,
            event.elapsed.as_secs_f64(),
        )
    }
}

/// Whom an operation tells of itself while it is under way, as its caller gave them.
#[derive(Default)]
pub(crate) struct Listeners {
    /// The client's `on_request`.
    pub(crate) hook: Option<Py<PyAny>>,
    /// An upload's `progress`.
    pub(crate) progress: Option<Py<PyAny>>,
    /// Rows that are to be read in the thread of the caller.
    pub(crate) rows: Option<PythonRows>,
    /// Numbers that are to be read there.
    pub(crate) exclude: Option<PythonRows>,
}

/// What an operation says while it is under way.
pub(crate) enum Word {
    /// A try has ended.
    Tried(http::RequestEvent),
    /// An upload has come further.
    Progress(bulk::Snapshot),
    /// PythonRows are wanted.
    Pull(Pull),
}

/// Passes a word on to Python, from any thread.
pub(crate) type Say = Arc<dyn Fn(Word) + Send + Sync>;

/// Listeners, and whether any of them wants to hear of every try.
pub(crate) struct Onlooker {
    listeners: Listeners,
    every_try: bool,
}

impl Onlooker {
    /// The onlooker of one operation. Whether anyone listens is asked once, here.
    pub(crate) fn new(py: Python<'_>, listeners: Listeners) -> PyResult<Self> {
        let every_try = listeners.hook.is_some() || wants_debug(py)?;
        Ok(Self { listeners, every_try })
    }

    /// The listeners, for an operation that has more of them.
    pub(crate) fn listeners(&mut self) -> &mut Listeners {
        &mut self.listeners
    }

    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        let clone = |object: &Option<Py<PyAny>>| object.as_ref().map(|object| object.clone_ref(py));
        let listeners = Listeners {
            hook: clone(&self.listeners.hook),
            progress: clone(&self.listeners.progress),
            rows: None,
            exclude: None,
        };
        Self { listeners, every_try: self.every_try }
    }

    /// An observer that passes on to `say` what somebody wants to hear of.
    pub(crate) fn watch(&self, say: Say) -> Arc<dyn http::Observer> {
        struct Filter {
            every_try: bool,
            say: Say,
        }
        impl http::Observer for Filter {
            fn tried(&self, event: http::RequestEvent) {
                if self.every_try || event.retry_in.is_some() {
                    (self.say)(Word::Tried(event));
                }
            }
        }
        Arc::new(Filter { every_try: self.every_try, say })
    }

    /// Does what a word asks for, here and now. What a listener raises is told by
    /// `sys.unraisablehook`; an interrupt is passed on.
    pub(crate) fn tell(&self, py: Python<'_>, word: Word) -> PyResult<()> {
        match word {
            Word::Pull(pull) => {
                let rows = match pull.of {
                    Side::Source => &self.listeners.rows,
                    Side::Exclude => &self.listeners.exclude,
                };
                if let Some(rows) = rows {
                    pull.serve(py, rows)?;
                }
                Ok(())
            }
            word => match self.callback(py, word)? {
                Some(callback) => {
                    let _lent = process::Lent::enter(py);
                    callback.call0().map(drop)
                }
                None => Ok(()),
            },
        }
    }

    /// Tells of a word when called; none where nobody is to be told.
    pub(crate) fn callback<'py>(
        &self,
        py: Python<'py>,
        word: Word,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        match word {
            Word::Tried(tried) => {
                let retry_in = tried.retry_in.map(|wait| wait.as_secs_f64());
                let hook = self.listeners.hook.as_ref().map(|hook| hook.bind(py));
                let event = RequestEvent(http::RequestEvent { retry_in: None, ..tried });
                module(py)?.getattr("Tried")?.call1((event, retry_in, hook)).map(Some)
            }
            Word::Progress(snapshot) => {
                let Some(progress) = &self.listeners.progress else { return Ok(None) };
                let is_last = snapshot.is_last;
                let advanced = (progress.bind(py), UploadProgress::from(snapshot), is_last);
                module(py)?.getattr("Advanced")?.call1(advanced).map(Some)
            }
            Word::Pull(_) => Ok(None),
        }
    }
}

/// A text of the service's, fit for a log.
#[pyfunction]
pub(crate) fn masked(text: &str) -> String {
    revrag::error::masked(text)
}

/// Tells of an exception that must not change an outcome: by `sys.unraisablehook`.
#[pyfunction]
pub(crate) fn unraisable(error: &Bound<'_, PyAny>, raised_by: &Bound<'_, PyAny>) {
    PyErr::from_value(error.clone()).write_unraisable(error.py(), Some(raised_by));
}

/// Warns in the log of a push whose caller is told by a cause alone, which not everybody looks at.
pub(crate) fn warn_of_unknown(py: Python<'_>, error: &PyErr) {
    let warn = || module(py)?.getattr("warn_of_unknown")?.call1((error.value(py),)).map(drop);
    if let Err(error) = warn() {
        error.write_unraisable(py, None);
    }
}

/// Refuses a listener that would never be heard, or never hear.
pub(crate) fn check_listener(name: &str, listener: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = listener.py();
    let problem = module(py)?.getattr("problem_with")?.call1((listener,))?;
    match problem.extract::<Option<String>>()? {
        Some(problem) => Err(to_pyerr(py, Error::invalid(name, problem))),
        None => Ok(()),
    }
}

/// Whether a line per request would be logged. A logger of somebody's own that can't say so is told
/// nothing.
fn wants_debug(py: Python<'_>) -> PyResult<bool> {
    is_enabled_for_debug(py).or_else(|error| {
        if !error.is_instance_of::<PyException>(py) {
            return Err(error);
        }
        error.write_unraisable(py, None);
        Ok(false)
    })
}

fn is_enabled_for_debug(py: Python<'_>) -> PyResult<bool> {
    const DEBUG: i32 = 10;
    module(py)?.getattr("logger")?.call_method1("isEnabledFor", (DEBUG,))?.is_truthy()
}

fn module(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    Ok(MODULE
        .get_or_try_init(py, || process::import(py, "revrag._observe").map(Bound::unbind))?
        .bind(py))
}
