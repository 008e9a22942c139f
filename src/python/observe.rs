//! Logging and the `on_request` hook.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::http;

/// One try of one request, as `on_request` is told of it.
///
/// Example:
///     >>> events = []
///     >>> with revrag.Client(on_request=events.append) as watched:
///     ...     status = watched.campaign(campaign.id).status()
///     >>> events[0].method, events[0].status, events[0].attempt
///     ('GET', 200, 1)
#[pyclass(frozen, module = "revrag", skip_from_py_object)]
#[derive(Clone)]
pub(super) struct RequestEvent(http::RequestEvent);

#[pymethods]
impl RequestEvent {
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

/// One try, on its way to Python.
pub(super) type Tried = http::RequestEvent;

/// Who is told of tries: the `revrag` logger, and the client's `on_request`.
pub(super) struct Onlooker {
    hook: Option<Py<PyAny>>,
    every_try: bool,
}

impl Onlooker {
    /// The onlooker of one operation. Whether anyone listens is asked once, here.
    pub(super) fn new(py: Python<'_>, hook: Option<Py<PyAny>>) -> PyResult<Self> {
        let every_try = hook.is_some() || module(py)?.call_method0("wants_debug")?.extract()?;
        Ok(Self { hook, every_try })
    }

    pub(super) fn clone_ref(&self, py: Python<'_>) -> Self {
        Self { hook: self.hook.as_ref().map(|hook| hook.clone_ref(py)), every_try: self.every_try }
    }

    /// An observer that passes on to `pass` what somebody wants to hear of.
    pub(super) fn watch(
        &self,
        pass: impl Fn(Tried) + Send + Sync + 'static,
    ) -> Arc<dyn http::Observer> {
        struct Filter<F> {
            every_try: bool,
            pass: F,
        }
        impl<F: Fn(Tried) + Send + Sync> http::Observer for Filter<F> {
            fn tried(&self, event: http::RequestEvent) {
                if self.every_try || event.retry_in.is_some() {
                    (self.pass)(event);
                }
            }
        }
        Arc::new(Filter { every_try: self.every_try, pass })
    }

    /// Tells of a try, here and now. What the hook raises is logged; an interrupt is passed on.
    pub(super) fn tell(&self, py: Python<'_>, tried: Tried) -> PyResult<()> {
        self.callback(py, tried)?.call0().map(drop)
    }

    /// Tells of a try when called.
    pub(super) fn callback<'py>(
        &self,
        py: Python<'py>,
        tried: Tried,
    ) -> PyResult<Bound<'py, PyAny>> {
        let retry_in = tried.retry_in.map(|wait| wait.as_secs_f64());
        let hook = self.hook.as_ref().map(|hook| hook.bind(py));
        module(py)?.getattr("Tried")?.call1((RequestEvent(tried), retry_in, hook))
    }
}

fn module(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    Ok(MODULE.get_or_try_init(py, || py.import("revrag._observe").map(Bound::unbind))?.bind(py))
}
