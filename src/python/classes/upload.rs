//! `Campaign.upload`: its options, and what it comes to.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyString};
use uuid::Uuid;

use crate::Error;
use crate::bulk::source::{Format, SourceError};
use crate::bulk::{
    Cause, Content, Failure, MaxInvalid, Monitor, OnDuplicate, OnInvalid, OnUnknown, Options,
    Remote, Report, Snapshot, Target, Upload, Variables,
};
use crate::http::Client;
use crate::python::classes::origin::Origin;
use crate::python::classes::report::UploadReport;
use crate::python::convert::errors::{raise_with_report, to_pyerr};
use crate::python::convert::exclude;
use crate::python::convert::input::{self, Whole, is_mapping};
use crate::python::convert::json::type_name;
use crate::python::convert::rows::{Raised, Roles};
use crate::python::convert::source;
use crate::python::ground::observe::{Listeners, Say, Word, check_listener};
use crate::python::ground::run::{Operation, Running, Watch};

/// How long an upload that is cut off may take to let go of its journal.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The upload of a source: the body of `upload` and `upload_async`.
pub(in crate::python) fn operation(
    client: Client,
    campaign: Uuid,
    source: Py<PyAny>,
    options: Option<Py<PyDict>>,
) -> Operation<Ended> {
    Box::new(move |py, watch, listeners| {
        let given = match &options {
            Some(options) => parse(options.bind(py))?,
            None => Given::default(),
        };
        begin(&client, campaign, source.bind(py), given, watch, listeners)
    })
}

fn begin(
    client: &Client,
    campaign: Uuid,
    source: &Bound<'_, PyAny>,
    given: Given,
    watch: &Watch,
    listeners: &mut Listeners,
) -> PyResult<Running<Ended>> {
    let raised = Raised::default();
    let Given { options, exclude, mut format, progress } = given;
    format.columns = options.content.columns();
    let (input, rows) =
        source::input(source, format.clone(), roles(&options.content), watch.pull(), &raised)?;
    listeners.rows = rows;
    let exclude = match exclude {
        Some(exclude) => {
            let column = &options.content.phone_number;
            let (exclude, rows) =
                exclude::input(exclude.bind(source.py()), column, watch.pull(), &raised)?;
            listeners.exclude = rows;
            Some(exclude)
        }
        None => None,
    };
    let origin = Arc::new(Origin { content: options.content.clone(), format });
    let has_journal = options.journal.is_some();
    let client = client.observed(watch.observer.clone());
    let target = Target {
        campaign,
        base_url: client.config().base_url().to_owned(),
        timeout: client.config().timeout(),
        max_retries: client.config().max_retries(),
    };
    let world = client.world().clone();
    let service = Remote::new(client, campaign, options.content.region.as_deref());
    let (upload, monitor) = Upload::new(service, target, input, options, world);
    let upload = upload.excluding(exclude);
    let last = monitor.clone();
    let source = origin.clone();
    watch.if_cut_off(Box::new(move |py, _| {
        let (cause, report) = match py.detach(|| last.stopped(LAST_WORDS)) {
            Some(report) => (Cause::CutOff, report),
            None => (Cause::Lost, Report::unknown(Uuid::nil())),
        };
        Some(stopped(py, &cause, None, UploadReport::new(report, source), has_journal))
    }));
    let tell = progress.is_some().then(|| watch.say.clone());
    listeners.progress = progress;
    Ok(Box::pin(async move {
        let result = match tell {
            Some(tell) => told(upload, monitor, &tell).await,
            None => upload.run().await,
        };
        Ok(Ended { result, raised, origin, has_journal })
    }))
}

/// Runs an upload and tells how far it has come; the last word comes at its end, whatever that is.
async fn told(upload: Upload<Remote>, mut monitor: Monitor, tell: &Say) -> Result<Report, Failure> {
    let mut running = Box::pin(upload.run());
    loop {
        tokio::select! {
            biased;
            result = &mut running => {
                let last = Snapshot { is_last: true, ..monitor.snapshot() };
                tell(Word::Progress(last));
                return result;
            }
            true = monitor.advanced() => {
                let snapshot = monitor.snapshot();
                if !snapshot.is_last {
                    tell(Word::Progress(snapshot));
                }
            }
        }
    }
}

/// What an upload came to; turned into Python, it is its report, or raises.
pub(in crate::python) struct Ended {
    result: Result<Report, Failure>,
    raised: Raised,
    origin: Arc<Origin>,
    has_journal: bool,
}

impl<'py> IntoPyObject<'py> for Ended {
    type Target = UploadReport;
    type Output = Bound<'py, UploadReport>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let raised = || self.raised.lock().unwrap_or_else(PoisonError::into_inner).take();
        match self.result {
            Ok(report) => Bound::new(py, UploadReport::new(report, self.origin)),
            Err(Failure::Refused(SourceError::Unreadable(error))) => Err(to_pyerr(py, error)),
            Err(Failure::Refused(error @ SourceError::Raised { .. })) => {
                Err(raised().unwrap_or_else(|| PyTypeError::new_err(error.to_string())))
            }
            Err(Failure::Stopped(ended)) => {
                let cause = match &ended.cause {
                    Cause::Preflight(error)
                    | Cause::Service(error)
                    | Cause::GaveUp { error, .. }
                    | Cause::Changed(error)
                    | Cause::Journal(error)
                    | Cause::Source(SourceError::Unreadable(error))
                    | Cause::Checked(SourceError::Unreadable(error)) => {
                        Some(to_pyerr(py, error.clone()))
                    }
                    Cause::Source(SourceError::Raised { .. })
                    | Cause::Checked(SourceError::Raised { .. }) => raised(),
                    Cause::NotRunning(_) | Cause::CutOff | Cause::Bug | Cause::Lost => None,
                };
                let report = UploadReport::new(ended.report, self.origin);
                Err(stopped(py, &ended.cause, cause, report, self.has_journal))
            }
        }
    }
}

/// The `UploadError` of an upload that stopped.
fn stopped(
    py: Python<'_>,
    why: &Cause,
    cause: Option<PyErr>,
    report: UploadReport,
    has_journal: bool,
) -> PyErr {
    let told = match why {
        Cause::Source(SourceError::Raised { row }) => {
            let kind = cause.as_ref().and_then(|error| error.get_type(py).name().ok());
            let kind = kind.map_or_else(|| "an error".to_owned(), |name| name.to_string());
            format!("the source raised {kind} at row {row}")
        }
        other => other.to_string(),
    };
    let advice = match why {
        Cause::Journal(Error::JournalLost(_)) => {
            "`.report` tells what is known of every row; upload those that are not_sent there and no \
             others, for without this journal all would be called again"
        }
        _ if has_journal => "the same call with the same journal goes on from here",
        _ => {
            "`.report` tells what is known of every row: those that are accepted or unknown must not \
             be uploaded again; with journal=… an upload can go on"
        }
    };
    let counts: Vec<String> = crate::bulk::Outcome::ALL
        .iter()
        .map(|outcome| (outcome.name(), report.count(*outcome)))
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    let counts =
        if counts.is_empty() { String::new() } else { format!(" ({})", counts.join(", ")) };
    let message = format!("the upload stopped: {told}{counts}; {advice}");
    raise_with_report(py, message, report, cause)
}

/// The keyword arguments.
#[derive(Default)]
struct Given {
    options: Options,
    exclude: Option<Py<PyAny>>,
    format: Format,
    progress: Option<Py<PyAny>>,
}

/// The columns that hold a number or an id.
pub(in crate::python) fn roles(content: &Content) -> Roles {
    // That of the numbers, then those of the ids.
    let columns = content.columns();
    Roles {
        phone_number: content.phone_number.clone(),
        ids: columns.into_iter().skip(1).take(2).collect(),
    }
}

/// Reads the keyword arguments.
fn parse(given: &Bound<'_, PyDict>) -> PyResult<Given> {
    let py = given.py();
    let Given { mut options, mut exclude, mut format, mut progress } = Given::default();
    for (name, value) in given.iter() {
        let name: String = name.extract()?;
        let number = |least: u32| -> PyResult<usize> {
            let number = value.extract::<Whole>()?.at_least(py, &name, least)?;
            Ok(usize::try_from(number).unwrap_or(usize::MAX))
        };
        let content = &mut options.content;
        match name.as_str() {
            "phone_number" => content.phone_number = text(&name, &value)?,
            "variables" => content.variables = variables(&value)?,
            "app_user_id" => content.app_user_id = optional(&name, &value)?,
            "app_session_id" => content.app_session_id = optional(&name, &value)?,
            "region" => content.region = optional(&name, &value)?,
            "on_invalid" => {
                content.on_invalid = choice(
                    &name,
                    &value,
                    &[
                        ("reject", OnInvalid::Reject),
                        ("send", OnInvalid::Send),
                        ("raise", OnInvalid::Raise),
                    ],
                )?;
            }
            "on_duplicate" => {
                let known = [("keep", OnDuplicate::Keep), ("reject", OnDuplicate::Reject)];
                content.on_duplicate = choice(&name, &value, &known)?;
            }
            "required" => content.required = names(&name, &value)?,
            "exclude" => exclude = (!value.is_none()).then(|| value.clone().unbind()),
            "limit" => {
                let limit = value.extract::<Option<Whole>>()?;
                options.limit = limit.map(|limit| limit.at_least(py, &name, 0)).transpose()?;
            }
            "max_invalid" => options.max_invalid = max_invalid(&name, &value)?,
            "max_records" => options.max_records = number(1)?,
            "max_bytes" => options.max_bytes = number(1)?,
            "concurrency" => options.concurrency = number(1)?,
            "max_records_per_second" => options.max_records_per_second = value.extract()?,
            "journal" => options.journal = value.extract::<Option<PathBuf>>()?,
            "on_unknown" => {
                options.on_unknown = choice(
                    &name,
                    &value,
                    &[
                        ("settle", OnUnknown::Settle),
                        ("leave", OnUnknown::Leave),
                        ("stop", OnUnknown::Stop),
                    ],
                )?;
            }
            "settle_after" => {
                options.settle_after = input::seconds(py, &name, value.extract()?)?;
            }
            "give_up_after" => {
                options.give_up_after = input::seconds(py, &name, value.extract()?)?;
            }
            "delimiter" => format.delimiter = read(&name, &value, Format::delimiter_of)?,
            "encoding" => format.encoding = read(&name, &value, Format::encoding_of)?,
            "sheet" => format.sheet = optional(&name, &value)?,
            "max_field_bytes" => format.max_field_bytes = number(1)?,
            "progress" => progress = listener(&value)?,
            "dry_run" => options.dry_run = value.is_truthy()?,
            _ => {
                return Err(PyTypeError::new_err(format!(
                    "upload() got an unexpected keyword argument '{name}'"
                )));
            }
        }
    }
    Ok(Given { options, exclude, format, progress })
}

/// An optional text, read by `by`.
pub(in crate::python) fn read<T>(
    name: &str,
    value: &Bound<'_, PyAny>,
    by: fn(&str) -> Result<T, Error>,
) -> PyResult<Option<T>> {
    let given = optional(name, value)?;
    given.map(|text| by(&text)).transpose().map_err(|error| to_pyerr(value.py(), error))
}

fn refuse(py: Python<'_>, name: &str, problem: impl Into<String>) -> PyErr {
    to_pyerr(py, Error::invalid(name, problem))
}

fn text(name: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    value.extract().map_err(|_| {
        refuse(value.py(), name, format!("it must be a str, not {}", type_name(value)))
    })
}

pub(in crate::python) fn optional(
    name: &str,
    value: &Bound<'_, PyAny>,
) -> PyResult<Option<String>> {
    if value.is_none() { Ok(None) } else { text(name, value).map(Some) }
}

fn choice<T: Copy>(name: &str, value: &Bound<'_, PyAny>, known: &[(&str, T)]) -> PyResult<T> {
    let given = text(name, value)?;
    if let Some((_, choice)) = known.iter().find(|(text, _)| *text == given) {
        return Ok(*choice);
    }
    let known: Vec<String> = known.iter().map(|(text, _)| format!("{text:?}")).collect();
    let problem = format!("it must be one of {}, not {given:?}", known.join(", "));
    Err(refuse(value.py(), name, problem))
}

/// A share of the rows, or a count of them.
fn max_invalid(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<MaxInvalid>> {
    if value.is_none() {
        return Ok(None);
    }
    if value.is_instance_of::<PyBool>() {
        let problem = "it must be an int, a count of rows, or a float, a share of them";
        return Err(refuse(value.py(), name, problem));
    }
    if value.is_instance_of::<PyFloat>() {
        return Ok(Some(MaxInvalid::Share(value.extract()?)));
    }
    let count = value.extract::<Whole>()?.at_least(value.py(), name, 0)?;
    Ok(Some(MaxInvalid::Count(count)))
}

fn names(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if value.is_none() {
        return Ok(Vec::new());
    }
    if value.is_instance_of::<PyString>() {
        return Err(refuse(value.py(), name, "it must be a list of names, not a str"));
    }
    value.try_iter()?.map(|item| text(name, &item?)).collect()
}

/// A list of columns, a mapping from variable to column, or None.
fn variables(value: &Bound<'_, PyAny>) -> PyResult<Variables> {
    if value.is_none() {
        return Ok(Variables::Found);
    }
    let name = "variables";
    if is_mapping(value)? {
        let pairs = value.call_method0("items")?.try_iter()?.map(|pair| {
            let (variable, column) = pair?.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
            Ok((text(name, &variable)?, text(name, &column)?))
        });
        return Ok(Variables::Named(pairs.collect::<PyResult<_>>()?));
    }
    let columns = names(name, value)?;
    Ok(Variables::Named(columns.into_iter().map(|column| (column.clone(), column)).collect()))
}

fn listener(value: &Bound<'_, PyAny>) -> PyResult<Option<Py<PyAny>>> {
    let py = value.py();
    if value.is_none() {
        return Ok(None);
    }
    if let Ok(wanted) = value.cast::<PyBool>() {
        if !wanted.is_true() {
            return Ok(None);
        }
        return py
            .import("revrag._progress")?
            .getattr("bar")?
            .call0()
            .map(|bar| Some(bar.unbind()));
    }
    if !value.is_callable() {
        let problem = format!("it must be True or callable, not {}", type_name(value));
        return Err(refuse(py, "progress", problem));
    }
    check_listener("progress", value)?;
    Ok(Some(value.clone().unbind()))
}
