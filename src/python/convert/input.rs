//! Arguments, checked and named.

use std::time::Duration;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyDict, PyInt, PyString, PyType};
use serde_json::Value;
use uuid::Uuid;

use crate::convert::errors::to_pyerr;
use crate::convert::json::{self, is_null, text_of, type_name};
use crate::ground::pause::Pause;
use crate::ground::process;
use revrag::Error;
use revrag::bulk::has_nul;
use revrag::http::parse_id;
use revrag::model::NewRecord;

/// An id argument: a str or a `uuid.UUID`.
pub(crate) fn id(argument: &str, value: &Bound<'_, PyAny>) -> PyResult<Uuid> {
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
pub(crate) fn seconds(py: Python<'_>, argument: &str, value: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(value).map_err(|_| {
        to_pyerr(py, Error::invalid(argument, "it must be a number of seconds, 0 or more"))
    })
}

/// An int of any size, cut to 64 bits.
#[derive(Clone, Copy)]
pub(crate) struct Whole(pub(crate) i64);

impl<'py> FromPyObject<'_, 'py> for Whole {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if !value.is_instance_of::<PyInt>() || value.is_instance_of::<PyBool>() {
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
    pub(crate) fn at_least(self, py: Python<'_>, argument: &str, least: u32) -> PyResult<u64> {
        let fits = u64::try_from(self.0).ok().filter(|number| *number >= least.into());
        fits.ok_or_else(|| {
            let problem = format!("it must be at least {least}, not {}", self.0);
            to_pyerr(py, Error::invalid(argument, problem))
        })
    }
}

/// The records of a push, from any iterable of mappings.
pub(crate) fn records(source: &Bound<'_, PyAny>) -> PyResult<Vec<NewRecord>> {
    let py = source.py();
    let refuse = |problem: &str| to_pyerr(py, Error::invalid("records", problem));
    if is_mapping(source)? {
        return Err(refuse("it is one record; pass a list, [record]"));
    }
    let textual = source.is_instance_of::<PyString>()
        || source.is_instance_of::<PyBytes>()
        || source.is_instance_of::<PyByteArray>();
    let wrong = || refuse(&format!("it must be an iterable of dicts, not {}", type_name(source)));
    if textual {
        return Err(wrong());
    }
    let _lent = process::Lent::enter(py);
    let items = source
        .try_iter()
        .map_err(|error| if error.is_instance_of::<PyTypeError>(py) { wrong() } else { error })?;
    let mut pause = Pause::new();
    items
        .enumerate()
        .map(|(index, item)| {
            pause.when_due(py)?;
            record(&item?, index)
        })
        .collect()
}

fn record(item: &Bound<'_, PyAny>, index: usize) -> PyResult<NewRecord> {
    let py = item.py();
    let refuse = |at: String, problem: &str| to_pyerr(py, Error::invalid(at, problem));
    let whole = || format!("records[{index}]");
    let Some(dict) = json::mapping(item, &whole).map_err(|error| error.into_pyerr(py))? else {
        let kind = type_name(item);
        return Err(refuse(whole(), &format!("it must be a dict, not {kind}")));
    };
    let mut record = NewRecord::default();
    let mut has_number = false;
    for (key, value) in dict.iter() {
        let key: String = key
            .extract()
            .map_err(|_| refuse(whole(), &format!("a key is of type {}", type_name(&key))))?;
        let at = || format!("records[{index}][{key:?}]");
        let null = is_null(&value);
        match key.as_str() {
            "phone_number" | "variables" | "app_user_id" | "app_session_id" if null => {}
            "phone_number" => {
                record.phone_number = text(&value, &at, "; as a number it may have lost its '+'")?;
                has_number = true;
            }
            "variables" => record.variables = Some(variables(&value, &at)?),
            "app_user_id" => record.app_user_id = Some(identifier(&value, &at)?),
            "app_session_id" => record.app_session_id = Some(identifier(&value, &at)?),
            _ => {
                return Err(refuse(
                    at(),
                    "there is no such key; a record has phone_number, variables, app_user_id and \
                     app_session_id, and everything else goes into variables",
                ));
            }
        }
    }
    if !has_number {
        return Err(refuse(format!("records[{index}][\"phone_number\"]"), "it is missing"));
    }
    match nul(&record) {
        Some(place) => {
            let problem =
                "it holds a NUL character, which no database keeps in a text; take it out";
            Err(refuse(format!("records[{index}]{place}"), problem))
        }
        None => Ok(record),
    }
}

/// Where a record holds U+0000: JSON has a form for it, and databases have none.
fn nul(record: &NewRecord) -> Option<String> {
    let texts = [
        ("phone_number", Some(&record.phone_number)),
        ("app_user_id", record.app_user_id.as_ref()),
        ("app_session_id", record.app_session_id.as_ref()),
    ];
    let text = texts.iter().find(|(_, text)| text.is_some_and(|text| text.contains('\0')));
    if let Some((key, _)) = text {
        return Some(format!("[{key:?}]"));
    }
    let variables = record.variables.iter().flatten();
    let mut holding = variables.filter(|(name, value)| name.contains('\0') || has_nul(value));
    let (name, _) = holding.next()?;
    Some(format!("[\"variables\"][{:?}]", name.replace('\0', "\u{FFFD}")))
}

fn variables(
    value: &Bound<'_, PyAny>,
    at: &dyn Fn() -> String,
) -> PyResult<serde_json::Map<String, Value>> {
    let py = value.py();
    match json::mapping(value, at).map_err(|error| error.into_pyerr(py))? {
        Some(dict) => json::object(&dict, at, 0).map_err(|error| error.into_pyerr(py)),
        None => Err(wrong_type(value, at, "a dict", "")),
    }
}

fn text(value: &Bound<'_, PyAny>, at: &dyn Fn() -> String, why: &str) -> PyResult<String> {
    let text = value.cast::<PyString>().map_err(|_| wrong_type(value, at, "a str", why))?;
    text_of(text, at).map_err(|error| to_pyerr(value.py(), error))
}

/// A correlation id: text, or an integer or UUID as text.
fn identifier(value: &Bound<'_, PyAny>, at: &dyn Fn() -> String) -> PyResult<String> {
    match json::to_identifier(value, at).map_err(|error| error.into_pyerr(value.py()))? {
        Value::String(text) => Ok(text),
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        _ => Err(wrong_type(value, at, "a str, an int or a UUID", "")),
    }
}

/// Whether `value` is a mapping. A cast to pyo3's own `PyMapping` prints the value, personal data and
/// all, where an interrupt meets it.
pub(crate) fn is_mapping(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    static MAPPING: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    if value.is_instance_of::<PyDict>() {
        return Ok(true);
    }
    value.is_instance(MAPPING.import(value.py(), "collections.abc", "Mapping")?)
}

fn wrong_type(value: &Bound<'_, PyAny>, at: &dyn Fn() -> String, wanted: &str, why: &str) -> PyErr {
    let problem = format!("it must be {wanted}, not {}{why}", type_name(value));
    to_pyerr(value.py(), Error::invalid(at(), problem))
}
