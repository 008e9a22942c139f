//! What one chunk has left to do, and what each answer means for it: a pure state machine.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::answer::{Answer, RunId, Status};
use super::chunk::{Chunk, Fate};
use super::outcome::{Counts, Outcome};

/// What is known of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// It stays home.
    Home,
    /// It is to be sent: nothing of it has arrived.
    Waiting,
    /// It is on its way.
    Out,
    /// It was sent, and may have arrived; why that is not known.
    Unknown {
        why: Arc<str>,
    },
    Accepted {
        run: RunId,
        status: Status,
    },
    Rejected {
        error: Box<str>,
    },
}

impl State {
    /// A row that was on its way when everything ended.
    pub(super) fn interrupted() -> Self {
        Self::Unknown { why: "the upload ended while it was on its way".into() }
    }
}

/// A part of a chunk: the indices of rows that go out in one request.
pub(super) type Part = Vec<usize>;

/// A chunk and what is known of its rows.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) chunk: Chunk,
    states: Vec<State>,
    parts: VecDeque<Part>,
}

impl Work {
    /// The work on a chunk of which nothing has been sent.
    pub(super) fn new(chunk: Chunk) -> Self {
        let states = chunk
            .rows
            .iter()
            .map(|row| match row.fate {
                Fate::Send { .. } => State::Waiting,
                _ => State::Home,
            })
            .collect();
        Self::resumed(chunk, states)
    }

    /// The work on a chunk of which `states` is known.
    pub(super) fn resumed(chunk: Chunk, states: Vec<State>) -> Self {
        let mut work = Self { chunk, states, parts: VecDeque::new() };
        let waiting = work.rows_that(|state| *state == State::Waiting);
        work.queue(waiting);
        work
    }

    pub(super) fn states(&self) -> &[State] {
        &self.states
    }

    /// The next part to send; its rows are on their way from here on.
    pub(super) fn send(&mut self) -> Option<Part> {
        let part = self.parts.pop_front()?;
        self.set(&part, &State::Out);
        Some(part)
    }

    /// Whether there is a part to send.
    pub(super) fn is_ready(&self) -> bool {
        !self.parts.is_empty()
    }

    /// Whether nothing is left to be found out or to be done.
    pub(super) fn is_finished(&self) -> bool {
        let open =
            |state: &State| matches!(state, State::Waiting | State::Out | State::Unknown { .. });
        !self.states.iter().any(open)
    }

    /// Whether all that is left are rows in doubt.
    pub(super) fn is_in_doubt_only(&self) -> bool {
        !self.states.iter().any(|state| matches!(state, State::Waiting | State::Out))
    }

    /// The rows whose outcome is not known.
    pub(super) fn unknown(&self) -> Part {
        self.rows_that(|state| matches!(state, State::Unknown { .. }))
    }

    /// A part was applied.
    pub(super) fn applied(&mut self, part: &[usize], answers: Vec<Answer>) {
        for (row, answer) in part.iter().zip(answers) {
            self.states[*row] = match answer {
                Answer::Accepted { run, status } => State::Accepted { run, status },
                Answer::Rejected { error } => State::Rejected { error },
            };
        }
    }

    /// A part was refused as a whole, which applied nothing, and will be refused again as it is: it
    /// goes out in halves, and a single row stays rejected.
    pub(super) fn halve(&mut self, mut part: Part, error: &str) {
        if let [row] = part[..] {
            self.states[row] = State::Rejected { error: error.into() };
            return;
        }
        self.set(&part, &State::Waiting);
        let second = part.split_off(part.len().div_ceil(2));
        self.parts.push_front(second);
        self.parts.push_front(part);
    }

    /// A part was refused because of the rows in `named` (positions in the part), which applied
    /// nothing: the rest goes out again.
    pub(super) fn isolate(&mut self, part: Part, named: &[(usize, Box<str>)], error: &str) {
        let mut rest = Vec::new();
        let named: HashMap<usize, &Box<str>> = named.iter().map(|(at, text)| (*at, text)).collect();
        for (at, row) in part.iter().enumerate() {
            match named.get(&at) {
                Some(message) => {
                    self.states[*row] = State::Rejected { error: (*message).clone() };
                }
                None => rest.push(*row),
            }
        }
        if rest.len() == part.len() {
            return self.halve(part, error);
        }
        self.set(&rest, &State::Waiting);
        if !rest.is_empty() {
            self.parts.push_front(rest);
        }
    }

    /// Nothing of a part arrived.
    pub(super) fn not_sent(&mut self, part: &[usize]) {
        self.set(part, &State::Waiting);
    }

    /// A part may have arrived; why that is not known.
    pub(super) fn in_doubt(&mut self, part: &[usize], why: &str) {
        self.set(part, &State::Unknown { why: why.into() });
    }

    /// An unknown row was found in the campaign.
    pub(super) fn found(&mut self, row: usize, run: RunId, status: Status) {
        self.states[row] = State::Accepted { run, status };
    }

    /// Unknown rows are not in the campaign: they go out again.
    pub(super) fn absent(&mut self, rows: Part) {
        self.set(&rows, &State::Waiting);
        self.queue(rows);
    }

    /// Sends nothing more of what was in doubt: it stays so.
    pub(super) fn give_up(&mut self) {
        let why: Arc<str> =
            "every request with it was lost, and none was found to be applied".into();
        for row in self.parts.drain(..).flatten() {
            self.states[row] = State::Unknown { why: why.clone() };
        }
    }

    /// Ends the work as it stands: what is on its way is in doubt from now on.
    pub(super) fn cut_off(&mut self) {
        for state in &mut self.states {
            if *state == State::Out {
                *state = State::interrupted();
            }
        }
    }

    /// What a row comes to in the report.
    pub(super) fn outcome(&self, row: usize) -> Outcome {
        match (&self.states[row], &self.chunk.rows[row].fate) {
            (State::Home, Fate::Duplicate) => Outcome::Duplicate,
            (State::Home, _) => Outcome::Invalid,
            (State::Waiting, _) => Outcome::NotSent,
            (State::Out | State::Unknown { .. }, _) => Outcome::Unknown,
            (State::Accepted { .. }, _) => Outcome::Accepted,
            (State::Rejected { .. }, _) => Outcome::Rejected,
        }
    }

    /// The rows counted by outcome. A row on its way has none yet, and counts as not sent.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for row in 0..self.states.len() {
            let is_out = self.states[row] == State::Out;
            counts.add(if is_out { Outcome::NotSent } else { self.outcome(row) });
            counts.repaired += u64::from(self.chunk.rows[row].repaired);
        }
        counts
    }

    fn queue(&mut self, rows: Part) {
        if !rows.is_empty() {
            self.parts.push_back(rows);
        }
    }

    fn set(&mut self, rows: &[usize], state: &State) {
        for row in rows {
            self.states[*row] = state.clone();
        }
    }

    fn rows_that(&self, has: impl Fn(&State) -> bool) -> Part {
        self.states.iter().enumerate().filter(|(_, state)| has(state)).map(|(row, _)| row).collect()
    }
}
