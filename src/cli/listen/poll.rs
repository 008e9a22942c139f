//! A look at a campaign: which calls its records show.

use std::collections::HashSet;

use uuid::Uuid;

use super::sieve::may_be_over;
use revrag::Result;
use revrag::http::{Client, Listing, RecordsQuery};
use revrag::model::{Document, RecordPage};

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

/// Looks at all of a campaign's listing. What it hides all the same, as it shifts, is there on the next
/// look.
pub(super) async fn look(client: &Client, campaign: Uuid) -> Result<Seen> {
    let mut look = Look::default();
    let mut listing = Listing::new(client, campaign, RecordsQuery::all(None));
    while let Some(page) = listing.next(None).await? {
        look.take(page.page());
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
}

impl Look {
    /// Takes what a page shows, of records that were there before, too: they may have had calls since.
    fn take(&mut self, page: &Document<RecordPage>) {
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
    }
}
