//! One field of many documents as an array.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    Float64Builder, Int64Builder, ListBuilder, StringBuilder, StructBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};

use crate::model::json::lossy;
use crate::model::{Document, Json, List, Model, Number, Timestamp, Whole};

/// Fields of documents, by their place among those of the reference.
pub(super) struct Columns<'d, T> {
    documents: &'d [&'d Document<T>],
    pub(super) made: Vec<(Field, ArrayRef)>,
}

impl<'d, T: Model> Columns<'d, T> {
    pub(super) fn new(documents: &'d [&'d Document<T>]) -> Self {
        Self { documents, made: Vec::new() }
    }

    /// Adds a column that was made elsewhere.
    pub(super) fn add(&mut self, name: &str, array: ArrayRef) {
        self.made.push((Field::new(name, array.data_type().clone(), true), array));
    }

    /// All columns as a table.
    pub(super) fn finish(self) -> Result<arrow_array::RecordBatch, arrow_schema::ArrowError> {
        let (fields, arrays): (Vec<_>, Vec<_>) = self.made.into_iter().unzip();
        arrow_array::RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
    }

    /// Shows each document's field to `each`.
    pub(super) fn each<F: crate::model::Field>(
        &self,
        name: &str,
        pick: impl Fn(&T) -> &F,
        mut each: impl FnMut(&F),
    ) {
        let at = place(T::FIELDS, name);
        for document in self.documents {
            document.with(at, &pick, &mut each);
        }
    }

    pub(super) fn text(&mut self, name: &str, pick: impl Fn(&T) -> &Option<String>) {
        let at = place(T::FIELDS, name);
        let mut made = StringBuilder::with_capacity(self.documents.len(), 0);
        for document in self.documents {
            made.append_option(document.text(at, &pick));
        }
        self.add(name, Arc::new(made.finish()));
    }

    pub(super) fn whole(&mut self, name: &str, pick: impl Fn(&T) -> &Option<Whole>) {
        let mut made = Int64Builder::with_capacity(self.documents.len());
        self.each(name, pick, |whole| made.append_option(whole.as_ref().and_then(Whole::as_i64)));
        self.add(name, Arc::new(made.finish()));
    }

    pub(super) fn number(&mut self, name: &str, pick: impl Fn(&T) -> &Option<Number>) {
        let mut made = Float64Builder::new();
        self.each(name, pick, |number| {
            made.append_option(number.as_ref().and_then(|number| match number {
                #[allow(clippy::cast_precision_loss, reason = "a length of time in seconds")]
                Number::Whole(whole) => whole.as_i64().map(|whole| whole as f64),
                Number::Float(float) => Some(*float),
            }));
        });
        self.add(name, Arc::new(made.finish()));
    }

    pub(super) fn moment(&mut self, name: &str, pick: impl Fn(&T) -> &Option<Timestamp>) {
        let mut made = TimestampMicrosecondBuilder::with_capacity(self.documents.len())
            .with_data_type(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
        self.each(name, pick, |moment| {
            made.append_option(moment.as_ref().map(|moment| moment.0.as_microsecond()));
        });
        self.add(name, Arc::new(made.finish()));
    }

    /// Lists of documents, as structs with one text per field; `texts` reads them.
    pub(super) fn list<I: Model, const N: usize>(
        &mut self,
        name: &str,
        fields: [&str; N],
        pick: impl Fn(&T) -> &List<I>,
        texts: impl Fn(&Document<I>) -> [Option<Cow<'_, str>>; N],
    ) {
        let mut made = lists(fields);
        self.each(name, pick, |list| {
            for item in list.iter() {
                add_texts(made.values(), texts(item));
            }
            made.append(true);
        });
        self.add(name, Arc::new(made.finish()));
    }
}

fn place(fields: &[&str], name: &str) -> usize {
    fields.iter().position(|field| *field == name).unwrap_or(usize::MAX)
}

/// A text as `Columns::list` takes it.
pub(super) fn text(text: Option<&str>) -> Option<Cow<'_, str>> {
    text.map(Cow::Borrowed)
}

/// A builder of lists of structs of texts.
pub(super) fn lists<const N: usize>(fields: [&str; N]) -> ListBuilder<StructBuilder> {
    let fields: Fields =
        fields.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
    ListBuilder::new(StructBuilder::from_fields(fields, 0))
}

/// Adds a struct of texts.
pub(super) fn add_texts<const N: usize>(
    to: &mut StructBuilder,
    texts: [Option<impl AsRef<str>>; N],
) {
    for (at, text) in texts.into_iter().enumerate() {
        if let Some(column) = to.field_builder::<StringBuilder>(at) {
            column.append_option(text);
        }
    }
    to.append(true);
}

/// A value as JSON text.
pub(super) fn json_text(json: &Json) -> Cow<'_, str> {
    match std::str::from_utf8(json.text()) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(lossy(json.text().to_vec())),
    }
}
