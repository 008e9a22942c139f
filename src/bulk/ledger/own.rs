//! What a row is recognised by in a listing: its number, and for a row with a session id of the
//! caller's own all that was sent of it.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Deserialize;
use serde_json::{Map, Number as JsonNumber, Value};

use super::page::{self, Shown};
use crate::phone::Rules;

/// What a row may be known by, in 64 bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Print {
    /// Its number, as parsed.
    pub(super) number: u64,
    /// Its number, ids and variables; none where a token of ours tells it apart.
    pub(super) identity: Option<u64>,
    /// How the caller's own session id begins.
    pub(super) session: Beginning,
}

/// The first characters of a session id, whatever its case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Beginning {
    bytes: [u8; 8],
    length: u8,
}

impl Beginning {
    pub(super) fn of(session: &str) -> Self {
        let mut beginning = Self::default();
        for (byte, place) in session.trim().bytes().zip(&mut beginning.bytes) {
            *place = byte.to_ascii_lowercase();
            beginning.length += 1;
        }
        beginning
    }

    /// Whether one may be the other, in another case or cut short.
    pub(super) fn may_be(self, other: Self) -> bool {
        let length = usize::from(self.length.min(other.length));
        self.bytes[..length] == other.bytes[..length]
    }
}

/// A number of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Number {
    pub(in super::super) print: u64,
    /// Whether it reads as a phone number: one that does is no other number, one that doesn't may
    /// be anything.
    pub(super) is_valid: bool,
}

/// Reads numbers, so that two notations of one are one.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Reader {
    rules: Option<Rules>,
}

/// A row as it was sent.
#[derive(Deserialize)]
struct Sent<'a> {
    #[serde(borrow)]
    phone_number: Cow<'a, str>,
    #[serde(default)]
    variables: Option<Map<String, Value>>,
    #[serde(default)]
    app_user_id: Option<String>,
    #[serde(default)]
    app_session_id: Option<String>,
}

impl Reader {
    pub(in super::super) fn new(region: Option<&str>) -> Self {
        Self { rules: Rules::of(region.unwrap_or("IN")).ok() }
    }

    /// A number as a listing shows it.
    pub(in super::super) fn number(self, text: &str) -> Number {
        let parsed = self.rules.and_then(|rules| rules.e164(text).ok());
        let is_valid = parsed.is_some();
        Number { print: number_print(parsed.as_deref().unwrap_or_else(|| text.trim())), is_valid }
    }

    /// Whether a number of a listing is the one that was sent, as far as it is shown; none where it
    /// does not say.
    pub(super) fn is_of(self, shown: &str, sent: u64) -> Option<bool> {
        let number = self.number(shown);
        if number.is_valid || number.print == sent {
            return Some(number.print == sent);
        }
        // Digits are hidden: the last ones seldom are.
        let tail = shown.bytes().rev().take_while(u8::is_ascii_digit).count();
        let digits = shown.get(shown.len() - tail..)?;
        let (digits, tail) = (digits.parse::<u64>().ok()?, u32::try_from(tail).ok()?);
        (tail >= 2 && sent & HASHED == 0).then(|| sent % 10_u64.pow(tail.min(18)) == digits)
    }

    /// What a row is known by, given its number as it was sent.
    pub(super) fn token(self, number: &str) -> Print {
        Print { number: self.number(number).print, identity: None, session: Beginning::default() }
    }

    /// What a row with a session id of the caller's own is known by, given its JSON as it was sent.
    pub(super) fn own(self, json: &[u8]) -> Print {
        // What was written here can be read here.
        let Ok(sent) = serde_json::from_slice::<Sent<'_>>(json) else {
            return Print { number: 0, identity: Some(0), session: Beginning::default() };
        };
        let number = self.number(&sent.phone_number).print;
        let user = sent.app_user_id.as_deref();
        let session = sent.app_session_id.as_deref().unwrap_or_default();
        let identity = identity(number, user, session, sent.variables.as_ref());
        Print { number, identity: Some(identity), session: Beginning::of(session) }
    }

    /// What a record of a listing would be known by; none where it can't be read.
    pub(super) fn shown(self, shown: &Shown<'_>) -> Option<(Number, u64)> {
        let number = self.number(&shown.phone_number.and_then(page::scalar)?);
        let user = shown.app_user_id.and_then(page::scalar);
        let session = shown.app_session_id.and_then(page::scalar)?;
        let variables = match shown.variables {
            Some(json) => Some(serde_json::from_slice::<Map<String, Value>>(json).ok()?),
            None => None,
        };
        let identity = identity(number.print, user.as_deref(), &session, variables.as_ref());
        Some((number, identity))
    }
}

const HASHED: u64 = 1 << 63;

/// A number in 64 bits: its digits, where it is E.164; a hash of any other text.
fn number_print(text: &str) -> u64 {
    let digits = text.strip_prefix('+').and_then(|digits| digits.parse::<u64>().ok());
    match digits {
        Some(digits) if digits < HASHED => digits,
        _ => print(&text) | HASHED,
    }
}

/// A run and what it is known by, in one: a record that shows another of the two is not recognised.
pub(super) fn known(run: u64, identity: u64) -> u64 {
    print(&(run, identity))
}

/// Anything in 64 bits, the same in every process of one version.
pub(in crate::bulk) fn print(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// What is listed under an id, in 64 bits.
pub(super) fn run(id: &str) -> u64 {
    print(&id)
}

/// The session id that is sent of a row.
pub(super) fn session(json: &[u8]) -> Option<String> {
    serde_json::from_slice::<Sent<'_>>(json).ok()?.app_session_id
}

/// What is sent of a row beside its number and its session id, in 32 bits.
pub(super) fn rest_sent(json: &[u8]) -> Option<u32> {
    let sent = serde_json::from_slice::<Sent<'_>>(json).ok()?;
    Some(rest(sent.app_user_id.as_deref(), sent.variables.as_ref()))
}

/// The same of a record of a listing; none where it does not show its variables.
pub(super) fn rest_shown(shown: &Shown<'_>) -> Option<u32> {
    let user = shown.app_user_id.and_then(page::scalar);
    let variables: Map<String, Value> = serde_json::from_slice(shown.variables?).ok()?;
    Some(rest(user.as_deref(), Some(&variables)))
}

fn rest(user: Option<&str>, variables: Option<&Map<String, Value>>) -> u32 {
    let print = identity(0, user, "", variables);
    u32::try_from(print >> 32).unwrap_or(0)
}

fn identity(
    number: u64,
    user: Option<&str>,
    session: &str,
    variables: Option<&Map<String, Value>>,
) -> u64 {
    let mut text = String::new();
    if let Some(variables) = variables {
        write_object(variables, &mut text);
    }
    if text == "{}" {
        text.clear();
    }
    print(&(number, user.filter(|user| !user.is_empty()), session, text))
}

/// One text for all JSON that says the same: keys in order, nulls left out, whole numbers alike.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => write_object(fields, out),
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write_canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Number(number) => match whole(number) {
            Some(whole) => out.push_str(&whole.to_string()),
            None => out.push_str(&number.to_string()),
        },
        other => out.push_str(&other.to_string()),
    }
}

fn write_object(fields: &Map<String, Value>, out: &mut String) {
    let mut fields: Vec<_> = fields.iter().filter(|(_, value)| !value.is_null()).collect();
    fields.sort_by_key(|(name, _)| *name);
    out.push('{');
    for (name, value) in fields {
        out.push_str(&Value::from(name.as_str()).to_string());
        out.push(':');
        write_canonical(value, out);
        out.push(',');
    }
    out.push('}');
}

/// `3.0` is `3` to a service that reads it as a number.
fn whole(number: &JsonNumber) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = number.as_f64().filter(|f| number.is_f64() && f.fract() == 0.0)?;
    #[allow(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
    (float.abs() < EXACT).then_some(float as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &Value) -> Print {
        Reader::new(Some("IN")).own(json.to_string().as_bytes())
    }

    fn listed(json: &Value) -> Option<u64> {
        let text = serde_json::json!({"items": [json]}).to_string();
        let mut found = None;
        page::read(text.as_bytes(), |shown| {
            found = Reader::new(Some("IN")).shown(shown).map(|(_, identity)| identity);
        });
        found
    }

    #[test]
    fn a_row_is_recognised_as_what_was_sent() {
        let row = serde_json::json!({"phone_number": "+919876543210", "app_session_id": "s",
            "variables": {"n": 3.0, "deep": {"b": [1, null], "a": "é"}, "nothing": null}});
        let same = [
            serde_json::json!({"phone_number": "+91 98765 43210", "app_session_id": "s", "id": "x",
                "app_user_id": null, "variables": {"deep": {"a": "é", "b": [1, null]}, "n": 3}}),
            serde_json::json!({"phone_number": "919876543210", "app_session_id": "s",
                "variables": {"deep": {"a": "é", "b": [1, null]}, "n": 3, "more": null}}),
        ];
        for same in same {
            assert_eq!(listed(&same), of(&row).identity, "{same}");
        }
        for (field, other) in [
            ("phone_number", serde_json::json!("+91******3210")),
            ("app_session_id", serde_json::json!("t")),
            ("app_user_id", serde_json::json!("u")),
            ("variables", serde_json::json!({"n": 3})),
        ] {
            let mut changed = row.clone();
            changed[field] = other;
            assert_ne!(listed(&changed), of(&row).identity, "{changed}");
        }
    }

    #[test]
    fn a_number_that_is_hidden_may_be_any() {
        let reader = Reader::new(Some("IN"));
        assert!(reader.number("+919876543210").is_valid);
        assert_eq!(reader.number("98765 43210"), reader.number("+919876543210"));
        assert!(!reader.number("+91******3210").is_valid);
    }
}
