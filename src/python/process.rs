//! What belongs to one process: the tokio runtime, and the one thread that talks to event loops.

use std::sync::Arc;
use std::sync::mpsc::{self, Sender};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::http::PerProcess;

/// Something to do while attached to the interpreter.
pub(super) type Errand = Box<dyn FnOnce(Python<'_>) + Send>;

/// The runtime, made on first use and again in a forked child.
pub(super) struct Runtime {
    pub(super) tokio: tokio::runtime::Runtime,
    courier: Sender<Option<Errand>>,
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
        Ok(Self { tokio, courier: start_courier().map_err(refuse)? })
    }

    /// Hands `errand` to the courier. Runtime workers call this instead of attaching themselves: a
    /// worker that waits for the interpreter would hold up every request.
    pub(super) fn send(&self, errand: Errand) {
        // The courier is gone only when the interpreter is.
        let _ = self.courier.send(Some(errand));
    }
}

/// The thread that runs errands, many at a time under one attachment.
fn start_courier() -> std::io::Result<Sender<Option<Errand>>> {
    let (sender, errands) = mpsc::channel::<Option<Errand>>();
    std::thread::Builder::new().name("revrag-courier".to_owned()).spawn(move || {
        while let Ok(Some(first)) = errands.recv() {
            let attached = Python::try_attach(|py| {
                first(py);
                for errand in errands.try_iter().take(256) {
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
    })?;
    Ok(sender)
}

/// Ends the courier before the interpreter does; registered with `atexit`.
#[pyfunction]
pub(super) fn stop_courier() {
    if let Some(runtime) = RUNTIME.get() {
        let _ = runtime.courier.send(None);
    }
}
