//! A typed view over the JSON it was read from.

use std::ops::Deref;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The documented fields of a model, in the order of the reference.
pub trait Fields {
    /// The field names as they stand on the wire.
    const FIELDS: &'static [&'static str];
}

/// The documented fields of `T`, and the JSON they were read from.
///
/// The view serves the code, the JSON serves everything else: unknown fields, equality, and giving
/// back exactly what the service said.
#[derive(Debug, Clone)]
pub struct Document<T> {
    view: T,
    json: Box<str>,
}

/// Why a text is not the documented JSON, in words that repeat none of its values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The text is not JSON, or ends too early.
    #[error("it is not JSON (line {line}, column {column})")]
    NotJson {
        /// 1-based line of the first fault.
        line: usize,
        /// 1-based column of the first fault.
        column: usize,
    },
    /// The text is JSON of another shape.
    #[error("{}{problem}", if path == "." { String::new() } else { format!("{path}: ") })]
    Shape {
        /// Where, as `items[3].status`; `.` is the document itself.
        path: String,
        /// What was found missing or expected there.
        problem: String,
    },
    /// The text is JSON nested deeper than any reader should follow.
    #[error("it is nested deeper than {DEEPEST} levels")]
    TooDeep,
}

impl<T: DeserializeOwned> Document<T> {
    /// Reads a document from its JSON text.
    pub fn parse(json: &[u8]) -> Result<Self, DocumentError> {
        let json = std::str::from_utf8(json).map_err(|error| not_utf8(json, &error))?.trim();
        let view = view_of(json)?;
        if is_too_deep(json) {
            return Err(DocumentError::TooDeep);
        }
        Ok(Self { view, json: json.into() })
    }
}

impl<T> Document<T> {
    /// The JSON text, as it came.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The JSON as a value. Fails only for what [`Value`] can't hold: a number beyond an `f64`, or
    /// half of a surrogate pair.
    pub fn to_value(&self) -> serde_json::Result<Value> {
        serde_json::from_str(&self.json)
    }
}

impl<T: Fields> Document<T> {
    /// The fields that the reference does not name.
    pub fn extra(&self) -> serde_json::Result<Map<String, Value>> {
        let mut map: Map<String, Value> = serde_json::from_str(&self.json)?;
        map.retain(|key, _| !T::FIELDS.contains(&key.as_str()));
        Ok(map)
    }
}

impl<T: Serialize> Document<T> {
    /// The document of a view made here rather than received.
    pub fn of(view: T) -> Result<Self, serde_json::Error> {
        let json = serde_json::to_string(&view)?.into();
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

impl<'de, T: DeserializeOwned> Deserialize<'de> for Document<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json: Box<str> = Box::<RawValue>::deserialize(deserializer)?.into();
        let view = view_of(&json).map_err(serde::de::Error::custom)?;
        Ok(Self { view, json })
    }
}

impl<T> Serialize for Document<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.json).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// The deepest nesting a document may have: as deep as `serde_json` reads.
const DEEPEST: usize = 127;

/// Whether a sound JSON text is nested deeper than [`DEEPEST`].
fn is_too_deep(json: &str) -> bool {
    let opens = |byte: u8| byte == b'[' || byte == b'{';
    // Few texts hold so many brackets at all, and counting them is quick.
    if json.bytes().filter(|byte| opens(*byte)).count() <= DEEPEST {
        return false;
    }
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    json.bytes().any(|byte| {
        if in_text {
            in_text = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if opens(byte) {
            depth += 1;
        } else if byte == b']' || byte == b'}' {
            depth -= 1;
        } else {
            in_text = byte == b'"';
        }
        depth > DEEPEST
    })
}

/// Whether two JSON texts say the same.
pub(crate) fn same_json(one: &str, other: &str) -> bool {
    let value = |text| serde_json::from_str::<Value>(text).ok();
    one == other || value(one).is_some_and(|one| Some(one) == value(other))
}

/// Reads null as an absent field is read: an empty array, a count of 0.
pub(super) fn null_as_absent<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn view_of<T: DeserializeOwned>(json: &str) -> Result<T, DocumentError> {
    // To serde an array is a struct too, its fields in order.
    if json.starts_with('[') {
        let problem = "expected an object".to_owned();
        return Err(DocumentError::Shape { path: ".".to_owned(), problem });
    }
    serde_json::from_str(json).map_err(|error| {
        if !error.is_data() {
            return not_json(&error);
        }
        // Read again to learn the path; keeping track of it would slow down every good text.
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let traced: Result<T, _> = serde_path_to_error::deserialize(&mut deserializer);
        let path = traced.err().map_or_else(|| ".".to_owned(), |error| error.path().to_string());
        DocumentError::Shape { path, problem: without_values(&error.to_string()) }
    })
}

fn not_utf8(json: &[u8], error: &std::str::Utf8Error) -> DocumentError {
    let good = &json[..error.valid_up_to()];
    let line_start = good.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    DocumentError::NotJson {
        line: good.split(|byte| *byte == b'\n').count(),
        column: good.len() - line_start + 1,
    }
}

fn not_json(error: &serde_json::Error) -> DocumentError {
    DocumentError::NotJson { line: error.line(), column: error.column() }
}

/// serde says `invalid type: string "+9198…", expected u64 at line 1 column 9`. The value may be
/// personal data, so only what was expected is kept.
fn without_values(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(before, _)| before);
    match message.rsplit_once(", expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None if message.starts_with("invalid ") => "an unexpected value".to_owned(),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[allow(dead_code)]
        n: u64,
    }

    #[derive(Debug, Deserialize)]
    struct Outer {
        #[allow(dead_code)]
        items: Vec<Document<Inner>>,
    }

    fn problem(json: &str) -> String {
        Document::<Outer>::parse(json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_wrong_value_is_not_repeated() {
        let text = problem(r#"{"items": [{"n": 1}, {"n": "+919876543210, expected"}]}"#);
        assert_eq!(text, "items[1]: n: expected u64");
    }

    #[test]
    fn a_missing_field_is_named() {
        assert_eq!(problem(r#"{"items": [{}]}"#), "items[0]: missing field `n`");
        assert_eq!(problem("{}"), "missing field `items`");
    }

    #[test]
    fn an_array_is_no_object() {
        assert_eq!(problem("[[]]"), "expected an object");
        assert_eq!(problem(r#"{"items": [[1]]}"#), "items[0]: expected an object");
    }

    #[test]
    fn nesting_has_an_end() {
        let nested =
            |depth| format!(r#"{{"items": [], "x": {}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        let parse = |text: String| Document::<Outer>::parse(text.as_bytes());
        assert!(parse(nested(DEEPEST - 1)).unwrap().to_value().is_ok());
        assert_eq!(parse(nested(DEEPEST)).unwrap_err(), DocumentError::TooDeep);
        assert_eq!(parse(nested(1_000_000)).unwrap_err(), DocumentError::TooDeep);
        let wide = format!(r#"{{"items": [], "x": ["\"[[{{", {}]}}"#, vec!["[]"; 500].join(","));
        assert!(parse(wide).is_ok());
    }

    #[test]
    fn no_json_is_told_by_place() {
        assert_eq!(problem("<html>"), "it is not JSON (line 1, column 1)");
        assert_eq!(problem(r#"{"items": [{"n": 1}"#), "it is not JSON (line 1, column 19)");
    }
}
