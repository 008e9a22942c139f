//! A moment as the service writes it.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::{Serialize, Serializer};

/// A moment: ISO 8601 with an offset, as in `2026-05-27T03:00:00.000000+00:00`.
///
/// A text without an offset is read as UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub jiff::Timestamp);

impl Timestamp {
    /// Whether it has a year that calendars of other languages have: from 1 on.
    pub(super) fn is_dated(&self) -> bool {
        const FIRST: jiff::Timestamp = jiff::Timestamp::constant(-62_135_596_800, 0);
        self.0 >= FIRST
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(moment) = of_reference(text) {
            return Ok(moment);
        }
        if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(moment));
        }
        let civil: DateTime = text.parse()?;
        Ok(Self(jiff::tz::TimeZone::UTC.to_timestamp(civil)?))
    }
}

/// A moment in the form of the reference to the letter, as nearly all are.
fn of_reference(text: &str) -> Option<Timestamp> {
    let text: &[u8; 32] = text.as_bytes().try_into().ok()?;
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0, |number: i32, digit| {
            digit.is_ascii_digit().then(|| number * 10 + i32::from(digit - b'0'))
        })
    };
    let two =
        |at: usize| text.get(at..at + 2).and_then(number).and_then(|two| i8::try_from(two).ok());
    let marks = [4, 7, 10, 13, 16, 19].map(|at: usize| text[at]);
    if &marks != b"--T::." || !text.ends_with(b"+00:00") {
        return None;
    }
    let year = i16::try_from(number(&text[..4])?).ok()?;
    let nanosecond = number(&text[20..26])? * 1000;
    let (month, day, hour) = (two(5)?, two(8)?, two(11)?);
    let civil = DateTime::new(year, month, day, hour, two(14)?, two(17)?, nanosecond).ok()?;
    Some(Timestamp(Offset::UTC.to_timestamp(civil).ok()?))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_format_comes_back() {
        for text in ["2026-05-27T03:00:00.000000+00:00", "2026-05-27T03:05:12.123456+00:00"] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn offsets_and_their_absence_are_read() {
        let utc: Timestamp = "2026-05-27T03:00:00Z".parse().unwrap();
        for text in ["2026-05-27T08:30:00+05:30", "2026-05-27T03:00:00", "2026-05-27 03:00:00"] {
            assert_eq!(text.parse::<Timestamp>().unwrap(), utc, "{text}");
        }
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn the_reference_format_is_read_as_any_other() {
        for text in [
            "2026-05-27T03:05:12.123456+00:00",
            "0001-01-01T00:00:00.000000+00:00",
            "9999-12-30T21:59:59.999999+00:00",
            "2024-02-29T23:59:59.000001+00:00",
            "2023-02-29T23:59:59.000001+00:00",
            "2026-13-27T03:05:12.123456+00:00",
            "2026-05-27T24:05:12.123456+00:00",
            "2026-05-27T03:05:60.123456+00:00",
            "2026-05-27T03:05:12.12345a+00:00",
            "2026-05-27T03:05:12.123456+01:00",
            "2026-05-27 03:05:12.123456+00:00",
            "2026-05-27T03:05:12.123456-00:00",
            "2026-05-27T03:05:12.+12345+00:00",
        ] {
            let read = of_reference(text).map(|moment| moment.0);
            let any = text.parse::<jiff::Timestamp>().ok();
            assert!(read.is_none() || read == any, "{text}: {read:?}, {any:?}");
        }
        assert!(of_reference("2026-05-27T03:05:12.123456+00:00").is_some());
    }
}
