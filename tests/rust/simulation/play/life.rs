//! One life of the process that uploads.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use revrag::Error;
use revrag::bulk::ledger::{
    Batch, Before, Cause, Effect, Event, Keyed, Ledger, Limits, Reply, Setting,
};
use revrag::bulk::source::SourceError;
use revrag::bulk::{Ask, Chunk, OnUnknown};

use super::super::check::{self, Violation};
use super::super::keyed;
use super::super::scenario::Fate;
use super::super::service::{self, Answer};
use super::super::source;
use super::super::watch::Watch;
use super::{Happening, LEAST, LONGEST, Play, Push, STEPS, UPLOAD};

/// One life of the process.
pub(super) struct Life {
    pub(super) ledger: Ledger,
    fate: Fate,
    /// Whether an upload before was cut off on this machine.
    pub(super) was_cut_off: bool,
    /// Which row stands at each place of the source.
    pub(super) order: Vec<usize>,
    /// The most rows in a request.
    most: usize,
    chunks: VecDeque<Chunk>,
    read: u64,
    is_halted: bool,
    has_failed: bool,
    aside: HashMap<u64, Chunk>,
    effects: u64,
    events: u64,
    began: Duration,
    watch: Watch,
    /// Rows that left in this life.
    left: HashSet<(u64, u32)>,
}

impl Life {
    pub(super) fn begin(play: &mut Play<'_>, fate: Fate) -> Result<Self, Violation> {
        let scenario = play.scenario;
        let cuts = play.store.cuts();
        // Other sizes the second time.
        let most = if play.life % 2 == 1 { scenario.chunk.div_ceil(2) } else { scenario.chunk };
        let concurrency = if play.life % 2 == 1 { 2 } else { scenario.concurrency };
        if let Fate::StoreFails(after) = fate {
            play.store.fails_after = Some(after);
        }
        let setting = Setting {
            upload: UPLOAD.to_owned(),
            region: Some("IN".to_owned()),
            is_journaled: scenario.is_journaled,
            is_dry_run: false,
            limit: scenario.limit,
            checks_first: false,
            on_unknown: OnUnknown::Settle,
            settle_after: scenario.settle_after,
            limits: Limits {
                concurrency,
                rows_per_second: scenario.rate,
                window: scenario.window,
                max_retries: scenario.max_retries,
                timeout: scenario.timeout,
                give_up_after: scenario.give_up_after,
            },
            before: Before { chunks: cuts.len() as u64, beginning: play.store.beginning() },
            keyed: scenario.keyed.map(|keyed| Keyed {
                existing: if keyed.asks_journal { Ask::Journal } else { Ask::Campaign },
                sealer: keyed::sealer(),
                prefix: Some("Round:".to_owned()),
                known: Arc::new(play.known.clone()),
                was_cut_off: play.was_cut_off,
            }),
            wall: service::dawn() + play.now,
        };
        let mut rng = Rng::with_seed(scenario.seed ^ play.life as u64);
        let life = play.life;
        let order = match &scenario.keyed {
            Some(keyed) => keyed::order(scenario, keyed, play.life),
            None => (0..play.rows.len()).collect(),
        };
        let was_cut_off = std::mem::replace(&mut play.was_cut_off, true);
        Ok(Self {
            was_cut_off,
            order,
            most,
            ledger: Ledger::new(setting, Box::new(move || rng.f64())),
            fate,
            chunks: source::chunks(&play.rows, UPLOAD, &cuts, most, |number| {
                scenario.is_excluded(number, life)
            }),
            read: 0,
            is_halted: false,
            has_failed: false,
            aside: HashMap::new(),
            effects: 0,
            events: 0,
            began: play.now,
            watch: Watch::new(scenario, play.now),
            left: HashSet::new(),
        })
    }

    /// Lives to the end; how many rows are unknown then.
    pub(super) fn run(mut self, play: &mut Play<'_>) -> Result<u64, Violation> {
        let (fate, life) = (self.fate, play.life);
        let now = play.now;
        play.story.tell(("life", life), || format!("{now:?}: life {life} begins: {fate:?}"));
        let mut event = Event::Begin;
        loop {
            self.events += 1;
            if self.events > STEPS || play.now > self.began + LONGEST {
                return Err(Violation::new("it does not end".to_owned()));
            }
            self.tell_of(&event, play);
            self.heard(&event, play)?;
            let now = play.now - self.began;
            let effects = self.ledger.on(event, now);
            for effect in effects {
                if let Fate::Killed(at) = self.fate
                    && self.effects == at
                {
                    let now = play.now;
                    play.story.tell("killed", || format!("{now:?}: killed"));
                    return Ok(0);
                }
                self.effects += 1;
                self.carry_out(effect, play)?;
            }
            play.store.sync(play.now);
            if self.ledger.has_ended() {
                return self.end(play);
            }
            self.watch.passes(self.ledger.cause().is_some(), play.now)?;
            if matches!(self.fate, Fate::Stopped(at) if self.events == at + 1) {
                play.later(play.now, Happening::Told(Event::Stop(Cause::CutOff)));
            }
            if matches!(self.fate, Fate::CutOff(at) if self.events > at) || self.is_stuck(play) {
                return self.cut_off(play);
            }
            let wake = self.ledger.wake().map(|at| at + self.began);
            let Some(happening) = play.next(wake)? else {
                if matches!(self.fate, Fate::Blocked(_)) {
                    return self.cut_off(play);
                }
                return Err(Violation::new("it waits for nothing".to_owned()));
            };
            event = match happening {
                Happening::Told(event) => event,
                Happening::Read if self.blocks() => Event::Tick,
                Happening::Read => self.next_piece(),
                Happening::Answered { push, twist } => match play.pushes.get(&(play.life, push)) {
                    Some(Push { batch, results, .. }) => {
                        let reply = service::reply(batch, results, twist);
                        Event::Answered { push, reply }
                    }
                    None => Event::Tick,
                },
                Happening::Applied { .. } => Event::Tick,
            };
        }
    }

    /// What is heard of the service, as far as it is new.
    fn heard(&mut self, event: &Event, play: &mut Play<'_>) -> Result<(), Violation> {
        match event {
            Event::Page { .. } | Event::Counted { .. } => self.watch.looked(),
            Event::Answered { push, reply } => {
                if let Some(push) = play.pushes.get_mut(&(play.life, *push))
                    && !std::mem::replace(&mut push.is_answered, true)
                {
                    self.watch.answered(&push.rows, reply, play.now)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the source gives nothing more.
    fn blocks(&self) -> bool {
        match self.fate {
            Fate::Blocked(at) => self.read >= at,
            Fate::Stopped(at) => self.events > at,
            _ => false,
        }
    }

    /// Whether the source blocks, and nothing else goes on.
    fn is_stuck(&self, play: &Play<'_>) -> bool {
        matches!(self.fate, Fate::Blocked(at) if self.read >= at)
            && play.now > self.began + Duration::from_secs(20)
            && self.ledger.cause().is_none()
    }

    fn tell_of(&self, event: &Event, play: &mut Play<'_>) {
        let now = play.now;
        let words = || match event {
            Event::Chunk(chunk) => {
                format!("chunk {} was read: {} rows", chunk.seq, chunk.rows.len())
            }
            Event::Rest(chunk) => format!("chunk {} was read, not to be sent", chunk.seq),
            Event::Page { number, body, .. } => match body {
                Ok(body) => format!("page {number}: {} bytes", body.len()),
                Err(error) => format!("page {number}: {error}"),
            },
            Event::Loaded { seq, .. } => format!("chunk {seq} is loaded"),
            Event::Answered { push, reply: Reply::Applied(_) } => {
                format!("push {push} is answered")
            }
            Event::Recalled { seq, .. } => format!("chunk {seq} is back"),
            other => format!("{other:?}"),
        };
        if !matches!(event, Event::Tick) {
            let kind = std::mem::discriminant(event);
            play.story.tell((now, kind), || format!("{now:?}: {}", words()));
        }
    }

    fn next_piece(&mut self) -> Event {
        if let Fate::SourceRaises(after) = self.fate
            && self.read >= after
            && !std::mem::replace(&mut self.has_failed, true)
        {
            return Event::SourceFailed(SourceError::Raised { row: 0 });
        }
        // Of a source that has failed, or was told to stop, a chunk more comes at most.
        if self.has_failed || self.is_halted {
            let rest = self.chunks.pop_front();
            self.chunks.clear();
            return rest.map_or(Event::SourceEnded, Event::Rest);
        }
        self.read += 1;
        self.chunks.pop_front().map_or(Event::SourceEnded, Event::Chunk)
    }

    fn carry_out(&mut self, effect: Effect, play: &mut Play<'_>) -> Result<(), Violation> {
        let (now, scenario) = (play.now, play.scenario);
        let soon = now + Duration::from_micros(300);
        match effect {
            Effect::AskCampaign => {
                let campaign = play.service.campaign(now);
                play.later(soon, Happening::Told(Event::Campaign(Ok(campaign))));
            }
            Effect::Check => play.later(soon, Happening::Told(Event::Checked(Ok(())))),
            Effect::Read => {
                if !self.blocks() {
                    let takes = Duration::from_micros(50);
                    play.later(now + takes, Happening::Read);
                }
            }
            Effect::Halt => self.is_halted = true,
            Effect::Identify(beginning) => {
                play.store.begin(beginning, now + scenario.durable_after);
            }
            Effect::Load(seq) => {
                let stored = play.store.durable(seq);
                let stored = stored.ok_or_else(|| Error::Journal("it is not there".to_owned()));
                play.later(soon, Happening::Told(Event::Loaded { seq, stored }));
            }
            Effect::Plan(written) => {
                let seq = written.seq;
                let at = play.store.plan(written, now + scenario.durable_after);
                self.written(play, at, Some(seq));
            }
            Effect::Record { seq, results, is_awaited } => {
                let at = play.store.part(seq, results, now + scenario.durable_after);
                self.written(play, at, is_awaited.then_some(seq));
            }
            Effect::Push { push, batch } => self.push(push, batch, play)?,
            Effect::Aside(chunk) => {
                self.aside.insert(chunk.seq, Chunk::clone(&chunk));
            }
            Effect::Forget(seq) => {
                self.aside.remove(&seq);
            }
            Effect::Recall(seq) => {
                let chunk = self.aside.get(&seq).cloned();
                if chunk.is_none() {
                    return Err(Violation::new(format!("chunk {seq} was not put aside")));
                }
                play.later(soon, Happening::Told(Event::Recalled { seq, chunk }));
            }
            Effect::Fetch { look, page: number } => {
                let body = play.service.page(&scenario.service.view, number, now);
                play.looks += u64::from(number == 1);
                let at = now + Duration::from_millis(3);
                play.later(at, Happening::Told(Event::Page { look, number, body }));
            }
            Effect::Count { look } => {
                let count = play.service.campaign(now).records;
                play.later(soon, Happening::Told(Event::Counted { look, count }));
            }
            Effect::Know(book) => {
                self.chunks = keyed::chunks(&play.rows, &self.order, &book, self.most);
            }
            Effect::Tell(_) | Effect::End => {}
        }
        Ok(())
    }

    fn written(&mut self, play: &mut Play<'_>, at: Option<Duration>, awaited: Option<u64>) {
        if !play.scenario.is_journaled {
            return;
        }
        match (at, awaited) {
            (Some(at), Some(seq)) => {
                play.later(at, Happening::Told(Event::Planned(vec![seq])));
            }
            (None, _) => {
                let error = Error::Journal("the disk is full".to_owned());
                play.later(play.now, Happening::Told(Event::StoreFailed(error)));
            }
            _ => {}
        }
    }

    fn push(&mut self, push: u64, batch: Batch, play: &mut Play<'_>) -> Result<(), Violation> {
        let (now, scenario) = (play.now, play.scenario);
        play.store.sync(now);
        check::departs(&batch, &play.store, play.scenario.is_journaled)?;
        self.left.extend(batch.rows.iter().map(|row| (batch.chunk.seq, *row)));
        check::limited(self.left.len(), scenario.limit)?;
        let first = usize::try_from(batch.chunk.first_row).unwrap_or(0);
        let rows = batch.rows.iter().map(|row| self.order[first + *row as usize]);
        let rows: Vec<usize> = rows.collect();
        let held = self.aside.len();
        self.watch.departs(rows.len(), now)?;
        // Rows that stay home take little memory.
        let most = if scenario.keyed.is_some() { 8 * scenario.chunk } else { 2 * scenario.chunk };
        if self.ledger.in_memory() > scenario.window / LEAST + most {
            return Err(Violation::new(format!("{held} chunks aside, too many rows in memory")));
        }
        play.service.pushes += 1;
        let bytes = batch.body().len();
        play.story.tell(("push", push, rows.len()), || {
            format!("{now:?}: push {push} leaves: rows {rows:?}")
        });
        let fate = play.service.fate(&play.rows, &rows, bytes, now);
        self.watch.waits(fate.answers.iter().map(|(at, _)| *at).max().unwrap_or(now));
        let results = Vec::new();
        play.pushes.insert((play.life, push), Push { batch, rows, is_answered: false, results });
        let (applied, is_too_late) = (fate.applied, fate.is_too_late);
        if !applied.is_empty() {
            play.later(fate.applied_at, Happening::Applied { push, rows: applied, is_too_late });
        }
        for (at, answer) in fate.answers {
            let happening = match answer {
                Answer::Is(reply) => Happening::Told(Event::Answered { push, reply }),
                Answer::Results(twist) => Happening::Answered { push, twist },
            };
            play.later(at, happening);
        }
        Ok(())
    }

    /// Nobody waits any more.
    fn cut_off(mut self, play: &mut Play<'_>) -> Result<u64, Violation> {
        let now = play.now - self.began;
        let mut events = vec![Event::CutOff { cause: Cause::CutOff, unsent: Vec::new() }];
        while let Some(event) = events.pop() {
            self.tell_of(&event, play);
            for effect in self.ledger.on(event, now) {
                match effect {
                    Effect::Load(seq) => {
                        let stored = play.store.durable(seq);
                        let stored =
                            stored.ok_or_else(|| Error::Journal("it is not there".to_owned()));
                        events.push(Event::Loaded { seq, stored });
                    }
                    effect => self.carry_out(effect, play)?,
                }
            }
        }
        if !self.ledger.has_ended() {
            return Err(Violation::new("it was cut off and does not end".to_owned()));
        }
        self.end(play)
    }
}
