//! A webhook delivery as frameworks hand it over: its raw body, its headers, and the moment.

use std::borrow::Cow;
use std::time::SystemTime;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{
    PyByteArray, PyBytes, PyDateTime, PyDict, PyList, PyMemoryView, PyString, PyTuple,
};

use crate::convert::errors::to_pyerr;
use crate::convert::json;
use revrag::Error;
use revrag::webhook::{HeaderName, Headers, UnixTime};

/// The moment an argument names, else the clock's.
pub(crate) fn moment(
    argument: &str,
    value: Option<&Bound<'_, PyAny>>,
    py: Python<'_>,
) -> PyResult<UnixTime> {
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
pub(crate) fn with_bytes<T>(body: &Bound<'_, PyAny>, then: impl FnOnce(&[u8]) -> T) -> PyResult<T> {
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
pub(crate) fn with_headers<T>(
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
