//! What stands where a phone number should, as text.

use std::borrow::Cow;

use super::wrapping::{Unwrapped, unwrapped};

/// The largest integer up to which an `f64` holds each, and an `f32`.
const EXACT: f64 = 9_007_199_254_740_992.0;
const EXACT_SINGLE: f64 = 16_777_216.0;

/// What stands where a phone number should.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Missing,
    /// A text.
    Text(Cow<'a, str>),
    /// An integer.
    Integer(i128),
    /// A floating point number.
    Float(f64),
    /// A floating point number of fewer digits than a phone number has.
    Single(f32),
    /// A decimal number, in digits.
    Decimal(Cow<'a, str>),
    /// Something of another type, as this.
    Other(&'static str),
}

/// A cell as text, before any rule of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<'a> {
    /// The text.
    pub text: Cow<'a, str>,
    /// Whether it stood there as something else.
    pub repaired: bool,
    /// Whether it was part of a link, where a country code comes first and no `+`.
    pub is_link: bool,
}

/// The text to show for a cell, and why it is no number.
type Refused<'a> = (Cow<'a, str>, Cow<'static, str>);

impl<'a> Cell<'a> {
    /// The cell as text; else the text to show for it and why it is no number.
    pub fn written(self) -> Result<Written<'a>, Refused<'a>> {
        match self {
            Self::Missing => Err(("".into(), "it is missing".into())),
            Self::Text(text) => Ok(match unwrapped(&text) {
                Some(Unwrapped { text, is_link }) => {
                    Written { text: text.into(), repaired: true, is_link }
                }
                None => Written { text, repaired: false, is_link: false },
            }),
            Self::Integer(number) if number < 0 => {
                Err((number.to_string().into(), "it is negative".into()))
            }
            Self::Integer(number) => Ok(digits(number.to_string())),
            Self::Float(number) => float(number, EXACT),
            Self::Single(number) => float(number.into(), EXACT_SINGLE),
            Self::Decimal(number) => decimal(number),
            Self::Other(kind) => {
                let problem = format!("it is {kind}, and text or an integer is needed");
                Err(("".into(), problem.into()))
            }
        }
    }
}

fn digits(text: impl Into<String>) -> Written<'static> {
    Written { text: text.into().into(), repaired: true, is_link: false }
}

fn float<'a>(number: f64, exact: f64) -> Result<Written<'a>, Refused<'a>> {
    let problem = if number.is_nan() {
        return Err(("".into(), "it is missing".into()));
    } else if number.is_infinite() {
        "it is infinite"
    } else if number < 0.0 {
        "it is negative"
    } else if number.fract() != 0.0 {
        "it has a fraction"
    } else if number >= exact {
        "it is a floating point number too large to hold every digit"
    } else {
        return Ok(digits(format!("{number:.0}")));
    };
    Err((number.to_string().into(), problem.into()))
}

fn decimal(number: Cow<'_, str>) -> Result<Written<'_>, Refused<'_>> {
    if number.starts_with('-') {
        return Err((number, "it is negative".into()));
    }
    match whole(&number) {
        Some(whole) => Ok(digits(whole)),
        None => Err((number, "it has a fraction".into())),
    }
}

/// A decimal number without the zeros after its point, where there is nothing else.
pub fn whole(number: &str) -> Option<&str> {
    match number.split_once('.') {
        Some((whole, fraction)) => fraction.bytes().all(|digit| digit == b'0').then_some(whole),
        None => Some(number),
    }
}
