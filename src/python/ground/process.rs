//! What belongs to one process: the tokio runtime, and the one thread that talks to event loops.

use std::cell::Cell;
use std::convert::Infallible;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use revrag::http::PerProcess;

/// Something to do while attached to the interpreter.
pub(crate) type Errand = Box<dyn FnOnce(Python<'_>) + Send>;

/// Where errands are sent. One that can't be sent is dropped: the interpreter is on its way out.
pub(crate) type Errands = Sender<Option<Errand>>;

/// The runtime, made on first use and again in a forked child.
pub(crate) struct Runtime {
    pub(crate) tokio: tokio::runtime::Runtime,
    messenger: Mutex<Option<Messenger>>,
}

/// The thread that runs errands, many at a time under one attachment.
struct Messenger {
    /// None ends it.
    errands: Errands,
    thread: JoinHandle<()>,
}

static RUNTIME: PerProcess<Runtime> = PerProcess::new();

/// This process's runtime. Called attached only, so that no two threads make one at a time.
pub(crate) fn runtime(_: Python<'_>) -> PyResult<Arc<Runtime>> {
    RUNTIME.get_or_try_init(Runtime::new)
}

impl Runtime {
    fn new() -> PyResult<Self> {
        let refuse = |error: std::io::Error| {
            PyRuntimeError::new_err(format!("revrag could not start its threads: {error}"))
        };
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(4);
        let tokio = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            .thread_name("revrag-worker")
            .enable_all()
            .build()
            .map_err(refuse)?;
        let messenger = Mutex::new(Some(Messenger::start().map_err(refuse)?));
        Ok(Self { tokio, messenger })
    }

    /// A sender to the messenger, or none once the interpreter is on its way out.
    ///
    /// Runtime workers send errands instead of attaching themselves: a worker that waits for the
    /// interpreter would hold up every request.
    pub(crate) fn errands(&self) -> Option<Errands> {
        let messenger = self.messenger.lock().unwrap_or_else(PoisonError::into_inner);
        messenger.as_ref().map(|messenger| messenger.errands.clone())
    }
}

impl Messenger {
    fn start() -> std::io::Result<Self> {
        let (errands, received) = mpsc::channel::<Option<Errand>>();
        let work = move || {
            while let Ok(Some(first)) = received.recv() {
                let attached = Python::try_attach(|py| {
                    first(py);
                    for errand in received.try_iter().take(256) {
                        match errand {
                            Some(errand) => errand(py),
                            None => return false,
                        }
                    }
                    true
                });
                if attached != Some(true) {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("revrag-messenger".to_owned()).spawn(work)?;
        Ok(Self { errands, thread })
    }
}

/// A stretch of work that may call into Python.
///
/// Before 3.14, Python ends a daemon thread that asks for the interpreter after its end by unwinding the
/// thread's stack, which aborts the process where the stack has frames of Rust. So no thread may be
/// in such a stretch at that moment. One within another is a part of it.
pub(crate) struct Stretch(Option<Arc<Stretches>>, StaysInThread);

type StaysInThread = PhantomData<*const ()>;

thread_local! {
    /// How many stretches this thread is in, and how many parts of them that are lent.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    static LENT: Cell<usize> = const { Cell::new(0) };
}

/// The stretches of a process, and how many of them are in code that may wait for anything.
#[derive(Default)]
struct Stretches {
    all: AtomicUsize,
    lent: AtomicUsize,
}

static STRETCHES: PerProcess<Stretches> = PerProcess::new();

fn stretches() -> Arc<Stretches> {
    let Ok(stretches) = STRETCHES.get_or_try_init(|| Ok::<_, Infallible>(Stretches::default()));
    stretches
}

impl Stretch {
    pub(crate) fn enter(py: Python<'_>) -> Self {
        if DEPTH.replace(DEPTH.get() + 1) > 0 {
            return Self(None, PhantomData);
        }
        if LEAVING.get().is_some_and(|leaving| *leaving != std::thread::current().id()) {
            // A daemon thread, about to be ended. Not held for good: an exit handler may join it.
            py.detach(|| std::thread::sleep(Duration::from_secs(2)));
        }
        let stretches = stretches();
        stretches.all.fetch_add(1, Ordering::AcqRel);
        Self(Some(stretches), PhantomData)
    }
}

impl Drop for Stretch {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
        if let Some(stretches) = &self.0 {
            stretches.all.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// A part of a stretch that is the caller's code, of which nobody knows when it comes back.
pub(crate) struct Lent(Option<Arc<Stretches>>, StaysInThread);

impl Lent {
    pub(crate) fn enter(_: Python<'_>) -> Self {
        let is_first = LENT.replace(LENT.get() + 1) == 0;
        let stretches = (is_first && DEPTH.get() > 0).then(stretches);
        if let Some(stretches) = &stretches {
            stretches.lent.fetch_add(1, Ordering::AcqRel);
        }
        Self(stretches, PhantomData)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        LENT.set(LENT.get() - 1);
        if let Some(stretches) = &self.0 {
            stretches.lent.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// A module of this package's, which may be imported for the first time.
pub(crate) fn import<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyModule>> {
    let _stretch = Stretch::enter(py);
    py.import(name)
}

/// The thread that ends the interpreter, once it has begun to.
static LEAVING: OnceLock<ThreadId> = OnceLock::new();

/// Makes an end of the messenger, and of what other threads do in Python, before the interpreter ends.
/// Registered with `atexit` at import, so that it comes after nearly every other handler.
#[pyfunction]
pub(crate) fn leave(py: Python<'_>) {
    const PATIENCE: Duration = Duration::from_secs(10);
    const PATIENCE_WITH_OTHERS: Duration = Duration::from_secs(1);
    let _ = LEAVING.set(std::thread::current().id());
    let messenger = RUNTIME.get().and_then(|runtime| {
        runtime.messenger.lock().unwrap_or_else(PoisonError::into_inner).take()
    });
    py.detach(|| {
        if let Some(Messenger { errands, thread }) = messenger {
            let _ = errands.send(None);
            let _ = thread.join();
        }
        let (begun, stretches) = (Instant::now(), stretches());
        loop {
            let all = stretches.all.load(Ordering::Acquire);
            let only_lent = stretches.lent.load(Ordering::Acquire) >= all;
            let patience = if only_lent { PATIENCE_WITH_OTHERS } else { PATIENCE };
            if all == 0 || begun.elapsed() >= patience {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    });
}
