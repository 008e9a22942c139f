//! Where each thing that was written down is: in memory until it is known to be in a file.

use std::sync::Arc;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    /// A chunk's plan: its checks, and its rows.
    Plan,
    /// What became of rows of it.
    Part,
}

impl Kind {
    pub(super) const fn code(self) -> i64 {
        match self {
            Self::Plan => 0,
            Self::Part => 1,
        }
    }

    pub(super) const fn of(code: i64) -> Option<Self> {
        match code {
            0 => Some(Self::Plan),
            1 => Some(Self::Part),
            _ => None,
        }
    }
}

/// Where an entry is.
#[derive(Debug, Clone)]
pub(super) enum At {
    /// In memory: it is on its way to a file, or none takes it.
    Memory(Arc<[u8]>),
    /// In the journal.
    Journal,
    /// In the private file.
    Scratch { offset: u64, length: u32 },
}

/// An entry of a chunk.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) kind: Kind,
    pub(super) at: At,
}

/// The entries of every chunk, in the order in which they were written down.
#[derive(Debug, Clone, Default)]
pub(super) struct Slots(Vec<Vec<Slot>>);

impl Slots {
    /// Adds an entry, and tells its place among those of its chunk.
    pub(super) fn add(&mut self, seq: u64, slot: Slot) -> u32 {
        let chunk = self.chunk(seq);
        chunk.push(slot);
        u32::try_from(chunk.len() - 1).unwrap_or(u32::MAX)
    }

    /// Entries that were in the journal before this upload.
    pub(super) fn known(&mut self, seq: u64, slots: Vec<Slot>) {
        *self.chunk(seq) = slots;
    }

    /// An entry is in the journal: memory need not keep it.
    pub(super) fn written(&mut self, seq: u64, n: u32) {
        if let Some(slot) = self.chunk(seq).get_mut(n as usize)
            && matches!(slot.at, At::Memory(_))
        {
            slot.at = At::Journal;
        }
    }

    /// The entries of a chunk.
    pub(super) fn of(&self, seq: u64) -> &[Slot] {
        usize::try_from(seq).ok().and_then(|at| self.0.get(at)).map_or(&[], Vec::as_slice)
    }

    fn chunk(&mut self, seq: u64) -> &mut Vec<Slot> {
        let at = usize::try_from(seq).unwrap_or(usize::MAX);
        if self.0.len() <= at {
            self.0.resize_with(at + 1, Vec::new);
        }
        &mut self.0[at]
    }
}
