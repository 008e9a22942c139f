//! What columns of a type can be.

use arrow_schema::{DataType, Field};
use serde_json::Value;

use crate::{Error, Result};

/// Types that are more than what they are stored as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Extension {
    /// A UUID, in 16 bytes.
    Uuid,
    /// A boolean, in a byte.
    Bool8,
    /// A month of pandas', counted from January 1970.
    Month,
    /// A year, counted from 1970.
    Year,
    /// A day, counted from the first of 1970.
    Day,
    /// A period of pandas' of another length.
    Period,
}

/// What a column is beyond its storage.
pub(in super::super) fn extension(field: &Field) -> Option<Extension> {
    match (field.extension_type_name()?, field.data_type()) {
        ("arrow.uuid", DataType::FixedSizeBinary(16)) => Some(Extension::Uuid),
        ("arrow.bool8", DataType::Int8) => Some(Extension::Bool8),
        ("pandas.period", DataType::Int64) => {
            let metadata = field.extension_type_metadata().unwrap_or_default();
            let metadata: Value = serde_json::from_str(metadata).unwrap_or_default();
            let frequency = metadata["freq"].as_str().unwrap_or_default();
            Some(match frequency.split('-').next().unwrap_or_default() {
                "M" | "ME" => Extension::Month,
                "A" | "Y" | "YE" => Extension::Year,
                "D" => Extension::Day,
                _ => Extension::Period,
            })
        }
        _ => None,
    }
}

/// The type that a column's dictionary or runs pack.
fn unpacked(kind: &DataType) -> &DataType {
    match kind {
        DataType::Dictionary(_, values) => values,
        DataType::RunEndEncoded(_, values) => values.data_type(),
        other => other,
    }
}

/// Whether a column holds phone numbers or ids, by its type.
pub(in super::super) fn holds_identifiers(field: &Field) -> bool {
    let inner = unpacked(field.data_type());
    extension(field).is_none()
        && (inner.is_integer()
            || inner.is_floating()
            || inner.is_string()
            || inner.is_null()
            || inner.is_decimal())
}

pub(super) fn check_identifiers(field: &Field, role: &str) -> Result<()> {
    let is_id = role != "phone_number" && extension(field) == Some(Extension::Uuid);
    if is_id || holds_identifiers(field) {
        return Ok(());
    }
    let name = field.extension_type_name().map(str::to_owned);
    let kind = name.unwrap_or_else(|| unpacked(field.data_type()).to_string());
    Err(Error::invalid(
        role,
        format!("the column {:?} holds {kind}, and text or integers are needed", field.name()),
    ))
}

pub(super) fn holds_objects(kind: &DataType) -> bool {
    matches!(kind, DataType::Struct(_) | DataType::Map(..))
}

/// Why a column of this type can't be sent, if it can't.
pub(super) fn unsendable(field: &Field) -> Option<String> {
    match extension(field) {
        Some(Extension::Period) => {
            return Some(
                "it holds pandas periods of an odd length; convert them to text".to_owned(),
            );
        }
        Some(_) => return None,
        None => {}
    }
    match field.data_type() {
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => {
            Some("it holds binary data, which JSON can't carry; decode it to text".to_owned())
        }
        DataType::Duration(_) | DataType::Interval(_) => Some(
            "it holds durations, which JSON has no form for; convert them to a number of seconds"
                .to_owned(),
        ),
        DataType::Union(..) => Some("it holds a union of types".to_owned()),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _) => unsendable(field),
        DataType::Struct(fields) => fields.iter().find_map(|field| {
            unsendable(field).map(|problem| format!("{:?} in it: {problem}", field.name()))
        }),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => {
                if !fields[0].data_type().is_string() {
                    return Some("it holds maps whose keys are no text".to_owned());
                }
                unsendable(&fields[1])
            }
            _ => Some("it holds maps of an unknown form".to_owned()),
        },
        DataType::Dictionary(_, values) => {
            unsendable(&Field::new(field.name(), (**values).clone(), true))
        }
        DataType::RunEndEncoded(_, values) => unsendable(values),
        _ => None,
    }
}
