//! A campaign's records, page by page, each once.

use std::collections::HashSet;

use tokio::task::JoinHandle;
use uuid::Uuid;

use super::failure::Failure;
use crate::http::{Client, MAX_PAGE_SIZE, RecordsQuery};
use crate::model::{Document, Record, RecordPage, Whole};

/// How many pages more than twice as many as it says a listing may show.
const SLACK: u64 = 5;

type Page = Result<Document<RecordPage>, crate::Error>;

/// A listing under way. The next page is on its way while its owner has this one.
pub(super) struct Listing {
    client: Client,
    campaign: Uuid,
    status: Option<String>,
    /// The page that was asked for last, from 1.
    number: u64,
    next: Option<JoinHandle<Page>>,
    seen: HashSet<String>,
}

impl Listing {
    pub(super) fn new(client: Client, campaign: Uuid, status: Option<String>) -> Self {
        let seen = HashSet::new();
        let mut listing = Self { client, campaign, status, number: 0, next: None, seen };
        listing.ask();
        listing
    }

    fn ask(&mut self) {
        self.number += 1;
        let query = RecordsQuery {
            status: self.status.clone(),
            page: self.number,
            page_size: MAX_PAGE_SIZE,
        };
        let (client, campaign) = (self.client.clone(), self.campaign);
        self.next = Some(tokio::spawn(async move { client.records_page(campaign, &query).await }));
    }

    /// The records of the next page that were on none before; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Document<Record>>>, Failure> {
        let Some(next) = self.next.take() else { return Ok(None) };
        let page = next.await.map_err(std::io::Error::other)??;
        let total = page.total.as_ref().and_then(Whole::as_u64).unwrap_or(0);
        let pages = total.div_ceil(u64::from(MAX_PAGE_SIZE));
        let has_records = !page.items.is_empty() || !page.items.left_out().is_empty();
        let is_full = page.items.len() >= MAX_PAGE_SIZE as usize;
        let is_endless = total > 0 && self.number > 2 * pages + SLACK;
        if has_records && page.has_more.unwrap_or(is_full) && !is_endless {
            self.ask();
        }
        let records = page.items.iter();
        let fresh = records.filter(|record| match &record.id {
            Some(id) => self.seen.insert(id.clone()),
            None => true,
        });
        Ok(Some(fresh.cloned().collect()))
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        if let Some(next) = &self.next {
            next.abort();
        }
    }
}
