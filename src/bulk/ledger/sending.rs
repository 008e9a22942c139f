//! Pushes, and what their answers mean.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::answer::Answer;
use super::super::blob::{self, Told};
use super::super::chunk::{Chunk, Fate};
use super::super::options::OnUnknown;
use super::Ledger;
use super::event::{Batch, Cause, Effect, Reply};
use super::index::State;
use super::own;
use super::work::{Body, Doubt, Part, Work};
use crate::Error;

/// Why nothing is known of rows that share their number.
const UNSURE: &str =
    "the service accepted one row with its number and rejected another, and may have meant either";

/// A push that is out.
#[derive(Debug)]
pub(super) struct Flight {
    seq: u64,
    part: Part,
    sent_at: Duration,
    bytes: usize,
}

impl Ledger {
    /// Sends whatever may leave now.
    pub(super) fn launch(&mut self, now: Duration) {
        while self.gate.is_open(now, self.flights.len())
            && let Some(seq) = self.ready(now)
        {
            let most = self.probe().unwrap_or(usize::MAX);
            let Some(work) = self.works.get_mut(&seq) else { return };
            let (Some(mut part), Body::Here(chunk)) = (work.parts.pop_front(), &work.body) else {
                return;
            };
            let chunk = chunk.clone();
            let sizes = part.rows.iter().map(|row| chunk.json(*row as usize).len());
            let fits = self.gate.fits(sizes).min(most);
            if fits < part.rows.len() {
                let rows = part.rows.split_off(fits);
                work.again(Part { rows, losses: part.losses });
            }
            work.out += 1;
            let bytes = part.rows.iter().map(|row| chunk.json(*row as usize).len() + 1).sum();
            self.index.set_all(seq, &part.rows, State::Out);
            self.gate.sent(part.rows.len(), part.losses, now);
            self.settling.sends();
            self.phase.has_launched = true;
            self.phase.has_news = true;
            let push = self.phase.next_push();
            let batch = Batch { chunk, rows: part.rows.clone() };
            self.flights.insert(push, Flight { seq, part, sent_at: now, bytes });
            self.out.push(Effect::Push { push, batch });
        }
    }

    /// The chunk that is sent next. While a journal's rows are read again none is: a source that has
    /// changed is noticed first.
    fn ready(&self, now: Duration) -> Option<u64> {
        let is_verified = self.source.has_caught_up() || !self.has_room();
        let is_held = self.phase.is_loading || self.probe() == Some(0);
        if self.phase.stopping.is_some() || !is_verified || is_held {
            return None;
        }
        let may_leave = |work: &Work| {
            work.is_ready()
                && work.chunk().is_some_and(|chunk| {
                    now >= self.phase.own_from || !chunk.rows.iter().any(is_own)
                })
        };
        let mut ready = self.works.iter().filter(|(_, work)| may_leave(work));
        if self.gate.is_tripped() {
            // Rows that were never lost come first: they tell most.
            let is_fresh = |work: &Work| work.parts.front().is_some_and(|part| part.losses == 0);
            let mut fresh = ready.clone().filter(|(_, work)| is_fresh(work));
            return fresh.next().or_else(|| ready.next()).map(|(seq, _)| *seq);
        }
        ready.next().map(|(seq, _)| *seq)
    }

    /// When the next push may leave, if one waited for that alone when something last happened.
    pub(super) fn next_push(&self) -> Option<Duration> {
        let now = self.phase.now;
        let later = now.max(self.phase.own_from);
        self.ready(later)?;
        let held = if self.ready(now).is_some() { now } else { self.phase.own_from };
        let opens = self.gate.opens_at().max(held);
        // With every place taken, an answer comes before.
        (opens > now).then_some(opens)
    }

    /// What came of a push.
    pub(super) fn answered(&mut self, push: u64, reply: Reply, now: Duration) {
        let Some(flight) = self.flights.remove(&push) else { return };
        let Flight { seq, part, sent_at, bytes } = flight;
        let Some(work) = self.works.get_mut(&seq) else { return };
        let Some(chunk) = work.chunk().cloned() else { return };
        work.out -= 1;
        self.phase.has_news = true;
        let rows = part.rows.len();
        match reply {
            Reply::Applied(answers) if self.settling.has_seen(&answers) => {
                self.gate.answered();
                let due = now.saturating_add(self.setting.settle_after);
                let why = "the service answered with the run ids of an earlier push";
                self.in_doubt(seq, &chunk, part, (now, due), why.into());
            }
            Reply::Applied(answers) => {
                self.gate.took(rows, bytes);
                self.applied(seq, &chunk, &part, answers, (now, sent_at));
            }
            Reply::Odd(why) => {
                self.gate.answered();
                let due = now.saturating_add(self.setting.settle_after);
                self.in_doubt(seq, &chunk, part, (now, due), why.into());
            }
            Reply::Lost { timed_out, error } => {
                let mut wait = self.setting.settle_after;
                if timed_out {
                    wait = wait.max(self.setting.limits.timeout);
                }
                self.gate.lost(rows, part.losses, now, error.clone());
                let why = match &error {
                    Error::PushOutcomeUnknown { cause, .. } => cause.to_string().into(),
                    other => other.to_string().into(),
                };
                self.in_doubt(seq, &chunk, part, (now, now.saturating_add(wait)), why);
                if self.setting.on_unknown == OnUnknown::Stop {
                    self.stop(Cause::Service(error), now);
                }
            }
            Reply::TooLarge(why) => {
                self.gate.too_large(rows, bytes);
                self.halve(seq, part, &why);
            }
            Reply::Unfit { named, error, why } => {
                let is_hopeless = self.gate.unfit(!named.is_empty());
                self.isolate(seq, part, named, &why);
                if is_hopeless {
                    self.stop(Cause::Service(error), now);
                }
            }
            Reply::Limited { retry_after, error } => {
                self.again(seq, part);
                let jitter = (self.random)();
                if !self.gate.limited((now, sent_at), retry_after, jitter) {
                    self.stop(Cause::Service(error), now);
                }
            }
            Reply::NotSent(error) => {
                self.again(seq, part);
                let jitter = (self.random)();
                if !self.gate.not_sent((now, sent_at), jitter) {
                    self.stop(Cause::Service(error), now);
                }
            }
            Reply::Refused(error) => {
                self.again(seq, part);
                self.stop(Cause::Service(error), now);
            }
        }
        self.conclude(seq);
    }

    fn applied(
        &mut self,
        seq: u64,
        chunk: &Chunk,
        part: &Part,
        answers: Vec<Answer>,
        (now, sent_at): (Duration, Duration),
    ) {
        let mut told = Vec::with_capacity(answers.len());
        let mut unsure = Vec::new();
        for (row, answer) in part.rows.iter().zip(answers) {
            match answer {
                Answer::Accepted { run, status } => {
                    if is_own(&chunk.rows[*row as usize]) {
                        let reader = self.setting.reader();
                        let print = reader.own(chunk.json(*row as usize));
                        let known =
                            own::known(own::run(&run.to_string()), print.identity.unwrap_or(0));
                        self.settling.known.push(known);
                    }
                    told.push((*row, Told::Accepted { run, status }));
                }
                Answer::Rejected { error } => told.push((*row, Told::Rejected { error })),
                Answer::Unsure => unsure.push(*row),
            }
        }
        let state = |told: &Told| match told {
            Told::Rejected { .. } => State::Rejected,
            _ => State::Accepted,
        };
        self.index.set_each(seq, told.iter().map(|(row, told)| (*row, state(told))));
        if !unsure.is_empty() {
            let due = now.saturating_add(self.setting.settle_after);
            let part = Part { rows: unsure, losses: part.losses };
            self.in_doubt(seq, chunk, part, (now, due), UNSURE.into());
        }
        self.record(seq, &told);
        if told.iter().any(|(_, told)| matches!(told, Told::Accepted { .. })) {
            self.is_known(sent_at, now);
        }
    }

    /// Rows may be there.
    fn in_doubt(
        &mut self,
        seq: u64,
        chunk: &Chunk,
        part: Part,
        (now, due): (Duration, Duration),
        why: Arc<str>,
    ) {
        self.index.set_all(seq, &part.rows, State::Doubt);
        let prints = self.prints(chunk, &part.rows);
        let Some(work) = self.works.get_mut(&seq) else { return };
        let losses = if part.rows.len() > 1 { 1 } else { part.losses.saturating_add(1) };
        let part = Part { losses, ..part };
        work.doubts.push(Doubt { part, prints, lost_at: now, due, why, stays: None });
    }

    /// Nothing of a push was sent.
    pub(super) fn take_back(&mut self, flight: Flight) {
        if let Some(work) = self.works.get_mut(&flight.seq) {
            work.out -= 1;
        }
        self.again(flight.seq, flight.part);
    }

    /// Nothing of a part arrived.
    fn again(&mut self, seq: u64, part: Part) {
        self.index.set_all(seq, &part.rows, State::Waiting);
        if let Some(work) = self.works.get_mut(&seq) {
            work.again(part);
        }
    }

    /// A part was refused as a whole, which applied nothing, and will be refused again as it is: it
    /// goes out in halves, and a single row stays rejected.
    fn halve(&mut self, seq: u64, part: Part, why: &str) {
        if let [row] = part.rows[..] {
            self.reject(seq, vec![(row, why.into())]);
            return;
        }
        let (first, second) = part.halves();
        if let Some(second) = second {
            self.again(seq, second);
        }
        self.again(seq, first);
    }

    /// A part was refused because of the rows in `named` (positions in the part), which applied
    /// nothing: the rest goes out again.
    fn isolate(&mut self, seq: u64, part: Part, named: Vec<(usize, Box<str>)>, why: &str) {
        let mut named: HashMap<usize, Box<str>> = named.into_iter().collect();
        let (mut rest, mut rejected) = (Vec::new(), Vec::new());
        for (at, row) in part.rows.iter().enumerate() {
            match named.remove(&at) {
                Some(message) => rejected.push((*row, message)),
                None => rest.push(*row),
            }
        }
        if rejected.is_empty() {
            return self.halve(seq, part, why);
        }
        self.reject(seq, rejected);
        self.again(seq, Part { rows: rest, losses: part.losses });
    }

    fn reject(&mut self, seq: u64, rows: Vec<(u32, Box<str>)>) {
        self.index.set_all(seq, rows.iter().map(|(row, _)| row), State::Rejected);
        let told: Vec<_> =
            rows.into_iter().map(|(row, error)| (row, Told::Rejected { error })).collect();
        self.record(seq, &told);
    }

    /// Writes down what became of rows.
    pub(super) fn record(&mut self, seq: u64, told: &[(u32, Told)]) {
        if !told.is_empty() {
            let results = blob::pack(told);
            self.out.push(Effect::Record { seq, results, is_awaited: false });
        }
    }

    /// Lets go of a chunk of which nothing is left to do, and puts one aside that waits for a look.
    pub(super) fn conclude(&mut self, seq: u64) {
        let Some(work) = self.works.get_mut(&seq) else { return };
        if !work.only_waits() {
            return;
        }
        if work.is_finished() {
            let had_copy = self.works.remove(&seq).is_some_and(|work| work.has_copy);
            if had_copy {
                self.out.push(Effect::Forget(seq));
            }
            self.index.settle(seq);
            return;
        }
        if self.setting.on_unknown == OnUnknown::Leave {
            if let Some(work) = self.works.remove(&seq) {
                self.leave_in_doubt(seq, work, None);
            }
            return;
        }
        if let Some(mut work) = self.works.remove(&seq) {
            if let Body::Here(chunk) = std::mem::replace(&mut work.body, Body::Aside)
                && !std::mem::replace(&mut work.has_copy, true)
            {
                self.out.push(Effect::Aside(chunk));
            }
            self.aside.insert(seq, work);
        }
    }

    /// Asks for chunks that have something to send again.
    pub(super) fn recall(&mut self) {
        // How much memory one takes is known once it is back.
        let is_coming = |work: &Work| matches!(work.body, Body::Coming);
        while self.phase.stopping.is_none()
            && self.has_room()
            && !self.works.values().any(is_coming)
        {
            let Some(seq) = self.settling.recalls.pop_front() else { return };
            if let Some(mut work) = self.aside.remove(&seq) {
                work.body = Body::Coming;
                self.works.insert(seq, work);
                self.out.push(Effect::Recall(seq));
            }
        }
    }

    /// A chunk that was put aside is back.
    pub(super) fn recalled(&mut self, seq: u64, chunk: Option<Chunk>) {
        let Some(work) = self.works.get_mut(&seq) else { return };
        if !matches!(work.body, Body::Coming) {
            return;
        }
        if let Some(chunk) = chunk {
            work.body = Body::Here(Arc::new(chunk));
            return;
        }
        // Its data are lost: what was to be sent again is not.
        let why: Arc<str> = "its data could not be read back from the temporary file".into();
        let rows = work.parts.drain(..).flat_map(|part| part.rows).collect::<Vec<_>>();
        work.body = Body::Aside;
        let told: Vec<_> =
            rows.iter().map(|row| (*row, Told::NotSent { why: Some(why.clone()) })).collect();
        self.record(seq, &told);
        if let Some(work) = self.works.remove(&seq) {
            if work.doubts.is_empty() {
                self.index.settle(seq);
            } else {
                self.aside.insert(seq, work);
            }
        }
    }
}

pub(super) fn is_own(row: &super::super::chunk::Row) -> bool {
    row.fate == Fate::Send { own_session: true }
}
