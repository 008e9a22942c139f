//! What is left to do of one chunk.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::super::chunk::Chunk;
use super::held::Stay;
use super::own::Print;

/// Rows of a chunk that go out in one request, and how often one with them was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) rows: Vec<u32>,
    pub(super) losses: u8,
}

/// Rows of one lost request.
#[derive(Debug)]
pub(super) struct Doubt {
    pub(super) part: Part,
    /// What each may be known by, in the order of the rows.
    pub(super) prints: Vec<Print>,
    /// When the request was lost.
    pub(super) lost_at: Duration,
    /// When the service has had the time to finish what it has of it.
    pub(super) due: Duration,
    /// Why its outcome is not known.
    pub(super) why: Arc<str>,
    /// What keeps rows that are not there from going again, if anything does.
    pub(super) stays: Option<Stay>,
}

/// Where a chunk is.
#[derive(Debug)]
pub(super) enum Body {
    /// Here.
    Here(Arc<Chunk>),
    /// Put aside.
    Aside,
    /// Put aside, and asked for.
    Coming,
}

/// A chunk of which something is left to do.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) body: Body,
    pub(super) stage: Stage,
    /// What is to be sent, in this order.
    pub(super) parts: VecDeque<Part>,
    /// How many requests with rows of it are on their way.
    pub(super) out: usize,
    /// What is to be looked for.
    pub(super) doubts: Vec<Doubt>,
    /// Whether a copy of it was put aside.
    pub(super) has_copy: bool,
}

/// How far a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// What was written down of it before is being read.
    Loading,
    /// It is being written down.
    Planning,
    /// It may be sent.
    Open,
}

impl Work {
    pub(super) fn new(chunk: Chunk, stage: Stage) -> Self {
        Self {
            body: Body::Here(Arc::new(chunk)),
            stage,
            parts: VecDeque::new(),
            out: 0,
            doubts: Vec::new(),
            has_copy: false,
        }
    }

    pub(super) fn chunk(&self) -> Option<&Arc<Chunk>> {
        match &self.body {
            Body::Here(chunk) => Some(chunk),
            _ => None,
        }
    }

    /// How much memory its rows take, in bytes.
    pub(super) fn size(&self) -> usize {
        self.chunk().map_or(0, |chunk| chunk.size())
    }

    /// Whether there is something to send.
    pub(super) fn is_ready(&self) -> bool {
        self.stage == Stage::Open && !self.parts.is_empty()
    }

    /// Whether nothing is left to be done but to wait for a look.
    pub(super) fn only_waits(&self) -> bool {
        self.stage == Stage::Open && self.parts.is_empty() && self.out == 0
    }

    /// Whether nothing is left to be done.
    pub(super) fn is_finished(&self) -> bool {
        self.only_waits() && self.doubts.is_empty()
    }

    /// Queues rows before all others.
    pub(super) fn again(&mut self, part: Part) {
        if !part.rows.is_empty() {
            self.parts.push_front(part);
        }
    }
}

impl Part {
    /// A part that was never lost.
    pub(super) fn fresh(rows: Vec<u32>) -> Self {
        Self { rows, losses: 0 }
    }

    /// Its halves; one of a single row stays one.
    pub(super) fn halves(mut self) -> (Self, Option<Self>) {
        if self.rows.len() < 2 {
            return (self, None);
        }
        let second = self.rows.split_off(self.rows.len().div_ceil(2));
        let losses = self.losses;
        (self, Some(Self { rows: second, losses }))
    }
}
