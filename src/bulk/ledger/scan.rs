//! A look for rows that are known by keys. Pure.

use super::super::seal::Seal;
use super::page::Page;
use super::roster::Roster;

/// What is looked for in a listing.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) roster: Roster,
    /// Tokens that are looked for, and not found yet; with none, all of the listing is read.
    wanted: std::collections::HashSet<Seal>,
    is_looking: bool,
    /// Whether what it looks for needs only to be there.
    is_probe: bool,
    /// The longest token that was sent.
    sent: u8,
    /// Rows that were known to be accepted when it began.
    pub(super) accepted: fixedbitset::FixedBitSet,
}

impl Scan {
    pub(super) fn new(
        roster: Roster,
        wanted: impl Iterator<Item = Seal>,
        sent: Option<u8>,
        accepted: fixedbitset::FixedBitSet,
    ) -> Self {
        let wanted: std::collections::HashSet<Seal> = wanted.collect();
        let is_looking = !wanted.is_empty();
        let (is_probe, sent) = (sent.is_none(), sent.unwrap_or(0));
        Self { roster, wanted, is_looking, is_probe, sent, accepted }
    }

    pub(super) fn read(&mut self, text: &[u8]) -> Option<(Page, u64)> {
        let wanted = &mut self.wanted;
        self.roster.read(text, |seal| {
            wanted.remove(&seal);
        })
    }

    /// Whether all that is looked for was found: under ids as they were sent, and none that could be a
    /// longer one cut short.
    pub(super) fn is_satisfied(&self) -> bool {
        let is_sure = self.is_probe || self.sent <= self.roster.longest();
        self.is_looking && self.wanted.is_empty() && is_sure
    }
}
