//! Workbooks: a sheet's first row names the columns, and cells keep their types.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use calamine::{
    Data, ExcelDateTime, Range, Reader as _, SheetVisible, Sheets, Xls, Xlsx,
    open_workbook_auto_from_rs, open_workbook_from_rs,
};
use serde_json::{Map, Number, Value};

use super::{Block, Distinct, Format, Source, SourceError, shown, twice};
use crate::{Error, Result};

/// Rows in a block.
const BLOCK: usize = 1024;
/// The largest integer up to which an `f64` holds each.
const EXACT: f64 = 9_007_199_254_740_992.0;

type Workbook = Sheets<Cursor<Arc<[u8]>>>;

/// A sheet that is being read. It is in memory as a whole.
pub(super) struct Sheet {
    /// The names of its columns; those without one are passed over.
    names: Vec<Option<String>>,
    cells: Range<Data>,
    /// The next row of `cells`.
    at: usize,
    total: u64,
}

impl Sheet {
    /// Reads the workbook and finds the sheet.
    pub(super) fn new(bytes: Vec<u8>, format: &Format) -> Result<Self> {
        // Readers of damaged files may panic; that is the file's fault, and no bug to report.
        let sheet = catch_unwind(AssertUnwindSafe(|| {
            let mut workbook = open(&bytes.into())?;
            let cells = choose(&mut workbook, format)?;
            Self::of(cells, format)
        }));
        sheet.unwrap_or_else(|_| Err(Error::invalid("source", "it is damaged")))
    }

    fn of(cells: Range<Data>, format: &Format) -> Result<Self> {
        let mut rows = cells.rows();
        let Some(before) = rows.position(|row| !is_blank(row)) else {
            return Err(Error::invalid("source", "the sheet is empty: not even a header is there"));
        };
        let texts = header(&cells, before);
        let all: Vec<&str> = texts.iter().map(String::as_str).collect();
        for name in &format.columns {
            if all.iter().filter(|known| *known == name).nth(1).is_some() {
                return Err(twice(name));
            }
        }
        let mut distinct = Distinct::among(&all);
        let names: Vec<Option<String>> =
            all.iter().map(|name| (!name.trim().is_empty()).then(|| distinct.name(name))).collect();
        let total = rows.filter(|row| !is_blank(row)).count() as u64;
        Ok(Self { names, at: before + 1, total, cells })
    }

    fn row(&self, cells: &[Data]) -> Map<String, Value> {
        let columns = self.names.iter().zip(cells);
        columns.filter_map(|(name, cell)| Some((name.clone()?, value(cell)))).collect()
    }
}

impl Source for Sheet {
    fn total(&self) -> Option<u64> {
        Some(self.total)
    }

    fn next(&mut self) -> Result<Option<Block>, SourceError> {
        let mut rows = Vec::new();
        let mut cells = self.cells.rows().skip(self.at);
        while rows.len() < BLOCK
            && let Some(row) = cells.next()
        {
            self.at += 1;
            if !is_blank(row) {
                rows.push(self.row(row).into());
            }
        }
        Ok((!rows.is_empty()).then_some(Block::Objects(rows)))
    }
}

fn open(bytes: &Arc<[u8]>) -> Result<Workbook> {
    let refuse = |problem: String| Error::invalid("source", problem);
    let unread =
        |error: &dyn std::fmt::Display| refuse(format!("it can't be read as a workbook: {error}"));
    let encrypted: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let input = Cursor::new(bytes.clone());
    if bytes.starts_with(b"\xD0\xCF\x11\xE0") {
        if memchr::memmem::find(bytes, &encrypted).is_some() {
            return Err(refuse("it is protected by a password; save it without one".to_owned()));
        }
        return open_workbook_from_rs::<Xls<_>, _>(input).map(Sheets::Xls).map_err(|e| unread(&e));
    }
    if bytes.starts_with(b"PK") {
        // The others have no parts by these names.
        return open_workbook_from_rs::<Xlsx<_>, _>(input.clone())
            .map(Sheets::Xlsx)
            .or_else(|error| open_workbook_auto_from_rs(input).map_err(|_| unread(&error)));
    }
    let start = bytes.trim_ascii_start();
    Err(refuse(if start.starts_with(b"<") {
        "it is a web page or XML, whatever its name says; open it in a spreadsheet and save it as \
         .xlsx"
            .to_owned()
    } else {
        "it is no workbook; a text file's name must end in .csv, .tsv or .txt".to_owned()
    }))
}

/// The cells of the sheet that is asked for, else of the one that it must be.
fn choose(workbook: &mut Workbook, format: &Format) -> Result<Range<Data>> {
    let sheets =
        |names: &[String]| names.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    if let Some(wanted) = &format.sheet {
        let names = workbook.sheet_names();
        let Some(name) = names.iter().find(|name| *name == wanted) else {
            let problem = format!("there is no sheet {wanted:?}; there are {}", sheets(&names));
            return Err(Error::invalid("sheet", problem));
        };
        return workbook.worksheet_range(name).map_err(|error| {
            let problem = format!("the sheet {} can't be read: {error}", shown(name));
            Error::invalid("source", problem)
        });
    }
    let visible = workbook.sheets_metadata().iter();
    let visible = visible.filter(|sheet| sheet.visible == SheetVisible::Visible);
    let names: Vec<String> = visible.map(|sheet| sheet.name.clone()).collect();
    let mut filled = Vec::new();
    for name in names {
        // A chart has no cells.
        let cells = workbook.worksheet_range(&name).unwrap_or_default();
        if cells.rows().any(|row| !is_blank(row)) {
            filled.push((name, cells));
        }
    }
    if filled.len() > 1 {
        let number = format.columns.first();
        let has_number = |(_, cells): &(String, Range<Data>)| {
            let at = cells.rows().position(|row| !is_blank(row)).unwrap_or_default();
            header(cells, at).iter().any(|name| Some(name) == number)
        };
        // Which of several is meant is not for us to guess; that without numbers is not.
        let having: Vec<usize> = (0..filled.len()).filter(|at| has_number(&filled[*at])).collect();
        if let [only] = having[..] {
            filled = vec![filled.swap_remove(only)];
        }
    }
    if filled.len() > 1 {
        let names: Vec<String> = filled.into_iter().map(|(name, _)| name).collect();
        let problem = format!(
            "there are several, and not just one with the column of the numbers: {}; pass the one to \
             read, as in sheet={:?}",
            sheets(&names),
            names[0]
        );
        return Err(Error::invalid("sheet", problem));
    }
    Ok(filled.pop().map(|(_, cells)| cells).unwrap_or_default())
}

/// The texts of a row.
fn header(cells: &Range<Data>, row: usize) -> Vec<String> {
    let row = cells.rows().nth(row).unwrap_or_default();
    let text = |cell: &Data| match value(cell) {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    };
    row.iter().map(text).collect()
}

fn is_blank(row: &[Data]) -> bool {
    row.iter().all(|cell| value(cell).is_null())
}

/// What a cell holds. An error of a formula is nothing, and so is an empty text.
fn value(cell: &Data) -> Value {
    match cell {
        Data::Empty | Data::Error(_) => Value::Null,
        Data::String(text) if text.is_empty() => Value::Null,
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => {
            Value::String(text.clone())
        }
        Data::Bool(flag) => Value::Bool(*flag),
        Data::Int(number) => Value::from(*number),
        Data::Float(number) => self::number(*number),
        Data::DateTime(moment) => Value::String(iso(moment)),
    }
}

/// Workbooks know floating point numbers only; a whole one is an integer.
fn number(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < EXACT {
        #[allow(clippy::cast_possible_truncation, reason = "it is whole, and it fits")]
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// A date, a time, or both, in the form of ISO 8601; a duration as hours, minutes and seconds.
fn iso(moment: &ExcelDateTime) -> String {
    let days = moment.as_f64();
    if moment.is_duration() {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is not negative, and it saturates"
        )]
        let seconds = (days.abs() * 86_400.0).round() as u64;
        let sign = if days < 0.0 { "-" } else { "" };
        return format!("{sign}{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, milli) = moment.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let mut time = format!("{hour:02}:{minute:02}:{second:02}");
    if milli > 0 {
        time = format!("{time}.{milli:03}");
    }
    if days < 1.0 {
        time
    } else if days.fract() == 0.0 {
        date
    } else {
        format!("{date}T{time}")
    }
}
