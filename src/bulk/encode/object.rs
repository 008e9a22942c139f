//! Rows that come as objects: dicts, and lines of JSON.

use std::borrow::Cow;

use serde_json::{Number, Value};

use super::super::layout::{SESSION, USER, VARIABLES, absent, absent_number};
use super::super::options::{Content, Variables};
use super::super::source::{Flaw, FlawPlace, Item};
use super::{Encoder, Ids, Part, Rows, at, identifier, is_empty, likely, write_text};
use crate::phone::{Cell, Checker};
use crate::{Error, Result};

/// Refuses rows of which none has what an option names.
pub(super) fn check(rows: &[Item], content: &Content) -> Result<()> {
    let Some(first) = rows.iter().find(|row| row.is_none().is_none()) else {
        return match rows.first().and_then(|row| row.is_none()) {
            Some(problem) => Err(Error::invalid("row 0", problem)),
            None => Ok(()),
        };
    };
    if let Some(flaw) = flaw(first, content).filter(|flaw| flaw.is_of_column) {
        return Err(told(flaw, 0));
    }
    let known: Vec<&str> = first.keys().map(String::as_str).collect();
    let expect = |option: &str, name: &str| {
        let there = rows.iter().any(|row| row.contains_key(name));
        if there { Ok(()) } else { Err(absent(option, name, &known)) }
    };
    if !rows.iter().any(|row| row.contains_key(&content.phone_number)) {
        let likely = likely::column_of_objects(rows, content);
        return Err(absent_number(&content.phone_number, &known, likely));
    }
    for (option, named) in [(USER, &content.app_user_id), (SESSION, &content.app_session_id)] {
        if let Some(name) = named {
            expect(option, name)?;
        }
    }
    content.check_sessions(rows.iter().any(|row| row.contains_key(SESSION)))?;
    for column in &content.key {
        expect("key", column)?;
    }
    if let Variables::Named(pairs) = &content.variables {
        for (_, column) in pairs {
            expect(VARIABLES, column)?;
        }
    }
    for name in &content.required {
        let there = |row: &Item| variables(row, content).any(|(known, _)| known == name);
        if !rows.iter().any(there) {
            let known: Vec<&str> = variables(first, content).map(|(name, _)| name).collect();
            return Err(absent("required", name, &known));
        }
    }
    Ok(())
}

/// The variables of a row and what they hold.
fn variables<'a>(
    row: &'a Item,
    content: &'a Content,
) -> Box<dyn Iterator<Item = (&'a str, &'a Value)> + 'a> {
    if let Variables::Named(pairs) = &content.variables {
        let value = |(name, column): &'a (String, String)| Some((&**name, row.get(column)?));
        return Box::new(pairs.iter().filter_map(value));
    }
    match row.get(VARIABLES) {
        Some(Value::Object(inner)) => Box::new(inner.iter().map(|(name, value)| (&**name, value))),
        Some(_) => Box::new(std::iter::empty()),
        None => Box::new(
            row.iter()
                .map(|(name, value)| (&**name, value))
                .filter(move |(name, _)| !has_another_role(name, content)),
        ),
    }
}

/// What in a row can't be sent, and would be.
fn flaw<'a>(row: &'a Item, content: &Content) -> Option<&'a Flaw> {
    let is_sent = |place: &FlawPlace| match place {
        FlawPlace::Row => true,
        FlawPlace::Key => content.variables == Variables::Found && !row.contains_key(VARIABLES),
        FlawPlace::Column(column) if has_another_role(column, content) => true,
        FlawPlace::Column(column) => match &content.variables {
            Variables::Named(pairs) => pairs.iter().any(|(_, named)| named == column),
            Variables::Found => column == VARIABLES || !row.contains_key(VARIABLES),
        },
    };
    row.flaws().iter().find(|flaw| is_sent(&flaw.place))
}

fn told(flaw: &Flaw, row: u64) -> Error {
    let place = if flaw.at.is_empty() { String::new() } else { format!(", {}", flaw.at) };
    Error::invalid(format!("row {row}{place}"), flaw.problem.clone())
}

fn has_another_role(column: &str, content: &Content) -> bool {
    column == content.phone_number
        || column == content.app_user_id.as_deref().unwrap_or(USER)
        || column == content.app_session_id.as_deref().unwrap_or(SESSION)
        || content.key.iter().any(|key| key == column)
}

impl Encoder {
    pub(super) fn objects(
        &self,
        objects: &[Item],
        first_row: u64,
        checker: Option<&Checker>,
    ) -> Result<Rows> {
        let content = &self.content;
        let mut rows = Rows::expecting(objects.len());
        for (row, object) in (first_row..).zip(objects) {
            let phone = || cell(object.get(&content.phone_number));
            let start = rows.json().len();
            let id = |named: &Option<String>, own: &str| {
                let column = named.as_deref().unwrap_or(own);
                identifier(cell(object.get(column)), row, column)
            };
            let part = |column: &String| match column {
                column if *column == content.phone_number => Ok(Part::Number),
                column => Part::of(cell(object.get(column)), row, column),
            };
            let flaw = flaw(object, content).map_or(Ok(()), |flaw| Err(told(flaw, row)));
            let encoded = flaw.and_then(|()| {
                let key = content.key.iter().map(part).collect::<Result<Vec<_>>>()?;
                let ids = Ids {
                    user: id(&content.app_user_id, USER)?,
                    session: id(&content.app_session_id, SESSION)?,
                    key: &key,
                };
                self.row(&mut rows, row, phone(), checker, ids, |out| {
                    write(object, content, out, row)
                })
            });
            if let Err(error) = encoded {
                self.unencoded(&mut rows, (phone(), checker), start, error)?;
            }
        }
        Ok(rows)
    }
}

/// What a value is as a number or an id.
pub(super) fn cell(value: Option<&Value>) -> Cell<'_> {
    match value {
        None | Some(Value::Null) => Cell::Missing,
        Some(Value::String(text)) => Cell::Text(Cow::Borrowed(text)),
        Some(Value::Number(number)) => number_cell(number),
        Some(Value::Bool(_)) => Cell::Other("a boolean"),
        Some(Value::Array(_)) => Cell::Other("a list"),
        Some(Value::Object(_)) => Cell::Other("an object"),
    }
}

fn number_cell(number: &Number) -> Cell<'static> {
    let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    whole.map_or_else(|| Cell::Float(number.as_f64().unwrap_or(f64::NAN)), Cell::Integer)
}

fn write(object: &Item, content: &Content, out: &mut Vec<u8>, row: u64) -> Result<Option<String>> {
    if content.variables == Variables::Found
        && let Some(other) = object.get(VARIABLES)
        && !matches!(other, Value::Object(_) | Value::Null)
    {
        return Err(Error::invalid(at(row, VARIABLES), "it must be an object"));
    }
    let start = out.len();
    let mut missing: Vec<&String> = content.required.iter().collect();
    for (name, value) in variables(object, content) {
        if value.is_null() {
            continue;
        }
        if out.len() > start {
            out.push(b',');
        }
        write_text(out, name);
        out.push(b':');
        let begin = out.len();
        write_value(value, out).map_err(|error| Error::invalid(at(row, name), error))?;
        if !is_empty(&out[begin..]) {
            missing.retain(|required| *required != name);
        }
    }
    Ok(missing.first().map(|name| (*name).clone()))
}

/// Writes a value, its objects without their nulls. Lists keep theirs: the others would move.
fn write_value(value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    match value {
        Value::Array(items) => {
            out.push(b'[');
            let start = out.len();
            for item in items {
                if out.len() > start {
                    out.push(b',');
                }
                write_value(item, out)?;
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            out.push(b'{');
            let start = out.len();
            for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
                if out.len() > start {
                    out.push(b',');
                }
                write_text(out, name);
                out.push(b':');
                write_value(value, out)?;
            }
            out.push(b'}');
        }
        scalar => serde_json::to_writer(out, scalar).map_err(|error| error.to_string())?,
    }
    Ok(())
}
