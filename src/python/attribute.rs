//! A model's field as a Python attribute.

use pyo3::IntoPyObjectExt as _;
use pyo3::prelude::*;
use pyo3::types::{PyDateTime, PyList, PyString, PyTzInfo};
use serde_json::{Map, Number, Value};

use crate::model::{Document, Timestamp};

/// A field that can be read from Python.
pub(super) trait Attribute {
    /// Whether the object is made on first use and kept: it is costly, or has an identity.
    const KEPT: bool = false;
    /// Whether it is arbitrary JSON, which Python's own reader makes an object of: that one keeps
    /// integers of any size.
    const JSON: bool = false;

    /// The Python object.
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>>;
}

macro_rules! native {
    ($($type:ty),*) => {$(
        impl Attribute for $type {
            fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                Ok(self.into_pyobject(py)?.to_owned().into_any())
            }
        }
    )*};
}

native!(bool, u32, u64);

impl Attribute for String {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(PyString::new(py, self).into_any())
    }
}

impl<T: Attribute> Attribute for Option<T> {
    const KEPT: bool = T::KEPT;
    const JSON: bool = T::JSON;

    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Some(value) => value.to_python(py),
            None => Ok(py.None().into_bound(py)),
        }
    }
}

impl Attribute for Timestamp {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let at = jiff::tz::TimeZone::UTC.to_datetime(self.0);
        let part = |value: i8| u8::try_from(value).unwrap_or_default();
        let utc = PyTzInfo::utc(py)?;
        let moment = PyDateTime::new(
            py,
            at.year().into(),
            part(at.month()),
            part(at.day()),
            part(at.hour()),
            part(at.minute()),
            part(at.second()),
            u32::try_from(at.subsec_nanosecond()).unwrap_or_default() / 1000,
            Some(&utc),
        )?;
        Ok(moment.into_any())
    }
}

macro_rules! json {
    ($($type:ty),*) => {$(
        impl Attribute for $type {
            const KEPT: bool = true;
            const JSON: bool = true;

            fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                Ok(pythonize::pythonize(py, self)?)
            }
        }
    )*};
}

json!(Number, Value, Map<String, Value>);

/// A document that Python sees as a class of its own.
pub(super) trait Shown: Sized {
    /// The class.
    type Class: From<Document<Self>> + for<'py> IntoPyObject<'py, Error = PyErr>;
}

impl<T: Shown + Clone> Attribute for Document<T> {
    const KEPT: bool = true;

    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        T::Class::from(self.clone()).into_bound_py_any(py)
    }
}

impl<T: Shown + Clone> Attribute for Vec<Document<T>> {
    const KEPT: bool = true;

    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let items = self.iter().map(|item| item.to_python(py)).collect::<PyResult<Vec<_>>>()?;
        Ok(PyList::new(py, items)?.into_any())
    }
}
