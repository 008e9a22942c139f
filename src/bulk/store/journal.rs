//! Opening a journal: what it must be, and whose.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::options::Content;
use crate::{Error, Result};

/// Marks a SQLite file as a journal: "RVRG".
const APPLICATION_ID: i64 = 0x5256_5247;
const VERSION: i64 = 1;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS upload (id INTEGER PRIMARY KEY CHECK (id = 1), identity TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS chunk (
        seq INTEGER PRIMARY KEY,
        first_row INTEGER NOT NULL,
        rows INTEGER NOT NULL,
        checks BLOB NOT NULL,
        results BLOB,
        accepted INTEGER NOT NULL DEFAULT 0,
        rejected INTEGER NOT NULL DEFAULT 0,
        invalid INTEGER NOT NULL DEFAULT 0,
        duplicate INTEGER NOT NULL DEFAULT 0,
        unknown INTEGER NOT NULL DEFAULT 0,
        not_sent INTEGER NOT NULL DEFAULT 0,
        repaired INTEGER NOT NULL DEFAULT 0
    );
";

/// What an upload is, so that another is not taken for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in super::super) struct Identity {
    pub(in super::super) upload: Uuid,
    pub(in super::super) campaign: Uuid,
    pub(in super::super) base_url: String,
    pub(in super::super) content: Content,
    /// No record from before this moment, by the service's clock, is of this upload.
    pub(in super::super) since: Option<jiff::Timestamp>,
}

/// What a store is called in errors.
#[derive(Debug, Clone)]
pub(in super::super) struct Name(String);

impl Name {
    pub(super) fn of(path: Option<&Path>) -> Self {
        Self(path.map_or_else(
            || "the temporary file of the results".to_owned(),
            |path| path.display().to_string(),
        ))
    }

    /// An error about it.
    pub(super) fn error(&self, problem: &str) -> Error {
        Error::Journal(format!("{} {problem}", self.0))
    }

    /// The error of a store whose content can't be.
    pub(in super::super) fn corrupt(&self) -> Error {
        self.error("is damaged; the campaign's records tell what was sent")
    }

    /// What SQLite says, in words of this package.
    pub(in super::super) fn told(&self, error: &rusqlite::Error) -> Error {
        let problem = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "is in use by another upload"
            }
            Some(ErrorCode::NotADatabase) => "is not a journal; name another file",
            Some(ErrorCode::DatabaseCorrupt) => return self.corrupt(),
            Some(ErrorCode::CannotOpen) => {
                "can't be opened or made; check the folder and its permissions"
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                "can't be written; check its permissions"
            }
            Some(ErrorCode::DiskFull) => {
                "can't be written: the disk is full; make room and go on with it"
            }
            Some(ErrorCode::SystemIoFailure) => {
                return self.error(&format!("can't be written ({error}); check the disk"));
            }
            _ => return self.error(&format!("can't be used: {error}")),
        };
        self.error(problem)
    }
}

/// A private file.
pub(super) fn open_private(name: &Name) -> Result<Connection> {
    let refuse = |error: rusqlite::Error| name.told(&error);
    // An empty name is a file of SQLite's own, which goes with the connection.
    let connection = Connection::open("").map_err(refuse)?;
    connection.pragma_update(None, "synchronous", "OFF").map_err(refuse)?;
    connection.pragma_update(None, "journal_mode", "MEMORY").map_err(refuse)?;
    connection.execute_batch(SCHEMA).map_err(refuse)?;
    Ok(connection)
}

/// The journal at `path`, for this upload alone, and the lock that says so.
///
/// The lock is not SQLite's: a process loses those of a file as soon as it closes any descriptor of
/// that file, be it to copy it.
pub(super) fn open_journal(path: &Path, name: &Name) -> Result<(Connection, File)> {
    let refuse = |error: rusqlite::Error| name.told(&error);
    let lock = lock(path, name)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(refuse)?;
    // The report of an upload before may be read meanwhile.
    connection.busy_timeout(Duration::from_secs(10)).map_err(refuse)?;
    let pragma = |name: &str| -> rusqlite::Result<i64> {
        connection.pragma_query_value(None, name, |row| row.get(0))
    };
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
        .map_err(refuse)?;
    if tables > 0 && pragma("application_id").map_err(refuse)? != APPLICATION_ID {
        return Err(name.error("is a database of another program; name another file"));
    }
    let version = pragma("user_version").map_err(refuse)?;
    if tables > 0 && version != VERSION {
        return Err(name.error(&format!(
            "was written by another version of revrag: its format is {version}, and this version \
             reads {VERSION}"
        )));
    }
    // What is committed is in the one file that the caller knows of.
    connection.pragma_update(None, "journal_mode", "TRUNCATE").map_err(refuse)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(refuse)?;
    let begin = format!(
        "BEGIN EXCLUSIVE; {SCHEMA} PRAGMA application_id = {APPLICATION_ID}; \
         PRAGMA user_version = {VERSION}; COMMIT;"
    );
    connection.execute_batch(&begin).map_err(refuse)?;
    Ok((connection, lock))
}

/// Opens the file, makes it if need be, for its owner's eyes only, and locks it.
fn lock(path: &Path, name: &Name) -> Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            name.error("can't be written; check its permissions")
        }
        _ => name.error(&format!("can't be opened or made ({error}); check the folder")),
    })?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(name.error("is in use by another upload")),
        Err(TryLockError::Error(error)) => {
            return Err(name.error(&format!("can't be locked ({error})")));
        }
    }
    // SQLite takes a file too short to be one of its own for an empty one.
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    if (1..512).contains(&size) {
        return Err(name.error("is not a journal; name another file"));
    }
    Ok(file)
}

/// Refuses to go on with another upload.
pub(super) fn compare(known: &Identity, asked: &Identity, name: &Name) -> Result<()> {
    if known.campaign != asked.campaign {
        return Err(name.error(&format!("belongs to another campaign, {}", known.campaign)));
    }
    if known.base_url != asked.base_url {
        return Err(name.error(&format!("belongs to another base_url, {}", known.base_url)));
    }
    match known.content.difference(&asked.content) {
        None => Ok(()),
        Some(option) => Err(name.error(&format!(
            "was begun with another {option}; go on with the same, or name another file"
        ))),
    }
}
