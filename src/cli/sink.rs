//! Where rows go: a table for people, CSV or JSON lines into a pipe, a file.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use arrow_array::{RecordBatch, RecordBatchIterator};
use arrow_schema::{ArrowError, SchemaRef};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::columns::Row;
use super::failure::{Failure, Kind};
use super::output::Out;
use revrag::bulk::{WriteError, can_write, separated, write};
use revrag::model::Document;

/// Where rows go, as the flags say.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Place {
    /// Write to a file: .csv, .tsv, .jsonl, .ndjson (each also .gz), .parquet or .arrow
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How to print [default: table at a terminal, csv in a pipe]
    #[arg(long, value_name = "FORMAT", value_parser = ["table", "csv", "jsonl", "parquet"],
          conflicts_with = "output")]
    format: Option<String>,
}

/// Rows on their way.
pub(super) enum Sink {
    Table(Vec<Vec<String>>),
    Csv { has_head: bool },
    Lines,
    File { path: PathBuf, shown: bool, file: Batches },
    LinesFile { path: PathBuf, file: Lines },
}

impl Place {
    /// The sink. What can't be written is refused here.
    pub(super) fn open<T: Row>(&self, out: &Out<'_>) -> Result<Sink, Failure> {
        if let Some(path) = &self.output {
            can_write(path).map_err(|error| Failure::written("output", path, error))?;
            let name = path.to_string_lossy().to_lowercase();
            let plain = name.strip_suffix(".gz").unwrap_or(&name);
            let ending = plain.rsplit_once('.').map(|(_, ending)| ending);
            if matches!(ending, Some("jsonl" | "ndjson")) {
                let file = Lines::start(path, plain.len() < name.len())
                    .map_err(|error| Failure::file(path, &error))?;
                return Ok(Sink::LinesFile { path: path.clone(), file });
            }
            let file = Batches::start::<T>(path.clone())?;
            return Ok(Sink::File { path: path.clone(), shown: false, file });
        }
        match self.format.as_deref() {
            Some("csv") => Ok(Sink::Csv { has_head: false }),
            Some("jsonl") => Ok(Sink::Lines),
            Some("table") => Ok(Sink::Table(Vec::new())),
            Some(_) if out.is_terminal() => {
                let problem = "Parquet is not for a terminal; use --output FILE.parquet, or a pipe";
                Err(Failure::flag("format", problem))
            }
            Some(_) => {
                let folder = tempfile::Builder::new().prefix("revrag-").tempdir()?;
                let path = folder.keep().join("rows.parquet");
                let file = Batches::start::<T>(path.clone())?;
                Ok(Sink::File { path, shown: true, file })
            }
            None if out.is_json() => Ok(Sink::Lines),
            None if out.is_terminal() => Ok(Sink::Table(Vec::new())),
            None => Ok(Sink::Csv { has_head: false }),
        }
    }
}

impl Sink {
    /// Takes rows in.
    pub(super) fn add<T: Row>(
        &mut self,
        rows: &[Document<T>],
        out: &mut Out<'_>,
    ) -> Result<(), Failure> {
        match self {
            Self::Table(table) => {
                let cells = |row| T::cells(row, &|text| out.number(text), &|text| out.words(text));
                table.extend(rows.iter().map(cells));
            }
            Self::Csv { has_head } => {
                let batch = T::batch(rows).map_err(|error| rows_broke(&error))?;
                let mut writer = csv::Writer::from_writer(Vec::new());
                if !std::mem::replace(has_head, true) {
                    let schema = batch.schema();
                    let names = schema.fields().iter().map(|field| field.name());
                    writer.write_record(names).map_err(io::Error::from)?;
                }
                separated(&mut writer, &batch).map_err(|error| broke(Path::new("-"), error))?;
                let text =
                    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
                out.raw(&text)?;
                out.flush()?;
            }
            Self::Lines => {
                for row in rows {
                    out.raw(&line(row.json()))?;
                }
                out.flush()?;
            }
            Self::File { path, file, .. } => {
                let batch = T::batch(rows).map_err(|error| rows_broke(&error))?;
                if !file.send(Word::Batch(batch)) {
                    return Err(file.end(path).err().unwrap_or(Failure::Interrupted));
                }
            }
            Self::LinesFile { path, file } => {
                for row in rows {
                    file.write(&line(row.json())).map_err(|error| Failure::file(path, &error))?;
                }
            }
        }
        Ok(())
    }

    /// Ends it, with `count` rows.
    pub(super) fn end<T: Row>(self, count: u64, out: &mut Out<'_>) -> Result<(), Failure> {
        let path = match self {
            Self::Table(rows) if rows.is_empty() => {
                out.say("none");
                return Ok(());
            }
            Self::Table(rows) => return Ok(out.table(T::HEAD, rows)?),
            Self::Csv { has_head: false } => {
                let schema = T::schema().map_err(|error| rows_broke(&error))?;
                let names: Vec<&str> =
                    schema.fields().iter().map(|field| field.name().as_str()).collect();
                return Ok(out.line(names.join(","))?);
            }
            Self::Csv { .. } | Self::Lines => return Ok(()),
            Self::File { path, shown, mut file } => {
                file.end(&path)?;
                if shown {
                    let bytes = std::fs::read(&path);
                    let _ = path.parent().map(std::fs::remove_dir_all);
                    return Ok(out.raw(&bytes?)?);
                }
                path
            }
            Self::LinesFile { path, file } => {
                file.end(&path).map_err(|error| Failure::file(&path, &error))?;
                path
            }
        };
        if out.is_json() {
            return Ok(out.json(&json!({"rows": count, "output": path.to_string_lossy()}))?);
        }
        out.say(format_args!("{count} rows in {}", path.display()));
        Ok(())
    }
}

/// JSON in a line of its own.
pub(super) fn line(json: &[u8]) -> Vec<u8> {
    let mut line = String::from_utf8_lossy(json).replace(['\n', '\r'], " ").into_bytes();
    line.push(b'\n');
    line
}

fn rows_broke(error: &ArrowError) -> Failure {
    Failure::Told(Kind::Refused, error.to_string())
}

fn broke(path: &Path, error: WriteError) -> Failure {
    match error {
        WriteError::Io(error) => Failure::Io(error),
        other => Failure::written("output", path, other),
    }
}

/// Batches that a thread writes to a file.
pub(super) struct Batches {
    sender: Option<SyncSender<Word>>,
    thread: Option<JoinHandle<Result<(), WriteError>>>,
}

/// What the thread is told. Where it is told nothing more, the file is not whole and is not kept.
enum Word {
    Batch(RecordBatch),
    End,
}

impl Batches {
    fn start<T: Row>(path: PathBuf) -> Result<Self, Failure> {
        let schema = T::schema().map_err(|error| rows_broke(&error))?;
        let (sender, words) = sync_channel(4);
        let thread = std::thread::spawn(move || written(&path, schema, &words));
        Ok(Self { sender: Some(sender), thread: Some(thread) })
    }

    fn send(&self, word: Word) -> bool {
        self.sender.as_ref().is_some_and(|sender| sender.send(word).is_ok())
    }

    fn end(&mut self, path: &Path) -> Result<(), Failure> {
        self.send(Word::End);
        self.sender.take();
        let Some(thread) = self.thread.take() else { return Ok(()) };
        let written = thread.join().map_err(|_| io::Error::other("the writer panicked"))?;
        written.map_err(|error| Failure::written("output", path, error))
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.sender.take();
        if let Some(thread) = self.thread.take() {
            // It leaves nothing behind.
            let _ = thread.join();
        }
    }
}

fn written(path: &Path, schema: SchemaRef, words: &Receiver<Word>) -> Result<(), WriteError> {
    let mut has_ended = false;
    let batches = std::iter::from_fn(|| {
        if has_ended {
            return None;
        }
        match words.recv() {
            Ok(Word::Batch(batch)) => Some(Ok(batch)),
            Ok(Word::End) => None,
            Err(_) => {
                has_ended = true;
                let cut = io::Error::from(io::ErrorKind::Interrupted);
                Some(Err(ArrowError::IoError("cut off".to_owned(), cut)))
            }
        }
    });
    let mut rows = RecordBatchIterator::new(batches, schema);
    write(path, &mut rows, &AtomicBool::new(false))
}

/// A file of lines, there as a whole or not at all.
pub(super) struct Lines {
    writer: LinesWriter,
    file: tempfile::NamedTempFile,
}

enum LinesWriter {
    Plain(BufWriter<File>),
    Packed(Box<GzEncoder<BufWriter<File>>>),
}

impl Lines {
    fn start(path: &Path, is_packed: bool) -> io::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let file =
            tempfile::Builder::new().prefix(".revrag-").suffix(".tmp").tempfile_in(folder)?;
        let plain = BufWriter::with_capacity(1 << 16, file.as_file().try_clone()?);
        let writer = if is_packed {
            LinesWriter::Packed(Box::new(GzEncoder::new(plain, Compression::default())))
        } else {
            LinesWriter::Plain(plain)
        };
        Ok(Self { writer, file })
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        match &mut self.writer {
            LinesWriter::Plain(file) => file.write_all(line),
            LinesWriter::Packed(file) => file.write_all(line),
        }
    }

    fn end(self, path: &Path) -> io::Result<()> {
        match self.writer {
            LinesWriter::Plain(mut file) => file.flush()?,
            LinesWriter::Packed(file) => file.finish()?.flush()?,
        }
        self.file.as_file().sync_all()?;
        self.file.persist(path).map(drop).map_err(|error| error.error)
    }
}
