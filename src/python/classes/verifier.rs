//! `revrag.WebhookVerifier`.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyString, PyTuple};

use crate::classes::event::WebhookEvent;
use crate::convert::delivery::{moment, with_bytes, with_headers};
use crate::convert::errors::to_pyerr;
use crate::convert::input;
use crate::convert::json;
use revrag::webhook::{Names, Verifier};
use revrag::{Error, Secret};

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
pub(crate) struct WebhookVerifier(Verifier);

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
    let secret = Secret::new(text);
    if secret.is_padded() {
        return Err(refuse(
            "there are blanks or line ends around it, as around one that was read from a file; no \
             signature would fit: strip it",
        ));
    }
    Ok(Some(secret))
}
