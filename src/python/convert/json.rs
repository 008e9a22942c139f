//! What a data person has at hand, as JSON.

use pyo3::exceptions::{PyException, PyUnicodeEncodeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde_json::{Map, Number, Value};

use crate::convert::errors::to_pyerr;
use crate::convert::input::is_mapping;
use revrag::Error;
use revrag::phone::whole;

const INFINITY: &str = "infinity can't be sent as JSON";

/// Deeper than any data, shallower than the stack.
const DEEPEST: usize = 64;

/// Why a value is not sent.
pub(crate) enum Unsendable {
    /// It can't be.
    Refused(Error),
    /// A signal's handler raised while the value was read.
    Interrupted(PyErr),
}

impl From<Error> for Unsendable {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl Unsendable {
    /// What to raise.
    pub(crate) fn into_pyerr(self, py: Python<'_>) -> PyErr {
        match self {
            Self::Refused(error) => to_pyerr(py, error),
            Self::Interrupted(error) => error,
        }
    }
}

/// A mapping as a dict; none of another value.
pub(crate) fn mapping<'py>(
    value: &Bound<'py, PyAny>,
    at: &dyn Fn() -> String,
) -> Result<Option<Bound<'py, PyDict>>, Unsendable> {
    if let Ok(dict) = value.cast::<PyDict>() {
        return Ok(Some(dict.clone()));
    }
    let py = value.py();
    let failed = |error: PyErr| {
        if error.is_instance_of::<PyException>(py) {
            unsendable(at, &format!("the mapping of type {} could not be read", type_name(value)))
        } else {
            Unsendable::Interrupted(error)
        }
    };
    if !is_mapping(value).map_err(failed)? {
        return Ok(None);
    }
    let dict = PyDict::new(py);
    dict.call_method1("update", (value,)).map_err(failed)?;
    Ok(Some(dict))
}

/// The JSON of a phone number or an id: that of a value, but a whole decimal is an integer.
pub(crate) fn to_identifier(
    value: &Bound<'_, PyAny>,
    at: &dyn Fn() -> String,
) -> Result<Value, Unsendable> {
    let json = to_json(value, at)?;
    if type_name(value) != "decimal.Decimal" || json.is_null() {
        return Ok(json);
    }
    // Without an exponent.
    let digits = value.call_method1("__format__", ("f",)).and_then(|text| text.extract::<String>());
    let Ok(digits) = digits else { return Ok(json) };
    Ok(match whole(&digits) {
        Some(whole) => whole.parse::<i64>().map_or_else(|_| whole.into(), Value::from),
        None => Value::String(digits),
    })
}

/// The JSON of a Python value; `at` names it in an error.
///
/// NaN, NaT and `pd.NA` are null; dates and times are ISO 8601; Decimal and UUID are text; numpy
/// scalars and arrays are what they hold.
pub(crate) fn to_json(
    value: &Bound<'_, PyAny>,
    at: &dyn Fn() -> String,
) -> Result<Value, Unsendable> {
    convert(value, at, 0)
}

fn convert(
    value: &Bound<'_, PyAny>,
    at: &dyn Fn() -> String,
    depth: usize,
) -> Result<Value, Unsendable> {
    let refuse = |problem: &str| unsendable(at, problem);
    if depth > DEEPEST {
        return Err(refuse("it is nested too deeply, or contains itself"));
    }
    if value.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Value::String(text_of(text, at)?));
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(Value::Bool(flag.is_true()));
    }
    if value.is_instance_of::<PyInt>() {
        return integer(value).ok_or_else(|| refuse("the integer does not fit in 64 bits"));
    }
    if let Ok(number) = value.cast::<PyFloat>() {
        return float(number, at);
    }
    if let Ok(dict) = value.cast::<PyDict>() {
        return object(dict, at, depth).map(Value::Object);
    }
    if let Ok(items) = value.cast::<PyList>() {
        return items.iter().enumerate().map(|(i, item)| entry(&item, i, at, depth)).collect();
    }
    if let Ok(items) = value.cast::<PyTuple>() {
        return items.iter().enumerate().map(|(i, item)| entry(&item, i, at, depth)).collect();
    }
    other(value, at, depth)
}

fn entry(
    item: &Bound<'_, PyAny>,
    index: usize,
    at: &dyn Fn() -> String,
    depth: usize,
) -> Result<Value, Unsendable> {
    convert(item, &|| format!("{}[{index}]", at()), depth + 1)
}

/// The JSON object of a dict with text keys.
pub(crate) fn object(
    dict: &Bound<'_, PyDict>,
    at: &dyn Fn() -> String,
    depth: usize,
) -> Result<Map<String, Value>, Unsendable> {
    let mut map = Map::with_capacity(dict.len());
    for (key, value) in dict.iter() {
        let Ok(key) = key.cast::<PyString>() else {
            let kind = type_name(&key);
            return Err(unsendable(at, &format!("a key is of type {kind}; keys must be str")));
        };
        let key = text_of(key, at)?;
        let value = convert(&value, &|| format!("{}[{key:?}]", at()), depth + 1)?;
        map.insert(key, value);
    }
    Ok(map)
}

/// Everything that is none of JSON's own types. Types of other packages are known by name, so that
/// none of them is imported.
fn other(
    value: &Bound<'_, PyAny>,
    at: &dyn Fn() -> String,
    depth: usize,
) -> Result<Value, Unsendable> {
    let kind = type_name(value);
    let failed = |error: PyErr| {
        if !error.is_instance_of::<PyException>(value.py()) {
            return Unsendable::Interrupted(error);
        }
        let class = error.get_type(value.py()).name();
        let class = class.ok().as_ref().map(plain).unwrap_or_default();
        let problem = format!("the value of type {kind} could not be read ({class})");
        unsendable(at, &problem)
    };
    let text = |method: &str| -> Result<String, Unsendable> {
        let text = match method {
            "" => value.str().map(Bound::into_any),
            method => value.call_method0(method),
        };
        text.and_then(|text| text.extract()).map_err(failed)
    };
    match kind.as_str() {
        "pandas.NaT" | "pandas.NA" => Ok(Value::Null),
        "numpy.datetime64" => match text("")? {
            nat if nat == "NaT" => Ok(Value::Null),
            moment => Ok(Value::String(moment)),
        },
        "decimal.Decimal" => {
            let is = |method: &str| {
                let answer = value.call_method0(method).and_then(|is| is.extract::<bool>());
                answer.map_err(failed)
            };
            if is("is_nan")? {
                return Ok(Value::Null);
            }
            if is("is_infinite")? {
                return Err(unsendable(at, INFINITY));
            }
            text("").map(Value::String)
        }
        "pandas.Period" => text("").map(|text| Value::String(text.replace(' ', "T"))),
        "uuid.UUID" => text("").map(Value::String),
        _ if has_base(value, "datetime", "date") || has_base(value, "datetime", "time") => {
            text("isoformat").map(Value::String)
        }
        _ if has_base(value, "uuid", "UUID") => text("").map(Value::String),
        _ if kind.starts_with("numpy.") && value.hasattr("tolist").unwrap_or(false) => {
            let held = value.call_method0("tolist").map_err(failed)?;
            if type_name(&held).starts_with("numpy.") {
                let problem = format!("a value of type {kind} can't be sent");
                return Err(unsendable(at, &problem));
            }
            convert(&held, at, depth + 1)
        }
        _ if let Some(dict) = mapping(value, at)? => object(&dict, at, depth).map(Value::Object),
        _ => Err(unsendable(
            at,
            &format!(
                "a value of type {kind} can't be sent; use str, int, float, bool, None, a list, a \
                 dict, or a date"
            ),
        )),
    }
}

fn integer(value: &Bound<'_, PyAny>) -> Option<Value> {
    let signed = value.extract::<i64>().map(Value::from);
    signed.or_else(|_| value.extract::<u64>().map(Value::from)).ok()
}

fn float(value: &Bound<'_, PyFloat>, at: &dyn Fn() -> String) -> Result<Value, Unsendable> {
    let number = value.value();
    if number.is_nan() {
        return Ok(Value::Null);
    }
    let number = Number::from_f64(number).map(Value::Number);
    number.ok_or_else(|| unsendable(at, INFINITY))
}

fn unsendable(at: &dyn Fn() -> String, problem: &str) -> Unsendable {
    Unsendable::Refused(Error::invalid(at(), problem))
}

/// The text of a str; a lone surrogate can't be sent.
pub(crate) fn text_of(
    text: &Bound<'_, PyString>,
    at: &dyn Fn() -> String,
) -> Result<String, Error> {
    text.to_cow().map(std::borrow::Cow::into_owned).map_err(|error| {
        let problem = if error.is_instance_of::<PyUnicodeEncodeError>(text.py()) {
            "the text holds a lone surrogate, which is not valid Unicode"
        } else {
            "the text can't be read"
        };
        Error::invalid(at(), problem)
    })
}

/// Whether the value is what stands where nothing is: None, NaN of any kind, NaT, `pd.NA`.
pub(crate) fn is_null(value: &Bound<'_, PyAny>) -> bool {
    let is_plain =
        value.is_exact_instance_of::<PyString>() || value.is_exact_instance_of::<PyDict>();
    !is_plain && matches!(convert(value, &String::new, DEEPEST - 1), Ok(Value::Null))
}

/// A type's name with its top-level package, as in `numpy.int64`; builtins have none.
pub(crate) fn type_name(value: &Bound<'_, PyAny>) -> String {
    let class = value.get_type();
    let name = class.name().ok().as_ref().map(plain).unwrap_or_default();
    let module = class.module().ok().as_ref().map(plain).unwrap_or_default();
    let package = module.split('.').next().unwrap_or_default();
    match (package, name.as_str()) {
        ("pandas", "NaTType") => "pandas.NaT".to_owned(),
        ("pandas", "NAType") => "pandas.NA".to_owned(),
        ("builtins" | "", _) => name,
        _ => format!("{package}.{name}"),
    }
}

/// A name's text. Not by `str`, which serves signals: an interrupt would be lost here.
fn plain(name: &Bound<'_, PyString>) -> String {
    name.to_cow().map(std::borrow::Cow::into_owned).unwrap_or_default()
}

fn has_base(value: &Bound<'_, PyAny>, package: &str, name: &str) -> bool {
    let class = value.get_type();
    let Ok(bases) = class.getattr("__mro__").and_then(|mro| Ok(mro.cast_into::<PyTuple>()?)) else {
        return false;
    };
    bases.iter().any(|base| {
        let is = |attribute: &str, text: &str| {
            base.getattr(attribute).is_ok_and(|found| found.eq(text).unwrap_or(false))
        };
        is("__module__", package) && is("__name__", name)
    })
}
