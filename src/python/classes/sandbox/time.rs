//! A sandbox's time, moved by hand, and its state, kept and taken back.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDateTime, PyDelta};

use super::Sandbox;
use crate::Error;
use crate::model::Timestamp;
use crate::python::convert::attribute::Attribute;
use crate::python::convert::errors::to_pyerr;
use crate::sandbox::engine::Target;
use crate::sandbox::time::{Seconds, Time};

/// How often a wait looks for Ctrl-C.
pub(super) const TICK: Duration = Duration::from_millis(50);

/// The moment that an argument names.
pub(super) fn moment(argument: &str, value: &Bound<'_, PyAny>) -> PyResult<Time> {
    let py = value.py();
    let refuse = |problem: &str| to_pyerr(py, Error::invalid(argument, problem));
    if !value.is_instance_of::<PyDateTime>() || value.getattr("tzinfo")?.is_none() {
        return Err(refuse("it must be a datetime with a time zone"));
    }
    let text: String = value.call_method0("isoformat")?.extract()?;
    let stamp: Timestamp = text.parse().map_err(|_| refuse("it can't be read"))?;
    Ok(stamp.0.into())
}

impl Sandbox {
    fn go<'py>(&self, py: Python<'py>, target: Target) -> PyResult<Bound<'py, PyAny>> {
        let engine = self.0.engine();
        engine.aim(target).map_err(|error| to_pyerr(py, error))?;
        while !py.detach(|| engine.wait(TICK)) {
            py.check_signals()?;
        }
        self.now(py)
    }
}

#[pymethods]
impl Sandbox {
    /// datetime: What time it is in the sandbox, in UTC.
    #[getter]
    pub(super) fn now<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let now = self.0.engine().lock().now();
        Timestamp::from(now).to_python(py)
    }

    /// Move manual time on; everything that is due on the way happens.
    ///
    /// Args:
    ///     by (timedelta | None): How far, on top of what follows.
    ///     days (float): Days.
    ///     hours (float): Hours.
    ///     minutes (float): Minutes.
    ///     seconds (float): Seconds.
    ///
    /// Returns:
    ///     datetime: What time it is then, in UTC.
    ///
    /// Raises:
    ///     InvalidArgumentError: The sandbox's time is real, or would go back.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox(time="manual") as service:
    ///     ...     service.advance(hours=3).isoformat()
    ///     '2026-06-01T07:30:00+00:00'
    #[pyo3(signature = (by=None, *, days=0.0, hours=0.0, minutes=0.0, seconds=0.0))]
    fn advance<'py>(
        &self,
        py: Python<'py>,
        by: Option<&Bound<'_, PyDelta>>,
        days: f64,
        hours: f64,
        minutes: f64,
        seconds: f64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let by = by.map(|by| by.call_method0("total_seconds")?.extract::<f64>()).transpose()?;
        let wait = ((days * 24.0 + hours) * 60.0 + minutes) * 60.0 + seconds + by.unwrap_or(0.0);
        let wait = Duration::try_from_secs_f64(wait).map_err(|_| {
            let problem =
                "time never goes back, and not beyond all bounds; restore a snapshot instead";
            to_pyerr(py, Error::invalid("by", problem))
        })?;
        let now = self.0.engine().lock().now();
        self.go(py, Target::At(now.after(Seconds::from(wait))))
    }

    /// Move manual time on to a moment; everything that is due on the way happens.
    ///
    /// Args:
    ///     moment (datetime): The moment, with a time zone.
    ///
    /// Returns:
    ///     datetime: The same, in UTC.
    ///
    /// Raises:
    ///     InvalidArgumentError: The sandbox's time is real, or would go back.
    ///
    /// Example:
    ///     >>> from datetime import datetime, timezone
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox(time="manual") as service:
    ///     ...     moment = service.advance_to(datetime(2026, 6, 2, tzinfo=timezone.utc))
    ///     ...     moment.isoformat()
    ///     '2026-06-02T00:00:00+00:00'
    fn advance_to<'py>(
        &self,
        py: Python<'py>,
        moment: &Bound<'_, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let moment = self::moment("moment", moment)?;
        self.go(py, Target::At(moment))
    }

    /// Move manual time on until nothing more would happen to any record.
    ///
    /// Returns:
    ///     datetime: What time it is then, in UTC.
    ///
    /// Raises:
    ///     InvalidArgumentError: The sandbox's time is real.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox(time="manual", failure_rate=0) as service:
    ///     ...     leads = service.client().campaign(service.campaign_id)
    ///     ...     pushed = leads.push([{"phone_number": "+919876543210"}])
    ///     ...     _ = service.run_until_idle()
    ///     ...     leads.status().stats.completed
    ///     1
    fn run_until_idle<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.go(py, Target::Idle)
    }

    /// The whole state, as bytes for `restore`. They hold the API keys, the secrets and all records.
    ///
    /// Returns:
    ///     bytes: The state.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox() as service:
    ///     ...     before = service.snapshot()
    ///     ...     service.set_campaign_status("cancelled")
    ///     ...     service.restore(before)
    ///     ...     service.client().campaign(service.campaign_id).status().status
    ///     'running'
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.0.engine().snapshot());
        bytes.map(|bytes| PyBytes::new(py, &bytes)).map_err(|error| to_pyerr(py, error))
    }

    /// Take back a snapshot: manual time, too, is then what it was.
    ///
    /// Args:
    ///     snapshot (bytes): What `snapshot` gave, in this or another sandbox.
    ///
    /// Raises:
    ///     InvalidArgumentError: It is damaged, or another version's.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox() as one, Sandbox() as other:
    ///     ...     other.restore(one.snapshot())
    fn restore(&self, py: Python<'_>, snapshot: &[u8]) -> PyResult<()> {
        let done = py.detach(|| self.0.engine().restore(snapshot));
        done.map_err(|error| to_pyerr(py, error))
    }

    /// Begin anew, as it was started: without records, and with its first workspace and campaign
    /// alone.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox() as service:
    ///     ...     service.reset()
    fn reset(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.engine().reset()).map_err(|error| to_pyerr(py, error))
    }
}
