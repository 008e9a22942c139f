//! A sandbox on a thread of its own.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::command::Command;
use super::config::Config;
use super::control;
use super::courier::{self, Counts};
use super::deliveries::{self, Deliveries};
use super::door::{self, Door};
use super::engine::{Aim, Engine, Target};
use super::fault::Fault;
use super::openapi;
use super::plan::Ordered;
use super::recording::Links;
use super::requests::{self, Requests};
use super::routes::{self, Shared};
use super::time::Time;
use super::webhooks::{self, Tally};
use revrag::{Error, Result};

/// How often a wait for time by hand looks.
const TICK: Duration = Duration::from_millis(2);
/// How long a stopping sandbox waits for its thread.
const STOP_WITHIN: Duration = Duration::from_millis(500);

/// The service in miniature, listening on a loopback port until it is stopped or dropped.
pub struct Sandbox {
    config: Config,
    address: SocketAddr,
    shared: Arc<Shared>,
    running: Mutex<Option<Running>>,
    pid: u32,
}

/// Leaves time by hand where it has come to. Where it is there already, that changes nothing.
struct Halt(Arc<Shared>, Aim);

impl Drop for Halt {
    fn drop(&mut self) {
        self.0.engine.halt(self.1);
    }
}

struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
    stopped: std::sync::mpsc::Receiver<()>,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Starts a sandbox. It listens when this returns.
    pub fn start(config: Config) -> Result<Self> {
        config.check()?;
        let http = webhooks::client()?;
        let refuse = |error: std::io::Error| {
            Error::invalid("port", format!("can't listen on 127.0.0.1:{}: {error}", config.port))
        };
        let listener =
            std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, config.port)).map_err(refuse)?;
        listener.set_nonblocking(true).map_err(refuse)?;
        let address = listener.local_addr().map_err(refuse)?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(refuse)?;
        let engine = Engine::open(&config)?;
        let seed = engine.lock().world().seed();
        let shared = Arc::new(Shared {
            engine,
            links: Links::new(format!("http://{address}"), seed),
            count: AtomicU64::new(0),
            counts: Counts::default(),
            requests: requests::log(),
            deliveries: deliveries::log(),
            door: Door::new(),
            patience: config.patience,
            allow_remote_webhooks: config.allow_remote_webhooks,
        });
        for fault in config.beside.faults.iter().filter(|fault| fault.is_at_once()) {
            shared.order_fault(fault.clone())?;
        }
        let (stop, stopping) = oneshot::channel();
        let (done, stopped) = std::sync::mpsc::sync_channel(1);
        let task = {
            let shared = shared.clone();
            async move {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                let router = routes::router(shared.clone())
                    .merge(control::router(shared.clone()))
                    .merge(openapi::router());
                let patience = shared.patience;
                tokio::select! {
                    _ = stopping => {}
                    () = courier::run(&shared, http) => {}
                    () = door::serve(listener, address, &shared.door, router, patience) => {}
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("revrag-sandbox".to_owned())
            .spawn(move || {
                runtime.block_on(task);
                // Open connections and deliveries end here, with the runtime.
                drop(runtime);
                let _ = done.send(());
            })
            .map_err(refuse)?;
        let running = Mutex::new(Some(Running { stop, thread, stopped }));
        Ok(Self { config, address, shared, running, pid: std::process::id() })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it was told.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The world under way: to look at, to order things of, to move its time.
    pub fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    /// Moves time by hand; what time it is when it is there, or none where that takes longer than
    /// `most`. Dropped before, it leaves time where it has come to.
    pub fn go(
        &self,
        target: Target,
        most: Option<Duration>,
    ) -> Result<impl Future<Output = Option<Time>> + Send + 'static> {
        let aim = self.shared.engine.aim(target)?;
        let halt = Halt(self.shared.clone(), aim);
        Ok(async move {
            let begun = Instant::now();
            let engine = &halt.0.engine;
            while !engine.wait(Duration::ZERO) {
                if most.is_some_and(|most| begun.elapsed() >= most) {
                    return None;
                }
                tokio::time::sleep(TICK).await;
            }
            let now = engine.lock().now();
            Some(now)
        })
    }

    /// What keeps time by hand from being where every webhook is delivered, told when it is asked.
    pub fn why_late(&self) -> impl FnOnce() -> String + Send + 'static {
        let shared = self.shared.clone();
        move || {
            let left = shared.engine.lock().world().untold();
            let last = shared.deliveries.lock().iter().next().map(|it| match it.status {
                Some(status) => format!("; of the last attempt: the endpoint answered {status}"),
                None => format!("; of the last attempt: {}", it.problem.as_deref().unwrap_or("")),
            });
            format!("{left} webhooks are still to be delivered{}", last.unwrap_or_default())
        }
    }

    /// The first campaign's id.
    pub fn campaign_id(&self) -> Uuid {
        let held = self.shared.engine.lock();
        held.world().campaigns().first().map_or(self.config.campaign_id, |first| first.id)
    }

    /// Sets the first campaign's status, as its dashboard would.
    pub fn set_campaign_status(&self, status: &str) -> Result<()> {
        let status = status.to_owned();
        self.shared.engine.order(Command::SetStatus { campaign: 0, status }).map(drop)
    }

    /// How many requests were answered.
    pub fn request_count(&self) -> u64 {
        self.shared.count.load(Ordering::Relaxed)
    }

    /// The last requests.
    pub fn requests(&self) -> &Requests {
        &self.shared.requests
    }

    /// The last attempts to deliver webhooks.
    pub fn deliveries(&self) -> &Deliveries {
        &self.shared.deliveries
    }

    /// How webhook deliveries went so far.
    pub fn tally(&self) -> Tally {
        self.shared.counts.tally()
    }

    /// Delivers an event once more, as long as the log knows it.
    pub fn resend(&self, event_id: &str) -> Result<()> {
        self.shared.resend(event_id)
    }

    /// Has something go wrong; the fault's number, or 0 where it is over as soon as it is ordered.
    pub fn fault(&self, fault: Fault) -> Result<u64> {
        let number = self.shared.order_fault(fault)?;
        self.shared.door.settle();
        Ok(number)
    }

    /// The faults that may still strike.
    pub fn faults(&self) -> Vec<Ordered> {
        self.shared.faults()
    }

    /// Takes away one fault, or all.
    pub fn clear_faults(&self, id: Option<u64>) -> Result<()> {
        self.shared.clear_faults(id)?;
        self.shared.door.settle();
        Ok(())
    }

    /// Begins anew, as it was started: with what its configuration says and nothing else, and with
    /// empty logs.
    pub fn reset(&self) -> Result<()> {
        self.shared.reset()?;
        self.shared.door.settle();
        Ok(())
    }

    /// Stops it: connections and deliveries under way are cut off. Does nothing the second time.
    pub fn stop(&self) {
        // A forked child has the handle, and not the thread.
        if self.pid != std::process::id() {
            return;
        }
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Running { stop, thread, stopped }) = running {
            let _ = stop.send(());
            if stopped.recv_timeout(STOP_WITHIN).is_ok() {
                let _ = thread.join();
            }
            self.shared.engine.stop();
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop();
    }
}
