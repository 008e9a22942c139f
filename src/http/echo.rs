//! A secret in other people's words, however they write it.

use std::borrow::Cow;

const HIDDEN: &[u8] = b"***";

/// `text` with `***` wherever it holds `secret`: as it is, escaped as in JSON (`\/`, `\u0026`, also
/// twice over), percent-encoded, or with HTML's entities.
pub(super) fn without<'a>(text: &'a [u8], secret: &[u8]) -> Cow<'a, [u8]> {
    let mut out: Option<Vec<u8>> = None;
    let (mut from, mut at) = (0, 0);
    let Some(first) = secret.first() else {
        return Cow::Borrowed(text);
    };
    // A refusal may have many megabytes: only where it may begin, it is compared.
    let may_begin = |byte: &u8| byte == first || matches!(byte, b'\\' | b'%' | b'&');
    while let Some(ahead) = text.get(at..).and_then(|rest| rest.iter().position(may_begin)) {
        at += ahead;
        let Some(length) = text.get(at..).and_then(|rest| spelled(rest, secret)) else {
            at += 1;
            continue;
        };
        let out = out.get_or_insert_default();
        out.extend_from_slice(text.get(from..at).unwrap_or_default());
        out.extend_from_slice(HIDDEN);
        at += length;
        from = at;
    }
    let Some(mut out) = out else {
        return Cow::Borrowed(text);
    };
    out.extend_from_slice(text.get(from..).unwrap_or_default());
    Cow::Owned(out)
}

/// How long `secret` is at the beginning of `text`, if it stands there.
fn spelled(text: &[u8], secret: &[u8]) -> Option<usize> {
    if text.starts_with(secret) {
        return Some(secret.len());
    }
    let mut at = 0;
    for byte in secret {
        at += spelling(text.get(at..)?, *byte)?;
    }
    Some(at)
}

/// How many bytes of the beginning of `text` stand for `byte`.
fn spelling(text: &[u8], byte: u8) -> Option<usize> {
    encoding(text, byte).or_else(|| (text.first() == Some(&byte)).then_some(1))
}

/// The same, where something else stands for it.
fn encoding(text: &[u8], byte: u8) -> Option<usize> {
    match text.first()? {
        b'\\' => {
            let slashes = text.iter().take_while(|other| **other == b'\\').count();
            let rest = text.get(slashes..)?;
            match rest.first() {
                Some(b'u') if hex(rest.get(1..5)?) == Some(u32::from(byte)) => Some(slashes + 5),
                Some(other) if *other == byte && !byte.is_ascii_alphanumeric() => Some(slashes + 1),
                _ => (byte == b'\\').then_some(slashes),
            }
        }
        // Encoded twice over, the percent sign is `%25`.
        b'%' => {
            let mut at = 1;
            while text.get(at..at + 2) == Some(b"25") {
                at += 2;
            }
            if byte == b'%' && at > 1 {
                return Some(at);
            }
            (hex(text.get(at..at + 2)?) == Some(u32::from(byte))).then_some(at + 2)
        }
        b'&' => {
            let end = text.iter().take(10).position(|other| *other == b';')?;
            let code = match text.get(1..end)? {
                b"amp" => u32::from(b'&'),
                b"lt" => u32::from(b'<'),
                b"gt" => u32::from(b'>'),
                b"quot" => u32::from(b'"'),
                b"apos" => u32::from(b'\''),
                [b'#', b'x' | b'X', digits @ ..] => hex(digits)?,
                [b'#', digits @ ..] => std::str::from_utf8(digits).ok()?.parse().ok()?,
                _ => return None,
            };
            (code == u32::from(byte)).then_some(end + 1)
        }
        _ => None,
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = r#"k&/y"%\+<'1a"#;

    #[test]
    fn every_spelling_is_hidden() {
        let each =
            |spell: &dyn Fn(u8) -> String| KEY.bytes().map(spell).collect::<Vec<_>>().concat();
        let json = serde_json::to_string(KEY).unwrap();
        let spellings = [
            KEY.to_owned(),
            json.trim_matches('"').to_owned(),
            json.replace('/', r"\/").replace('&', r"\u0026").replace('<', r"\u003C"),
            serde_json::to_string(&json).unwrap(),
            each(&|byte| format!("%{byte:02X}")),
            each(&|byte| format!("%25{byte:02x}")),
            each(&|byte| format!(r"\u{byte:04x}")),
            each(&|byte| format!("&#{byte};")),
            r"k&amp;/y&quot;%\+&lt;&#x27;1a".to_owned(),
        ];
        for spelling in spellings {
            let text = format!("before {spelling} after");
            let hidden = without(text.as_bytes(), KEY.as_bytes()).into_owned();
            let hidden = String::from_utf8(hidden).unwrap();
            assert!(hidden.starts_with("before ") && hidden.ends_with(" after"), "{hidden}");
            assert!(hidden.contains("***") && !hidden.contains("1a"), "{hidden}");
        }
    }

    #[test]
    fn all_else_is_left() {
        for text in ["", "k&", "%", "\\", "\\u00", "&#", "&amp", "another key"] {
            assert!(matches!(without(text.as_bytes(), b"k&y"), Cow::Borrowed(_)), "{text}");
        }
        assert_eq!(&*without(b"keykey", b"key"), b"******");
        assert_eq!(&*without(b"text", b""), b"text");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: Vec<u8>, secret: Vec<u8>) {
            without(&text, &secret);
        }
    }
}
