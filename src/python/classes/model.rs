//! How a model is made a frozen Python class.

use std::hash::{DefaultHasher, Hash, Hasher};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{IntoPyDict as _, PyDict};

use crate::convert::attribute::Attribute;
use crate::convert::errors::to_pyerr;
use crate::convert::json::type_name;
use crate::convert::loads::loads;
use crate::ground::process;
use revrag::Error;
use revrag::model::{Document, Field, Model};

/// An attribute of a model: made on first use and kept, where its type says so.
pub(crate) fn attribute<'py, A: Attribute>(
    py: Python<'py>,
    kept: &PyOnceLock<Py<PyDict>>,
    name: &str,
    field: &A,
) -> PyResult<Bound<'py, PyAny>> {
    if !A::KEPT {
        return field.to_python(py);
    }
    keep(py, kept, name, || field.to_python(py))
}

/// The attribute that a document's field is.
pub(super) fn field<'py, T: Model, A: Attribute + Field>(
    py: Python<'py>,
    kept: &PyOnceLock<Py<PyDict>>,
    (at, name): (usize, &str),
    document: &Document<T>,
    pick: fn(&T) -> &A,
) -> PyResult<Bound<'py, PyAny>> {
    let make = || A::of(py, document, at, pick);
    if A::KEPT { keep(py, kept, name, make) } else { make() }
}

/// Where a field stands among those of the reference, by its name in Rust.
pub(super) const fn place(fields: &[&str], name: &str) -> usize {
    let name = name.as_bytes();
    let from = if name.len() > 2 && name[0] == b'r' && name[1] == b'#' { 2 } else { 0 };
    let mut at = 0;
    while at < fields.len() {
        let field = fields[at].as_bytes();
        let mut same = field.len() == name.len() - from;
        let mut byte = 0;
        while same && byte < field.len() {
            same = field[byte] == name[byte + from];
            byte += 1;
        }
        if same {
            return at;
        }
        at += 1;
    }
    at
}

/// What `kept` holds under `name`, made by `make` if it is not there yet.
pub(crate) fn keep<'py>(
    py: Python<'py>,
    kept: &PyOnceLock<Py<PyDict>>,
    name: &str,
    make: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let kept = kept.get_or_init(py, || PyDict::new(py).unbind()).bind(py);
    if let Some(found) = kept.get_item(name)? {
        return Ok(found);
    }
    let object = make()?;
    kept.set_item(name, &object)?;
    Ok(object)
}

/// The fields of a JSON object that the reference does not name.
pub(super) fn extra<'py>(
    py: Python<'py>,
    json: &[u8],
    fields: &[&str],
) -> PyResult<Bound<'py, PyAny>> {
    let all = loads(py, json)?;
    if let Ok(dict) = all.cast::<PyDict>() {
        for field in fields {
            if dict.contains(field)? {
                dict.del_item(field)?;
            }
        }
    }
    Ok(all)
}

/// `Name(field=value, …)`, from the attributes themselves.
pub(crate) fn repr(model: &Bound<'_, PyAny>, fields: &[&str]) -> PyResult<String> {
    let mut parts = Vec::with_capacity(fields.len());
    for field in fields {
        parts.push(format!("{field}={}", model.getattr(*field)?.repr()?));
    }
    Ok(format!("{}({})", model.get_type().name()?, parts.join(", ")))
}

/// A hash that is the same for all that is equal.
pub(crate) fn hash_of(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// A table for notebooks, made by `revrag._html`.
pub(crate) fn html<'py>(model: &Bound<'py, PyAny>, fields: &[&str]) -> PyResult<Bound<'py, PyAny>> {
    process::import(model.py(), "revrag._html")?.call_method1("table", (model, fields.to_vec()))
}

/// The JSON text of what `from_dict` was given.
pub(crate) fn json_of(data: &Bound<'_, PyAny>, argument: &str) -> PyResult<String> {
    let py = data.py();
    let refuse = |problem: String| to_pyerr(py, Error::invalid(argument, problem));
    if !data.is_instance_of::<PyDict>() {
        return Err(refuse(format!("it must be a dict, not {}", type_name(data))));
    }
    let kwargs = [("ensure_ascii", true)].into_py_dict(py)?;
    let text = py.import("json")?.call_method("dumps", (data,), Some(&kwargs));
    text.and_then(|text| text.extract()).map_err(|error| {
        let kind = error.get_type(py).name().map(|name| name.to_string()).unwrap_or_default();
        refuse(format!("it can't be written as JSON ({kind})"))
    })
}

macro_rules! models {
    ($($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $about:literal])* $field:ident),* $(,)? } $(+ { $($more:tt)* })?)*) => {
        $(
            $(#[doc = $doc])*
            #[pyclass(frozen, eq, subclass, module = "revrag", skip_from_py_object)]
            pub(crate) struct $name {
                document: Document<model::$name>,
                kept: PyOnceLock<Py<PyDict>>,
            }

            impl PartialEq for $name {
                fn eq(&self, other: &Self) -> bool {
                    self.document == other.document
                }
            }

            impl From<Document<model::$name>> for $name {
                fn from(document: Document<model::$name>) -> Self {
                    Self { document, kept: PyOnceLock::new() }
                }
            }

            impl Shown for model::$name {
                const NAME: &'static str = stringify!($name);
                type Class = $name;
            }

            #[pymethods]
            #[allow(clippy::wrong_self_convention, reason = "the API calls a field from_number")]
            impl $name {
                $(
                    $(#[doc = $about])*
                    #[getter]
                    fn $field<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                        const NAME: &str = stringify!($field);
                        const AT: usize = place(<model::$name as Model>::FIELDS, NAME);
                        field(py, &self.kept, (AT, NAME), &self.document, |view| &view.$field)
                    }
                )*

                $($($more)*)?

                /// dict[str, Any]: The fields that the reference does not name.
                #[getter]
                pub(super) fn extra<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                    keep(py, &self.kept, "extra", || {
                        extra(py, self.document.json(), <model::$name as Model>::FIELDS)
                    })
                }

                /// The JSON this was read from, as a new dict.
                fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                    loads(py, self.document.json())
                }

                /// Make one from its JSON as a dict.
                ///
                /// Args:
                ///     data (dict[str, Any]): The documented fields, and any others.
                ///
                /// Raises:
                ///     InvalidArgumentError: The dict is not what the API documents.
                #[classmethod]
                fn from_dict(class: &Bound<'_, PyType>, data: &Bound<'_, PyAny>) -> PyResult<Self> {
                    let json = json_of(data, stringify!($name))?;
                    let document = Document::parse(json.as_bytes()).map_err(|error| {
                        let at = stringify!($name);
                        to_pyerr(class.py(), Error::invalid(at, error.to_string()))
                    })?;
                    Ok(Self::from(document))
                }

                fn __hash__(&self) -> u64 {
                    hash_of(&self.document)
                }

                fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
                    repr(slf.as_any(), <model::$name as Model>::FIELDS)
                }

                fn _repr_html_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
                    html(slf.as_any(), <model::$name as Model>::FIELDS)
                }

                fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
                    let make = slf.get_type().getattr("from_dict")?;
                    (make, (slf.get().to_dict(slf.py())?,)).into_bound_py_any(slf.py())
                }
            }
        )*

        /// Adds the classes to the module.
        pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
            $(module.add_class::<$name>()?;)*
            Ok(())
        }
    };
}

pub(super) use models;
