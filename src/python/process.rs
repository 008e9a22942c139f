//! What belongs to one process: the tokio runtime, and the one thread that talks to event loops.

use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::http::PerProcess;

/// Something to do while attached to the interpreter.
pub(super) type Errand = Box<dyn FnOnce(Python<'_>) + Send>;

/// Where errands are sent. One that can't be sent is dropped: the interpreter is on its way out.
pub(super) type Errands = Sender<Option<Errand>>;

/// The runtime, made on first use and again in a forked child.
pub(super) struct Runtime {
    pub(super) tokio: tokio::runtime::Runtime,
    courier: Mutex<Option<Courier>>,
}

/// The thread that runs errands, many at a time under one attachment.
struct Courier {
    /// None ends it.
    errands: Errands,
    thread: JoinHandle<()>,
}

static RUNTIME: PerProcess<Runtime> = PerProcess::new();

/// This process's runtime. Called attached only, so that no two threads make one at a time.
pub(super) fn runtime(_: Python<'_>) -> PyResult<Arc<Runtime>> {
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
        let courier = Mutex::new(Some(Courier::start().map_err(refuse)?));
        Ok(Self { tokio, courier })
    }

    /// A sender to the courier, or none once the interpreter is on its way out.
    ///
    /// Runtime workers send errands instead of attaching themselves: a worker that waits for the
    /// interpreter would hold up every request.
    pub(super) fn errands(&self) -> Option<Errands> {
        let courier = self.courier.lock().unwrap_or_else(PoisonError::into_inner);
        courier.as_ref().map(|courier| courier.errands.clone())
    }
}

impl Courier {
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
        let thread = std::thread::Builder::new().name("revrag-courier".to_owned()).spawn(work)?;
        Ok(Self { errands, thread })
    }
}

/// Ends the courier before the interpreter does; registered with `atexit`.
#[pyfunction]
pub(super) fn stop_courier(py: Python<'_>) {
    let Some(runtime) = RUNTIME.get() else { return };
    let courier = runtime.courier.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(Courier { errands, thread }) = courier {
        let _ = errands.send(None);
        py.detach(|| thread.join().ok());
    }
}
