//! Why a text is no number, before libphonenumber reads one into it: it takes letters for digits, a
//! decimal point for a blank, and the first of several numbers for the one that is meant.

use super::marks::is_digit;

/// No notation of a number takes more, in bytes; reading more could take long.
const LONGEST: usize = 100;
/// E.164 has no longer numbers.
const MOST_DIGITS: usize = 15;

const SEVERAL: &str = "it holds several numbers; keep the one to call";
const DASHES: &str = "-‐‑‒–—―−";

/// Why a text, of which only what is visible is left, is no number.
pub(super) fn not_a_number(text: &str) -> Option<&'static str> {
    if text.len() > LONGEST {
        return Some("it is too long");
    }
    let text = text.trim();
    if text.is_empty() {
        return Some("it is missing");
    }
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    if letters == 1 && text.contains(['e', 'E']) && text.parse::<f64>().is_ok() {
        return Some("it is in scientific notation, which has lost digits");
    }
    if has_extension(text) {
        return Some("it has an extension, which can't be dialled; take it off");
    }
    if letters > 0 {
        return Some("it contains letters");
    }
    if is_decimal(text) {
        return Some("it has a fraction");
    }
    // Some programs write the sign last.
    if text.starts_with(|c| DASHES.contains(c)) || text.ends_with(|c| DASHES.contains(c)) {
        return Some("it is negative, or begins or ends with a hyphen");
    }
    if text.contains([',', ';', '/', '|', '&', '\n', '\r']) || has_later_plus(text) {
        return Some(SEVERAL);
    }
    let is_part = |c: char| {
        is_digit(c) || c.is_whitespace() || DASHES.contains(c) || "+＋().（）".contains(c)
    };
    if !text.chars().all(is_part) {
        return Some("it contains characters of no phone number");
    }
    let count = text.chars().filter(|c| is_digit(*c)).count();
    let is_one = text.chars().all(|c| is_digit(c) || "+＋".contains(c));
    (count > MOST_DIGITS && !is_one).then_some(SEVERAL)
}

/// A number with a point in it, as a coordinate or an amount is. A last group of one or two digits is
/// no group of a number: `98765 4321.0`.
fn is_decimal(text: &str) -> bool {
    let number = text.strip_prefix(['+', '-', '−']).unwrap_or(text);
    number.split_once('.').is_some_and(|(whole, fraction)| {
        let is_digits = |text: &str| text.chars().all(is_digit);
        is_digits(fraction) && (is_digits(whole) || fraction.chars().count() < 3)
    })
}

/// A plus begins a number: after a digit, another one.
fn has_later_plus(text: &str) -> bool {
    let mut digits = false;
    text.chars().any(|c| {
        digits |= is_digit(c);
        digits && "+＋".contains(c)
    })
}

/// `… ext. 12`, `… x12`, `… #12`, `…;ext=12`.
fn has_extension(text: &str) -> bool {
    let rest = text.trim_end_matches(is_digit);
    if rest.len() == text.len() {
        return false;
    }
    let rest = rest.trim_end_matches([' ', '.', ':', '=', '-']);
    if let Some(number) = rest.strip_suffix('#') {
        return number.contains(is_digit);
    }
    let number = rest.trim_end_matches(char::is_alphabetic);
    let word = rest.get(number.len()..).unwrap_or_default().to_lowercase();
    let known = ["x", "ext", "extn", "extension", "int", "anexo", "доб", "дoб"];
    known.contains(&&*word) && number.contains(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_reason() {
        for (text, reason) in [
            ("0.9876543210", "fraction"),
            ("98.76543210", "fraction"),
            ("98765.43210", "fraction"),
            ("+91.9876543210", "fraction"),
            (".9876543210", "fraction"),
            ("98765 4321.0", "fraction"),
            ("+91 98765-43210.5", "fraction"),
            ("-9876543210", "negative"),
            ("−9876543210", "negative"),
            ("9876543210-", "negative"),
            ("-0.9876543210", "fraction"),
            ("9876543210, 9876543211", "several"),
            ("9876543210 / 11", "several"),
            ("+919876543210 +919876543211", "several"),
            ("9876543210 9876543211", "several"),
            ("+91 22 2202 0000 ext. 12", "extension"),
            ("9876543210x12", "extension"),
            ("9876543210 #12", "extension"),
            ("9876543210;ext=12", "extension"),
            ("9876543210½", "characters"),
            ("98765\u{0}43210", "characters"),
        ] {
            let problem = not_a_number(text).unwrap_or_default();
            assert!(problem.contains(reason), "{text}: {problem}");
        }
        for text in [
            "(+91) 98765 43210",
            "987.654.3210",
            "98.76.54.32.10",
            "+९१ ९८७६५ ४३२१०",
            "(98765)-43210",
        ] {
            assert_eq!(not_a_number(text), None, "{text}");
        }
    }
}
