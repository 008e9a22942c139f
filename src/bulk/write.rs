//! Tables as files: CSV, JSON lines, Parquet and Arrow.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchReader};
use arrow_ipc::writer::FileWriter;
use arrow_json::writer::NullableEncoder;
use arrow_schema::{ArrowError, SchemaRef};
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression as Codec, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::encode::{Style, plain};
use crate::Error;

/// Why a table was not written; nothing is left of it then.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It can't be one.
    #[error(transparent)]
    Refused(#[from] Error),
    /// The disk or the folder does not take it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The rows can't be read.
    #[error("{0}")]
    Rows(ArrowError),
}

/// Writes a table to a file, in the format that the end of its name says: `.csv`, `.tsv`, `.jsonl`,
/// `.ndjson` (each also `.gz`), `.parquet` or `.arrow`.
///
/// The file is there as a whole or not at all: it is written beside its place and then renamed. Its owner
/// alone can read it.
pub fn write(
    path: &Path,
    rows: &mut dyn RecordBatchReader,
    stop: &AtomicBool,
) -> Result<(), WriteError> {
    let format = Format::of(path)?;
    let mut file = beside(path)?;
    let schema = rows.schema();
    let mut sheet = Sheet::new(format, file.as_file_mut().try_clone()?, &schema)?;
    for batch in rows {
        if stop.load(Ordering::Acquire) {
            return Err(io::Error::from(io::ErrorKind::Interrupted).into());
        }
        sheet.add(&batch.map_err(WriteError::Rows)?)?;
    }
    sheet.end()?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Refuses what [`write()`] would, before there is a table.
pub fn can_write(path: &Path) -> Result<(), WriteError> {
    Format::of(path)?;
    beside(path).map(drop)
}

/// Whether two names are one file, there or yet to be made.
pub fn is_same(one: &Path, other: &Path) -> bool {
    // Without links and detours.
    let real = |path: &Path| {
        let found = path.canonicalize().ok();
        found.or_else(|| Some(folder_of(path).canonicalize().ok()?.join(path.file_name()?)))
    };
    one == other || real(one).is_some_and(|real_one| Some(real_one) == real(other))
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// A file without a name that can be looked for, in the folder of `path`.
fn beside(path: &Path) -> Result<tempfile::NamedTempFile, WriteError> {
    let mut name = tempfile::Builder::new();
    let made = name.prefix(".revrag-").suffix(".tmp").tempfile_in(folder_of(path));
    made.map_err(|error| {
        // The name is ours, and says nothing to who reads it.
        let told = error.to_string();
        match told.split_once(" at path ") {
            Some((cause, _)) => io::Error::new(error.kind(), cause).into(),
            None => error.into(),
        }
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Separated(u8),
    Lines,
    Parquet,
    Arrow,
}

#[derive(Debug, Clone, Copy)]
struct Format {
    kind: Kind,
    packed: bool,
}

impl Format {
    fn of(path: &Path) -> Result<Self, Error> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let (name, packed) = match name.strip_suffix(".gz") {
            Some(inner) => (inner, true),
            None => (&*name, false),
        };
        let kind = match name.rsplit_once('.').map(|(_, ending)| ending) {
            Some("csv") => Kind::Separated(b','),
            Some("tsv") => Kind::Separated(b'\t'),
            Some("jsonl" | "ndjson") => Kind::Lines,
            Some("parquet") if !packed => Kind::Parquet,
            Some("arrow" | "feather" | "ipc") if !packed => Kind::Arrow,
            _ => {
                let problem = "its name must end in .csv, .tsv, .jsonl, .ndjson (each also .gz), \
                               .parquet or .arrow";
                return Err(Error::invalid("path", problem));
            }
        };
        Ok(Self { kind, packed })
    }
}

/// A file that is being written.
enum Sheet {
    Separated(Box<csv::Writer<Packed>>),
    Lines(Packed, Vec<Vec<u8>>),
    Parquet(Box<ArrowWriter<File>>),
    Arrow(Box<FileWriter<BufWriter<File>>>),
}

/// Text, packed or not.
enum Packed {
    No(BufWriter<File>),
    Yes(Box<GzEncoder<BufWriter<File>>>),
}

impl Write for Packed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::No(file) => file.write(bytes),
            Self::Yes(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::No(file) => file.flush(),
            Self::Yes(file) => file.flush(),
        }
    }
}

impl Packed {
    fn end(self) -> io::Result<()> {
        match self {
            Self::No(mut file) => file.flush(),
            Self::Yes(file) => file.finish()?.flush(),
        }
    }
}

impl Sheet {
    fn new(format: Format, file: File, schema: &SchemaRef) -> Result<Self, WriteError> {
        let text = |file: File| {
            let file = BufWriter::with_capacity(1 << 16, file);
            if format.packed {
                Packed::Yes(Box::new(GzEncoder::new(file, Compression::default())))
            } else {
                Packed::No(file)
            }
        };
        Ok(match format.kind {
            Kind::Separated(delimiter) => {
                let mut writer =
                    csv::WriterBuilder::new().delimiter(delimiter).from_writer(text(file));
                let names = schema.fields().iter().map(|field| field.name());
                writer.write_record(names).map_err(io::Error::from)?;
                Self::Separated(Box::new(writer))
            }
            Kind::Lines => {
                let keys = schema.fields().iter().map(|field| {
                    let mut key = serde_json::to_vec(field.name()).unwrap_or_default();
                    key.push(b':');
                    key
                });
                Self::Lines(text(file), keys.collect())
            }
            Kind::Parquet => {
                let codec = Codec::ZSTD(ZstdLevel::default());
                let properties = WriterProperties::builder().set_compression(codec).build();
                let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties));
                Self::Parquet(Box::new(writer.map_err(|error| broke(error.into()))?))
            }
            Kind::Arrow => {
                let writer = FileWriter::try_new_buffered(file, schema).map_err(broke)?;
                Self::Arrow(Box::new(writer))
            }
        })
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        match self {
            Self::Separated(writer) => separated(writer, batch),
            Self::Lines(file, keys) => {
                let mut line = Vec::new();
                each_row(batch, |cells, row| {
                    line.clear();
                    line.push(b'{');
                    for (at, (key, cell)) in keys.iter().zip(cells).enumerate() {
                        if at > 0 {
                            line.push(b',');
                        }
                        line.extend_from_slice(key);
                        if cell.is_null(row) {
                            line.extend_from_slice(b"null");
                        } else {
                            cell.encode(row, &mut line);
                        }
                    }
                    line.extend_from_slice(b"}\n");
                    Ok(file.write_all(&line)?)
                })
            }
            Self::Parquet(writer) => writer.write(batch).map_err(|error| broke(error.into())),
            Self::Arrow(writer) => writer.write(batch).map_err(broke),
        }
    }

    fn end(self) -> Result<(), WriteError> {
        match self {
            Self::Separated(writer) => {
                let inner = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
                Ok(inner.end()?)
            }
            Self::Lines(file, _) => Ok(file.end()?),
            Self::Parquet(writer) => writer.close().map(drop).map_err(|error| broke(error.into())),
            Self::Arrow(mut writer) => writer.finish().map_err(broke),
        }
    }
}

/// Writes the rows of a table as separated values, as [`write()`] does to a file.
pub fn separated<W: Write>(
    writer: &mut csv::Writer<W>,
    batch: &RecordBatch,
) -> Result<(), WriteError> {
    let mut field = Vec::new();
    each_row(batch, |cells, row| {
        for cell in cells {
            field.clear();
            if !cell.is_null(row) {
                cell.encode(row, &mut field);
            }
            writer.write_field(unquoted(&mut field)).map_err(io::Error::from)?;
        }
        Ok(writer.write_record(None::<&[u8]>).map_err(io::Error::from)?)
    })
}

/// What a writer says of a table that it does not take, or of a disk.
fn broke(error: ArrowError) -> WriteError {
    match error {
        ArrowError::IoError(_, error) => WriteError::Io(error),
        other => WriteError::Rows(other),
    }
}

/// Shows what writes the cells of each row, in the JSON that an upload would send of them.
fn each_row(
    batch: &RecordBatch,
    mut show: impl FnMut(&mut [NullableEncoder<'_>], usize) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let style = Style::new();
    let columns: Vec<ArrayRef> =
        batch.columns().iter().map(plain).collect::<Result<_, _>>().map_err(WriteError::Rows)?;
    let schema = batch.schema();
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .zip(&columns)
        .map(|(field, array)| {
            Arc::new(field.as_ref().clone().with_data_type(array.data_type().clone()))
        })
        .collect();
    let mut encoders = fields
        .iter()
        .zip(&columns)
        .map(|(field, array)| style.encoder(field, &**array))
        .collect::<Result<Vec<_>, _>>()
        .map_err(WriteError::Rows)?;
    for row in 0..batch.num_rows() {
        show(&mut encoders, row)?;
    }
    Ok(())
}

/// The text of a JSON string; any other JSON as it is.
fn unquoted(json: &mut Vec<u8>) -> &[u8] {
    if json.first() == Some(&b'"')
        && let Ok(text) = serde_json::from_slice::<String>(json)
    {
        *json = text.into_bytes();
    } else if json == b"null" {
        json.clear();
    }
    json
}
