//! The ledger: what an upload does, as a pure machine.
//!
//! It is told what happened and answers with what is to be done: [`Ledger::on`]. It reads no clock,
//! draws no random number, opens no file and knows no socket; so a whole upload can be played, and
//! played again, from a seed.
//!
//! A chunk's way through it:
//!
//! 1. **Read.** Rows that stay home are counted as what they are. (`intake`)
//! 2. **Written down.** With a journal, nothing of a chunk leaves before its plan is durable.
//! 3. **Sent**, in one request or in parts, as the gate allows. (`gate`, `sending`)
//! 4. **Answered.** Rows are accepted or rejected and that is written down; refused as a whole, they
//!    go again in halves; lost, they are *in doubt*, and the chunk is put aside.
//! 5. **Looked for.** Now and then, and at the end, one look at the listing serves all rows in doubt.
//!    Found rows are accepted. Rows that are *proven* absent go out again. The rest stays in doubt,
//!    and says why. (`settling`, `look`, `listing`, `proof`, `settled`)
//!
//! | module | holds |
//! | --- | --- |
//! | `event` | what the ledger is told, and what it asks for |
//! | `index` | what every row has come to, and the counts |
//! | `work` | what is left to do of one chunk |
//! | `intake`, `resume` | taking chunks in, and those that were written down before |
//! | `held` | how many rows may still go, and what keeps the others home |
//! | `gate`, `pace` | whether a push may leave, and how large it may be |
//! | `sending` | pushes, and what their answers mean |
//! | `settling` | when to look, and what a look is judged by |
//! | `settled` | what becomes of the rows that were looked for |
//! | `look` | which pages of the listing to fetch |
//! | `keyed`, `belief`, `roster`, `scan`, `known`, `book` | rows that are known by keys: what is there already, and how that is proven |
//! | `listing`, `page`, `own`, `span` | what pages show of the upload |
//! | `extent` | how much of the listing was seen, and whether that is all of it |
//! | `proof` | what a listing proves of the rows that it does not show |
//! | `ending` | how it stops, and what it leaves behind |

mod belief;
mod book;
mod ending;
mod event;
pub(super) mod extent;
mod gate;
mod held;
mod index;
mod intake;
mod keyed;
mod known;
mod listing;
mod look;
mod own;
mod pace;
pub(super) mod page;
mod proof;
mod resume;
mod roster;
mod scan;
mod sending;
mod settled;
mod settling;
mod sizes;
mod span;
mod work;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::options::{Existing, OnUnknown};
use super::outcome::Counts;
use super::seal::Sealer;
use super::source::SourceError;
use crate::Error;
use ending::Stage;

pub use book::Book;
pub use event::{Batch, Beginning, Campaign, Cause, Effect, Event, Plan, Reply, Snapshot, Stored};
pub use index::{Index, Place, State};
pub use known::Known;
pub(super) use own::{Reader, print};

/// How often progress is told, at most.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// What an upload keeps to.
#[derive(Debug, Clone)]
pub struct Setting {
    /// What its tokens begin with: the upload's id.
    pub upload: String,
    /// The region of its numbers.
    pub region: Option<String>,
    /// Whether what is written down outlives the process, and must be durable.
    pub is_journaled: bool,
    /// Read and count all, send nothing.
    pub is_dry_run: bool,
    /// Whether the source is checked as a whole before anything is sent.
    pub checks_first: bool,
    /// The most rows that go this time.
    pub limit: Option<u64>,
    /// What happens to rows of unknown outcome.
    pub on_unknown: OnUnknown,
    /// How long the service is given to finish what it has of a lost request.
    pub settle_after: Duration,
    /// How fast rows may leave.
    pub limits: Limits,
    /// How many chunks were written down before, and when the upload began.
    pub before: Before,
    /// What is known of rows by their keys; none where they are known by their places.
    pub keyed: Option<Keyed>,
    /// The wall clock at the ledger's beginning.
    pub wall: Timestamp,
}

/// How fast rows may leave, and how many may be under way.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Requests at a time.
    pub concurrency: usize,
    /// The most rows a second.
    pub rows_per_second: Option<f64>,
    /// The most bytes of rows in memory.
    pub window: usize,
    /// Tries after the first, where nothing was sent or too much was.
    pub max_retries: u32,
    /// How long a request may take.
    pub timeout: Duration,
    /// How long the service may stay away.
    pub give_up_after: Duration,
}

/// What was written down by an upload that goes on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Before {
    /// How many chunks; none for a new upload.
    pub chunks: u64,
    /// When it began.
    pub beginning: Beginning,
}

/// What is known of rows by their keys before an upload begins.
#[derive(Debug, Clone)]
pub struct Keyed {
    /// What tells which rows were uploaded before.
    pub existing: Existing,
    /// What tells tokens apart.
    pub sealer: Sealer,
    /// What all tokens begin with; none where they are ids of the caller's own.
    pub prefix: Option<String>,
    /// What the journal knows.
    pub known: Arc<Known>,
    /// Whether an upload of the same name was cut off on this machine.
    pub was_cut_off: bool,
}

/// The account of one upload.
pub struct Ledger {
    setting: Setting,
    index: Index,
    /// Chunks that are in memory and have something left to do.
    works: BTreeMap<u64, work::Work>,
    /// Chunks with rows in doubt and nothing else to do.
    aside: BTreeMap<u64, work::Work>,
    flights: HashMap<u64, sending::Flight>,
    gate: gate::Gate,
    source: intake::Intake,
    settling: settling::Settling,
    keys: Option<keyed::Keys>,
    phase: ending::Phase,
    random: Box<dyn FnMut() -> f64 + Send>,
    out: Vec<Effect>,
}

impl Setting {
    /// Reads numbers as the upload does.
    fn reader(&self) -> Reader {
        Reader::new(self.region.as_deref())
    }
}

impl Ledger {
    /// The ledger of an upload that has not begun. `random` draws from `0.0..1.0`.
    pub fn new(setting: Setting, random: Box<dyn FnMut() -> f64 + Send>) -> Self {
        let Limits { concurrency, rows_per_second, max_retries, give_up_after, .. } =
            setting.limits;
        let rules = gate::Rules { concurrency, rows_per_second, max_retries, give_up_after };
        Self {
            gate: gate::Gate::new(rules),
            source: intake::Intake::new(setting.before.chunks, setting.limit),
            settling: settling::Settling::new(setting.before.beginning),
            keys: setting.keyed.clone().map(keyed::Keys::new),
            setting,
            index: Index::default(),
            works: BTreeMap::new(),
            aside: BTreeMap::new(),
            flights: HashMap::new(),
            phase: ending::Phase::default(),
            random,
            out: Vec::new(),
        }
    }

    /// Something happened; what is to be done, in this order. `now` is the time since the ledger's
    /// beginning and never goes back.
    pub fn on(&mut self, event: Event, now: Duration) -> Vec<Effect> {
        self.phase.now = now;
        match event {
            Event::Begin => self.begin(now),
            Event::Campaign(campaign) => self.campaign(campaign, now),
            Event::Checked(Ok(())) => self.begin_rows(now),
            Event::Checked(Err(error)) => self.refuse(Cause::Checked(error), now),
            Event::Total(total) => {
                self.source.total(total);
                self.keys.iter_mut().for_each(|keys| keys.make_room(total));
            }
            Event::Chunk(chunk) => self.admit(chunk, now),
            Event::Rest(chunk) => self.shelve(&chunk),
            Event::SourceEnded => self.source_ended(),
            Event::SourceFailed(error) => self.source_failed(error, now),
            Event::Loaded { seq, stored } => self.loaded(seq, stored, now),
            Event::Planned(seqs) => seqs.into_iter().for_each(|seq| self.planned(seq)),
            Event::StoreFailed(error) => self.store_failed(error, now),
            Event::Answered { push, reply } => self.answered(push, reply, now),
            Event::Recalled { seq, chunk } => self.recalled(seq, chunk),
            Event::Page { look, number, body } => self.page(look, number, body, now),
            Event::Counted { look, count } => self.counted(look, count, now),
            Event::Tick => {}
            Event::Stop(cause) => self.stop(cause, now),
            Event::CutOff { cause, unsent } => self.cut_off(cause, &unsent, now),
        }
        self.go_on(now);
        std::mem::take(&mut self.out)
    }

    /// When the ledger wants an [`Event::Tick`], if nothing happens before. That may be over by the time
    /// somebody asks: it is then wanted at once.
    pub fn wake(&self) -> Option<Duration> {
        if self.has_ended() {
            return None;
        }
        let moments = [
            self.phase.tells_at(),
            self.next_push(),
            self.next_look(),
            self.phase.deadline(),
            self.hopeless(),
        ];
        // What was due when something last happened was done then, or waits for something else.
        moments.into_iter().flatten().filter(|at| *at > self.phase.now).min()
    }

    /// How many rows it holds in memory.
    pub fn in_memory(&self) -> usize {
        self.works.values().filter_map(work::Work::chunk).map(|chunk| chunk.rows.len()).sum()
    }

    /// What every row has come to.
    pub const fn index(&self) -> &Index {
        &self.index
    }

    /// How many rows came to what.
    pub fn counts(&self) -> Counts {
        self.index.counts()
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.phase.stage == Stage::Ended
    }

    /// Why nothing more is sent.
    pub const fn cause(&self) -> Option<&Cause> {
        self.phase.stopping.as_ref()
    }

    /// Whether anything may have been sent, this time.
    pub const fn has_launched(&self) -> bool {
        self.phase.has_launched
    }

    fn begin(&mut self, now: Duration) {
        if self.setting.is_dry_run && self.keys.is_none() {
            self.check(now);
        } else {
            self.out.push(Effect::AskCampaign);
        }
    }

    fn check(&mut self, now: Duration) {
        if self.setting.checks_first {
            self.out.push(Effect::Check);
        } else {
            self.begin_rows(now);
        }
    }

    fn campaign(&mut self, campaign: Result<Campaign, Error>, now: Duration) {
        let campaign = match campaign {
            Ok(campaign) => campaign,
            Err(error) => return self.refuse(Cause::Preflight(error), now),
        };
        if !self.setting.is_dry_run && takes_no_records(&campaign.status) {
            return self.refuse(Cause::NotRunning(campaign.status), now);
        }
        if self.setting.before.chunks == 0 {
            self.settling.beginning = Beginning {
                // `Date` has whole seconds: what was created within this one may be of before.
                service: campaign.date.and_then(|date| date.checked_add(SECOND).ok()),
                began: Some(self.wall(now)),
                records: campaign.records,
                first_known_after: None,
            };
            self.out.push(Effect::Identify(self.settling.beginning));
            self.phase.own_from = now + SECOND;
        }
        self.check(now);
    }

    fn wall(&self, now: Duration) -> Timestamp {
        self.setting.wall.saturating_add(now).unwrap_or(Timestamp::MAX)
    }

    fn source_failed(&mut self, error: SourceError, now: Duration) {
        self.source.arrived();
        self.stop(Cause::Source(error), now);
    }

    /// Whether there is more to send.
    pub(super) fn has_more(&self) -> bool {
        !self.source.has_ended
            || !self.settling.recalls.is_empty()
            || self.works.values().any(|work| !work.parts.is_empty())
    }

    /// Does whatever can be done now.
    fn go_on(&mut self, now: Duration) {
        if matches!(self.phase.stage, Stage::Checking | Stage::Ended) {
            return;
        }
        if let Some((after, error)) = self.gate.is_hopeless(now).filter(|_| self.has_more()) {
            self.stop(Cause::GaveUp { after, error }, now);
        }
        // What a look settles may be sent at once.
        self.settle(now);
        self.recall();
        self.launch(now);
        self.read();
        self.end_if_done(now);
        self.tell(now, false);
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// Whether a campaign of this status takes no records. A status of tomorrow may be a running one.
fn takes_no_records(status: &str) -> bool {
    matches!(status, "paused" | "completed" | "cancelled")
}
