//! The grammar of JSON, token by token. Besides the standard's, `NaN`, `Infinity` and `-Infinity`.

use super::text::Raw;

/// The deepest nesting that is read. Python's own reader gives up at about as many levels.
pub const DEEPEST: usize = 1000;
/// The longest integer that is read: Python makes no number of more digits.
pub const MOST_DIGITS: usize = 4300;

/// Why a text can't be read any further, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The byte at which.
    pub at: usize,
    /// Why.
    pub kind: FaultKind,
}

/// Why a text can't be read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// It is no JSON.
    Syntax,
    /// It nests deeper than [`DEEPEST`].
    TooDeep,
    /// An integer has more digits than [`MOST_DIGITS`].
    TooManyDigits,
}

/// A scalar, or the beginning of an array or of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Digits<'a>),
    /// A string.
    Text(Raw<'a>),
    /// The beginning of an array.
    Array,
    /// The beginning of an object.
    Object,
}

/// What holds other values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Array,
    Object,
}

/// A number as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digits<'a> {
    /// Its characters, all of them ASCII.
    pub text: &'a [u8],
    /// Whether it has neither a fraction nor an exponent.
    pub is_integer: bool,
}

impl<'a> Digits<'a> {
    /// The text.
    pub fn as_str(self) -> &'a str {
        // It is plain ASCII.
        std::str::from_utf8(self.text).unwrap_or_default()
    }

    /// The nearest number of 64 bits.
    pub fn as_f64(self) -> f64 {
        self.as_str().parse().unwrap_or(f64::NAN)
    }
}

/// Reads a text in UTF-8, half surrogates let through.
#[derive(Debug, Clone)]
pub struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
    /// Which block of the text was looked at last, and which of its bytes are marked.
    block: usize,
    marks: u64,
    /// Whether all of it was read before.
    is_sound: bool,
}

impl<'a> Scanner<'a> {
    /// Reads a text from its beginning.
    pub const fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, depth: 0, block: usize::MAX, marks: 0, is_sound: false }
    }

    /// One that begins in the midst of a text which was found sound.
    pub const fn from(text: &'a [u8], at: usize) -> Self {
        Self { at, is_sound: true, ..Self::new(text) }
    }

    /// Where it is.
    pub const fn at(&self) -> usize {
        self.at
    }

    /// Steps over blanks.
    pub fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    /// Steps over what comes next, if it is what stands in another part of the text.
    pub fn pass_if_as(&mut self, part: std::ops::Range<usize>) -> bool {
        let (here, there) = (self.text.get(self.at..), self.text.get(part.clone()));
        let is_same = here.zip(there).is_some_and(|(here, there)| starts_with(here, there));
        if is_same {
            self.at += part.len();
        }
        is_same
    }

    /// Makes sure that nothing but blanks is left.
    pub fn end(&mut self) -> Result<(), Fault> {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.fault()) }
    }

    /// Reads a scalar, or steps into an array or an object.
    pub fn value(&mut self) -> Result<Token<'a>, Fault> {
        self.space();
        match self.text.get(self.at) {
            Some(b'"') => {
                self.at += 1;
                self.string(self.at).map(Token::Text)
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

    /// Steps over a scalar, or into an array or an object: which of these it is.
    pub(super) fn enter(&mut self) -> Result<Option<Kind>, Fault> {
        self.space();
        match self.text.get(self.at) {
            Some(b'"') => {
                self.at += 1;
                self.pass_string().map(|_| None)
            }
            Some(b'{') => self.open().map(|()| Some(Kind::Object)),
            Some(b'[') => self.open().map(|()| Some(Kind::Array)),
            Some(b'-' | b'0'..=b'9') => self.pass_number().map(|_| None),
            _ => self.value().map(|_| None),
        }
    }

    /// Whether the array that it is in has an item more. `first` is true before its first one.
    pub fn item(&mut self, first: &mut bool) -> Result<bool, Fault> {
        self.more(first, b']')
    }

    /// The next key of the object that it is in; the value must be read then. `first` is true before
    /// the first one.
    pub fn key(&mut self, first: &mut bool) -> Result<Option<Raw<'a>>, Fault> {
        let Some(start) = self.begin_key(first)? else { return Ok(None) };
        let key = self.string(start)?;
        self.end_key()?;
        Ok(Some(key))
    }

    /// Steps over the next key of the object that it is in; false where there is none.
    pub(super) fn pass_key(&mut self, first: &mut bool) -> Result<bool, Fault> {
        if self.begin_key(first)?.is_none() {
            return Ok(false);
        }
        self.pass_string()?;
        self.end_key()?;
        Ok(true)
    }

    /// Steps into the next key, if there is one: where it begins.
    #[inline]
    fn begin_key(&mut self, first: &mut bool) -> Result<Option<usize>, Fault> {
        if !self.more(first, b'}')? {
            return Ok(None);
        }
        self.space();
        self.expect(b'"')?;
        Ok(Some(self.at))
    }

    fn end_key(&mut self) -> Result<(), Fault> {
        self.space();
        self.expect(b':')
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
        let is_integer = self.pass_number()?;
        Ok(Digits { text: self.text.get(start..self.at).unwrap_or_default(), is_integer })
    }

    /// Steps over a number: whether it has neither a fraction nor an exponent.
    fn pass_number(&mut self) -> Result<bool, Fault> {
        let start = self.at;
        if self.text.get(start) == Some(&b'-') {
            self.at += 1;
            if self.text.get(self.at) == Some(&b'I') {
                return self.word(b"Infinity").map(|_| false);
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
        Ok(is_integer)
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

    /// The rest of a string, whose first quote stands before `start`.
    fn string(&mut self, start: usize) -> Result<Raw<'a>, Fault> {
        let is_plain = self.pass_string()?;
        Ok(Raw { text: self.text.get(start..self.at - 1).unwrap_or_default(), is_plain })
    }

    /// Steps over the rest of a string, after its first quote: whether it has no escapes.
    #[inline]
    fn pass_string(&mut self) -> Result<bool, Fault> {
        self.pass_ordinary();
        if self.text.get(self.at) == Some(&b'"') {
            self.at += 1;
            return Ok(true);
        }
        self.pass_escapes().map(|()| false)
    }

    /// The same from its first escape on.
    #[cold]
    fn pass_escapes(&mut self) -> Result<(), Fault> {
        while self.text.get(self.at) == Some(&b'\\') {
            self.escape()?;
            self.pass_ordinary();
        }
        self.expect(b'"')
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

    /// Steps over bytes to one that ends a string, begins an escape, or is a control character.
    #[inline]
    fn pass_ordinary(&mut self) {
        if self.is_sound {
            // A string or two of it is read: whole blocks are too much.
            let rest = self.text.get(self.at..).unwrap_or_default();
            self.at += memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
            return;
        }
        loop {
            let block = self.at / BLOCK;
            if block != self.block {
                self.look_at(block);
            }
            let ahead = self.marks >> (self.at % BLOCK);
            if ahead != 0 {
                self.at += ahead.trailing_zeros() as usize;
                return;
            }
            self.at = (block + 1) * BLOCK;
        }
    }

    fn look_at(&mut self, block: usize) {
        let from = self.text.get(block * BLOCK..).unwrap_or_default();
        let mut last = [0; BLOCK];
        self.block = block;
        self.marks = marks(from.first_chunk().unwrap_or_else(|| {
            // What is beyond the end is marked.
            last.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            &last
        }));
    }

    const fn fault(&self) -> Fault {
        Fault { at: self.at, kind: FaultKind::Syntax }
    }
}

/// Whether a text begins with a short one, without the call that a comparison of slices is.
fn starts_with(text: &[u8], short: &[u8]) -> bool {
    let Some(text) = text.get(..short.len()) else { return false };
    let (Some(one), Some(other)) = (text.last_chunk(), short.last_chunk()) else {
        return text.iter().eq(short);
    };
    let is_same =
        |one: &[u8; 8], other: &[u8; 8]| u64::from_le_bytes(*one) == u64::from_le_bytes(*other);
    let mut words = text.as_chunks().0.iter().zip(short.as_chunks().0);
    is_same(one, other) && words.all(|(one, other)| is_same(one, other))
}

/// How many bytes are looked at together.
const BLOCK: usize = 64;

/// Which bytes of a block end a string, begin an escape, or are control characters: a bit each.
fn marks(block: &[u8; BLOCK]) -> u64 {
    /// Brings the lowest bits of eight bytes together in the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let flags = block.map(|byte| u8::from(byte < 0x20 || byte == b'"' || byte == b'\\'));
    let (eights, _) = flags.as_chunks::<8>();
    // Shifted each by itself, so that none waits for another.
    let mark = |eight: &[u8; 8]| u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56;
    (0..).step_by(8).zip(eights).fold(0, |marks, (place, eight)| marks | mark(eight) << place)
}
