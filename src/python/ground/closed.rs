//! Classes that can't be subclassed, and say why.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

/// What stands in each class as its `__init_subclass__`.
#[pyfunction]
#[pyo3(signature = (class, **_options))]
fn refuse(class: &Bound<'_, PyType>, _options: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
    let base = class.getattr("__base__")?.getattr("__name__")?;
    Err(PyTypeError::new_err(format!(
        "revrag.{base} can't be subclassed: its methods are compiled and call each other, so what a \
         subclass overrides would not be called; keep a {base} as an attribute of a class of your own"
    )))
}

/// Closes every class of `module`.
pub(crate) fn close_all(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let refuse = wrap_pyfunction!(refuse, module)?;
    let method = py.import("builtins")?.getattr("classmethod")?.call1((refuse,))?;
    for (_, value) in module.dict() {
        if let Ok(class) = value.cast::<PyType>() {
            class.setattr("__init_subclass__", &method)?;
        }
    }
    Ok(())
}
