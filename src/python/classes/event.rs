//! `revrag.WebhookEvent`.

use pyo3::IntoPyObjectExt as _;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};

use crate::classes::model;
use crate::convert::attribute::Attribute;
use crate::convert::errors::to_pyerr;
use crate::convert::loads::loads;
use revrag::Error;
use revrag::model::Timestamp;
use revrag::webhook;

/// A verified webhook.
///
/// The id and the type are not under the signature; `call` and `payload` are.
///
/// Example:
///     >>> event = revrag.WebhookEvent.from_dict(
///     ...     {"id": "evt_1", "type": "test.event", "timestamp": 0, "payload": {"a": 1}})
///     >>> event.id, event.timestamp.year, event.call, event.payload
///     ('evt_1', 1970, None, {'a': 1})
#[pyclass(frozen, eq, subclass, module = "revrag", skip_from_py_object)]
pub(crate) struct WebhookEvent {
    event: webhook::WebhookEvent,
    kept: PyOnceLock<Py<PyDict>>,
}

const FIELDS: &[&str] = &["id", "type", "timestamp", "call", "payload"];

impl From<webhook::WebhookEvent> for WebhookEvent {
    fn from(event: webhook::WebhookEvent) -> Self {
        Self { event, kept: PyOnceLock::new() }
    }
}

impl PartialEq for WebhookEvent {
    fn eq(&self, other: &Self) -> bool {
        self.event == other.event
    }
}

#[pymethods]
impl WebhookEvent {
    /// str: What `X-Webhook-ID` says. It is not signed.
    #[getter]
    fn id(&self) -> &str {
        &self.event.id
    }

    /// str: What `X-Webhook-Event` says, as `call.ended`. It is not signed.
    #[getter]
    fn r#type(&self) -> &str {
        &self.event.event_type
    }

    /// datetime: When the delivery was sent, in UTC.
    #[getter]
    fn timestamp<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        // A moment that no calendar has is the epoch.
        let at = jiff::Timestamp::from_second(self.event.timestamp).unwrap_or_default();
        Timestamp(at).to_python(py)
    }

    /// Call | None: The call, for `call.ended`.
    #[getter]
    fn call<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        model::attribute(py, &self.kept, "call", &self.event.call)
    }

    /// dict[str, Any]: The body as JSON, read on first use.
    #[getter]
    fn payload<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        model::keep(py, &self.kept, "payload", || loads(py, self.event.json()))
    }

    /// The event as a new dict; `from_dict` takes it back.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("id", self.id())?;
        dict.set_item("type", self.r#type())?;
        dict.set_item("timestamp", self.event.timestamp)?;
        dict.set_item("payload", loads(py, self.event.json())?)?;
        Ok(dict)
    }

    /// Make one from a dict, for tests.
    ///
    /// Args:
    ///     data (dict[str, Any]): `id`, `type`, `timestamp` (Unix seconds) and `payload`.
    ///
    /// Raises:
    ///     InvalidArgumentError: A key is missing, or the payload of a `call.ended` has no `call_id`.
    #[classmethod]
    fn from_dict(class: &Bound<'_, PyType>, data: &Bound<'_, PyDict>) -> PyResult<Self> {
        let py = class.py();
        let refuse = |at: &str, problem: &str| to_pyerr(py, Error::invalid(at, problem));
        let get =
            |key: &str| data.get_item(key)?.ok_or_else(|| refuse(key, "the WebhookEvent needs it"));
        let text = |key: &str| -> PyResult<String> {
            get(key)?.extract().map_err(|_| refuse(key, "it must be a str"))
        };
        let timestamp = get("timestamp")?;
        let timestamp =
            timestamp.extract().map_err(|_| refuse("timestamp", "it must be an int"))?;
        let payload = model::json_of(&get("payload")?, "payload")?;
        webhook::WebhookEvent::read(text("id")?, text("type")?, timestamp, payload.as_bytes())
            .map(Self::from)
            .map_err(|error| refuse("payload", &error.message))
    }

    fn __hash__(&self) -> u64 {
        model::hash_of(&self.event)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        model::repr(slf.as_any(), FIELDS)
    }

    fn _repr_html_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        model::html(slf.as_any(), FIELDS)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let make = slf.get_type().getattr("from_dict")?;
        (make, (slf.get().to_dict(slf.py())?,)).into_bound_py_any(slf.py())
    }
}
