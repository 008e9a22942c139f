//! Rows that come as columns.

use std::borrow::Cow;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_json::writer::NullableEncoder;
use arrow_schema::{ArrowError, DataType, FieldRef};
use serde_json::{Map, Value};

use super::super::layout::{Layout, VariableColumns};
use super::super::options::Content;
use super::cells::{Cells, plain};
use super::json::Style;
use super::{Encoder, Ids, Part, Rows, at, identifier, is_empty, write_text};
use crate::phone::Checker;
use crate::{Error, Result};

impl Encoder {
    pub(super) fn batch(
        &self,
        batch: &RecordBatch,
        first_row: u64,
        checker: Option<&Checker>,
    ) -> Result<Rows> {
        let layout = Layout::of(&batch.schema(), &self.content)?;
        let schema = batch.schema();
        let name = |column: usize| schema.field(column).name().as_str();
        let cells = |column: usize| {
            Cells::of(schema.field(column), batch.column(column))
                .map_err(|error| unreadable(name(column), &error))
        };
        let phone = cells(layout.phone_number)?;
        let ids = |column: Option<usize>| -> Result<_> {
            column.map(|at| Ok((cells(at)?, name(at)))).transpose()
        };
        let (user, session) = (ids(layout.app_user_id)?, ids(layout.app_session_id)?);
        let keys = layout.key.iter().map(|at| ids(Some(*at)).map(|cells| (*at, cells)));
        let keys = keys.collect::<Result<Vec<_>>>()?;
        let style = Style::new();
        let columns = Variables::columns(batch, &layout.variables)?;
        let mut variables = Variables::of(&style, &columns, &self.content)?;
        let mut rows = Rows::expecting(batch.num_rows());
        let mut key = Vec::with_capacity(keys.len());
        for index in 0..batch.num_rows() {
            let row = first_row + index as u64;
            let id = |cells: &Option<(Cells, &str)>| match cells {
                Some((cells, column)) => {
                    identifier(cells.at(index), row, column).map(|id| id.map(Cow::into_owned))
                }
                None => Ok(None),
            };
            let start = rows.json().len();
            let mut encode = || {
                key.clear();
                for (at, cells) in &keys {
                    key.push(match cells {
                        _ if *at == layout.phone_number => Part::Number,
                        Some((cells, column)) => Part::of(cells.at(index), row, column)?,
                        None => Part::Missing,
                    });
                }
                let ids = Ids {
                    user: id(&user)?.map(Into::into),
                    session: id(&session)?.map(Into::into),
                    key: &key,
                };
                self.row(&mut rows, row, phone.at(index), checker, ids, |out| {
                    variables.write(index, row, out)
                })
            };
            if let Err(error) = encode() {
                self.unencoded(&mut rows, (phone.at(index), checker), start, error)?;
            }
        }
        Ok(rows)
    }
}

fn unreadable(column: &str, error: &ArrowError) -> Error {
    Error::invalid(format!("column {column:?}"), error.to_string())
}

/// A column of variables, unpacked.
struct Column {
    name: String,
    field: FieldRef,
    array: ArrayRef,
    /// The column of objects that it is a field of: where that is null, so is this.
    parent: Option<ArrayRef>,
    /// Whether its keys are the variables.
    is_object: bool,
}

/// The variables of a batch, ready to be written.
struct Variables<'a> {
    style: &'a Style,
    each: Vec<Variable<'a>>,
    /// Whether the one column holds maps, whose keys are the variables.
    is_map: bool,
    required: &'a [String],
    absent: Option<&'a String>,
}

struct Variable<'a> {
    name: &'a str,
    /// `"name":`
    key: Vec<u8>,
    encoder: NullableEncoder<'a>,
    /// Whether a row must be asked for.
    has_nulls: bool,
    parent: Option<&'a ArrayRef>,
    required: bool,
}

impl<'a> Variables<'a> {
    fn columns(batch: &RecordBatch, columns: &VariableColumns) -> Result<Vec<Column>> {
        let column = |name: &str, field: &FieldRef, array: &ArrayRef, parent: Option<&ArrayRef>| {
            let array = plain(array).map_err(|error| unreadable(name, &error))?;
            Ok(Column {
                name: name.to_owned(),
                field: field.clone(),
                array,
                parent: parent.cloned(),
                is_object: false,
            })
        };
        let schema = batch.schema_ref();
        match columns {
            VariableColumns::Each(columns) => columns
                .iter()
                .map(|(name, at)| column(name, &schema.fields()[*at], batch.column(*at), None))
                .collect(),
            VariableColumns::Object(at) => {
                let (field, array) = (&schema.fields()[*at], batch.column(*at));
                if let DataType::Struct(fields) = array.data_type() {
                    let inner = fields.iter().zip(array.as_struct().columns());
                    let column = |(field, inner): (&FieldRef, &ArrayRef)| {
                        column(field.name(), field, inner, Some(array))
                    };
                    return inner.map(column).collect();
                }
                let map = column(field.name(), field, array, None)?;
                Ok(vec![Column { is_object: true, ..map }])
            }
        }
    }

    fn of(style: &'a Style, columns: &'a [Column], content: &'a Content) -> Result<Self> {
        let is_map = matches!(columns, [only] if only.is_object)
            && content.variables == super::super::options::Variables::Found;
        let each = columns
            .iter()
            // A column of nothing has nothing to write.
            .filter(|column| column.array.data_type() != &DataType::Null)
            .map(|column| {
                let mut key = Vec::new();
                write_text(&mut key, &column.name);
                key.push(b':');
                let encoder = style
                    .encoder(&column.field, &*column.array)
                    .map_err(|error| unreadable(&column.name, &error))?;
                let required = content.required.contains(&column.name);
                let (has_nulls, parent) = (encoder.has_nulls(), column.parent.as_ref());
                Ok(Variable { name: &column.name, key, encoder, has_nulls, parent, required })
            })
            .collect::<Result<Vec<_>>>()?;
        let absent = content
            .required
            .iter()
            .find(|name| !is_map && !each.iter().any(|variable| variable.name == name.as_str()));
        Ok(Self { style, each, is_map, required: &content.required, absent })
    }

    /// Writes the variables of a row, without the braces around them; or returns the name of one
    /// that is required and not there.
    #[inline]
    fn write(&mut self, index: usize, row: u64, out: &mut Vec<u8>) -> Result<Option<String>> {
        if self.is_map {
            return self.write_map(index, row, out);
        }
        if let Some(absent) = self.absent {
            return Ok(Some(absent.clone()));
        }
        let start = out.len();
        for variable in &mut self.each {
            let is_null = variable.has_nulls && variable.encoder.is_null(index)
                || variable.parent.is_some_and(|parent| parent.is_null(index));
            if is_null {
                if variable.required {
                    return Ok(Some(variable.name.to_owned()));
                }
                continue;
            }
            if out.len() > start {
                out.push(b',');
            }
            out.extend_from_slice(&variable.key);
            let value = out.len();
            variable.encoder.encode(index, out);
            if variable.required && is_empty(&out[value..]) {
                return Ok(Some(variable.name.to_owned()));
            }
            if let Some(problem) = self.style.problem() {
                return Err(Error::invalid(at(row, variable.name), problem));
            }
        }
        Ok(None)
    }

    fn write_map(&mut self, index: usize, row: u64, out: &mut Vec<u8>) -> Result<Option<String>> {
        let Some(map) = self.each.first_mut() else { return Ok(self.required.first().cloned()) };
        if map.encoder.is_null(index) {
            return Ok(self.required.first().cloned());
        }
        let mut json = Vec::new();
        map.encoder.encode(index, &mut json);
        if let Some(problem) = self.style.problem() {
            return Err(Error::invalid(at(row, map.name), problem));
        }
        if !self.required.is_empty() {
            let object: Map<String, Value> = serde_json::from_slice(&json)
                .map_err(|error| Error::invalid(at(row, map.name), error.to_string()))?;
            let there = |name: &&String| {
                object.get(*name).is_some_and(|value| !is_empty(value.to_string().as_bytes()))
            };
            if let Some(name) = self.required.iter().find(|name| !there(name)) {
                return Ok(Some(name.clone()));
            }
        }
        out.extend_from_slice(&json[1..json.len() - 1]);
        Ok(None)
    }
}
