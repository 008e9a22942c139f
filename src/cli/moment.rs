//! Moments and spans, as people write and read them.

use std::str::FromStr;

use jiff::tz::TimeZone;

use revrag::model::Timestamp;

/// A moment that somebody names: `2h` ago, or at `2026-05-27T03:00:00Z`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Since(pub(super) jiff::Timestamp);

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || {
            "it is a time ago such as 30m, 2h or 1d, or a moment such as 2026-05-27T03:00:00Z"
                .to_owned()
        };
        if let Some(seconds) = seconds_of(text) {
            let span = jiff::SignedDuration::from_secs(seconds);
            return jiff::Timestamp::now().checked_sub(span).map(Self).map_err(|_| refuse());
        }
        if let Ok(day) = text.parse::<jiff::civil::Date>()
            && !text.contains(['T', ' '])
        {
            let midnight = day.to_datetime(jiff::civil::Time::midnight());
            let moment = TimeZone::system().to_timestamp(midnight);
            return moment.map(Self).map_err(|_| refuse());
        }
        text.parse::<Timestamp>().map(|moment| Self(moment.0)).map_err(|_| refuse())
    }
}

/// The seconds of a span such as `90s`, `2h` or `1d`.
fn seconds_of(text: &str) -> Option<i64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        "w" => 7 * 86400,
        _ => return None,
    };
    digits.parse::<u32>().ok().map(|count| i64::from(count) * seconds)
}

/// A moment for people, in their time zone; nothing where there is none.
pub(super) fn shown(moment: Option<&Timestamp>) -> String {
    moment.map_or_else(String::new, |moment| {
        TimeZone::system().to_datetime(moment.0).strftime("%Y-%m-%d %H:%M:%S").to_string()
    })
}

/// A span for people.
pub(super) fn span(seconds: f64) -> String {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "cut to the range, and no fraction is shown"
    )]
    let whole = seconds.clamp(0.0, 1e9).round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes}:{seconds:02} min"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_moments() {
        for (text, seconds) in [("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86400)] {
            let since = text.parse::<Since>().unwrap().0;
            let ago = jiff::Timestamp::now().duration_since(since).as_secs();
            assert!((seconds..seconds + 5).contains(&ago), "{text}: {ago}");
        }
        let moment = "2026-05-27T03:00:00Z".parse::<Since>().unwrap().0;
        assert_eq!(moment, "2026-05-27T03:00:00Z".parse().unwrap());
        assert!("2026-05-27".parse::<Since>().is_ok());
        for bad in ["", "h", "-2h", "2 hours", "yesterday", "€"] {
            assert!(bad.parse::<Since>().is_err(), "{bad}");
        }
        assert_eq!(span(72.4), "1:12 min");
    }
}
