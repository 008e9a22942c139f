//! The body of an answer to a push: the fields that an upload reads, each as it stands there.

use bytes::Bytes;

use crate::model::json::{Fault, Fields, Raw, Scanner, Token};
use crate::model::{DocumentError, unreadable};

/// What an answer says.
#[derive(Debug, Default)]
pub(super) struct Body<'a> {
    pub(super) accepted: u64,
    pub(super) rejected: u64,
    pub(super) results: Vec<Entry<'a>>,
}

/// What it says of one record. What is null is as what is not there.
#[derive(Debug, Default)]
pub(super) struct Entry<'a> {
    pub(super) accepted: bool,
    pub(super) phone_number: Option<Raw<'a>>,
    pub(super) run_id: Option<Raw<'a>>,
    pub(super) status: Option<Raw<'a>>,
    pub(super) error: Option<Raw<'a>>,
}

/// A text that can't be read on, or another shape than the documented one.
enum Trouble {
    Fault(Fault),
    Shape { path: String, problem: String },
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Trouble {
    fn here(problem: String) -> Self {
        Self::Shape { path: String::new(), problem }
    }

    fn expected(what: &str) -> Self {
        Self::here(format!("expected {what}"))
    }

    fn missing(name: &str) -> Self {
        Self::here(format!("missing field `{name}`"))
    }

    fn twice() -> Self {
        Self::here("it is there twice".to_owned())
    }

    /// The same, of what stands further down.
    fn under(self, name: &str) -> Self {
        match self {
            Self::Shape { path, problem } => {
                let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
                Self::Shape { path: format!("{name}{dot}{path}"), problem }
            }
            fault @ Self::Fault(_) => fault,
        }
    }
}

impl<'a> Body<'a> {
    /// Reads a text in UTF-8, for about so many records. No type is converted, and no field may stand
    /// twice: a body that is not as documented proves nothing.
    pub(super) fn read(text: &'a Bytes, records: usize) -> Result<Self, DocumentError> {
        let mut scanner = Scanner::new(text);
        let read = body(&mut scanner, records).and_then(|body| {
            scanner.end()?;
            Ok(body)
        });
        read.map_err(|trouble| match trouble {
            Trouble::Fault(fault) => unreadable(fault, text),
            Trouble::Shape { path, problem } if path.is_empty() => {
                DocumentError::Shape { path: ".".to_owned(), problem }
            }
            Trouble::Shape { path, problem } => DocumentError::Shape { path, problem },
        })
    }
}

/// The fields of a body, and of what it says of one record. The first ones must be there.
const BODY: [&str; 3] = ["accepted", "rejected", "results"];
const ENTRY: [&str; 5] = ["accepted", "phone_number", "run_id", "status", "error"];

fn body<'a>(scanner: &mut Scanner<'a>, records: usize) -> Result<Body<'a>, Trouble> {
    let mut body = Body::default();
    object(scanner, &mut Fields::new(&BODY), BODY.len(), |scanner, at| {
        match at {
            0 => body.accepted = count(scanner)?,
            1 => body.rejected = count(scanner)?,
            _ => body.results = entries(scanner, records)?,
        }
        Ok(())
    })?;
    Ok(body)
}

fn entries<'a>(scanner: &mut Scanner<'a>, records: usize) -> Result<Vec<Entry<'a>>, Trouble> {
    if scanner.value()? != Token::Array {
        return Err(Trouble::expected("a list"));
    }
    let (mut entries, mut fields) = (Vec::with_capacity(records), Fields::new(&ENTRY));
    let mut first = true;
    while scanner.item(&mut first)? {
        let at = entries.len();
        let entry = entry(scanner, &mut fields);
        entries.push(entry.map_err(|trouble| trouble.under(&format!("[{at}]")))?);
    }
    Ok(entries)
}

#[inline]
fn entry<'a>(scanner: &mut Scanner<'a>, fields: &mut Fields) -> Result<Entry<'a>, Trouble> {
    let mut entry = Entry::default();
    object(scanner, fields, 1, |scanner, at| {
        match at {
            0 => entry.accepted = flag(scanner)?,
            1 => entry.phone_number = text(scanner)?,
            2 => entry.run_id = text(scanner)?,
            3 => entry.status = text(scanner)?,
            _ => entry.error = text(scanner)?,
        }
        Ok(())
    })?;
    Ok(entry)
}

/// Reads the fields of an object, the first ones of which it needs; others are stepped over.
#[inline]
fn object<'a>(
    scanner: &mut Scanner<'a>,
    fields: &mut Fields,
    needed: usize,
    mut read: impl FnMut(&mut Scanner<'a>, usize) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    if scanner.value()? != Token::Object {
        return Err(Trouble::expected("an object"));
    }
    let names = fields.names();
    // A bit for each name.
    let mut seen = 0_u32;
    fields.begin();
    while let Some(at) = fields.next(scanner)? {
        let Some(name) = names.get(at) else {
            scanner.pass()?;
            continue;
        };
        if seen >> at & 1 == 1 {
            return Err(Trouble::twice().under(name));
        }
        seen |= 1 << at;
        read(scanner, at).map_err(|trouble| trouble.under(name))?;
    }
    match names.iter().enumerate().take(needed).find(|(at, _)| seen >> at & 1 == 0) {
        Some((_, name)) => Err(Trouble::missing(name)),
        None => Ok(()),
    }
}

fn count(scanner: &mut Scanner<'_>) -> Result<u64, Trouble> {
    let count = match scanner.value()? {
        Token::Number(digits) => digits.as_str().parse().ok(),
        _ => None,
    };
    count.ok_or_else(|| Trouble::expected("a count"))
}

fn flag(scanner: &mut Scanner<'_>) -> Result<bool, Trouble> {
    match scanner.value()? {
        Token::Bool(flag) => Ok(flag),
        _ => Err(Trouble::expected("true or false")),
    }
}

fn text<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Raw<'a>>, Trouble> {
    match scanner.value()? {
        Token::Text(text) => Ok(Some(text)),
        Token::Null => Ok(None),
        _ => Err(Trouble::expected("a text")),
    }
}
