//! A source that is read piece by piece, as the ledger asks for it.

use std::sync::Arc;

use super::encode::Encoder;
use super::ledger::Event;
use super::pipeline::{Piece, Pipeline, Plan};
use super::rails::Tally;
use super::source::Input;
use crate::Result;

/// The source, and what comes of it.
pub(super) struct Reading {
    pub(super) input: Input,
    pub(super) encoder: Arc<Encoder>,
    /// Counts the invalid rows of a source that is checked first.
    pub(super) check: Option<Tally>,
    pub(super) plan: Option<Plan>,
    pub(super) pipeline: Option<Pipeline>,
}

impl Reading {
    /// The next piece of the source, which is read from here on.
    pub(super) fn begin(&mut self) -> Result<()> {
        if let Some(plan) = self.plan.take() {
            self.pipeline = Some(Pipeline::start(&self.input, self.encoder.clone(), plan)?);
        }
        Ok(())
    }

    pub(super) async fn next(&mut self) -> Event {
        match &mut self.pipeline {
            Some(pipeline) => event(pipeline.pieces.recv().await),
            None => Event::SourceEnded,
        }
    }
}

fn event(piece: Option<Piece>) -> Event {
    match piece {
        None => Event::SourceEnded,
        Some(Piece::Total(total)) => Event::Total(total),
        Some(Piece::Chunk(chunk)) => Event::Chunk(chunk),
        Some(Piece::Rest(chunk)) => Event::Rest(chunk),
        Some(Piece::Failed(error)) => Event::SourceFailed(error),
    }
}
