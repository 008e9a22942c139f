//! The role of each column.

use arrow_schema::{DataType, Schema};

use super::options::{Content, Variables};
use super::source::shown;
use crate::masked::masked;
use crate::{Error, Result};

/// Which column of a table has which role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) phone_number: usize,
    pub(super) app_user_id: Option<usize>,
    pub(super) app_session_id: Option<usize>,
    pub(super) variables: VariableColumns,
}

/// Where the variables come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum VariableColumns {
    /// From one column of objects.
    Object(usize),
    /// From a column each, under these names.
    Each(Vec<(String, usize)>),
}

/// Columns that have a role by their names, where the caller names no others.
pub(super) const USER: &str = "app_user_id";
pub(super) const SESSION: &str = "app_session_id";
pub(super) const VARIABLES: &str = "variables";

impl Layout {
    /// The layout of a table, every column of it checked.
    pub(super) fn of(schema: &Schema, content: &Content) -> Result<Self> {
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        for (at, name) in names.iter().enumerate() {
            if names[..at].contains(name) {
                return Err(Error::invalid(
                    "source",
                    format!("two columns are named {}", shown(&masked(name))),
                ));
            }
        }
        let find = |option: &str, name: &str| {
            names
                .iter()
                .position(|known| *known == name)
                .ok_or_else(|| absent(option, name, &names))
        };
        let id = |option: &str, named: Option<&str>| match named {
            Some(name) => find(option, name).map(Some),
            None => Ok(names.iter().position(|known| *known == option)),
        };
        let phone_number = find("phone_number", &content.phone_number)?;
        let app_user_id = id(USER, content.app_user_id.as_deref())?;
        let app_session_id = id(SESSION, content.app_session_id.as_deref())?;
        for (role, at) in
            [("phone_number", Some(phone_number)), (USER, app_user_id), (SESSION, app_session_id)]
        {
            if let Some(at) = at {
                holds_identifiers(schema, role, at)?;
            }
        }
        let variables = match &content.variables {
            Variables::Named(pairs) => VariableColumns::Each(
                pairs
                    .iter()
                    .map(|(variable, column)| Ok((variable.clone(), find(VARIABLES, column)?)))
                    .collect::<Result<_>>()?,
            ),
            Variables::Found => match names.iter().position(|name| *name == VARIABLES) {
                Some(at) if holds_objects(schema.field(at).data_type()) => {
                    VariableColumns::Object(at)
                }
                _ => VariableColumns::Each(
                    names
                        .iter()
                        .enumerate()
                        .filter(|(at, _)| {
                            *at != phone_number
                                && Some(*at) != app_user_id
                                && Some(*at) != app_session_id
                        })
                        .map(|(at, name)| ((*name).to_owned(), at))
                        .collect(),
                ),
            },
        };
        let layout = Self { phone_number, app_user_id, app_session_id, variables };
        layout.check_variables(schema, content)?;
        Ok(layout)
    }

    fn check_variables(&self, schema: &Schema, content: &Content) -> Result<()> {
        let columns: Vec<usize> = match &self.variables {
            VariableColumns::Object(at) => vec![*at],
            VariableColumns::Each(columns) => columns.iter().map(|(_, at)| *at).collect(),
        };
        for at in columns {
            let field = schema.field(at);
            if let Some(problem) = unsendable(field.data_type()) {
                let column = format!("column {:?}", field.name());
                return Err(Error::invalid(column, problem));
            }
        }
        let known: Vec<&str> = match &self.variables {
            VariableColumns::Each(columns) => {
                columns.iter().map(|(name, _)| name.as_str()).collect()
            }
            VariableColumns::Object(at) => match schema.field(*at).data_type() {
                DataType::Struct(fields) => {
                    fields.iter().map(|field| field.name().as_str()).collect()
                }
                // Each row of a map has names of its own.
                _ => return Ok(()),
            },
        };
        match content.required.iter().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(absent("required", name, &known)),
            None => Ok(()),
        }
    }
}

/// The error of an option that names a column that is not there.
pub(super) fn absent(option: &str, name: &str, known: &[&str]) -> Error {
    let like_data = |name: &&str| masked(name) != **name || name.contains('@');
    if known.iter().any(like_data) {
        let problem = "the first line looks like a row of data; is there a header?";
        return Error::invalid(option, format!("there is no column {name:?}; {problem}"));
    }
    let shown = known.iter().take(20).map(|name| shown(name)).collect::<Vec<_>>();
    let more = if known.len() > 20 { ", …" } else { "" };
    Error::invalid(
        option,
        format!("there is no column {name:?}; there are {}{more}", shown.join(", ")),
    )
}

fn holds_identifiers(schema: &Schema, role: &str, at: usize) -> Result<()> {
    let field = schema.field(at);
    let inner = match field.data_type() {
        DataType::Dictionary(_, values) => values,
        other => other,
    };
    let fits = inner.is_integer()
        || inner.is_floating()
        || inner.is_string()
        || inner.is_null()
        || matches!(
            inner,
            DataType::Decimal32(..)
                | DataType::Decimal64(..)
                | DataType::Decimal128(..)
                | DataType::Decimal256(..)
        );
    if fits {
        return Ok(());
    }
    Err(Error::invalid(
        role,
        format!("the column {:?} holds {inner}, and text or integers are needed", field.name()),
    ))
}

fn holds_objects(kind: &DataType) -> bool {
    matches!(kind, DataType::Struct(_) | DataType::Map(..))
}

/// Why a column of this type can't be sent, if it can't.
fn unsendable(kind: &DataType) -> Option<String> {
    match kind {
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => {
            Some("it holds binary data, which JSON can't carry; decode it to text".to_owned())
        }
        DataType::Duration(_) | DataType::Interval(_) => Some(
            "it holds durations, which JSON has no form for; convert them to a number of seconds"
                .to_owned(),
        ),
        DataType::Union(..) => Some("it holds a union of types".to_owned()),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _) => unsendable(field.data_type()),
        DataType::Struct(fields) => fields.iter().find_map(|field| {
            unsendable(field.data_type())
                .map(|problem| format!("{:?} in it: {problem}", field.name()))
        }),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => {
                if !fields[0].data_type().is_string() {
                    return Some("it holds maps whose keys are no text".to_owned());
                }
                unsendable(fields[1].data_type())
            }
            _ => Some("it holds maps of an unknown form".to_owned()),
        },
        DataType::Dictionary(_, values) => unsendable(values),
        DataType::RunEndEncoded(_, values) => unsendable(values.data_type()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use arrow_schema::{Field, Fields, TimeUnit};

    use super::super::Options;
    use super::*;

    fn layout(fields: &[(&str, DataType)], change: impl Fn(&mut Content)) -> Result<Layout> {
        let fields: Fields =
            fields.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true)).collect();
        let mut content = Options::default().content;
        change(&mut content);
        Layout::of(&Schema::new(fields), &content)
    }

    fn each(names: &[(&str, usize)]) -> VariableColumns {
        VariableColumns::Each(names.iter().map(|(name, at)| ((*name).to_owned(), *at)).collect())
    }

    const TEXT: DataType = DataType::Utf8;

    #[test]
    fn columns_without_another_role_are_variables() {
        let found = layout(
            &[
                ("name", TEXT),
                ("phone_number", TEXT),
                ("app_user_id", DataType::Int64),
                ("age", DataType::Int8),
            ],
            |_| (),
        )
        .unwrap();
        assert_eq!(
            (found.phone_number, found.app_user_id, found.app_session_id),
            (1, Some(2), None)
        );
        assert_eq!(found.variables, each(&[("name", 0), ("age", 3)]));
    }

    #[test]
    fn a_column_of_objects_is_the_variables() {
        let object = DataType::Struct(vec![Field::new("name", TEXT, true)].into());
        let columns = [("phone_number", TEXT), ("variables", object), ("other", TEXT)];
        assert_eq!(layout(&columns, |_| ()).unwrap().variables, VariableColumns::Object(1));
        let text = [("phone_number", TEXT), ("variables", TEXT)];
        assert_eq!(layout(&text, |_| ()).unwrap().variables, each(&[("variables", 1)]));
    }

    #[test]
    fn names_may_be_given() {
        let columns = [("mobile", DataType::Float64), ("n", TEXT), ("sid", TEXT)];
        let found = layout(&columns, |content| {
            content.phone_number = "mobile".to_owned();
            content.variables = Variables::Named(vec![("first_name".to_owned(), "n".to_owned())]);
            content.app_session_id = Some("sid".to_owned());
            content.required = vec!["first_name".to_owned()];
        })
        .unwrap();
        assert_eq!(found.app_session_id, Some(2));
        assert_eq!(found.variables, each(&[("first_name", 1)]));
    }

    #[test]
    fn what_is_not_there_or_cannot_be_sent_is_named() {
        let with = |kind: DataType| vec![("phone_number", TEXT), ("x", kind)];
        let second = TimeUnit::Second;
        for (columns, named) in [
            (
                vec![("phone", TEXT)],
                "phone_number: there is no column \"phone_number\"; there are \"phone\"",
            ),
            (vec![("phone_number", DataType::Boolean)], "phone_number: "),
            (vec![("phone_number", TEXT), ("phone_number", TEXT)], "source: two columns"),
            (with(DataType::Binary), "column \"x\": it holds binary data"),
            (with(DataType::Duration(second)), "column \"x\": it holds durations"),
            (
                with(DataType::Struct(vec![Field::new("y", DataType::Binary, true)].into())),
                "column \"x\": \"y\" in it: it holds binary data",
            ),
        ] {
            let error = layout(&columns, |_| ()).unwrap_err().to_string();
            assert!(error.starts_with(named), "{error}");
        }
        let columns = with(TEXT);
        let error =
            layout(&columns, |c| c.required = vec!["z".to_owned()]).unwrap_err().to_string();
        assert!(error.starts_with("required: there is no column \"z\""), "{error}");
    }
}
