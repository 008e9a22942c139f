//! What becomes of a row, and how many rows came to what.

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the campaign.
    Accepted,
    /// It was in the campaign before, by its key.
    Existing,
    /// The service refused it.
    Rejected,
    /// It stayed home: its number is not valid, or a required variable is missing.
    Invalid,
    /// It stayed home: its number is one of those that are not to be called.
    Excluded,
    /// It stayed home: an earlier row has its number, or its key.
    Duplicate,
    /// It was sent, and may be in the campaign.
    Unknown,
    /// Nothing of it is in the campaign, and nothing was sent since that is known.
    NotSent,
}

impl Outcome {
    /// Every outcome, in the order of the report's counters.
    pub const ALL: [Self; 8] = [
        Self::Accepted,
        Self::Existing,
        Self::Rejected,
        Self::Invalid,
        Self::Excluded,
        Self::Duplicate,
        Self::Unknown,
        Self::NotSent,
    ];

    /// Whether a row that came to it is in the campaign for certain.
    pub const fn is_there(self) -> bool {
        matches!(self, Self::Accepted | Self::Existing)
    }

    /// The one of a name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }

    /// Its name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Existing => "existing",
            Self::Rejected => "rejected",
            Self::Invalid => "invalid",
            Self::Excluded => "excluded",
            Self::Duplicate => "duplicate",
            Self::Unknown => "unknown",
            Self::NotSent => "not_sent",
        }
    }

    /// What it means, as a receipt says it.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Accepted => "queued for calling",
            Self::Existing => "in the campaign before",
            Self::Rejected => "refused by the service",
            Self::Invalid => "stayed home: not valid",
            Self::Excluded => "stayed home: not to be called",
            Self::Duplicate => "stayed home: number or key seen before",
            Self::Unknown => "may be queued: not sent again",
            Self::NotSent => "not queued: safe to send",
        }
    }
}

/// Rows counted by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    by_outcome: [u64; Outcome::ALL.len()],
    /// Rows whose number was repaired.
    pub repaired: u64,
    /// Existing rows that the campaign has as they were before they changed.
    pub changed: u64,
    /// Rows of which the campaign has several records, by their keys.
    pub doubled: u64,
}

impl Counts {
    /// How many rows came to `outcome`.
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.by_outcome[outcome as usize]
    }

    /// How many rows there are.
    pub fn total(&self) -> u64 {
        self.by_outcome.iter().sum()
    }

    /// Counts `rows` more.
    pub(super) fn add(&mut self, outcome: Outcome, rows: u64) {
        self.by_outcome[outcome as usize] += rows;
    }
}
