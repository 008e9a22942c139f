//! A sandbox on a thread of its own.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::config::Config;
use super::routes::{self, Shared};
use super::runner::Runner;
use super::state::CampaignState;
use super::webhooks::{Courier, Deliveries, event_id};
use crate::model::{Document, Timestamp};
use crate::{Error, Result};

/// How long a stopping sandbox waits for its thread.
const STOP_WITHIN: Duration = Duration::from_millis(500);

/// The service in miniature, listening on a loopback port until it is stopped or dropped.
pub struct Sandbox {
    config: Config,
    address: SocketAddr,
    shared: Arc<Shared>,
    courier: Option<Arc<Courier>>,
    running: Mutex<Option<Running>>,
    pid: u32,
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

/// The campaign, shared by the requests and the loop that runs it.
pub(super) struct Campaign {
    runner: Mutex<Runner>,
    changed: Notify,
}

impl Campaign {
    pub(super) fn lock(&self) -> MutexGuard<'_, Runner> {
        self.runner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the loop that something may be due earlier than it thinks.
    pub(super) fn wake(&self) {
        self.changed.notify_one();
    }
}

/// The moment it is.
pub(super) fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now())
}

impl Sandbox {
    /// Starts a sandbox. It listens when this returns.
    pub fn start(config: Config) -> Result<Self> {
        config.check()?;
        let state = CampaignState::new(config.campaign_id, config.campaign_status.clone());
        let runner = Runner::new(state, config.rules.clone(), config.seed, now());
        let campaign = Campaign { runner: Mutex::new(runner), changed: Notify::new() };
        let shared = Arc::new(Shared {
            api_key: config.api_key.clone(),
            campaign,
            requests: AtomicU64::new(0),
        });
        let courier = Courier::new(&config)?;
        let refuse = |error: std::io::Error| {
            Error::invalid("port", format!("can't listen on 127.0.0.1:{}: {error}", config.port))
        };
        let listener =
            std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, config.port)).map_err(refuse)?;
        listener.set_nonblocking(true).map_err(refuse)?;
        let address = listener.local_addr().map_err(refuse)?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(refuse)?;
        let (stop, stopping) = oneshot::channel();
        let (done, stopped) = std::sync::mpsc::sync_channel(1);
        let task = {
            let (shared, courier, seed) = (shared.clone(), courier.clone(), config.seed);
            async move {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                let service = routes::router(shared.clone());
                tokio::select! {
                    _ = stopping => {}
                    () = run(&shared.campaign, courier, seed) => {}
                    _ = axum::serve(listener, service).into_future() => {}
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
        Ok(Self { config, address, shared, courier, running, pid: std::process::id() })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it was told.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The campaign's id.
    pub fn campaign_id(&self) -> Uuid {
        self.config.campaign_id
    }

    /// Sets the campaign's status, as its dashboard would.
    pub fn set_campaign_status(&self, status: &str) {
        status.clone_into(&mut self.shared.campaign.lock().state.status);
        self.shared.campaign.wake();
    }

    /// How many requests were answered.
    pub fn request_count(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// How webhook deliveries went so far.
    pub fn deliveries(&self) -> Deliveries {
        self.courier.as_ref().map(|courier| courier.deliveries()).unwrap_or_default()
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
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Runs the campaign in real time, and sends a webhook for each call that ends.
async fn run(campaign: &Campaign, courier: Option<Arc<Courier>>, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed.wrapping_add(1));
    let mut deliveries = JoinSet::new();
    loop {
        let (bodies, due) = {
            let mut runner = campaign.lock();
            let ended = runner.advance(now());
            let show = |call: usize| Document::of(runner.state.show_call(call));
            let bodies: Vec<_> = match courier {
                Some(_) => ended.into_iter().filter_map(|call| show(call).ok()).collect(),
                None => Vec::new(),
            };
            (bodies, runner.next_due())
        };
        if let Some(courier) = &courier {
            for body in bodies {
                let id = event_id(&mut random);
                deliveries.spawn(
                    courier.clone().deliver(id, String::from_utf8_lossy(body.json()).into_owned()),
                );
            }
        }
        while deliveries.try_join_next().is_some() {}
        let wait = due.map(|due| due.0.duration_since(now().0));
        let wait = wait.map(|wait| Duration::try_from(wait).unwrap_or_default());
        tokio::select! {
            () = campaign.changed.notified() => {}
            () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
        }
    }
}
