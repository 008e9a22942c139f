//! The names of columns: found, told apart, and missed.

use arrow_schema::Schema;
use serde_json::Value;

use super::super::source::{Distinct, shown, twice};
use crate::masked::masked;
use crate::{Error, Result};

/// Marks the columns that a report put before a source's own.
pub(in super::super) const OF_REPORT: &str = "revrag.report";

/// The names of a table's columns.
pub(super) struct Names<'a>(Vec<&'a str>);

impl<'a> Names<'a> {
    pub(super) fn of(schema: &'a Schema) -> Self {
        Self(schema.fields().iter().map(|field| field.name().as_str()).collect())
    }

    /// The one column that an option names.
    pub(super) fn find(&self, option: &str, name: &str) -> Result<usize> {
        self.only(name)?.ok_or_else(|| absent(option, name, &self.0))
    }

    /// The column of a name, if there is one. Which of two is meant is not for us to guess.
    pub(super) fn only(&self, name: &str) -> Result<Option<usize>> {
        let mut found = (0..self.0.len()).filter(|at| self.0[*at] == name);
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(twice(name)),
            (at, _) => Ok(at),
        }
    }

    /// The columns that are variables where the caller names none: those that have another role, no
    /// name, were the index of a frame, or come from a report are not. Of two with one name, the later gets another.
    pub(super) fn variables(
        &self,
        schema: &Schema,
        roles: &[Option<usize>],
    ) -> Vec<(String, usize)> {
        let index = index_columns(schema);
        let is_variable = |(at, name): &(usize, &&str)| {
            !roles.contains(&Some(*at))
                && !name.trim().is_empty()
                && !schema.field(*at).metadata().contains_key(OF_REPORT)
                && !is_index_level(name)
                && !index.iter().any(|known| known == *name)
        };
        let mut distinct = Distinct::among(&self.0);
        let columns = self.0.iter().enumerate().filter(is_variable);
        columns.map(|(at, name)| (distinct.name(name), at)).collect()
    }
}

/// The columns in which pandas stored a frame's index, by what it wrote beside them.
fn index_columns(schema: &Schema) -> Vec<String> {
    let Some(pandas) = schema.metadata().get("pandas") else { return Vec::new() };
    let stored: Value = serde_json::from_str(pandas).unwrap_or_default();
    let names = stored["index_columns"].as_array().map(Vec::as_slice).unwrap_or_default();
    names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// How pandas calls an index without a name.
fn is_index_level(name: &str) -> bool {
    let level = name.strip_prefix("__index_level_").and_then(|rest| rest.strip_suffix("__"));
    level.is_some_and(|level| level.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The error of an option that names a column that is not there.
pub(in super::super) fn absent(option: &str, name: &str, known: &[&str]) -> Error {
    let problem = match known_as(known) {
        Some(known) => format!("there is no column {name:?}; there are {known}"),
        None => headless(name),
    };
    Error::invalid(option, problem)
}

/// The same of the column that holds the numbers, with the one that looks most like it.
pub(in super::super) fn absent_number(name: &str, known: &[&str], likely: Option<&str>) -> Error {
    let problem = match (known_as(known), likely.map(shown)) {
        (Some(known), Some(likely)) => format!(
            "there is no column {name:?}; there are {known}; the likeliest is {likely}: pass \
             phone_number={likely}"
        ),
        (Some(known), None) => format!("there is no column {name:?}; there are {known}"),
        (None, _) => headless(name),
    };
    Error::invalid("phone_number", problem)
}

fn headless(name: &str) -> String {
    format!(
        "there is no column {name:?}; the first line looks like a row of data; is there a header?"
    )
}

/// The names as an error shows them; none where they seem to be data.
fn known_as(known: &[&str]) -> Option<String> {
    const MOST: usize = 20;
    let like_data = |name: &&str| masked(name) != **name || name.contains('@');
    if known.iter().any(like_data) {
        return None;
    }
    let mut named = known.iter().filter(|name| !name.trim().is_empty());
    let mut text = named.by_ref().take(MOST).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    if named.next().is_some() {
        text.push_str(", …");
    }
    Some(text)
}
