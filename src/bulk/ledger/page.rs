//! A page of the listing, read for the little that settling needs, and forgiving in all else: an odd
//! record of somebody else's costs nothing.
//!
//! One pass over the text; values that are not asked for are stepped over, not understood.

use std::borrow::Cow;

use memchr::memchr2;

/// What a page says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in super::super) struct Page {
    /// How many records it holds.
    pub(in super::super) items: u64,
    /// How many records there are in all.
    pub(in super::super) total: Option<u64>,
    /// Whether more pages follow.
    pub(in super::super) has_more: Option<bool>,
    /// How many records a page holds.
    pub(in super::super) size: Option<u64>,
}

/// A record as a page shows it: each field's JSON, undecoded.
#[derive(Debug, Clone, Copy, Default)]
pub(in super::super) struct Shown<'a> {
    /// All of it.
    pub(in super::super) whole: &'a [u8],
    pub(in super::super) id: Option<&'a [u8]>,
    pub(in super::super) status: Option<&'a [u8]>,
    pub(in super::super) phone_number: Option<&'a [u8]>,
    pub(in super::super) app_user_id: Option<&'a [u8]>,
    pub(in super::super) app_session_id: Option<&'a [u8]>,
    pub(in super::super) variables: Option<&'a [u8]>,
    pub(in super::super) created_at: Option<&'a [u8]>,
}

/// Reads a page and shows each of its records; none where it is no JSON object with a list `items`.
pub(in super::super) fn read<'a>(text: &'a [u8], mut see: impl FnMut(&Shown<'a>)) -> Option<Page> {
    let mut cursor = Cursor { text: text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text), at: 0 };
    let mut page = Page::default();
    let mut has_items = false;
    cursor.object(|cursor, key| {
        match key {
            b"items" => {
                has_items = true;
                page.items = 0;
                cursor.array(|cursor| {
                    page.items += 1;
                    see(&record(cursor)?);
                    Some(())
                })?;
            }
            b"total" => page.total = number(cursor.value()?),
            b"page_size" => page.size = number(cursor.value()?),
            b"has_more" => {
                page.has_more = match cursor.value()? {
                    b"true" => Some(true),
                    b"false" => Some(false),
                    _ => None,
                }
            }
            _ => {
                cursor.value()?;
            }
        }
        Some(())
    })?;
    cursor.space();
    (has_items && cursor.at == cursor.text.len()).then_some(page)
}

fn record<'a>(cursor: &mut Cursor<'a>) -> Option<Shown<'a>> {
    let mut shown = Shown::default();
    cursor.space();
    let start = cursor.at;
    if cursor.text.get(start) != Some(&b'{') {
        // No record at all: it is only counted.
        return Some(Shown { whole: cursor.value()?, ..shown });
    }
    cursor.object(|cursor, key| {
        let value = cursor.value()?;
        let field = match key {
            b"id" => &mut shown.id,
            b"status" => &mut shown.status,
            b"phone_number" => &mut shown.phone_number,
            b"app_user_id" => &mut shown.app_user_id,
            b"app_session_id" => &mut shown.app_session_id,
            b"variables" => &mut shown.variables,
            b"created_at" => &mut shown.created_at,
            _ => return Some(()),
        };
        *field = (value != b"null").then_some(value);
        Some(())
    })?;
    shown.whole = cursor.text.get(start..cursor.at)?;
    Some(shown)
}

/// A count, also where it is a text or ends in `.0`.
fn number(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?.trim_matches('"');
    text.strip_suffix(".0").unwrap_or(text).parse().ok()
}

/// The text of a JSON string; none where it is another value, or can't be read.
pub(in super::super) fn text(value: &[u8]) -> Option<Cow<'_, str>> {
    let inner = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if memchr::memchr(b'\\', inner).is_none() {
        return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
    }
    serde_json::from_slice::<String>(value).ok().map(Cow::Owned)
}

/// The text of a scalar: a string's, or a number as it is written.
pub(in super::super) fn scalar(value: &[u8]) -> Option<Cow<'_, str>> {
    match value.first()? {
        b'"' => text(value),
        b'0'..=b'9' | b'-' => std::str::from_utf8(value).ok().map(Cow::Borrowed),
        _ => None,
    }
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    /// Steps over `byte`, after blanks.
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.space();
        (self.text.get(self.at) == Some(&byte)).then(|| self.at += 1)
    }

    fn take(&mut self, byte: u8) -> bool {
        self.expect(byte).is_some()
    }

    /// Steps through an object; `field` is shown each key, undecoded, and must step over its value.
    fn object(&mut self, mut field: impl FnMut(&mut Self, &'a [u8]) -> Option<()>) -> Option<()> {
        self.expect(b'{')?;
        if self.take(b'}') {
            return Some(());
        }
        loop {
            self.space();
            let key = self.string()?;
            self.expect(b':')?;
            field(self, key.get(1..key.len() - 1)?)?;
            if self.take(b'}') {
                return Some(());
            }
            self.expect(b',')?;
        }
    }

    /// Steps through an array; `item` must step over each value.
    fn array(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.expect(b'[')?;
        if self.take(b']') {
            return Some(());
        }
        loop {
            item(self)?;
            if self.take(b']') {
                return Some(());
            }
            self.expect(b',')?;
        }
    }

    /// Steps over a string, and returns it with its quotes.
    fn string(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        if self.text.get(start) != Some(&b'"') {
            return None;
        }
        let mut at = start + 1;
        loop {
            at += memchr2(b'"', b'\\', self.text.get(at..)?)?;
            if self.text[at] == b'"' {
                self.at = at + 1;
                return self.text.get(start..self.at);
            }
            at += 2;
        }
    }

    /// Steps over any value, and returns its text.
    fn value(&mut self) -> Option<&'a [u8]> {
        self.space();
        let start = self.at;
        match self.text.get(start)? {
            b'"' => return self.string(),
            b'{' | b'[' => self.nested()?,
            b',' | b'}' | b']' | b':' => return None,
            _ => {
                while let Some(byte) = self.text.get(self.at)
                    && !matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t')
                {
                    self.at += 1;
                }
            }
        }
        self.text.get(start..self.at)
    }

    /// Steps over an object or an array, however deep.
    fn nested(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.text.get(self.at)? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<i32>().prop_map(|n| json!(f64::from(n) / 4.0)),
            "[a-z\"\\\\{}\\[\\],:é\u{0}]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map("[a-z\"\\\\]{0,5}", inner, 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_stands_around_does_not_matter(
            items in proptest::collection::vec((any_value(), any_value(), "[a-z\"\\\\é]{0,9}"), 0..5),
            extra in any_value(), pretty in any::<bool>(),
        ) {
            let records: Vec<Value> = items
                .iter()
                .map(|(before, after, session)| json!({
                    "id": before, "x": after, "app_session_id": session, "created_at": null,
                }))
                .collect();
            let page = json!({"extra": extra, "items": records, "total": 7, "has_more": false});
            let text = if pretty {
                serde_json::to_string_pretty(&page).unwrap()
            } else {
                page.to_string()
            };
            let mut seen = Vec::new();
            let read = read(text.as_bytes(), |shown| {
                let whole: Value = serde_json::from_slice(shown.whole).unwrap();
                let session = shown.app_session_id.and_then(super::text).unwrap().into_owned();
                seen.push((whole["x"].clone(), session));
                assert!(shown.created_at.is_none());
            });
            let expected: Vec<_> =
                items.iter().map(|(_, after, session)| (after.clone(), session.clone())).collect();
            prop_assert_eq!(seen, expected);
            let expected =
                Page { items: items.len() as u64, total: Some(7), has_more: Some(false), size: None };
            prop_assert_eq!(read, Some(expected));
        }

        #[test]
        fn a_page_cut_short_is_no_page(item in any_value(), cut in 0.0..1.0_f64) {
            let text = json!({"items": [{"id": item}], "total": 1}).to_string();
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            let at = (text.len() as f64 * cut) as usize;
            prop_assert_eq!(read(&text.as_bytes()[..at], |_| ()), None);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..99)) {
            read(&bytes, |shown| {
                shown.id.and_then(scalar);
                shown.app_session_id.and_then(text);
            });
        }
    }

    #[test]
    fn odd_records_cost_nothing() {
        let text = br#"{"items": [
            {"id": 5, "call_history": [{"status": "\ud83d"}], "app_session_id": "a"},
            {"id": "r2", "attempt_count": "1", "next_attempt_at": "", "app_session_id": "\ud83d"},
            {"id": "r3", "score": NaN, "app_session_id": 7},
            "no record", {"app_session_id": "b"}
        ], "total": "5", "has_more": false, "page_size": 50.0}"#;
        let mut sessions = Vec::new();
        let page = read(text, |shown| {
            sessions.push(shown.app_session_id.and_then(super::text).map(Cow::into_owned));
        });
        assert_eq!(sessions, [Some("a".to_owned()), None, None, None, Some("b".to_owned())]);
        let expected = Page { items: 5, total: Some(5), has_more: Some(false), size: Some(50) };
        assert_eq!(page, Some(expected));
    }
}
