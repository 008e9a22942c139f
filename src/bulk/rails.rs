//! How many rows may be invalid before an upload is taken for a mistake. Pure.

use std::fmt::Write as _;

use super::chunk::{Encoded, Fate};
use super::source::shown;
use crate::Error;

/// The most rows that may be invalid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxInvalid {
    /// This share of them, from 0 to 1.
    Share(f64),
    /// So many.
    Count(u64),
}

/// Of a source that is read once, a share is judged from so many rows on.
pub(super) const FIRST_ROWS: u64 = 10_000;
/// And from so many bytes on, however few rows they are.
pub(super) const FIRST_BYTES: usize = 64 << 20;
/// Invalid rows that an error shows.
const EXAMPLES: usize = 3;
/// Reasons that are told apart.
const REASONS: usize = 32;

/// The invalid rows of a source, as far as it was read.
#[derive(Debug)]
pub(super) struct Tally {
    most: MaxInvalid,
    /// The column of the numbers.
    column: String,
    /// The column that looks more like it, if one does.
    likely: Option<String>,
    rows: u64,
    invalid: u64,
    reasons: Vec<(Box<str>, u64)>,
    examples: Vec<(u64, String, Box<str>)>,
}

impl Tally {
    pub(super) fn new(most: MaxInvalid, column: &str) -> Self {
        Self {
            most,
            column: column.to_owned(),
            likely: None,
            rows: 0,
            invalid: 0,
            reasons: Vec::new(),
            examples: Vec::new(),
        }
    }

    /// Takes note of the column that looks most like that of the numbers.
    pub(super) fn suspect(&mut self, likely: Option<String>) {
        self.likely = likely.filter(|likely| *likely != self.column);
    }

    /// Takes in the next row of the source.
    pub(super) fn see(&mut self, row: &Encoded<'_>) {
        if let Fate::Invalid(why) = &row.fate {
            self.invalid += 1;
            if let Some((_, count)) = self.reasons.iter_mut().find(|(known, _)| known == why) {
                *count += 1;
            } else if self.reasons.len() < REASONS {
                self.reasons.push((why.clone(), 1));
            }
            if self.examples.len() < EXAMPLES {
                let shape = row.number.map(shape).unwrap_or_default();
                self.examples.push((self.rows, shape, why.clone()));
            }
        }
        self.rows += 1;
    }

    /// Whether enough was read to judge by a share.
    pub(super) fn has_enough(&self) -> bool {
        self.rows >= FIRST_ROWS
    }

    /// Why the source is not to be sent, if it is not; `is_all` says that no more rows decide.
    pub(super) fn verdict(&self, is_all: bool, is_sent: bool) -> Result<(), Error> {
        let is_over = match self.most {
            MaxInvalid::Count(most) => self.invalid > most,
            MaxInvalid::Share(share) => {
                (is_all || self.has_enough()) && self.invalid > allowed(share, self.rows)
            }
        };
        if is_over { Err(Error::invalid("max_invalid", self.problem(is_sent))) } else { Ok(()) }
    }

    fn problem(&self, is_sent: bool) -> String {
        let limit = match self.most {
            MaxInvalid::Count(most) => format!("{most}"),
            MaxInvalid::Share(share) => format!("{} ({share})", allowed(share, self.rows)),
        };
        let mut text = format!(
            "{} of the {} rows read are not valid, and at most {limit} may be",
            self.invalid, self.rows
        );
        if let Some((why, count)) = self.reasons.iter().max_by_key(|(_, count)| *count) {
            let _ = write!(text, "; most often ({count} rows): {why}");
        }
        let column = shown(&self.column);
        match &self.likely {
            Some(likely) => {
                let likely = shown(likely);
                let _ = write!(
                    text,
                    "; {column} may be the wrong column, {likely} looks more like the numbers: \
                     phone_number={likely}"
                );
            }
            None => {
                let _ = write!(text, "; {column} may be the wrong column, or region= another");
            }
        }
        text.push_str("; the first: ");
        for (at, (row, shape, why)) in self.examples.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            let _ = write!(text, "{comma}row {row} \"{shape}\" ({why})");
        }
        let end = if is_sent {
            "; nothing more is sent"
        } else {
            "; nothing was sent. dry_run=True without max_invalid tells of every row"
        };
        text.push_str(end);
        text
    }
}

/// How many of some rows a share of them is.
fn allowed(share: f64, rows: u64) -> u64 {
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rows are far fewer than 2^53, and a share is from 0 to 1"
    )]
    // 0.07 of 100 is 7.000000000000001, and 0.29 of 100 is 28.999999999999996.
    let allowed = (share * rows as f64 + 1e-9).floor() as u64;
    allowed
}

/// What a text looks like, without what it says: `Zoë 98-1` is `xxx ##-#`.
fn shape(text: &str) -> String {
    const MOST: usize = 24;
    let mut shape: String = text
        .chars()
        .take(MOST)
        .map(|c| match c {
            c if c.is_numeric() => '#',
            c if c.is_alphabetic() => 'x',
            ' ' | '+' | '-' | '.' | ',' | '(' | ')' | '/' | '@' | ':' => c,
            _ => '?',
        })
        .collect();
    if text.chars().nth(MOST).is_some() {
        shape.push('…');
    }
    shape
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tally(most: MaxInvalid, rows: &[Option<&str>]) -> Tally {
        let mut tally = Tally::new(most, "phone");
        for number in rows {
            let fate = match number {
                Some(_) => Fate::Invalid("it has letters".into()),
                None => Fate::Send { own_session: false },
            };
            let (number, json) = (number.or(Some("+919876543210")), &b"{}"[..]);
            tally.see(&Encoded {
                fate,
                repaired: false,
                check: 0,
                number,
                came: None,
                key: None,
                json,
            });
        }
        tally
    }

    proptest! {
        #[test]
        fn a_share_of_all_is_exact(percent in 0..=100_u32, rows in 1..400_usize, bad in 0..400_usize) {
            let bad = bad.min(rows);
            let all: Vec<_> = (0..rows).map(|at| (at < bad).then_some("Zoë 98")).collect();
            let tally = tally(MaxInvalid::Share(f64::from(percent) / 100.0), &all);
            prop_assert_eq!(tally.verdict(true, false).is_err(), bad * 100 > rows * percent as usize);
            prop_assert!(tally.verdict(false, false).is_ok());
        }

        #[test]
        fn a_count_is_judged_at_once(most in 0..9_u64, bad in 0..20_usize) {
            let tally = tally(MaxInvalid::Count(most), &vec![Some("12"); bad]);
            prop_assert_eq!(tally.verdict(false, false).is_err(), bad as u64 > most);
        }

        #[test]
        fn no_text_is_repeated(text in "[A-Za-z0-9é\\u{0}\"_]{4,40}") {
            let shape = shape(&text);
            prop_assert!(!shape.chars().any(|c| c.is_numeric() || (c.is_alphabetic() && c != 'x')));
            let error = tally(MaxInvalid::Count(0), &[Some(&text)]).verdict(true, false).unwrap_err();
            prop_assert!(!error.to_string().contains(&text));
        }
    }

    #[test]
    fn the_error_names_what_is_wrong() {
        let mut tally = tally(MaxInvalid::Share(0.25), &[Some("Zoë 98-1"), None, Some("A")]);
        tally.suspect(Some("mobile".to_owned()));
        assert_eq!(
            tally.verdict(true, false).unwrap_err().to_string(),
            "max_invalid: 2 of the 3 rows read are not valid, and at most 0 (0.25) may be; most \
             often (2 rows): it has letters; \"phone\" may be the wrong column, \"mobile\" looks more like \
             the numbers: phone_number=\"mobile\"; the first: row 0 \"xxx ##-#\" (it has letters), \
             row 2 \"x\" (it has letters); nothing was sent. dry_run=True without max_invalid tells of \
             every row"
        );
    }
}
