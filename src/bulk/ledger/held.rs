//! How many rows may still go, and what keeps the others home.

use std::sync::Arc;

use super::super::blob::{Hold, Told};
use super::super::chunk::Chunk;
use super::Setting;
use super::index::State;
use super::intake::narrow;

/// How many rows may still go. A row takes its place when it is taken in, in the order of the source, so
/// that it is the first rows that go, in whatever order requests are answered.
#[derive(Debug)]
pub(super) struct Allowance {
    left: Option<u64>,
}

impl Allowance {
    pub(super) fn new(limit: Option<u64>) -> Self {
        Self { left: limit }
    }

    /// Whether one more row may go.
    pub(super) fn take(&mut self) -> bool {
        match &mut self.left {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }

    /// Which rows of a new chunk do not go.
    pub(super) fn hold(&mut self, chunk: &Chunk, setting: &Setting) -> Hold {
        let mut hold = Hold::none();
        if setting.is_dry_run {
            hold.from = 0;
        }
        if self.left.is_some()
            && let Some(first) = chunk.sendable().find(|_| !self.take())
        {
            hold.beyond = narrow(first);
            hold.from = hold.from.min(hold.beyond);
            hold.why = beyond(setting);
        }
        hold
    }
}

/// What keeps a row home that may not be sent again, once it is proven not to be in the campaign.
#[derive(Debug, Clone)]
pub(super) enum Stay {
    /// Its number is not to be called.
    Excluded,
    /// It is beyond what may be sent this time.
    Held(Arc<str>),
}

impl Stay {
    pub(super) fn state(&self) -> State {
        match self {
            Self::Excluded => State::Excluded,
            Self::Held(_) => State::Held,
        }
    }

    pub(super) fn told(&self) -> Told {
        match self {
            Self::Excluded => Told::Excluded,
            Self::Held(why) => Told::NotSent { why: Some(why.clone()) },
        }
    }
}

/// Why a row is not sent this time.
pub(super) fn beyond(setting: &Setting) -> Arc<str> {
    let limit = setting.limit.unwrap_or_default();
    let next = if setting.keyed.is_some() {
        "it goes with the next upload of the same source"
    } else if setting.is_journaled {
        "it goes with the next upload with this journal"
    } else {
        "upload it without the rows that went before it"
    };
    format!("it is beyond limit={limit}; {next}").into()
}
