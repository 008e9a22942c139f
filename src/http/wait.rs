//! Following records to their end.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::client::{Client, failure_of};
use super::endpoints::{MAX_PAGE_SIZE, RecordsQuery};
use super::retry::{Decision, Kind, Policy};
use crate::model::{Document, Record, RecordPage, Whole};
use crate::{Error, Result};

/// The shortest time between two polls, whatever was asked for.
const FLOOR: Duration = Duration::from_millis(50);
/// For how long the service may be away where nobody set a timeout.
const AWAY: Duration = Duration::from_mins(10);
/// How many pages more than twice as many as it says a listing may show.
const SLACK: u64 = 5;

impl Client {
    /// Polls a record every `interval` until it is final.
    ///
    /// A poll that fails in a way in which a GET would be sent again tells nothing: the next one may.
    /// Past `timeout` this is [`Error::WaitTimeout`] with the record as it was last seen; a poll
    /// that is out by then is dropped. The record is asked for at least once.
    pub async fn wait(
        &self,
        campaign: Uuid,
        run: Uuid,
        timeout: Option<Duration>,
        interval: Duration,
    ) -> Result<Document<Record>> {
        let mut patience = Patience::new(self, timeout, interval);
        let mut last = None;
        loop {
            match patience.poll(self.record(campaign, run)).await? {
                Some(record) if record.is_final() => return Ok(record),
                Some(record) => last = Some(record),
                None => {}
            }
            if !patience.rest().await? {
                return Err(patience.timed_out(last.clone(), vec![last]));
            }
        }
    }

    /// Polls many records until all are final; they come in the order of `runs`.
    ///
    /// A round is one reading of the listing, or a request for each record where those are fewer than
    /// the listing has pages.
    pub async fn wait_all(
        &self,
        campaign: Uuid,
        runs: &[Uuid],
        timeout: Option<Duration>,
        interval: Duration,
    ) -> Result<Vec<Document<Record>>> {
        let mut patience = Patience::new(self, timeout, interval);
        let mut seen = HashMap::new();
        let mut waiting = runs.to_vec();
        waiting.sort_unstable();
        waiting.dedup();
        loop {
            if !waiting.is_empty() {
                patience.poll(self.look(campaign, &waiting, &mut seen)).await?;
                waiting.retain(|run| !seen.get(run).is_some_and(Document::is_final));
            }
            if waiting.is_empty() {
                return Ok(runs.iter().filter_map(|run| seen.get(run).cloned()).collect());
            }
            if !patience.rest().await? {
                let records = runs.iter().map(|run| seen.get(run).cloned()).collect();
                return Err(patience.timed_out(None, records));
            }
        }
    }

    /// One round: what there is to be seen of `runs`. What was seen stays where it is cut off.
    async fn look(
        &self,
        campaign: Uuid,
        runs: &[Uuid],
        seen: &mut HashMap<Uuid, Document<Record>>,
    ) -> Result<()> {
        let mut missing = runs.to_vec();
        let mut query = RecordsQuery { status: None, page: 1, page_size: MAX_PAGE_SIZE };
        while missing.len() > 1 {
            let page = self.records_page(campaign, &query).await?;
            if query.page == 1 && pages_of(&page) > missing.len() as u64 {
                break;
            }
            for record in page.items.iter() {
                if let Some(run) = id_of(record)
                    && let Ok(at) = missing.binary_search(&run)
                {
                    missing.remove(at);
                    seen.insert(run, record.clone());
                }
            }
            // A listing that grows while it is read may have more, but has an end.
            let is_endless = query.page > 2 * pages_of(&page) + SLACK;
            let has_records = !page.items.is_empty() || !page.items.left_out().is_empty();
            if page.has_more == Some(false) || !has_records || is_endless {
                break;
            }
            query.page += 1;
        }
        // A listing may shift while it is read, and only the record itself says that it isn't there.
        for run in missing {
            seen.insert(run, self.record(campaign, run).await?);
        }
        Ok(())
    }
}

fn id_of(record: &Record) -> Option<Uuid> {
    Uuid::try_parse(record.id.as_deref()?).ok()
}

/// How many pages the listing has, as far as it says so.
fn pages_of(page: &RecordPage) -> u64 {
    let total = page.total.as_ref().and_then(Whole::as_u64).unwrap_or(0);
    total.div_ceil(MAX_PAGE_SIZE.into())
}

/// How long is waited, and what came in the way.
pub(super) struct Patience {
    client: Client,
    started: Instant,
    /// Since when there was no answer.
    away_since: Instant,
    timeout: Option<Duration>,
    interval: Duration,
    failure: Option<Error>,
}

impl Patience {
    pub(super) fn new(client: &Client, timeout: Option<Duration>, interval: Duration) -> Self {
        let started = client.world().now();
        let interval = interval.max(FLOOR);
        let client = client.clone();
        Self { client, started, away_since: started, timeout, interval, failure: None }
    }

    fn since(&self, then: Instant) -> Duration {
        self.client.world().now().saturating_duration_since(then)
    }

    /// The time there is yet.
    fn rest_of_time(&self) -> Option<Duration> {
        self.timeout.map(|bound| bound.saturating_sub(self.since(self.started)))
    }

    /// Asks once; none where no answer came that says anything.
    pub(super) async fn poll<T>(
        &mut self,
        question: impl Future<Output = Result<T>>,
    ) -> Result<Option<T>> {
        let answer = match self.rest_of_time() {
            // A timeout of 0 asks once.
            Some(rest) if self.timeout != Some(Duration::ZERO) => {
                tokio::time::timeout(rest, question).await.ok()
            }
            _ => Some(question.await),
        };
        match answer {
            None => Ok(None),
            Some(Ok(answer)) => {
                self.failure = None;
                self.away_since = self.client.world().now();
                Ok(Some(answer))
            }
            Some(Err(error)) if passes(&error) => {
                self.failure = Some(error);
                Ok(None)
            }
            Some(Err(error)) => Err(error),
        }
    }

    /// Waits for the next poll; false once the time is over.
    pub(super) async fn rest(&mut self) -> Result<bool> {
        let asked = match &self.failure {
            Some(Error::Status(error)) => error.retry_after,
            _ => None,
        };
        let longest = Policy::new(0).retry_after_cap;
        let pause = self.interval.max(asked.unwrap_or_default().min(longest));
        match self.rest_of_time() {
            Some(rest) if rest <= pause => {
                tokio::time::sleep(rest).await;
                Ok(false)
            }
            None if self.since(self.away_since) > AWAY => self.failure.take().map_or(Ok(true), Err),
            _ => {
                tokio::time::sleep(pause).await;
                Ok(true)
            }
        }
    }

    /// How long was waited, and why the last poll had no answer.
    pub(super) fn give_up(&mut self) -> (Duration, Option<Box<Error>>) {
        (self.since(self.started), self.failure.take().map(Box::new))
    }

    fn timed_out(
        mut self,
        record: Option<Document<Record>>,
        records: Vec<Option<Document<Record>>>,
    ) -> Error {
        let (waited, cause) = self.give_up();
        Error::WaitTimeout { waited, record: record.map(Box::new), records, cause }
    }
}

/// Whether a GET that failed so would be sent again: then the next poll may be answered.
fn passes(error: &Error) -> bool {
    if matches!(error, Error::InvalidArgument { .. }) {
        return false;
    }
    let decision = Policy::new(1).decide(Kind::Read, 1, failure_of(error), 0.0);
    matches!(decision, Decision::Again(_))
}
