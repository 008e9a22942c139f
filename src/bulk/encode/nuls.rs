//! U+0000 in what is written: JSON has a form for it, and databases have none.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde_json::Value;

/// How JSON writes it.
static ESCAPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\\u0000"));

/// Where a row's JSON holds a NUL, if it does.
pub(super) fn place(json: &[u8]) -> Option<String> {
    let is_escape = |at: &usize| {
        // A backslash that is escaped itself begins nothing.
        json[..*at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0
    };
    // Most rows have no escape at all.
    let from = memchr::memchr(b'\\', json)?;
    ESCAPE.find_iter(&json[from..]).map(|at| from + at).find(is_escape)?;
    let row: Value = serde_json::from_slice(json).ok()?;
    let fields = row.as_object()?;
    let named = |name: &str| format!("{:?}", name.replace('\0', "\u{FFFD}"));
    let (field, value) = fields.iter().find(|(_, value)| is_in(value))?;
    let inner = value.as_object().and_then(|variables| {
        variables.iter().find(|(name, value)| name.contains('\0') || is_in(value))
    });
    Some(inner.map_or_else(|| field.clone(), |(name, _)| format!("variable {}", named(name))))
}

/// Whether a text in a value, or the name of one, holds a NUL.
pub fn is_in(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(is_in),
        Value::Object(fields) => {
            fields.iter().any(|(name, value)| name.contains('\0') || is_in(value))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_and_named() {
        for (json, expected) in [
            (r#"{"phone_number":"1","variables":{"a":["b","\u0000"]}}"#, Some("variable \"a\"")),
            (r#"{"phone_number":"\u0000"}"#, Some("phone_number")),
            (r#"{"phone_number":"1","app_user_id":"a\\\u0000"}"#, Some("app_user_id")),
            (r#"{"phone_number":"1","variables":{"a":"\\u0000 \\\\u0000"}}"#, None),
            (r#"{"phone_number":"x\ny\u0000"}"#, Some("phone_number")),
            (r#"{"phone_number":"\\u0000\u0000"}"#, Some("phone_number")),
            (r#"{"phone_number":"1"}"#, None),
        ] {
            assert_eq!(place(json.as_bytes()).as_deref(), expected, "{json}");
        }
    }
}
