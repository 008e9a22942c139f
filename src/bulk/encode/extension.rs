//! Values of types that are more than what they are stored as.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow_array::cast::AsArray as _;
use arrow_array::temporal_conversions::{date32_to_datetime, date64_to_datetime};
use arrow_array::types::{Date64Type, Int8Type, Int64Type};
use arrow_array::{Array, FixedSizeBinaryArray, Int8Array, Int64Array, PrimitiveArray};
use arrow_json::Encoder;
use arrow_json::writer::NullableEncoder;
use uuid::Uuid;

use super::super::layout::Extension;
use super::json::Problems;

/// The encoder of a column of such a type; none where it can't be sent.
pub(super) fn encoder<'a>(kind: Extension, array: &'a dyn Array) -> Option<NullableEncoder<'a>> {
    let encoder: Box<dyn Encoder + 'a> = match kind {
        Extension::Uuid => Box::new(Id(array.as_fixed_size_binary())),
        Extension::Bool8 => Box::new(Flag(array.as_primitive::<Int8Type>())),
        Extension::Month | Extension::Year | Extension::Day => {
            Box::new(Period(array.as_primitive::<Int64Type>(), kind))
        }
        Extension::Period => return None,
    };
    Some(NullableEncoder::new(encoder, array.nulls().cloned()))
}

struct Id<'a>(&'a FixedSizeBinaryArray);

impl Encoder for Id<'_> {
    fn encode(&mut self, at: usize, out: &mut Vec<u8>) {
        let id = Uuid::from_slice(self.0.value(at)).unwrap_or_default();
        write(out, id);
    }
}

struct Flag<'a>(&'a Int8Array);

impl Encoder for Flag<'_> {
    fn encode(&mut self, at: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.0.value(at) == 0 { b"false" } else { b"true" });
    }
}

/// A month, a year or a day, as ISO 8601 writes it.
struct Period<'a>(&'a Int64Array, Extension);

impl Encoder for Period<'_> {
    fn encode(&mut self, at: usize, out: &mut Vec<u8>) {
        let number = self.0.value(at);
        match self.1 {
            Extension::Month => {
                let (years, month) = (number.div_euclid(12), number.rem_euclid(12) + 1);
                write(out, format_args!("{:04}-{month:02}", years.saturating_add(1970)));
            }
            Extension::Year => write(out, format_args!("{:04}", number.saturating_add(1970))),
            _ => match i32::try_from(number).ok().and_then(date32_to_datetime) {
                Some(day) => write(out, day.date()),
                None => out.extend_from_slice(b"null"),
            },
        }
    }
}

/// The days of a column that counts their milliseconds.
pub(super) struct Day<'a>(pub(super) &'a PrimitiveArray<Date64Type>, pub(super) Arc<Problems>);

impl Encoder for Day<'_> {
    fn encode(&mut self, at: usize, out: &mut Vec<u8>) {
        let day = date64_to_datetime(self.0.value(at)).map(|moment| moment.date().to_string());
        // Years of more digits have a sign.
        match day.filter(|day| !day.starts_with(['+', '-'])) {
            Some(day) => write(out, day),
            None => self.1.moment.store(true, Ordering::Relaxed),
        }
    }
}

fn write(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    let written = write!(out, "\"{value}\"");
    debug_assert!(written.is_ok(), "memory takes every text");
}
