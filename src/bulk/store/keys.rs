//! What a journal knows of rows by their keys: gathered when it is opened, so that the rows of an
//! upload before have no places any more.

use rusqlite::{Connection, OptionalExtension as _};

use super::super::ledger::Known;
use super::journal::{self, Name};
use crate::Result;

const SCHEMA: &str =
    "CREATE TABLE IF NOT EXISTS known (id INTEGER PRIMARY KEY CHECK (id = 1), blob BLOB NOT NULL);";

/// Whether rows were gathered before.
pub(super) fn has_known(connection: &Connection, name: &Name) -> Result<bool> {
    let query = "SELECT count(*) FROM sqlite_master WHERE name = 'known'";
    let tables: i64 =
        connection.query_row(query, [], |row| row.get(0)).map_err(|error| name.told(&error))?;
    Ok(tables > 0)
}

/// Gathers what is known of the rows of `chunks` chunks and of those before, in one transaction.
pub(super) fn gather(connection: &mut Connection, chunks: u64, name: &Name) -> Result<Known> {
    let refuse = |error: rusqlite::Error| name.told(&error);
    journal::set_keyed(connection).map_err(refuse)?;
    connection.execute_batch(SCHEMA).map_err(refuse)?;
    let blob: Option<Vec<u8>> = connection
        .query_row("SELECT blob FROM known", [], |row| row.get(0))
        .optional()
        .map_err(refuse)?;
    let mut known: Known = match blob {
        Some(blob) => postcard::from_bytes(&blob).map_err(|_| name.corrupt())?,
        None => Known::default(),
    };
    if chunks == 0 {
        return Ok(known);
    }
    for seq in 0..chunks {
        let entries = journal::entries(connection, seq).map_err(refuse)?;
        let stored = journal::stored(&entries).ok_or_else(|| name.corrupt())?;
        if stored.seals.len() != stored.rows.len() {
            return Err(name.corrupt());
        }
        known.learn(&stored);
    }
    let blob = postcard::to_stdvec(&known).map_err(|_| name.corrupt())?;
    let transaction = connection.transaction().map_err(refuse)?;
    transaction.execute("INSERT OR REPLACE INTO known VALUES (1, ?)", [blob]).map_err(refuse)?;
    transaction.execute_batch("DELETE FROM chunk; DELETE FROM entry;").map_err(refuse)?;
    transaction.commit().map_err(refuse)?;
    Ok(known)
}
