//! The one place that turns an [`Error`] into an exception of `revrag.errors`.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::sync::{MutexExt as _, PyOnceLock};
use pyo3::types::{PyCFunction, PyDict, PyString, PyTuple, PyType};

use crate::convert::attribute::Attribute as _;
use crate::convert::loads::loads;
use crate::ground::process;
use revrag::Error;
use revrag::error::RefusalBody;
use revrag::webhook::Reason;

/// The exception for `error`, its cause chained.
pub(crate) fn to_pyerr(py: Python<'_>, error: Error) -> PyErr {
    build(py, error).unwrap_or_else(|error| error)
}

fn build(py: Python<'_>, error: Error) -> PyResult<PyErr> {
    let message = error.to_string();
    let fields = PyDict::new(py);
    let (mut cause, mut body) = (None, None);
    let class = match error {
        Error::InvalidArgument { .. } => "InvalidArgumentError",
        Error::Connection { .. } | Error::PushCutOff { left: false, .. } => "APIConnectionError",
        Error::Timeout { .. } => "APITimeoutError",
        Error::InvalidResponse { status, request_id, .. } => {
            fields.set_item("status_code", status)?;
            fields.set_item("request_id", request_id)?;
            "InvalidResponseError"
        }
        Error::Status(error) => {
            fields.set_item("status_code", error.status)?;
            fields.set_item("request_id", &error.request_id)?;
            body = Some(unread(py, error.body)?);
            fields.set_item("headers", error.headers)?;
            if error.status == 429 {
                let seconds = error.retry_after.map(|wait| wait.as_secs_f64());
                fields.set_item("retry_after", seconds)?;
            }
            class_of_status(error.status)
        }
        Error::PushOutcomeUnknown { records, cause: inner } => {
            fields.set_item("record_count", records)?;
            cause = Some(to_pyerr(py, *inner));
            "PushOutcomeUnknownError"
        }
        Error::PushCutOff { records, .. } => {
            fields.set_item("record_count", records)?;
            "PushOutcomeUnknownError"
        }
        Error::WaitTimeout { record, records, cause: inner, .. } => {
            let record = record.map(|record| record.to_python(py)).transpose()?;
            fields.set_item("record", record)?;
            let records = records.iter().map(|record| record.to_python(py));
            fields.set_item("records", records.collect::<PyResult<Vec<_>>>()?)?;
            cause = inner.map(|inner| to_pyerr(py, *inner));
            "WaitTimeoutError"
        }
        Error::WatchTimeout { status, cause: inner, .. } => {
            let status = status.map(|status| status.to_python(py)).transpose()?;
            fields.set_item("status", status)?;
            cause = inner.map(|inner| to_pyerr(py, *inner));
            "WaitTimeoutError"
        }
        Error::Journal(_) | Error::JournalLost(_) => "JournalError",
        Error::Webhook(error) => match error.reason {
            Reason::MissingHeader => "MissingHeaderError",
            Reason::MalformedHeader => "MalformedHeaderError",
            Reason::TimestampOutOfTolerance => "TimestampOutOfToleranceError",
            Reason::SignatureMismatch => "SignatureMismatchError",
            Reason::InvalidPayload => "InvalidPayloadError",
        },
    };
    let value = class_named(py, class)?.call((message,), Some(&fields))?;
    if let Some(body) = body {
        value.setattr("_unread", body)?;
    }
    let exception = PyErr::from_value(value);
    exception.set_cause(py, cause);
    Ok(exception)
}

/// A function that makes the object of a body, once: until somebody asks, it lies there as it came.
fn unread(py: Python<'_>, body: RefusalBody) -> PyResult<Bound<'_, PyCFunction>> {
    let (body, object) = (Mutex::new(Some(body)), PyOnceLock::<Py<PyAny>>::new());
    let read = move |args: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| {
        let py = args.py();
        let read = || {
            let mut body = body.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner);
            let object = match &*body {
                Some(RefusalBody::Json(json)) => loads(py, json.text())?.unbind(),
                Some(RefusalBody::Text(text)) => PyString::new(py, text).into_any().unbind(),
                None => py.None(),
            };
            *body = None;
            Ok::<_, PyErr>(object)
        };
        object.get_or_try_init(py, read).map(|object| object.clone_ref(py))
    };
    PyCFunction::new_closure(py, Some(c"unread"), None, read)
}

/// What is known of a push whose answer came when nobody waited for it any more.
pub(crate) fn answered_too_late(py: Python<'_>, records: usize, result: &Py<PyAny>) -> PyErr {
    let build = || -> PyResult<PyErr> {
        let count = |name: &str| result.getattr(py, name)?.extract::<u64>(py);
        let message = format!(
            "this push was cut off when its answer had come: {} accepted, {} rejected. Don't push its \
             records once more; `.result` holds the answer",
            count("accepted")?,
            count("rejected")?
        );
        let fields = PyDict::new(py);
        fields.set_item("record_count", records)?;
        fields.set_item("result", result)?;
        let class = class_named(py, "PushOutcomeUnknownError")?;
        Ok(PyErr::from_value(class.call((message,), Some(&fields))?))
    };
    build().unwrap_or_else(|error| error)
}

/// Gives an interrupt a cause: what it cut off. The cause that it had comes behind that one.
pub(crate) fn add_cause(py: Python<'_>, interrupt: &PyErr, cause: PyErr) {
    if let Some(earlier) = interrupt.cause(py) {
        let mut last = cause.clone_ref(py);
        while let Some(next) = last.cause(py) {
            last = next;
        }
        last.set_cause(py, Some(earlier));
    }
    interrupt.set_cause(py, Some(cause));
}

/// An `UploadError` with its report.
pub(crate) fn raise_with_report<'py>(
    py: Python<'py>,
    message: String,
    report: impl IntoPyObject<'py>,
    cause: Option<PyErr>,
) -> PyErr {
    let build = || -> PyResult<PyErr> {
        let fields = PyDict::new(py);
        fields.set_item("report", report)?;
        Ok(PyErr::from_value(class_named(py, "UploadError")?.call((message,), Some(&fields))?))
    };
    let error = build().unwrap_or_else(|error| error);
    error.set_cause(py, cause);
    error
}

fn class_of_status(status: u16) -> &'static str {
    match status {
        400 => "BadRequestError",
        401 => "AuthenticationError",
        403 => "PermissionDeniedError",
        404 => "NotFoundError",
        413 => "PayloadTooLargeError",
        422 => "UnprocessableEntityError",
        429 => "RateLimitError",
        500..=599 => "ServerError",
        _ => "APIStatusError",
    }
}

fn class_named<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyType>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = MODULE
        .get_or_try_init(py, || process::import(py, "revrag.errors").map(Bound::unbind))?
        .bind(py);
    Ok(module.getattr(name)?.cast_into::<PyType>()?)
}
