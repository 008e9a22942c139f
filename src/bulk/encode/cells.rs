//! Columns that hold phone numbers or ids.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Float64Type, Int64Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, Float32Array, Float64Array, Int64Array, LargeStringArray, StringArray,
    StringViewArray, UInt64Array,
};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field};
use uuid::Uuid;

use super::super::layout::{Extension, extension};
use crate::phone::Cell;

/// A column, cell by cell.
pub(super) enum Cells {
    Text(StringArray),
    Large(LargeStringArray),
    View(StringViewArray),
    Signed(Int64Array),
    Unsigned(UInt64Array),
    Float(Float64Array),
    Single(Float32Array),
    /// In digits.
    Decimal(StringArray),
    Nothing,
}

impl Cells {
    /// The cells of a column that holds text, numbers or UUIDs.
    pub(super) fn of(field: &Field, array: &ArrayRef) -> Result<Self, ArrowError> {
        use DataType as T;
        if extension(field) == Some(Extension::Uuid) {
            let bytes = array.as_fixed_size_binary().iter();
            let text = |bytes: &[u8]| Uuid::from_slice(bytes).ok().map(|id| id.to_string());
            return Ok(Self::Text(bytes.map(|bytes| bytes.and_then(text)).collect()));
        }
        let array = plain(array)?;
        let to = |kind: &DataType| cast(&array, kind);
        Ok(match array.data_type() {
            T::Utf8 => Self::Text(array.as_string::<i32>().clone()),
            T::LargeUtf8 => Self::Large(array.as_string::<i64>().clone()),
            T::Utf8View => Self::View(array.as_string_view().clone()),
            T::Int8 | T::Int16 | T::Int32 | T::Int64 => {
                Self::Signed(to(&T::Int64)?.as_primitive::<Int64Type>().clone())
            }
            T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64 => {
                Self::Unsigned(to(&T::UInt64)?.as_primitive::<UInt64Type>().clone())
            }
            T::Float16 | T::Float32 => {
                Self::Single(to(&T::Float32)?.as_primitive::<Float32Type>().clone())
            }
            T::Float64 => Self::Float(array.as_primitive::<Float64Type>().clone()),
            T::Null => Self::Nothing,
            kind if kind.is_decimal() => Self::Decimal(to(&T::Utf8)?.as_string::<i32>().clone()),
            _ => Self::Text(to(&T::Utf8)?.as_string::<i32>().clone()),
        })
    }

    /// What stands in a row.
    #[inline]
    pub(super) fn at(&self, row: usize) -> Cell<'_> {
        match self {
            Self::Text(array) if array.is_valid(row) => Cell::Text(array.value(row).into()),
            Self::Large(array) if array.is_valid(row) => Cell::Text(array.value(row).into()),
            Self::View(array) if array.is_valid(row) => Cell::Text(array.value(row).into()),
            Self::Signed(array) if array.is_valid(row) => Cell::Integer(array.value(row).into()),
            Self::Unsigned(array) if array.is_valid(row) => Cell::Integer(array.value(row).into()),
            Self::Float(array) if array.is_valid(row) => Cell::Float(array.value(row)),
            Self::Single(array) if array.is_valid(row) => Cell::Single(array.value(row)),
            Self::Decimal(array) if array.is_valid(row) => Cell::Decimal(array.value(row).into()),
            _ => Cell::Missing,
        }
    }
}

/// The column without the dictionary or the runs that it is packed in.
pub(in super::super) fn plain(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match array.data_type() {
        DataType::Dictionary(_, values) => cast(array, values),
        DataType::RunEndEncoded(_, values) => cast(array, values.data_type()),
        _ => Ok(array.clone()),
    }
}
