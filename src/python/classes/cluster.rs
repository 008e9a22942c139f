//! What the writers for clusters take of the core.

use std::sync::PoisonError;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::convert::errors::to_pyerr;
use crate::convert::exclude;
use crate::convert::rows::Raised;
use revrag::bulk;
use revrag::bulk::source::SourceError;
use revrag::error::Error;
use revrag::key::{self, Tokens};

/// The tokens of keys that a report tells, for the writers of clusters.
#[pyfunction]
#[pyo3(signature = (name, keys, *, is_joined))]
pub(crate) fn row_tokens(
    py: Python<'_>,
    name: Option<&str>,
    keys: Vec<String>,
    is_joined: bool,
) -> PyResult<Vec<String>> {
    let tokens = Tokens::of(name).map_err(|error| to_pyerr(py, error))?;
    let token = |key: String| {
        if !is_joined {
            return Ok(tokens.token([key.as_str()]));
        }
        let Some(parts) = key::parted(&key) else {
            return Err(Error::invalid("keys", "one is not that of several columns"));
        };
        Ok(tokens.token(parts.iter().map(String::as_str)))
    };
    keys.into_iter().map(token).collect::<Result<_, _>>().map_err(|error| to_pyerr(py, error))
}

/// What all tokens of a name begin with.
#[pyfunction]
pub(crate) fn token_prefix(py: Python<'_>, name: Option<&str>) -> PyResult<String> {
    let tokens = Tokens::of(name).map_err(|error| to_pyerr(py, error))?;
    Ok(tokens.prefix().to_owned())
}

/// Whether a session id is one that an upload gives to a row, of this prefix or of any other.
#[pyfunction]
pub(crate) fn is_row_token(app_session_id: &str, prefix: &str) -> bool {
    key::is_given(app_session_id, Some(prefix))
}

/// The numbers that an upload's `exclude` holds: the digits of each in E.164, in order.
#[pyfunction]
#[pyo3(signature = (exclude, *, phone_number, region))]
pub(crate) fn excluded_numbers(
    exclude: &Bound<'_, PyAny>,
    phone_number: &str,
    region: Option<&str>,
) -> PyResult<Vec<u64>> {
    let py = exclude.py();
    let raised = Raised::default();
    let (input, _) = exclude::input(exclude, phone_number, None, &raised)?;
    py.detach(|| bulk::excluded_numbers(&input, phone_number, region)).map_err(
        |error| match error {
            SourceError::Unreadable(error) => to_pyerr(py, error),
            SourceError::Raised { .. } => raised
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take()
                .unwrap_or_else(|| PyTypeError::new_err(error.to_string())),
        },
    )
}
