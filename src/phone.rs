//! Phone numbers, by libphonenumber's rules.

use rlibphonenumber::PHONE_NUMBER_UTIL;
use rlibphonenumber::enums::Region;

/// Whether `text` is a number that can be called from India: an Indian one in any notation, or
/// another country's in E.164. Letters are no digits here.
pub fn is_valid_in_india(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_digit() || "+-() .".contains(c);
    text.chars().all(plain)
        && PHONE_NUMBER_UTIL.parse(text, Some(Region::IN)).is_ok_and(|number| number.is_valid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indian_numbers_in_every_notation_and_others_in_e164() {
        for good in [
            "+919876543210",
            "9876543210",
            "09876543210",
            "+91 98765 43210",
            "98765-43210",
            "+14155552671",
        ] {
            assert!(is_valid_in_india(good), "{good}");
        }
        for bad in ["", "12", "not-a-number", "+91987654321", "9.19877E+11", "1-800-FLOWERS", "٩"]
        {
            assert!(!is_valid_in_india(bad), "{bad}");
        }
    }
}
