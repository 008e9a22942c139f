//! One signed delivery for each ended call, and again where it fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::world::Webhook;
use crate::webhook::{CALL_ENDED, Verifier};
use crate::{Error, Result};

/// Waits before the second and later tries.
const WAITS: [Duration; 3] =
    [Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(4)];
const TRY_TIMEOUT: Duration = Duration::from_secs(10);
const AT_A_TIME: usize = 32;

/// How deliveries went so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deliveries {
    /// Answered with a 2xx.
    pub delivered: u64,
    /// Given up after the last try.
    pub failed: u64,
    /// Tries in all.
    pub tries: u64,
}

/// Delivers, and counts.
pub(super) struct Courier {
    http: reqwest::Client,
    slots: Semaphore,
    delivered: AtomicU64,
    failed: AtomicU64,
    tries: AtomicU64,
}

impl Courier {
    pub(super) fn new() -> Result<Arc<Self>> {
        Ok(Arc::new(Self {
            http: client()?,
            slots: Semaphore::new(AT_A_TIME),
            delivered: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            tries: AtomicU64::new(0),
        }))
    }

    pub(super) fn deliveries(&self) -> Deliveries {
        Deliveries {
            delivered: self.delivered.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            tries: self.tries.load(Ordering::Relaxed),
        }
    }

    /// Delivers a `call.ended` with this body.
    pub(super) async fn deliver(self: Arc<Self>, to: Webhook, id: String, body: String) {
        let mut waits = WAITS.into_iter();
        while !self.attempt(&to, &id, &body).await {
            let Some(wait) = waits.next() else {
                self.failed.fetch_add(1, Ordering::Relaxed);
                return;
            };
            tokio::time::sleep(wait).await;
        }
        self.delivered.fetch_add(1, Ordering::Relaxed);
    }

    /// One try: the same id, a fresh timestamp and signature. Its time is the receiver's, not the
    /// sandbox's: a receiver would refuse any other.
    async fn attempt(&self, to: &Webhook, id: &str, body: &str) -> bool {
        let Ok(_slot) = self.slots.acquire().await else { return false };
        self.tries.fetch_add(1, Ordering::Relaxed);
        let now = jiff::Timestamp::now().as_second();
        let minute = Duration::from_mins(1);
        let signed = Verifier::new([to.secret.clone()], minute, minute)
            .and_then(|verifier| verifier.sign(body.as_bytes(), id, CALL_ENDED, now));
        let Ok(headers) = signed else { return false };
        let mut request =
            self.http.post(&to.url).timeout(TRY_TIMEOUT).header("Content-Type", "application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.body(body.to_owned()).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }
}

fn client() -> Result<reqwest::Client> {
    let tls = crate::http::tls_config()?;
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent("RevRag-Sandbox-Webhooks")
        .build()
        .map_err(|error| Error::invalid("webhook_url", error.to_string()))
}
