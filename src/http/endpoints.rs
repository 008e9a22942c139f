//! One `async fn` per endpoint of the reference.

use bytes::Bytes;
use http::Method;
use serde::Serialize;
use uuid::Uuid;

use super::client::{Client, Success};
use super::clock::ServiceClock;
use super::passage::Passage;
use super::retry::Kind;
use super::transport::{Departure, Request};
use crate::error::{ResponseProblem, masked};
use crate::model::{
    Call, CampaignStatus, Document, DocumentError, Model, NewRecord, PushResult, Record, RecordPage,
};
use crate::{Error, Result};

/// The most records one page may hold.
pub const MAX_PAGE_SIZE: u32 = 200;

/// Which page of which records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordsQuery {
    /// Only records of this status.
    pub status: Option<String>,
    /// The page, from 1.
    pub page: u64,
    /// Records per page, at most [`MAX_PAGE_SIZE`].
    pub page_size: u32,
}

impl RecordsQuery {
    /// All records of a status, or of any, in pages as large as may be.
    pub fn all(status: Option<String>) -> Self {
        Self { status, page: 1, page_size: MAX_PAGE_SIZE }
    }

    /// Refuses what the service would.
    pub fn check(&self) -> Result<()> {
        if self.page == 0 {
            return Err(Error::invalid("page", "pages are counted from 1"));
        }
        if self.page_size == 0 || self.page_size > MAX_PAGE_SIZE {
            return Err(Error::invalid(
                "page_size",
                format!("it must be from 1 to {MAX_PAGE_SIZE}"),
            ));
        }
        Ok(())
    }
}

impl RecordsQuery {
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let status = self.status.iter().map(|status| ("status", status.clone()));
        let page = [("page", self.page.to_string()), ("page_size", self.page_size.to_string())];
        status.chain(page).collect()
    }
}

fn listing_of(campaign: Uuid) -> String {
    format!("/v1/campaigns/{campaign}/records")
}

fn push_of(campaign: Uuid, body: Bytes, records: usize) -> Request {
    Request {
        method: Method::POST,
        path: format!("/v1/campaigns/{campaign}/records/push-bulk"),
        query: Vec::new(),
        body: Some(body),
        records,
        is_pooled: false,
    }
}

/// An id as a UUID: nothing else enters a URL.
pub fn parse_id(argument: &str, text: &str) -> Result<Uuid> {
    // The hyphenated form only: `Uuid` would take braces and `urn:uuid:` too.
    let id = (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten();
    id.ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        Error::invalid(argument, format!("{:?} is not a UUID", masked(&shown)))
    })
}

impl Client {
    /// `POST /v1/campaigns/{campaign_id}/records/push-bulk`: one request, `results[i]` belonging to
    /// `records[i]`.
    pub async fn push(
        &self,
        campaign: Uuid,
        records: &[NewRecord],
    ) -> Result<Document<PushResult>> {
        self.push_watched(campaign, records, &Passage::default()).await
    }

    /// The same, for somebody who may cut it off and asks `passage` then how far it came.
    pub async fn push_watched(
        &self,
        campaign: Uuid,
        records: &[NewRecord],
        passage: &Passage,
    ) -> Result<Document<PushResult>> {
        #[derive(Serialize)]
        struct Body<'a> {
            records: &'a [NewRecord],
        }
        if records.is_empty() {
            return Err(Error::invalid("records", "there is none; a push takes at least one"));
        }
        let body = serde_json::to_vec(&Body { records })
            .map_err(|error| Error::invalid("records", error.to_string()))?;
        let count = records.len();
        let read = |body: Bytes| {
            let result = Document::<PushResult>::read(&body)?;
            check_results(&result, count).map_err(ResponseProblem::Contradiction)?;
            Ok(result)
        };
        let request = push_of(campaign, body.into(), count);
        self.execute(Kind::Push, request, passage, read).await.map(|answer| answer.content)
    }

    /// One try of a push whose body is already JSON and holds `count` records, and whose answer
    /// `read` reads.
    pub(crate) async fn push_once<T>(
        &self,
        campaign: Uuid,
        body: Bytes,
        count: usize,
        departure: Departure,
        read: impl Fn(Bytes) -> std::result::Result<T, ResponseProblem>,
    ) -> Result<T> {
        let request = push_of(campaign, body, count);
        let answer = self.execute_once(Kind::Push, request, departure, read).await;
        answer.map(|answer| answer.content)
    }

    /// `GET /v1/campaigns/{campaign_id}/records/{run_id}`.
    pub async fn record(&self, campaign: Uuid, run: Uuid) -> Result<Document<Record>> {
        self.get(format!("/v1/campaigns/{campaign}/records/{run}"), Vec::new()).await
    }

    /// `GET /v1/campaigns/{campaign_id}/records`: one page.
    pub async fn records_page(
        &self,
        campaign: Uuid,
        query: &RecordsQuery,
    ) -> Result<Document<RecordPage>> {
        query.check()?;
        let (path, query) = (listing_of(campaign), query.pairs());
        let request = Request::get(path, query);
        let read = |body: Bytes| {
            let page = Document::<RecordPage>::read(&body)?;
            // Taken for an empty page, it would end the listing.
            if page.items.is_list() {
                return Ok(page);
            }
            let (path, problem) = ("items".to_owned(), "expected a list".to_owned());
            Err(DocumentError::Shape { path, problem }.into())
        };
        let passage = Passage::default();
        self.execute(Kind::Read, request, &passage, read).await.map(|answer| answer.content)
    }

    /// The same page, as it came.
    pub(crate) async fn records_page_raw(
        &self,
        campaign: Uuid,
        query: &RecordsQuery,
    ) -> Result<Bytes> {
        query.check()?;
        let (path, query) = (listing_of(campaign), query.pairs());
        let request = Request { is_pooled: true, ..Request::get(path, query) };
        self.execute(Kind::Read, request, &Passage::default(), Ok)
            .await
            .map(|answer| answer.content)
    }

    /// `GET /v1/campaigns/{campaign_id}/status`.
    pub async fn campaign_status(&self, campaign: Uuid) -> Result<Document<CampaignStatus>> {
        self.campaign_status_dated(campaign).await.map(|(status, _)| status)
    }

    /// The campaign's status, and what the service says of its time.
    pub async fn campaign_status_dated(
        &self,
        campaign: Uuid,
    ) -> Result<(Document<CampaignStatus>, ServiceClock)> {
        let path = format!("/v1/campaigns/{campaign}/status");
        self.get_dated(path, Vec::new()).await.map(|answer| (answer.content, answer.clock))
    }

    /// `GET /v1/campaigns/trigger/status/{call_id}`.
    pub async fn call(&self, call: Uuid) -> Result<Document<Call>> {
        self.get(format!("/v1/campaigns/trigger/status/{call}"), Vec::new()).await
    }

    async fn get<T: Model>(
        &self,
        path: String,
        query: Vec<(&'static str, String)>,
    ) -> Result<Document<T>> {
        self.get_dated(path, query).await.map(|answer| answer.content)
    }

    async fn get_dated<T: Model>(
        &self,
        path: String,
        query: Vec<(&'static str, String)>,
    ) -> Result<Success<Document<T>>> {
        let request = Request::get(path, query);
        let read = |body: Bytes| Ok(Document::read(&body)?);
        self.execute(Kind::Read, request, &Passage::default(), read).await
    }
}

/// A push's answer must tell of each record.
fn check_results(result: &PushResult, count: usize) -> std::result::Result<(), String> {
    let found = result.results.len();
    if found != count {
        return Err(format!("it has {found} results for {count} records"));
    }
    for (at, result) in result.results.iter().enumerate() {
        match result.accepted {
            Some(true) if result.run_id.is_none() => {
                return Err(format!("results[{at}] is accepted and has no run_id"));
            }
            None => return Err(format!("results[{at}] does not say whether it is accepted")),
            Some(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_uuids_become_ids() {
        let good = "11111111-1111-1111-1111-111111111111";
        assert!(parse_id("run_id", good).is_ok());
        assert!(parse_id("run_id", "ABCDEFAB-1111-1111-1111-111111111111").is_ok());
        for bad in [
            "",
            "../../x",
            "11111111111111111111111111111111",
            "{11111111-1111-1111-1111-111111111111}",
            "11111111-1111-1111-1111-11111111111\n",
            "11111111-1111-1111-1111-111111111111\n",
            "११११११११-1111-1111-1111-111111111111",
        ] {
            let error = parse_id("run_id", bad).unwrap_err().to_string();
            assert!(error.starts_with("run_id: ") && !error.contains('\n'), "{error}");
        }
    }
}
