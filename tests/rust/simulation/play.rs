//! The loop: what the ledger asks for happens, in time, and it is told.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use revrag::bulk::ledger::{Batch, Event, Known};

use super::Outcome;
use super::check::{self, Violation};
use super::keyed;
use super::scenario::{Fate, Scenario};
use super::service::{self, Service};
use super::source::{self, Row};
use super::store::Store;
use super::story::Story;

mod end;
mod life;

use life::Life;

const UPLOAD: &str = "5eed5eed5eed5eed5eed5eed5eed5eed";
/// By then an upload has ended, in time and in steps.
const LONGEST: Duration = Duration::from_hours(48);
const STEPS: u64 = 200_000;
/// How many bytes a row takes at least, on average, in the window of those in memory.
const LEAST: usize = 40;

/// What happens at some moment.
enum Happening {
    /// The ledger is told.
    Told(Event),
    /// A push is applied.
    Applied { push: u64, rows: Vec<usize>, is_too_late: bool },
    /// A push is answered with its results.
    Answered { push: u64, twist: service::Twist },
    /// The source has something.
    Read,
}

struct At {
    when: Duration,
    order: u64,
    what: Happening,
    /// Of which life of the process.
    life: usize,
}

impl PartialEq for At {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for At {}

impl PartialOrd for At {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for At {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.when, self.order).cmp(&(other.when, other.order))
    }
}

/// A push under way.
struct Push {
    batch: Batch,
    rows: Vec<usize>,
    is_answered: bool,
    results: Vec<Option<String>>,
}

/// A scenario that is being played.
pub(super) struct Play<'a> {
    scenario: &'a Scenario,
    rows: Vec<Row>,
    /// As the first life read and sent them, where one has changed since.
    first: Option<Vec<Row>>,
    service: Service<'a>,
    store: Store,
    story: Story,
    now: Duration,
    queue: BinaryHeap<Reverse<At>>,
    order: u64,
    life: usize,
    pushes: HashMap<(usize, u64), Push>,
    looks: u64,
    /// What the journal knows of rows by their keys, and whether an upload was cut off on this machine.
    known: Known,
    was_cut_off: bool,
}

impl<'a> Play<'a> {
    pub(super) fn new(scenario: &'a Scenario, keeps_story: bool) -> Self {
        let rows = source::rows(scenario);
        Self {
            service: Service::new(scenario, &rows),
            rows,
            first: None,
            scenario,
            store: Store::default(),
            story: Story::new(keeps_story),
            now: Duration::ZERO,
            queue: BinaryHeap::new(),
            order: 0,
            life: 0,
            pushes: HashMap::new(),
            looks: 0,
            known: Known::default(),
            was_cut_off: false,
        }
    }

    pub(super) fn run(mut self) -> Outcome {
        let mut violation = None;
        let mut unknown = 0;
        let fates: Vec<Fate> = self.scenario.lives.iter().copied().chain([Fate::Nothing]).collect();
        for fate in fates {
            let is_keyed = self.scenario.keyed.is_some();
            let may_go_on = self.scenario.is_journaled || self.life == 0 || is_keyed;
            if !may_go_on {
                break;
            }
            match Life::begin(&mut self, fate).and_then(|life| life.run(&mut self)) {
                Ok(left) => unknown = left,
                Err(what) => {
                    violation = Some(what);
                    break;
                }
            }
            self.life += 1;
            self.store.reopen();
            // A moment passes before it is started again.
            self.now += Duration::from_millis(50);
            self.change();
        }
        let records = &self.service.records;
        let applied = records.iter().filter(|record| record.row.is_some()).count() as u64;
        let looks = self.looks;
        let (print, story) = self.story.end();
        Outcome { violation, print, story, unknown, applied, looks }
    }

    /// A row of the source changes between two lives of the process.
    fn change(&mut self) {
        if let Some(keyed) = &self.scenario.keyed {
            keyed::change(self.scenario, keyed, &mut self.rows, self.life);
            self.gather(keyed.loses_journal);
            if keyed.is_elsewhere {
                // Nobody there knows of what is on its way here.
                self.was_cut_off = false;
                let mut queue = std::mem::take(&mut self.queue).into_vec();
                for Reverse(at) in &mut queue {
                    if let Happening::Applied { is_too_late, .. } = &mut at.what {
                        *is_too_late = true;
                    }
                }
                self.queue = queue.into();
            }
            return;
        }
        if self.life == 1
            && let Some(at) = self.scenario.changes.and_then(|at| usize::try_from(at).ok())
            && at < self.rows.len()
        {
            self.first = Some(self.rows.clone());
            let row = &mut self.rows[at];
            "{\"name\":\"another\",\"n\":0}".clone_into(&mut row.variables);
        }
    }

    /// The journal of rows that are known by keys is opened again, or is lost.
    fn gather(&mut self, is_lost: bool) {
        for seq in 0..self.store.cuts().len() as u64 {
            if let Some(stored) = self.store.durable(seq) {
                self.known.learn(&stored);
            }
        }
        self.store = Store::default();
        if is_lost || !self.scenario.is_journaled {
            self.known = Known::default();
        }
    }

    fn later(&mut self, when: Duration, what: Happening) {
        self.order += 1;
        let (order, life) = (self.order, self.life);
        self.queue.push(Reverse(At { when: when.max(self.now), order, what, life }));
    }

    /// The next thing that happens, by `wake` at the latest; what is of the world alone has happened.
    fn next(&mut self, wake: Option<Duration>) -> Result<Option<Happening>, Violation> {
        loop {
            let at = self.queue.peek().map(|Reverse(at)| at.when);
            match (at, wake) {
                (None, None) => return Ok(None),
                (Some(at), Some(wake)) if wake < at => {
                    self.now = self.now.max(wake);
                    return Ok(Some(Happening::Told(Event::Tick)));
                }
                (None, Some(wake)) => {
                    self.now = self.now.max(wake);
                    return Ok(Some(Happening::Told(Event::Tick)));
                }
                (Some(_), _) => {}
            }
            let Some(Reverse(at)) = self.queue.pop() else { return Ok(None) };
            self.now = self.now.max(at.when);
            let is_here = at.life == self.life;
            match at.what {
                Happening::Applied { push, rows, is_too_late } => {
                    self.apply(at.life, push, &rows, is_too_late)?;
                }
                what if is_here => return Ok(Some(what)),
                _ => {}
            }
        }
    }

    fn apply(
        &mut self,
        life: usize,
        push: u64,
        rows: &[usize],
        is_too_late: bool,
    ) -> Result<(), Violation> {
        let now = self.now;
        let sent = self.first.as_ref().filter(|_| life == 0).unwrap_or(&self.rows);
        let results = self.service.apply(sent, rows, UPLOAD, is_too_late, now);
        self.story.tell(("applied", push, rows.len()), || {
            format!("{now:?}: push {push} is applied: rows {rows:?}")
        });
        if let Some(push) = self.pushes.get_mut(&(life, push)) {
            push.results = results;
        }
        if self.scenario.keyed.is_some() {
            let records = &self.service.records;
            return rows.iter().try_for_each(|row| keyed::applied(self.scenario, records, *row));
        }
        rows.iter().try_for_each(|row| check::applied(sent, &self.service.records, *row))
    }
}
