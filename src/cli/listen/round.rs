//! Looks, fetches and deliveries beside each other, until somebody interrupts them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use super::super::webhook::endpoint::{Answer, Endpoint, Unanswered};
use super::Told;
use super::book::{Book, Done};
use super::carry::{self, Event};
use super::keep::Keeper;
use super::poll::{self, Seen};
use super::sieve::{self, Facts, Fate};
use super::since::Since;
use super::table::{Counts, Table};
use super::watch::{Again, Watch};
use crate::failure::{End, Failure};
use crate::output::Out;
use revrag::Error;
use revrag::http::Client;
use revrag::model::{Call, Document};
use revrag::webhook::Verifier;
use revrag::world::{System, World as _};

/// What it does, and how.
pub(super) struct Listener {
    pub(super) client: Client,
    pub(super) endpoint: Endpoint,
    pub(super) verifier: Verifier,
    pub(super) campaigns: Vec<Uuid>,
    pub(super) statuses: Vec<String>,
    pub(super) since: Option<Since>,
    pub(super) interval: Duration,
    pub(super) is_once: bool,
}

/// Calls that are fetched or delivered at a time; the rest wait in line.
const ABREAST: usize = 16;
/// Tries after which a call gets out of the way of others, and is fetched anew for the next one.
const PATIENCE: u32 = 5;
/// How much earlier than its call a record may say that it changed, in milliseconds.
const SLACK: i64 = 600_000;

/// How long deliveries that are under way may take once somebody interrupts it.
const FAREWELL: Duration = Duration::from_secs(2);

/// Something that has come to its end.
enum Step {
    Looked { campaign: Uuid, seen: Result<Seen, Error> },
    Fetched { campaign: Uuid, call: Uuid, fetched: Result<Box<Document<Call>>, Error> },
    Tried { event: Arc<Event>, tries: u32, answer: Result<Answer, Unanswered> },
    Rested { event: Arc<Event>, tries: u32 },
}

impl Listener {
    pub(super) async fn run(
        &self,
        mut book: Book,
        mut keeper: Option<Keeper>,
        told: &Told,
        mut interrupted: Pin<&mut impl Future<Output = ()>>,
        out: &mut Out<'_>,
    ) -> Result<End, Failure> {
        let mut watches = HashMap::new();
        for campaign in &self.campaigns {
            let asked = self.since.map(Since::cutoff);
            let beginning = book.begin(*campaign, asked)?;
            let known = book.known(*campaign)?;
            watches.insert(
                *campaign,
                Watch { beginning, known, records: 0, is_looked_at: false, failures: 0 },
            );
        }
        let mut round = Round {
            listener: self,
            watches,
            steps: JoinSet::new(),
            line: VecDeque::new(),
            out: HashSet::new(),
            again: HashMap::new(),
            abreast: 0,
            delivering: 0,
            counts: Counts::default(),
        };
        // Calls that end while the first look lasts are told of only by the next one, if at all: so
        // nobody is told to go ahead before it is over.
        let mut first = JoinSet::new();
        for campaign in self.campaigns.clone() {
            let client = self.client.clone();
            first.spawn(async move { (campaign, poll::look(&client, campaign).await) });
        }
        loop {
            let looked = tokio::select! {
                () = interrupted.as_mut() => return Err(Failure::Interrupted),
                looked = first.join_next() => looked,
            };
            let Some(looked) = looked else { break };
            let (campaign, seen) = looked.map_err(|_| dropped())?;
            round.take(&mut book, campaign, &seen?)?;
        }
        let mut table = Table::new(out);
        table.begin(told, &self.endpoint.shown())?;
        loop {
            round.fill();
            if self.is_once && round.is_done() {
                let left = !round.again.is_empty();
                return Ok(if left { End::Partly } else { End::Done });
            }
            if !self.is_once {
                round.look_soon();
            }
            table.counts(round.counts());
            let step = tokio::select! {
                () = interrupted.as_mut() => break,
                step = round.steps.join_next() => step,
            };
            let Some(step) = step else { continue };
            round.step(step.map_err(|_| dropped())?, &mut book, &mut keeper, &mut table)?;
        }
        // What is being accepted at this moment is written down, lest it comes again.
        let end = Instant::now() + FAREWELL;
        while round.delivering > 0
            && let Ok(Some(Ok(step))) = tokio::time::timeout_at(end, round.steps.join_next()).await
        {
            if matches!(step, Step::Tried { .. }) {
                round.step(step, &mut book, &mut keeper, &mut table)?;
            }
        }
        Err(Failure::Interrupted)
    }
}

fn dropped() -> Failure {
    Failure::Io(std::io::Error::other("a task was dropped"))
}

struct Round<'l> {
    listener: &'l Listener,
    watches: HashMap<Uuid, Watch>,
    steps: JoinSet<Step>,
    /// Calls that wait for their turn.
    line: VecDeque<(Uuid, Uuid)>,
    /// Calls in line or under way.
    out: HashSet<Uuid>,
    again: HashMap<Uuid, Again>,
    /// Calls under way.
    abreast: usize,
    /// Deliveries that have no answer yet.
    delivering: usize,
    counts: Counts,
}

impl Round<'_> {
    /// Takes what a look showed.
    fn take(&mut self, book: &mut Book, campaign: Uuid, seen: &Seen) -> Result<(), Failure> {
        let Some(watch) = self.watches.get_mut(&campaign) else { return Ok(()) };
        watch.records = seen.records;
        if !watch.beginning.has_begun {
            let calls: Vec<Uuid> = seen.calls.iter().map(|(call, _)| *call).collect();
            book.begun(campaign, &calls)?;
            watch.known.extend(calls);
            watch.beginning.has_begun = true;
            return Ok(());
        }
        let now = Instant::now();
        for (call, updated) in &seen.calls {
            if watch.known.contains(call) || self.out.contains(call) {
                continue;
            }
            if self.again.get(call).is_some_and(|again| again.due > now) {
                continue;
            }
            // A record that did not change since then has no call that ended since then.
            let early = watch.beginning.cutoff.zip(*updated);
            if early.is_some_and(|(cutoff, updated)| updated.saturating_add(SLACK) < cutoff) {
                watch.known.insert(*call);
                continue;
            }
            self.out.insert(*call);
            self.line.push_back((campaign, *call));
        }
        Ok(())
    }

    /// Begins what there is room for.
    fn fill(&mut self) {
        while self.abreast < ABREAST
            && let Some((campaign, call)) = self.line.pop_front()
        {
            self.abreast += 1;
            let client = self.listener.client.clone();
            self.steps.spawn(async move {
                Step::Fetched { campaign, call, fetched: client.call(call).await.map(Box::new) }
            });
        }
    }

    /// Has every campaign looked at again after a while, one look at a time.
    fn look_soon(&mut self) {
        for (campaign, watch) in &mut self.watches {
            if !std::mem::replace(&mut watch.is_looked_at, true) {
                let (client, campaign) = (self.listener.client.clone(), *campaign);
                let pause = watch.pause(self.listener.interval);
                self.steps.spawn(async move {
                    tokio::time::sleep(pause).await;
                    Step::Looked { campaign, seen: poll::look(&client, campaign).await }
                });
            }
        }
    }

    fn is_done(&self) -> bool {
        self.steps.is_empty() && self.line.is_empty()
    }

    fn counts(&self) -> Counts {
        let waiting = self.out.len() + self.again.len();
        let records = self.watches.values().map(|watch| watch.records).sum();
        Counts { waiting: waiting as u64, records, ..self.counts }
    }

    fn step(
        &mut self,
        step: Step,
        book: &mut Book,
        keeper: &mut Option<Keeper>,
        table: &mut Table<'_, '_>,
    ) -> Result<(), Failure> {
        match step {
            Step::Looked { campaign, seen } => self.looked(campaign, seen, book, table),
            Step::Fetched { campaign, call, fetched: Ok(fetched) } => {
                self.fetched(campaign, call, &fetched, book, keeper)
            }
            Step::Fetched { call, fetched: Err(error), .. } => {
                self.abreast -= 1;
                check(&error)?;
                table.trouble(&format!("call {call}: {error}; it is asked for again"));
                self.later(call, None);
                Ok(())
            }
            Step::Tried { event, tries, answer } => self.tried(event, tries, &answer, book, table),
            Step::Rested { event, tries } => {
                self.deliver(event, tries + 1);
                Ok(())
            }
        }
    }

    fn looked(
        &mut self,
        campaign: Uuid,
        seen: Result<Seen, Error>,
        book: &mut Book,
        table: &mut Table<'_, '_>,
    ) -> Result<(), Failure> {
        if let Some(watch) = self.watches.get_mut(&campaign) {
            watch.is_looked_at = false;
            watch.failures = if seen.is_ok() { 0 } else { watch.failures + 1 };
        }
        match seen {
            Ok(seen) => {
                if seen.unreadable > 0 {
                    let count = seen.unreadable;
                    table.trouble(&format!(
                        "{count} calls have ids that are no UUIDs; they can't be asked for"
                    ));
                }
                self.take(book, campaign, &seen)
            }
            Err(error) => {
                check(&error)?;
                table.trouble(&format!("{error}; it is asked again"));
                Ok(())
            }
        }
    }

    fn fetched(
        &mut self,
        campaign: Uuid,
        call: Uuid,
        fetched: &Document<Call>,
        book: &Book,
        keeper: &mut Option<Keeper>,
    ) -> Result<(), Failure> {
        let cutoff = self.watches.get(&campaign).and_then(|watch| watch.beginning.cutoff);
        let facts = Facts {
            status: fetched.call_status.as_deref(),
            ended: fetched.end_time.map(|at| at.0.as_millisecond()),
        };
        match sieve::fate(facts, cutoff, &self.listener.statuses) {
            Fate::Tell => {
                let event = Event::of(campaign, call, fetched);
                if let Some(keeper) = keeper {
                    keeper.keep(&event)?;
                }
                let tries = self.again.get(&call).map_or(0, |again| again.tries);
                self.deliver(Arc::new(event), tries + 1);
            }
            Fate::PassOver => {
                self.abreast -= 1;
                self.finish(campaign, call, Done::PassedOver, book)?;
            }
            Fate::Later => {
                self.abreast -= 1;
                self.out.remove(&call);
            }
        }
        Ok(())
    }

    fn deliver(&mut self, event: Arc<Event>, tries: u32) {
        self.delivering += 1;
        let endpoint = self.listener.endpoint.clone();
        let verifier = self.listener.verifier.clone();
        self.steps.spawn(async move {
            let answer = carry::deliver(&endpoint, &verifier, &event).await;
            Step::Tried { event, tries, answer }
        });
    }

    fn tried(
        &mut self,
        event: Arc<Event>,
        tries: u32,
        answer: &Result<Answer, Unanswered>,
        book: &Book,
        table: &mut Table<'_, '_>,
    ) -> Result<(), Failure> {
        self.delivering -= 1;
        let is_accepted = answer.as_ref().is_ok_and(Answer::is_accepted);
        if is_accepted {
            // First of all: what is killed from now on does not deliver it again.
            self.finish(event.campaign, event.call, Done::Accepted, book)?;
            self.abreast -= 1;
            self.counts.accepted += 1;
            table.calm();
        }
        table.tried(&event, tries, answer, jiff::Timestamp::now())?;
        if is_accepted {
            return Ok(());
        }
        let asked = answer.as_ref().ok().and_then(|answer| answer.retry_after);
        if tries.is_multiple_of(PATIENCE) {
            self.abreast -= 1;
            self.again.insert(event.call, Again { tries, failures: tries, due: Instant::now() });
            self.later(event.call, asked);
            return Ok(());
        }
        let pause = sieve::pause(tries, asked, System.draw());
        self.steps.spawn(async move {
            tokio::time::sleep(pause).await;
            Step::Rested { event, tries }
        });
        Ok(())
    }

    /// A call is looked at again, not before a pause is over.
    fn later(&mut self, call: Uuid, asked: Option<u64>) {
        self.out.remove(&call);
        let again =
            self.again.entry(call).or_insert(Again { tries: 0, failures: 0, due: Instant::now() });
        again.failures += 1;
        again.due = Instant::now() + sieve::pause(again.failures + 2, asked, System.draw());
    }

    fn finish(
        &mut self,
        campaign: Uuid,
        call: Uuid,
        done: Done,
        book: &Book,
    ) -> Result<(), Failure> {
        book.done(campaign, call, done)?;
        self.out.remove(&call);
        self.again.remove(&call);
        if let Some(watch) = self.watches.get_mut(&campaign) {
            watch.known.insert(call);
        }
        Ok(())
    }
}

/// An error that no waiting mends ends it.
fn check(error: &Error) -> Result<(), Failure> {
    let is_for_good = match error {
        Error::Status(refusal) => matches!(refusal.status, 401 | 403),
        Error::InvalidArgument { .. } => true,
        _ => false,
    };
    if is_for_good { Err(error.clone().into()) } else { Ok(()) }
}
