//! The quotes of separated values, held to the rules: what reads them takes an open quote for a field
//! that never ends, and text after a closing quote for a part of it.

use std::io::{self, Read};

use memchr::{memchr, memchr3};

/// More fields than this in one line are none.
const MOST_FIELDS: usize = 100_000;

/// What is wrong with the quotes of a line, or its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// A quote opens and never closes.
    #[error("a quote opens in it and is never closed")]
    Unclosed,
    /// A closing quote is followed by neither a delimiter nor a line's end.
    #[error(
        "a quote opens in it, and text follows the quote that closes it; a quote within quotes is \
         written twice"
    )]
    AfterQuote,
    /// A field is larger than it may be.
    #[error(
        "it has a field of more than {0} bytes; is there a quote that is never closed? If not, \
         max_field_bytes= allows more"
    )]
    TooLarge(usize),
    /// There is no end of fields.
    #[error("it has more than {MOST_FIELDS} fields")]
    TooMany,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first byte of a field.
    Start,
    /// In a field without quotes.
    Plain,
    /// In quotes.
    Quoted,
    /// After a quote in quotes: the closing one, or the first of two.
    Closing,
}

/// Reads through, and fails where the rules do: within the line that breaks them, never after it.
pub(super) struct Quoting<R> {
    input: R,
    delimiter: u8,
    most: usize,
    state: State,
    /// Bytes of the field so far.
    size: usize,
    /// Fields of the line so far.
    fields: usize,
    fault: Option<Fault>,
}

impl<R> Quoting<R> {
    pub(super) fn new(input: R, delimiter: u8, most: usize) -> Self {
        Self { input, delimiter, most, state: State::Start, size: 0, fields: 0, fault: None }
    }

    /// Looks at the next bytes; where they break the rules, how many of them are before that.
    fn check(&mut self, bytes: &[u8]) -> Result<(), (usize, Fault)> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match self.state {
                State::Start if *byte == b'"' => self.state = State::Quoted,
                State::Start if self.ends(*byte) => self.end(*byte, at)?,
                State::Start => {
                    self.state = State::Plain;
                    // It is looked at again: it counts.
                    continue;
                }
                State::Plain => {
                    let rest = &bytes[at..];
                    let end = memchr3(self.delimiter, b'\n', b'\r', rest);
                    let length = end.unwrap_or(rest.len());
                    self.grow(length, at)?;
                    at += length;
                    if end.is_some() {
                        self.end(bytes[at], at)?;
                    }
                }
                State::Quoted => {
                    let rest = &bytes[at..];
                    let end = memchr(b'"', rest);
                    let length = end.unwrap_or(rest.len());
                    self.grow(length, at)?;
                    at += length;
                    if end.is_some() {
                        self.state = State::Closing;
                    }
                }
                State::Closing if *byte == b'"' => {
                    self.state = State::Quoted;
                    self.grow(1, at)?;
                }
                State::Closing if self.ends(*byte) => self.end(*byte, at)?,
                State::Closing => return Err((at, Fault::AfterQuote)),
            }
            at += 1;
        }
        Ok(())
    }

    fn ends(&self, byte: u8) -> bool {
        byte == self.delimiter || byte == b'\n' || byte == b'\r'
    }

    fn end(&mut self, byte: u8, at: usize) -> Result<(), (usize, Fault)> {
        self.state = State::Start;
        self.size = 0;
        self.fields = if byte == self.delimiter { self.fields + 1 } else { 0 };
        if self.fields > MOST_FIELDS { Err((at, Fault::TooMany)) } else { Ok(()) }
    }

    fn grow(&mut self, bytes: usize, at: usize) -> Result<(), (usize, Fault)> {
        self.size += bytes;
        if self.size > self.most { Err((at, Fault::TooLarge(self.most))) } else { Ok(()) }
    }
}

impl<R: Read> Read for Quoting<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if let Some(fault) = self.fault {
            return Err(io::Error::other(fault));
        }
        let read = self.input.read(out)?;
        let ended = read == 0 && !out.is_empty();
        let checked = if ended && self.state == State::Quoted {
            Err((0, Fault::Unclosed))
        } else {
            self.check(&out[..read])
        };
        match checked {
            Ok(()) => Ok(read),
            Err((before, fault)) => {
                self.fault = Some(fault);
                if before == 0 { Err(io::Error::other(fault)) } else { Ok(before) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fault(text: &str, piece: usize) -> Option<Fault> {
        struct Pieces<'a>(&'a [u8], usize);
        impl Read for Pieces<'_> {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                let length = self.1.min(out.len());
                self.0.read(&mut out[..length])
            }
        }
        let mut read = Vec::new();
        let mut quoting = Quoting::new(Pieces(text.as_bytes(), piece), b',', 20);
        let result = quoting.read_to_end(&mut read);
        assert!(text.as_bytes().starts_with(&read));
        assert_eq!(result.is_ok(), read.len() == text.len() && quoting.fault.is_none());
        quoting.fault
    }

    #[test]
    fn what_breaks_the_rules() {
        for piece in 1..12 {
            for text in
                ["", "a,b\n", "\"a\",\"b \"\"c\"\" \"\r\n", "a \"b\" c\n", "\"\"\n", "\"a\r\nb\""]
            {
                assert_eq!(fault(text, piece), None, "{text}");
            }
            for (text, expected) in [
                ("a,\"b\nc,d\n", Fault::Unclosed),
                ("\"", Fault::Unclosed),
                ("\"a\" ,b", Fault::AfterQuote),
                ("a,\"b\nc,\"d\n", Fault::AfterQuote),
                ("a,bbbbbbbbbbbbbbbbbbbbbbbb\n", Fault::TooLarge(20)),
                ("a,\"bbbbbbbbbbbbb\nbbbbbbbbbbbbbb", Fault::TooLarge(20)),
            ] {
                assert_eq!(fault(text, piece), Some(expected), "{text}");
            }
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_it_comes(text in "[a\",\r\n]{0,40}", piece in 1..9_usize) {
            prop_assert_eq!(fault(&text, piece), fault(&text, 1000));
        }
    }
}
