//! Characters that are no part of a number and come along with it.

use std::borrow::Cow;

/// The zeros of the decimal digits that people write numbers in, beside ASCII's.
const ZEROS: [u32; 19] = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
    0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x17E0, 0x1810, 0xFF10,
];

/// Whether it is a decimal digit of some script. Fractions, Roman numerals and circled numbers are not.
pub(super) fn is_digit(c: char) -> bool {
    ascii(c).is_ascii_digit()
}

/// A digit of any script as one of ASCII's; anything else as it is.
fn ascii(c: char) -> char {
    if c.is_ascii() {
        return c;
    }
    let of = |zero: &u32| u32::from(c).checked_sub(*zero).and_then(|n| char::from_digit(n, 10));
    ZEROS.iter().find_map(of).unwrap_or(c)
}

/// The text with ASCII's digits: of others, a reader may know some and pass over the rest.
pub(super) fn plain_digits(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { text.into() } else { text.chars().map(ascii).collect::<String>().into() }
}

/// Whether nothing of it is seen: joiners, directions, selectors, fillers, controls. A NUL is not among
/// them, nor a line's end.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{1}'..='\u{8}'
            | '\u{E}'..='\u{1F}'
            | '\u{7F}'..='\u{84}'
            | '\u{86}'..='\u{9F}'
            | '\u{AD}'
            | '\u{34F}'
            | '\u{61C}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{20E3}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFC}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

/// Whether it is a blank that is no plain space.
fn is_odd_blank(c: char) -> bool {
    c != ' ' && (c.is_whitespace() || c == '\u{2800}')
}

/// What is seen of a text, its blanks made plain.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    // Nearly all that come are ASCII without controls.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.into();
    }
    if !text.contains(|c| is_invisible(c) || is_odd_blank(c)) {
        return text.into();
    }
    let seen = text.chars().filter(|c| !is_invisible(*c));
    seen.map(|c| if is_odd_blank(c) { ' ' } else { c }).collect::<String>().into()
}
