//! The one SQLite file that holds what is known of every row: the journal, or a private file where
//! there is none. One thread writes it, as many changes in one transaction as have come.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::answer::RunId;
use super::blob;
use super::options::Content;
use super::outcome::Counts;
use crate::{Error, Result};

/// Marks a SQLite file as a journal: "RVRG".
const APPLICATION_ID: i64 = 0x5256_5247;
const VERSION: i64 = 1;

/// The most changes in one transaction.
const GROUP: usize = 512;

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
pub(super) struct Identity {
    pub(super) upload: Uuid,
    pub(super) campaign: Uuid,
    pub(super) base_url: String,
    pub(super) content: Content,
    /// No record from before this moment, by the service's clock, is of this upload.
    pub(super) since: Option<jiff::Timestamp>,
}

/// A chunk as it is written down.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) seq: u64,
    pub(super) first_row: u64,
    /// A check of each row.
    pub(super) checks: Vec<u8>,
    /// What is known of it; none while it is on its way.
    pub(super) results: Option<(Vec<u8>, Counts)>,
}

/// A chunk as it was written down.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) checks: Vec<u8>,
    pub(super) results: Option<Vec<u8>>,
}

enum Command {
    /// Writes an entry; `planned` asks to be told when it is durable.
    Write {
        entry: Entry,
        planned: bool,
    },
    Read {
        seq: u64,
        reply: oneshot::Sender<Result<Option<Stored>>>,
    },
    /// Which of some runs belong to rows that are written down.
    Accounted {
        runs: HashSet<RunId>,
        reply: oneshot::Sender<Result<HashSet<RunId>>>,
    },
    Identify(Box<Identity>),
}

/// The store of one upload, held by it alone.
#[derive(Debug)]
pub(super) struct Store {
    path: Option<PathBuf>,
    commands: Sender<Command>,
    thread: JoinHandle<Connection>,
}

/// An opened store, and what was in it.
pub(super) struct Opened {
    pub(super) store: Store,
    pub(super) identity: Identity,
    /// The rows of each chunk that was written down, in order.
    pub(super) cuts: Vec<usize>,
    /// Tells of each chunk that is durable, and of failures.
    pub(super) durable: UnboundedReceiver<Result<u64>>,
}

impl Store {
    /// Opens the journal at `path`, or a private file. An upload that is there goes on; else `fresh`
    /// begins.
    pub(super) fn open(path: Option<&Path>, fresh: Identity) -> Result<Opened> {
        let connection = match path {
            Some(path) => open_journal(path)?,
            None => open_private()?,
        };
        let refuse = |error: rusqlite::Error| told(&error, path);
        let cuts = cuts(&connection, path)?;
        let known: Option<String> = connection
            .query_row("SELECT identity FROM upload", [], |row| row.get(0))
            .optional()
            .map_err(refuse)?;
        let identity = match known.as_deref() {
            Some(text) if !cuts.is_empty() => {
                let known: Identity = serde_json::from_str(text).map_err(|_| corrupt())?;
                compare(&known, &fresh)?;
                known
            }
            _ => {
                write_identity(&connection, &fresh).map_err(refuse)?;
                fresh
            }
        };
        let (commands, received) = mpsc::channel();
        let (told, durable) = unbounded_channel();
        let thread = std::thread::Builder::new()
            .name("revrag-journal".to_owned())
            .spawn(move || work(connection, &received, &told))
            .map_err(|error| Error::Journal(format!("its thread could not be started: {error}")))?;
        let store = Self { path: path.map(Path::to_path_buf), commands, thread };
        Ok(Opened { store, identity, cuts, durable })
    }

    /// Writes an entry down; it is durable once told.
    pub(super) fn plan(&self, entry: Entry) {
        let _ = self.commands.send(Command::Write { entry, planned: true });
    }

    /// Writes down what is known of a chunk.
    pub(super) fn record(&self, entry: Entry) {
        let _ = self.commands.send(Command::Write { entry, planned: false });
    }

    /// Writes down what the upload is.
    pub(super) fn identify(&self, identity: &Identity) {
        let _ = self.commands.send(Command::Identify(Box::new(identity.clone())));
    }

    /// Reads an entry.
    pub(super) async fn read(&self, seq: u64) -> Result<Option<Stored>> {
        let (reply, answer) = oneshot::channel();
        let _ = self.commands.send(Command::Read { seq, reply });
        answer.await.unwrap_or_else(|_| Err(corrupt()))
    }

    /// Which of `runs` belong to rows that are written down.
    pub(super) async fn accounted(&self, runs: HashSet<RunId>) -> Result<HashSet<RunId>> {
        let (reply, answer) = oneshot::channel();
        let _ = self.commands.send(Command::Accounted { runs, reply });
        answer.await.unwrap_or_else(|_| Err(corrupt()))
    }

    /// Ends the writing: the journal is free again. Returns a connection that reads.
    pub(super) fn close(self) -> Result<Connection> {
        drop(self.commands);
        let connection = self.thread.join().map_err(|_| corrupt())?;
        let Some(path) = self.path else { return Ok(connection) };
        let refuse = |error: rusqlite::Error| told(&error, Some(&path));
        // One file again, which can be read beside its next user.
        connection.pragma_update(None, "journal_mode", "DELETE").map_err(refuse)?;
        drop(connection);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(&path, flags).map_err(refuse)
    }
}

fn open_private() -> Result<Connection> {
    let refuse = |error: rusqlite::Error| {
        Error::Journal(format!("the temporary file of the results can't be written: {error}"))
    };
    // An empty name is a file of SQLite's own, which goes with the connection.
    let connection = Connection::open("").map_err(refuse)?;
    connection.pragma_update(None, "synchronous", "OFF").map_err(refuse)?;
    connection.pragma_update(None, "journal_mode", "OFF").map_err(refuse)?;
    connection.execute_batch(SCHEMA).map_err(refuse)?;
    Ok(connection)
}

fn open_journal(path: &Path) -> Result<Connection> {
    let refuse = |error: rusqlite::Error| told(&error, Some(path));
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(refuse)?;
    connection.busy_timeout(Duration::ZERO).map_err(refuse)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(refuse)?;
    let pragma = |name: &str| -> rusqlite::Result<i64> {
        connection.pragma_query_value(None, name, |row| row.get(0))
    };
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
        .map_err(refuse)?;
    if tables > 0 && pragma("application_id").map_err(refuse)? != APPLICATION_ID {
        return Err(Error::Journal(format!(
            "{} is a database of another program; name another file",
            path.display()
        )));
    }
    let version = pragma("user_version").map_err(refuse)?;
    if tables > 0 && version != VERSION {
        return Err(Error::Journal(format!(
            "{} was written by another version of revrag (format {version}, this one reads {VERSION})",
            path.display()
        )));
    }
    connection.pragma_update(None, "journal_mode", "WAL").map_err(refuse)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(refuse)?;
    let begin = format!(
        "BEGIN EXCLUSIVE; {SCHEMA} PRAGMA application_id = {APPLICATION_ID}; \
         PRAGMA user_version = {VERSION}; COMMIT;"
    );
    connection.execute_batch(&begin).map_err(refuse)?;
    Ok(connection)
}

fn cuts(connection: &Connection, path: Option<&Path>) -> Result<Vec<usize>> {
    let refuse = |error: rusqlite::Error| told(&error, path);
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
        next = next.checked_add(rows).filter(|_| fits).ok_or_else(corrupt)?;
        cuts.push(usize::try_from(rows).map_err(|_| corrupt())?);
    }
    Ok(cuts)
}

fn compare(known: &Identity, asked: &Identity) -> Result<()> {
    let problem = if known.campaign != asked.campaign {
        format!("it belongs to another campaign, {}", known.campaign)
    } else if known.base_url != asked.base_url {
        format!("it belongs to another service, {}", known.base_url)
    } else if let Some(option) = known.content.difference(&asked.content) {
        format!("it was begun with another {option}; go on with the same, or name another file")
    } else {
        return Ok(());
    };
    Err(Error::Journal(problem))
}

fn write_identity(connection: &Connection, identity: &Identity) -> rusqlite::Result<()> {
    let text = serde_json::to_string(identity).unwrap_or_default();
    connection.execute("INSERT OR REPLACE INTO upload VALUES (1, ?)", [text]).map(drop)
}

/// Runs commands until nobody can send one any more.
fn work(
    mut connection: Connection,
    commands: &Receiver<Command>,
    durable: &UnboundedSender<Result<u64>>,
) -> Connection {
    while let Ok(first) = commands.recv() {
        let group = std::iter::once(first).chain(commands.try_iter().take(GROUP - 1)).collect();
        if let Err(error) = run(&mut connection, group, durable) {
            let _ = durable.send(Err(told(&error, None)));
        }
    }
    connection
}

fn run(
    connection: &mut Connection,
    group: Vec<Command>,
    durable: &UnboundedSender<Result<u64>>,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let mut planned = Vec::new();
    for command in group {
        match command {
            Command::Write { entry, planned: tell } => {
                write(&transaction, &entry)?;
                if tell {
                    planned.push(entry.seq);
                }
            }
            Command::Identify(identity) => write_identity(&transaction, &identity)?,
            Command::Read { seq, reply } => {
                let _ = reply.send(stored(&transaction, seq).map_err(|error| told(&error, None)));
            }
            Command::Accounted { runs, reply } => {
                let _ = reply.send(accounted(&transaction, &runs));
            }
        }
    }
    transaction.commit()?;
    for seq in planned {
        let _ = durable.send(Ok(seq));
    }
    Ok(())
}

fn write(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let (blob, counts) = match &entry.results {
        Some((blob, counts)) => (Some(blob), *counts),
        None => (None, Counts::default()),
    };
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO chunk VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    let [accepted, rejected, invalid, duplicate, unknown, not_sent] =
        super::outcome::Outcome::ALL.map(|outcome| signed(counts.of(outcome)));
    statement
        .execute(params![
            signed(entry.seq),
            signed(entry.first_row),
            signed((entry.checks.len() / 4) as u64),
            entry.checks,
            blob,
            accepted,
            rejected,
            invalid,
            duplicate,
            unknown,
            not_sent,
            signed(counts.repaired),
        ])
        .map(drop)
}

fn stored(connection: &Connection, seq: u64) -> rusqlite::Result<Option<Stored>> {
    let mut statement =
        connection.prepare_cached("SELECT checks, results FROM chunk WHERE seq = ?")?;
    statement
        .query_row([signed(seq)], |row| Ok(Stored { checks: row.get(0)?, results: row.get(1)? }))
        .optional()
}

fn accounted(connection: &Connection, runs: &HashSet<RunId>) -> Result<HashSet<RunId>> {
    let refuse = |error: rusqlite::Error| told(&error, None);
    let mut query = connection
        .prepare("SELECT rows, results FROM chunk WHERE accepted > 0 AND results IS NOT NULL")
        .map_err(refuse)?;
    let mut chunks = query.query([]).map_err(refuse)?;
    let mut found = HashSet::new();
    while let Some(chunk) = chunks.next().map_err(refuse)? {
        let rows: i64 = chunk.get(0).map_err(refuse)?;
        let results: Vec<u8> = chunk.get(1).map_err(refuse)?;
        let rows = usize::try_from(rows).map_err(|_| corrupt())?;
        let reports = blob::unpack(&results, rows).map_err(|blob::Corrupt| corrupt())?;
        found.extend(reports.into_iter().filter_map(|r| r.run).filter(|run| runs.contains(run)));
    }
    Ok(found)
}

/// SQLite's integers are signed.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The error of a store whose content can't be.
pub(super) fn corrupt() -> Error {
    Error::Journal("it is damaged; the campaign's records tell what was sent".to_owned())
}

/// What SQLite says, in words of this package.
pub(super) fn told(error: &rusqlite::Error, path: Option<&Path>) -> Error {
    let name = path.map_or_else(|| "the journal".to_owned(), |path| path.display().to_string());
    let text = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            format!("{name} is in use by another upload")
        }
        Some(ErrorCode::NotADatabase) => {
            format!("{name} is not a journal; name another file")
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            format!("{name} is damaged; the campaign's records tell what was sent")
        }
        Some(ErrorCode::CannotOpen) => {
            format!("{name} can't be opened or made; check the folder and its permissions")
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            format!("{name} can't be written; check its permissions")
        }
        Some(ErrorCode::DiskFull) => {
            format!("{name} can't be written: the disk is full; make room and go on with it")
        }
        Some(ErrorCode::SystemIoFailure) => {
            format!("{name} can't be written ({error}); check the disk and go on with it")
        }
        _ => format!("{name}: {error}"),
    };
    Error::Journal(text)
}
