//! From a source to chunks: read in a thread of its own, encoded by several, cut in order.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use super::chunk::{Chunk, Limits};
use super::cutting::Cutting;
use super::encode::{Encoder, Numbers, Rows};
use super::ledger::Book;
use super::rails::Tally;
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
    /// The rows that have left with a number before.
    pub(super) claims: HashMap<u128, u64>,
    /// Numbers that are not to be called.
    pub(super) excluded: Option<Arc<Numbers>>,
    /// Counts the invalid rows of a source that is not checked before.
    pub(super) tally: Option<Tally>,
    /// What is known of rows by their keys, if they are known by them.
    pub(super) book: Option<Arc<Book>>,
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

/// Reads a source as far as something in it may be refused, to no other purpose.
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
        let may_be_refused = encoder.try_out(&block, row)?;
        if let Some(tally) = &mut tally {
            encoder.encode(&block, row)?.each(|row| tally.see(row));
        } else if !may_be_refused {
            break;
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
    let (mut checked, mut unsent, mut at_end) = (false, None, false);
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
                    cutting.make_room(total);
                    if pieces.send(Piece::Total(total)).await.is_err() {
                        return;
                    }
                }
                Some(Read::Block { block, first_row }) => {
                    if !checked && let Err(error) = encoder.check(&block) {
                        ended = Some(Some(Piece::Failed(error.into())));
                        continue;
                    }
                    if !checked && cutting.counts_invalid() {
                        cutting.suspect(encoder.likely(&block));
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
                    at_end = true;
                }
            }
        }
        let Some(encoding) = under_way.pop_front() else { break };
        match encoding.await {
            Ok(Ok(rows)) => match send(&mut cutting, rows, &pieces).await {
                Ok(()) => {}
                Err(Cease::Gone) => return,
                Err(Cease::Failed(error)) => {
                    ended = Some(Some(Piece::Failed(error.into())));
                    at_end = false;
                    break;
                }
            },
            Ok(Err(error)) => {
                ended = Some(Some(Piece::Failed(error.into())));
                at_end = false;
                break;
            }
            Err(_) => {
                ended = Some(Some(Piece::Failed(bug().into())));
                at_end = false;
                break;
            }
        }
    }
    if at_end && let Err(error) = cutting.judge() {
        ended = Some(Some(Piece::Failed(error.into())));
        at_end = false;
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
    for chunk in cutting.rest() {
        let rest = if at_end { Piece::Chunk(chunk) } else { Piece::Rest(chunk) };
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

async fn send(cutting: &mut Cutting, rows: Rows, pieces: &Sender<Piece>) -> Result<(), Cease> {
    for chunk in cutting.cut(rows).map_err(Cease::Failed)? {
        pieces.send(Piece::Chunk(chunk)).await.map_err(|_| Cease::Gone)?;
    }
    Ok(())
}
