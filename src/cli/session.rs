//! The time a command takes: its runtime, and what interrupts it.

use std::io;

use tokio::runtime::{Builder, Runtime};

use super::failure::Failure;

/// What a command runs on.
pub(super) fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

/// Does a piece of work, unless somebody interrupts it; what is left of it then is dropped.
pub(super) fn finish<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        let interrupted = interruption()?;
        tokio::select! {
            biased;
            () = interrupted => Err(Failure::Interrupted),
            done = work => done,
        }
    });
    // A thread may wait for a line that nobody types any more.
    runtime.shutdown_background();
    done
}

/// Ends once somebody presses Ctrl-C, or asks the process to end. It listens from now on.
#[cfg(unix)]
pub(super) fn interruption() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ends once somebody presses Ctrl-C.
#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "the same signature on every platform")]
pub(super) fn interruption() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
