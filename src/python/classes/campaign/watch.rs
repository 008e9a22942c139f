//! `Campaign.watch`.

use pyo3::prelude::*;

use crate::classes::campaign::Campaign;
use crate::classes::watch::Statuses;
use crate::convert::input;
use crate::ground::process;
use revrag::http;

#[pymethods]
impl Campaign {
    /// The campaign's status and counts until nothing is left to do, for `for` and for `async for`.
    ///
    /// The first status comes at once, and then each that differs from the one before; the last one says
    /// that nothing is left: the campaign is `completed` or `cancelled`, or no record is `queued`,
    /// `in_progress`, `rescheduled`, `retry_pending` or `follow_up_pending`. A paused campaign is watched on.
    /// A poll that fails in a way in which a GET is sent again tells nothing, and the next one may; without a
    /// `timeout`, its error is raised once there was no answer for ten minutes. Ctrl-C ends it at once.
    ///
    /// Args:
    ///     poll_interval (float): Seconds between two polls, 0.05 at least.
    ///     timeout (float | None): Seconds to watch at most, from the start of an iteration; 0 asks once.
    ///     progress (bool): Draw a bar of the records that are done, while it is iterated.
    ///
    /// Returns:
    ///     CampaignWatch: Iterable as often as wanted; each iteration watches anew. Its `show()` draws it to
    ///     the end.
    ///
    /// Raises:
    ///     InvalidArgumentError: An argument can't be used. All others are raised while it is iterated.
    ///     WaitTimeoutError: Something was left to do; `.status` is what was last seen, `__cause__` why the
    ///         last poll had no answer.
    ///     NotFoundError: There is no such campaign in the key's workspace.
    ///     APIStatusError: The service refused for another reason.
    ///     APIConnectionError: The service could not be reached, or did not answer in time.
    ///     InvalidResponseError: The answer is not what the API documents.
    ///
    /// Example:
    ///     >>> for status in campaign.watch(timeout=10, poll_interval=0.1):
    ///     ...     done = status.stats.completed
    ///     >>> status.stats.queued
    ///     0
    #[pyo3(signature = (*, poll_interval=2.0, timeout=None, progress=false))]
    fn watch<'py>(
        slf: &Bound<'py, Self>,
        poll_interval: f64,
        timeout: Option<f64>,
        progress: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        input::seconds(py, "poll_interval", poll_interval)?;
        timeout.map(|timeout| input::seconds(py, "timeout", timeout)).transpose()?;
        let watch = process::import(py, "revrag._watch")?.getattr("CampaignWatch")?;
        watch.call1((slf, poll_interval, timeout, progress))
    }

    /// One watching, for `CampaignWatch`.
    fn _statuses(
        &self,
        py: Python<'_>,
        poll_interval: f64,
        timeout: Option<f64>,
    ) -> PyResult<Statuses> {
        let interval = input::seconds(py, "poll_interval", poll_interval)?;
        let timeout = timeout.map(|timeout| input::seconds(py, "timeout", timeout)).transpose()?;
        let http = self.http();
        let watch = http::Watch::new(&http, self.id, timeout, interval);
        Ok(Statuses::new(http, watch, self.onlooker(py)))
    }
}
