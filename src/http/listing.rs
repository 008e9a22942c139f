//! A campaign's listing, whose next pages are fetched while somebody works on this one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use uuid::Uuid;

use super::client::Client;
use super::endpoints::RecordsQuery;
use super::looks::{Looks, Seen, Then};
use super::observe::{Observer, RequestEvent};
use crate::error::ResponseProblem;
use crate::model::{Document, Record, RecordPage};
use crate::{Error, Result};

/// The most that is kept of what nobody was there to hear.
const MOST_WORDS: usize = 64;

/// The most pages that are handed over at a time.
const HANDFUL: usize = 4;
/// How long the first of them waits for each of the others: to be handed over costs about as much.
const LINGER: Duration = Duration::from_millis(1);

/// A listing on its way. Each record comes once; how, `looks` tells.
pub struct Listing {
    client: Client,
    campaign: Uuid,
    query: RecordsQuery,
    looks: Looks,
    ahead: VecDeque<Ahead>,
    /// Pages that were not handed over yet, and what came of the next.
    ready: Vec<Page>,
    failed: Option<Error>,
    ear: Arc<Ear>,
    has_begun: bool,
    has_ended: bool,
}

/// A page of a listing, and which of its records are new.
pub struct Page {
    page: Document<RecordPage>,
    new: Vec<usize>,
}

impl Page {
    /// Those of its records that no page before has shown.
    pub fn records(&self) -> impl ExactSizeIterator<Item = &Document<Record>> {
        self.new.iter().map(|at| &self.page.items[*at])
    }

    /// The same, to be kept.
    pub fn into_records(self) -> impl Iterator<Item = Document<Record>> {
        let records = self.page.into_fields().items.into_documents();
        let mut new = self.new.into_iter().peekable();
        let all = records.into_iter().enumerate();
        all.filter_map(move |(at, record)| new.next_if_eq(&at).map(|_| record))
    }

    /// The whole page.
    pub fn page(&self) -> &Document<RecordPage> {
        &self.page
    }
}

impl Listing {
    /// A listing of which nothing was asked for yet. `query` says which records, and how many a page.
    pub fn new(client: &Client, campaign: Uuid, query: RecordsQuery) -> Self {
        let ear = Arc::new(Ear::default());
        let client = client.observed(ear.clone());
        let (looks, ahead) = (Looks::default(), VecDeque::new());
        let (ready, failed, has_begun, has_ended) = (Vec::new(), None, false, false);
        Self { client, campaign, query, looks, ahead, ready, failed, ear, has_begun, has_ended }
    }

    /// The next page and, but for the first one, those after it that come in no time; none after the last one or an error, which
    /// comes after the pages before it. Otherwise as [`Listing::next`].
    pub async fn next_few(&mut self, observer: Option<&Arc<dyn Observer>>) -> Result<Vec<Page>> {
        if self.ready.is_empty() {
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            let first = self.next(observer).await?;
            self.ready.extend(first);
        }
        // A glance at a listing costs little: the first page comes alone.
        let most = if std::mem::replace(&mut self.has_begun, true) { HANDFUL } else { 1 };
        while (1..most).contains(&self.ready.len()) && self.is_near() {
            match tokio::time::timeout(LINGER, self.next(observer)).await {
                Ok(Ok(Some(page))) => self.ready.push(page),
                Ok(Ok(None)) | Err(_) => break,
                Ok(Err(error)) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        Ok(std::mem::take(&mut self.ready))
    }

    /// Whether the next page is on its way to this process.
    fn is_near(&self) -> bool {
        self.ahead.front().is_some_and(Ahead::is_own)
    }

    /// The next page, none after the last one or an error. `observer` is told of what was tried
    /// since the last call. Whoever drops this loses nothing.
    pub async fn next(&mut self, observer: Option<&Arc<dyn Observer>>) -> Result<Option<Page>> {
        let ear = self.ear.clone();
        let _listening = ear.listen(observer);
        let found = self.find().await;
        if !matches!(found, Ok(Some(_))) {
            self.has_ended = true;
            self.ahead.clear();
        }
        found
    }

    async fn find(&mut self) -> Result<Option<Page>> {
        if self.has_ended {
            return Ok(None);
        }
        if self.ahead.iter().any(|ahead| !ahead.is_own()) {
            // A fork has happened: the pages will come to the parent.
            self.looks.forget(self.ahead.len() as u64);
            self.ahead.clear();
        }
        self.ask();
        let Some(first) = self.ahead.front_mut() else { return Ok(None) };
        let seen = match (&mut first.task).await {
            Ok(seen) => seen?,
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(failed) => {
                    return Err(Error::Connection { sent: true, cause: failed.to_string() });
                }
            },
        };
        self.ahead.pop_front();
        let (new, then) = self.looks.take(&seen).map_err(|problem| Error::InvalidResponse {
            status: 200,
            request_id: None,
            problem: ResponseProblem::Contradiction(problem),
        })?;
        match then {
            Then::Page => self.ask(),
            Then::Look => {
                self.ahead.clear();
                self.ask();
            }
            Then::End => {
                self.ahead.clear();
                self.has_ended = true;
            }
        }
        Ok(Some(Page { page: seen.page, new }))
    }

    /// Asks for as many pages as there may be under way.
    fn ask(&mut self) {
        while let Some(page) = self.looks.ask(self.ahead.len() as u64) {
            let (client, campaign) = (self.client.clone(), self.campaign);
            let query = RecordsQuery { page, ..self.query.clone() };
            let task =
                tokio::spawn(
                    async move { client.records_page(campaign, &query).await.map(Seen::new) },
                );
            self.ahead.push_back(Ahead { task, pid: std::process::id() });
        }
    }
}

/// A page that was asked for. Nobody waits for it once this is dropped.
struct Ahead {
    task: JoinHandle<Result<Seen>>,
    pid: u32,
}

impl Ahead {
    /// Whether it was asked for in this process.
    fn is_own(&self) -> bool {
        self.pid == std::process::id()
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        if self.is_own() {
            self.task.abort();
        }
    }
}

/// Hears of each try, and tells whoever listens, or will.
#[derive(Default)]
struct Ear(Mutex<Heard>);

/// Who listens, and what was heard before.
type Heard = (Option<Arc<dyn Observer>>, Vec<RequestEvent>);

impl Ear {
    /// Tells `observer` of what was heard, and of what is heard until the result is dropped.
    fn listen(&self, observer: Option<&Arc<dyn Observer>>) -> impl Drop + '_ {
        struct Listening<'e>(&'e Ear);
        impl Drop for Listening<'_> {
            fn drop(&mut self) {
                self.0.0.lock().unwrap_or_else(PoisonError::into_inner).0 = None;
            }
        }
        let mut ear = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ear.0 = observer.cloned();
        for event in std::mem::take(&mut ear.1) {
            if let Some(observer) = observer {
                observer.tried(event);
            }
        }
        Listening(self)
    }
}

impl Observer for Ear {
    fn tried(&self, event: RequestEvent) {
        let mut ear = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &ear.0 {
            Some(observer) => observer.tried(event),
            None if ear.1.len() < MOST_WORDS => ear.1.push(event),
            None => {}
        }
    }
}
