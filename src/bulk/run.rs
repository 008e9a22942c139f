//! An upload as it runs: a loop that carries out what the ledger asks for and tells it what happened.
//! It decides nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;

use super::chunk::Limits as ChunkLimits;
use super::claim::Claim;
use super::desk::{Desk, End, Failure, Holder, Monitor};
use super::encode::{Encoder, Numbers, comparable, read_numbers};
use super::ledger::{Before, Effect, Event, Keyed, Ledger, Limits, Reply, Setting, Snapshot};
use super::options::{Existing, OnDuplicate, Options};
use super::pipeline::{self, Piece, Plan};
use super::rails::Tally;
use super::reading::Reading;
use super::report::Report;
use super::requests::Requests;
use super::seal::Sealer;
use super::service::{Asked, Service, bug};
use super::source::{Input, SourceError};
use super::store::{Identity, Opened, Store};
use crate::Error;
use crate::http::Departure;
use crate::world::World;

/// The least of a source, in bytes, that may be under way.
const WINDOW: usize = 16 << 20;

/// Which campaign, of which service, and how far a client of it goes.
#[derive(Debug, Clone)]
pub struct Target {
    /// The campaign.
    pub campaign: Uuid,
    /// The service.
    pub base_url: String,
    /// How long a request may take.
    pub timeout: Duration,
    /// Tries after the first.
    pub max_retries: u32,
}

/// An upload, not begun: nothing happens until [`Upload::run`].
pub struct Upload {
    service: Arc<dyn Service>,
    target: Target,
    input: Input,
    exclude: Option<Input>,
    options: Options,
    world: Arc<dyn World>,
    end: Arc<End>,
    progress: watch::Sender<Snapshot>,
}

impl Upload {
    /// An upload, and a monitor of it.
    pub fn new(
        service: impl Service,
        target: Target,
        input: Input,
        options: Options,
        world: Arc<dyn World>,
    ) -> (Self, Monitor) {
        let (progress, snapshots) = watch::channel(Snapshot::default());
        let end = Arc::new(End::default());
        let monitor = Monitor { progress: snapshots, end: end.clone() };
        let (service, exclude) = (Arc::new(service), None);
        (Self { service, target, input, exclude, options, world, end, progress }, monitor)
    }

    /// The same, but nobody is called whose number is in `exclude`.
    #[must_use]
    pub fn excluding(self, exclude: Option<Input>) -> Self {
        Self { exclude, ..self }
    }

    /// Uploads every row of the source exactly once.
    ///
    /// Dropped before its end, it stops cleanly: what is known is in the journal, and
    /// [`Monitor::stopped`] has the report.
    pub fn run(self) -> Asked<'static, std::result::Result<Report, Failure>> {
        Box::pin(self.run_apart())
    }

    async fn run_apart(self) -> std::result::Result<Report, Failure> {
        // A task of its own goes on while its caller is busy; it must not outlive the caller.
        struct Tied<T>(tokio::task::JoinHandle<T>);
        impl<T> Drop for Tied<T> {
            fn drop(&mut self) {
                self.0.abort();
            }
        }
        let end = self.end.clone();
        end.begin();
        let mut task = Tied(tokio::spawn(self.work()));
        let ended = (&mut task.0).await;
        match ended {
            Ok(Err(error)) => Err(Failure::Refused(error)),
            Ok(Ok(())) | Err(_) => end.take(),
        }
    }

    async fn work(self) -> std::result::Result<(), SourceError> {
        let Self { service, target, input, exclude, options, world, end, progress } = self;
        // Until there is a desk, this is what ends when the upload does.
        let holder = Holder(end);
        options.check()?;
        let excluded = match exclude {
            Some(exclude) => Some(Arc::new(numbers(exclude, &options).await?)),
            None => None,
        };
        let began = world.now();
        let wall = jiff::Timestamp::try_from(world.wall()).unwrap_or(jiff::Timestamp::MIN);
        let fresh = Identity {
            upload: world.id(),
            campaign: target.campaign,
            base_url: target.base_url,
            content: options.content.clone(),
            beginning: super::ledger::Beginning::default(),
        };
        let journal = options.journal.clone().filter(|_| !options.dry_run);
        let is_journaled = journal.is_some();
        let is_claimed = !options.content.key.is_empty()
            && !options.dry_run
            && options.existing != Existing::Caller;
        let opening = tokio::task::spawn_blocking(move || {
            let claim = is_claimed.then(|| {
                Claim::take(&fresh.base_url, fresh.campaign, fresh.content.name.as_deref())
            });
            let claim = claim.transpose()?;
            let opened = Store::open(journal.as_deref(), fresh)?;
            Ok::<_, Error>((opened, claim, holder))
        });
        let (opened, claim, holder) = opening.await.map_err(|_| bug())??;
        let Opened { store, cuts, known, claims, words } = opened;
        let identity = store.identity().clone();
        let upload = identity.upload.simple().to_string();
        let chance = world.clone();
        let encoder = Encoder::new(options.content.clone(), identity.upload)?;
        let encoder = Arc::new(encoder.keeping(excluded.is_some()));
        let setting = Setting {
            upload,
            region: options.content.region.clone(),
            is_journaled,
            is_dry_run: options.dry_run,
            checks_first: (encoder.checks_first() || options.rails.max_invalid.is_some())
                && input.repeatable,
            limit: options.rails.limit,
            on_unknown: options.on_unknown,
            settle_after: options.settle_after,
            limits: Limits {
                concurrency: options.concurrency,
                rows_per_second: options.max_records_per_second,
                window: WINDOW.max((options.concurrency + 4).saturating_mul(options.max_bytes)),
                max_retries: target.max_retries,
                timeout: target.timeout,
                give_up_after: options.give_up_after,
            },
            before: Before { chunks: cuts.len() as u64, beginning: identity.beginning },
            keyed: (!options.content.key.is_empty()).then(|| Keyed {
                existing: options.existing,
                sealer: Sealer::of(identity.upload),
                prefix: options.content.prefix(),
                known: Arc::new(known),
                was_cut_off: claim.as_ref().is_some_and(Claim::was_cut_off),
            }),
            wall,
        };
        let tally = || {
            options.rails.max_invalid.map(|most| Tally::new(most, &options.content.phone_number))
        };
        let check = tally();
        let plan = Plan {
            limits: ChunkLimits {
                // At a rate, a request takes a second at most.
                records: options.max_records.min(options.rows_a_second()),
                bytes: options.max_bytes,
                rows: options.max_records.saturating_mul(16).max(4096),
            },
            cuts,
            reject_duplicates: options.content.on_duplicate == OnDuplicate::Reject,
            claims,
            excluded,
            tally: tally().filter(|_| !input.repeatable),
            book: None,
            width: std::thread::available_parallelism().map_or(1, usize::from).min(8),
        };
        let desk = Desk {
            ledger: Ledger::new(setting, Box::new(move || chance.draw())),
            store: Some(store),
            words,
            world,
            began,
            departures: HashMap::new(),
            progress,
            upload: identity.upload,
            claim,
            holder,
        };
        let reading = Reading { input, encoder, check, plan: Some(plan), pipeline: None };
        Loop::new(desk, service, reading).run().await;
        Ok(())
    }
}

/// The numbers that are not to be called.
async fn numbers(exclude: Input, options: &Options) -> std::result::Result<Numbers, SourceError> {
    let rules = comparable(&options.content)?;
    let column = options.content.phone_number.clone();
    let halt = pipeline::Halt::default();
    let stop = halt.flag();
    let reading =
        tokio::task::spawn_blocking(move || read_numbers(&exclude, &column, rules, &stop));
    reading.await.unwrap_or_else(|_| Err(bug().into()))
}

/// The loop.
struct Loop {
    desk: Desk,
    service: Arc<dyn Service>,
    reading: Reading,
    is_reading: bool,
    requests: Requests,
}

impl Loop {
    fn new(desk: Desk, service: Arc<dyn Service>, reading: Reading) -> Self {
        Self { desk, service, reading, is_reading: false, requests: Requests::new() }
    }

    async fn run(mut self) {
        let mut event = Event::Begin;
        loop {
            for effect in self.desk.on(event) {
                self.carry_out(effect);
            }
            if self.desk.ledger.has_ended() {
                return;
            }
            event = self.next().await;
        }
    }

    /// The next thing that happens.
    async fn next(&mut self) -> Event {
        let wake = self.desk.wake();
        let is_reading = self.is_reading;
        tokio::select! {
            biased;
            event = self.requests.next() => {
                if let Event::Answered { push, .. } = &event {
                    self.desk.departures.remove(push);
                }
                event
            }
            Some(word) = self.desk.words.recv() => self.desk.said(word),
            event = self.reading.next(), if is_reading => {
                self.is_reading = false;
                event
            }
            () = sleep(wake) => Event::Tick,
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::AskCampaign => {
                let otherwise = Event::Campaign(Err(bug()));
                self.ask(
                    otherwise,
                    |service| async move { Event::Campaign(service.campaign().await) },
                );
            }
            Effect::Check => {
                let (input, encoder) = (self.reading.input.clone(), self.reading.encoder.clone());
                let tally = self.reading.check.take();
                self.ask(Event::Checked(Err(bug().into())), |_| async move {
                    let halt = pipeline::Halt::default();
                    let stop = halt.flag();
                    let check = move || pipeline::check(&input, &encoder, tally, &stop);
                    let checked = tokio::task::spawn_blocking(check).await;
                    Event::Checked(checked.unwrap_or_else(|_| Err(bug().into())))
                });
            }
            Effect::Know(book) => {
                if let Some(plan) = &mut self.reading.plan {
                    plan.book = Some(book);
                }
            }
            Effect::Read => match self.reading.begin() {
                Ok(()) => self.is_reading = true,
                Err(error) => {
                    self.requests.tell(Event::SourceFailed(error.into()));
                }
            },
            Effect::Halt => {
                if let Some(pipeline) = &self.reading.pipeline {
                    pipeline.stop();
                }
            }
            Effect::Push { push, batch } => {
                let departure = Departure::default();
                self.desk.departures.insert(push, departure.clone());
                let error = Error::PushOutcomeUnknown { records: 0, cause: Box::new(bug()) };
                let reply = Reply::Lost { timed_out: false, error };
                self.ask(Event::Answered { push, reply }, move |service| async move {
                    let reply = service.push(batch, departure).await;
                    Event::Answered { push, reply }
                });
            }
            Effect::Fetch { look, page: number } => {
                let otherwise = Event::Page { look, number, body: Err(bug()) };
                self.ask(otherwise, move |service| async move {
                    Event::Page { look, number, body: service.page(number).await }
                });
            }
            Effect::Count { look } => {
                let otherwise = Event::Counted { look, count: None };
                self.ask(otherwise, move |service| async move {
                    let campaign = service.campaign().await.ok();
                    Event::Counted { look, count: campaign.and_then(|campaign| campaign.records) }
                });
            }
            Effect::Recall(seq) => {
                let chunk = self.desk.store.as_mut().and_then(|store| store.recall(seq));
                self.requests.tell(Event::Recalled { seq, chunk });
            }
            other => self.desk.carry_out(other),
        }
    }

    /// Asks the service, beside all else; `otherwise` happens where that fails inside.
    fn ask<F: Future<Output = Event> + Send + 'static>(
        &mut self,
        otherwise: Event,
        request: impl FnOnce(Arc<dyn Service>) -> F,
    ) {
        let request = request(self.service.clone());
        self.requests.begin(otherwise, request);
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        // Rows that were read belong to the report.
        if !self.desk.ledger.has_ended()
            && !std::thread::panicking()
            && let Some(pipeline) = &mut self.reading.pipeline
        {
            while let Ok(piece) = pipeline.pieces.try_recv() {
                if let Piece::Chunk(chunk) | Piece::Rest(chunk) = piece {
                    self.desk.rest(chunk);
                }
            }
        }
        self.requests.abort();
        self.reading.pipeline = None;
    }
}

async fn sleep(wake: Option<Duration>) {
    match wake {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}
