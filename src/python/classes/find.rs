//! `Campaign.find`: what it looks for.

use pyo3::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use crate::classes::client::prepared;
use crate::classes::models::Record;
use crate::convert::errors::to_pyerr;
use crate::convert::json::{self, type_name};
use crate::ground::run::Operation;
use revrag::Error;
use revrag::bulk::{Remote, Wanted, find};
use revrag::http::Client;
use revrag::phone::{Cell, Checker, Rules};

/// What is asked for.
pub(crate) struct Asked {
    pub(crate) app_session_id: Option<Py<PyAny>>,
    pub(crate) app_user_id: Option<Py<PyAny>>,
    pub(crate) phone_number: Option<Py<PyAny>>,
    pub(crate) region: String,
}

/// The body of `find` and `find_async`.
pub(crate) fn operation(
    client: Client,
    campaign: Uuid,
    asked: Asked,
    timeout: Option<f64>,
) -> Operation<Vec<Record>> {
    Box::new(move |py, watch, _| {
        let wanted = asked.wanted(py)?;
        let client = prepared(py, &client, watch, timeout)?;
        let service = Remote::new(client, campaign, Some(&asked.region));
        Ok(Box::pin(async move {
            let found = find(service, &wanted).await?;
            Ok(found.into_iter().map(Record::from).collect())
        }))
    })
}

impl Asked {
    fn wanted(&self, py: Python<'_>) -> PyResult<Wanted> {
        let rules = Rules::of(&self.region).map_err(|error| to_pyerr(py, error))?;
        let wanted = Wanted {
            app_session_id: id(py, "app_session_id", self.app_session_id.as_ref())?,
            app_user_id: id(py, "app_user_id", self.app_user_id.as_ref())?,
            phone_number: number(py, self.phone_number.as_ref(), rules)?,
            rules,
        };
        if wanted.app_session_id.is_none()
            && wanted.app_user_id.is_none()
            && wanted.phone_number.is_none()
        {
            let problem = "give at least one of app_session_id, app_user_id and phone_number";
            return Err(to_pyerr(py, Error::invalid("find", problem)));
        }
        Ok(wanted)
    }
}

fn identifier(py: Python<'_>, name: &str, value: &Py<PyAny>) -> PyResult<Value> {
    let at = || name.to_owned();
    json::to_identifier(value.bind(py), &at).map_err(|error| error.into_pyerr(py))
}

/// An id as the service has it.
fn id(py: Python<'_>, name: &str, value: Option<&Py<PyAny>>) -> PyResult<Option<String>> {
    let Some(value) = value else { return Ok(None) };
    let refuse = |problem: String| to_pyerr(py, Error::invalid(name, problem));
    match identifier(py, name, value)? {
        Value::String(text) if text.is_empty() => Err(refuse("it is empty".to_owned())),
        Value::String(text) => Ok(Some(text)),
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(Some(number.to_string())),
        _ => {
            let kind = type_name(value.bind(py));
            Err(refuse(format!("it must be a str, an int or a UUID, not {kind}")))
        }
    }
}

fn number(py: Python<'_>, value: Option<&Py<PyAny>>, rules: Rules) -> PyResult<Option<String>> {
    let Some(value) = value else { return Ok(None) };
    let name = "phone_number";
    let cell = match identifier(py, name, value)? {
        Value::String(text) => Cell::Text(text.into()),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Cell::Integer(whole.into()),
            None => Cell::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        _ => Cell::Other("of another type"),
    };
    let read = cell.written().map_err(|(_, problem)| problem);
    let read = read.and_then(|written| Checker::new(rules).e164(&written));
    read.map(Some).map_err(|problem| to_pyerr(py, Error::invalid(name, problem)))
}
