//! Records looked for in a campaign's listing, which is believed only where it was shown whole.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;

use super::ledger::extent::Extent;
use super::ledger::page::{self, Shown};
use super::ledger::print;
use super::service::{Asked, Service, bug};
use crate::error::ResponseProblem;
use crate::model::{Document, DocumentError, Record};
use crate::phone::Rules;
use crate::{Error, Result};

/// Looks at a listing before it is called unproven.
const LOOKS: u32 = 4;
/// The pause after the first of them; it doubles.
const PAUSE: Duration = Duration::from_millis(100);
/// Pages that are fetched at a time.
const WIDTH: usize = 4;
/// The most pages of a listing that does not say how many records there are.
const MOST_PAGES: u64 = 20_000;
/// Run ids that an error names.
const SHOWN: usize = 5;

/// What the records must have, all of it.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Their session id.
    pub app_session_id: Option<String>,
    /// Their user id.
    pub app_user_id: Option<String>,
    /// Their number in E.164.
    pub phone_number: Option<String>,
    /// The region of numbers without a country code.
    pub rules: Rules,
}

/// The records of a campaign that are `wanted`, all of them, in the order of their pages.
///
/// A listing is whole where its pages agree on how many records there are and show as many, or where two
/// looks in a row show the same.
pub fn find(service: impl Service, wanted: &Wanted) -> Asked<'_, Result<Vec<Document<Record>>>> {
    Box::pin(found(Arc::new(service), wanted))
}

async fn found(service: Arc<dyn Service>, wanted: &Wanted) -> Result<Vec<Document<Record>>> {
    let (mut previous, mut pause) = (None, PAUSE);
    let mut last = Look::default();
    for number in 0..LOOKS {
        if number > 0 {
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        last = Look::default();
        last.run(&service, wanted).await?;
        let extent = last.extent();
        if last.problem.is_none() && extent.is_whole(previous) {
            return if last.hidden == 0 { last.records() } else { Err(last.unproven()) };
        }
        previous = last.problem.is_none().then_some(extent);
    }
    Err(last.unproven())
}

/// One look at the listing.
#[derive(Debug, Default)]
struct Look {
    ids: Vec<u64>,
    pages: HashSet<u64>,
    /// How many records there are, as the page says that was read first.
    total: Option<u64>,
    has_first: bool,
    differ: bool,
    most: u64,
    /// The page, the run and the text of each record that is wanted.
    found: Vec<(u64, u64, Option<String>, Bytes)>,
    /// Records that may be wanted and do not show their numbers.
    hidden: u64,
    problem: Option<&'static str>,
}

impl Look {
    async fn run(&mut self, service: &Arc<dyn Service>, wanted: &Wanted) -> Result<()> {
        let first = service.page(1).await?;
        let (items, mut more) = self.take(1, &first, wanted)?;
        let said = self.total.filter(|_| items > 0);
        let known = said.map_or(1, |total| total.div_ceil(items));
        let most = said.map_or(MOST_PAGES, |_| known.saturating_mul(2).saturating_add(64));
        let (mut next, mut last) = (2, 1);
        let mut out = JoinSet::new();
        loop {
            while more && next <= known.min(most) && out.len() < WIDTH && self.problem.is_none() {
                let (service, number) = (service.clone(), next);
                out.spawn(async move { (number, service.page(number).await) });
                next += 1;
            }
            let Some(ended) = out.join_next().await else { break };
            let (number, page) = ended.map_err(|_| bug())?;
            let (_, goes_on) = self.take(number, &page?, wanted)?;
            last = last.max(number);
            // Beyond the last page there is nothing, whatever a total says.
            more &= goes_on || number < last;
        }
        // What came meanwhile is beyond what the first page knew of.
        while more && self.problem.is_none() {
            if last >= most {
                self.problem = Some("it goes on and on");
                break;
            }
            last += 1;
            (_, more) = self.take(last, &service.page(last).await?, wanted)?;
        }
        Ok(())
    }

    /// Reads a page: how many records it has, and whether more pages follow.
    fn take(&mut self, number: u64, text: &Bytes, wanted: &Wanted) -> Result<(u64, bool)> {
        let start = self.ids.len();
        let page = page::read(text, |shown| self.see(number, shown, wanted));
        let page = page.ok_or(Error::InvalidResponse {
            status: 200,
            request_id: None,
            problem: ResponseProblem::Document(DocumentError::NotJson { line: 1, column: 1 }),
        })?;
        if page.items > 0 && !self.pages.insert(print(&self.ids.get(start..))) {
            self.problem = Some("it shows one page again and again");
        }
        if !std::mem::replace(&mut self.has_first, true) {
            self.total = page.total;
        }
        self.differ |= self.total != page.total;
        self.most = self.most.max(page.total.unwrap_or(0));
        let is_full = page.size.is_none_or(|size| page.items >= size);
        Ok((page.items, page.items > 0 && page.has_more.unwrap_or(is_full)))
    }

    fn see(&mut self, page: u64, shown: &Shown<'_>, wanted: &Wanted) {
        let id = shown.id.and_then(page::scalar);
        let run = id.as_deref().map_or_else(|| print(&shown.whole), |id| print(&id));
        self.ids.push(run);
        let is = |wanted: &Option<String>, shown: Option<&[u8]>| {
            wanted.as_ref().is_none_or(|wanted| {
                shown.and_then(page::scalar).is_some_and(|shown| shown == wanted.as_str())
            })
        };
        if !is(&wanted.app_session_id, shown.app_session_id)
            || !is(&wanted.app_user_id, shown.app_user_id)
        {
            return;
        }
        let is_number = wanted.phone_number.as_deref().map_or(Some(true), |number| {
            is_number(number, shown.phone_number.and_then(page::scalar).as_deref(), wanted.rules)
        });
        match is_number {
            Some(true) => {
                let whole = Bytes::copy_from_slice(shown.whole);
                self.found.push((page, run, id.map(Into::into), whole));
            }
            Some(false) => {}
            None => self.hidden += 1,
        }
    }

    fn extent(&mut self) -> Extent {
        self.ids.sort_unstable();
        self.ids.dedup();
        Extent {
            records: self.ids.len() as u64,
            print: print(&self.ids),
            total: self.total.filter(|_| !self.differ),
            most: self.most,
        }
    }

    /// The records, each once, though a page may have been pushed into the next.
    fn records(mut self) -> Result<Vec<Document<Record>>> {
        self.found.sort_by_key(|(page, ..)| *page);
        let mut seen = HashSet::new();
        let found = self.found.iter().filter(|(_, run, ..)| seen.insert(*run));
        let read = |(_, _, _, text): &(_, _, _, Bytes)| {
            Document::read(text).map_err(|problem| Error::InvalidResponse {
                status: 200,
                request_id: None,
                problem: problem.into(),
            })
        };
        found.map(read).collect()
    }

    fn unproven(&mut self) -> Error {
        let Extent { records, total, most, .. } = self.extent();
        let why = match self.problem {
            Some(problem) => problem.to_owned(),
            None if self.hidden > 0 => {
                format!("{} of its records do not show their numbers whole", self.hidden)
            }
            None if total.is_some() || most > 0 => {
                format!("it showed {records} records and counts {most}")
            }
            None => "it does not say how many records there are, and no two looks agree".to_owned(),
        };
        let mut seen = HashSet::new();
        let found = self.found.iter().filter(|(_, run, ..)| seen.insert(*run));
        let ids: Vec<&str> = found.filter_map(|(_, _, id, _)| id.as_deref()).take(SHOWN).collect();
        let seen = match ids.len() {
            0 => String::new(),
            _ => format!(" Seen so far, with all that was asked for: {}.", ids.join(", ")),
        };
        let problem = ResponseProblem::Unproven(format!("{why}.{seen}"));
        Error::InvalidResponse { status: 200, request_id: None, problem }
    }
}

/// Whether a number that is shown is the one that is wanted; none where it does not say.
fn is_number(wanted: &str, shown: Option<&str>, rules: Rules) -> Option<bool> {
    let shown = shown?;
    if let Ok(number) = rules.e164(shown) {
        return Some(number == wanted);
    }
    // Digits are hidden: the last ones seldom are.
    let tail = shown.bytes().rev().take_while(u8::is_ascii_digit).count();
    let digits = shown.get(shown.len() - tail..).unwrap_or_default();
    (tail > 0 && !wanted.ends_with(digits)).then_some(false)
}
