//! Arguments, checked and named.

use std::time::Duration;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyInt, PyMapping, PyString};
use serde_json::Value;
use uuid::Uuid;

use super::errors::to_pyerr;
use super::json::{self, is_null, text_of, type_name};
use crate::Error;
use crate::http::parse_id;
use crate::model::NewRecord;

/// An id argument: a str or a `uuid.UUID`.
pub(super) fn id(argument: &str, value: &Bound<'_, PyAny>) -> PyResult<Uuid> {
    let refuse = |problem: String| to_pyerr(value.py(), Error::invalid(argument, problem));
    let at = || argument.to_owned();
    if value.is_none() {
        return Err(refuse("it is None; a record that was rejected has no id".to_owned()));
    }
    let text = match value.cast::<PyString>() {
        Ok(text) => text_of(text, &at).map_err(|error| to_pyerr(value.py(), error))?,
        Err(_) if type_name(value) == "uuid.UUID" => value.str()?.extract()?,
        Err(_) => {
            return Err(refuse(format!("it must be a str or a UUID, not {}", type_name(value))));
        }
    };
    parse_id(argument, &text).map_err(|error| to_pyerr(value.py(), error))
}

/// A length of time in seconds.
pub(super) fn seconds(py: Python<'_>, argument: &str, value: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(value).map_err(|_| {
        to_pyerr(py, Error::invalid(argument, "it must be a number of seconds, 0 or more"))
    })
}

/// An int of any size, cut to 64 bits.
#[derive(Clone, Copy)]
pub(super) struct Whole(pub(super) i64);

impl<'py> FromPyObject<'_, 'py> for Whole {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if !value.is_instance_of::<PyInt>() {
            let kind = type_name(&value);
            return Err(PyTypeError::new_err(format!("expected an int, not {kind}")));
        }
        Ok(Self(match value.extract::<i64>() {
            Ok(number) => number,
            Err(_) if value.lt(0)? => i64::MIN,
            Err(_) => i64::MAX,
        }))
    }
}

impl Whole {
    /// The number, if it is at least `least`.
    pub(super) fn at_least(self, py: Python<'_>, argument: &str, least: u32) -> PyResult<u64> {
        let fits = u64::try_from(self.0).ok().filter(|number| *number >= least.into());
        fits.ok_or_else(|| {
            let problem = format!("it must be at least {least}, not {}", self.0);
            to_pyerr(py, Error::invalid(argument, problem))
        })
    }
}

/// The records of a push, from any iterable of mappings.
pub(super) fn records(source: &Bound<'_, PyAny>) -> PyResult<Vec<NewRecord>> {
    let py = source.py();
    let refuse = |problem: &str| to_pyerr(py, Error::invalid("records", problem));
    if source.cast::<PyMapping>().is_ok() {
        return Err(refuse("it is one record; pass a list, [record]"));
    }
    let textual = source.is_instance_of::<PyString>()
        || source.is_instance_of::<PyBytes>()
        || source.is_instance_of::<PyByteArray>();
    let Some(items) = (!textual).then(|| source.try_iter().ok()).flatten() else {
        return Err(refuse(&format!("it must be an iterable of dicts, not {}", type_name(source))));
    };
    items
        .enumerate()
        .map(|(index, item)| record(&item?, index).map_err(|error| to_pyerr(py, error)))
        .collect()
}

fn record(item: &Bound<'_, PyAny>, index: usize) -> Result<NewRecord, Error> {
    let whole = || format!("records[{index}]");
    let Ok(mapping) = item.cast::<PyMapping>() else {
        let kind = type_name(item);
        return Err(Error::invalid(whole(), format!("it must be a dict, not {kind}")));
    };
    let mut record = NewRecord::default();
    let mut has_number = false;
    let unreadable = |_| Error::invalid(whole(), "the mapping could not be read");
    for pair in mapping.items().map_err(unreadable)? {
        let (key, value) =
            pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>().map_err(unreadable)?;
        let key: String = key.extract().map_err(|_| {
            Error::invalid(whole(), format!("a key is of type {}", type_name(&key)))
        })?;
        let at = || format!("records[{index}][{key:?}]");
        let null = is_null(&value);
        match key.as_str() {
            "phone_number" | "variables" | "app_user_id" | "app_session_id" if null => {}
            "phone_number" => {
                record.phone_number = text(&value, &at, "as a number it may have lost its '+'")?;
                has_number = true;
            }
            "variables" => record.variables = Some(variables(&value, &at)?),
            "app_user_id" => record.app_user_id = Some(identifier(&value, &at)?),
            "app_session_id" => record.app_session_id = Some(identifier(&value, &at)?),
            _ => {
                return Err(Error::invalid(
                    at(),
                    "there is no such key; a record has phone_number, variables, app_user_id and \
                     app_session_id, and everything else goes into variables",
                ));
            }
        }
    }
    if has_number {
        Ok(record)
    } else {
        Err(Error::invalid(format!("records[{index}][\"phone_number\"]"), "it is missing"))
    }
}

fn variables(
    value: &Bound<'_, PyAny>,
    at: &dyn Fn() -> String,
) -> Result<serde_json::Map<String, Value>, Error> {
    if let Ok(dict) = value.cast::<PyDict>() {
        return json::object(dict, at, 0);
    }
    let wrong = || Error::invalid(at(), format!("it must be a dict, not {}", type_name(value)));
    let mapping = value.cast::<PyMapping>().map_err(|_| wrong())?;
    let dict = PyDict::new(value.py());
    dict.update(mapping).map_err(|_| wrong())?;
    json::object(&dict, at, 0)
}

fn text(value: &Bound<'_, PyAny>, at: &dyn Fn() -> String, why: &str) -> Result<String, Error> {
    let text = value.cast::<PyString>().map_err(|_| {
        Error::invalid(at(), format!("it must be a str, not {}; {why}", type_name(value)))
    })?;
    text_of(text, at)
}

/// A correlation id: text, or an integer or UUID as text.
fn identifier(value: &Bound<'_, PyAny>, at: &dyn Fn() -> String) -> Result<String, Error> {
    match json::to_json(value, at)? {
        Value::String(text) => Ok(text),
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        _ => Err(Error::invalid(
            at(),
            format!("it must be a str, an int or a UUID, not {}", type_name(value)),
        )),
    }
}
