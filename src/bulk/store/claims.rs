//! The numbers that rows of an upload before have left with, and which row has which.

use std::collections::HashMap;

use rusqlite::Connection;

use super::super::cutting::fingerprint;
use super::super::outcome::Outcome;
use super::journal::{self, Name};
use crate::Result;

/// Reads them from the rows of `chunks` chunks.
pub(super) fn gather(
    connection: &Connection,
    chunks: u64,
    name: &Name,
) -> Result<HashMap<u128, u64>> {
    let mut claims = HashMap::new();
    let mut row = 0;
    for seq in 0..chunks {
        let entries = journal::entries(connection, seq).map_err(|error| name.told(&error))?;
        let stored = journal::stored(&entries).ok_or_else(|| name.corrupt())?;
        for report in &stored.rows {
            let has_left =
                matches!(report.outcome, Outcome::Accepted | Outcome::Rejected | Outcome::Unknown);
            if let (true, Some(number)) = (has_left, &report.number) {
                claims.entry(fingerprint(number)).or_insert(row);
            }
            row += 1;
        }
    }
    Ok(claims)
}
