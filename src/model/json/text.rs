//! A string of JSON: as it stands there, and what it says.

use std::borrow::Cow;

use super::encoding::push;

/// A string as it stands between its quotes, its escapes known to be sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a> {
    /// What stands between the quotes.
    pub text: &'a [u8],
    /// Whether it has no escapes.
    pub is_plain: bool,
}

impl<'a> Raw<'a> {
    /// What it says, in UTF-8 in which half a surrogate pair may stand as its three bytes.
    #[inline]
    pub fn decoded(self) -> Cow<'a, [u8]> {
        if self.is_plain { Cow::Borrowed(self.text) } else { Cow::Owned(self.unescaped()) }
    }

    fn unescaped(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.text.len());
        let mut rest = self.text;
        while let Some(at) = memchr::memchr(b'\\', rest) {
            let (before, escape) = rest.split_at(at);
            out.extend_from_slice(before);
            let (code, length) = unescaped(escape);
            push(&mut out, code);
            rest = escape.get(length..).unwrap_or_default();
        }
        out.extend_from_slice(rest);
        out
    }

    /// What it says, U+FFFD in the place of half a surrogate pair.
    pub fn to_text(self) -> Cow<'a, str> {
        match self.decoded() {
            Cow::Borrowed(text) => match std::str::from_utf8(text) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => Cow::Owned(lossy(text.to_vec())),
            },
            Cow::Owned(text) => Cow::Owned(lossy(text)),
        }
    }
}

/// The string without escapes that begins at a place of a sound text, if there is one.
pub fn plain_at(text: &[u8], at: usize) -> Option<&[u8]> {
    let rest = text.get(at..)?.strip_prefix(b"\"")?;
    let end = memchr::memchr2(b'"', b'\\', rest)?;
    let (plain, after) = rest.split_at_checked(end)?;
    after.starts_with(b"\"").then_some(plain)
}

/// A text, U+FFFD in the place of half a surrogate pair. Both have three bytes.
pub fn lossy(text: Vec<u8>) -> String {
    let mut text = match String::from_utf8(text) {
        Ok(text) => return text,
        Err(error) => error.into_bytes(),
    };
    let mut at = 0;
    while let Some(found) = memchr::memchr(0xed, text.get(at..).unwrap_or_default()) {
        at += found;
        if let Some(half @ [0xed, 0xa0..=0xbf, _]) = text.get_mut(at..at + 3) {
            half.copy_from_slice("\u{fffd}".as_bytes());
        }
        at += 1;
    }
    String::from_utf8(text)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// What the escape says that a text begins with, and its length; two halves are one character.
fn unescaped(text: &[u8]) -> (u32, usize) {
    let plain = |byte: u8| (u32::from(byte), 2);
    match text.get(1) {
        Some(b'u') => match (unit(text), text.get(6..).and_then(unit_of_escape)) {
            (high @ 0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) => {
                (0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), 12)
            }
            (unit, _) => (unit, 6),
        },
        Some(b'b') => plain(8),
        Some(b'f') => plain(12),
        Some(b'n') => plain(b'\n'),
        Some(b'r') => plain(b'\r'),
        Some(b't') => plain(b'\t'),
        other => plain(other.copied().unwrap_or_default()),
    }
}

fn unit_of_escape(text: &[u8]) -> Option<u32> {
    text.starts_with(b"\\u").then(|| unit(text))
}

/// The number in `\u12aB`.
fn unit(text: &[u8]) -> u32 {
    let digits = text.get(2..6).unwrap_or_default();
    let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or_default();
    digits.iter().fold(0, |unit, byte| unit << 4 | digit(byte))
}
