//! The copy: what the ledger knows, written down. In a journal it outlives the process; in a private
//! file it waits for the report and takes no memory. Whatever becomes of either, what is in neither
//! stays in memory.

mod claims;
mod journal;
mod keys;
mod scratch;
mod slots;
mod writer;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::mpsc::UnboundedReceiver;

use super::blob::RowReport;
use super::chunk::Chunk;
use super::ledger::{Beginning, Known, Plan, Stored};
use super::options::OnDuplicate;
use crate::{Error, Result};

pub(super) use journal::{Identity, Name};
use scratch::Scratch;
use slots::{At, Kind, Slot, Slots};
pub(super) use writer::Word;
use writer::Writer;

/// The copy of one upload's ledger.
#[derive(Debug)]
pub(super) struct Store {
    name: Name,
    identity: Identity,
    writer: Option<Writer>,
    scratch: Scratch,
    slots: Slots,
    aside: HashMap<u64, Aside>,
}

/// Where a chunk that was put aside is.
#[derive(Debug)]
enum Aside {
    Memory(Arc<Chunk>),
    Scratch { offset: u64, length: u32 },
}

/// An opened store, and what was in it.
pub(super) struct Opened {
    pub(super) store: Store,
    /// The rows of each chunk that was written down, in order.
    pub(super) cuts: Vec<usize>,
    /// What the journal knows of rows by their keys.
    pub(super) known: Known,
    /// Numbers that rows have left with, where no second row of a number is to leave.
    pub(super) claims: HashMap<u128, u64>,
    /// What the journal has to say.
    pub(super) words: UnboundedReceiver<Word>,
}

impl Store {
    /// Opens the journal at `path`, or a private file. An upload that is there goes on; else `fresh`
    /// begins.
    pub(super) fn open(path: Option<&Path>, fresh: Identity) -> Result<Opened> {
        let name = Name::of(path);
        let (sender, words) = tokio::sync::mpsc::unbounded_channel();
        let scratch = Scratch::open();
        let (slots, aside) = (Slots::default(), HashMap::new());
        let Some(path) = path else {
            let store = Self { name, identity: fresh, writer: None, scratch, slots, aside };
            let (cuts, known, claims) = Default::default();
            return Ok(Opened { store, cuts, known, claims, words });
        };
        let mut journal = journal::open(path, &name)?;
        let mut cuts = journal::cuts(&journal.connection, &name)?;
        let is_keyed = !fresh.content.key.is_empty();
        let before = keys::has_known(&journal.connection, &name)?;
        let identity = match journal::identity(&journal.connection, &name)? {
            Some(known) if !cuts.is_empty() || before => {
                journal::compare(&known, &fresh, &name)?;
                known
            }
            _ => {
                let refuse = |error: rusqlite::Error| name.told(&error);
                journal::identify(&journal.connection, &fresh).map_err(refuse)?;
                fresh
            }
        };
        let (mut known, mut claims) = (Known::default(), HashMap::new());
        if is_keyed {
            // Rows that are known by keys have no places any more.
            known = keys::gather(&mut journal.connection, cuts.len() as u64, &name)?;
            cuts.clear();
        } else if identity.content.on_duplicate == OnDuplicate::Reject {
            claims = claims::gather(&journal.connection, cuts.len() as u64, &name)?;
        }
        let writer = Some(Writer::start(journal, sender, &name)?);
        let store = Self { name, identity, writer, scratch, slots, aside };
        Ok(Opened { store, cuts, known, claims, words })
    }

    /// What the upload is.
    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Writes down when the upload began.
    pub(super) fn identify(&mut self, beginning: Beginning) {
        self.identity.beginning = beginning;
        if let Some(writer) = &self.writer {
            writer.identify(&self.identity);
        }
    }

    /// Writes a chunk down; once durable, the journal says so.
    pub(super) fn plan(&mut self, plan: &Plan) {
        let rows = plan.checks.len() / 4;
        let span = Some((plan.first_row, rows as u64));
        self.write(plan.seq, Kind::Plan, journal::pack_plan(plan).into(), span, true);
    }

    /// Writes down what became of rows of a chunk.
    pub(super) fn record(&mut self, seq: u64, results: Vec<u8>, is_awaited: bool) {
        self.write(seq, Kind::Part, results.into(), None, is_awaited);
    }

    fn write(
        &mut self,
        seq: u64,
        kind: Kind,
        blob: Arc<[u8]>,
        span: Option<(u64, u64)>,
        is_awaited: bool,
    ) {
        let at = self.keep(&blob);
        let n = self.slots.add(seq, Slot { kind, at });
        if let Some(writer) = &self.writer {
            writer.write(writer::Entry { seq, n, kind, blob, span, is_awaited });
        }
    }

    /// Keeps an entry for the report, which must not depend on what becomes of a journal.
    fn keep(&mut self, blob: &Arc<[u8]>) -> At {
        match self.scratch.append(blob) {
            Some((offset, length)) => At::Scratch { offset, length },
            None => At::Memory(blob.clone()),
        }
    }

    /// Entries are in the journal: memory need not keep them.
    pub(super) fn written(&mut self, entries: &[(u64, u32)]) {
        for (seq, n) in entries {
            self.slots.written(*seq, *n);
        }
    }

    /// Asks the journal for what it has of a chunk; [`Word::Loaded`] answers.
    pub(super) fn load(&self, seq: u64) {
        if let Some(writer) = &self.writer {
            writer.load(seq);
        }
    }

    /// What the journal has of a chunk, waited for.
    pub(super) fn load_now(&mut self, seq: u64) -> Result<Stored> {
        let entries = match &self.writer {
            Some(writer) => writer.load_now(seq),
            None => Err(self.name.corrupt()),
        };
        self.loaded(seq, entries)
    }

    /// What the journal had of a chunk.
    pub(super) fn loaded(
        &mut self,
        seq: u64,
        entries: Result<Vec<(Kind, Vec<u8>)>>,
    ) -> Result<Stored> {
        let entries = entries?;
        let keep = |(kind, blob): &(Kind, Vec<u8>)| {
            let at = match self.scratch.append(blob) {
                Some((offset, length)) => At::Scratch { offset, length },
                None => At::Journal,
            };
            Slot { kind: *kind, at }
        };
        self.slots.known(seq, entries.iter().map(keep).collect());
        journal::stored(&entries).ok_or_else(|| self.name.corrupt())
    }

    /// Puts a chunk aside.
    pub(super) fn put_aside(&mut self, chunk: Arc<Chunk>) {
        let seq = chunk.seq;
        let written = postcard::to_stdvec(&*chunk).ok().and_then(|blob| self.scratch.append(&blob));
        let aside = match written {
            Some((offset, length)) => Aside::Scratch { offset, length },
            None => Aside::Memory(chunk),
        };
        self.aside.insert(seq, aside);
    }

    /// Brings a chunk back that was put aside.
    pub(super) fn recall(&mut self, seq: u64) -> Option<Chunk> {
        match self.aside.get(&seq)? {
            Aside::Memory(chunk) => Some(Chunk::clone(chunk)),
            Aside::Scratch { offset, length } => {
                postcard::from_bytes(&self.scratch.read(*offset, *length)?).ok()
            }
        }
    }

    /// Nothing more will be asked of what was put aside of a chunk.
    pub(super) fn forget(&mut self, seq: u64) {
        self.aside.remove(&seq);
    }

    /// Ends the writing: the journal is free again. What failed meanwhile, if anything did.
    pub(super) fn close(mut self, words: &mut UnboundedReceiver<Word>) -> (Closed, Option<Error>) {
        let ended = self.writer.take().map(Writer::end);
        let (connection, ended) = ended.unwrap_or((None, Ok(())));
        let mut failure = None;
        while let Ok(word) = words.try_recv() {
            match word {
                Word::Written { entries, .. } => self.written(&entries),
                Word::Failed(error) => failure = failure.or(Some(error)),
                Word::Loaded { .. } => {}
            }
        }
        let failure = failure.or(ended.err());
        let files = Mutex::new(Files { connection, scratch: self.scratch });
        (Closed { name: self.name, slots: self.slots, files }, failure)
    }
}

/// A store that is only read any more.
#[derive(Debug)]
pub(super) struct Closed {
    name: Name,
    slots: Slots,
    files: Mutex<Files>,
}

#[derive(Debug)]
struct Files {
    connection: Option<Connection>,
    scratch: Scratch,
}

impl Closed {
    /// Nothing at all.
    pub(super) fn empty() -> Self {
        let files = Mutex::new(Files { connection: None, scratch: Scratch::default() });
        Self { name: Name::of(None), slots: Slots::default(), files }
    }

    /// What is known of a chunk's rows.
    pub(super) fn rows(&self, seq: u64) -> Result<Vec<RowReport>> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = Vec::new();
        for (n, slot) in (0..).zip(self.slots.of(seq)) {
            let blob = match &slot.at {
                At::Memory(blob) => Some(blob.to_vec()),
                At::Journal => files
                    .connection
                    .as_ref()
                    .and_then(|connection| journal::entry(connection, seq, n).ok().flatten()),
                At::Scratch { offset, length } => files.scratch.read(*offset, *length),
            };
            entries.push((slot.kind, blob.ok_or_else(|| self.name.corrupt())?));
        }
        let stored = journal::stored(&entries).ok_or_else(|| self.name.corrupt())?;
        Ok(stored.rows)
    }

    /// Opens the journal at `path` to look at it: what it holds, whose it is, and the reports of each
    /// chunk.
    pub(super) fn look(path: &Path) -> Result<(Identity, Self, Vec<Vec<RowReport>>)> {
        let name = Name::of(Some(path));
        if !path.is_file() {
            return Err(name.error("is not there"));
        }
        let journal::Journal { connection, .. } = journal::open(path, &name)?;
        let cuts = journal::cuts(&connection, &name)?;
        let identity = journal::identity(&connection, &name)?.ok_or_else(|| name.corrupt())?;
        let (mut slots, mut chunks) = (Slots::default(), Vec::new());
        for (seq, rows) in (0..).zip(&cuts) {
            let entries = journal::entries(&connection, seq).map_err(|error| name.told(&error))?;
            let known = entries.iter().map(|(kind, _)| Slot { kind: *kind, at: At::Journal });
            slots.known(seq, known.collect());
            let stored = journal::stored(&entries).filter(|stored| stored.rows.len() == *rows);
            chunks.push(stored.ok_or_else(|| name.corrupt())?.rows);
        }
        let files = Mutex::new(Files { connection: Some(connection), scratch: Scratch::default() });
        Ok((identity, Self { name, slots, files }, chunks))
    }
}
