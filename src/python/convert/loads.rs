//! JSON as Python objects, as Python's own `json.loads` makes them, however deep.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString};

use revrag::model::Whole;
use revrag::model::json::{Fault, Raw, Scanner, Step, Token, Walk};

/// An array or an object that is not at its end.
enum Open<'py> {
    List(Bound<'py, PyList>),
    Dict(Bound<'py, PyDict>, Option<Bound<'py, PyAny>>),
}

/// The object of a sound JSON text.
pub(crate) fn loads<'py>(py: Python<'py>, json: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let mut scanner = Scanner::new(json);
    let mut walk = Walk::new(&mut scanner);
    let mut open: Vec<Open<'py>> = Vec::new();
    let unsound = |_: Fault| pyo3::exceptions::PyValueError::new_err("the text is no JSON");
    while let Some(event) = walk.step().map_err(unsound)? {
        let object = match event {
            Step::Key(text) => {
                if let Some(Open::Dict(_, key)) = open.last_mut() {
                    *key = Some(string(py, text)?);
                }
                continue;
            }
            Step::Value(Token::Array) => {
                open.push(Open::List(PyList::empty(py)));
                continue;
            }
            Step::Value(Token::Object) => {
                open.push(Open::Dict(PyDict::new(py), None));
                continue;
            }
            Step::Value(scalar) => of_scalar(py, scalar)?,
            Step::End => match open.pop() {
                Some(Open::List(list)) => list.into_any(),
                Some(Open::Dict(dict, _)) => dict.into_any(),
                None => continue,
            },
        };
        match open.last_mut() {
            Some(Open::List(list)) => list.append(object)?,
            Some(Open::Dict(dict, key)) => {
                if let Some(key) = key.take() {
                    dict.set_item(key, object)?;
                }
            }
            None => return Ok(object),
        }
    }
    Ok(py.None().into_bound(py))
}

fn of_scalar<'py>(py: Python<'py>, token: Token<'_>) -> PyResult<Bound<'py, PyAny>> {
    match token {
        Token::Bool(flag) => Ok(PyBool::new(py, flag).to_owned().into_any()),
        Token::Text(text) => string(py, text),
        Token::Number(digits) if digits.is_integer => integer(py, digits.as_str()),
        Token::Number(digits) => Ok(PyFloat::new(py, digits.as_f64()).into_any()),
        Token::Null | Token::Array | Token::Object => Ok(py.None().into_bound(py)),
    }
}

/// An `int` of any size.
pub(crate) fn whole<'py>(py: Python<'py>, number: &Whole) -> PyResult<Bound<'py, PyAny>> {
    match number {
        Whole::Small(small) => Ok(small.into_pyobject(py)?.into_any()),
        Whole::Large(text) => py.get_type::<PyInt>().call1((&**text,)),
    }
}

fn integer<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    match text.parse::<i64>() {
        Ok(small) => Ok(small.into_pyobject(py)?.into_any()),
        Err(_) => py.get_type::<PyInt>().call1((text,)),
    }
}

/// A `str`, with half a surrogate pair as Python knows it.
fn string<'py>(py: Python<'py>, text: Raw<'_>) -> PyResult<Bound<'py, PyAny>> {
    static PASS: PyOnceLock<(Py<PyString>, Py<PyString>)> = PyOnceLock::new();
    let text = text.decoded();
    if let Ok(text) = std::str::from_utf8(&text) {
        return Ok(PyString::new(py, text).into_any());
    }
    let names =
        || (PyString::new(py, "utf-8").unbind(), PyString::new(py, "surrogatepass").unbind());
    let (encoding, errors) = PASS.get_or_init(py, names);
    PyBytes::new(py, &text).call_method1("decode", (encoding, errors))
}
