//! Columns of variables as JSON: arrow-json's encoders, but for what they say differently.
//!
//! NaN is null, a list keeps its nulls (without them the others would move), a decimal is text (read as
//! a number it would lose digits), and what JSON can't hold is a problem and not a text.

use std::io::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date64Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayAccessor, ArrowPrimitiveType, PrimitiveArray};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_json::writer::{NullableEncoder, make_encoder};
use arrow_json::{Encoder, EncoderFactory, EncoderOptions};
use arrow_schema::{ArrowError, DataType, FieldRef};
use lexical_core::{FormattedSize as _, ToLexical};

use super::super::layout::extension;
use super::extension::{self, Day};
use super::write_text;

/// How columns are written, and whether one could not be.
#[derive(Debug)]
pub(in super::super) struct Style {
    options: EncoderOptions,
    problems: Arc<Problems>,
}

/// What was met that JSON can't hold.
#[derive(Debug, Default)]
pub(super) struct Problems {
    infinity: AtomicBool,
    pub(super) moment: AtomicBool,
}

impl Style {
    pub(in super::super) fn new() -> Self {
        let problems = Arc::new(Problems::default());
        let overrides = Overrides { problems: problems.clone() };
        let options = EncoderOptions::default().with_encoder_factory(Arc::new(overrides));
        Self { options, problems }
    }

    /// The encoder of a column.
    pub(in super::super) fn encoder<'a>(
        &'a self,
        field: &'a FieldRef,
        array: &'a dyn Array,
    ) -> Result<NullableEncoder<'a>, ArrowError> {
        make_encoder(field, array, &self.options)
    }

    /// What was wrong with the values that were written since this was asked last.
    pub(super) fn problem(&self) -> Option<&'static str> {
        let met = |flag: &AtomicBool| {
            let met = flag.load(Ordering::Relaxed);
            if met {
                flag.store(false, Ordering::Relaxed);
            }
            met
        };
        if met(&self.problems.infinity) {
            return Some("infinity can't be sent as JSON");
        }
        met(&self.problems.moment).then_some("it is beyond the years 0 to 9999")
    }
}

#[derive(Debug)]
struct Overrides {
    problems: Arc<Problems>,
}

impl EncoderFactory for Overrides {
    fn make_default_encoder<'a>(
        &self,
        field: &'a FieldRef,
        array: &'a dyn Array,
        options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        if let Some(kind) = extension(field) {
            return Ok(extension::encoder(kind, array));
        }
        let encoder = match array.data_type() {
            DataType::Utf8 => text(array.as_string::<i32>()),
            DataType::LargeUtf8 => text(array.as_string::<i64>()),
            DataType::Utf8View => text(array.as_string_view()),
            DataType::Int8 => integer(array.as_primitive::<Int8Type>()),
            DataType::Int16 => integer(array.as_primitive::<Int16Type>()),
            DataType::Int32 => integer(array.as_primitive::<Int32Type>()),
            DataType::Int64 => integer(array.as_primitive::<Int64Type>()),
            DataType::UInt8 => integer(array.as_primitive::<UInt8Type>()),
            DataType::UInt16 => integer(array.as_primitive::<UInt16Type>()),
            DataType::UInt32 => integer(array.as_primitive::<UInt32Type>()),
            DataType::UInt64 => integer(array.as_primitive::<UInt64Type>()),
            DataType::Float16 => self.float(array.as_primitive::<Float16Type>(), f64::from),
            DataType::Float32 => self.float(array.as_primitive::<Float32Type>(), f64::from),
            DataType::Float64 => self.float(array.as_primitive::<Float64Type>(), f64::from),
            DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..) => {
                let formatter = ArrayFormatter::try_new(array, &FormatOptions::new())?;
                NullableEncoder::new(Box::new(Decimal(formatter)), array.nulls().cloned())
            }
            DataType::List(item) => {
                let list = array.as_list::<i32>();
                let offsets = list.value_offsets();
                let range = |at: usize| span(offsets[at], offsets[at + 1]);
                list_encoder(item, array, list.values(), range, options)?
            }
            DataType::LargeList(item) => {
                let list = array.as_list::<i64>();
                let offsets = list.value_offsets();
                let range = |at: usize| span(offsets[at], offsets[at + 1]);
                list_encoder(item, array, list.values(), range, options)?
            }
            DataType::FixedSizeList(item, _) => {
                let list = array.as_fixed_size_list();
                let size = list.value_length();
                let range = move |at: usize| {
                    let start = list.value_offset(at);
                    span(start, start + size)
                };
                list_encoder(item, array, list.values(), range, options)?
            }
            DataType::ListView(item) => {
                let list = array.as_list_view::<i32>();
                let range = |at: usize| {
                    let start = list.value_offset(at);
                    span(start, start + list.value_size(at))
                };
                list_encoder(item, array, list.values(), range, options)?
            }
            DataType::LargeListView(item) => {
                let list = array.as_list_view::<i64>();
                let range = |at: usize| {
                    let start = list.value_offset(at);
                    span(start, start + list.value_size(at))
                };
                list_encoder(item, array, list.values(), range, options)?
            }
            DataType::Map(entries, _) => {
                let DataType::Struct(fields) = entries.data_type() else { return Ok(None) };
                let map = array.as_map();
                let keys = make_encoder(&fields[0], map.keys(), options)?;
                let values = make_encoder(&fields[1], map.values(), options)?;
                let encoder = Map { offsets: map.value_offsets(), keys, values };
                NullableEncoder::new(Box::new(encoder), array.nulls().cloned())
            }
            DataType::Date64 => {
                let days = Day(array.as_primitive::<Date64Type>(), self.problems.clone());
                NullableEncoder::new(Box::new(days), array.nulls().cloned())
            }
            kind if kind.is_temporal() => {
                let formatter = ArrayFormatter::try_new(array, &FormatOptions::new())?;
                let moment = Moment { formatter, problems: self.problems.clone() };
                NullableEncoder::new(Box::new(moment), array.nulls().cloned())
            }
            _ => return Ok(None),
        };
        Ok(Some(encoder))
    }
}

impl Overrides {
    fn float<'a, T: ArrowPrimitiveType>(
        &self,
        array: &'a PrimitiveArray<T>,
        wide: fn(T::Native) -> f64,
    ) -> NullableEncoder<'a> {
        let values = array.values();
        let numbers = BooleanBuffer::collect_bool(values.len(), |at| !wide(values[at]).is_nan());
        let nulls = NullBuffer::union(array.nulls(), Some(&NullBuffer::new(numbers)));
        let single = T::DATA_TYPE != DataType::Float64;
        let encoder = Float { array, wide, single, problems: self.problems.clone() };
        NullableEncoder::new(Box::new(encoder), nulls)
    }
}

/// A column of texts.
struct Text<A>(A);

fn text<'a, A: ArrayAccessor<Item = &'a str> + 'a>(array: A) -> NullableEncoder<'a> {
    let nulls = array.nulls().cloned();
    NullableEncoder::new(Box::new(Text(array)), nulls)
}

impl<'a, A: ArrayAccessor<Item = &'a str>> Encoder for Text<A> {
    fn encode(&mut self, at: usize, out: &mut Vec<u8>) {
        write_text(out, self.0.value(at));
    }
}

/// A column of whole numbers.
struct Integer<'a, T: ArrowPrimitiveType>(&'a PrimitiveArray<T>);

fn integer<T: ArrowPrimitiveType<Native: ToLexical>>(
    array: &PrimitiveArray<T>,
) -> NullableEncoder<'_> {
    NullableEncoder::new(Box::new(Integer(array)), array.nulls().cloned())
}

impl<T: ArrowPrimitiveType<Native: ToLexical>> Encoder for Integer<'_, T> {
    fn encode(&mut self, at: usize, out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + T::Native::FORMATTED_SIZE_DECIMAL, 0);
        let length = lexical_core::write(self.0.value(at), &mut out[start..]).len();
        out.truncate(start + length);
    }
}

struct Float<'a, T: ArrowPrimitiveType> {
    array: &'a PrimitiveArray<T>,
    wide: fn(T::Native) -> f64,
    single: bool,
    problems: Arc<Problems>,
}

impl<T: ArrowPrimitiveType> Encoder for Float<'_, T> {
    fn encode(&mut self, at: usize, out: &mut Vec<u8>) {
        let number = (self.wide)(self.array.value(at));
        if number.is_infinite() {
            self.problems.infinity.store(true, Ordering::Relaxed);
        }
        // The shortest text that reads back as the same number of its own width.
        #[allow(clippy::cast_possible_truncation, reason = "it was widened above")]
        let written = if self.single {
            serde_json::to_writer(out, &(number as f32))
        } else {
            serde_json::to_writer(out, &number)
        };
        debug_assert!(written.is_ok(), "memory takes every number");
    }
}

struct Decimal<'a>(ArrayFormatter<'a>);

impl Encoder for Decimal<'_> {
    fn encode(&mut self, at: usize, out: &mut Vec<u8>) {
        let written = write!(out, "\"{}\"", self.0.value(at));
        debug_assert!(written.is_ok(), "memory takes every number");
    }
}

/// A date or a time, in the form of ISO 8601.
struct Moment<'a> {
    formatter: ArrayFormatter<'a>,
    problems: Arc<Problems>,
}

impl Encoder for Moment<'_> {
    fn encode(&mut self, at: usize, out: &mut Vec<u8>) {
        match self.formatter.value(at).try_to_string() {
            // Years of more digits have a sign.
            Ok(text) if !text.starts_with(['+', '-']) => {
                out.push(b'"');
                out.extend_from_slice(text.as_bytes());
                out.push(b'"');
            }
            _ => self.problems.moment.store(true, Ordering::Relaxed),
        }
    }
}

struct List<'a, R> {
    range: R,
    items: NullableEncoder<'a>,
}

impl<R: Fn(usize) -> Range<usize>> Encoder for List<'_, R> {
    fn encode(&mut self, at: usize, out: &mut Vec<u8>) {
        out.push(b'[');
        let start = out.len();
        for item in (self.range)(at) {
            if out.len() > start {
                out.push(b',');
            }
            if self.items.is_null(item) {
                out.extend_from_slice(b"null");
            } else {
                self.items.encode(item, out);
            }
        }
        out.push(b']');
    }
}

fn list_encoder<'a>(
    item: &'a FieldRef,
    list: &'a dyn Array,
    items: &'a dyn Array,
    range: impl Fn(usize) -> Range<usize> + 'a,
    options: &'a EncoderOptions,
) -> Result<NullableEncoder<'a>, ArrowError> {
    let items = make_encoder(item, items, options)?;
    Ok(NullableEncoder::new(Box::new(List { range, items }), list.nulls().cloned()))
}

/// A map as an object, without its nulls.
struct Map<'a> {
    offsets: &'a [i32],
    keys: NullableEncoder<'a>,
    values: NullableEncoder<'a>,
}

impl Encoder for Map<'_> {
    fn encode(&mut self, at: usize, out: &mut Vec<u8>) {
        out.push(b'{');
        let start = out.len();
        for entry in span(self.offsets[at], self.offsets[at + 1]) {
            if self.values.is_null(entry) || self.keys.is_null(entry) {
                continue;
            }
            if out.len() > start {
                out.push(b',');
            }
            self.keys.encode(entry, out);
            out.push(b':');
            self.values.encode(entry, out);
        }
        out.push(b'}');
    }
}

fn span<T: TryInto<usize>>(start: T, end: T) -> Range<usize> {
    let at = |offset: T| offset.try_into().unwrap_or(0);
    at(start)..at(end)
}
