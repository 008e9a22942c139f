//! Phone numbers, by libphonenumber's rules.
//!
//! What spreadsheets and data frames make of numbers is repaired where nothing was lost; nothing is
//! ever guessed.

mod cell;
mod marks;
mod refusal;
mod wrapping;

use std::borrow::Cow;
use std::sync::Mutex;

use rlibphonenumber::enums::{PhoneNumberFormat, Region};
use rlibphonenumber::{PHONE_NUMBER_UTIL, ParseError, PhoneNumberUtil};

use crate::{Error, Result};

pub use cell::whole;
pub use cell::{Cell, Written};

/// The numbers that can be called from one region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    region: Region,
}

impl Rules {
    /// The rules of a region, named by its ISO 3166 code, as `IN`.
    pub fn of(region: &str) -> Result<Self> {
        let code = region.to_ascii_uppercase();
        let known = Region::from_code(&code)
            .ok()
            .filter(|region| PHONE_NUMBER_UTIL.get_country_code_for_region(*region).is_some());
        known.map(|region| Self { region }).ok_or_else(|| {
            Error::invalid(
                "region",
                format!("{region:?} is no region; it should be a code such as \"IN\", or None"),
            )
        })
    }

    /// A valid number as E.164, else the reason why it is none.
    pub fn e164(self, text: &str) -> std::result::Result<String, Cow<'static, str>> {
        e164(&PHONE_NUMBER_UTIL, self.region, text)
    }
}

/// Checks many numbers. It has the rules to itself: their regular expressions would take turns where
/// threads share them.
pub struct Checker {
    region: Region,
    /// None only while it is dropped.
    util: Option<PhoneNumberUtil>,
}

/// Rules that nobody uses at the moment. They are costly to make, and each takes megabytes.
static IDLE: Mutex<Vec<PhoneNumberUtil>> = Mutex::new(Vec::new());

impl Checker {
    /// A checker by the rules of a region.
    pub fn new(rules: Rules) -> Self {
        // Where the lock is taken, perhaps for good by a thread that a fork left behind, others are made.
        let idle = IDLE.try_lock().ok().and_then(|mut idle| idle.pop());
        let util = idle.or_else(|| PhoneNumberUtil::new().ok());
        Self { region: rules.region, util }
    }

    /// A valid number as E.164, else the reason why it is none.
    pub fn e164(&self, number: &Written<'_>) -> std::result::Result<String, Cow<'static, str>> {
        let of =
            |text: &str| e164(self.util.as_ref().unwrap_or(&PHONE_NUMBER_UTIL), self.region, text);
        if !number.is_link || number.text.starts_with('+') {
            return of(&number.text);
        }
        // A country code is meant to come first; that of a number without one would be made of its digits.
        match (of(&format!("+{}", number.text)), of(&number.text)) {
            (Ok(first), Ok(second)) if first != second => {
                Err("it may be one of two numbers; write it with a + and its country code".into())
            }
            (Ok(number), _) | (_, Ok(number)) => Ok(number),
            (Err(problem), _) => Err(problem),
        }
    }
}

impl Drop for Checker {
    fn drop(&mut self) {
        if let (Some(util), Ok(mut idle)) = (self.util.take(), IDLE.try_lock()) {
            idle.push(util);
        }
    }
}

fn e164(
    util: &PhoneNumberUtil,
    region: Region,
    text: &str,
) -> std::result::Result<String, Cow<'static, str>> {
    let shown = marks::visible(text);
    let shown = marks::plain_digits(&shown);
    if let Some(problem) = refusal::not_a_number(&shown) {
        return Err(problem.into());
    }
    let number = util.parse(&shown, Some(region)).map_err(|error| match error {
        ParseError::InvalidCountryCode => "its country code does not exist, or is missing".into(),
        ParseError::NotANumber(_) => "it is not a phone number".into(),
        ParseError::TooShortAfterIdd | ParseError::TooShortNsn => "it is too short".into(),
        ParseError::TooLongNsn => Cow::from("it is too long"),
    })?;
    if !util.is_valid_number(&number) {
        return Err(match util.is_possible_number_with_reason(&number) {
            Ok(_) => "it has the length of a number, and is none that exists".into(),
            Err(error) => lower(&error.to_string()).into(),
        });
    }
    Ok(util.format(&number, PhoneNumberFormat::E164).into_owned())
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// Whether `text` is a number that can be called from India: an Indian one in any notation, or
/// another country's in E.164. Letters are no digits here.
pub fn is_valid_in_india(text: &str) -> bool {
    Rules { region: Region::IN }.e164(text).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INDIA: Rules = Rules { region: Region::IN };

    #[test]
    fn indian_numbers_in_every_notation_and_others_in_e164() {
        for (text, e164) in [
            ("+919876543210", "+919876543210"),
            ("9876543210", "+919876543210"),
            ("919876543210", "+919876543210"),
            ("09876543210", "+919876543210"),
            ("+91 98765 43210", "+919876543210"),
            ("\u{202A}+91\u{00A0}98765\u{2011}43210\u{202C}", "+919876543210"),
            ("98765-43210", "+919876543210"),
            ("+९१ ९८७६५ ४३२१०", "+919876543210"),
            ("༩༨76543210", "+919876543210"),
            ("+14155552671", "+14155552671"),
        ] {
            assert_eq!(INDIA.e164(text).as_deref(), Ok(e164), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_has_a_reason() {
        for (text, reason) in [
            ("", "it is missing"),
            ("  ", "it is missing"),
            ("12", "shorter"),
            ("not-a-number", "letters"),
            ("1-800-FLOWERS", "letters"),
            ("+1415555", "shorter"),
            ("+141555526719", "longer"),
            ("+91987654321", "none that exists"),
            ("+999123456789", "country code"),
            ("9.19877E+11", "scientific"),
            ("919876543210.5", "fraction"),
            ("9876543210, 9876543211", "several"),
            ("9876543210/9876543211", "several"),
            ("98765.43210", "fraction"),
            ("-9876543210", "negative"),
            ("+910123456789", "none that exists"),
            (&"9".repeat(101), "too long"),
        ] {
            let problem = INDIA.e164(text).unwrap_err();
            assert!(problem.contains(reason), "{text}: {problem}");
        }
    }

    #[test]
    fn what_spreadsheets_make_of_numbers_is_repaired() {
        let written = |cell: Cell<'_>| {
            cell.written().map(|w| (w.text.into_owned(), w.repaired)).map_err(|(_, why)| why)
        };
        let number = Ok(("919876543210".to_owned(), true));
        assert_eq!(written(Cell::Integer(919_876_543_210)), number);
        assert_eq!(written(Cell::Float(919_876_543_210.0)), number);
        assert_eq!(written(Cell::Text("919876543210.0".into())), number);
        assert_eq!(written(Cell::Text("+1.0".into())), Ok(("+1".to_owned(), true)));
        assert_eq!(written(Cell::Text("98765.00".into())), Ok(("98765".to_owned(), true)));
        assert_eq!(written(Cell::Text("98765.01".into())), Ok(("98765.01".to_owned(), false)));
        assert_eq!(written(Cell::Decimal("919876543210.0000000000".into())), number);
        for bad in ["-9876543210.00", "9876543210.5"] {
            assert!(written(Cell::Decimal(bad.into())).is_err(), "{bad}");
        }
        assert_eq!(written(Cell::Missing), Err("it is missing".into()));
        assert_eq!(written(Cell::Float(f64::NAN)), Err("it is missing".into()));
        assert!(written(Cell::Other("a boolean")).is_err());
        for bad in [0.5, -1.0, 1e17, f64::INFINITY] {
            assert!(written(Cell::Float(bad)).is_err(), "{bad}");
        }
        assert!(written(Cell::Integer(-1)).is_err());
        assert!(written(Cell::Single(919_876_543_210.0)).is_err());
    }

    #[test]
    fn regions_are_checked() {
        assert_eq!(Rules::of("in").unwrap(), INDIA);
        assert!(Rules::of("XX").is_err());
        assert!(Rules::of("").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_a_number_or_has_a_reason(text in ".*") {
            if let Ok(e164) = INDIA.e164(&text) {
                prop_assert_eq!(INDIA.e164(&e164), Ok(e164.clone()));
            }
        }

        #[test]
        fn any_cell_is_read(number in any::<f64>(), integer in any::<i128>(), text in ".*") {
            for cell in [Cell::Float(number), Cell::Integer(integer), Cell::Text(text.into())] {
                let _ = cell.written();
            }
        }

        #[test]
        fn a_repair_changes_no_digit(number in 1_000_000_000_u64..9_007_199_254_740_992) {
            #[allow(clippy::cast_precision_loss, reason = "it fits, and that is the point")]
            let written = Cell::Float(number as f64).written().unwrap();
            prop_assert_eq!(written.text, number.to_string());
        }
    }
}
