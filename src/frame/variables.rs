//! JSON objects as a column: their text, a map, or a struct.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int64Builder, MapBuilder, StringBuilder,
};
use arrow_array::{ArrayRef, StructArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{ArrowError, DataType, Field, Fields};
use serde_json::Value;

use super::columns::json_text;
use crate::model::Object;
use crate::model::json::{Scanner, value};

/// How objects become a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variables {
    /// Their JSON text.
    Json,
    /// A map from name to text; what is no text is its JSON, and null is null.
    Map,
    /// A struct with these fields.
    Struct(Vec<(String, Kind)>),
}

/// The type of a struct's field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing but null was seen.
    Null,
    /// `true` and `false`.
    Bool,
    /// Integers of 64 bits.
    Int,
    /// Numbers.
    Float,
    /// Texts; what is none is its JSON.
    Text,
}

impl Kind {
    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Bool,
            Value::Number(number) if number.is_i64() => Self::Int,
            Value::Number(_) => Self::Float,
            _ => Self::Text,
        }
    }

    /// The type that holds what both hold.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Null, kind) | (kind, Self::Null) => kind,
            (Self::Int | Self::Float, Self::Int | Self::Float) => Self::Float,
            _ => Self::Text,
        }
    }
}

impl Variables {
    /// The struct that holds all of these objects.
    pub fn struct_of<'o>(objects: impl Iterator<Item = &'o Object>) -> Self {
        let mut fields: Vec<(String, Kind)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for object in objects {
            for (name, value) in entries(object) {
                let kind = Kind::of(&value);
                let at = *places.entry(name).or_insert_with_key(|name: &String| {
                    fields.push((name.clone(), Kind::Null));
                    fields.len() - 1
                });
                if let Some((_, known)) = fields.get_mut(at) {
                    *known = known.and(kind);
                }
            }
        }
        Self::Struct(fields)
    }

    pub(super) fn array(&self, objects: &[Option<Object>]) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Json => {
                let mut made = StringBuilder::new();
                for object in objects {
                    made.append_option(object.as_ref().map(|object| json_text(&object.0)));
                }
                Ok(Arc::new(made.finish()))
            }
            Self::Map => {
                let mut made = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
                for object in objects {
                    for (name, value) in object.iter().flat_map(entries) {
                        made.keys().append_value(name);
                        made.values().append_option(text(value));
                    }
                    made.append(object.is_some())?;
                }
                Ok(Arc::new(made.finish()))
            }
            Self::Struct(fields) => of_structs(fields, objects),
        }
    }
}

/// The entries of an object; of a name that comes twice, the last value counts.
fn entries(object: &Object) -> impl Iterator<Item = (String, Value)> + use<> {
    let read = value(&mut Scanner::new(object.0.text()));
    let map = match read {
        Ok((Value::Object(map), _)) => map,
        _ => serde_json::Map::new(),
    };
    map.into_iter()
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

fn of_structs(
    fields: &[(String, Kind)],
    objects: &[Option<Object>],
) -> Result<ArrayRef, ArrowError> {
    let mut rows: Vec<serde_json::Map<String, Value>> =
        objects.iter().map(|object| object.iter().flat_map(entries).collect()).collect();
    let mut columns = Vec::with_capacity(fields.len());
    for (name, kind) in fields {
        let mut take = rows.iter_mut().map(|row| row.swap_remove(name).unwrap_or_default());
        let array: ArrayRef = match kind {
            Kind::Bool => {
                let mut made = BooleanBuilder::new();
                take.for_each(|value| made.append_option(value.as_bool()));
                Arc::new(made.finish())
            }
            Kind::Int => {
                let mut made = Int64Builder::new();
                take.for_each(|value| made.append_option(value.as_i64()));
                Arc::new(made.finish())
            }
            Kind::Float => {
                let mut made = Float64Builder::new();
                take.for_each(|value| made.append_option(value.as_f64()));
                Arc::new(made.finish())
            }
            Kind::Null | Kind::Text => {
                let mut made = StringBuilder::new();
                take.by_ref().for_each(|value| made.append_option(text(value)));
                Arc::new(made.finish())
            }
        };
        columns.push(array);
    }
    let types: Fields = fields
        .iter()
        .map(|(name, kind)| {
            let kind = match kind {
                Kind::Bool => DataType::Boolean,
                Kind::Int => DataType::Int64,
                Kind::Float => DataType::Float64,
                Kind::Null | Kind::Text => DataType::Utf8,
            };
            Field::new(name, kind, true)
        })
        .collect();
    let nulls: NullBuffer = objects.iter().map(Option::is_some).collect();
    let made = StructArray::try_new_with_length(types, columns, Some(nulls), objects.len())?;
    Ok(Arc::new(made))
}
