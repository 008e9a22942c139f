//! The service, as far as an upload knows it.

use std::pin::Pin;

use bytes::Bytes;
use uuid::Uuid;

use super::answer;
use super::ledger::{Batch, Campaign, Reader, Reply};
use super::refusal;
use crate::http::{Client, Departure, MAX_PAGE_SIZE, RecordsQuery};
use crate::{Error, Result};

/// What a service is about to answer.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A campaign that takes records and lists them.
///
/// Its futures are boxed, so that an upload is compiled once, and here: whoever awaits it may be a package
/// that is not optimized.
pub trait Service: Send + Sync + 'static {
    /// What it is.
    fn campaign(&self) -> Asked<'_, Result<Campaign>>;

    /// One try of one push. `departure` tells whether any of it can have left.
    fn push(&self, batch: Batch, departure: Departure) -> Asked<'_, Reply>;

    /// A page of the listing, from 1, as it came.
    fn page(&self, page: u64) -> Asked<'_, Result<Bytes>>;
}

/// A campaign behind a client.
#[derive(Debug, Clone)]
pub struct Remote {
    client: Client,
    campaign: Uuid,
    reader: Reader,
}

impl Remote {
    /// The campaign, whose numbers are of `region`.
    pub fn new(client: Client, campaign: Uuid, region: Option<&str>) -> Self {
        Self { client, campaign, reader: Reader::new(region) }
    }
}

impl Service for Remote {
    fn campaign(&self) -> Asked<'_, Result<Campaign>> {
        Box::pin(async {
            let (status, clock) = self.client.campaign_status_dated(self.campaign).await?;
            let records =
                status.stats.as_ref().and_then(|stats| stats.total_records.as_ref()?.as_u64());
            let date = clock.date.and_then(|date| jiff::Timestamp::try_from(date).ok());
            Ok(Campaign { status: status.status.clone().unwrap_or_default(), records, date })
        })
    }

    fn push(&self, batch: Batch, departure: Departure) -> Asked<'_, Reply> {
        Box::pin(async move {
            let (body, count) = (batch.body(), batch.rows.len());
            let read = |answer: Bytes| answer::read(&answer, batch.numbers(), self.reader);
            let pushed = self.client.push_once(self.campaign, body, count, departure, read).await;
            pushed.map_or_else(refusal::of, Reply::Applied)
        })
    }

    fn page(&self, page: u64) -> Asked<'_, Result<Bytes>> {
        Box::pin(async move {
            let query = RecordsQuery { status: None, page, page_size: MAX_PAGE_SIZE };
            self.client.records_page_raw(self.campaign, &query).await
        })
    }
}

/// What a 2xx answer to a push means.
pub fn understood(body: &Bytes, batch: &Batch, region: Option<&str>) -> Reply {
    match answer::read(body, batch.numbers(), Reader::new(region)) {
        Ok(answers) => Reply::Applied(answers),
        Err(problem) => refusal::of(Error::PushOutcomeUnknown {
            records: batch.rows.len(),
            cause: Box::new(Error::InvalidResponse { status: 200, request_id: None, problem }),
        }),
    }
}

/// The error of what went wrong inside.
pub(super) fn bug() -> Error {
    Error::invalid("upload", "revrag failed inside; this is a bug, please report it")
}
