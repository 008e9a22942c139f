//! What is known of rows by their keys before any of them is sent. Pure.

use std::sync::Arc;

use super::super::chunk::{Encoded, Fate};
use super::known::Known;
use super::own::{self, Reader};
use super::roster::{Roster, Sought, Standing};

/// The campaign's records and the journal's rows, by key.
#[derive(Debug)]
pub struct Book {
    pub(super) reader: Reader,
    /// None where the journal alone is asked.
    pub(super) roster: Option<Roster>,
    pub(super) known: Arc<Known>,
}

impl Book {
    /// Whether nothing is known of any row.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty() && self.roster.as_ref().is_none_or(Roster::is_empty)
    }

    /// Whether a row may have been sent before, by the journal alone.
    pub fn doubt(&self, row: &Encoded<'_>) -> Option<Fate> {
        let why = self.known.doubt(*row.key?.seal).filter(|_| self.roster.is_none())?;
        Some(Fate::Doubtful(why.into()))
    }

    /// What is to become of a row that could be sent.
    pub fn fate(&self, row: &Encoded<'_>) -> Option<Fate> {
        let key = row.key?;
        let seal = *key.seal;
        let Some(roster) = &self.roster else {
            let existing = self.known.existing(seal, row.check);
            return existing.map(|existing| Fate::Existing(Box::new(existing)));
        };
        if roster.has_none_of(seal) {
            let existing = self.known.existing(seal, row.check);
            return existing.map(|existing| Fate::Existing(Box::new(existing)));
        }
        let number = self.reader.number(row.number.unwrap_or_default()).print;
        let sought = Sought { seal, token: Some(key.token), number: Some(number), rest: None };
        match roster.standing(sought) {
            Standing::Absent => {
                let existing = self.known.existing(seal, row.check);
                existing.map(|existing| Fate::Existing(Box::new(existing)))
            }
            // What it says is read only where there is something to compare it with.
            _ => match roster.standing(Sought { rest: own::rest_sent(row.json), ..sought }) {
                Standing::There(existing) => Some(Fate::Existing(Box::new(existing))),
                Standing::MayBe(why) => Some(Fate::Doubtful(why.into())),
                Standing::Absent => None,
            },
        }
    }
}
