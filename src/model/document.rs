//! A typed view over the JSON it was read from.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, Range};
use std::sync::Arc;

use bytes::Bytes;
use serde::{Serialize, Serializer};

use super::field::{Field, Reader, text};
use super::json::{self, DEEPEST, Fault, FaultKind, MOST_DIGITS, Token, place_of};
use super::value::raw;
use super::view::{Finder, View};

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
            Err(at) => return Err(unreadable(Fault { at, kind: FaultKind::Syntax }, text)),
        };
        let mut reader = Reader::new(&text);
        let read = reader.document().and_then(|read| reader.scanner.end().map(|()| read));
        match read {
            Ok(read) => Ok(read.map_err(|(shape, part)| (shape, text.slice(part)))),
            Err(fault) => Err(unreadable(fault, &text)),
        }
    }
}

impl Reader<'_> {
    /// Reads the next value as a document; of any other, its shape and where it stands.
    pub(super) fn document<T: Model>(&mut self) -> Result<Read<T, Range<usize>>, Fault> {
        if T::LAZY {
            let mut places = vec![0; T::FIELDS.len()];
            let found = Finder::<T>::new().find(self, &mut places)?;
            return Ok(found.map(|part| Document::placed(self.share(part), &places.into(), 0)));
        }
        self.scanner.space();
        let start = self.scanner.at();
        let token = self.scanner.value()?;
        if token != Token::Object {
            self.skip(token)?;
            return Ok(Err((Shape::NoObject, start..self.scanner.at())));
        }
        let mut view = T::default();
        // Which of the needed fields are there; the field that comes next, as they mostly come in the
        // order of the reference.
        let (mut seen, mut next, mut first) = (0_u64, 0, true);
        while let Some(key) = self.scanner.key(&mut first)? {
            let Some(at) = place_of(T::FIELDS, key, next) else {
                self.pass()?;
                continue;
            };
            next = at + 1;
            let name = T::FIELDS.get(at).copied().unwrap_or_default();
            if let Some(at) = T::NEEDED.iter().position(|needed| *needed == name) {
                seen |= 1 << at;
            }
            view.read_field(name, self)?;
        }
        let part = start..self.scanner.at();
        let mut needed = T::NEEDED.iter().enumerate();
        Ok(match needed.find(|(at, _)| seen >> at & 1 == 0) {
            Some((_, name)) => Err((Shape::Missing(name), part)),
            None => Ok(Document { view: View::of(view), json: self.share(part) }),
        })
    }
}

impl<T: Model> Document<T> {
    /// One whose fields stand where `places` tell, from the `first` entry on.
    pub(super) fn placed(json: Bytes, places: &Arc<[u32]>, first: usize) -> Self {
        Self { view: View::of_places(places, first), json }
    }
}

impl<T: Model> Document<T> {
    /// Lets `then` see one field, the `at`th of the reference, and reads no other for it.
    pub fn with<F: Field, R>(
        &self,
        at: usize,
        pick: impl Fn(&T) -> &F,
        then: impl FnOnce(&F) -> R,
    ) -> R {
        match self.view.place(at) {
            Err(view) => then(pick(view)),
            Ok(None) => then(&F::default()),
            Ok(Some(place)) => {
                then(&F::read(&mut Reader::at(&self.json, place)).unwrap_or_default())
            }
        }
    }
}

impl<T: Model> Document<T> {
    /// The text that one field says, read where it stands.
    pub fn text(&self, at: usize, pick: impl Fn(&T) -> &Option<String>) -> Option<Cow<'_, str>> {
        match self.view.place(at) {
            Err(view) => pick(view).as_deref().map(Cow::Borrowed),
            Ok(place) => {
                let place = place?;
                let plain = json::plain_at(&self.json, place);
                match plain.and_then(|text| std::str::from_utf8(text).ok()) {
                    Some(text) => Some(Cow::Borrowed(text)),
                    None => text(&mut Reader::at(&self.json, place)).ok().flatten(),
                }
            }
        }
    }

    /// The fields, for somebody who needs nothing else.
    pub(crate) fn into_fields(self) -> T {
        self.view.into_whole(&self.json)
    }
}

impl<T> Document<T> {
    /// The JSON text as it came, in UTF-8 in which half a surrogate pair may stand as its three
    /// bytes.
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// The JSON it was read from, not copied.
    pub fn shared_json(&self) -> Bytes {
        self.json.clone()
    }
}

impl<T: Serialize> Document<T> {
    /// The document of a view made here rather than received.
    pub fn of(view: T) -> Result<Self, serde_json::Error> {
        let json = serde_json::to_vec(&view)?.into();
        Ok(Self { view: View::of(view), json })
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

/// The error of a text that can't be read any further.
pub(crate) fn unreadable(fault: Fault, text: &[u8]) -> DocumentError {
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
