//! `revrag.WebhookVerifier` and `revrag.WebhookEvent`.

use std::borrow::Cow;
use std::time::SystemTime;

use pyo3::IntoPyObjectExt as _;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyByteArray, PyBytes, PyDateTime, PyDict, PyList, PyMemoryView, PyString, PyTuple, PyType,
};

use super::attribute::Attribute;
use super::errors::to_pyerr;
use super::{input, json, models};
use crate::model::Timestamp;
use crate::webhook::{Event, HeaderName, Headers, Names, UnixTime, Verifier};
use crate::{Error, Secret};

/// Verifies and signs webhook deliveries (HMAC-SHA256 over `{timestamp}.{raw body}`).
///
/// It pickles, and its secrets go into the pickle; they are shown nowhere else.
///
/// Args:
///     secret (str | bytes | Iterable[str | bytes]): The endpoint's signing secret, or several while
///         rotating: the first one signs, each one verifies.
///     tolerance (float): Seconds a delivery may be old; exactly that many is still inside.
///     future_tolerance (float): Seconds its clock may be ahead.
///
/// Raises:
///     InvalidArgumentError: There is no secret, an empty one, or one with blanks or line ends around
///         it.
///
/// Example:
///     >>> verifier = revrag.WebhookVerifier(["new-secret", "old-secret"])
///     >>> headers = verifier.sign(b"{}", event_id="evt_1", event_type="test.event")
///     >>> verifier.verify(b"{}", headers).type
///     'test.event'
#[pyclass(frozen, subclass, module = "revrag")]
pub(super) struct WebhookVerifier(Verifier);

#[pymethods]
impl WebhookVerifier {
    #[new]
    #[pyo3(signature = (secret, *, tolerance=300.0, future_tolerance=300.0))]
    fn new(secret: &Bound<'_, PyAny>, tolerance: f64, future_tolerance: f64) -> PyResult<Self> {
        let py = secret.py();
        let secrets = secrets_of(secret)?;
        let tolerance = input::seconds(py, "tolerance", tolerance)?;
        let future_tolerance = input::seconds(py, "future_tolerance", future_tolerance)?;
        Verifier::new(secrets, tolerance, future_tolerance)
            .map(Self)
            .map_err(|error| to_pyerr(py, error))
    }

    /// Check a delivery and read its event.
    ///
    /// Args:
    ///     body (bytes | bytearray | memoryview | str): The raw body, as received.
    ///     headers (Mapping | Iterable[tuple]): The request's headers, any case, str or bytes, or
    ///         lists of them; or a WSGI environ.
    ///     now (float | datetime | None): Unix seconds or an aware datetime, instead of the clock.
    ///
    /// Returns:
    ///     WebhookEvent: The verified event.
    ///
    /// Raises:
    ///     WebhookVerificationError: The delivery can't be trusted or read. Its subclasses say why.
    ///     TypeError: The body is not raw, for example already parsed.
    ///
    /// Example:
    ///     >>> verifier = revrag.WebhookVerifier("secret")
    ///     >>> verifier.verify(b"{}", {})
    ///     Traceback (most recent call last):
    ///     revrag.errors.MissingHeaderError: ...
    #[pyo3(signature = (body, headers, *, now=None))]
    fn verify(
        &self,
        body: &Bound<'_, PyAny>,
        headers: &Bound<'_, PyAny>,
        now: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<WebhookEvent> {
        let py = body.py();
        let now = moment("now", now, py)?;
        let event = with_bytes(body, |bytes| {
            with_headers(headers, |headers| self.0.verify(bytes, headers, now))
        })??;
        event.map(WebhookEvent::from).map_err(|error| to_pyerr(py, error.into()))
    }

    /// Check a delivery and read its event, for `revrag.webhooks`: the event, a digest of its id,
    /// and one of what was signed.
    fn _verify_once(
        &self,
        body: &Bound<'_, PyBytes>,
        headers: &Bound<'_, PyAny>,
        now: &Bound<'_, PyAny>,
    ) -> PyResult<(WebhookEvent, String, String)> {
        let py = body.py();
        let now = moment("now", Some(now), py)?;
        let bytes = body.as_bytes();
        let event = with_headers(headers, |headers| self.0.verify(bytes, headers, now))?;
        let event = event.map_err(|error| to_pyerr(py, error.into()))?;
        let names = Names::of(&event, bytes);
        Ok((WebhookEvent::from(event), names.event, names.signed))
    }

    /// Check a delivery without reading it.
    ///
    /// Args:
    ///     body (bytes | bytearray | memoryview | str): The raw body, as received.
    ///     headers (Mapping | Iterable[tuple]): The request's headers.
    ///     now (float | datetime | None): Unix seconds or an aware datetime, instead of the clock.
    ///
    /// Raises:
    ///     WebhookVerificationError: The delivery can't be trusted.
    ///
    /// Example:
    ///     >>> verifier = revrag.WebhookVerifier("secret")
    ///     >>> verifier.verify_signature(b"raw", verifier.sign(b"raw", event_id="evt_1"))
    #[pyo3(signature = (body, headers, *, now=None))]
    fn verify_signature(
        &self,
        body: &Bound<'_, PyAny>,
        headers: &Bound<'_, PyAny>,
        now: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let py = body.py();
        let now = moment("now", now, py)?;
        let delivery = with_bytes(body, |bytes| {
            with_headers(headers, |headers| self.0.verify_signature(bytes, headers, now).map(drop))
        })??;
        delivery.map_err(|error| to_pyerr(py, error.into()))
    }

    /// The four headers of a delivery, signed with the first secret.
    ///
    /// Args:
    ///     body (bytes | bytearray | memoryview | str): The raw body.
    ///     event_id (str): What `X-Webhook-ID` says.
    ///     event_type (str): What `X-Webhook-Event` says.
    ///     timestamp (float | datetime | None): Unix seconds (the fraction is dropped) or an aware
    ///         datetime, instead of the clock.
    ///
    /// Returns:
    ///     dict[str, str]: The headers.
    ///
    /// Raises:
    ///     InvalidArgumentError: The id or the type can't stand in a header.
    ///
    /// Example:
    ///     >>> headers = revrag.WebhookVerifier("secret").sign(b"{}", event_id="evt_1", timestamp=1)
    ///     >>> headers["X-Webhook-Timestamp"]
    ///     '1'
    #[pyo3(signature = (body, *, event_id, event_type="call.ended", timestamp=None))]
    fn sign<'py>(
        &self,
        body: &Bound<'py, PyAny>,
        event_id: &str,
        event_type: &str,
        timestamp: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let py = body.py();
        let timestamp = moment("timestamp", timestamp, py)?.as_secs();
        let signed = with_bytes(body, |bytes| self.0.sign(bytes, event_id, event_type, timestamp))?;
        let headers = PyDict::new(py);
        for (name, value) in signed.map_err(|error| to_pyerr(py, error))? {
            headers.set_item(name, value)?;
        }
        Ok(headers)
    }

    fn __repr__(&self) -> String {
        let count = self.0.secrets().count();
        format!(
            "WebhookVerifier(<{count} secret{}>, tolerance={}, future_tolerance={})",
            if count == 1 { "" } else { "s" },
            self.0.tolerance().as_secs_f64(),
            self.0.future_tolerance().as_secs_f64(),
        )
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let secrets: Vec<&str> = self.0.secrets().map(Secret::expose).collect();
        let kwargs = PyDict::new(py);
        kwargs.set_item("tolerance", self.0.tolerance().as_secs_f64())?;
        kwargs.set_item("future_tolerance", self.0.future_tolerance().as_secs_f64())?;
        ((secrets,), kwargs).into_pyobject(py)
    }
}

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
pub(super) struct WebhookEvent {
    event: Event,
    kept: PyOnceLock<Py<PyDict>>,
}

const FIELDS: &[&str] = &["id", "type", "timestamp", "call", "payload"];

impl From<Event> for WebhookEvent {
    fn from(event: Event) -> Self {
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
        models::attribute(py, &self.kept, self.event.json(), "call", &self.event.call)
    }

    /// dict[str, Any]: The body as JSON, read on first use.
    #[getter]
    fn payload<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        models::keep(py, &self.kept, "payload", || models::loads(py, self.event.json()))
    }

    /// The event as a new dict; `from_dict` takes it back.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("id", self.id())?;
        dict.set_item("type", self.r#type())?;
        dict.set_item("timestamp", self.event.timestamp)?;
        dict.set_item("payload", models::loads(py, self.event.json())?)?;
        Ok(dict)
    }

    /// Make one from a dict, for tests.
    ///
    /// Args:
    ///     data (dict[str, Any]): `id`, `type`, `timestamp` (Unix seconds) and `payload`.
    ///
    /// Raises:
    ///     InvalidArgumentError: A key is missing, or the payload of a `call.ended` is no call.
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
        let payload = models::json_of(&get("payload")?, "payload")?;
        Event::read(text("id")?, text("type")?, timestamp, payload.as_bytes())
            .map(Self::from)
            .map_err(|error| refuse("payload", &error.message))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        models::repr(slf.as_any(), FIELDS)
    }

    fn _repr_html_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        models::html(slf.as_any(), FIELDS)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let make = slf.get_type().getattr("from_dict")?;
        (make, (slf.get().to_dict(slf.py())?,)).into_bound_py_any(slf.py())
    }
}

fn secrets_of(secret: &Bound<'_, PyAny>) -> PyResult<Vec<Secret>> {
    let wrong = |odd: &Bound<'_, PyAny>| {
        PyTypeError::new_err(format!(
            "secret must be a str, bytes, or an iterable of them, not {}",
            json::type_name(odd)
        ))
    };
    if let Some(one) = secret_of(secret)? {
        return Ok(vec![one]);
    }
    // Its keys, most likely, are the secrets' names.
    if input::is_mapping(secret)? {
        return Err(wrong(secret));
    }
    let items = secret.try_iter().map_err(|_| wrong(secret))?;
    items.map(|item| item.and_then(|item| secret_of(&item)?.ok_or_else(|| wrong(&item)))).collect()
}

/// A secret in a str or bytes; none where it is neither.
fn secret_of(item: &Bound<'_, PyAny>) -> PyResult<Option<Secret>> {
    let py = item.py();
    let refuse = |problem: &str| to_pyerr(py, Error::invalid("secret", problem));
    let text = if let Ok(text) = item.cast::<PyString>() {
        json::text_of(text, &|| "secret".to_owned()).map_err(|error| to_pyerr(py, error))?
    } else if item.is_instance_of::<PyBytes>() || item.is_instance_of::<PyByteArray>() {
        String::from_utf8(item.extract()?)
            .map_err(|_| refuse("its bytes are no UTF-8, and RevRag's secrets are text"))?
    } else {
        return Ok(None);
    };
    let is_around = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(
                c,
                '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
            )
    };
    let bare = text.trim_matches(is_around);
    if !bare.is_empty() && bare.len() < text.len() {
        return Err(refuse(
            "there are blanks or line ends around it, as around one that was read from a file; no \
             signature would fit: strip it",
        ));
    }
    Ok(Some(Secret::new(text)))
}

/// The moment an argument names, else the clock's.
fn moment(argument: &str, value: Option<&Bound<'_, PyAny>>, py: Python<'_>) -> PyResult<UnixTime> {
    let Some(value) = value else {
        return Ok(UnixTime::from(SystemTime::now()));
    };
    let refuse = |problem: &str| to_pyerr(py, Error::invalid(argument, problem));
    let seconds: f64 = if value.is_instance_of::<PyDateTime>() {
        if value.getattr("tzinfo")?.is_none() {
            return Err(refuse("it is a naive datetime; pass an aware one, or Unix seconds"));
        }
        value.call_method0("timestamp")?.extract()?
    } else {
        value.extract()?
    };
    UnixTime::from_secs_f64(seconds).ok_or_else(|| refuse("it must be a finite number"))
}

/// Calls `then` with the bytes of a raw body.
fn with_bytes<T>(body: &Bound<'_, PyAny>, then: impl FnOnce(&[u8]) -> T) -> PyResult<T> {
    if let Ok(bytes) = body.cast::<PyBytes>() {
        return Ok(then(bytes.as_bytes()));
    }
    if let Ok(text) = body.cast::<PyString>() {
        // A lone surrogate was never signed, so what stands for it need only not fit.
        return Ok(then(text.to_string_lossy().as_bytes()));
    }
    if body.is_instance_of::<PyByteArray>() || body.is_instance_of::<PyMemoryView>() {
        let bytes = body.py().get_type::<PyBytes>().call1((body,))?;
        return Ok(then(bytes.cast::<PyBytes>()?.as_bytes()));
    }
    Err(PyTypeError::new_err(format!(
        "body must be the raw body as received (bytes, bytearray, memoryview or str), not {}; a \
         parsed body has other bytes than those that were signed",
        json::type_name(body)
    )))
}

/// Calls `then` with the webhook headers among `headers`.
fn with_headers<T>(
    headers: &Bound<'_, PyAny>,
    then: impl FnOnce(&Headers<'_>) -> T,
) -> PyResult<T> {
    let mut picked = Headers::default();
    let mut offer = |name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>| {
        // What is neither str nor bytes (a WSGI environ has such values) is no webhook header.
        if let Some(name) = raw(name)
            && let Some(name) = HeaderName::of(name)
        {
            // No UTF-8 at all stands for what is no text, and is refused as such.
            let mut take = |value: &Bound<'_, PyAny>| {
                let value = raw(value).unwrap_or(b"\xff");
                picked.offer(name, Cow::Owned::<[u8]>(value.to_vec()));
            };
            // AWS's `multiValueHeaders`, `urllib.parse`: a header's values in a list.
            match (value.cast::<PyList>(), value.cast::<PyTuple>()) {
                (Ok(list), _) => list.iter().for_each(|value| take(&value)),
                (_, Ok(tuple)) => tuple.iter().for_each(|value| take(&value)),
                _ => take(value),
            }
        }
    };
    if let Ok(dict) = headers.cast::<PyDict>() {
        for (name, value) in dict.iter() {
            offer(&name, &value);
        }
    } else {
        let pairs = if headers.hasattr("items")? {
            headers.call_method0("items")?
        } else {
            headers.clone()
        };
        let wrong = || {
            PyTypeError::new_err(
                "headers must be a mapping, an iterable of (name, value) pairs, or a WSGI environ",
            )
        };
        for pair in pairs.try_iter().map_err(|_| wrong())? {
            let pair = pair?;
            let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = match pair.cast::<PyList>() {
                Ok(list) if list.len() == 2 => (list.get_item(0)?, list.get_item(1)?),
                _ => pair.extract().map_err(|_| wrong())?,
            };
            offer(&name, &value);
        }
    }
    Ok(then(&picked))
}

/// The bytes of a str or bytes.
fn raw<'a>(value: &'a Bound<'_, PyAny>) -> Option<&'a [u8]> {
    if let Ok(text) = value.cast::<PyString>() {
        return text.to_str().ok().map(str::as_bytes);
    }
    value.cast::<PyBytes>().ok().map(PyBytesMethods::as_bytes)
}
