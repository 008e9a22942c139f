//! How much of a listing was seen, and whether that is all of it. Pure.

/// How much of the campaign a look has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bulk) struct Extent {
    /// How many different records.
    pub(in crate::bulk) records: u64,
    /// Which, in one number.
    pub(in crate::bulk) print: u64,
    /// How many there are, as every page says; none where they don't agree or don't say.
    pub(in crate::bulk) total: Option<u64>,
    /// The most that any page says.
    pub(in crate::bulk) most: u64,
}

impl Extent {
    /// Whether all of the listing was seen: its pages agree on how many records there are and showed as
    /// many, or the look before showed the same.
    pub(in crate::bulk) fn is_whole(self, previous: Option<Self>) -> bool {
        self.total == Some(self.records) || self.is_again(previous)
    }

    /// Whether the look before showed the same, and no page speaks of more.
    pub(in crate::bulk) fn is_again(self, previous: Option<Self>) -> bool {
        previous == Some(self) && self.records >= self.most
    }
}
