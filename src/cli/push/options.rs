//! The flags of `push` that are options of an upload.

use std::path::PathBuf;
use std::str::FromStr;

use crate::connect::seconds;
use crate::failure::Failure;
use revrag::bulk::source::Format;
use revrag::bulk::{
    Ask, Content, MaxInvalid, OnDuplicate, OnInvalid, OnUnknown, Options, Rails, Variables,
};

/// How the file is read, and what of it goes.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Given {
    /// The column of the numbers
    #[arg(long, value_name = "COLUMN", default_value = "phone_number", help_heading = "Columns")]
    phone_number: String,
    /// Columns to send as variables, as NAME or VARIABLE=COLUMN, with commas between them [default: all
    /// without another role]
    #[arg(long, value_name = "COLUMNS", help_heading = "Columns")]
    variables: Vec<String>,
    /// The column of the user ids
    #[arg(long, value_name = "COLUMN", help_heading = "Columns")]
    app_user_id: Option<String>,
    /// The column of the session ids
    #[arg(long, value_name = "COLUMN", help_heading = "Columns")]
    app_session_id: Option<String>,
    /// Columns by which a row is known: it goes once, wherever it comes from
    #[arg(long, value_name = "COLUMNS", help_heading = "Exactly once")]
    key: Vec<String>,
    /// With --key, what tells rounds apart: a lead can be called again in another
    #[arg(long, value_name = "NAME", help_heading = "Exactly once")]
    name: Option<String>,
    /// With --key, what tells which rows were pushed before
    #[arg(long, value_name = "WHERE", default_value = "campaign", value_parser = ["campaign", "journal"],
          help_heading = "Exactly once")]
    existing: String,
    /// Where numbers without a country code belong; "none" sends all as they come
    #[arg(long, value_name = "REGION", default_value = "IN", help_heading = "Rows")]
    region: String,
    /// What becomes of rows that are not valid
    #[arg(long, value_name = "WHAT", default_value = "reject", value_parser = ["reject", "send", "raise"],
          help_heading = "Rows")]
    on_invalid: String,
    /// What becomes of the second row of a number
    #[arg(long, value_name = "WHAT", default_value = "keep", value_parser = ["keep", "reject"],
          help_heading = "Rows")]
    on_duplicate: String,
    /// Variables that must be there
    #[arg(long, value_name = "VARIABLES", help_heading = "Rows")]
    required: Vec<String>,
    /// A file of numbers that are not to be called
    #[arg(long, value_name = "FILE", help_heading = "Rows")]
    pub(super) exclude: Option<PathBuf>,
    /// Send so many rows and leave the rest; the same command goes on
    #[arg(long, value_name = "ROWS", help_heading = "Rows")]
    limit: Option<u64>,
    /// Send nothing if more rows are invalid: a count, or a share such as 5%
    #[arg(long, value_name = "MOST", help_heading = "Rows")]
    max_invalid: Option<Most>,
    /// Rows in a request
    #[arg(long, value_name = "N", default_value_t = 500, help_heading = "Pace")]
    max_records: usize,
    /// Bytes in a request
    #[arg(long, value_name = "N", default_value_t = 1_000_000, help_heading = "Pace")]
    max_bytes: usize,
    /// Requests at a time
    #[arg(long, value_name = "N", default_value_t = 4, help_heading = "Pace")]
    concurrency: usize,
    /// Rows a second
    #[arg(long, value_name = "N", help_heading = "Pace")]
    max_records_per_second: Option<f64>,
    /// What becomes of rows of unknown outcome
    #[arg(long, value_name = "WHAT", default_value = "settle", value_parser = ["settle", "leave", "stop"],
          help_heading = "Exactly once")]
    on_unknown: String,
    /// Seconds the service is given to finish a lost request, before its rows are looked for
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0, help_heading = "Exactly once")]
    settle_after: f64,
    /// Seconds for which the service may answer no push
    #[arg(long, value_name = "SECONDS", default_value_t = 600.0, help_heading = "Exactly once")]
    give_up_after: f64,
    /// What separates the fields of a CSV file [default: found]
    #[arg(long, value_name = "CHARACTER", help_heading = "File")]
    delimiter: Option<String>,
    /// How a text file is written, as windows-1252 [default: UTF-8, or what its mark says]
    #[arg(long, value_name = "NAME", help_heading = "File")]
    encoding: Option<String>,
    /// The sheet of a workbook [default: the one with the numbers]
    #[arg(long, value_name = "NAME", help_heading = "File")]
    sheet: Option<String>,
    /// The largest field of a CSV file
    #[arg(long, value_name = "BYTES", default_value_t = 1_000_000, help_heading = "File")]
    max_field_bytes: usize,
}

/// A count of rows, or a share of them.
#[derive(Debug, Clone, Copy)]
struct Most(MaxInvalid);

impl FromStr for Most {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || "it is a count such as 20, or a share such as 5% or 0.05".to_owned();
        let text = text.trim();
        let share = if let Some(percent) = text.strip_suffix('%') {
            percent.trim().parse::<f64>().map_err(|_| refuse())? / 100.0
        } else if let Ok(count) = text.parse() {
            return Ok(Self(MaxInvalid::Count(count)));
        } else {
            text.parse().map_err(|_| refuse())?
        };
        if (0.0..=1.0).contains(&share) {
            Ok(Self(MaxInvalid::Share(share)))
        } else {
            Err(refuse())
        }
    }
}

impl Given {
    /// Whether rows are known by a key.
    pub(super) fn is_keyed(&self) -> bool {
        !self.key.is_empty()
    }

    /// The options of the upload.
    pub(super) fn options(
        &self,
        journal: Option<PathBuf>,
        dry_run: bool,
    ) -> Result<Options, Failure> {
        let region = (!self.region.eq_ignore_ascii_case("none")).then(|| self.region.clone());
        let options = Options {
            content: Content {
                phone_number: self.phone_number.clone(),
                variables: self.variables()?,
                app_user_id: self.app_user_id.clone(),
                app_session_id: self.app_session_id.clone(),
                region,
                on_invalid: match self.on_invalid.as_str() {
                    "send" => OnInvalid::Send,
                    "raise" => OnInvalid::Raise,
                    _ => OnInvalid::Reject,
                },
                on_duplicate: match self.on_duplicate.as_str() {
                    "reject" => OnDuplicate::Reject,
                    _ => OnDuplicate::Keep,
                },
                required: names("required", &self.required)?,
                key: names("key", &self.key)?,
                name: self.name.clone(),
            },
            rails: Rails { limit: self.limit, max_invalid: self.max_invalid.map(|most| most.0) },
            max_records: self.max_records,
            max_bytes: self.max_bytes,
            concurrency: self.concurrency,
            max_records_per_second: self.max_records_per_second,
            journal,
            existing: match self.existing.as_str() {
                "journal" => Ask::Journal,
                _ => Ask::Campaign,
            },
            on_unknown: match self.on_unknown.as_str() {
                "leave" => OnUnknown::Leave,
                "stop" => OnUnknown::Stop,
                _ => OnUnknown::Settle,
            },
            settle_after: seconds("settle_after", self.settle_after)?,
            give_up_after: seconds("give_up_after", self.give_up_after)?,
            dry_run,
        };
        options.check()?;
        Ok(options)
    }

    /// How the file is read.
    pub(super) fn format(&self, content: &Content) -> Result<Format, Failure> {
        let delimiter = self.delimiter.as_deref().map(|text| match text {
            "\\t" | "tab" => Ok(b'\t'),
            text => Format::delimiter_of(text),
        });
        Ok(Format {
            delimiter: delimiter.transpose()?,
            encoding: self.encoding.as_deref().map(Format::encoding_of).transpose()?,
            sheet: self.sheet.clone(),
            max_field_bytes: self.max_field_bytes,
            columns: content.columns(),
        })
    }

    fn variables(&self) -> Result<Variables, Failure> {
        if self.variables.is_empty() {
            return Ok(Variables::Found);
        }
        let pair = |name: String| match name.split_once('=') {
            Some((variable, column)) => (variable.to_owned(), column.to_owned()),
            None => (name.clone(), name),
        };
        Ok(Variables::Named(names("variables", &self.variables)?.into_iter().map(pair).collect()))
    }
}

/// Names with commas between them; one that holds a comma stands in quotes, as in CSV.
fn names(flag: &str, given: &[String]) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for text in given {
        let mut line = csv::ReaderBuilder::new();
        let mut line = line.has_headers(false).from_reader(text.as_bytes());
        for record in line.records() {
            let record = record.map_err(|error| Failure::flag(flag, error.to_string()))?;
            names.extend(record.iter().map(str::to_owned));
        }
    }
    if names.iter().any(String::is_empty) {
        return Err(Failure::flag(flag, "a name in it is empty"));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_csv() {
        let given = ["a,b".to_owned(), "\"City, State\"".to_owned(), "first name".to_owned()];
        assert_eq!(names("key", &given).unwrap(), ["a", "b", "City, State", "first name"]);
        assert!(names("key", &["a,,b".to_owned()]).is_err());
    }

    #[test]
    fn a_share_is_no_count() {
        for (text, most) in [
            ("20", MaxInvalid::Count(20)),
            ("5%", MaxInvalid::Share(0.05)),
            ("0.05", MaxInvalid::Share(0.05)),
            ("1.0", MaxInvalid::Share(1.0)),
        ] {
            assert_eq!(text.parse::<Most>().unwrap().0, most, "{text}");
        }
        for text in ["", "many", "120%", "-1", "NaN"] {
            assert!(text.parse::<Most>().is_err(), "{text}");
        }
    }
}
