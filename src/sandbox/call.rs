//! A call, as a sandbox keeps it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::outcome::{Line, Outcome, Turn};
use super::time::Time;

/// A call to a record's number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Its id.
    pub id: Uuid,
    /// The campaign, as an index.
    pub campaign: u32,
    /// The record, as an index into its campaign's.
    pub record: u32,
    /// Which attempt it is, from 1.
    pub attempt: u16,
    /// How it ends, or ended.
    pub outcome: Outcome,
    /// Whether it has ended.
    pub ended: bool,
    /// Since when the record was due: between this and the start it waited for a gate.
    pub due: Time,
    /// When it began.
    pub started_at: Time,
    /// When it ends, or ended.
    pub ends_at: Time,
    /// The record's call before it.
    pub previous: Option<u32>,
    /// How it was scripted to go, if it was.
    pub script: Option<Box<Line>>,
    /// What was said in it, where someone plays the callee.
    pub said: Vec<Turn>,
    /// Whether someone plays the callee.
    pub person: Person,
}

impl Call {
    /// Why it ended, as Get Call Status spells it.
    pub fn hangup(&self) -> &'static str {
        match (self.person, self.outcome) {
            (Person::Speaks, Outcome::Completed) => "user_hangup",
            (_, outcome) => outcome.hangup(),
        }
    }
}

/// Whether someone plays the callee.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Person {
    /// Nobody does: the call goes as it is scripted or drawn.
    #[default]
    No,
    /// It rings, until it is answered.
    Called,
    /// It was answered.
    Speaks,
}
