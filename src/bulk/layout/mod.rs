//! The role of each column.

mod names;
mod types;

use arrow_schema::{DataType, Schema};

use super::options::{Content, Variables};
use crate::{Error, Result};

pub(super) use names::{OF_REPORT, absent, absent_number};
pub(super) use types::{Extension, extension, holds_identifiers};

use names::Names;

/// Which column of a table has which role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) phone_number: usize,
    pub(super) app_user_id: Option<usize>,
    pub(super) app_session_id: Option<usize>,
    pub(super) key: Vec<usize>,
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
        let names = Names::of(schema);
        let id = |option: &str, named: Option<&str>| match named {
            Some(name) => names.find(option, name).map(Some),
            None => names.only(option),
        };
        let phone_number = names.find("phone_number", &content.phone_number)?;
        let app_user_id = id(USER, content.app_user_id.as_deref())?;
        let app_session_id = id(SESSION, content.app_session_id.as_deref())?;
        content.check_sessions(app_session_id.is_some())?;
        let key = content.key.iter().map(|name| names.find("key", name));
        let key = key.collect::<Result<Vec<_>>>()?;
        let mut roles = vec![Some(phone_number), app_user_id, app_session_id];
        roles.extend(key.iter().copied().map(Some));
        let called = ["phone_number", USER, SESSION].into_iter().chain(std::iter::repeat("key"));
        for (role, at) in called.zip(&roles) {
            if let Some(at) = at {
                types::check_identifiers(schema.field(*at), role)?;
            }
        }
        let variables = match &content.variables {
            Variables::Named(pairs) => VariableColumns::Each(
                pairs
                    .iter()
                    .map(|(variable, column)| {
                        Ok((variable.clone(), names.find(VARIABLES, column)?))
                    })
                    .collect::<Result<_>>()?,
            ),
            Variables::Found => match names.only(VARIABLES)? {
                Some(at) if types::holds_objects(schema.field(at).data_type()) => {
                    VariableColumns::Object(at)
                }
                _ => {
                    for name in &content.required {
                        names.only(name)?;
                    }
                    VariableColumns::Each(names.variables(schema, &roles))
                }
            },
        };
        let layout = Self { phone_number, app_user_id, app_session_id, key, variables };
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
            if let Some(problem) = types::unsendable(field) {
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

/// Whether a table has the column that holds the numbers.
pub(super) fn has_number(schema: &Schema, content: &Content) -> bool {
    schema.fields().iter().any(|field| field.name() == &content.phone_number)
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
    fn columns_that_nobody_asked_for_are_no_error() {
        let columns = [
            ("phone_number", TEXT),
            ("notes", TEXT),
            ("", TEXT),
            ("notes", DataType::Int8),
            (" ", TEXT),
            ("notes_2", TEXT),
            ("__index_level_0__", DataType::Int64),
        ];
        let found = layout(&columns, |_| ()).unwrap();
        assert_eq!(found.variables, each(&[("notes", 1), ("notes_3", 3), ("notes_2", 5)]));
        for ask in [
            (|c: &mut Content| c.required = vec!["notes".to_owned()]) as fn(&mut Content),
            |c| c.app_user_id = Some("notes".to_owned()),
            |c| c.variables = Variables::Named(vec![("n".to_owned(), "notes".to_owned())]),
        ] {
            let error = layout(&columns, ask).unwrap_err().to_string();
            assert!(error.contains("two columns are named \"notes\""), "{error}");
        }
    }

    #[test]
    fn an_index_that_pandas_stored_is_no_variable() {
        let fields = ["phone_number", "id", "name"].map(|name| Field::new(name, TEXT, true));
        let pandas = r#"{"index_columns": ["id", {"kind": "range", "name": null}]}"#;
        let metadata = [("pandas".to_owned(), pandas.to_owned())].into();
        let schema = Schema::new(fields.to_vec()).with_metadata(metadata);
        let mut content = Options::default().content;
        assert_eq!(Layout::of(&schema, &content).unwrap().variables, each(&[("name", 2)]));
        content.variables = Variables::Named(vec![("id".to_owned(), "id".to_owned())]);
        assert_eq!(Layout::of(&schema, &content).unwrap().variables, each(&[("id", 1)]));
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
