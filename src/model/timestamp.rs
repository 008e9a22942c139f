//! A moment as the service writes it.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A moment: ISO 8601 with an offset, as in `2026-05-27T03:00:00.000000+00:00`.
///
/// A text without an offset is read as UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub jiff::Timestamp);

impl Timestamp {
    /// Whether it has a year that calendars of other languages have: from 1 on.
    pub(super) fn is_dated(&self) -> bool {
        jiff::tz::TimeZone::UTC.to_datetime(self.0).year() >= 1
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(moment));
        }
        let civil: jiff::civil::DateTime = text.parse()?;
        Ok(Self(jiff::tz::TimeZone::UTC.to_timestamp(civil)?))
    }
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
}
