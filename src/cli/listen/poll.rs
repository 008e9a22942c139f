//! A look at a campaign: which calls its records show.

use std::collections::HashSet;

use tokio::task::JoinSet;
use uuid::Uuid;

use super::sieve::may_be_over;
use crate::Result;
use crate::http::{Client, MAX_PAGE_SIZE, RecordsQuery};
use crate::model::{Document, RecordPage, Whole};

/// Pages that are fetched at a time.
const WIDTH: usize = 4;
/// The most pages of a listing that does not say how many records there are.
const MOST_PAGES: u64 = 50_000;

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The calls that may have ended, and when their records last changed, in Unix milliseconds.
    pub(super) calls: Vec<(Uuid, Option<i64>)>,
    /// Records.
    pub(super) records: u64,
    /// Calls whose ids can't be asked for.
    pub(super) unreadable: u64,
}

/// Looks at all pages of a campaign's listing. Where it shifted meanwhile, what a record skipped is
/// found by reading it once more from its end; what hides all the same is there on the next look.
pub(super) async fn look(client: &Client, campaign: Uuid) -> Result<Seen> {
    let mut look = Look::default();
    let pages = look.read(client, campaign, false).await?;
    if look.has_shifted() && pages > 1 {
        look.read(client, campaign, true).await?;
    }
    let Look { calls, records, unreadable, .. } = look;
    Ok(Seen { calls, records: records.len() as u64, unreadable: unreadable.len() as u64 })
}

#[derive(Debug, Default)]
struct Look {
    calls: Vec<(Uuid, Option<i64>)>,
    seen: HashSet<Uuid>,
    records: HashSet<String>,
    unreadable: HashSet<String>,
    /// The most records that a page counted.
    most: u64,
}

impl Look {
    /// Reads all pages, as far as the totals go and there are more; how many there are.
    async fn read(&mut self, client: &Client, campaign: Uuid, from_end: bool) -> Result<u64> {
        let fetch = |number: u64| {
            let client = client.clone();
            let query = RecordsQuery { status: None, page: number, page_size: MAX_PAGE_SIZE };
            async move { client.records_page(campaign, &query).await.map(|page| (number, page)) }
        };
        let (_, first) = fetch(1).await?;
        let mut more = self.take(&first);
        let size = u64::from(MAX_PAGE_SIZE);
        let known =
            first.total.as_ref().and_then(Whole::as_u64).map_or(1, |all| all.div_ceil(size));
        let known = if more { known.clamp(1, MOST_PAGES) } else { 1 };
        let mut numbers: Vec<u64> = (2..=known).collect();
        if !from_end {
            numbers.reverse();
        }
        let (mut out, mut last) = (JoinSet::new(), known);
        loop {
            while out.len() < WIDTH
                && let Some(number) = numbers.pop()
            {
                out.spawn(fetch(number));
            }
            let Some(page) = out.join_next().await else { break };
            let (number, page) = page.map_err(|_| crate::Error::Connection {
                sent: true,
                cause: "a request was dropped".to_owned(),
            })??;
            let goes_on = self.take(&page);
            if number == known {
                more = goes_on;
            }
        }
        // What came meanwhile is beyond what the first page knew of.
        while more && last < MOST_PAGES {
            last += 1;
            more = self.take(&fetch(last).await?.1);
        }
        Ok(last)
    }

    /// Takes what a page shows; whether there is another one.
    fn take(&mut self, page: &Document<RecordPage>) -> bool {
        self.most = self.most.max(page.total.as_ref().and_then(Whole::as_u64).unwrap_or(0));
        for record in page.items.iter() {
            let updated = record.updated_at.map(|at| at.0.as_millisecond());
            for attempt in record.call_history.iter() {
                let Some(id) = attempt.call_id.as_deref() else { continue };
                if !may_be_over(attempt.status.as_deref()) {
                    continue;
                }
                match Uuid::try_parse(id) {
                    Ok(call) if self.seen.insert(call) => self.calls.push((call, updated)),
                    Ok(_) => {}
                    Err(_) => drop(self.unreadable.insert(id.to_owned())),
                }
            }
            self.records.extend(record.id.clone());
        }
        let is_empty = page.items.is_empty() && page.items.left_out().is_empty();
        page.has_more != Some(false) && !is_empty
    }

    fn has_shifted(&self) -> bool {
        (self.records.len() as u64) < self.most
    }
}
