//! `.jsonl` and `.ndjson`: an object a line.

use std::io::{BufRead, Read as _};

use serde_json::{Map, Value};

use super::encoding::not_utf8;
use super::item::{FlawPlace, Item};
use super::{Block, Source, SourceError, shown};
use crate::model::json::{self, FaultKind, Lost, Scanner, Token, Walk};

/// Rows in a block.
const BLOCK: usize = 1024;
/// A block is cut early when its text is larger than this, in bytes.
const LARGE: usize = 4 << 20;
/// The longest line, in bytes, unless a field alone may be longer.
const LONGEST: usize = 64 << 20;
/// The deepest nesting: what reads a row later goes no deeper.
const DEEPEST: usize = 120;

/// A file of JSON lines that is being read.
pub(super) struct Jsonl<R> {
    input: R,
    line: Vec<u8>,
    longest: usize,
    row: u64,
    name: String,
    /// Why it can't be read any further.
    failed: Option<SourceError>,
}

impl<R: BufRead + Send> Jsonl<R> {
    /// `largest` is the size that a field may have.
    pub(super) fn new(input: R, largest: usize, name: String) -> Self {
        let longest = LONGEST.max(largest);
        Self { input, line: Vec::new(), longest, row: 0, name, failed: None }
    }

    /// The next row; empty lines are passed over.
    fn row(&mut self) -> Result<Option<(Item, usize)>, SourceError> {
        loop {
            self.line.clear();
            let most = self.longest as u64 + 1;
            let read = (&mut self.input).take(most).read_until(b'\n', &mut self.line);
            let fault = |problem: String| SourceError::at_row(self.row, problem);
            let size = read.map_err(|error| fault(format!("{}: {error}", self.name)))?;
            if size > self.longest {
                return Err(fault(format!(
                    "it is a line of more than {} bytes; is it a file of lines, an object each? If so, \
                     max_field_bytes= allows more",
                    self.longest
                )));
            }
            if size == 0 {
                return Ok(None);
            }
            if self.line.trim_ascii().is_empty() {
                continue;
            }
            let line = self.line.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(&self.line);
            if std::str::from_utf8(line).is_err() {
                return Err(fault(not_utf8(line)));
            }
            let row = item(line).map_err(|at| fault(format!("it is not JSON (column {at})")))?;
            self.row += 1;
            return Ok(Some((row, size)));
        }
    }
}

/// A line as a row; where it is no JSON, from which column on.
fn item(line: &[u8]) -> Result<Item, usize> {
    match serde_json::from_slice::<Map<String, Value>>(line) {
        Ok(row) if !row.values().any(may_have_lost_digits) => Ok(row.into()),
        _ => read(line),
    }
}

/// The same, slower: what `serde_json` can't read costs itself alone, if it is JSON at all.
fn read(line: &[u8]) -> Result<Item, usize> {
    let mut scanner = Scanner::new(line);
    let read = fields(&mut scanner).and_then(|row| scanner.end().map(|()| row));
    read.or_else(|fault| match fault.kind {
        FaultKind::Syntax => Err(fault.at + 1),
        FaultKind::TooDeep => Ok(Item::none(TOO_DEEP)),
        FaultKind::TooManyDigits => Ok(Item::none("it holds an integer of too many digits")),
    })
}

const TOO_DEEP: &str = "it is nested too deeply";

fn fields(scanner: &mut Scanner<'_>) -> Result<Item, json::Fault> {
    let token = scanner.value()?;
    if token != Token::Object {
        Walk::after(scanner, token).finish()?;
        return Ok(Item::none("it is not a JSON object"));
    }
    let (mut item, mut first) = (Item::default(), true);
    while let Some(key) = scanner.key(&mut first)? {
        let (value, lost) = json::value(scanner)?;
        let decoded = key.decoded();
        let Ok(name) = std::str::from_utf8(&decoded) else {
            let problem = "a key holds half a surrogate pair, which is not valid Unicode";
            item.flaw(FlawPlace::Key, String::new(), problem.to_owned());
            continue;
        };
        let problem = match lost {
            Some(Lost::Half) => "the text holds half a surrogate pair, which is not valid Unicode",
            Some(Lost::Infinity) => "infinity can't be sent as JSON",
            Some(Lost::Digits) => "the number is beyond 64 bits; write it as text",
            None if is_deeper(&value, DEEPEST) => TOO_DEEP,
            None => {
                item.insert(name.to_owned(), value);
                continue;
            }
        };
        let at = format!("column {}", shown(name));
        item.flaw(FlawPlace::Column(name.to_owned()), at, problem.to_owned());
    }
    Ok(item)
}

fn is_deeper(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(_) | Value::Object(_) if levels == 0 => true,
        Value::Array(items) => items.iter().any(|item| is_deeper(item, levels - 1)),
        Value::Object(fields) => fields.values().any(|value| is_deeper(value, levels - 1)),
        _ => false,
    }
}

/// Whether it has a number that may be an integer beyond 64 bits: an `f64` that large holds none to
/// the last digit.
fn may_have_lost_digits(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            number.is_f64() && number.as_f64().is_some_and(|number| number.abs() >= 1e18)
        }
        Value::Array(items) => items.iter().any(may_have_lost_digits),
        Value::Object(fields) => fields.values().any(may_have_lost_digits),
        _ => false,
    }
}

impl<R: BufRead + Send> Source for Jsonl<R> {
    fn total(&self) -> Option<u64> {
        None
    }

    fn next(&mut self) -> Result<Option<Block>, SourceError> {
        let (mut rows, mut size) = (Vec::new(), 0);
        while self.failed.is_none() && rows.len() < BLOCK && size < LARGE {
            match self.row() {
                Ok(None) => break,
                Ok(Some((row, length))) => {
                    rows.push(row);
                    size += length;
                }
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        // What was read before an error is good, and comes first.
        if rows.is_empty()
            && let Some(error) = &self.failed
        {
            return Err(error.clone());
        }
        Ok((!rows.is_empty()).then_some(Block::Objects(rows)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows(text: &str, largest: usize) -> Result<Vec<Item>, String> {
        let mut lines = Jsonl::new(text.as_bytes(), largest, "leads.jsonl".to_owned());
        let mut rows = Vec::new();
        while let Some((row, _)) = lines.row().map_err(|error| error.to_string())? {
            rows.push(row);
        }
        Ok(rows)
    }

    fn flaw(line: &str) -> (String, FlawPlace) {
        let [row] = &rows(line, 0).unwrap()[..] else { panic!("one row") };
        let [flaw] = row.flaws() else { panic!("one flaw: {row:?}") };
        (format!("{} {}", flaw.at, flaw.problem), flaw.place.clone())
    }

    #[test]
    fn what_serde_does_not_read_is_read_too() {
        let line = r#"{"a": NaN, "b": 1, "b": [1e20, 2], "c": "\u00e9"}"#;
        let row = &rows(line, 0).unwrap()[0];
        assert!(row.flaws().is_empty());
        assert_eq!(Value::Object((**row).clone()), json!({"a": null, "b": [1e20, 2], "c": "é"}));
    }

    #[test]
    fn what_cannot_be_read_costs_itself() {
        let deep = format!(r#"{{"a": {}1{}}}"#, "[".repeat(200), "]".repeat(200));
        let deepest = format!(r#"{{"a": {}1{}}}"#, "[".repeat(2000), "]".repeat(2000));
        let long = format!(r#"{{"a": {}}}"#, "9".repeat(5000));
        let column = |name: &str| FlawPlace::Column(name.to_owned());
        for (line, said, place) in [
            (r#"{"a": "\ud83d"}"#, "column \"a\" the text holds half", column("a")),
            (r#"{"a": [{"\ud83d": 1}]}"#, "column \"a\" the text holds half", column("a")),
            (r#"{"\ud83d": 1}"#, "a key holds half", FlawPlace::Key),
            (r#"{"a": -Infinity}"#, "infinity", column("a")),
            (r#"{"a": 1e999}"#, "infinity", column("a")),
            (r#"{"a": [98765432109876543210]}"#, "beyond 64 bits", column("a")),
            (&deep, "nested too deeply", column("a")),
            (&deepest, "nested too deeply", FlawPlace::Row),
            (&long, "too many digits", FlawPlace::Row),
            ("[1]", "not a JSON object", FlawPlace::Row),
            ("null", "not a JSON object", FlawPlace::Row),
        ] {
            let (text, found) = flaw(line);
            assert!(text.contains(said) && found == place, "{line}: {text} {found:?}");
        }
        // The last of two of one key counts.
        assert!(rows(r#"{"a": Infinity, "a": 1}"#, 0).unwrap()[0].flaws().is_empty());
        assert_eq!(flaw(r#"{"a": 1, "a": Infinity}"#).1, column("a"));
    }

    #[test]
    fn what_is_no_json_is_an_error() {
        for (text, expected) in [
            ("{\"a\": 1}\n\n{\"a\": 1", "row 1: it is not JSON (column 8)"),
            ("{a: 1}", "row 0: it is not JSON (column 2)"),
            ("{} {}", "row 0: it is not JSON (column 4)"),
        ] {
            assert_eq!(rows(text, 0).unwrap_err(), expected);
        }
    }

    #[test]
    fn a_line_has_an_end() {
        struct Endless;
        impl std::io::Read for Endless {
            fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
                out.fill(b' ');
                Ok(out.len())
            }
        }
        let input = std::io::BufReader::new(Endless);
        let mut lines = Jsonl::new(input, 0, "leads.jsonl".to_owned());
        let error = lines.row().unwrap_err().to_string();
        assert!(error.starts_with("row 0: it is a line of more than 67108864 bytes"), "{error}");
        assert!(lines.line.capacity() <= 2 * LONGEST + 2);
    }
}
