//! The keyword arguments of `upload`.

use std::path::PathBuf;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyString};

use crate::convert::errors::to_pyerr;
use crate::convert::input::{self, Whole, is_mapping};
use crate::convert::json::type_name;
use crate::ground::observe::check_listener;
use crate::ground::process;
use revrag::Error;
use revrag::bulk::source::Format;
use revrag::bulk::{Ask, MaxInvalid, OnDuplicate, OnInvalid, OnUnknown, Options, Variables};

/// The keyword arguments, for `upload` and `upload_async`.
#[derive(Default)]
pub(super) struct UploadOptions {
    pub(super) options: Options,
    pub(super) exclude: Option<Py<PyAny>>,
    pub(super) format: Format,
    pub(super) progress: Option<Py<PyAny>>,
}

impl UploadOptions {
    /// Reads them.
    pub(super) fn parse(given: &Bound<'_, PyDict>) -> PyResult<Self> {
        let mut options = Self::default();
        for (name, value) in given.iter() {
            let name: String = name.extract()?;
            if !options.set(&name, &value).map_err(|error| named(given.py(), &name, error))? {
                return Err(PyTypeError::new_err(format!(
                    "upload() got an unexpected keyword argument '{name}'"
                )));
            }
        }
        Ok(options)
    }

    /// Takes one, if there is one of that name.
    fn set(&mut self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = value.py();
        let number = |least: u32| -> PyResult<usize> {
            let number = value.extract::<Whole>()?.at_least(py, name, least)?;
            Ok(usize::try_from(number).unwrap_or(usize::MAX))
        };
        let Self { options, exclude, format, progress } = self;
        let content = &mut options.content;
        match name {
            "phone_number" => content.phone_number = text(name, value)?,
            "variables" => content.variables = variables(value)?,
            "app_user_id" => content.app_user_id = optional(name, value)?,
            "app_session_id" => content.app_session_id = optional(name, value)?,
            "region" => content.region = optional(name, value)?,
            "on_invalid" => {
                content.on_invalid = choice(
                    name,
                    value,
                    &[
                        ("reject", OnInvalid::Reject),
                        ("send", OnInvalid::Send),
                        ("raise", OnInvalid::Raise),
                    ],
                )?;
            }
            "on_duplicate" => {
                let known = [("keep", OnDuplicate::Keep), ("reject", OnDuplicate::Reject)];
                content.on_duplicate = choice(name, value, &known)?;
            }
            "required" => content.required = names(name, value)?,
            "exclude" => *exclude = (!value.is_none()).then(|| value.clone().unbind()),
            "limit" => {
                let limit = value.extract::<Option<Whole>>()?;
                options.rails.limit = limit.map(|limit| limit.at_least(py, name, 0)).transpose()?;
            }
            "max_invalid" => options.rails.max_invalid = max_invalid(name, value)?,
            "max_records" => options.max_records = number(1)?,
            "max_bytes" => options.max_bytes = number(1)?,
            "concurrency" => options.concurrency = number(1)?,
            "max_records_per_second" => options.max_records_per_second = value.extract()?,
            "key" => content.key = key(name, value)?,
            "name" => content.name = optional(name, value)?,
            "existing" => {
                let known = [
                    ("campaign", Ask::Campaign),
                    ("journal", Ask::Journal),
                    ("caller", Ask::Caller),
                ];
                options.existing = choice(name, value, &known)?;
            }
            "journal" => options.journal = value.extract::<Option<PathBuf>>()?,
            "on_unknown" => {
                options.on_unknown = choice(
                    name,
                    value,
                    &[
                        ("settle", OnUnknown::Settle),
                        ("leave", OnUnknown::Leave),
                        ("stop", OnUnknown::Stop),
                    ],
                )?;
            }
            "settle_after" => {
                options.settle_after = input::seconds(py, name, value.extract()?)?;
            }
            "give_up_after" => {
                options.give_up_after = input::seconds(py, name, value.extract()?)?;
            }
            "delimiter" => format.delimiter = read(name, value, Format::delimiter_of)?,
            "encoding" => format.encoding = read(name, value, Format::encoding_of)?,
            "sheet" => format.sheet = optional(name, value)?,
            "max_field_bytes" => format.max_field_bytes = number(1)?,
            "progress" => *progress = listener(value)?,
            "dry_run" => options.dry_run = value.extract()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// A wrong type's error says whose it is.
fn named(py: Python<'_>, name: &str, error: PyErr) -> PyErr {
    if !error.get_type(py).is(py.get_type::<PyTypeError>()) {
        return error;
    }
    PyTypeError::new_err(format!("{name}: {}", error.value(py)))
}

/// An optional text, read by `by`.
pub(crate) fn read<T>(
    name: &str,
    value: &Bound<'_, PyAny>,
    by: fn(&str) -> Result<T, Error>,
) -> PyResult<Option<T>> {
    let given = optional(name, value)?;
    given.map(|text| by(&text)).transpose().map_err(|error| to_pyerr(value.py(), error))
}

fn refuse(py: Python<'_>, name: &str, problem: impl Into<String>) -> PyErr {
    to_pyerr(py, Error::invalid(name, problem))
}

fn text(name: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    value.extract().map_err(|_| {
        refuse(value.py(), name, format!("it must be a str, not {}", type_name(value)))
    })
}

pub(crate) fn optional(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    if value.is_none() { Ok(None) } else { text(name, value).map(Some) }
}

fn choice<T: Copy>(name: &str, value: &Bound<'_, PyAny>, known: &[(&str, T)]) -> PyResult<T> {
    let given = text(name, value)?;
    if let Some((_, choice)) = known.iter().find(|(text, _)| *text == given) {
        return Ok(*choice);
    }
    let known: Vec<String> = known.iter().map(|(text, _)| format!("{text:?}")).collect();
    let problem = format!("it must be one of {}, not {given:?}", known.join(", "));
    Err(refuse(value.py(), name, problem))
}

/// A share of the rows, or a count of them.
fn max_invalid(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<MaxInvalid>> {
    if value.is_none() {
        return Ok(None);
    }
    if value.is_instance_of::<PyBool>() {
        let problem = "it must be an int, a count of rows, or a float, a share of them";
        return Err(refuse(value.py(), name, problem));
    }
    if value.is_instance_of::<PyFloat>() {
        return Ok(Some(MaxInvalid::Share(value.extract()?)));
    }
    let count = value.extract::<Whole>()?.at_least(value.py(), name, 0)?;
    Ok(Some(MaxInvalid::Count(count)))
}

fn names(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if value.is_none() {
        return Ok(Vec::new());
    }
    if value.is_instance_of::<PyString>() {
        return Err(refuse(value.py(), name, "it must be a list of names, not a str"));
    }
    value.try_iter()?.map(|item| text(name, &item?)).collect()
}

/// A column, several, or None.
fn key(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if value.is_instance_of::<PyString>() {
        return Ok(vec![text(name, value)?]);
    }
    let columns = names(name, value)?;
    if columns.is_empty() && !value.is_none() {
        return Err(refuse(value.py(), name, "it names no column; leave it out, or name one"));
    }
    Ok(columns)
}

/// A list of columns, a mapping from variable to column, or None.
fn variables(value: &Bound<'_, PyAny>) -> PyResult<Variables> {
    if value.is_none() {
        return Ok(Variables::Found);
    }
    let name = "variables";
    if is_mapping(value)? {
        let pairs = value.call_method0("items")?.try_iter()?.map(|pair| {
            let (variable, column) = pair?.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
            Ok((text(name, &variable)?, text(name, &column)?))
        });
        return Ok(Variables::Named(pairs.collect::<PyResult<_>>()?));
    }
    let columns = names(name, value)?;
    Ok(Variables::Named(columns.into_iter().map(|column| (column.clone(), column)).collect()))
}

fn listener(value: &Bound<'_, PyAny>) -> PyResult<Option<Py<PyAny>>> {
    let py = value.py();
    if value.is_none() {
        return Ok(None);
    }
    if let Ok(wanted) = value.cast::<PyBool>() {
        if !wanted.is_true() {
            return Ok(None);
        }
        return process::import(py, "revrag._progress")?
            .getattr("bar")?
            .call0()
            .map(|bar| Some(bar.unbind()));
    }
    if !value.is_callable() {
        let problem = format!("it must be True or callable, not {}", type_name(value));
        return Err(refuse(py, "progress", problem));
    }
    check_listener("progress", value)?;
    Ok(Some(value.clone().unbind()))
}
