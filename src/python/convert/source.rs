//! What can be uploaded, told apart by what it offers.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyList, PyString, PyTuple};

use crate::convert::errors::to_pyerr;
use crate::convert::input::is_mapping;
use crate::convert::json::type_name;
use crate::convert::rows::{Attached, Kind, Pull, PythonRows, Raised, Roles, Side, table};
use crate::ground::observe::{Say, Word};
use crate::ground::process;
use revrag::Error;
use revrag::bulk::source::{self, Block, Format, Input, Open, Source, SourceError};

/// A source as an upload takes it, and the rows that the caller's thread must read for it, where it can
/// be asked to.
pub(crate) fn input(
    object: &Bound<'_, PyAny>,
    format: Format,
    roles: Roles,
    pull: Option<&Say>,
    raised: &Raised,
) -> PyResult<(Input, Option<PythonRows>)> {
    let py = object.py();
    let refuse = |problem: String| to_pyerr(py, Error::invalid("source", problem));
    if let Some(path) = path(object)? {
        let open: Open = Arc::new(move || Ok(source::open(&path, &format)?));
        return Ok((Input { open, repeatable: true }, None));
    }
    for (option, given) in [
        ("delimiter", format.delimiter.is_some()),
        ("encoding", format.encoding.is_some()),
        ("sheet", format.sheet.is_some()),
    ] {
        if given {
            let problem =
                format!("it is for files, and the source is of type {}", type_name(object));
            return Err(to_pyerr(py, Error::invalid(option, problem)));
        }
    }
    if is_mapping(object)? {
        return Err(refuse("it is one record; pass a list, [record]".to_owned()));
    }
    if object.is_instance_of::<PyBytes>() || object.is_instance_of::<PyByteArray>() {
        return Err(refuse(format!(
            "it must be a table, rows or a path, not {}",
            type_name(object)
        )));
    }
    let total = total_of(object)?;
    let blocks = match type_name(object).as_str() {
        "pandas.DataFrame" => Some("pandas_blocks"),
        "polars.LazyFrame" => Some("lazy_blocks"),
        _ => None,
    };
    if let Some(blocks) = blocks {
        let blocks = process::import(py, "revrag._frames")?.getattr(blocks)?.call1((object,))?;
        return Ok(rows(
            PythonRows::new(blocks.unbind(), Kind::Blocks, roles, raised.clone()),
            true,
            total,
            (pull, Side::Source),
        ));
    }
    let frame;
    let object = match type_name(object).as_str() {
        "polars.DataFrame" => {
            frame =
                process::import(py, "revrag._frames")?.getattr("polars_table")?.call1((object,))?;
            &frame
        }
        _ => object,
    };
    if object.hasattr(intern!(py, "__arrow_c_stream__"))?
        || object.hasattr(intern!(py, "__arrow_c_array__"))?
    {
        return Ok((arrow(object, total.is_some(), raised)?, None));
    }
    if !is_iterable(object)? {
        return Err(refuse(format!(
            "it must be a data frame, an Arrow table, a path or an iterable of dicts, not {}",
            type_name(object)
        )));
    }
    let repeatable = object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>();
    let dicts = PythonRows::new(object.clone().unbind(), Kind::Dicts, roles, raised.clone());
    Ok(rows(dicts, repeatable, total, (pull, Side::Source)))
}

/// How many rows it says it has, if it does.
fn total_of(object: &Bound<'_, PyAny>) -> PyResult<Option<u64>> {
    match object.len() {
        Ok(rows) => Ok(Some(rows as u64)),
        Err(error) if error.is_instance_of::<PyException>(object.py()) => Ok(None),
        // Ctrl-C, while it was counted.
        Err(error) => Err(error),
    }
}

/// Whether it can be iterated over. What has an `__iter__` is not tried: an iterator may be a query, and what
/// that raises is told by the upload.
pub(super) fn is_iterable(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let iterable = process::import(object.py(), "collections.abc")?.getattr("Iterable")?;
    Ok(object.is_instance(&iterable)? || object.try_iter().is_ok())
}

pub(crate) fn path(object: &Bound<'_, PyAny>) -> PyResult<Option<PathBuf>> {
    let is_path = object.is_instance_of::<PyString>()
        || object.hasattr(intern!(object.py(), "__fspath__"))?;
    if is_path { object.extract().map(Some) } else { Ok(None) }
}

pub(super) fn rows(
    rows: PythonRows,
    repeatable: bool,
    total: Option<u64>,
    (pull, side): (Option<&Say>, Side),
) -> (Input, Option<PythonRows>) {
    if let Some(say) = pull {
        let say = say.clone();
        let open: Open =
            Arc::new(
                move || Ok(Box::new(Pulled::new(say.clone(), side, total)) as Box<dyn Source>),
            );
        return (Input { open, repeatable }, Some(rows));
    }
    let rows = Arc::new(rows);
    let open: Open =
        Arc::new(move || Ok(Box::new(Attached::new(rows.clone(), total)) as Box<dyn Source>));
    (Input { open, repeatable }, None)
}

/// An Arrow table. A stream can be read once: it is taken here.
pub(super) fn arrow(
    object: &Bound<'_, PyAny>,
    repeatable: bool,
    raised: &Raised,
) -> PyResult<Input> {
    let first =
        std::sync::Mutex::new(Some(table(object).map_err(|error| not_a_table(object, error))?));
    let (object, raised) = (object.clone().unbind(), raised.clone());
    let open: Open = Arc::new(move || {
        let taken = first.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(first) = taken {
            return Ok(Box::new(first) as Box<dyn Source>);
        }
        let again = Python::try_attach(|py| table(object.bind(py))).transpose();
        match again {
            Ok(Some(table)) => Ok(Box::new(table) as Box<dyn Source>),
            Ok(None) => Err(SourceError::at_row(0, "the interpreter has ended")),
            Err(error) => {
                *raised.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error);
                Err(SourceError::Raised { row: 0 })
            }
        }
    });
    Ok(Input { open, repeatable })
}

fn not_a_table(object: &Bound<'_, PyAny>, error: PyErr) -> PyErr {
    let py = object.py();
    let problem = format!("{} can't be read as an Arrow table", type_name(object));
    let refused = to_pyerr(py, Error::invalid("source", problem));
    refused.set_cause(py, Some(error));
    refused
}

/// Rows that are read in the thread of the caller, which waits for the upload.
struct Pulled {
    say: Say,
    side: Side,
    begun: bool,
    total: Option<u64>,
}

impl Pulled {
    fn new(say: Say, side: Side, total: Option<u64>) -> Self {
        Self { say, side, begun: false, total }
    }
}

impl Source for Pulled {
    fn is_uniform(&self) -> bool {
        false
    }

    fn total(&self) -> Option<u64> {
        self.total
    }

    fn next(&mut self) -> Result<Option<Block>, SourceError> {
        let (pull, answer) = Pull::new(self.side, !std::mem::replace(&mut self.begun, true));
        (self.say)(Word::Pull(pull));
        // The caller is gone, and the upload with it.
        answer.recv().unwrap_or(Ok(None))
    }
}
