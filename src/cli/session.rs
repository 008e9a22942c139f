//! The time a command takes: its runtime, and what interrupts it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::failure::{Failure, Kind};

/// How long what writes a file may take to remove it, once it is interrupted.
const TIDYING: Duration = Duration::from_secs(1);

/// What a command runs on.
pub(super) fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

/// Does a piece of work, unless somebody interrupts it; what is left of it then is dropped.
pub(super) fn finish<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = runtime()?;
    let done = runtime.block_on(async { unless(&mut Interruptions::listen()?, work).await? });
    // A thread may wait for a line that nobody types any more.
    runtime.shutdown_background();
    done
}

/// Ends once somebody presses Ctrl-C, or asks the process to end. It listens from now on.
pub(super) fn interruption() -> io::Result<impl Future<Output = ()>> {
    let mut interruptions = Interruptions::listen()?;
    Ok(async move { interruptions.next().await })
}

/// What asks the process to end: each Ctrl-C and, on Unix, each `SIGTERM`, from when it listens.
pub(super) struct Interruptions {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 2],
    #[cfg(windows)]
    signals: tokio::signal::windows::CtrlC,
}

#[cfg(unix)]
impl Interruptions {
    /// Listens from now on.
    pub(super) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { signals: [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?] })
    }

    /// Ends with the next that nobody has heard of; none is lost in between.
    pub(super) async fn next(&mut self) {
        let [interrupt, terminate] = &mut self.signals;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
impl Interruptions {
    /// Listens from now on.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { signals: tokio::signal::windows::ctrl_c()? })
    }

    /// Ends with the next that nobody has heard of; none is lost in between.
    pub(super) async fn next(&mut self) {
        self.signals.recv().await;
    }
}

/// A piece of work, unless somebody interrupts it.
pub(super) async fn unless<T>(
    stop: &mut Interruptions,
    work: impl Future<Output = T>,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        () = stop.next() => Err(Failure::Interrupted),
        done = work => Ok(done),
    }
}

/// A piece of work that blocks, on a thread of its own, unless somebody interrupts it. It is told so then, and
/// has a moment to tidy up.
pub(super) async fn aside<T: Send + 'static>(
    stop: &mut Interruptions,
    work: impl FnOnce(&AtomicBool) -> T + Send + 'static,
) -> Result<T, Failure> {
    let is_stopped = Arc::new(AtomicBool::new(false));
    let told = is_stopped.clone();
    let mut running = tokio::task::spawn_blocking(move || work(&told));
    match unless(stop, &mut running).await {
        Ok(done) => done.map_err(|error| Failure::Told(Kind::Partly, error.to_string())),
        Err(interrupted) => {
            is_stopped.store(true, Ordering::Release);
            let _ = tokio::time::timeout(TIDYING, running).await;
            Err(interrupted)
        }
    }
}
