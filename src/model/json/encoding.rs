//! A text's bytes as UTF-8, in which half a surrogate pair may stand as its three bytes.

use bytes::Bytes;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16 { big: bool },
    Utf32 { big: bool },
}

/// The text in UTF-8, without a mark at its start; shared, where it is in UTF-8 already. Fails with
/// the place of the first byte that can't be read.
pub fn to_utf8(text: &Bytes) -> Result<Bytes, usize> {
    let (encoding, mark) = encoding_of(text);
    let text = text.slice(mark..);
    let read = match encoding {
        Encoding::Utf8 => check(&text).map(|()| text),
        Encoding::Utf16 { big } => from_utf16(&text, big),
        Encoding::Utf32 { big } => from_utf32(&text, big),
    };
    read.map_err(|at| mark + at)
}

/// The encoding, by its mark or by where the zeros of the first, plain characters are; and the
/// length of the mark.
fn encoding_of(text: &[u8]) -> (Encoding, usize) {
    use Encoding::{Utf8, Utf16, Utf32};
    match text {
        [0, 0, 0xfe, 0xff, ..] => (Utf32 { big: true }, 4),
        [0xff, 0xfe, 0, 0, ..] => (Utf32 { big: false }, 4),
        [0xfe, 0xff, ..] => (Utf16 { big: true }, 2),
        [0xff, 0xfe, ..] => (Utf16 { big: false }, 2),
        [0xef, 0xbb, 0xbf, ..] => (Utf8, 3),
        [0, 0, _, _, ..] => (Utf32 { big: true }, 0),
        [0, _, _, _, ..] | [0, _] => (Utf16 { big: true }, 0),
        [_, 0, 0, 0, ..] => (Utf32 { big: false }, 0),
        [_, 0, _, _, ..] | [_, 0] => (Utf16 { big: false }, 0),
        _ => (Utf8, 0),
    }
}

fn check(text: &[u8]) -> Result<(), usize> {
    let mut from = 0;
    while let Err(error) = std::str::from_utf8(text.get(from..).unwrap_or_default()) {
        let at = from + error.valid_up_to();
        let Some([0xed, 0xa0..=0xbf, 0x80..=0xbf, ..]) = text.get(at..) else {
            return Err(at);
        };
        from = at + 3;
    }
    Ok(())
}

fn from_utf16(text: &[u8], big: bool) -> Result<Bytes, usize> {
    let (pairs, []) = text.as_chunks::<2>() else {
        return Err(text.len() - 1);
    };
    let units = pairs
        .iter()
        .map(|pair| if big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) });
    let mut out = Vec::with_capacity(pairs.len());
    for unit in char::decode_utf16(units) {
        push(&mut out, unit.map_or_else(|half| u32::from(half.unpaired_surrogate()), u32::from));
    }
    Ok(out.into())
}

fn from_utf32(text: &[u8], big: bool) -> Result<Bytes, usize> {
    let (fours, []) = text.as_chunks::<4>() else {
        return Err(text.len() / 4 * 4);
    };
    let mut out = Vec::with_capacity(fours.len());
    for (at, four) in fours.iter().enumerate() {
        let code = if big { u32::from_be_bytes(*four) } else { u32::from_le_bytes(*four) };
        if code > u32::from(char::MAX) {
            return Err(at * 4);
        }
        push(&mut out, code);
    }
    Ok(out.into())
}

/// Appends a character, or half a surrogate pair as the three bytes that UTF-8 would give it.
pub(super) fn push(out: &mut Vec<u8>, code: u32) {
    if let Some(character) = char::from_u32(code) {
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        let six = |shift: u32| 0x80 | u8::try_from(code >> shift & 0x3f).unwrap_or_default();
        out.extend_from_slice(&[0xed, six(6), six(0)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: impl Into<Vec<u8>>) -> Result<Vec<u8>, usize> {
        to_utf8(&text.into().into()).map(Into::into)
    }

    #[test]
    fn every_encoding_is_found() {
        let text = r#"{"é": "😀"}"#;
        let utf16: Vec<u16> = text.encode_utf16().collect();
        let utf32: Vec<u32> = text.chars().map(u32::from).collect();
        let mut forms = vec![text.as_bytes().to_vec()];
        forms.push(utf16.iter().flat_map(|unit| unit.to_le_bytes()).collect());
        forms.push(utf16.iter().flat_map(|unit| unit.to_be_bytes()).collect());
        forms.push(utf32.iter().flat_map(|unit| unit.to_le_bytes()).collect());
        forms.push(utf32.iter().flat_map(|unit| unit.to_be_bytes()).collect());
        let marks: [&[u8]; 5] =
            [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\0\0", b"\0\0\xfe\xff"];
        for (form, mark) in forms.iter().zip(marks) {
            assert_eq!(read(form.clone()).unwrap(), text.as_bytes());
            assert_eq!(read([mark, form].concat()).unwrap(), text.as_bytes());
        }
    }

    #[test]
    fn half_surrogates_are_let_through_and_nothing_else() {
        assert_eq!(read(b"\"\xed\xa0\xbd\"").unwrap(), b"\"\xed\xa0\xbd\"");
        assert_eq!(read(b"\"\0\x3d\xd8\"\0").unwrap(), b"\"\xed\xa0\xbd\"");
        assert_eq!(read(b"\"\0\0\0\x3d\xd8\0\0").unwrap(), b"\"\xed\xa0\xbd");
        assert_eq!(read(b"\"a\xff\""), Err(2));
        assert_eq!(read(b"\"\xed\xa0"), Err(1));
        assert_eq!(read(b"\"\0a\0b"), Err(4));
        assert_eq!(read(b"\"\0\0\0\xff\xff\xff\xff"), Err(4));
        assert_eq!(read(b"").unwrap(), b"");
        assert_eq!(read(b"\xff\xfe").unwrap(), b"");
    }
}
