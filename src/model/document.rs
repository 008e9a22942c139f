//! A typed view over the JSON it was read from.

use std::hash::{Hash, Hasher};
use std::ops::{Deref, Range};

use bytes::Bytes;
use serde::{Serialize, Serializer};

use super::field::Reader;
use super::json::{self, DEEPEST, Fault, FaultKind, MOST_DIGITS, Token};
use super::value::raw;

/// What can be read from a JSON object.
pub trait Model: Default {
    /// The documented fields as they stand on the wire, in the order of the reference.
    const FIELDS: &'static [&'static str];
    /// Those without which an object is something else. At most 64.
    const NEEDED: &'static [&'static str];

    /// Reads the value of a documented field; false, and nothing is read, for any other.
    fn read_field(&mut self, name: &str, reader: &mut Reader<'_>) -> Result<bool, Fault>;
}

/// Names a model's fields as they stand on the wire, and those it can't do without.
macro_rules! model {
    ($model:ident needs [$($needed:literal),*] { $($name:literal => $field:ident,)* }) => {
        impl $crate::model::Model for $model {
            const FIELDS: &'static [&'static str] = &[$($name),*];
            const NEEDED: &'static [&'static str] = &[$($needed),*];

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
    view: T,
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
        let mut view = T::default();
        let (mut first, mut seen) = (true, 0_u64);
        while let Some(key) = self.scanner.key(&mut first)? {
            let name = key.to_text();
            if let Some(at) = T::NEEDED.iter().position(|needed| *needed == name) {
                seen |= 1 << at;
            }
            if !view.read_field(&name, self)? {
                let token = self.scanner.value()?;
                self.skip(token)?;
            }
        }
        let part = start..self.scanner.at();
        let missing = T::NEEDED.iter().enumerate().find(|(at, _)| seen >> at & 1 == 0);
        Ok(match missing {
            Some((_, name)) => Err((Shape::Missing(name), part)),
            None => Ok(Document { view, json: self.share(part) }),
        })
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
        Ok(Self { view, json })
    }
}

impl<T> Deref for Document<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.view
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
