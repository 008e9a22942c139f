//! From a source to chunks: read in a thread of its own, encoded by several, cut in order.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use super::chunk::{Chunk, Cut, Cutter, Encoded, Fate, Limits};
use super::encode::{Encoder, Numbers, Rows};
use super::rails::{FIRST_BYTES, Tally};
use super::service::bug;
use super::source::{Block, Input, Source, SourceError};
use crate::{Error, Result};

/// Blocks that wait to be encoded.
const BLOCKS: usize = 2;
/// Chunks that wait to be sent.
const CHUNKS: usize = 4;

/// What comes out of the pipeline, in the order of the source.
#[derive(Debug)]
pub(super) enum Piece {
    /// How many rows there are in all, where that is known.
    Total(u64),
    /// A chunk to be sent.
    Chunk(Chunk),
    /// The last rows of a source that can't be read on, or was told to stop: they are not sent.
    Rest(Chunk),
    /// Why it can't be read on.
    Failed(SourceError),
}

/// Stops a reader when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Halt(Arc<AtomicBool>);

impl Halt {
    /// What the reader looks at.
    pub(super) fn flag(&self) -> Arc<AtomicBool> {
        self.0.clone()
    }

    fn stop(&self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Drop for Halt {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The reading side of an upload.
pub(super) struct Pipeline {
    pub(super) pieces: Receiver<Piece>,
    halt: Halt,
}

/// How the rows are cut and kept apart.
pub(super) struct Plan {
    pub(super) limits: Limits,
    /// The rows of each chunk that was cut before.
    pub(super) cuts: Vec<usize>,
    pub(super) reject_duplicates: bool,
    /// Numbers that are not to be called.
    pub(super) excluded: Option<Arc<Numbers>>,
    /// Counts the invalid rows of a source that is not checked before.
    pub(super) tally: Option<Tally>,
    /// How many blocks are encoded at a time.
    pub(super) width: usize,
}

impl Pipeline {
    /// Begins to read. Needs a runtime around it.
    pub(super) fn start(input: &Input, encoder: Arc<Encoder>, plan: Plan) -> Result<Self> {
        let halt = Halt::default();
        let (blocks, received) = channel(BLOCKS);
        let (sender, pieces) = channel(CHUNKS);
        let (open, stop) = (input.open.clone(), halt.flag());
        std::thread::Builder::new()
            .name("revrag-reader".to_owned())
            .spawn(move || {
                // Nobody to tell: the upload has ended.
                let _ = match open() {
                    Ok(source) => read(source, &blocks, &stop),
                    Err(error) => {
                        let failed = Read::Failed { error, unsent: None, advised: None };
                        blocks.blocking_send(failed).map_err(drop)
                    }
                };
            })
            .map_err(|error| Error::invalid("source", format!("no thread to read it: {error}")))?;
        tokio::spawn(encode(received, sender, encoder, plan));
        Ok(Self { pieces, halt })
    }

    /// Reads no further than it has; what was read comes as [`Piece::Rest`].
    pub(super) fn stop(&self) {
        self.halt.stop();
    }
}

/// Reads a source to its end and encodes every row of it, to no other purpose.
pub(super) fn check(
    input: &Input,
    encoder: &Encoder,
    mut tally: Option<Tally>,
    stop: &AtomicBool,
) -> Result<(), SourceError> {
    let mut source = (input.open)()?;
    let mut row = 0;
    while !stop.load(Ordering::Acquire) {
        let next = source.next().map_err(|error| {
            let advised = source.advised().filter(|_| row == 0);
            and_besides(error, encoder, advised.as_ref())
        })?;
        let Some(block) = next else { break };
        if row == 0 {
            if let Err(error) = encoder.check(&block) {
                // What else there is to be mended may come right after it.
                return Err(match source.next() {
                    Err(other) => and_besides(other, encoder, Some(&block)),
                    Ok(_) => error.into(),
                });
            }
            if let Some(tally) = &mut tally {
                tally.suspect(encoder.likely(&block));
            }
        }
        let rows = encoder.encode(&block, row)?;
        if let Some(tally) = &mut tally {
            rows.each(|row| tally.see(&row));
        }
        row += block.len() as u64;
    }
    Ok(tally.map_or(Ok(()), |tally| tally.verdict(true, false))?)
}

/// What is wrong with a source that can't be read, and with the columns of what could be: so that all
/// there is to be mended is told at once.
fn and_besides(error: SourceError, encoder: &Encoder, seen: Option<&Block>) -> SourceError {
    let more = seen.and_then(|block| encoder.check(block).err());
    match (error, more) {
        (
            SourceError::Unreadable(Error::InvalidArgument { argument, problem }),
            Some(Error::InvalidArgument { argument: other, problem: more }),
        ) => {
            let problem = format!("{problem}. Besides, {other}: {more}");
            SourceError::Unreadable(Error::InvalidArgument { argument, problem })
        }
        (error, _) => error,
    }
}

enum Read {
    Total(u64),
    Block {
        block: Block,
        first_row: u64,
    },
    /// What can't be read on, and a first block that is not to be sent because of it.
    Failed {
        error: SourceError,
        unsent: Option<Block>,
        /// Rows as they are where what the error advises is done.
        advised: Option<Block>,
    },
    Stopped,
}

/// Reads one block ahead: so an error in the first two comes before anything of them is sent.
fn read(mut source: Box<dyn Source>, blocks: &Sender<Read>, stop: &AtomicBool) -> Result<(), ()> {
    let send = |read: Read| blocks.blocking_send(read).map_err(drop);
    if let Some(total) = source.total() {
        send(Read::Total(total))?;
    }
    let (mut first_row, mut ahead) = (0, None);
    loop {
        if stop.load(Ordering::Acquire) {
            return send(Read::Stopped);
        }
        let next = match source.next() {
            Ok(next) => next,
            Err(error) if first_row == 0 => {
                let advised = source.advised();
                return send(Read::Failed { error, unsent: ahead.take(), advised });
            }
            Err(error) => {
                if let Some(block) = ahead.take() {
                    send(Read::Block { block, first_row })?;
                }
                return send(Read::Failed { error, unsent: None, advised: None });
            }
        };
        let is_last = next.is_none();
        if let Some(block) = std::mem::replace(&mut ahead, next) {
            let rows = block.len() as u64;
            send(Read::Block { block, first_row })?;
            first_row += rows;
        }
        if is_last {
            return Ok(());
        }
    }
}

type Encoding = JoinHandle<Result<Rows>>;

async fn encode(
    mut blocks: Receiver<Read>,
    pieces: Sender<Piece>,
    encoder: Arc<Encoder>,
    plan: Plan,
) {
    let width = plan.width;
    let mut cutting = Cutting::new(plan);
    let mut under_way: VecDeque<Encoding> = VecDeque::new();
    let mut ended = None;
    let (mut checked, mut unsent) = (false, None);
    loop {
        while ended.is_none() && under_way.len() < width {
            // With work at hand, only what has come already.
            let next = if under_way.is_empty() {
                blocks.recv().await
            } else {
                match blocks.try_recv() {
                    Ok(next) => Some(next),
                    Err(tokio::sync::mpsc::error::TryRecvError::Empty) => break,
                    Err(tokio::sync::mpsc::error::TryRecvError::Disconnected) => None,
                }
            };
            match next {
                Some(Read::Total(total)) => {
                    if pieces.send(Piece::Total(total)).await.is_err() {
                        return;
                    }
                }
                Some(Read::Block { block, first_row }) => {
                    if !checked && let Err(error) = encoder.check(&block) {
                        ended = Some(Some(Piece::Failed(error.into())));
                        continue;
                    }
                    if !checked && let Some(tally) = &mut cutting.tally {
                        tally.suspect(encoder.likely(&block));
                    }
                    checked = true;
                    let encoder = encoder.clone();
                    under_way.push_back(tokio::task::spawn_blocking(move || {
                        encoder.encode(&block, first_row)
                    }));
                }
                Some(Read::Failed { error, unsent: block, advised }) => {
                    let seen = advised.as_ref().or(block.as_ref()).filter(|_| !checked);
                    ended = Some(Some(Piece::Failed(and_besides(error, &encoder, seen))));
                    unsent = block;
                }
                Some(Read::Stopped) => ended = Some(None),
                None => {
                    ended = Some(None);
                    cutting.at_end = true;
                }
            }
        }
        let Some(encoding) = under_way.pop_front() else { break };
        match encoding.await {
            Ok(Ok(rows)) => match cutting.cut(rows, &pieces).await {
                Ok(()) => {}
                Err(Cease::Gone) => return,
                Err(Cease::Failed(error)) => {
                    ended = Some(Some(Piece::Failed(error.into())));
                    cutting.at_end = false;
                    break;
                }
            },
            Ok(Err(error)) => {
                ended = Some(Some(Piece::Failed(error.into())));
                cutting.at_end = false;
                break;
            }
            Err(_) => {
                ended = Some(Some(Piece::Failed(bug().into())));
                cutting.at_end = false;
                break;
            }
        }
    }
    if cutting.at_end
        && let Err(error) = cutting.judge()
    {
        ended = Some(Some(Piece::Failed(error.into())));
        cutting.at_end = false;
    }
    // The reason comes before the rest: it decides on what becomes of it.
    if let Some(Some(reason)) = ended
        && pieces.send(reason).await.is_err()
    {
        return;
    }
    if let Some(block) = unsent {
        let rows = tokio::task::spawn_blocking(move || encoder.encode(&block, 0)).await;
        if let Ok(Ok(rows)) = rows {
            cutting.take(rows);
        }
    }
    let last = cutting.cutter.take();
    for chunk in cutting.held.drain(..).chain(last) {
        let rest = if cutting.at_end { Piece::Chunk(chunk) } else { Piece::Rest(chunk) };
        if pieces.send(rest).await.is_err() {
            return;
        }
    }
}

/// Why no more is cut.
enum Cease {
    /// Nobody takes it.
    Gone,
    /// The source is not to be sent.
    Failed(Error),
}

/// Cuts rows where they were cut before, and then at the limits.
struct Cutting {
    cutter: Cutter,
    cuts: VecDeque<usize>,
    limits: Limits,
    numbers: Option<HashSet<u128>>,
    excluded: Option<Arc<Numbers>>,
    tally: Option<Tally>,
    /// Chunks that are complete and not handed over: all of them, until the first rows were judged.
    held: Vec<Chunk>,
    has_begun: bool,
    at_end: bool,
}

impl Cutting {
    fn new(plan: Plan) -> Self {
        let mut cuts: VecDeque<usize> = plan.cuts.into();
        let first = cuts.pop_front().map_or(Cut::At(plan.limits), Cut::After);
        Self {
            cutter: Cutter::new(first),
            cuts,
            limits: plan.limits,
            numbers: plan.reject_duplicates.then(HashSet::new),
            excluded: plan.excluded,
            tally: plan.tally,
            held: Vec::new(),
            has_begun: false,
            at_end: false,
        }
    }

    async fn cut(&mut self, rows: Rows, pieces: &Sender<Piece>) -> Result<(), Cease> {
        self.take(rows);
        if let Some(tally) = &self.tally {
            tally.verdict(false, self.has_begun).map_err(Cease::Failed)?;
            if !self.has_begun && !tally.has_enough() {
                if self.held.iter().map(Chunk::size).sum::<usize>() < FIRST_BYTES {
                    return Ok(());
                }
                self.judge().map_err(Cease::Failed)?;
            }
        }
        self.has_begun = true;
        for chunk in self.held.drain(..) {
            pieces.send(Piece::Chunk(chunk)).await.map_err(|_| Cease::Gone)?;
        }
        Ok(())
    }

    /// Whether what was read may be sent, where no more rows decide.
    fn judge(&self) -> Result<()> {
        self.tally.as_ref().map_or(Ok(()), |tally| tally.verdict(true, self.has_begun))
    }

    fn take(&mut self, rows: Rows) {
        let mut chunks = std::mem::take(&mut self.held);
        rows.each(|row| self.put(row, &mut chunks));
        self.held = chunks;
    }

    fn put(&mut self, mut row: Encoded<'_>, chunks: &mut Vec<Chunk>) {
        if let Some(tally) = &mut self.tally {
            tally.see(&row);
        }
        if let (Fate::Send { .. }, Some(excluded)) = (&row.fate, &self.excluded)
            && excluded.has(row.number.unwrap_or_default())
        {
            row = row.excluded();
        }
        if let (Fate::Send { .. }, Some(numbers)) = (&row.fate, &mut self.numbers)
            && !numbers.insert(fingerprint(row.number.unwrap_or_default()))
        {
            row = row.duplicate();
        }
        chunks.extend(self.cutter.put(row));
        if self.cutter.is_complete() {
            chunks.extend(self.cutter.take());
            let next = self.cuts.pop_front().map_or(Cut::At(self.limits), Cut::After);
            self.cutter.cut_at(next);
        }
    }
}

/// A number in 16 bytes: its digits, where it is E.164; a digest of any other text.
fn fingerprint(number: &str) -> u128 {
    use sha2::{Digest as _, Sha256};
    let digits = number.strip_prefix('+').and_then(|rest| rest.parse::<u64>().ok());
    // Read back, or two texts could be one number.
    if let Some(digits) = digits.filter(|digits| format!("+{digits}") == number) {
        return digits.into();
    }
    let digest = Sha256::digest(number.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    // Apart from every number of digits.
    u128::from_be_bytes(bytes) | 1 << 127
}
