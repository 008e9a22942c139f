//! A typed view over the JSON it was read from.

use std::hash::{Hash, Hasher};
use std::ops::{Deref, Range};

use bytes::Bytes;
use serde::{Serialize, Serializer};

use super::field::{Field, Reader};
use super::json::{self, DEEPEST, Fault, FaultKind, MOST_DIGITS, Raw, Token};
use super::value::raw;
use super::view::View;

/// What can be read from a JSON object.
pub trait Model: Default {
    /// The documented fields as they stand on the wire, in the order of the reference.
    const FIELDS: &'static [&'static str];
    /// Those without which an object is something else. At most 64.
    const NEEDED: &'static [&'static str];
    /// Whether its fields are read when they are touched: there may be many of it, and little is asked
    /// of each.
    const LAZY: bool = false;

    /// Reads the value of a documented field; false, and nothing is read, for any other.
    fn read_field(&mut self, name: &str, reader: &mut Reader<'_>) -> Result<bool, Fault>;
}

/// Names a model's fields as they stand on the wire, and those it can't do without.
macro_rules! model {
    ($model:ident needs [$($needed:literal),*] $(lazy $lazy:literal)? { $($name:literal => $field:ident,)* }) => {
        impl $crate::model::Model for $model {
            const FIELDS: &'static [&'static str] = &[$($name),*];
            const NEEDED: &'static [&'static str] = &[$($needed),*];
            $(const LAZY: bool = $lazy;)?

            fn read_field(
                &mut self,
                name: &str,
                reader: &mut $crate::model::field::Reader<'_>,
            ) -> Result<bool, $crate::model::json::Fault> {
                match name {
                    $($name => self.$field = $crate::model::field::Field::read(reader)?,)*
                    _ => return Ok(false),
                }
                Ok(true)
            }
        }
    };
}
pub(super) use model;

/// The documented fields of `T`, and the JSON they were read from.
///
/// The view serves the code, the JSON serves everything else: unknown fields, equality, and giving
/// back exactly what the service said. The JSON of documents within documents is shared.
#[derive(Debug, Clone)]
pub struct Document<T> {
    view: View<T>,
    json: Bytes,
}

/// Why a text is not the documented JSON, in words that repeat none of its values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The text is not JSON, or ends too early.
    #[error("it is not JSON (line {line}, column {column})")]
    NotJson {
        /// 1-based line of the first fault.
        line: usize,
        /// 1-based column of the first fault, in bytes.
        column: usize,
    },
    /// The text is JSON of another shape.
    #[error("{}{problem}", if path == "." { String::new() } else { format!("{path}: ") })]
    Shape {
        /// Where, as `items`; `.` is the document itself.
        path: String,
        /// What was found missing or expected there.
        problem: String,
    },
    /// The text is JSON nested deeper than any reader should follow.
    #[error("it is nested deeper than {DEEPEST} levels")]
    TooDeep,
    /// The text holds an integer that Python would not read.
    #[error("it holds an integer of more than {MOST_DIGITS} digits")]
    TooManyDigits,
}

/// What is wrong with a value that is no document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Shape {
    /// It is another kind of JSON.
    #[error("expected an object")]
    NoObject,
    /// It lacks a field.
    #[error("missing field `{0}`")]
    Missing(&'static str),
}

impl From<Shape> for DocumentError {
    fn from(shape: Shape) -> Self {
        Self::Shape { path: ".".to_owned(), problem: shape.to_string() }
    }
}

/// A document, or what stood in its place.
pub(super) type Read<T, Place> = Result<Document<T>, (Shape, Place)>;

impl<T: Model> Document<T> {
    /// Reads a document from a copy of its JSON text.
    pub fn parse(json: &[u8]) -> Result<Self, DocumentError> {
        Self::read(&Bytes::copy_from_slice(json))
    }

    /// Reads a document from its JSON text, in any encoding that Python's `json` reads.
    pub fn read(text: &Bytes) -> Result<Self, DocumentError> {
        Self::read_or_else(text)?.map_err(|(shape, _)| shape.into())
    }

    /// The same; of JSON that is something else, its shape and its text.
    pub(crate) fn read_or_else(text: &Bytes) -> Result<Read<T, Bytes>, DocumentError> {
        let text = match json::to_utf8(text) {
            Ok(text) => text,
            Err(at) => return Err(told(Fault { at, kind: FaultKind::Syntax }, text)),
        };
        let mut reader = Reader::new(&text);
        let read = reader.document().and_then(|read| reader.scanner.end().map(|()| read));
        match read {
            Ok(read) => Ok(read.map_err(|(shape, part)| (shape, text.slice(part)))),
            Err(fault) => Err(told(fault, &text)),
        }
    }
}

impl Reader<'_> {
    /// Reads the next value as a document; of any other, its shape and where it stands.
    pub(super) fn document<T: Model>(&mut self) -> Result<Read<T, Range<usize>>, Fault> {
        self.scanner.space();
        let start = self.scanner.at();
        let token = self.scanner.value()?;
        if token != Token::Object {
            self.skip(token)?;
            return Ok(Err((Shape::NoObject, start..self.scanner.at())));
        }
        let mut found = Found::<T>::new(start);
        let mut first = true;
        while let Some(key) = self.scanner.key(&mut first)? {
            found.read(key, self)?;
        }
        let part = start..self.scanner.at();
        Ok(match found.missing() {
            Some(name) => Err((Shape::Missing(name), part)),
            None => Ok(Document { view: found.view, json: self.share(part) }),
        })
    }
}

/// What was found of a document so far.
struct Found<T> {
    view: View<T>,
    start: usize,
    /// Which of the needed fields are there.
    seen: u64,
    /// The field that comes next, where they come in the order of the reference.
    next: usize,
}

impl<T: Model> Found<T> {
    fn new(start: usize) -> Self {
        Self { view: View::new(), start, seen: 0, next: 0 }
    }

    /// Reads the value of a key.
    fn read(&mut self, key: Raw<'_>, reader: &mut Reader<'_>) -> Result<(), Fault> {
        let Some(at) = self.field(key) else {
            let token = reader.scanner.value()?;
            return reader.skip(token);
        };
        self.next = at + 1;
        let name = T::FIELDS.get(at).copied().unwrap_or_default();
        if let Some(at) = T::NEEDED.iter().position(|needed| *needed == name) {
            self.seen |= 1 << at;
        }
        match &mut self.view {
            View::Read(view) => view.read_field(name, reader).map(drop),
            View::Places { places, .. } => {
                let (_, part) = reader.whole()?;
                places.put(at, part.start - self.start..part.end - self.start);
                Ok(())
            }
        }
    }

    /// Which field a key names.
    fn field(&self, key: Raw<'_>) -> Option<usize> {
        let name = key.decoded();
        let is = |field: &str| field.as_bytes() == &*name;
        if T::FIELDS.get(self.next).is_some_and(|field| is(field)) {
            return Some(self.next);
        }
        T::FIELDS.iter().position(|field| is(field))
    }

    fn missing(&self) -> Option<&'static str> {
        let mut needed = T::NEEDED.iter().enumerate();
        needed.find(|(at, _)| self.seen >> at & 1 == 0).map(|(_, name)| *name)
    }
}

impl<T: Model> Document<T> {
    /// Lets `then` see one field, the `at`th of the reference, and reads no other for it.
    pub(crate) fn with<F: Field, R>(
        &self,
        at: usize,
        pick: impl Fn(&T) -> &F,
        then: impl FnOnce(&F) -> R,
    ) -> R {
        match self.view.place(at) {
            Err(view) => then(pick(view)),
            Ok(None) => then(&F::default()),
            Ok(Some(part)) => then(&F::read(&mut Reader::at(&self.json, part)).unwrap_or_default()),
        }
    }
}

impl<T> Document<T> {
    /// The JSON text as it came, in UTF-8 in which half a surrogate pair may stand as its three
    /// bytes.
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    pub(crate) fn shared_json(&self) -> Bytes {
        self.json.clone()
    }
}

impl<T: Serialize> Document<T> {
    /// The document of a view made here rather than received.
    pub fn of(view: T) -> Result<Self, serde_json::Error> {
        let json = serde_json::to_vec(&view)?.into();
        Ok(Self { view: View::Read(view), json })
    }
}

impl<T: Model> Deref for Document<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.view.whole(&self.json)
    }
}

impl<T> PartialEq for Document<T> {
    fn eq(&self, other: &Self) -> bool {
        same_json(&self.json, &other.json)
    }
}

impl<T> Eq for Document<T> {}

impl<T> Hash for Document<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        json::digest(&self.json).hash(state);
    }
}

impl<T> Serialize for Document<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        raw(&self.json, serializer)
    }
}

/// Whether two JSON texts say the same.
pub(crate) fn same_json(one: &[u8], other: &[u8]) -> bool {
    one == other || json::digest(one) == json::digest(other)
}

fn told(fault: Fault, text: &[u8]) -> DocumentError {
    match fault.kind {
        FaultKind::TooDeep => DocumentError::TooDeep,
        FaultKind::TooManyDigits => DocumentError::TooManyDigits,
        FaultKind::Syntax => {
            let good = text.get(..fault.at).unwrap_or(text);
            let line_start = memchr::memrchr(b'\n', good).map_or(0, |at| at + 1);
            DocumentError::NotJson {
                line: memchr::memchr_iter(b'\n', good).count() + 1,
                column: good.len() - line_start + 1,
            }
        }
    }
}
