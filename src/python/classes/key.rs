//! `revrag.row_key`.

use pyo3::IntoPyObjectExt as _;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use revrag::key::{self, RowKey};

/// The name and the key of the row that a session id is the token of.
///
/// An upload with `key=` sends each row under `<name>:<key>`, and the service returns it as the
/// `app_session_id` of the record, of its calls and of their webhooks: this leads back to the row.
///
/// Args:
///     app_session_id (str | None): A session id.
///
/// Returns:
///     tuple[str | None, str | tuple[str, ...] | None] | None: The upload's `name`, and what stands
///         in its key column, or in each of several. None where the id is no such token: another's,
///         or one of the caller's own. The key is None where the token has a digest in its place,
///         being longer than 100 bytes otherwise.
///
/// Example:
///     >>> revrag.row_key("diwali-2026:17")
///     ('diwali-2026', '17')
///     >>> revrag.row_key(":north:17")
///     (None, ('north', '17'))
#[pyfunction]
pub(crate) fn row_key<'py>(
    py: Python<'py>,
    app_session_id: Option<&str>,
) -> PyResult<Option<Bound<'py, PyTuple>>> {
    let Some(RowKey { name, key }) = app_session_id.and_then(key::row_key) else {
        return Ok(None);
    };
    let key = match key {
        Some(parts) => match <[String; 1]>::try_from(parts) {
            Ok([only]) => only.into_bound_py_any(py)?,
            Err(parts) => PyTuple::new(py, parts)?.into_any(),
        },
        None => py.None().into_bound(py),
    };
    (name, key).into_pyobject(py).map(Some)
}
