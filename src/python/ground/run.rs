//! Operations, and the shell that blocks until one has ended: [`run_sync`].

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pyo3::IntoPyObjectExt as _;
use pyo3::exceptions::{PyException, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::convert::errors::{add_cause, to_pyerr};
use crate::ground::observe::{Listeners, Onlooker, Say, Word};
use crate::ground::pause;
use crate::ground::process::{self, Stretch};
use revrag::Result;
use revrag::http::Observer;

/// How often a blocked call looks for signals.
const TICK: Duration = Duration::from_millis(50);

/// What there is to say, attached, of an operation that was cut off: the cause of the interrupt. It is
/// given the operation's result, where that came too late.
pub(crate) type Aftermath =
    Box<dyn FnOnce(Python<'_>, Option<PyResult<Py<PyAny>>>) -> Option<PyErr> + Send>;

/// What an operation's first, attached part is given.
pub(crate) struct Watch {
    /// Whom to tell of each try.
    pub(crate) observer: Arc<dyn Observer>,
    /// Whom to tell of anything else.
    pub(crate) say: Say,
    /// Whether rows can be read in the thread of the caller.
    pulls: bool,
    pub(super) aftermath: Arc<Mutex<Option<Aftermath>>>,
}

impl Watch {
    /// Whom to ask for rows, where the thread of the caller can read them.
    pub(crate) fn pull(&self) -> Option<&Say> {
        self.pulls.then_some(&self.say)
    }

    pub(super) fn new(onlooker: &Onlooker, say: Say, pulls: bool) -> Self {
        let observer = onlooker.watch(say.clone());
        Self { observer, say, pulls, aftermath: Arc::default() }
    }

    /// Leaves something to be done should the operation be cut off.
    pub(crate) fn if_cut_off(&self, aftermath: Aftermath) {
        *self.aftermath.lock().unwrap_or_else(PoisonError::into_inner) = Some(aftermath);
    }
}

pub(super) fn take(aftermath: &Mutex<Option<Aftermath>>) -> Option<Aftermath> {
    aftermath.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Begins an operation. What interrupts its first part says what it cut off, as later.
pub(super) fn begin<T>(
    py: Python<'_>,
    watch: &Watch,
    onlooker: &mut Onlooker,
    operation: Operation<T>,
) -> PyResult<Running<T>> {
    pause::was_interrupted();
    operation(py, watch, onlooker.listeners()).inspect_err(|error| {
        let interrupted = pause::was_interrupted() || !error.is_instance_of::<PyException>(py);
        if interrupted
            && let Some(aftermath) = take(&watch.aftermath)
            && let Some(cause) = aftermath(py, None)
        {
            add_cause(py, error, cause);
        }
    })
}

/// An operation under way, without a Python object in it.
pub(crate) type Running<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// An operation not begun: its first part is attached, reads the arguments, and may raise.
pub(crate) type Operation<T> =
    Box<dyn FnOnce(Python<'_>, &Watch, &mut Listeners) -> PyResult<Running<T>> + Send>;

/// Runs an operation to its end and answers Ctrl-C meanwhile.
///
/// The interpreter is free while it waits. Signals and listeners are served between two waits,
/// outside of the runtime, so that they may call this client themselves.
pub(crate) fn run_sync<T>(
    py: Python<'_>,
    hook: Option<Py<PyAny>>,
    operation: Operation<T>,
) -> PyResult<T>
where
    T: for<'a> IntoPyObject<'a> + Send,
{
    let runtime = process::runtime(py)?;
    let mut attached = Some(Stretch::enter(py));
    let mut onlooker = Onlooker::new(py, Listeners { hook, ..Listeners::default() })?;
    let (sender, words) = unbounded_channel();
    let say: Say = Arc::new(move |word| {
        let _ = sender.send(word);
    });
    let watch = Watch::new(&onlooker, say, true);
    let mut running = begin(py, &watch, &mut onlooker, operation)?;
    let aftermath = watch.aftermath.clone();
    drop(watch);
    let mut outcome = None;
    let attended = {
        let ending = std::pin::pin!(async { outcome = Some((&mut running).await) });
        attend(py, &runtime, &mut attached, &onlooker, ending, words)
    };
    let result = outcome.map(|outcome| outcome.map_err(|error| to_pyerr(py, error)));
    let interrupt = match (attended, result) {
        // Whoever is interrupted right after this call loses its result: so let it be now.
        (Ok(()), Some(result)) => match interrupted(py, &aftermath) {
            Ok(()) => return result,
            Err(interrupt) => (interrupt, Some(result)),
        },
        (Ok(()), None) => return Err(panicked()),
        (Err(interrupt), result) => (interrupt, result),
    };
    let (interrupt, result) = interrupt;
    py.detach(|| drop(running));
    let result = result.map(|result| result.and_then(|value| value.into_py_any(py)));
    if let Some(cause) = take(&aftermath).and_then(|aftermath| aftermath(py, result)) {
        add_cause(py, &interrupt, cause);
    }
    Err(interrupt)
}

/// Raises what interrupts this thread right now, where the operation has something to say of that: what
/// a signal's handler raises, and an exception that another thread has sent.
fn interrupted(py: Python<'_>, aftermath: &Mutex<Option<Aftermath>>) -> PyResult<()> {
    static TURN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    if aftermath.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
        py.check_signals()?;
        TURN.import(py, "revrag._turn", "turn")?.call0()?;
    }
    Ok(())
}

/// Whether Python gives this thread the signals.
fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    static NATIVE_ID: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static MAIN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static IDENT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    // On Linux that of a process's first thread is the process's own. It holds where `threading` was
    // imported elsewhere first, and where gevent has patched it.
    let native = NATIVE_ID.import(py, "_thread", "get_native_id")?.call0()?.extract::<u64>()?;
    if native == u64::from(std::process::id()) {
        return Ok(true);
    }
    let main = MAIN.import(py, "threading", "main_thread")?.call0()?.getattr("ident")?;
    main.eq(IDENT.import(py, "_thread", "get_ident")?.call0()?)
}

/// Waits for an operation to end; an error is an interrupt.
///
/// Whatever it results in, this is compiled once.
fn attend(
    py: Python<'_>,
    runtime: &Arc<process::Runtime>,
    attached: &mut Option<Stretch>,
    onlooker: &Onlooker,
    mut ending: Pin<&mut (dyn Future<Output = ()> + Send)>,
    mut words: UnboundedReceiver<Word>,
) -> PyResult<()> {
    enum Woken {
        Done,
        Said(Word),
        Tick,
    }
    // Signals are the main thread's; another would look for nothing, twenty times a second.
    let ticks = is_main_thread(py)?;
    loop {
        *attached = None;
        let woken = py.detach(|| {
            runtime.tokio.block_on(async {
                tokio::select! {
                    biased;
                    Some(word) = words.recv() => Woken::Said(word),
                    () = ending.as_mut() => Woken::Done,
                    () = tokio::time::sleep(TICK), if ticks => Woken::Tick,
                }
            })
        });
        *attached = Some(Stretch::enter(py));
        match woken {
            Woken::Tick => py.check_signals()?,
            Woken::Said(word) => {
                onlooker.tell(py, word)?;
                py.check_signals()?;
            }
            Woken::Done => {
                while let Ok(word) = words.try_recv() {
                    // Rows are wanted no more.
                    if !matches!(word, Word::Pull(_)) {
                        onlooker.tell(py, word)?;
                    }
                }
                return Ok(());
            }
        }
    }
}

/// Tells a panic in an operation, which would otherwise leave its awaiter waiting forever.
pub(super) fn panicked() -> PyErr {
    PyRuntimeError::new_err("revrag failed inside; this is a bug, please report it")
}
