//! From when on calls are told of.

use std::str::FromStr;

use crate::moment;

/// From when on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Since {
    /// From the beginning.
    All,
    /// From this moment on.
    From(moment::Since),
}

impl Since {
    /// The moment, in Unix milliseconds.
    pub(super) fn cutoff(self) -> i64 {
        match self {
            Self::All => i64::MIN,
            Self::From(since) => since.0.as_millisecond(),
        }
    }
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "all" {
            return Ok(Self::All);
        }
        text.parse().map(Self::From).map_err(|problem: String| format!("{problem}, or \"all\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_word_for_the_beginning() {
        assert_eq!("all".parse::<Since>().unwrap().cutoff(), i64::MIN);
        let moment = "1970-01-01T00:00:01Z".parse::<Since>().unwrap();
        assert_eq!(moment.cutoff(), 1_000);
        assert!("yesterday".parse::<Since>().unwrap_err().ends_with("or \"all\""));
    }
}
