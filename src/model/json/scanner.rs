//! The grammar of JSON, token by token. Besides the standard's, `NaN`, `Infinity` and `-Infinity`.

use super::text::Raw;

/// The deepest nesting that is read. Python's own reader gives up at about as many levels.
pub(crate) const DEEPEST: usize = 1000;
/// The longest integer that is read: Python makes no number of more digits.
pub(crate) const MOST_DIGITS: usize = 4300;

/// Why a text can't be read any further, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub(crate) at: usize,
    pub(crate) kind: FaultKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    Syntax,
    TooDeep,
    TooManyDigits,
}

/// A scalar, or the beginning of an array or of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    Null,
    Bool(bool),
    Number(Digits<'a>),
    Text(Raw<'a>),
    Array,
    Object,
}

/// A number as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digits<'a> {
    pub(crate) text: &'a [u8],
    /// Whether it has neither a fraction nor an exponent.
    pub(crate) is_integer: bool,
}

impl<'a> Digits<'a> {
    /// The text.
    pub(crate) fn as_str(self) -> &'a str {
        // It is plain ASCII.
        std::str::from_utf8(self.text).unwrap_or_default()
    }

    /// The nearest number of 64 bits.
    pub(crate) fn as_f64(self) -> f64 {
        self.as_str().parse().unwrap_or(f64::NAN)
    }
}

/// Reads a text in UTF-8, half surrogates let through.
#[derive(Debug, Clone)]
pub(crate) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) const fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// One that reads a part of the text.
    pub(crate) fn within(text: &'a [u8], part: std::ops::Range<usize>) -> Self {
        Self { text: text.get(..part.end).unwrap_or_default(), at: part.start, depth: 0 }
    }

    /// Where it is.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// Steps over blanks.
    pub(crate) fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    /// Makes sure that nothing but blanks is left.
    pub(crate) fn end(&mut self) -> Result<(), Fault> {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.fault()) }
    }

    /// Reads a scalar, or steps into an array or an object.
    pub(crate) fn value(&mut self) -> Result<Token<'a>, Fault> {
        self.space();
        match self.text.get(self.at) {
            Some(b'"') => {
                self.at += 1;
                self.string().map(Token::Text)
            }
            Some(b'{') => self.open().map(|()| Token::Object),
            Some(b'[') => self.open().map(|()| Token::Array),
            Some(b'-' | b'0'..=b'9') => self.number().map(Token::Number),
            Some(b't') => self.word(b"true").map(|_| Token::Bool(true)),
            Some(b'f') => self.word(b"false").map(|_| Token::Bool(false)),
            Some(b'n') => self.word(b"null").map(|_| Token::Null),
            Some(b'N') => self.word(b"NaN").map(Token::Number),
            Some(b'I') => self.word(b"Infinity").map(Token::Number),
            _ => Err(self.fault()),
        }
    }

    /// Whether the array that it is in has an item more. `first` is true before its first one.
    pub(crate) fn item(&mut self, first: &mut bool) -> Result<bool, Fault> {
        self.more(first, b']')
    }

    /// The next key of the object that it is in; the value must be read then. `first` is true before
    /// the first one.
    pub(crate) fn key(&mut self, first: &mut bool) -> Result<Option<Raw<'a>>, Fault> {
        if !self.more(first, b'}')? {
            return Ok(None);
        }
        self.space();
        self.expect(b'"')?;
        let key = self.string()?;
        self.space();
        self.expect(b':')?;
        Ok(Some(key))
    }

    fn more(&mut self, first: &mut bool, close: u8) -> Result<bool, Fault> {
        self.space();
        if self.text.get(self.at) == Some(&close) {
            self.at += 1;
            self.depth -= 1;
            return Ok(false);
        }
        if !std::mem::take(first) {
            self.expect(b',')?;
        }
        Ok(true)
    }

    fn open(&mut self) -> Result<(), Fault> {
        if self.depth == DEEPEST {
            return Err(Fault { at: self.at, kind: FaultKind::TooDeep });
        }
        self.at += 1;
        self.depth += 1;
        Ok(())
    }

    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.text.get(self.at) != Some(&byte) {
            return Err(self.fault());
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &'static [u8]) -> Result<Digits<'a>, Fault> {
        match self.text.get(self.at..self.at + word.len()) {
            Some(text) if text == word => {
                self.at += word.len();
                Ok(Digits { text, is_integer: false })
            }
            _ => Err(self.fault()),
        }
    }

    fn number(&mut self) -> Result<Digits<'a>, Fault> {
        let start = self.at;
        if self.text.get(start) == Some(&b'-') {
            self.at += 1;
            if self.text.get(self.at) == Some(&b'I') {
                self.word(b"Infinity")?;
                return Ok(self.digits(start, false));
            }
        }
        let whole = self.at;
        if self.digit_run() == 0 || (self.text[whole] == b'0' && self.at > whole + 1) {
            self.at = whole;
            return Err(self.fault());
        }
        let length = self.at - whole;
        let mut is_integer = true;
        if self.text.get(self.at) == Some(&b'.') {
            is_integer = false;
            self.at += 1;
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            is_integer = false;
            self.at += 1;
            if let Some(b'+' | b'-') = self.text.get(self.at) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        if is_integer && length > MOST_DIGITS {
            return Err(Fault { at: start, kind: FaultKind::TooManyDigits });
        }
        Ok(self.digits(start, is_integer))
    }

    fn digits(&self, start: usize, is_integer: bool) -> Digits<'a> {
        Digits { text: self.text.get(start..self.at).unwrap_or_default(), is_integer }
    }

    fn some_digits(&mut self) -> Result<(), Fault> {
        if self.digit_run() == 0 { Err(self.fault()) } else { Ok(()) }
    }

    fn digit_run(&mut self) -> usize {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.text.get(self.at) {
            self.at += 1;
        }
        self.at - start
    }

    /// The rest of a string, after its first quote.
    fn string(&mut self) -> Result<Raw<'a>, Fault> {
        let start = self.at;
        let mut is_plain = true;
        loop {
            self.at += ordinary(self.text.get(self.at..).unwrap_or_default());
            match self.text.get(self.at) {
                Some(b'"') => {
                    let text = self.text.get(start..self.at).unwrap_or_default();
                    self.at += 1;
                    return Ok(Raw { text, is_plain });
                }
                Some(b'\\') => {
                    is_plain = false;
                    self.escape()?;
                }
                _ => return Err(self.fault()),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let length = match self.text.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u')
                if self
                    .text
                    .get(self.at + 2..self.at + 6)
                    .is_some_and(|four| four.iter().all(u8::is_ascii_hexdigit)) =>
            {
                6
            }
            _ => return Err(self.fault()),
        };
        self.at += length;
        Ok(())
    }

    const fn fault(&self) -> Fault {
        Fault { at: self.at, kind: FaultKind::Syntax }
    }
}

/// How many bytes go by before one that ends a string, begins an escape, or is a control character.
fn ordinary(text: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // The lowest byte that is marked is the first one meant; those above it may be marked in error.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let (eights, rest) = text.as_chunks::<8>();
    for (at, eight) in eights.iter().enumerate() {
        let word = u64::from_le_bytes(*eight);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let quote = zero(word ^ (ONES * u64::from(b'"')));
        let backslash = zero(word ^ (ONES * u64::from(b'\\')));
        let found = control | quote | backslash;
        if found != 0 {
            return at * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let is_other = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    eights.len() * 8 + rest.iter().position(is_other).unwrap_or(rest.len())
}
