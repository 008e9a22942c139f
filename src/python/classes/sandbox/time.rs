//! A sandbox's time, moved by hand, and its state, kept and taken back.

use std::time::Duration;

use pyo3::exceptions::PyTimeoutError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDateTime, PyDelta};

use super::Sandbox;
use crate::convert::attribute::Attribute;
use crate::convert::errors::to_pyerr;
use crate::ground::run::{Operation, Running};
use crate::ground::task::run_async;
use revrag::Error;
use revrag::model::Timestamp;
use revrag_sandbox::engine::Target;
use revrag_sandbox::time::{Seconds, Time};

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

/// How far an argument says that time is to move.
struct By(f64);

impl By {
    fn of(
        by: Option<&Bound<'_, PyDelta>>,
        days: f64,
        hours: f64,
        minutes: f64,
        seconds: f64,
    ) -> PyResult<Self> {
        let by = by.map(|by| by.call_method0("total_seconds")?.extract::<f64>()).transpose()?;
        Ok(Self(((days * 24.0 + hours) * 60.0 + minutes) * 60.0 + seconds + by.unwrap_or(0.0)))
    }

    fn target(&self, sandbox: &Sandbox) -> revrag::Result<Target> {
        let wait = Duration::try_from_secs_f64(self.0).map_err(|_| {
            let problem =
                "time never goes back, and not beyond all bounds; restore a snapshot instead";
            Error::invalid("by", problem)
        })?;
        let now = sandbox.0.engine().lock().now();
        Ok(Target::At(now.after(Seconds::from(wait))))
    }
}

/// What time it was when time by hand was there; else why it is not.
pub(super) struct Arrived(Result<Time, String>);

impl<'py> IntoPyObject<'py> for Arrived {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        match self.0 {
            Ok(now) => Timestamp::from(now).to_python(py),
            Err(why) => Err(PyTimeoutError::new_err(why)),
        }
    }
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

    /// A coroutine that moves time. It begins when it is awaited.
    pub(super) fn going<'py>(
        slf: &Bound<'py, Self>,
        name: &'static str,
        target: impl FnOnce(&Self) -> revrag::Result<Target> + Send + 'static,
        most: Option<Duration>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let this = slf.clone().unbind();
        let operation: Operation<Arrived> = Box::new(move |py, _, _| {
            let sandbox = this.get();
            let going = target(sandbox).and_then(|target| sandbox.0.go(target, most));
            let going = going.map_err(|error| to_pyerr(py, error))?;
            let why = sandbox.why_late();
            let running: Running<Arrived> =
                Box::pin(async move { Ok(Arrived(going.await.ok_or_else(why))) });
            Ok(running)
        });
        run_async(slf.py(), name, None, operation)
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
        let target = By::of(by, days, hours, minutes, seconds)?.target(self);
        self.go(py, target.map_err(|error| to_pyerr(py, error))?)
    }

    /// The asyncio twin of `advance`.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox(time="manual") as service:
    ///     ...     asyncio.run(service.advance_async(hours=3)).isoformat()
    ///     '2026-06-01T07:30:00+00:00'
    #[pyo3(signature = (by=None, *, days=0.0, hours=0.0, minutes=0.0, seconds=0.0))]
    fn advance_async<'py>(
        slf: &Bound<'py, Self>,
        by: Option<&Bound<'_, PyDelta>>,
        days: f64,
        hours: f64,
        minutes: f64,
        seconds: f64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let by = By::of(by, days, hours, minutes, seconds)?;
        Self::going(slf, "Sandbox.advance_async", move |it| by.target(it), None)
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

    /// The asyncio twin of `advance_to`.
    ///
    /// Example:
    ///     >>> from datetime import datetime, timezone
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox(time="manual") as service:
    ///     ...     moment = datetime(2026, 6, 2, tzinfo=timezone.utc)
    ///     ...     asyncio.run(service.advance_to_async(moment)).isoformat()
    ///     '2026-06-02T00:00:00+00:00'
    fn advance_to_async<'py>(
        slf: &Bound<'py, Self>,
        moment: &Bound<'_, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let target = Target::At(self::moment("moment", moment)?);
        Self::going(slf, "Sandbox.advance_to_async", move |_| Ok(target), None)
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

    /// The asyncio twin of `run_until_idle`.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox(time="manual") as service:
    ///     ...     asyncio.run(service.run_until_idle_async()).isoformat()
    ///     '2026-06-01T04:30:00+00:00'
    fn run_until_idle_async<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        Self::going(slf, "Sandbox.run_until_idle_async", |_| Ok(Target::Idle), None)
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

    /// Begin anew, as it was started: with the workspaces, campaigns, scripts and faults that its
    /// arguments and its settings file say. Records, calls, both logs, and all that was added or
    /// ordered since are gone.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox() as service:
    ///     ...     service.reset()
    fn reset(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.reset()).map_err(|error| to_pyerr(py, error))
    }
}
