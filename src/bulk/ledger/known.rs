//! What a journal knows of rows by their keys, whatever their places were. Pure.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::super::answer::{RunId, Status};
use super::super::chunk::Existing;
use super::super::outcome::Outcome;
use super::super::seal::Seal;
use super::event::Stored;

/// A row that was sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Sent {
    /// It is in the campaign.
    Accepted {
        /// Its run.
        run: RunId,
        /// The run's status, when it was last seen.
        status: Status,
        /// A check of what was sent, where that is known.
        check: Option<u32>,
    },
    /// It may be there; why that is not known.
    Doubt(Box<str>),
}

/// Rows that were sent, by what their tokens come to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Known {
    rows: HashMap<Seal, Sent>,
    doubts: u64,
}

impl Known {
    /// Takes in what was written down of a chunk.
    pub fn learn(&mut self, stored: &Stored) {
        let rows = stored.rows.iter().zip(&stored.seals).zip(stored.checks.as_chunks::<4>().0);
        for ((row, seal), check) in rows {
            let before = self.rows.get(seal);
            let is_accepted = matches!(before, Some(Sent::Accepted { .. }));
            let run = || row.run.clone().unwrap_or_else(|| RunId::Text("".into()));
            let status = || Status::of(row.status.as_deref());
            let sent = match row.outcome {
                Outcome::Accepted => {
                    let check = Some(u32::from_le_bytes(*check));
                    Sent::Accepted { run: run(), status: status(), check }
                }
                // Its run was not written down any more: what was known of it stands.
                Outcome::Existing if is_accepted && row.run.is_none() => continue,
                Outcome::Existing => {
                    let check = match before {
                        Some(Sent::Accepted { check, .. }) => *check,
                        _ => (!row.is_changed).then(|| u32::from_le_bytes(*check)),
                    };
                    Sent::Accepted { run: run(), status: status(), check }
                }
                Outcome::Unknown if !is_accepted => {
                    Sent::Doubt(row.error.clone().unwrap_or_default().into())
                }
                // It was looked for, and is not there.
                Outcome::Rejected | Outcome::NotSent if !is_accepted => {
                    self.remove(seal);
                    continue;
                }
                _ => continue,
            };
            self.remove(seal);
            self.doubts += u64::from(matches!(sent, Sent::Doubt(_)));
            self.rows.insert(*seal, sent);
        }
    }

    fn remove(&mut self, seal: &Seal) {
        if let Some(Sent::Doubt(_)) = self.rows.remove(seal) {
            self.doubts -= 1;
        }
    }

    /// The row of a token, where it is known to be in the campaign; `check` is of what it is now.
    pub fn existing(&self, seal: Seal, check: u32) -> Option<Existing> {
        match self.rows.get(&seal)? {
            Sent::Accepted { run, status, check: then } => Some(Existing {
                run: run.clone(),
                status: status.clone(),
                is_changed: then.is_some_and(|then| then != check),
                is_doubled: false,
            }),
            Sent::Doubt(_) => None,
        }
    }

    /// Why it is not known whether the row of a token is in the campaign, if that is so.
    pub fn doubt(&self, seal: Seal) -> Option<&str> {
        match self.rows.get(&seal)? {
            Sent::Doubt(why) => Some(why),
            Sent::Accepted { .. } => None,
        }
    }

    /// How many rows may be in the campaign.
    pub const fn doubts(&self) -> u64 {
        self.doubts
    }

    /// The tokens of rows that are known to be in the campaign.
    pub fn accepted(&self) -> impl Iterator<Item = Seal> {
        let is_there = |(_, sent): &(&Seal, &Sent)| matches!(sent, Sent::Accepted { .. });
        self.rows.iter().filter(is_there).map(|(seal, _)| *seal)
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}
