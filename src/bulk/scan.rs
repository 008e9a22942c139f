//! Every record of a campaign, page after page.

use std::collections::HashSet;

use tokio::task::JoinSet;
use uuid::Uuid;

use super::answer::RunId;
use crate::Result;
use crate::http::{Client, MAX_PAGE_SIZE, RecordsQuery};
use crate::model::{Document, Record, RecordPage};

/// Reads the whole listing, without a filter, a few pages at a time, and shows each record to `see`.
///
/// Returns whether every record was seen: a listing may shift while it is read, so it counts only
/// when it showed as many different ids as its last page counts records.
pub(super) async fn scan(
    client: &Client,
    campaign: Uuid,
    concurrency: usize,
    mut see: impl FnMut(&Record),
) -> Result<bool> {
    let mut seen = HashSet::new();
    let mut look = |page: &RecordPage| {
        for record in &page.items {
            seen.insert(RunId::of(&record.id));
            see(record);
        }
        (page.has_more && !page.items.is_empty(), page.total, seen.len() as u64)
    };
    let first = fetch(client, campaign, 1).await?;
    let size = first.page_size.clamp(1, u64::from(MAX_PAGE_SIZE));
    let (mut more, mut total, mut known) = look(&first);
    let mut next = 2;
    while more {
        // Beyond the pages that are surely there, one at a time.
        let left = total.div_ceil(size).saturating_sub(next - 1).max(1);
        let width = left.min(concurrency as u64);
        let mut pages = JoinSet::new();
        for number in next..next + width {
            let client = client.clone();
            pages.spawn(async move { (number, fetch(&client, campaign, number).await) });
        }
        let (mut last, before) = (0, known);
        while let Some(Ok((number, page))) = pages.join_next().await {
            let (follows, counted, found) = look(&*page?);
            known = found;
            total = total.max(counted);
            if number > last {
                (last, more) = (number, follows);
            }
        }
        next += width;
        // A listing that goes on and shows nothing new would go on for ever.
        if known == before && next > total.div_ceil(size) {
            break;
        }
    }
    Ok(known == total)
}

async fn fetch(client: &Client, campaign: Uuid, page: u64) -> Result<Document<RecordPage>> {
    let query = RecordsQuery { status: None, page, page_size: MAX_PAGE_SIZE };
    client.records_page(campaign, &query).await
}
