//! A sandbox on a thread of its own.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::command::Command;
use super::config::Config;
use super::engine::{Engine, Held};
use super::recording::Links;
use super::routes::{self, Shared};
use super::show;
use super::webhooks::{Courier, Deliveries};
use super::world::Webhook;
use crate::{Error, Result};

/// How long a stopping sandbox waits for its thread.
const STOP_WITHIN: Duration = Duration::from_millis(500);
/// Deliveries at once, those included that wait for their next try.
const UNDER_WAY: usize = 1024;

/// The service in miniature, listening on a loopback port until it is stopped or dropped.
pub struct Sandbox {
    config: Config,
    address: SocketAddr,
    shared: Arc<Shared>,
    courier: Arc<Courier>,
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

impl Sandbox {
    /// Starts a sandbox. It listens when this returns.
    pub fn start(config: Config) -> Result<Self> {
        config.check()?;
        let courier = Courier::new()?;
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
            requests: AtomicU64::new(0),
        });
        let (stop, stopping) = oneshot::channel();
        let (done, stopped) = std::sync::mpsc::sync_channel(1);
        let task = {
            let (shared, courier) = (shared.clone(), courier.clone());
            async move {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                let service = routes::router(shared.clone());
                tokio::select! {
                    _ = stopping => {}
                    () = run(&shared, courier) => {}
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

    /// The world under way: to look at, to order things of, to move its time.
    pub fn engine(&self) -> &Engine {
        &self.shared.engine
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
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// How webhook deliveries went so far.
    pub fn deliveries(&self) -> Deliveries {
        self.courier.deliveries()
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

/// Runs the world as its time passes, and tells of each call that ends.
async fn run(shared: &Shared, courier: Arc<Courier>) {
    let engine = &shared.engine;
    let mut deliveries = JoinSet::new();
    let (mut epoch, mut told) = (engine.lock().epoch(), 0);
    loop {
        let slice = engine.slice();
        {
            let held = engine.lock();
            if held.epoch() != epoch {
                // What another world wanted told is told no more.
                deliveries.abort_all();
                (epoch, told) = (held.epoch(), 0);
            }
            while deliveries.len() < UNDER_WAY
                && let Some((event, letter)) = next_letter(&held, &shared.links, told)
            {
                told = event;
                let Some((to, id, body)) = letter else { continue };
                let courier = courier.clone();
                deliveries.spawn(async move {
                    courier.deliver(to, id, body).await;
                    (epoch, event)
                });
            }
        }
        let mut done = deliveries.try_join_next();
        if done.is_none() && !slice.done {
            tokio::task::yield_now().await;
            continue;
        }
        if done.is_none() {
            tokio::select! {
                () = engine.changed.notified() => {}
                Some(joined) = deliveries.join_next() => done = Some(joined),
                () = tokio::time::sleep(slice.sleep.unwrap_or_default()), if slice.sleep.is_some() => {}
            }
        }
        if let Some(Ok((of, event))) = done
            && of == epoch
        {
            // Not written down, it is told again after the next start: at least once.
            let _ = engine.order(Command::Told { event });
        }
    }
}

/// The next event to tell of after `told`: to whom, under which id, and what.
#[allow(clippy::type_complexity, reason = "it is taken apart at once")]
fn next_letter(
    held: &Held,
    links: &Links,
    told: u64,
) -> Option<(u64, Option<(Webhook, String, String)>)> {
    let world = held.world();
    let (event, call) = world.outbox().range(told + 1..).next()?;
    let call = *call as usize;
    let campaign = world.calls()[call].campaign as usize;
    let webhook = world.workspaces()[world.campaigns()[campaign].workspace].webhook.clone();
    let body = serde_json::to_string(&show::call(world, call, links, held.now())).ok();
    let letter = webhook.zip(body).map(|(to, body)| (to, world.event_id(call), body));
    Some((*event, letter))
}
