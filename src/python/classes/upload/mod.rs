//! `Campaign.upload`: its options, and what it comes to.

mod options;

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use uuid::Uuid;

use crate::classes::origin::Origin;
use crate::classes::report::UploadReport;
use crate::classes::upload::options::UploadOptions;
use crate::convert::errors::{raise_with_report, to_pyerr};
use crate::convert::exclude;
use crate::convert::rows::{Raised, Roles};
use crate::convert::source;
use crate::ground::observe::{Listeners, Say, Word};
use crate::ground::run::{Operation, Running, Watch};
use revrag::Error;
use revrag::bulk::source::SourceError;
use revrag::bulk::{Cause, Content, Failure, Monitor, Remote, Report, Snapshot, Target, Upload};
use revrag::http::Client;

/// How long an upload that is cut off may take to let go of its journal.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The upload of a source: the body of `upload` and `upload_async`.
pub(crate) fn operation(
    client: Client,
    campaign: Uuid,
    source: Py<PyAny>,
    options: Option<Py<PyDict>>,
) -> Operation<Ended> {
    Box::new(move |py, watch, listeners| {
        let given = match &options {
            Some(options) => UploadOptions::parse(options.bind(py))?,
            None => UploadOptions::default(),
        };
        begin(&client, campaign, source.bind(py), given, watch, listeners)
    })
}

fn begin(
    client: &Client,
    campaign: Uuid,
    source: &Bound<'_, PyAny>,
    given: UploadOptions,
    watch: &Watch,
    listeners: &mut Listeners,
) -> PyResult<Running<Ended>> {
    let raised = Raised::default();
    let UploadOptions { options, exclude, mut format, progress } = given;
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
    let ways =
        Ways { has_journal: options.journal.is_some(), is_keyed: !options.content.key.is_empty() };
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
        Some(stopped(py, &cause, None, UploadReport::new(report, source), ways))
    }));
    let tell = progress.is_some().then(|| watch.say.clone());
    listeners.progress = progress;
    Ok(Box::pin(async move {
        let result = match tell {
            Some(tell) => told(upload, monitor, &tell).await,
            None => upload.run().await,
        };
        Ok(Ended { result, raised, origin, ways })
    }))
}

/// Runs an upload and tells how far it has come; the last word comes at its end, whatever that is.
async fn told(upload: Upload, mut monitor: Monitor, tell: &Say) -> Result<Report, Failure> {
    let mut running = upload.run();
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
pub(crate) struct Ended {
    result: Result<Report, Failure>,
    raised: Raised,
    origin: Arc<Origin>,
    ways: Ways,
}

/// What an upload that stopped can be gone on by.
#[derive(Clone, Copy)]
struct Ways {
    has_journal: bool,
    is_keyed: bool,
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
                    Cause::NotRunning(_)
                    | Cause::Unproven(_)
                    | Cause::CutOff
                    | Cause::Bug
                    | Cause::Lost => None,
                };
                let report = UploadReport::new(ended.report, self.origin);
                Err(stopped(py, &ended.cause, cause, report, self.ways))
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
    Ways { has_journal, is_keyed }: Ways,
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
        Cause::Unproven(_) => {
            "nothing more is sent than what may be; with existing=\"journal\" the journal alone is \
             asked, which is right only where it knows every row that was sent under this name"
        }
        _ if is_keyed => {
            "the same call goes on from here: rows that are there are recognised by their keys"
        }
        _ if has_journal => "the same call with the same journal goes on from here",
        _ => {
            "`.report` tells what is known of every row: those that are accepted or unknown must not \
             be uploaded again; with journal=… an upload can go on"
        }
    };
    let counts: Vec<String> = revrag::bulk::Outcome::ALL
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

/// The columns that hold a number or an id.
pub(crate) fn roles(content: &Content) -> Roles {
    // That of the numbers, then those of the ids.
    let columns = content.columns();
    Roles {
        phone_number: content.phone_number.clone(),
        ids: columns.into_iter().skip(1).take(2 + content.key.len()).collect(),
    }
}
