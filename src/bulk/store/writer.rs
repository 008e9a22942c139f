//! The thread that writes the journal: as many changes in one transaction as have come.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::mpsc::UnboundedSender;

use super::journal::{self, Identity, Journal, Name};
use super::slots::Kind;
use crate::{Error, Result};

/// The most changes in one transaction.
const GROUP: usize = 512;

/// Something that is written down.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) seq: u64,
    /// Its place among those of its chunk.
    pub(super) n: u32,
    pub(super) kind: Kind,
    pub(super) blob: Arc<[u8]>,
    /// Where the chunk begins and how many rows it has, with its plan.
    pub(super) span: Option<(u64, u64)>,
    /// Whether somebody waits for it to be durable.
    pub(super) is_awaited: bool,
}

enum Command {
    Write(Entry),
    Identify(Box<Identity>),
    /// Reads a chunk's entries; told as a word unless somebody waits for them.
    Load(u64, Option<Sender<Loaded>>),
}

/// The journal, and whether it was left in order.
type Ended = (Journal, Result<()>);

type Loaded = Result<Vec<(Kind, Vec<u8>)>>;

/// What the journal has to say.
#[derive(Debug)]
pub(in super::super) enum Word {
    /// Entries are durable, by chunk and place; so are the plans of these chunks.
    Written { entries: Vec<(u64, u32)>, planned: Vec<u64> },
    /// What it has of a chunk.
    Loaded { seq: u64, entries: Loaded },
    /// Nothing more is written.
    Failed(Error),
}

/// Writes one journal.
#[derive(Debug)]
pub(super) struct Writer {
    /// None once it has ended.
    running: Option<(Sender<Command>, JoinHandle<Ended>)>,
    name: Name,
}

impl Writer {
    pub(super) fn start(
        journal: Journal,
        words: UnboundedSender<Word>,
        name: &Name,
    ) -> Result<Self> {
        let (commands, received) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("revrag-journal".to_owned())
            .spawn({
                let name = name.clone();
                move || work(journal, &received, &words, &name)
            })
            .map_err(|error| name.error(&format!("can't be written: no thread ({error})")))?;
        Ok(Self { running: Some((commands, thread)), name: name.clone() })
    }

    pub(super) fn write(&self, entry: Entry) {
        self.send(Command::Write(entry));
    }

    pub(super) fn identify(&self, identity: &Identity) {
        self.send(Command::Identify(Box::new(identity.clone())));
    }

    pub(super) fn load(&self, seq: u64) {
        self.send(Command::Load(seq, None));
    }

    /// The entries of a chunk, waited for.
    pub(super) fn load_now(&self, seq: u64) -> Loaded {
        let (reply, answer) = mpsc::channel();
        self.send(Command::Load(seq, Some(reply)));
        answer.recv().unwrap_or_else(|_| Err(self.name.corrupt()))
    }

    fn send(&self, command: Command) {
        if let Some((commands, _)) = &self.running {
            let _ = commands.send(command);
        }
    }

    /// Writes what is left, and lets go of the journal. The connection is kept: it reads on whatever
    /// becomes of the file's name.
    pub(super) fn end(mut self) -> (Option<Connection>, Result<()>) {
        match self.join() {
            Some((Journal { connection, .. }, ended)) => (Some(connection), ended),
            None => (None, Err(self.name.corrupt())),
        }
    }

    fn join(&mut self) -> Option<Ended> {
        let (commands, thread) = self.running.take()?;
        drop(commands);
        thread.join().ok()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The journal is free only once the thread has let go of it.
        self.join();
    }
}

/// Runs commands until nobody can send one any more.
fn work(
    mut journal: Journal,
    commands: &Receiver<Command>,
    words: &UnboundedSender<Word>,
    name: &Name,
) -> Ended {
    let mut has_failed = false;
    while let Ok(first) = commands.recv() {
        let group: Vec<Command> =
            std::iter::once(first).chain(commands.try_iter().take(GROUP - 1)).collect();
        // After one failure nothing more is written: a hole would be taken for damage.
        if !has_failed && group.iter().any(|command| !matches!(command, Command::Load(..))) {
            let written = journal.check(name).and_then(|()| {
                let written = write(&mut journal.connection, &group);
                // What took it away meanwhile is the cause of all else.
                journal.check(name).and(written.map_err(|error| name.broke(&error)))
            });
            let word = written.unwrap_or_else(|error| {
                has_failed = true;
                Word::Failed(error)
            });
            let _ = words.send(word);
        }
        for command in group {
            if let Command::Load(seq, reply) = command {
                let entries = journal::entries(&journal.connection, seq);
                let entries = entries.map_err(|error| name.told(&error));
                let _ = match reply {
                    Some(reply) => reply.send(entries).map_err(drop),
                    None => words.send(Word::Loaded { seq, entries }).map_err(drop),
                };
            }
        }
    }
    let ended = if has_failed {
        Ok(())
    } else {
        // One file again.
        journal.check(name).and_then(|()| {
            let one_file = journal.connection.pragma_update(None, "journal_mode", "DELETE");
            journal.check(name).and(one_file.map_err(|error| name.broke(&error)))
        })
    };
    (journal, ended)
}

/// Writes a group down, durably.
fn write(connection: &mut Connection, group: &[Command]) -> rusqlite::Result<Word> {
    let transaction = connection.transaction()?;
    let (mut entries, mut planned) = (Vec::new(), Vec::new());
    for command in group {
        match command {
            Command::Write(entry) => {
                journal::write(&transaction, entry)?;
                entries.push((entry.seq, entry.n));
                planned.extend(entry.is_awaited.then_some(entry.seq));
            }
            Command::Identify(identity) => journal::identify(&transaction, identity)?,
            Command::Load(..) => {}
        }
    }
    transaction.commit()?;
    Ok(Word::Written { entries, planned })
}
