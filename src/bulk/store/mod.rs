//! The one SQLite file that holds what is known of every row: the journal, or a private file where
//! there is none. One thread writes it, as many changes in one transaction as have come.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::answer::RunId;
use super::blob;
use super::outcome::Counts;
use crate::Result;

pub(super) use journal::{Identity, Name};

mod journal;

/// The most changes in one transaction.
const GROUP: usize = 512;

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
    name: Name,
    commands: Sender<Command>,
    thread: JoinHandle<Connection>,
    /// Held as long as the journal is in use.
    lock: Option<File>,
}

/// A store that is only read any more.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) connection: Connection,
    pub(super) name: Name,
    /// Whether another upload may go on with it.
    pub(super) is_shared: bool,
    /// Given up once what may change later has been read.
    lock: Option<File>,
}

impl Closed {
    /// Lets the next upload have the journal.
    pub(super) fn unlocked(self) -> (Connection, Name) {
        drop(self.lock);
        (self.connection, self.name)
    }
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
        let name = Name::of(path);
        let (connection, lock) = match path {
            Some(path) => {
                let (connection, lock) = journal::open_journal(path, &name)?;
                (connection, Some(lock))
            }
            None => (journal::open_private(&name)?, None),
        };
        let refuse = |error: rusqlite::Error| name.told(&error);
        let cuts = cuts(&connection, &name)?;
        let known: Option<String> = connection
            .query_row("SELECT identity FROM upload", [], |row| row.get(0))
            .optional()
            .map_err(refuse)?;
        let identity = match known.as_deref() {
            Some(text) if !cuts.is_empty() => {
                let known: Identity = serde_json::from_str(text).map_err(|_| name.corrupt())?;
                journal::compare(&known, &fresh, &name)?;
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
            .spawn({
                let name = name.clone();
                move || work(connection, &received, &told, &name)
            })
            .map_err(|error| name.error(&format!("can't be written: no thread ({error})")))?;
        let store = Self { path: path.map(Path::to_path_buf), name, commands, thread, lock };
        Ok(Opened { store, identity, cuts, durable })
    }

    /// Opens the journal at `path` to look at it.
    pub(super) fn look(path: &Path) -> Result<(Identity, Closed)> {
        let name = Name::of(Some(path));
        if !path.is_file() {
            return Err(name.error("is not there"));
        }
        let (connection, lock) = journal::open_journal(path, &name)?;
        cuts(&connection, &name)?;
        let identity: String = connection
            .query_row("SELECT identity FROM upload", [], |row| row.get(0))
            .map_err(|error| name.told(&error))?;
        let identity = serde_json::from_str(&identity).map_err(|_| name.corrupt())?;
        Ok((identity, Closed { connection, name, is_shared: true, lock: Some(lock) }))
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
        answer.await.unwrap_or_else(|_| Err(self.name.corrupt()))
    }

    /// Which of `runs` belong to rows that are written down.
    pub(super) async fn accounted(&self, runs: HashSet<RunId>) -> Result<HashSet<RunId>> {
        let (reply, answer) = oneshot::channel();
        let _ = self.commands.send(Command::Accounted { runs, reply });
        answer.await.unwrap_or_else(|_| Err(self.name.corrupt()))
    }

    /// What it is called in errors.
    pub(super) fn name(&self) -> &Name {
        &self.name
    }

    /// Ends the writing: the journal is free again. Returns a connection that reads.
    pub(super) fn close(self) -> Result<Closed> {
        let Self { path, name, commands, thread, lock } = self;
        drop(commands);
        let connection = thread.join().map_err(|_| name.corrupt())?;
        let refuse = |error: rusqlite::Error| name.told(&error);
        let Some(path) = path else {
            return Ok(Closed { connection, name, is_shared: false, lock: None });
        };
        // One file again.
        connection.pragma_update(None, "journal_mode", "DELETE").map_err(refuse)?;
        // Opened before the other is closed, and that before the lock is given up.
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let reader = Connection::open_with_flags(&path, flags).map_err(refuse)?;
        reader.busy_timeout(Duration::from_secs(10)).map_err(refuse)?;
        drop(connection);
        Ok(Closed { connection: reader, name, is_shared: true, lock })
    }
}

fn cuts(connection: &Connection, name: &Name) -> Result<Vec<usize>> {
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

fn write_identity(connection: &Connection, identity: &Identity) -> rusqlite::Result<()> {
    let text = serde_json::to_string(identity).unwrap_or_default();
    connection.execute("INSERT OR REPLACE INTO upload VALUES (1, ?)", [text]).map(drop)
}

/// Runs commands until nobody can send one any more.
fn work(
    mut connection: Connection,
    commands: &Receiver<Command>,
    durable: &UnboundedSender<Result<u64>>,
    name: &Name,
) -> Connection {
    let mut failed = None;
    while let Ok(first) = commands.recv() {
        let group = std::iter::once(first).chain(commands.try_iter().take(GROUP - 1));
        let (writes, reads): (Vec<_>, Vec<_>) = group.partition(Command::writes);
        // After one failure nothing more is written: a hole would be taken for damage.
        if failed.is_none() && !writes.is_empty() {
            match write_all(&mut connection, writes) {
                Ok(planned) => planned.into_iter().for_each(|seq| {
                    let _ = durable.send(Ok(seq));
                }),
                Err(error) => {
                    let error = name.told(&error);
                    let _ = durable.send(Err(error.clone()));
                    failed = Some(error);
                }
            }
        }
        for read in reads {
            read.answer(&connection, name);
        }
    }
    connection
}

/// Writes a group down, durably; the chunks that asked to be told of.
fn write_all(connection: &mut Connection, group: Vec<Command>) -> rusqlite::Result<Vec<u64>> {
    let transaction = connection.transaction()?;
    let mut planned = Vec::new();
    for command in group {
        match command {
            Command::Write { entry, planned: tell } => {
                write(&transaction, &entry)?;
                planned.extend(tell.then_some(entry.seq));
            }
            Command::Identify(identity) => write_identity(&transaction, &identity)?,
            Command::Read { .. } | Command::Accounted { .. } => {}
        }
    }
    transaction.commit()?;
    Ok(planned)
}

impl Command {
    fn writes(&self) -> bool {
        matches!(self, Self::Write { .. } | Self::Identify(_))
    }

    fn answer(self, connection: &Connection, name: &Name) {
        match self {
            Self::Read { seq, reply } => {
                let _ = reply.send(stored(connection, seq).map_err(|error| name.told(&error)));
            }
            Self::Accounted { runs, reply } => {
                let _ = reply.send(accounted(connection, &runs, name));
            }
            Self::Write { .. } | Self::Identify(_) => {}
        }
    }
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

fn accounted(
    connection: &Connection,
    runs: &HashSet<RunId>,
    name: &Name,
) -> Result<HashSet<RunId>> {
    let refuse = |error: rusqlite::Error| name.told(&error);
    let mut query = connection
        .prepare("SELECT rows, results FROM chunk WHERE accepted > 0 AND results IS NOT NULL")
        .map_err(refuse)?;
    let mut chunks = query.query([]).map_err(refuse)?;
    let mut found = HashSet::new();
    while let Some(chunk) = chunks.next().map_err(refuse)? {
        let rows: i64 = chunk.get(0).map_err(refuse)?;
        let results: Vec<u8> = chunk.get(1).map_err(refuse)?;
        let rows = usize::try_from(rows).map_err(|_| name.corrupt())?;
        let reports = blob::unpack(&results, rows).map_err(|blob::Corrupt| name.corrupt())?;
        found.extend(reports.into_iter().filter_map(|r| r.run).filter(|run| runs.contains(run)));
    }
    Ok(found)
}

/// SQLite's integers are signed.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
