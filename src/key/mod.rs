//! The token of a row that is known by a key: what it is sent under, the same everywhere.
//!
//! It is the row's `app_session_id`, in ASCII, at most [`LONGEST`] bytes:
//!
//! ```text
//! token   = [ name ] ":" ( key *( ":" key ) / digest )
//! name    = text               ; what tells rounds apart; at most LONGEST_NAME bytes
//! key     = text               ; of each key column, in their order
//! text    = 1*( ALPHA / DIGIT / "-" / "." / "_" / "@" / "%" HEXDIG HEXDIG )
//! digest  = "~" 43( ALPHA / DIGIT / "-" / "_" )
//! ```
//!
//! Every other byte of a text's UTF-8 is escaped, with upper-case hexadecimal digits, and no byte that
//! need not be: a token has one form. A token longer than [`LONGEST`] has a digest in the place of its
//! keys: the SHA-256 of what would have stood there, in the alphabet of base64url, without padding.
//!
//! The format does not change: a token that was sent once is looked for by every later version.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::{Error, Result};

/// The most bytes of a token.
pub const LONGEST: usize = 100;

/// The most bytes of a name as it stands in a token.
pub const LONGEST_NAME: usize = 55;

/// A row, as its token tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowKey {
    /// The round it is of, if that has a name.
    pub name: Option<String>,
    /// What stands in each key column; none where the token holds a digest.
    pub key: Option<Vec<String>>,
}

/// What tokens of a name begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// The name, escaped, and a colon.
    prefix: String,
}

impl Tokens {
    /// Tokens of a name, or of none.
    pub fn of(name: Option<&str>) -> Result<Self> {
        let mut prefix = String::new();
        if let Some(name) = name {
            if name.is_empty() {
                let problem = "it is empty; leave it out, or name the round: name=\"2026-01\"";
                return Err(Error::invalid("name", problem));
            }
            escape(name, &mut prefix);
            if prefix.len() > LONGEST_NAME {
                let problem = format!(
                    "it takes {} bytes in a token, and {LONGEST_NAME} are the most; characters \
                     other than letters, digits, '-', '.', '_' and '@' take 3 bytes and more",
                    prefix.len()
                );
                return Err(Error::invalid("name", problem));
            }
        }
        prefix.push(':');
        Ok(Self { prefix })
    }

    /// What tokens of this name begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Writes the token of a key: the text of each of its columns. None may be empty. Whether it ends with
    /// those texts, as they are and with colons between.
    pub fn write<'a>(&self, key: impl IntoIterator<Item = &'a str>, out: &mut String) -> bool {
        let start = out.len();
        out.push_str(&self.prefix);
        let keys = out.len();
        let mut is_as_shown = true;
        for (at, part) in key.into_iter().enumerate() {
            if at > 0 {
                out.push(':');
            }
            is_as_shown &= escape(part, out);
        }
        let is_long = out.len() - start > LONGEST;
        if is_long {
            let digest = Sha256::digest(&out.as_bytes()[keys..]);
            out.truncate(keys);
            out.push('~');
            base64(&digest, out);
        }
        is_as_shown && !is_long
    }

    /// The same of a key of one text that stands in a token as it is.
    pub(crate) fn write_plain(&self, key: &str, out: &mut String) -> bool {
        debug_assert!(is_plain(key));
        if self.prefix.len() + key.len() > LONGEST {
            return self.write([key], out);
        }
        out.push_str(&self.prefix);
        out.push_str(key);
        true
    }

    /// The token of a key.
    pub fn token<'a>(&self, key: impl IntoIterator<Item = &'a str>) -> String {
        let mut token = String::new();
        self.write(key, &mut token);
        token
    }
}

/// The columns of a key in one text, as they stand in a token that is not too long for it.
pub fn joined<'a>(key: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for (at, part) in key.into_iter().enumerate() {
        if at > 0 {
            text.push(':');
        }
        escape(part, &mut text);
    }
    text
}

/// The columns of a key that [`joined`] put in one text.
pub fn parted(text: &str) -> Option<Vec<String>> {
    text.split(':').map(unescape).collect()
}

/// Whether a session id is one that an upload gives: under this prefix, or by key or place at all.
pub fn is_given(session: &str, prefix: Option<&str>) -> bool {
    prefix.is_some_and(|prefix| session.starts_with(prefix))
        || row_key(session).is_some()
        || is_of_place(session)
}

/// Whether a session id is the token of a row that is known by its place: an upload's id and that.
pub fn is_of_place(session: &str) -> bool {
    session.split_once('-').is_some_and(|(upload, row)| {
        let is_id = upload.len() == 32 && upload.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id && !row.is_empty() && row.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Whether a text is a token with a digest in the place of its keys.
pub(crate) fn has_digest(token: &str) -> bool {
    token.contains(":~") && row_key(token).is_some_and(|row| row.key.is_none())
}

/// The row that a token tells; none where a text is no token.
pub fn row_key(token: &str) -> Option<RowKey> {
    if token.len() > LONGEST {
        return None;
    }
    let (name, rest) = token.split_once(':')?;
    if name.len() > LONGEST_NAME {
        return None;
    }
    let name = if name.is_empty() { None } else { Some(unescape(name)?) };
    if let Some(digest) = rest.strip_prefix('~') {
        let is_digest = digest.len() == 43
            && digest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        return is_digest.then_some(RowKey { name, key: None });
    }
    Some(RowKey { name, key: Some(parted(rest)?) })
}

/// Whether a text stands in a token as it is.
pub(crate) fn is_plain(text: &str) -> bool {
    // Nearly all do: no byte of them is a reason to end early.
    text.bytes().fold(true, |all, byte| all & is_unescaped(byte))
}

/// Whether a byte stands in a token as it is.
fn is_unescaped(byte: u8) -> bool {
    // Asked of many bytes at a time, which a table can't be.
    byte.is_ascii_alphanumeric() | matches!(byte, b'-' | b'.' | b'_' | b'@')
}

/// Writes a text as it stands in a token; whether that is as it is.
fn escape(text: &str, out: &mut String) -> bool {
    if is_plain(text) {
        out.push_str(text);
        return true;
    }
    for byte in text.bytes() {
        if is_unescaped(byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    false
}

/// The text that was escaped; none where it is not escaped as it would be here.
fn unescape(escaped: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(Some(byte).filter(|byte| is_unescaped(*byte))?);
            continue;
        }
        let byte = digit(rest.next()?)? << 4 | digit(rest.next()?)?;
        bytes.push(Some(byte).filter(|byte| !is_unescaped(*byte))?);
    }
    String::from_utf8(bytes).ok().filter(|text| !text.is_empty())
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Writes bytes in the alphabet of base64url, without padding.
fn base64(bytes: &[u8], out: &mut String) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..=group.len() {
            let index = bits >> (18 - 6 * place) & 63;
            out.push(char::from(ALPHABET[index as usize]));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Vector {
        name: Option<String>,
        key: Vec<String>,
        token: String,
        is_digest: bool,
    }

    fn token(name: Option<&str>, key: &[String]) -> String {
        Tokens::of(name).unwrap().token(key.iter().map(String::as_str))
    }

    #[test]
    fn tokens_are_what_they_were() {
        let text = include_str!("../../tests/data/row-keys.json");
        let vectors: Vec<Vector> = serde_json::from_str(text).unwrap();
        assert!(vectors.len() > 10);
        for Vector { name, key, token: expected, is_digest } in vectors {
            assert_eq!(token(name.as_deref(), &key), expected);
            assert_eq!(parted(&joined(key.iter().map(String::as_str))).as_ref(), Some(&key));
            let key = (!is_digest).then_some(key);
            assert_eq!(row_key(&expected), Some(RowKey { name, key }));
        }
    }

    #[test]
    fn what_is_no_token_is_told() {
        let digest = "A".repeat(43);
        for text in [
            "",
            "17",
            ":",
            "n:",
            "n::",
            ":a:",
            "a b:1",
            "n:é",
            "n:%41",
            "n:%2f",
            "n:%",
            "n:%2",
            "n:%FF",
            "n:~",
            "n:~x",
            "~x:1",
            &format!("n:~{digest}A"),
            &format!("n:~{digest}:1"),
            &format!("n:{}", "x".repeat(99)),
            &format!("{}:1", "x".repeat(56)),
        ] {
            assert_eq!(row_key(text), None, "{text:?}");
        }
        assert!(row_key(&format!("n:~{digest}")).is_some());
    }

    #[test]
    fn a_name_that_cannot_be_is_refused() {
        for name in ["", &"x".repeat(56), &"é".repeat(10)] {
            assert!(Tokens::of(Some(name)).is_err(), "{name:?}");
        }
        assert!(Tokens::of(Some(&"x".repeat(55))).is_ok());
    }

    fn name() -> impl Strategy<Value = Option<String>> {
        proptest::option::of(prop_oneof!["[a-b:%~]{1,3}", ".{1,4}"])
    }

    fn key() -> impl Strategy<Value = Vec<String>> {
        let text = prop_oneof!["[a-b:%~]{1,3}", ".{1,9}", "(?s).{1,200}"];
        proptest::collection::vec(text, 1..4)
    }

    proptest! {
        #[test]
        fn every_token_goes_back(name in name(), key in key()) {
            let token = token(name.as_deref(), &key);
            prop_assert!(token.len() <= LONGEST && token.is_ascii());
            let RowKey { name: told, key: shown } = row_key(&token).unwrap();
            prop_assert_eq!(told, name);
            let escaped: usize = key.iter().map(String::len).sum();
            prop_assert!(shown.is_none() || shown.as_ref() == Some(&key));
            prop_assert!(shown.is_some() || escaped * 3 > 40);
        }

        #[test]
        fn a_plain_key_has_the_token_that_it_has_as_any_other(
            name in name(), key in "[a-zA-Z0-9._@-]{1,120}",
        ) {
            let tokens = Tokens::of(name.as_deref()).unwrap();
            let (mut one, mut other) = ("before".to_owned(), "before".to_owned());
            prop_assert!(is_plain(&key));
            prop_assert_eq!(tokens.write_plain(&key, &mut one), tokens.write([&*key], &mut other));
            prop_assert_eq!(one, other);
        }

        #[test]
        fn two_keys_have_two_tokens(one in (name(), key()), other in (name(), key())) {
            let of = |(name, key): &(Option<String>, Vec<String>)| token(name.as_deref(), key);
            prop_assert_eq!(one == other, of(&one) == of(&other));
        }

        #[test]
        fn a_token_has_one_form(text in "[ab:%~2A-F]{0,12}") {
            if let Some(RowKey { name, key: Some(key) }) = row_key(&text) {
                prop_assert_eq!(token(name.as_deref(), &key), text);
            }
        }
    }
}
