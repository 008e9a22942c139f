//! What separates the fields of a file, found from its first lines.

use std::io::{self, Read};

use super::encoding::no_text;
use super::format::Format;
use crate::{Error, Result};

/// What may separate fields, and what it is called.
const KNOWN: [(u8, &str); 4] =
    [(b',', "\",\""), (b';', "\";\""), (b'\t', "\"\\t\""), (b'|', "\"|\"")];
/// Lines that are looked at.
const LINES: usize = 10;
/// What of them is read, in bytes.
const ENOUGH: usize = 1 << 14;

/// The start of a file, its delimiter known.
pub(super) struct Start {
    /// What has been read of it, from the header on.
    pub(super) bytes: Vec<u8>,
    pub(super) delimiter: u8,
    /// What reading on failed with.
    pub(super) failed: Failed,
}

/// Fails once, where reading did before.
#[derive(Default)]
pub(super) struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Reads as much of a file as is needed. `usual` is what its name says.
pub(super) fn find(input: &mut impl Read, usual: u8, format: &Format) -> io::Result<Result<Start>> {
    let (mut bytes, mut failed) = (Vec::new(), Failed::default());
    let most = format.max_field_bytes.saturating_add(ENOUGH);
    let mut piece = vec![0; ENOUGH];
    loop {
        let read = match input.read(&mut piece) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // The header is there: it is for a row to fail.
            Err(error) if memchr::memchr(b'\n', &bytes).is_some() => {
                failed = Failed(Some(error));
                break;
            }
            Err(error) => return Err(error),
        };
        bytes.extend_from_slice(&piece[..read]);
        // The header, whole, and what comes along with it.
        if read == 0 || bytes.len() >= most || lines(&bytes).len() > LINES {
            break;
        }
        if bytes.len() >= ENOUGH && lines(&bytes).len() > 1 {
            break;
        }
    }
    // Before any of its bytes are taken for delimiters.
    if let Some(problem) = no_text(&bytes) {
        return Ok(Err(Error::invalid("source", problem)));
    }
    if let Some((declared, length)) = declared(&bytes) {
        bytes.drain(..length);
        let delimiter = format.delimiter.unwrap_or(declared);
        return Ok(Ok(Start { bytes, delimiter, failed }));
    }
    let delimiter = match format.delimiter {
        Some(delimiter) => Ok(delimiter),
        None => of(&lines(&bytes), usual, &format.columns),
    };
    Ok(delimiter.map(|delimiter| Start { bytes, delimiter, failed }))
}

/// The delimiter that Excel's own first line `sep=;` names, and the length of that line.
fn declared(bytes: &[u8]) -> Option<(u8, usize)> {
    let length = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1);
    let line = bytes[..length].trim_ascii_end();
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    let name = line.get(..4)?;
    // Trimming takes a tab, too.
    let delimiter = bytes.get(4).copied().filter(|_| line.len() == 4).or(line.get(4).copied())?;
    let fits =
        name.eq_ignore_ascii_case(b"sep=") && line.len() <= 5 && !b"\"\r\n".contains(&delimiter);
    fits.then_some((delimiter, length))
}

/// What separates these lines, of which the first that is not empty is the header.
fn of(lines: &[Line<'_>], usual: u8, columns: &[String]) -> Result<u8> {
    let Some(header) = lines.first() else { return Ok(usual) };
    let there: Vec<usize> = (0..KNOWN.len()).filter(|at| header.counts[*at] > 0).collect();
    match there[..] {
        [] => return Ok(usual),
        [only] => return Ok(KNOWN[only].0),
        _ => {}
    }
    // The one that makes columns of what the caller names, else the one that all lines have alike.
    let named = |at: &usize| {
        let fields = header.text.split(|byte| *byte == KNOWN[*at].0);
        let plain =
            |field: &[u8]| String::from_utf8_lossy(field).trim().trim_matches('"').to_owned();
        fields.map(plain).any(|field| columns.contains(&field))
    };
    let alike = |at: &usize| {
        lines.len() > 1 && lines.iter().all(|line| line.counts[*at] == header.counts[*at])
    };
    for is_it in [&named as &dyn Fn(&usize) -> bool, &alike] {
        let mut found = there.iter().filter(|at| is_it(at));
        if let (Some(only), None) = (found.next(), found.next()) {
            return Ok(KNOWN[*only].0);
        }
    }
    let known: Vec<&str> = there.iter().map(|at| KNOWN[*at].1).collect();
    let problem = format!(
        "the header may be separated by {}: pass the right one, as in delimiter={}",
        known.join(" or by "),
        known[0]
    );
    Err(Error::invalid("delimiter", problem))
}

/// A line outside of quotes.
struct Line<'a> {
    text: &'a [u8],
    /// How often each of [`KNOWN`] stands in it.
    counts: [usize; KNOWN.len()],
}

/// The lines that are not empty. The last may be cut short, and counts only where it is the only one.
fn lines(bytes: &[u8]) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let (mut start, mut counts, mut quoted, mut begins) = (0, [0; KNOWN.len()], false, true);
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'"' && (quoted || begins) {
            quoted = !quoted;
            // Two of them are one within.
            begins = !quoted;
            continue;
        }
        if quoted {
            begins = false;
            continue;
        }
        begins = false;
        if matches!(byte, b'\n' | b'\r') {
            if at > start {
                lines.push(Line { text: &bytes[start..at], counts });
            }
            (start, counts, begins) = (at + 1, [0; KNOWN.len()], true);
        } else if let Some(known) = KNOWN.iter().position(|(known, _)| known == byte) {
            counts[known] += 1;
            begins = true;
        }
    }
    if lines.is_empty() && start < bytes.len() {
        lines.push(Line { text: &bytes[start..], counts });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, usual: u8) -> std::result::Result<(char, String), String> {
        let mut input = text.as_bytes();
        let start = find(&mut input, usual, &Format::default()).unwrap();
        start
            .map(|start| (start.delimiter.into(), String::from_utf8(start.bytes).unwrap()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn by_the_header() {
        for (text, expected) in [
            ("phone_number,name\n", ','),
            ("phone_number;name\n1;2,5\n", ';'),
            ("phone_number\tname\n", '\t'),
            ("phone_number|name", '|'),
            ("phone_number\n", ','),
            ("", ','),
            ("\"phone_number\";\"a, b\"\n", ';'),
            ("\"a\n,b\";phone_number\n", ';'),
            // Only one makes a column of that name.
            ("phone_number;a, b;c\n", ';'),
            // Only one is in each line.
            ("Mobile,Name|Alias,City\n1,a,b\n2,c,d\n", ','),
        ] {
            assert_eq!(found(text, b',').map(|(delimiter, _)| delimiter), Ok(expected), "{text}");
        }
        assert_eq!(found("phone_number\n", b'\t').unwrap().0, '\t');
        let error = found("Mobile,Name;Alias\n1,a;b\n", b',').unwrap_err();
        assert!(error.contains("delimiter=\",\"") && error.contains("or by \";\""), "{error}");
    }

    #[test]
    fn by_excels_first_line() {
        for (text, expected) in [
            ("sep=;\r\nphone_number;a,b\r\n", (';', "phone_number;a,b\r\n")),
            ("sep=\t\nphone_number\ta\n", ('\t', "phone_number\ta\n")),
            ("\"sep=|\"\nphone_number|a\n", ('|', "phone_number|a\n")),
            ("SEP=,\nphone_number\n", (',', "phone_number\n")),
            ("sep=;,phone_number\n", (',', "sep=;,phone_number\n")),
        ] {
            let found = found(text, b',').unwrap();
            assert_eq!((found.0, &*found.1), expected, "{text}");
        }
    }
}
