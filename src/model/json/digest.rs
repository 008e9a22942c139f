//! One digest for all texts that say the same, whatever their blanks, escapes and order of keys.

use sha2::{Digest as _, Sha256};

use super::scanner::{Digits, Scanner, Token};
use super::walk::{Step, Walk};

type Hash = [u8; 32];

/// An array or an object that is not at its end.
enum Open {
    Array(Sha256),
    Object { entries: Vec<(Vec<u8>, Hash)>, key: Vec<u8> },
}

/// The digest of a sound text.
pub fn digest(text: &[u8]) -> Hash {
    let mut scanner = Scanner::new(text);
    let mut walk = Walk::new(&mut scanner);
    let mut open: Vec<Open> = Vec::new();
    let mut whole = Hash::default();
    while let Ok(Some(event)) = walk.step() {
        let hash = match event {
            Step::Key(text) => {
                if let Some(Open::Object { key, .. }) = open.last_mut() {
                    *key = text.decoded().into_owned();
                }
                continue;
            }
            Step::Value(Token::Array) => {
                open.push(Open::Array(Sha256::new_with_prefix(b"[")));
                continue;
            }
            Step::Value(Token::Object) => {
                open.push(Open::Object { entries: Vec::new(), key: Vec::new() });
                continue;
            }
            Step::Value(scalar) => of_scalar(scalar),
            Step::End => open.pop().map(of_whole).unwrap_or_default(),
        };
        match open.last_mut() {
            Some(Open::Array(hasher)) => hasher.update(hash),
            Some(Open::Object { entries, key }) => entries.push((std::mem::take(key), hash)),
            None => whole = hash,
        }
    }
    whole
}

fn of_scalar(token: Token<'_>) -> Hash {
    let tagged = |tag: u8, bytes: &[u8]| Sha256::new_with_prefix([tag]).chain_update(bytes);
    let hasher = match token {
        Token::Bool(flag) => tagged(b'b', &[u8::from(flag)]),
        Token::Text(text) => tagged(b'"', &text.decoded()),
        Token::Number(Digits { text: b"-0", is_integer: true }) => tagged(b'i', b"0"),
        Token::Number(digits) if digits.is_integer => tagged(b'i', digits.text),
        Token::Number(digits) => {
            let number = digits.as_f64();
            let number = if number == 0.0 { 0.0 } else { number };
            tagged(b'f', &number.to_bits().to_le_bytes())
        }
        Token::Null | Token::Array | Token::Object => tagged(b'n', b""),
    };
    hasher.finalize().into()
}

fn of_whole(open: Open) -> Hash {
    match open {
        Open::Array(hasher) => hasher.finalize().into(),
        Open::Object { mut entries, .. } => {
            entries.sort_by(|(one, _), (other, _)| one.cmp(other));
            let mut hasher = Sha256::new_with_prefix(b"{");
            for (at, (key, hash)) in entries.iter().enumerate() {
                // Of a key that comes twice, the last one counts.
                if entries.get(at + 1).is_some_and(|(next, _)| next == key) {
                    continue;
                }
                hasher.update((key.len() as u64).to_le_bytes());
                hasher.update(key);
                hasher.update(hash);
            }
            hasher.finalize().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_the_same_is_the_same() {
        for (one, other) in [
            (r#"{"a": 1, "b": [true, null]}"#, "{\n\"b\":[true,null],\"\\u0061\":1}"),
            (r#"{"a": 1, "a": 2}"#, r#"{"a": 2}"#),
            (r#"["\ud83d\ude00", "\/"]"#, r#"["😀", "/"]"#),
            ("[1.0, 1e2, -0.0, -0, NaN]", "[1.00, 100.0, 0.0, 0, NaN]"),
            (r#"["\ud83d"]"#, r#"["\uD83D"]"#),
        ] {
            assert_eq!(digest(one.as_bytes()), digest(other.as_bytes()), "{one}");
        }
    }

    #[test]
    fn what_says_another_thing_is_another() {
        let texts = [
            "null",
            "true",
            "false",
            "0",
            "1",
            "1.0",
            "\"1\"",
            "\"\"",
            "[]",
            "{}",
            "[[]]",
            "[{}]",
            "[1]",
            "[1, 1]",
            "[[1], 1]",
            "{\"a\": 1}",
            "{\"b\": 1}",
            "{\"a\": {}}",
            "NaN",
            "{\"a\": [1], \"b\": 2}",
            "{\"a\": [1, 2], \"b\": 2}",
            "\"\\ud83d\"",
            "\"\u{fffd}\"",
        ];
        for (at, one) in texts.iter().enumerate() {
            for other in &texts[at + 1..] {
                assert_ne!(digest(one.as_bytes()), digest(other.as_bytes()), "{one} {other}");
            }
        }
    }
}
