//! Opening a journal: what it must be, and whose.

use std::fs::{File, Metadata, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::ledger::{Beginning, Plan, Stored};
use super::super::options::Content;
use super::slots::Kind;
use super::writer::Entry;
use crate::{Error, Result};

/// Marks a SQLite file as a journal: "RVRG".
const APPLICATION_ID: i64 = 0x5256_5247;
const VERSION: i64 = 2;
/// The format of one whose rows are known by keys.
const KEYED: i64 = 4;

/// A log: entries are added to a chunk and never changed, so that a report reads what was there when
/// its upload ended, whoever goes on with the journal.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS upload (id INTEGER PRIMARY KEY CHECK (id = 1), identity TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS chunk (
        seq INTEGER PRIMARY KEY,
        first_row INTEGER NOT NULL,
        rows INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, blob BLOB NOT NULL);
";

/// An entry's id is its chunk, and its place among the chunk's in the lowest bits.
const PLACE_BITS: u32 = 20;

/// What an upload is, so that another is not taken for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in super::super) struct Identity {
    pub(in super::super) upload: Uuid,
    pub(in super::super) campaign: Uuid,
    pub(in super::super) base_url: String,
    pub(in super::super) content: Content,
    pub(in super::super) beginning: Beginning,
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

    /// What SQLite says of a journal that was in order. Where a disk or a permission fails, what was
    /// written stays; all else is a file that somebody else has written to.
    pub(super) fn broke(&self, error: &rusqlite::Error) -> Error {
        const SHORT_READ: i32 = 522;
        let is_short = error.sqlite_error().is_some_and(|error| error.extended_code == SHORT_READ);
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::CannotOpen,
            ) if !is_short => self.told(error),
            _ => Error::JournalLost(format!(
                "{} was overwritten while it was in use ({error})",
                self.0
            )),
        }
    }

    /// The error of a journal that was taken away while it was in use.
    pub(super) fn lost(&self) -> Error {
        Error::JournalLost(format!(
            "{} was deleted, renamed or replaced while it was in use",
            self.0
        ))
    }

    /// The error of a store whose content can't be.
    pub(in super::super) fn corrupt(&self) -> Error {
        Error::JournalLost(format!(
            "{} is damaged; `campaign.find(…)` tells what of its rows was sent",
            self.0
        ))
    }

    /// What SQLite says, in words of this package.
    pub(in super::super) fn told(&self, error: &rusqlite::Error) -> Error {
        let problem = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "is in use by another upload"
            }
            Some(ErrorCode::NotADatabase) => NO_JOURNAL,
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

/// An opened journal, for one upload alone.
#[derive(Debug)]
pub(super) struct Journal {
    pub(super) connection: Connection,
    /// Held as long as the journal is in use.
    pub(super) lock: File,
    path: PathBuf,
}

impl Journal {
    /// Refuses a journal whose file is not under its name any more: nobody could go on with it.
    pub(super) fn check(&self, name: &Name) -> Result<()> {
        let is_there = match (self.lock.metadata(), std::fs::metadata(&self.path)) {
            (Ok(ours), Ok(there)) => is_same(&ours, &there),
            _ => false,
        };
        if is_there { Ok(()) } else { Err(name.lost()) }
    }
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Where files have no numbers, an open one can't be taken away.
#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}

/// The journal at `path`, for this upload alone, and the lock that says so.
///
/// The lock is not SQLite's: a process loses those of a file as soon as it closes any descriptor of
/// that file, be it to copy it.
pub(super) fn open(path: &Path, name: &Name) -> Result<Journal> {
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
    if tables > 0 && !matches!(version, VERSION | KEYED) {
        return Err(name.error(&format!(
            "was written by another version of revrag: its format is {version}, and this version \
             reads {VERSION} and {KEYED}; go on with the version that wrote it"
        )));
    }
    let version = if tables > 0 { version } else { VERSION };
    // What is committed is in the one file that the caller knows of.
    connection.pragma_update(None, "journal_mode", "TRUNCATE").map_err(refuse)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(refuse)?;
    // On macOS a sync reaches the disk only so.
    connection.pragma_update(None, "fullfsync", "ON").map_err(refuse)?;
    let begin = format!(
        "BEGIN EXCLUSIVE; {SCHEMA} PRAGMA application_id = {APPLICATION_ID}; \
         PRAGMA user_version = {version}; COMMIT;"
    );
    connection.execute_batch(&begin).map_err(refuse)?;
    Ok(Journal { connection, lock, path: path.to_path_buf() })
}

/// From here on, no version that knows rows by their places alone goes on with it.
pub(super) fn set_keyed(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "user_version", KEYED)
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
        return Err(name.error(NO_JOURNAL));
    }
    Ok(file)
}

/// A journal that is damaged may have been one: then a new one is no way out.
const NO_JOURNAL: &str = "is not a journal; name another file, or restore it if it was one: a new journal knows \
                          of none of the rows that were sent";

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
            "was begun with another {option}; go on with the same: another journal would know of none of the \
             rows that were sent"
        ))),
    }
}

/// The rows of each chunk, in order.
pub(super) fn cuts(connection: &Connection, name: &Name) -> Result<Vec<usize>> {
    let refuse = |error: rusqlite::Error| name.told(&error);
    let mut query = connection
        .prepare("SELECT seq, first_row, rows FROM chunk ORDER BY seq")
        .map_err(refuse)?;
    let rows = query
        .query_map([], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        })
        .map_err(refuse)?;
    let (mut cuts, mut next) = (Vec::new(), 0_i64);
    for row in rows {
        let (seq, first_row, rows) = row.map_err(refuse)?;
        let fits = usize::try_from(seq) == Ok(cuts.len()) && first_row == next && rows > 0;
        next = next.checked_add(rows).filter(|_| fits).ok_or_else(|| name.corrupt())?;
        cuts.push(usize::try_from(rows).map_err(|_| name.corrupt())?);
    }
    Ok(cuts)
}

/// What upload it is of.
pub(super) fn identity(connection: &Connection, name: &Name) -> Result<Option<Identity>> {
    let text: Option<String> = connection
        .query_row("SELECT identity FROM upload", [], |row| row.get(0))
        .optional()
        .map_err(|error| name.told(&error))?;
    text.map(|text| serde_json::from_str(&text).map_err(|_| name.corrupt())).transpose()
}

pub(super) fn identify(connection: &Connection, identity: &Identity) -> rusqlite::Result<()> {
    let text = serde_json::to_string(identity).unwrap_or_default();
    connection.execute("INSERT OR REPLACE INTO upload VALUES (1, ?)", [text]).map(drop)
}

pub(super) fn write(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    if let Some((first_row, rows)) = entry.span {
        let mut chunk =
            connection.prepare_cached("INSERT OR REPLACE INTO chunk VALUES (?, ?, ?)")?;
        chunk.execute(params![signed(entry.seq), signed(first_row), signed(rows)])?;
    }
    let mut statement =
        connection.prepare_cached("INSERT OR REPLACE INTO entry VALUES (?, ?, ?)")?;
    statement.execute(params![id(entry.seq, entry.n), entry.kind.code(), &*entry.blob]).map(drop)
}

/// An entry of a chunk.
pub(super) fn entry(
    connection: &Connection,
    seq: u64,
    n: u32,
) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut query = connection.prepare_cached("SELECT blob FROM entry WHERE id = ?")?;
    query.query_row([id(seq, n)], |row| row.get(0)).optional()
}

/// The entries of a chunk, in order.
pub(super) fn entries(connection: &Connection, seq: u64) -> rusqlite::Result<Vec<(Kind, Vec<u8>)>> {
    let mut query = connection
        .prepare_cached("SELECT kind, blob FROM entry WHERE id >= ? AND id < ? ORDER BY id")?;
    let bounds = [id(seq, 0), id(seq.saturating_add(1), 0)];
    let rows = query.query_map(bounds, |row| {
        let kind = Kind::of(row.get(0)?).ok_or(rusqlite::Error::InvalidQuery)?;
        Ok((kind, row.get(1)?))
    })?;
    rows.collect()
}

/// A plan in one piece.
pub(super) fn pack_plan(plan: &Plan) -> Vec<u8> {
    let length = u32::try_from(plan.checks.len()).unwrap_or(u32::MAX).to_le_bytes();
    [&length[..], &plan.checks, &plan.rows].concat()
}

/// What a chunk's entries come to; none where they can't be one's.
pub(super) fn stored(entries: &[(Kind, Vec<u8>)]) -> Option<Stored> {
    let plan = entries.iter().rev().find(|(kind, _)| *kind == Kind::Plan)?;
    let (length, rest) = plan.1.split_first_chunk::<4>()?;
    let (checks, rows) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let parts = entries.iter().filter(|(kind, _)| *kind == Kind::Part);
    let parts: Vec<&[u8]> = parts.map(|(_, blob)| blob.as_slice()).collect();
    Stored::of(checks, rows, &parts)
}

fn id(seq: u64, n: u32) -> i64 {
    signed(seq << PLACE_BITS | u64::from(n))
}

/// SQLite's integers are signed.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
