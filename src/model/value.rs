//! Values of a document's fields: numbers of any size, JSON of any kind, lists of documents.

use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::document::Document;
use super::json::{self, Scanner, Token, Walk};

/// An integer of any size.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Whole {
    /// One of 64 bits.
    Small(i64),
    /// Any other: a sign, where it is negative, and its digits.
    Large(Box<str>),
}

impl Whole {
    /// The integer that a text says, as `-7`, `+7` or `007`.
    pub(super) fn of(text: &str) -> Option<Self> {
        if let Ok(small) = text.parse() {
            return Some(Self::Small(small));
        }
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", text.strip_prefix('+').unwrap_or(text)),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Self::Large(format!("{sign}{}", digits.trim_start_matches('0')).into()))
    }

    /// The integer that a float is, where it is one for certain.
    pub(super) fn of_float(float: f64) -> Option<Self> {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        #[allow(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
        (float.fract() == 0.0 && float.abs() <= EXACT).then_some(Self::Small(float as i64))
    }

    /// It in 64 bits, where it fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Small(small) => Some(*small),
            Self::Large(_) => None,
        }
    }

    /// It in 64 bits, where it fits and is not negative.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Small(small) => u64::try_from(*small).ok(),
            Self::Large(text) => text.parse().ok(),
        }
    }
}

impl From<u64> for Whole {
    fn from(number: u64) -> Self {
        match i64::try_from(number) {
            Ok(small) => Self::Small(small),
            Err(_) => Self::Large(number.to_string().into()),
        }
    }
}

impl From<u32> for Whole {
    fn from(number: u32) -> Self {
        Self::Small(number.into())
    }
}

impl PartialOrd for Whole {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        // Beyond 64 bits only the length and, within one, the digits matter.
        let key = |whole: &Self| match whole {
            Self::Small(small) => (0, Some(*small), String::new()),
            Self::Large(text) => {
                let length = |digits: &str| i64::try_from(digits.len()).unwrap_or(i64::MAX);
                if let Some(digits) = text.strip_prefix('-') {
                    let mirrored = digits.bytes().map(|digit| char::from(b'0' + b'9' - digit));
                    (-length(digits), None, mirrored.collect())
                } else {
                    (length(text), None, text.to_string())
                }
            }
        };
        Some(key(self).cmp(&key(other)))
    }
}

impl fmt::Display for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Small(small) => small.fmt(f),
            Self::Large(text) => f.write_str(text),
        }
    }
}

impl Serialize for Whole {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Small(small) => serializer.serialize_i64(*small),
            Self::Large(text) => raw(text.as_bytes(), serializer),
        }
    }
}

/// A count of records, 0 where nothing is said; none where what is said is no count.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Count(pub Option<Whole>);

impl Default for Count {
    fn default() -> Self {
        Self(Some(Whole::Small(0)))
    }
}

impl From<u64> for Count {
    fn from(count: u64) -> Self {
        Self(Some(count.into()))
    }
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// A number as the service says it.
#[derive(Debug, Clone, PartialEq)]
pub enum Number {
    /// An integer.
    Whole(Whole),
    /// Any other, as the nearest one of 64 bits.
    Float(f64),
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self::Whole(Whole::Small(number))
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Whole(whole) => whole.serialize(serializer),
            Self::Float(float) => serializer.serialize_f64(*float),
        }
    }
}

/// Any JSON, as it came.
#[derive(Clone)]
pub struct Json(Bytes);

impl Json {
    /// The JSON of a value made here.
    pub fn of(value: &impl Serialize) -> serde_json::Result<Self> {
        serde_json::to_vec(value).map(|text| Self(text.into()))
    }

    pub(super) const fn shared(text: Bytes) -> Self {
        Self(text)
    }

    /// That of a text, and what it holds under `detail` if it is an object; none where Python's own
    /// `json` would refuse the text.
    pub(crate) fn parse(text: &Bytes) -> Option<(Self, Option<serde_json::Value>)> {
        let text = json::to_utf8(text).ok()?;
        let mut scanner = Scanner::new(&text);
        let mut detail = None;
        let token = scanner.value().ok()?;
        if token == Token::Object {
            let mut first = true;
            while let Some(key) = scanner.key(&mut first).ok()? {
                if key.to_text() == "detail" {
                    detail = Some(json::value(&mut scanner).ok()?.0);
                } else {
                    Walk::new(&mut scanner).finish().ok()?;
                }
            }
        } else {
            Walk::after(&mut scanner, token).finish().ok()?;
        }
        scanner.end().ok()?;
        Some((Self(text), detail))
    }

    /// Its text: UTF-8 in which half a surrogate pair may stand as its three bytes.
    pub fn text(&self) -> &[u8] {
        &self.0
    }
}

impl Default for Json {
    fn default() -> Self {
        Self(Bytes::from_static(b"null"))
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        raw(&self.0, serializer)
    }
}

/// The JSON object that a field holds.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Object(pub Json);

impl Object {
    /// That of a map made here.
    pub fn of(map: &serde_json::Map<String, serde_json::Value>) -> serde_json::Result<Self> {
        Json::of(map).map(Self)
    }
}

/// Documents in their order, and what stood among them that is none.
#[derive(Debug, Clone)]
pub struct List<T> {
    documents: Vec<Document<T>>,
    left_out: Vec<Json>,
    is_none: bool,
}

impl<T> List<T> {
    /// What stood in the list's place, or among its entries, and is no such document.
    pub fn left_out(&self) -> &[Json] {
        &self.left_out
    }

    /// The documents.
    pub(crate) fn into_documents(self) -> Vec<Document<T>> {
        self.documents
    }

    /// Whether it is a list at all.
    pub fn is_list(&self) -> bool {
        !self.is_none
    }

    pub(super) fn found(&mut self) {
        self.is_none = false;
    }

    pub(super) fn push(&mut self, document: Document<T>) {
        self.documents.push(document);
    }

    pub(super) fn extend(&mut self, documents: impl Iterator<Item = Document<T>>) {
        self.documents.extend(documents);
    }

    pub(super) fn leave_out(&mut self, other: Json) {
        self.left_out.push(other);
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { documents: Vec::new(), left_out: Vec::new(), is_none: true }
    }
}

impl<T> FromIterator<Document<T>> for List<T> {
    fn from_iter<I: IntoIterator<Item = Document<T>>>(documents: I) -> Self {
        let documents = documents.into_iter().collect();
        Self { documents, left_out: Vec::new(), is_none: false }
    }
}

impl<T> Deref for List<T> {
    type Target = [Document<T>];

    fn deref(&self) -> &[Document<T>] {
        &self.documents
    }
}

impl<T> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.documents)
    }
}

/// Gives a JSON text back as it stands.
pub(super) fn raw<S: Serializer>(text: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let raw: &RawValue = serde_json::from_slice(text).map_err(serde::ser::Error::custom)?;
    raw.serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_any_size_have_an_order() {
        let sorted = [
            "-100000000000000000000000",
            "-99999999999999999999999",
            "-9223372036854775809",
            "-9223372036854775808",
            "-1",
            "0",
            "9223372036854775807",
            "9223372036854775808",
            "99999999999999999999998",
            "99999999999999999999999",
        ];
        for pair in sorted.windows(2) {
            let [one, other] = [pair[0], pair[1]].map(|text| Whole::of(text).unwrap());
            assert!(one < other, "{one} {other}");
            assert_eq!(one.to_string(), pair[0]);
        }
        assert_eq!(Whole::of("+007"), Some(Whole::Small(7)));
        assert_eq!(Whole::of("000099999999999999999999998"), Whole::of(sorted[8]));
        assert_eq!(Whole::from(u64::MAX).as_u64(), Some(u64::MAX));
        for none in ["", "-", "+", "1.0", "1e3", "x", "--1", "٣"] {
            assert_eq!(Whole::of(none), None, "{none}");
        }
        assert_eq!(Whole::of_float(3.0), Some(Whole::Small(3)));
        for none in [0.5, 1e300, f64::NAN, f64::INFINITY] {
            assert_eq!(Whole::of_float(none), None, "{none}");
        }
    }
}
