//! A model's field as a Python attribute.

use pyo3::IntoPyObjectExt as _;
use pyo3::prelude::*;
use pyo3::types::{PyDateTime, PyFloat, PyList, PyString, PyTzInfo};

use crate::convert::loads::{loads, whole};
use crate::ground::process;
use revrag::model::{Count, Document, Field, Json, List, Model, Number, Object, Timestamp, Whole};

/// A field that can be read from Python.
pub(crate) trait Attribute {
    /// Whether the object is made on first use and kept: it is costly, or has an identity.
    const KEPT: bool = false;

    /// The Python object.
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>>;

    /// The Python object of a document's field, the `at`th of the reference.
    fn of<'py, T: Model>(
        py: Python<'py>,
        document: &Document<T>,
        at: usize,
        pick: fn(&T) -> &Self,
    ) -> PyResult<Bound<'py, PyAny>>
    where
        Self: Field,
    {
        document.with(at, pick, |field| field.to_python(py))
    }

    /// The same of a field that may say nothing.
    fn of_option<'py, T: Model>(
        py: Python<'py>,
        document: &Document<T>,
        at: usize,
        pick: fn(&T) -> &Option<Self>,
    ) -> PyResult<Bound<'py, PyAny>>
    where
        Self: Sized,
        Option<Self>: Field,
    {
        document.with(at, pick, |field| field.to_python(py))
    }
}

impl Attribute for bool {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.into_pyobject(py)?.to_owned().into_any())
    }
}

impl Attribute for Whole {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        whole(py, self)
    }
}

impl Attribute for Count {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.to_python(py)
    }
}

impl Attribute for Number {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Whole(number) => whole(py, number),
            Self::Float(number) => Ok(PyFloat::new(py, *number).into_any()),
        }
    }
}

impl Attribute for String {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(PyString::new(py, self).into_any())
    }

    fn of_option<'py, T: Model>(
        py: Python<'py>,
        document: &Document<T>,
        at: usize,
        pick: fn(&T) -> &Option<Self>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Ok(match document.text(at, pick) {
            Some(text) => PyString::new(py, &text).into_any(),
            None => py.None().into_bound(py),
        })
    }
}

impl<T: Attribute> Attribute for Option<T> {
    const KEPT: bool = T::KEPT;

    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Some(value) => value.to_python(py),
            None => Ok(py.None().into_bound(py)),
        }
    }

    fn of<'py, M: Model>(
        py: Python<'py>,
        document: &Document<M>,
        at: usize,
        pick: fn(&M) -> &Self,
    ) -> PyResult<Bound<'py, PyAny>>
    where
        Self: Field,
    {
        T::of_option(py, document, at, pick)
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

impl Attribute for Json {
    const KEPT: bool = true;

    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loads(py, self.text())
    }
}

impl Attribute for Object {
    const KEPT: bool = true;

    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loads(py, self.0.text())
    }
}

/// A document that Python sees as a class of its own.
pub(crate) trait Shown: Model {
    /// Its name.
    const NAME: &'static str;
    /// The class.
    type Class: From<Document<Self>> + for<'py> IntoPyObject<'py, Error = PyErr>;
}

impl<T: Shown + Clone> Attribute for Document<T> {
    const KEPT: bool = true;

    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        T::Class::from(self.clone()).into_bound_py_any(py)
    }
}

impl<T: Shown + Clone> Attribute for List<T> {
    const KEPT: bool = true;

    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        note_left_out(py, self);
        let items = self.iter().map(|item| item.to_python(py)).collect::<PyResult<Vec<_>>>()?;
        Ok(PyList::new(py, items)?.into_any())
    }
}

/// Tells the log of what is no such document.
pub(crate) fn note_left_out<T: Shown>(py: Python<'_>, list: &List<T>) {
    let count = list.left_out().len();
    // What listens to the log changes nothing here.
    if count > 0
        && let Err(error) = tell_left_out(py, T::NAME, count, list.len() + count)
    {
        error.write_unraisable(py, None);
    }
}

fn tell_left_out(py: Python<'_>, name: &str, count: usize, of: usize) -> PyResult<()> {
    process::import(py, "revrag._observe")?.getattr("left_out")?.call1((name, count, of)).map(drop)
}
