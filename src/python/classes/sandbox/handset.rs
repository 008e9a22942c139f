//! The handset: play a person who is called.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pythonize::pythonize;

use super::Sandbox;
use crate::convert::errors::to_pyerr;
use revrag::Error;
use revrag_sandbox::Command;
use revrag_sandbox::call::Person;
use revrag_sandbox::handset::{Act, call_of};

/// The phone of a person you play: calls to its number ring here until they are answered.
///
/// `Sandbox.handset` makes one. At the end of its `with` block the number goes its usual way again.
#[pyclass(frozen, module = "revrag.sandbox")]
pub(crate) struct Handset {
    sandbox: Py<Sandbox>,
    number: String,
}

impl Handset {
    fn act(&self, py: Python<'_>, act: Act, words: &str) -> PyResult<()> {
        let sandbox = self.sandbox.get();
        let done = py.detach(|| {
            sandbox.0.engine().turn(|held| {
                held.catch_up();
                let problem =
                    "nobody calls it right now; push it, and wait or move time until it rings";
                let call = call_of(held.world(), &self.number)
                    .ok_or_else(|| Error::invalid("number", problem))?;
                act.check(held.world(), call, words)?;
                held.apply(act.command(call, words))
            })
        });
        done.map(drop).map_err(|error| to_pyerr(py, error))
    }

    fn person(&self) -> Option<(String, Person)> {
        let mut held = self.sandbox.get().0.engine().lock();
        held.catch_up();
        let call = call_of(held.world(), &self.number)?;
        let call = &held.world().calls()[call];
        Some((call.id.to_string(), call.person))
    }

    fn play(&self, py: Python<'_>, on: bool) -> PyResult<()> {
        let command = Command::Handset { number: self.number.clone(), on };
        let done = py.detach(|| self.sandbox.get().0.engine().order(command));
        done.map(drop).map_err(|error| to_pyerr(py, error))
    }
}

#[pymethods]
impl Sandbox {
    /// Play the person of a number: calls to it ring at the handset, and nobody else answers them.
    ///
    /// A call rings for 45 seconds of the sandbox's time, and is a `no_answer` if nobody answers it.
    ///
    /// Args:
    ///     number (str): The number, in any notation.
    ///
    /// Returns:
    ///     Handset: The phone.
    ///
    /// Raises:
    ///     InvalidArgumentError: `number` holds no phone number.
    ///
    /// Example:
    ///     >>> from revrag.sandbox import Sandbox
    ///     >>> with Sandbox(time="manual") as service:
    ///     ...     phone = service.handset("+919876543210")
    ///     ...     leads = service.client().campaign(service.campaign_id)
    ///     ...     pushed = leads.push([{"phone_number": "+919876543210"}])
    ///     ...     _ = service.advance(seconds=1)
    ///     ...     phone.answer()
    ///     ...     phone.say("Call me tomorrow.")
    ///     ...     phone.request_callback()
    ///     ...     leads.record(pushed.results[0].run_id).status
    ///     'rescheduled'
    fn handset(slf: Py<Self>, py: Python<'_>, number: String) -> PyResult<Handset> {
        let handset = Handset { sandbox: slf, number };
        handset.play(py, true)?;
        Ok(handset)
    }
}

#[pymethods]
impl Handset {
    /// str: The number that is played.
    #[getter]
    fn number(&self) -> &str {
        &self.number
    }

    /// bool: Whether a call rings.
    #[getter]
    fn is_ringing(&self) -> bool {
        self.person().is_some_and(|(_, person)| person == Person::Called)
    }

    /// str | None: The call that rings or goes on.
    #[getter]
    fn call_id(&self) -> Option<String> {
        self.person().map(|(id, _)| id)
    }

    /// list[dict]: What was said in the call that goes on: `role` and `content` of each turn.
    #[getter]
    fn conversation<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let said = {
            let held = self.sandbox.get().0.engine().lock();
            let call = call_of(held.world(), &self.number);
            call.map(|call| held.world().calls()[call].said.clone()).unwrap_or_default()
        };
        Ok(pythonize(py, &said)?)
    }

    /// Pick up the call that rings.
    ///
    /// Raises:
    ///     InvalidArgumentError: No call rings.
    fn answer(&self, py: Python<'_>) -> PyResult<()> {
        self.act(py, Act::Answer, "")
    }

    /// Turn away the call that rings: it was `busy`.
    ///
    /// Raises:
    ///     InvalidArgumentError: No call rings.
    fn decline(&self, py: Python<'_>) -> PyResult<()> {
        self.act(py, Act::Decline, "")
    }

    /// Say something; the agent has an answer.
    ///
    /// Args:
    ///     words (str): What is said, at most 2,000 bytes.
    ///
    /// Raises:
    ///     InvalidArgumentError: No call was answered, or the words are none or too many.
    fn say(&self, py: Python<'_>, words: &str) -> PyResult<()> {
        self.act(py, Act::Say, words)
    }

    /// End the call.
    ///
    /// Raises:
    ///     InvalidArgumentError: No call was answered.
    fn hang_up(&self, py: Python<'_>) -> PyResult<()> {
        self.act(py, Act::HangUp, "")
    }

    /// Ask to be called again, and hang up: the record is `rescheduled`.
    ///
    /// Raises:
    ///     InvalidArgumentError: No call was answered.
    fn request_callback(&self, py: Python<'_>) -> PyResult<()> {
        self.act(py, Act::Callback, "")
    }

    /// Ask never to be called again, and hang up: the number is on the Do-Not-Call list.
    ///
    /// Raises:
    ///     InvalidArgumentError: No call was answered.
    fn request_do_not_call(&self, py: Python<'_>) -> PyResult<()> {
        self.act(py, Act::Dnc, "")
    }

    /// Play the person no longer: later calls go as they are scripted or drawn.
    fn put_away(&self, py: Python<'_>) -> PyResult<()> {
        self.play(py, false)
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exc))]
    fn __exit__(&self, py: Python<'_>, _exc: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.put_away(py)
    }

    // Without the number, which is somebody's.
    fn __repr__(&self) -> &'static str {
        if self.is_ringing() { "Handset(is_ringing=True)" } else { "Handset(is_ringing=False)" }
    }
}
