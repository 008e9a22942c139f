//! The quotes of separated values, held to the rules: what reads them takes an open quote for a field
//! that never ends, and text after a closing quote for a part of it.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memchr3, memrchr2, memrchr3};

/// More fields than this in one line are none.
const MOST_FIELDS: usize = 100_000;
/// The longest line, in bytes, unless a field alone may be longer.
const LONGEST: usize = 64 << 20;
/// Fewer bytes without a quote are as quickly read one field after the other.
const WORTHWHILE: usize = 64;

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
    /// There is no end of the line.
    #[error("it is a line of more than {0} bytes; max_field_bytes= allows more")]
    TooLong(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
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
    state: Within,
    longest: usize,
    /// Bytes of the field so far.
    size: usize,
    /// Bytes of the line before the field.
    before: usize,
    /// Fields of the line so far.
    fields: usize,
    fault: Option<Fault>,
}

impl<R> Quoting<R> {
    pub(super) fn new(input: R, delimiter: u8, most: usize) -> Self {
        Self {
            input,
            delimiter,
            most,
            longest: LONGEST.max(most),
            state: Within::Start,
            size: 0,
            before: 0,
            fields: 0,
            fault: None,
        }
    }

    /// Looks at the next bytes; where they break the rules, how many of them are before that.
    fn check(&mut self, bytes: &[u8]) -> Result<(), (usize, Fault)> {
        let mut at = self.plain(bytes);
        self.pass(&bytes[..at]);
        while let Some(byte) = bytes.get(at) {
            match self.state {
                Within::Start if *byte == b'"' => self.state = Within::Quoted,
                Within::Start if self.ends(*byte) => self.end(*byte, at)?,
                Within::Start => {
                    self.state = Within::Plain;
                    // It is looked at again: it counts.
                    continue;
                }
                Within::Plain => {
                    let rest = &bytes[at..];
                    let end = memchr3(self.delimiter, b'\n', b'\r', rest);
                    let length = end.unwrap_or(rest.len());
                    self.grow(length, at)?;
                    at += length;
                    if end.is_some() {
                        self.end(bytes[at], at)?;
                    }
                }
                Within::Quoted => {
                    let rest = &bytes[at..];
                    let end = memchr(b'"', rest);
                    let length = end.unwrap_or(rest.len());
                    self.grow(length, at)?;
                    at += length;
                    if end.is_some() {
                        self.state = Within::Closing;
                    }
                }
                Within::Closing if *byte == b'"' => {
                    self.state = Within::Quoted;
                    self.grow(1, at)?;
                }
                Within::Closing if self.ends(*byte) => self.end(*byte, at)?,
                Within::Closing => return Err((at, Fault::AfterQuote)),
            }
            at += 1;
        }
        Ok(())
    }

    /// How many of these bytes come before any quote and can't break a rule, whatever they are; none
    /// where that is not worth while.
    fn plain(&self, bytes: &[u8]) -> usize {
        if !matches!(self.state, Within::Start | Within::Plain) || bytes.len() < WORTHWHILE {
            return 0;
        }
        let line = self.longest.saturating_sub(self.before + self.size);
        let room = (self.most - self.size).min(MOST_FIELDS - self.fields).min(line);
        let within = &bytes[..bytes.len().min(room)];
        let plain = memchr(b'"', within).unwrap_or(within.len());
        if plain < WORTHWHILE { 0 } else { plain }
    }

    /// Steps over such bytes.
    fn pass(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let mut line = bytes;
        if let Some(end) = memrchr2(b'\n', b'\r', bytes) {
            line = &bytes[end + 1..];
            (self.fields, self.size, self.before) = (0, 0, 0);
        }
        self.fields += memchr_iter(self.delimiter, line).count();
        let field = memrchr3(self.delimiter, b'\n', b'\r', bytes).map_or(0, |end| end + 1);
        if field > 0 {
            let earlier = line.len() - (bytes.len() - field);
            self.before += self.size + earlier;
            self.size = 0;
        }
        self.size += bytes.len() - field;
        self.state = if field == bytes.len() { Within::Start } else { Within::Plain };
    }

    fn ends(&self, byte: u8) -> bool {
        byte == self.delimiter || byte == b'\n' || byte == b'\r'
    }

    fn end(&mut self, byte: u8, at: usize) -> Result<(), (usize, Fault)> {
        self.state = Within::Start;
        let within = byte == self.delimiter;
        self.before = if within { self.before + self.size + 1 } else { 0 };
        self.fields = if within { self.fields + 1 } else { 0 };
        self.size = 0;
        if self.fields > MOST_FIELDS { Err((at, Fault::TooMany)) } else { Ok(()) }
    }

    fn grow(&mut self, bytes: usize, at: usize) -> Result<(), (usize, Fault)> {
        self.size += bytes;
        if self.size > self.most {
            return Err((at, Fault::TooLarge(self.most)));
        }
        if self.before + self.size > self.longest {
            return Err((at, Fault::TooLong(self.longest)));
        }
        Ok(())
    }
}

impl<R: Read> Read for Quoting<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if let Some(fault) = self.fault {
            return Err(io::Error::other(fault));
        }
        let read = self.input.read(out)?;
        let ended = read == 0 && !out.is_empty();
        let checked = if ended && self.state == Within::Quoted {
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
        read(text, piece, 20, 50).fault
    }

    fn read(text: &str, piece: usize, most: usize, longest: usize) -> Quoting<impl Read> {
        struct Pieces<'a>(&'a [u8], usize);
        impl Read for Pieces<'_> {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                let length = self.1.min(out.len());
                self.0.read(&mut out[..length])
            }
        }
        let mut read = Vec::new();
        let mut quoting = Quoting::new(Pieces(text.as_bytes(), piece), b',', most);
        quoting.longest = longest;
        let result = quoting.read_to_end(&mut read);
        assert!(text.as_bytes().starts_with(&read));
        assert_eq!(result.is_ok(), read.len() == text.len() && quoting.fault.is_none());
        quoting
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
                (&"bbbbbb,".repeat(8), Fault::TooLong(50)),
                (&"\"bbbb\",".repeat(11), Fault::TooLong(50)),
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

        #[test]
        fn nor_whether_much_is_stepped_over(
            lines in proptest::collection::vec("[ab,]{0,150}(\"[ab,\"]{0,3}\"?)?[\r\n]{0,2}", 0..8),
            piece in 1..9_usize,
            most in 60..300_usize,
            longest in 100..800_usize,
        ) {
            let text = lines.concat();
            let [one, other] = [piece, 5000].map(|piece| read(&text, piece, most, longest));
            // Which of the two limits is told where both are passed at once does not matter.
            let told = |fault: Option<Fault>| match fault {
                Some(Fault::TooLarge(_) | Fault::TooLong(_)) => Some(Fault::TooLarge(0)),
                other => other,
            };
            prop_assert_eq!(told(one.fault), told(other.fault));
            if one.fault.is_none() {
                let ended = |q: &Quoting<_>| (q.state, q.size, q.before, q.fields);
                prop_assert_eq!(ended(&one), ended(&other));
            }
        }
    }
}
