//! The calls of many records, side by side.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::client::Client;
use crate::model::{Call, Document};
use crate::{Error, Result};

/// What calls are wanted of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All calls of a record.
    Run(Uuid),
    /// One call.
    Call(Uuid),
}

/// How many requests may be under way at a time, and how soon after each other they may begin.
#[derive(Debug, Clone)]
pub struct Pace {
    room: Arc<Semaphore>,
    apart: Duration,
    next: Arc<Mutex<Option<Instant>>>,
}

impl Pace {
    /// At most `concurrency` at a time, each `apart` from the one before.
    pub fn new(concurrency: usize, apart: Duration) -> Self {
        Self { room: Arc::new(Semaphore::new(concurrency)), apart, next: Arc::default() }
    }

    async fn turn(&self) {
        if self.apart.is_zero() {
            return;
        }
        let at = {
            let mut next = self.next.lock().await;
            let at = next.map_or_else(Instant::now, |next| next.max(Instant::now()));
            *next = Some(at + self.apart);
            at
        };
        tokio::time::sleep_until(at.into()).await;
    }
}

/// Calls in the order in which they were asked for.
#[derive(Debug, Default)]
pub struct Fetched {
    /// The calls.
    pub calls: Vec<Document<Call>>,
    /// The ids, of calls or runs, that the service does not know.
    pub missing: Vec<String>,
}

impl Client {
    /// The calls of all that is wanted. One that is not there is told, and ends nothing; any other
    /// error ends it.
    pub async fn calls(&self, campaign: Uuid, wanted: &[Wanted], pace: &Pace) -> Result<Fetched> {
        let mut tasks = JoinSet::new();
        for (at, wanted) in wanted.iter().copied().enumerate() {
            let (client, pace) = (self.clone(), pace.clone());
            tasks.spawn(async move { (at, client.calls_of(campaign, wanted, &pace).await) });
        }
        let mut found: Vec<Option<Fetched>> = wanted.iter().map(|_| None).collect();
        while let Some(ended) = tasks.join_next().await {
            let (at, fetched) = ended.map_err(|failed| match failed.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(failed) => Error::Connection { sent: true, cause: failed.to_string() },
            })?;
            if let Some(place) = found.get_mut(at) {
                *place = Some(fetched?);
            }
        }
        let mut all = Fetched::default();
        for fetched in found.into_iter().flatten() {
            all.calls.extend(fetched.calls);
            all.missing.extend(fetched.missing);
        }
        Ok(all)
    }

    async fn calls_of(&self, campaign: Uuid, wanted: Wanted, pace: &Pace) -> Result<Fetched> {
        let mut fetched = Fetched::default();
        // Nobody closes it.
        let Ok(_room) = pace.room.acquire().await else { return Ok(fetched) };
        let calls = match wanted {
            Wanted::Call(call) => vec![call],
            Wanted::Run(run) => {
                pace.turn().await;
                let Some(record) = there(self.record(campaign, run).await)? else {
                    fetched.missing.push(run.to_string());
                    return Ok(fetched);
                };
                let ids = record.call_history.iter().filter_map(|attempt| attempt.call_id.clone());
                ids.filter_map(|id| {
                    let call = Uuid::try_parse(&id).ok();
                    if call.is_none() {
                        fetched.missing.push(id);
                    }
                    call
                })
                .collect()
            }
        };
        for call in calls {
            pace.turn().await;
            match there(self.call(call).await)? {
                Some(call) => fetched.calls.push(call),
                None => fetched.missing.push(call.to_string()),
            }
        }
        Ok(fetched)
    }
}

/// None for what the service does not know.
fn there<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(Error::Status(error)) if error.status == 404 => Ok(None),
        Err(error) => Err(error),
    }
}
