//! Numbers that are not to be called, from whatever holds numbers.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchIterator};
use arrow_schema::{Field, Schema};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyString};
use pyo3_arrow::input::{AnyArray, AnyRecordBatch};

use crate::convert::errors::to_pyerr;
use crate::convert::input::is_mapping;
use crate::convert::json::type_name;
use crate::convert::rows::{Kind, PythonRows, Raised, Roles, Side};
use crate::convert::source::{is_iterable, path, rows};
use crate::ground::observe::Say;
use crate::ground::process;
use revrag::Error;
use revrag::bulk::source::{self, Batches, Format, Input, Open, Source};

/// What an upload reads them from, and the rows that the caller's thread must read for it. They stand in
/// `column`, where there are columns.
pub(crate) fn input(
    object: &Bound<'_, PyAny>,
    column: &str,
    pull: Option<&Say>,
    raised: &Raised,
) -> PyResult<(Input, Option<PythonRows>)> {
    let py = object.py();
    let refuse = |problem: String| to_pyerr(py, Error::invalid("exclude", problem));
    if let Ok(text) = object.cast::<PyString>()
        && is_number(&text.to_string_lossy())
    {
        return Err(refuse("it is one number; pass a list, [number]".to_owned()));
    }
    if let Some(path) = path(object)? {
        let format = Format { columns: vec![column.to_owned()], ..Format::default() };
        let open: Open = Arc::new(move || Ok(source::open(&path, &format)?));
        return Ok((Input { open, repeatable: true }, None));
    }
    if is_mapping(object)?
        || object.is_instance_of::<PyBytes>()
        || object.is_instance_of::<PyByteArray>()
    {
        return Err(refuse(format!(
            "it must be numbers, a table with a column of them, or a path, not {}",
            type_name(object)
        )));
    }
    let roles = || Roles { phone_number: column.to_owned(), ids: Vec::new() };
    let frames = || process::import(py, "revrag._frames");
    let total = None;
    let blocks = match type_name(object).as_str() {
        "pandas.DataFrame" => Some(frames()?.call_method1("pandas_blocks", (object,))?),
        "pandas.Series" => {
            let frame = object.call_method1("to_frame", (column,))?;
            Some(frames()?.call_method1("pandas_blocks", (frame,))?)
        }
        "polars.LazyFrame" => Some(frames()?.call_method1("lazy_blocks", (object,))?),
        _ => None,
    };
    if let Some(blocks) = blocks {
        let blocks = PythonRows::new(blocks.unbind(), Kind::Blocks, roles(), raised.clone());
        return Ok(rows(blocks, true, total, (pull, Side::Exclude)));
    }
    let table;
    let object = match type_name(object).as_str() {
        "polars.DataFrame" => {
            table = frames()?.call_method1("polars_table", (object,))?;
            &table
        }
        "polars.Series" => {
            let frame = object.call_method1("to_frame", (column,))?;
            table = frames()?.call_method1("polars_table", (frame,))?;
            &table
        }
        _ => object,
    };
    if object.hasattr(intern!(py, "__arrow_c_stream__"))?
        || object.hasattr(intern!(py, "__arrow_c_array__"))?
    {
        return arrow(object, column).map(|input| (input, None)).map_err(|error| {
            let refused = refuse(format!("{} can't be read as numbers", type_name(object)));
            refused.set_cause(py, Some(error));
            refused
        });
    }
    if !is_iterable(object)? {
        return Err(refuse(format!(
            "it must be numbers, a table with a column of them, or a path, not {}",
            type_name(object)
        )));
    }
    let numbers = PythonRows::new(object.clone().unbind(), Kind::Numbers, roles(), raised.clone());
    Ok(rows(numbers, false, total, (pull, Side::Exclude)))
}

/// Whether a text is a number rather than the name of a file.
fn is_number(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    digits >= 7 && text.chars().all(|c| c.is_ascii_digit() || "+-() ".contains(c))
}

/// An Arrow table, or one column of it.
fn arrow(object: &Bound<'_, PyAny>, column: &str) -> PyResult<Input> {
    let batches = if let Ok(table) = object.extract::<AnyRecordBatch>() {
        Batches::new(table.into_reader()?, None)
    } else {
        let array = object.extract::<AnyArray>()?.into_reader()?;
        let field = Field::new(column, array.field().data_type().clone(), true)
            .with_metadata(array.field().metadata().clone());
        let schema = Arc::new(Schema::new(vec![field]));
        let known = schema.clone();
        let batches = array.map(move |array| RecordBatch::try_new(known.clone(), vec![array?]));
        Batches::new(Box::new(RecordBatchIterator::new(batches, schema)), None)
    };
    let taken = std::sync::Mutex::new(Some(batches));
    let open: Open = Arc::new(move || {
        let taken = taken.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        // It is opened once.
        let batches = taken.ok_or_else(|| Error::invalid("exclude", "it was read before"))?;
        Ok(Box::new(batches) as Box<dyn Source>)
    });
    Ok(Input { open, repeatable: false })
}
