//! The loop that sends chunks and keeps account of them.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::answer::{self, Answer};
use super::blob;
use super::chunk::{Chunk, Fate};
use super::ending::{Cause, Ending, Failure, Snapshot, Stopped, bug};
use super::options::{OnUnknown, Options};
use super::outcome::Counts;
use super::pace::Pace;
use super::pipeline::{Piece, Pipeline};
use super::refusal::{self, Refusal};
use super::report::Report;
use super::source::SourceError;
use super::store::{Entry, Identity, Opened, Store};
use super::work::{Part, Work};
use crate::http::Client;
use crate::{Error, Result};

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(100);
/// How much of the source, in bytes, may be under way.
const WINDOW_BYTES: usize = 16 << 20;
/// How long an upload that stops waits for rows that are being read.
const LAST_ROWS: Duration = Duration::from_secs(1);

/// What an upload is made of.
pub(super) struct Setting {
    pub(super) client: Client,
    pub(super) campaign: Uuid,
    pub(super) options: Options,
    pub(super) started: Instant,
    /// From when on a record of this upload is younger than any of before, by the service's clock.
    pub(super) clear_at: Instant,
}

/// The state of an upload under way. Dropped, it leaves its report.
pub(super) struct Driver {
    pub(super) setting: Setting,
    pub(super) identity: Identity,
    /// None once it is closed.
    pub(super) store: Option<Store>,
    durable: UnboundedReceiver<Result<u64>>,
    /// Chunks that are being written down.
    pub(super) planning: BTreeMap<u64, Work>,
    /// How many chunks had been written down before this upload began.
    pub(super) resumed: u64,
    /// How many chunks have come out of the pipeline.
    pub(super) taken: u64,
    /// None once it has ended.
    pub(super) pipeline: Option<Pipeline>,
    /// Chunks of which something is left to do.
    pub(super) works: BTreeMap<u64, Work>,
    pushes: JoinSet<Result<Vec<Answer>>>,
    pace: Pace,
    /// Why nothing more is sent.
    pub(super) stopping: Option<Cause>,
    /// Whether anything may have been sent, this time.
    pub(super) launched: bool,
    /// The pushes that are out.
    in_flight: HashMap<tokio::task::Id, (u64, Part)>,
    pub(super) doubtful_at: Instant,
    pub(super) fruitless: u32,
    pub(super) known_before: u64,
    pub(super) finished: Counts,
    pub(super) read: u64,
    total: Option<u64>,
    told: Instant,
    progress: watch::Sender<Snapshot>,
    ending: Ending,
}

impl Driver {
    pub(super) fn new(
        setting: Setting,
        opened: Opened,
        pipeline: Pipeline,
        progress: watch::Sender<Snapshot>,
        ending: Ending,
    ) -> Self {
        let Opened { store, identity, cuts, durable } = opened;
        Self {
            pace: Pace::new(setting.options.max_records_per_second),
            doubtful_at: setting.started,
            told: setting.started,
            setting,
            identity,
            store: Some(store),
            durable,
            planning: BTreeMap::new(),
            launched: false,
            in_flight: HashMap::new(),
            resumed: cuts.len() as u64,
            taken: 0,
            pipeline: Some(pipeline),
            works: BTreeMap::new(),
            pushes: JoinSet::new(),
            stopping: None,
            fruitless: 0,
            known_before: 0,
            finished: Counts::default(),
            read: 0,
            total: None,
            progress,
            ending,
        }
    }

    /// Runs the upload to its end.
    pub(super) async fn run(mut self) -> std::result::Result<Report, Failure> {
        loop {
            self.launch();
            self.tell(false);
            let is_idle = self.pushes.is_empty() && self.planning.is_empty() && !self.can_launch();
            if is_idle && !self.can_read() {
                if self.works.is_empty() || self.stopping.is_some() {
                    break;
                }
                self.settle().await;
                continue;
            }
            if let Err(error) = self.step().await {
                // What is still being read belongs to no upload.
                self.pipeline = None;
                self.stopping.get_or_insert(Cause::Journal(error));
                return self.end();
            }
        }
        self.end()
    }

    /// Waits for the next thing to happen, and does what it asks for.
    async fn step(&mut self) -> Result<()> {
        let can_read = self.can_read();
        let wait = self.wait();
        let is_stopping = self.stopping.is_some();
        // A source that has failed has ended; another may be in the middle of its next row.
        let patience = match &self.stopping {
            None | Some(Cause::Source(_)) => None,
            Some(_) => Some(LAST_ROWS),
        };
        tokio::select! {
            Some(pushed) = self.pushes.join_next_with_id(), if !self.pushes.is_empty() => {
                let (id, result) = match pushed {
                    Ok((id, result)) => (id, result),
                    Err(error) => (error.id(), Err(in_doubt())),
                };
                if let Some((seq, part)) = self.in_flight.remove(&id) {
                    self.answered(seq, part, result);
                }
            }
            written = self.durable.recv(), if !self.planning.is_empty() => {
                self.written(written.unwrap_or_else(|| Err(bug())));
            }
            piece = next_piece(self.pipeline.as_mut(), patience), if can_read => {
                match piece {
                    None => self.at_end()?,
                    Some(Piece::Total(total)) => self.total = Some(total),
                    Some(Piece::Chunk(chunk)) if !is_stopping => self.admit(chunk).await?,
                    Some(Piece::Chunk(chunk) | Piece::Rest(chunk)) => self.shelve(chunk),
                    Some(Piece::Failed(error)) => self.stop(Cause::Source(error)),
                }
            }
            () = tokio::time::sleep(wait) => {}
        }
        // Failures to write come even where nothing waits for them.
        while let Ok(written) = self.durable.try_recv() {
            self.written(written);
        }
        Ok(())
    }

    fn end(mut self) -> std::result::Result<Report, Failure> {
        self.tell(true);
        let report = self.close();
        let refused = match self.stopping.take() {
            None => return Ok(report),
            Some(Cause::Source(error @ SourceError::Unreadable(_))) if !self.launched => error,
            Some(Cause::Journal(error)) if !self.launched => error.into(),
            Some(cause) => return Err(Failure::Stopped(Box::new(Stopped { cause, report }))),
        };
        Err(Failure::Refused(refused))
    }

    /// How long nothing may happen: until the next request is allowed, or progress is told.
    fn wait(&self) -> Duration {
        let has_slot = self.pushes.len() < self.setting.options.concurrency;
        if !(has_slot && self.can_launch()) {
            return TELL_EVERY;
        }
        let pace = self.pace.wait(self.setting.started.elapsed());
        let clock = self.setting.clear_at.saturating_duration_since(Instant::now());
        pace.max(clock).clamp(Duration::from_millis(1), TELL_EVERY)
    }

    fn can_read(&self) -> bool {
        self.pipeline.is_some() && (self.stopping.is_some() || self.has_room())
    }

    fn has_room(&self) -> bool {
        let works = self.works.len() + self.planning.len();
        let bytes: usize =
            self.works.values().chain(self.planning.values()).map(|work| work.chunk.size()).sum();
        works < 16 + 4 * self.setting.options.concurrency && bytes < WINDOW_BYTES
    }

    /// Whether there is something to send. While a journal's rows are read again nothing is: a
    /// source that has changed is noticed first.
    fn can_launch(&self) -> bool {
        let is_verified = self.taken >= self.resumed || !self.has_room();
        self.stopping.is_none() && is_verified && self.works.values().any(Work::is_ready)
    }

    fn launch(&mut self) {
        while self.pushes.len() < self.setting.options.concurrency && self.can_launch() {
            let Some((seq, work)) = self.works.iter_mut().find(|(_, work)| work.is_ready()) else {
                return;
            };
            let (seq, now) = (*seq, Instant::now());
            let since_start = now.saturating_duration_since(self.setting.started);
            let must_wait = now < self.setting.clear_at && has_own_sessions(&work.chunk);
            if must_wait || !self.pace.wait(since_start).is_zero() {
                return;
            }
            let Some(part) = work.send() else { return };
            let body = work.chunk.body(&part);
            self.pace.sent(part.len(), since_start);
            let (client, campaign) = (self.setting.client.clone(), self.setting.campaign);
            let count = part.len();
            let push = self.pushes.spawn(async move {
                let read = |body: &[u8]| answer::read(body, count);
                client.push_body(campaign, body, count, read).await
            });
            self.launched = true;
            self.in_flight.insert(push.id(), (seq, part));
        }
    }

    /// What an answer means for the rows that it is about.
    fn answered(&mut self, seq: u64, part: Part, result: Result<Vec<Answer>>) {
        let Some(work) = self.works.get_mut(&seq) else { return };
        match result.map_err(refusal::of) {
            Ok(answers) => work.applied(&part, answers),
            Err(Refusal::TooLarge(error)) => work.halve(part, &error),
            Err(Refusal::Rows { named, error }) => work.isolate(part, &named, &error),
            Err(Refusal::InDoubt(error)) => {
                work.in_doubt(&part, &error.to_string());
                self.doubtful_at = Instant::now();
                if self.setting.options.on_unknown == OnUnknown::Stop {
                    self.stop(Cause::Service(error));
                }
            }
            Err(Refusal::Fatal(error)) => {
                work.not_sent(&part);
                self.stop(Cause::Service(error));
            }
        }
        self.conclude(seq);
    }

    /// Writes down what is known of a chunk, and lets go of it if that is all there will be.
    pub(super) fn conclude(&mut self, seq: u64) {
        let Some(work) = self.works.get(&seq) else { return };
        let leaves = self.setting.options.on_unknown == OnUnknown::Leave;
        if work.is_finished() || (leaves && work.is_in_doubt_only()) {
            self.let_go(seq);
        } else if self.setting.options.journal.is_some() {
            self.record(&self.works[&seq], Stage::Open);
        }
    }

    /// Writes down what is known of a chunk and lets go of it.
    pub(super) fn let_go(&mut self, seq: u64) {
        if let Some(work) = self.works.remove(&seq) {
            self.record(&work, Stage::Ended);
            self.finished.merge(&work.counts());
        }
    }

    pub(super) fn record(&self, work: &Work, stage: Stage) {
        if let Some(store) = &self.store {
            store.record(entry(work, stage));
        }
    }

    /// A chunk is written down, or could not be.
    fn written(&mut self, written: Result<u64>) {
        match written {
            Ok(seq) => {
                if let Some(work) = self.planning.remove(&seq) {
                    self.works.insert(seq, work);
                }
            }
            Err(error) => {
                self.works.append(&mut self.planning);
                self.stop(Cause::Journal(error));
            }
        }
    }

    /// Sends nothing more, for this reason if it is the first.
    pub(super) fn stop(&mut self, cause: Cause) {
        if let Some(pipeline) = &self.pipeline {
            pipeline.stop();
        }
        self.stopping.get_or_insert(cause);
    }

    fn tell(&mut self, is_last: bool) {
        if !is_last && self.told.elapsed() < TELL_EVERY {
            return;
        }
        self.told = Instant::now();
        let mut counts = self.finished;
        for work in self.works.values().chain(self.planning.values()) {
            counts.merge(&work.counts());
        }
        let elapsed = self.setting.started.elapsed();
        let (total, read) = (self.total, self.read);
        self.progress.send_replace(Snapshot { total, read, counts, elapsed, is_last });
    }

    /// Writes everything down as it stands, lets go of the journal, and reports.
    fn close(&mut self) -> Report {
        self.pushes.abort_all();
        let mut works = std::mem::take(&mut self.works);
        works.append(&mut self.planning);
        for work in works.values_mut() {
            work.cut_off();
            self.record(work, Stage::Ended);
        }
        let (upload, elapsed) = (self.identity.upload, self.setting.started.elapsed());
        let closed = self.store.take().ok_or_else(bug).and_then(Store::close);
        while let Ok(written) = self.durable.try_recv() {
            self.written(written);
        }
        closed.and_then(|closed| Report::new(upload, elapsed, closed)).unwrap_or_else(|error| {
            self.stopping.get_or_insert(Cause::Journal(error));
            Report::unknown(upload)
        })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if self.store.is_none() {
            return;
        }
        self.stop(Cause::CutOff);
        if let Some(mut pipeline) = self.pipeline.take() {
            while let Ok(piece) = pipeline.pieces.try_recv() {
                if let Piece::Chunk(chunk) | Piece::Rest(chunk) = piece {
                    self.shelve(chunk);
                }
            }
        }
        let report = self.close();
        self.ending.leave(report);
    }
}

/// The error of a push whose task failed.
fn in_doubt() -> Error {
    Error::PushOutcomeUnknown { records: 0, cause: Box::new(bug()) }
}

async fn next_piece(pipeline: Option<&mut Pipeline>, patience: Option<Duration>) -> Option<Piece> {
    let next = pipeline?.pieces.recv();
    match patience {
        Some(patience) => tokio::time::timeout(patience, next).await.ok().flatten(),
        None => next.await,
    }
}

fn has_own_sessions(chunk: &Chunk) -> bool {
    chunk.rows.iter().any(|row| row.fate == Fate::Send { own_session: true })
}

pub(super) fn checks(chunk: &Chunk) -> Vec<u8> {
    chunk.rows.iter().flat_map(|row| row.check.to_le_bytes()).collect()
}

/// How far a chunk is when it is written down.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// All of it is about to go out.
    Planned,
    /// Parts of it are known, and others may be on their way.
    Open,
    /// Nothing more of it goes out.
    Ended,
}

pub(super) fn entry(work: &Work, stage: Stage) -> Entry {
    Entry {
        seq: work.chunk.seq,
        first_row: work.chunk.first_row,
        checks: checks(&work.chunk),
        results: (stage != Stage::Planned).then(|| blob::pack(work, stage == Stage::Open)),
    }
}
