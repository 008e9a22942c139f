//! The types of columns whose rows come in several: dicts, lines of JSON, slices of a frame. Pure.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, UInt64Builder,
};
use arrow_array::{ArrayRef, ListArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, DataType, Field, Fields};
use serde_json::Value;

/// Up to which integers a floating point number holds each.
const EXACT: u64 = 1 << 53;

/// What the values of a column have in common.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// There was none but null.
    Nothing,
    Bool,
    /// Integers; whether a floating point number would lose digits of one.
    Int {
        is_large: bool,
    },
    /// Integers beyond 63 bits, none of them negative.
    Unsigned,
    Float,
    Text,
    List(Box<Shape>),
    Object(Vec<(String, Shape)>),
    /// A type of Arrow's own.
    Arrow(DataType),
    /// Several: as text, what is no text as its JSON.
    Mixed,
}

impl Shape {
    /// What a value is.
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Bool(_) => Self::Bool,
            Value::String(_) => Self::Text,
            Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(number), _) => Self::Int { is_large: number.unsigned_abs() > EXACT },
                (None, Some(_)) => Self::Unsigned,
                _ => Self::Float,
            },
            Value::Array(items) => {
                let inner = items.iter().map(Self::of).fold(Self::Nothing, Self::with);
                Self::List(Box::new(inner))
            }
            Value::Object(fields) => Self::Object(
                fields.iter().map(|(name, value)| (name.clone(), Self::of(value))).collect(),
            ),
        }
    }

    /// What a column of Arrow's is.
    pub(super) fn of_type(kind: &DataType) -> Self {
        match kind {
            DataType::Null => Self::Nothing,
            other => Self::Arrow(other.clone()),
        }
    }

    /// What two have in common.
    pub(super) fn with(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Nothing, other) | (other, Self::Nothing) => other,
            (Self::Int { is_large: one }, Self::Int { is_large: other }) => {
                Self::Int { is_large: one || other }
            }
            (Self::Int { is_large: false }, Self::Float)
            | (Self::Float, Self::Int { is_large: false }) => Self::Float,
            (Self::List(one), Self::List(other)) => Self::List(Box::new(one.with(*other))),
            (Self::Object(mut one), Self::Object(other)) => {
                for (name, shape) in other {
                    match one.iter_mut().find(|(known, _)| *known == name) {
                        Some((_, known)) => {
                            let before = std::mem::replace(known, Self::Nothing);
                            *known = before.with(shape);
                        }
                        None => one.push((name, shape)),
                    }
                }
                Self::Object(one)
            }
            (Self::Arrow(one), Self::Arrow(other)) => Self::Arrow(one).plain(Self::Arrow(other)),
            (Self::Arrow(one), other) | (other, Self::Arrow(one)) => Self::Arrow(one).plain(other),
            _ => Self::Mixed,
        }
    }

    /// The same where at least one is Arrow's and they differ.
    fn plain(self, other: Self) -> Self {
        match (self.known(), other.known()) {
            (Some(one), Some(other)) => one.with(other),
            _ => Self::Mixed,
        }
    }

    fn known(self) -> Option<Self> {
        match self {
            Self::Arrow(kind) => Some(match kind {
                DataType::Boolean => Self::Bool,
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
                DataType::Float16 | DataType::Float32 | DataType::Float64 => Self::Float,
                kind if kind.is_integer() && kind != DataType::UInt64 => {
                    let is_large = matches!(kind, DataType::Int64);
                    Self::Int { is_large }
                }
                _ => return None,
            }),
            other => Some(other),
        }
    }

    /// The column's type.
    pub(super) fn kind(&self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int { .. } => DataType::Int64,
            Self::Unsigned => DataType::UInt64,
            Self::Float => DataType::Float64,
            Self::Nothing | Self::Text | Self::Mixed => DataType::Utf8,
            Self::List(inner) => DataType::List(Arc::new(Field::new("item", inner.kind(), true))),
            // A file has no place for an object without a field.
            Self::Object(fields) if fields.is_empty() => DataType::Utf8,
            Self::Object(fields) => DataType::Struct(
                fields.iter().map(|(name, shape)| Field::new(name, shape.kind(), true)).collect(),
            ),
            Self::Arrow(kind) => kind.clone(),
        }
    }
}

/// The column of some values, of a type that [`Shape::kind`] gave.
pub(super) fn column(values: &[Option<&Value>], kind: &DataType) -> Result<ArrayRef, ArrowError> {
    macro_rules! built {
        ($builder:ty, $read:expr) => {{
            let mut builder = <$builder>::with_capacity(values.len());
            for value in values {
                builder.append_option(value.and_then($read));
            }
            Ok(Arc::new(builder.finish()))
        }};
    }
    match kind {
        DataType::Boolean => built!(BooleanBuilder, |value: &Value| value.as_bool()),
        DataType::Int64 => built!(Int64Builder, |value: &Value| value.as_i64()),
        DataType::UInt64 => built!(UInt64Builder, |value: &Value| value.as_u64()),
        DataType::Float64 => built!(Float64Builder, |value: &Value| value.as_f64()),
        DataType::List(field) => {
            let lists = values.iter().map(|value| value.and_then(Value::as_array));
            let lengths = lists.clone().map(|list| list.map_or(0, Vec::len));
            let inner: Vec<_> = lists.clone().flatten().flatten().map(present).collect();
            let inner = column(&inner, field.data_type())?;
            let nulls = lists.map(|list| list.is_some()).collect::<NullBuffer>();
            let offsets = OffsetBuffer::from_lengths(lengths);
            Ok(Arc::new(ListArray::try_new(field.clone(), offsets, inner, Some(nulls))?))
        }
        DataType::Struct(fields) => object(values, fields),
        DataType::Utf8 => {
            let mut builder = StringBuilder::new();
            for value in values {
                match value {
                    None | Some(Value::Null) => builder.append_null(),
                    Some(Value::String(text)) => builder.append_value(text),
                    Some(other) => builder.append_value(other.to_string()),
                }
            }
            Ok(Arc::new(builder.finish()))
        }
        // A slice of a frame that came as dicts, in a column of another type.
        other => {
            let text = column(values, &DataType::Utf8)?;
            arrow_cast::cast(&text, other)
        }
    }
}

fn object(values: &[Option<&Value>], fields: &Fields) -> Result<ArrayRef, ArrowError> {
    let objects: Vec<_> = values.iter().map(|value| value.and_then(Value::as_object)).collect();
    let columns = fields.iter().map(|field| {
        let values =
            objects.iter().map(|object| object.and_then(|object| object.get(field.name())));
        let inner: Vec<_> = values.map(|value| value.and_then(present)).collect();
        column(&inner, field.data_type())
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let nulls = objects.iter().map(Option::is_some).collect::<NullBuffer>();
    Ok(Arc::new(StructArray::try_new(fields.clone(), columns, Some(nulls))?))
}

fn present(value: &Value) -> Option<&Value> {
    (!value.is_null()).then_some(value)
}

#[cfg(test)]
mod tests {
    use arrow_array::Array as _;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i32>().prop_map(|n| json!(f64::from(n) / 4.0)),
            "[a-z\"é]{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[ab]", inner, 0..3)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    /// Whether one is shown in all of the other's values: nulls of objects may be left out.
    fn same(one: &Value, shown: &Value) -> bool {
        match (one, shown) {
            (Value::Object(one), Value::Object(shown)) => {
                one.iter().all(|(name, value)| same(value, shown.get(name).unwrap_or(&Value::Null)))
                    && shown.iter().all(|(name, value)| value.is_null() || one.contains_key(name))
            }
            (Value::Array(one), Value::Array(shown)) => {
                one.len() == shown.len()
                    && one.iter().zip(shown).all(|(one, shown)| same(one, shown))
            }
            (Value::Number(one), Value::Number(shown)) => one.as_f64() == shown.as_f64(),
            // As text, where a column holds several types.
            (other, Value::String(text)) if !other.is_string() => {
                serde_json::from_str::<Value>(text).is_ok_and(|read| read == *other)
            }
            (one, shown) => one == shown,
        }
    }

    proptest! {
        #[test]
        fn a_column_holds_what_it_was_made_of(values in proptest::collection::vec(any_value(), 0..9)) {
            let shape = values.iter().map(Shape::of).fold(Shape::Nothing, Shape::with);
            let kind = shape.kind();
            let given: Vec<_> = values.iter().map(present).collect();
            let array = column(&given, &kind).unwrap();
            prop_assert_eq!((array.len(), array.data_type()), (values.len(), &kind));
            let schema = arrow_schema::Schema::new(vec![Field::new("c", kind, true)]);
            let batch = arrow_array::RecordBatch::try_new(Arc::new(schema), vec![array]).unwrap();
            let mut writer = arrow_json::LineDelimitedWriter::new(Vec::new());
            writer.write(&batch).unwrap();
            writer.finish().unwrap();
            let lines = String::from_utf8(writer.into_inner()).unwrap();
            for (line, value) in lines.lines().zip(&values) {
                let line: Value = serde_json::from_str(line).unwrap();
                let shown = line.get("c").unwrap_or(&Value::Null);
                prop_assert!(same(value, shown), "{value} as {shown}");
            }
        }

        #[test]
        fn the_order_does_not_matter(one in any_value(), other in any_value()) {
            let (one, other) = (Shape::of(&one), Shape::of(&other));
            let (here, there) = (one.clone().with(other.clone()), other.with(one));
            // Fields stand in the order in which they came.
            prop_assert_eq!(matches!(here, Shape::Mixed), matches!(there, Shape::Mixed));
        }
    }
}
