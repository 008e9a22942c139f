//! The shell that makes a coroutine of an operation: [`run_async`].

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::IntoPyObjectExt as _;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use pyo3_async_runtimes::TaskLocals;
use tokio::task::AbortHandle;

use crate::convert::errors::{add_cause, to_pyerr};
use crate::ground::observe::{Listeners, Onlooker, Say, Word};
use crate::ground::process::{self, Errands, Stretch};
use crate::ground::run::{self, Aftermath, Operation, Watch, panicked, run_sync, take};

/// Makes a coroutine of an operation. Nothing happens until it is awaited.
pub(crate) fn run_async<'py, T>(
    py: Python<'py>,
    name: &'static str,
    hook: Option<Py<PyAny>>,
    operation: Operation<T>,
) -> PyResult<Bound<'py, PyAny>>
where
    T: for<'a> IntoPyObject<'a> + Send + 'static,
{
    let begin: Begin = Box::new(move |py, future| {
        let runtime = process::runtime(py)?;
        let ticket = Ticket::next();
        let Some(errands) = runtime.errands() else {
            // In an exit handler, after the messenger's end: nobody could bring the result later.
            let result = run_sync(py, hook, operation);
            let result = result.and_then(|value| value.into_py_any(py));
            let (value, error) = value_or_error(py, result);
            aio(py)?.getattr("resolve")?.call1((future, value, error))?;
            return Ok(Handle::ended(ticket));
        };
        let _stretch = Stretch::enter(py);
        let locals = TaskLocals::with_running_loop(py)?.copy_context(py)?;
        let mut onlooker = Onlooker::new(py, Listeners { hook, ..Listeners::default() })?;
        let words = errands.clone();
        let say: Say = Arc::new(move |word| {
            let _ = words.send(Some(Box::new(move |py| ticket.tell(py, word))));
        });
        let watch = Watch::new(&onlooker, say, false);
        let running = run::begin(py, &watch, &mut onlooker, operation)?;
        let aftermath = watch.aftermath.clone();
        drop(watch);
        let outcome = Arrival::default();
        ticket.register(Waiter { locals, future, onlooker, outcome: outcome.clone() });
        let completion = Completion { ticket, errands, outcome: outcome.clone() };
        // Whatever it results in, what the runtime does with a task is compiled once.
        let work: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
            let result = running.await;
            completion.arrive(Box::new(move |py| match result {
                Ok(value) => value.into_py_any(py),
                Err(error) => Err(to_pyerr(py, error)),
            }));
        });
        let task = runtime.tokio.spawn(work);
        Ok(Handle { task: Some(task.abort_handle()), aftermath, outcome, ..Handle::ended(ticket) })
    });
    let _stretch = Stretch::enter(py);
    let drive = aio(py)?.getattr("drive")?;
    let coroutine = drive.call1((Start(Mutex::new(Some(begin))),))?;
    coroutine.setattr("__qualname__", name)?;
    coroutine.setattr("__name__", name.rsplit('.').next().unwrap_or(name))?;
    Ok(coroutine)
}

/// A coroutine that returns `value` at once.
pub(crate) fn ready<'py>(
    py: Python<'py>,
    value: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let _stretch = Stretch::enter(py);
    aio(py)?.getattr("ready")?.call1((value,))
}

type Begin = Box<dyn FnOnce(Python<'_>, Py<PyAny>) -> PyResult<Handle> + Send>;
type Complete = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// What an operation came to, for its awaiter and for whoever cuts that one off.
#[derive(Clone, Default)]
struct Arrival(Arc<Mutex<Stage>>);

#[derive(Default)]
enum Stage {
    /// It has not ended; or its result is being made.
    #[default]
    Pending,
    /// It has, in Rust.
    Arrived(Complete),
    /// Its result is a Python object.
    Made(PyResult<Py<PyAny>>),
}

impl Arrival {
    fn arrived(&self, complete: Complete) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Stage::Arrived(complete);
    }

    /// The result, if there is one. Nothing is locked while it is made: that may call into Python.
    fn result(&self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        let stage = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = std::mem::take(&mut *stage());
        let result = match taken {
            Stage::Pending => return None,
            Stage::Arrived(complete) => complete(py),
            Stage::Made(result) => result,
        };
        let again = match &result {
            Ok(value) => Ok(value.clone_ref(py)),
            Err(error) => Err(error.clone_ref(py)),
        };
        *stage() = Stage::Made(again);
        Some(result)
    }
}

/// Sends an operation's result to its awaiter when it is dropped, whatever ended the operation.
struct Completion {
    ticket: Ticket,
    errands: Errands,
    outcome: Arrival,
}

impl Completion {
    fn arrive(self, complete: Complete) {
        self.outcome.arrived(complete);
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        let ticket = self.ticket;
        let _ = self.errands.send(Some(Box::new(move |py| ticket.complete(py))));
    }
}

/// Starts an operation: what the coroutine awaits first.
#[pyclass(frozen, module = "revrag._revrag")]
struct Start(Mutex<Option<Begin>>);

#[pymethods]
impl Start {
    fn __call__(&self, py: Python<'_>, future: Py<PyAny>) -> PyResult<Handle> {
        let begin = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match begin {
            Some(begin) => begin(py, future),
            None => Err(PyRuntimeError::new_err("this operation has already been started")),
        }
    }
}

/// Takes an operation back.
#[pyclass(frozen, module = "revrag._revrag")]
struct Handle {
    ticket: Ticket,
    task: Option<AbortHandle>,
    pid: u32,
    aftermath: Arc<Mutex<Option<Aftermath>>>,
    outcome: Arrival,
}

#[pymethods]
impl Handle {
    /// Drops the operation and its request. Does nothing once it has ended.
    fn cancel(&self, py: Python<'_>) {
        drop(self.ticket.take(py));
        // A forked child holds the parent's operations: their tasks are not its own.
        if let Some(task) = self.task.as_ref().filter(|_| self.is_own()) {
            task.abort();
        }
    }

    /// Cancels it on behalf of an awaiter that did not get its result, because of `interrupt`, whose
    /// cause is then what there is to say of it.
    fn cut_off(&self, interrupt: &Bound<'_, PyAny>) {
        let py = interrupt.py();
        let _stretch = Stretch::enter(py);
        self.cancel(py);
        let aftermath = take(&self.aftermath).filter(|_| self.is_own());
        if let Some(aftermath) = aftermath
            && let Some(cause) = aftermath(py, self.outcome.result(py))
        {
            add_cause(py, &PyErr::from_value(interrupt.clone()), cause);
        }
    }
}

impl Handle {
    fn ended(ticket: Ticket) -> Self {
        let pid = std::process::id();
        Self { ticket, task: None, pid, aftermath: Arc::default(), outcome: Arrival::default() }
    }

    fn is_own(&self) -> bool {
        self.pid == std::process::id()
    }
}

/// Python's side of an operation. It stays in [`WAITERS`], so that a runtime worker never holds, and
/// never drops, a Python object.
struct Waiter {
    locals: TaskLocals,
    future: Py<PyAny>,
    onlooker: Onlooker,
    outcome: Arrival,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Ticket(u64);

/// Locked only while attached, and never across a call into Python: so no other thread can hold the
/// lock at the moment of a fork.
static WAITERS: Mutex<Option<HashMap<Ticket, Waiter>>> = Mutex::new(None);

impl Ticket {
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    fn register(self, waiter: Waiter) {
        let mut waiters = WAITERS.lock().unwrap_or_else(PoisonError::into_inner);
        waiters.get_or_insert_default().insert(self, waiter);
    }

    fn take(self, _: Python<'_>) -> Option<Waiter> {
        WAITERS.lock().unwrap_or_else(PoisonError::into_inner).as_mut()?.remove(&self)
    }

    /// Resolves the awaiter's future in its loop. A loop that was closed meanwhile has nobody left
    /// to tell.
    fn complete(self, py: Python<'_>) {
        let Some(Waiter { locals, future, onlooker, outcome }) = self.take(py) else { return };
        let result = outcome.result(py).unwrap_or_else(|| Err(panicked()));
        // The hook is let go first: the awaiter's thread may ask for its owner to be collected while
        // this one is still on its way back.
        drop(onlooker);
        let _ = resolve(py, &locals, future, result);
    }

    fn tell(self, py: Python<'_>, word: Word) {
        let found = {
            let waiters = WAITERS.lock().unwrap_or_else(PoisonError::into_inner);
            let waiter = waiters.as_ref().and_then(|waiters| waiters.get(&self));
            waiter.map(|waiter| (waiter.locals.clone(), waiter.onlooker.clone_ref(py)))
        };
        if let Some((locals, onlooker)) = found {
            let _ = onlooker.callback(py, word).and_then(|callback| match callback {
                Some(callback) => call_soon(py, &locals, (callback,)),
                None => Ok(()),
            });
        }
    }
}

/// What `resolve` in `revrag._aio` takes: a value, or an error that is not None.
fn value_or_error(py: Python<'_>, result: PyResult<Py<PyAny>>) -> (Py<PyAny>, Py<PyAny>) {
    match result {
        Ok(value) => (value, py.None()),
        Err(error) => (py.None(), error.into_value(py).into_any()),
    }
}

fn resolve(
    py: Python<'_>,
    locals: &TaskLocals,
    future: Py<PyAny>,
    result: PyResult<Py<PyAny>>,
) -> PyResult<()> {
    let (value, error) = value_or_error(py, result);
    let resolve = aio(py)?.getattr("resolve")?;
    call_soon(py, locals, (resolve, future, value, error))
}

fn call_soon<'py>(
    py: Python<'py>,
    locals: &TaskLocals,
    args: impl pyo3::call::PyCallArgs<'py>,
) -> PyResult<()> {
    let kwargs = PyDict::new(py);
    kwargs.set_item("context", locals.context(py))?;
    locals.event_loop(py).call_method("call_soon_threadsafe", args, Some(&kwargs))?;
    Ok(())
}

fn aio(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static AIO: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    Ok(AIO.get_or_try_init(py, || process::import(py, "revrag._aio").map(Bound::unbind))?.bind(py))
}
