//! A TOML text as JSON, and where in it each value stands: so that what is wrong with it is told by
//! line and column.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};
use serde_path_to_error::Segment;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use revrag::error::masked;
use revrag::{Error, Result};

/// A step on the way to a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

/// A text that was read.
pub(super) struct Places<'a> {
    file: &'a Path,
    text: &'a str,
    root: Spanned<DeTable<'a>>,
}

impl<'a> Places<'a> {
    /// Reads a text; `file` is what errors call it.
    pub(super) fn of(file: &'a Path, text: &'a str) -> Result<Self> {
        let root = DeTable::parse(text).map_err(|error| {
            // Its own text shows the line, and with it what may be a key.
            let start = error.span().map_or(0, |span| span.start);
            told(file, text, start, error.message())
        })?;
        Ok(Self { file, text, root })
    }

    /// The whole, as JSON.
    pub(super) fn value(&self) -> Result<Value> {
        table(self.root.get_ref()).map_err(|(start, problem)| self.at(start, problem))
    }

    /// Reads a part of the whole, which stands at `place`.
    pub(super) fn read<T: DeserializeOwned>(&self, value: Value, place: &[Step]) -> Result<T> {
        serde_path_to_error::deserialize(value).map_err(|error| {
            let steps = error.path().iter().filter_map(|segment| match segment {
                Segment::Seq { index } => Some(Step::Index(*index)),
                Segment::Map { key } => Some(Step::Key(key.clone())),
                Segment::Enum { .. } | Segment::Unknown => None,
            });
            let place: Vec<_> = place.iter().cloned().chain(steps).collect();
            let problem = without_value(&error.inner().to_string());
            let is_named = ["unknown field", "missing field"];
            let is_named = is_named.iter().any(|it| problem.starts_with(it));
            match place.last() {
                Some(Step::Key(key)) if !is_named => {
                    self.problem(&place, &format!("{key}: {problem}"))
                }
                _ => self.problem(&place, &problem),
            }
        })
    }

    /// What is wrong with the value at a place, or with the nearest around it.
    pub(super) fn problem(&self, place: &[Step], problem: &str) -> Error {
        let mut start = 0;
        let mut tables = Some(self.root.get_ref());
        let mut value: Option<&Spanned<DeValue<'_>>> = None;
        for step in place {
            let next = match (step, value.map(Spanned::get_ref)) {
                (Step::Key(key), it) => {
                    let inner = match it {
                        None => tables.take(),
                        Some(it) => it.as_table(),
                    };
                    let found = inner.and_then(|inner| {
                        inner.iter().find(|(name, _)| name.get_ref().as_ref() == key)
                    });
                    found.map(|(name, value)| (name.span().start, value))
                }
                (Step::Index(index), Some(it)) => {
                    let found = it.as_array().and_then(|array| array.get(*index));
                    found.map(|value| (value.span().start, value))
                }
                (Step::Index(_), None) => None,
            };
            let Some((at, found)) = next else { break };
            (start, value) = (at, Some(found));
        }
        self.at(start, problem)
    }

    /// Refuses the value at a place as another check did.
    pub(super) fn refuse(&self, place: &[Step], error: &Error) -> Error {
        match error {
            Error::InvalidArgument { argument, problem } => {
                let names = argument.split('.').map(Step::from);
                let place: Vec<_> = place.iter().cloned().chain(names).collect();
                self.problem(&place, &format!("{argument}: {problem}"))
            }
            other => self.problem(place, &other.to_string()),
        }
    }

    fn at(&self, start: usize, problem: &str) -> Error {
        told(self.file, self.text, start, problem)
    }
}

fn told(file: &Path, text: &str, start: usize, problem: &str) -> Error {
    let before = text.get(..start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    let problem = masked(problem);
    let file = file.display();
    Error::invalid("settings", format!("{file}, line {line}, column {column}: {problem}"))
}

/// serde repeats values of a wrong type. One of them may be a key in the wrong place.
fn without_value(problem: &str) -> String {
    let cut = || {
        let (found, expected) =
            problem.strip_prefix("invalid type: ")?.split_once(", expected ")?;
        let kind = found.split(['`', '"']).next()?.trim();
        Some(format!("it is {kind}, and must be {expected}"))
    };
    cut().unwrap_or_else(|| problem.to_owned())
}

/// A value that JSON does not have: where it stands, and why it can't be taken.
type Unfit = (usize, &'static str);

fn table(table: &DeTable<'_>) -> std::result::Result<Value, Unfit> {
    let entries = table.iter().map(|(name, value)| {
        Ok((name.get_ref().clone().into_owned(), json(value.span().start, value.get_ref())?))
    });
    entries.collect::<std::result::Result<Map<_, _>, _>>().map(Value::Object)
}

fn json(start: usize, value: &DeValue<'_>) -> std::result::Result<Value, Unfit> {
    Ok(match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => {
            integer(number).ok_or((start, "it is too large a number"))?.into()
        }
        DeValue::Float(number) => {
            let number = number.as_str().parse().ok().and_then(Number::from_f64);
            number.ok_or((start, "it must be a finite number"))?.into()
        }
        DeValue::Boolean(it) => Value::from(*it),
        DeValue::Datetime(moment) => Value::from(moment.to_string()),
        DeValue::Array(values) => {
            let values = values.iter().map(|value| json(value.span().start, value.get_ref()));
            Value::Array(values.collect::<std::result::Result<_, _>>()?)
        }
        DeValue::Table(inner) => table(inner)?,
    })
}

fn integer(number: &DeInteger<'_>) -> Option<Number> {
    let (text, radix) = (number.as_str(), number.radix());
    let signed = i64::from_str_radix(text, radix).map(Number::from);
    signed.or_else(|_| u64::from_str_radix(text, radix).map(Number::from)).ok()
}
