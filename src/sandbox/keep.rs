//! The file that keeps a sandbox: what was asked of it since it was last written down whole.
//!
//! A command is in the file before it is answered, so a killed process loses nothing that was
//! answered. What time alone does needs no writing: it follows.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use super::command::Command;
use super::runner;
use super::time::Time;
use super::world::World;
use revrag::{Error, Result};

const APPLICATION_ID: i64 = 0x7265_7662;
/// Changes with what is in the file.
const VERSION: i64 = 2;
/// SQLite holds less than a gigabyte in one value.
const PART: usize = 64 << 20;
/// So many bytes of commands are not read again at each start.
const MOST_COMMANDS: usize = 64 << 20;

/// An open file.
#[derive(Debug)]
pub(super) struct Keep {
    connection: Connection,
    /// Bytes of commands since the last checkpoint, and of that.
    commands: usize,
    whole: usize,
}

/// Makes the file, if need be, for its owner's eyes only: keys and numbers are in it. One that is there is not
/// touched: with it, the lock of another sandbox in this process would be let go.
fn make(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn refuse(error: impl std::fmt::Display) -> Error {
    Error::invalid("state", format!("the file can't be used: {error}"))
}

fn from_sqlite(error: rusqlite::Error) -> Error {
    let busy = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy);
    if busy { refuse("another sandbox has it open; stop that one first") } else { refuse(error) }
}

impl Keep {
    /// Opens or makes a file; the world it holds, if it holds one.
    pub(super) fn open(path: &Path) -> Result<(Self, Option<World>)> {
        // Names that mean something to SQLite are files, too.
        let path = std::path::absolute(path).map_err(refuse)?;
        make(&path).map_err(refuse)?;
        let connection = Connection::open(&path).map_err(from_sqlite)?;
        let mut keep = Self { connection, commands: 0, whole: 0 };
        keep.prepare()?;
        let world = keep.load()?;
        Ok((keep, world))
    }

    fn prepare(&self) -> Result<()> {
        let sql = &self.connection;
        sql.busy_timeout(std::time::Duration::ZERO).map_err(from_sqlite)?;
        // Held from the first write to the end: a file is one sandbox's.
        sql.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(from_sqlite)?;
        let number = |name: &str| -> Result<i64> {
            sql.pragma_query_value(None, name, |row| row.get(0)).map_err(from_sqlite)
        };
        let tables: i64 = sql
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(from_sqlite)?;
        if tables > 0 && number("application_id")? != APPLICATION_ID {
            return Err(refuse(
                "it is not a sandbox's; name another, or one that is not there yet",
            ));
        }
        if tables > 0 && number("user_version")? != VERSION {
            return Err(refuse("another version of revrag wrote it; start with a new file"));
        }
        sql.pragma_update(None, "journal_mode", "WAL").map_err(from_sqlite)?;
        // What was handed to the system outlives the process. A power cut may take the last of it.
        sql.pragma_update(None, "synchronous", "NORMAL").map_err(from_sqlite)?;
        sql.execute_batch(&format!(
            "BEGIN IMMEDIATE;
             PRAGMA application_id = {APPLICATION_ID};
             PRAGMA user_version = {VERSION};
             CREATE TABLE IF NOT EXISTS whole (part INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
             CREATE TABLE IF NOT EXISTS command (
                 number INTEGER PRIMARY KEY, at INTEGER NOT NULL, bytes BLOB NOT NULL);
             CREATE TABLE IF NOT EXISTS clock (id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER);
             COMMIT;"
        ))
        .map_err(from_sqlite)
    }

    fn load(&mut self) -> Result<Option<World>> {
        let sql = &self.connection;
        let mut whole = Vec::new();
        let mut parts =
            sql.prepare("SELECT bytes FROM whole ORDER BY part").map_err(from_sqlite)?;
        let mut rows = parts.query([]).map_err(from_sqlite)?;
        while let Some(row) = rows.next().map_err(from_sqlite)? {
            whole.extend(row.get::<_, Vec<u8>>(0).map_err(from_sqlite)?);
        }
        if whole.is_empty() {
            return Ok(None);
        }
        self.whole = whole.len();
        let mut world = World::of_bytes(&whole)?;
        drop(whole);
        let mut commands =
            sql.prepare("SELECT at, bytes FROM command ORDER BY number").map_err(from_sqlite)?;
        let mut rows = commands.query([]).map_err(from_sqlite)?;
        while let Some(row) = rows.next().map_err(from_sqlite)? {
            let bytes: Vec<u8> = row.get(1).map_err(from_sqlite)?;
            let command: Command = postcard::from_bytes(&bytes).map_err(refuse)?;
            self.commands += bytes.len();
            command.apply(&mut world, Time(row.get(0).map_err(from_sqlite)?))?;
        }
        let clock: Option<i64> = sql
            .query_row("SELECT at FROM clock", [], |row| row.get(0))
            .optional()
            .map_err(from_sqlite)?;
        if let Some(clock) = clock {
            runner::run(&mut world, Time(clock));
        }
        Ok(Some(world))
    }

    /// Writes down a command that is about to be applied at this time.
    pub(super) fn note(&mut self, at: Time, command: &Command) -> Result<()> {
        let bytes = postcard::to_stdvec(command).map_err(refuse)?;
        self.connection
            .prepare_cached("INSERT INTO command (at, bytes) VALUES (?1, ?2)")
            .and_then(|mut insert| insert.execute(params![at.0, bytes]))
            .map_err(from_sqlite)?;
        self.commands += bytes.len();
        Ok(())
    }

    /// Writes down how far the world was run.
    pub(super) fn reached(&self, at: Time) -> Result<()> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO clock (id, at) VALUES (1, ?1)")
            .and_then(|mut insert| insert.execute(params![at.0]))
            .map(drop)
            .map_err(from_sqlite)
    }

    /// Whether it is time to write down the whole.
    pub(super) fn is_long(&self) -> bool {
        self.commands > MOST_COMMANDS.max(2 * self.whole)
    }

    /// Writes down the whole.
    pub(super) fn write(&mut self, world: &World) -> Result<()> {
        let bytes = world.to_bytes()?;
        let transaction = self.connection.transaction().map_err(from_sqlite)?;
        transaction
            .execute_batch("DELETE FROM whole; DELETE FROM command; DELETE FROM clock;")
            .map_err(from_sqlite)?;
        for (part, bytes) in bytes.chunks(PART).enumerate() {
            transaction
                .execute(
                    "INSERT INTO whole VALUES (?1, ?2)",
                    params![i64::try_from(part).unwrap_or(i64::MAX), bytes],
                )
                .map_err(from_sqlite)?;
        }
        transaction.commit().map_err(from_sqlite)?;
        (self.commands, self.whole) = (0, bytes.len());
        Ok(())
    }
}
