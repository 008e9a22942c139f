//! Files, told apart by their names.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use arrow_array::{RecordBatch, RecordBatchIterator, RecordBatchReader};
use arrow_schema::ArrowError;
use flate2::read::MultiGzDecoder;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::csv::Csv;
use super::encoding::Text;
use super::jsonl::Jsonl;
use super::sheet::Sheet;
use super::{Block, Format, Source, SourceError};
use crate::error::masked;
use crate::{Error, Result};

/// Rows in a block.
const BLOCK: usize = 2048;

/// Opens a file: `.csv`, `.tsv`, `.txt`, `.jsonl`, `.ndjson` (each also `.gz`), `.parquet`, `.arrow`
/// (the file or the stream format), `.xlsx` or `.xls`.
pub fn open(path: &Path, format: &Format) -> Result<Box<dyn Source>> {
    open_known(path, format).map_err(|error| match error {
        Error::InvalidArgument { argument, problem } => {
            Error::InvalidArgument { argument, problem: format!("{}: {problem}", name_of(path)) }
        }
        other => other,
    })
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn open_known(path: &Path, format: &Format) -> Result<Box<dyn Source>> {
    let shown = name_of(path);
    let lower = shown.to_lowercase();
    let mut file = File::open(path).map_err(|error| unread(&error))?;
    let (name, packed) = match lower.strip_suffix(".gz") {
        Some(inner) => (inner, true),
        None => (&*lower, false),
    };
    let kind = Kind::of(name.rsplit('.').next().unwrap_or_default(), packed)?;
    kind.check(format)?;
    let text = |file: File| -> Box<dyn Read + Send> {
        if packed { Box::new(MultiGzDecoder::new(BufReader::new(file))) } else { Box::new(file) }
    };
    match kind {
        Kind::Separated => Ok(Box::new(Csv::new(text(file), format, shown)?)),
        Kind::Lines => {
            let text = Text::new(text(file), format.encoding).map_err(|error| unread(&error))?;
            let lines = BufReader::with_capacity(1 << 16, text);
            Ok(Box::new(Jsonl::new(lines, format.max_field_bytes, shown)))
        }
        Kind::Parquet => Ok(Box::new(parquet(file)?.named(shown))),
        Kind::Arrow => Ok(Box::new(arrow(file)?.named(shown))),
        Kind::Workbook => {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map_err(|error| unread(&error))?;
            Ok(Box::new(Sheet::new(bytes, format)?))
        }
    }
}

fn unread(error: &std::io::Error) -> Error {
    Error::invalid("source", error.to_string())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Separated,
    Lines,
    Parquet,
    Arrow,
    Workbook,
}

impl Kind {
    /// By the ending of a file's name.
    fn of(ending: &str, packed: bool) -> Result<Self> {
        Ok(match ending {
            "csv" | "tsv" | "txt" => Self::Separated,
            "jsonl" | "ndjson" => Self::Lines,
            "parquet" if !packed => Self::Parquet,
            "arrow" | "feather" | "ipc" if !packed => Self::Arrow,
            "xlsx" | "xls" | "xlsm" | "xlsb" | "ods" if !packed => Self::Workbook,
            _ => {
                let problem = "its name must end in .csv, .tsv, .txt, .jsonl, .ndjson (each also \
                               .gz), .parquet, .arrow, .xlsx or .xls";
                return Err(Error::invalid("source", problem));
            }
        })
    }

    /// Refuses what is said of a file of another kind.
    fn check(self, format: &Format) -> Result<()> {
        let is_text = matches!(self, Self::Separated | Self::Lines);
        for (option, given, fits, files) in [
            ("delimiter", format.delimiter.is_some(), self == Self::Separated, "CSV files"),
            ("encoding", format.encoding.is_some(), is_text, "text files"),
            ("sheet", format.sheet.is_some(), self == Self::Workbook, "workbooks"),
        ] {
            if given && !fits {
                return Err(Error::invalid(option, format!("it is for {files}, and this is none")));
            }
        }
        Ok(())
    }
}

fn parquet(file: File) -> Result<Batches> {
    let refuse = |error: parquet::errors::ParquetError| {
        Error::invalid("source", format!("it can't be read as Parquet: {error}"))
    };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(refuse)?;
    let rows = builder.metadata().file_metadata().num_rows();
    // What the reader leaves out of it: what pandas wrote of an index, say.
    let schema = builder.schema().clone();
    let reader = builder.with_batch_size(BLOCK).build().map_err(refuse)?;
    let whole = schema.clone();
    let batches = reader.map(move |batch| batch?.with_schema(whole.clone()));
    let reader = RecordBatchIterator::new(batches, schema);
    Ok(Batches::new(Box::new(reader), u64::try_from(rows).ok()))
}

fn arrow(mut file: File) -> Result<Batches> {
    let refuse =
        |error: ArrowError| Error::invalid("source", format!("it can't be read as Arrow: {error}"));
    let mut magic = [0; 6];
    let is_there = file.read_exact(&mut magic).is_ok();
    let is_file = is_there && &magic == b"ARROW1";
    // A stream begins with a mark, an old one with the length of its schema. Any other text would be
    // taken for a length, and as much memory for it.
    let length = u32::from_le_bytes([magic[0], magic[1], magic[2], magic[3]]);
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    if is_there && !is_file && length != u32::MAX && u64::from(length) > size {
        return Err(Error::invalid("source", "it can't be read as Arrow: it is something else"));
    }
    file.seek(SeekFrom::Start(0)).map_err(|error| unread(&error))?;
    let input = BufReader::new(file);
    let reader: Box<dyn RecordBatchReader + Send> = if is_file {
        Box::new(arrow_ipc::reader::FileReader::try_new(input, None).map_err(refuse)?)
    } else {
        Box::new(arrow_ipc::reader::StreamReader::try_new(input, None).map_err(refuse)?)
    };
    Ok(Batches::new(reader, None))
}

/// A stream of record batches.
pub struct Batches {
    reader: Box<dyn RecordBatchReader + Send>,
    total: Option<u64>,
    row: u64,
    /// What is left of a batch that is larger than a block.
    rest: Option<RecordBatch>,
    is_shown: bool,
    /// What it is called in errors.
    name: Option<String>,
}

impl Batches {
    /// A source of the stream's batches.
    pub fn new(reader: Box<dyn RecordBatchReader + Send>, total: Option<u64>) -> Self {
        Self { reader, total, row: 0, rest: None, is_shown: false, name: None }
    }

    /// The same, called `name` in errors.
    #[must_use]
    pub fn named(self, name: String) -> Self {
        Self { name: Some(name), ..self }
    }

    fn batch(&mut self) -> Result<Option<RecordBatch>, SourceError> {
        if let Some(rest) = self.rest.take() {
            return Ok(Some(rest));
        }
        // Decoders of damaged files may panic; that is the file's fault, and no bug to report.
        let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.reader.next()));
        let problem = match read {
            Ok(None) => return Ok(None),
            Ok(Some(Ok(batch))) => return Ok(Some(batch)),
            Ok(Some(Err(error))) => error.to_string(),
            Err(_) => "it is damaged".to_owned(),
        };
        let name = self.name.as_deref().unwrap_or("it");
        Err(SourceError::at_row(self.row, format!("{name} can't be read: {}", masked(&problem))))
    }
}

impl Source for Batches {
    fn total(&self) -> Option<u64> {
        self.total
    }

    fn next(&mut self) -> Result<Option<Block>, SourceError> {
        while let Some(batch) = self.batch()? {
            let rows = batch.num_rows();
            if rows == 0 {
                continue;
            }
            let taken = rows.min(BLOCK);
            if taken < rows {
                self.rest = Some(batch.slice(taken, rows - taken));
            }
            self.row += taken as u64;
            self.is_shown = true;
            return Ok(Some(Block::Batch(batch.slice(0, taken))));
        }
        // The columns of a table without rows are checked too.
        let is_shown = std::mem::replace(&mut self.is_shown, true);
        Ok((!is_shown).then(|| Block::Batch(RecordBatch::new_empty(self.reader.schema()))))
    }
}
