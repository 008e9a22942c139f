//! Text files as UTF-8, whatever they are written in.

use std::io::{self, Chain, Cursor, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};

/// Bytes that are decoded at a time.
const AT_ONCE: usize = 1 << 16;
/// No mark is longer.
const LONGEST_MARK: usize = 4;

type Input = Box<dyn Read + Send>;

/// A text file in UTF-8: as it is, without its mark, or decoded.
pub(super) enum Text {
    Plain(Chain<Cursor<Vec<u8>>, Input>),
    Decoded(Box<Decoded>),
}

/// What can't be decoded.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("it is not {0}, or it is damaged; encoding= says how it is written")]
pub(super) struct Malformed(&'static str);

impl Text {
    /// Begins to read. A mark at the start tells more than anybody says.
    pub(super) fn new(mut input: Input, given: Option<&'static Encoding>) -> io::Result<Self> {
        let mut start = vec![0; LONGEST_MARK];
        let mut length = 0;
        while length < LONGEST_MARK {
            match input.read(&mut start[length..]) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        start.truncate(length);
        // It begins as UTF-16 does.
        if start == b"\xFF\xFE\0\0" || start == b"\0\0\xFE\xFF" {
            return Err(io::Error::other("it is UTF-32, which is not read; save it as UTF-8"));
        }
        let (encoding, mark) = Encoding::for_bom(&start).unwrap_or((given.unwrap_or(UTF_8), 0));
        start.drain(..mark);
        let input = Cursor::new(start).chain(input);
        if encoding == UTF_8 {
            return Ok(Self::Plain(input));
        }
        Ok(Self::Decoded(Box::new(Decoded {
            input,
            encoding,
            decoder: encoding.new_decoder_without_bom_handling(),
            raw: vec![0; AT_ONCE],
            rest: 0..0,
            text: vec![0; 2 * AT_ONCE],
            ready: 0..0,
            ended: None,
        })))
    }
}

impl Read for Text {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(input) => input.read(out),
            Self::Decoded(decoded) => decoded.read(out),
        }
    }
}

/// A file in another encoding.
pub(super) struct Decoded {
    input: Chain<Cursor<Vec<u8>>, Input>,
    encoding: &'static Encoding,
    decoder: Decoder,
    raw: Vec<u8>,
    /// What of `raw` has not been decoded yet.
    rest: std::ops::Range<usize>,
    text: Vec<u8>,
    /// What of `text` has not been handed out yet.
    ready: std::ops::Range<usize>,
    /// How it ended.
    ended: Option<Result<(), Malformed>>,
}

impl Read for Decoded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.ready.is_empty() {
            match self.ended {
                Some(Ok(())) => return Ok(0),
                Some(Err(malformed)) => return Err(io::Error::other(malformed)),
                None => self.decode()?,
            }
        }
        let ready = &self.text[self.ready.clone()];
        let length = ready.len().min(out.len());
        out[..length].copy_from_slice(&ready[..length]);
        self.ready.start += length;
        Ok(length)
    }
}

impl Decoded {
    fn decode(&mut self) -> io::Result<()> {
        let mut last = false;
        if self.rest.is_empty() {
            let read = self.input.read(&mut self.raw)?;
            self.rest = 0..read;
            last = read == 0;
        }
        let raw = &self.raw[self.rest.clone()];
        let (result, read, written) =
            self.decoder.decode_to_utf8_without_replacement(raw, &mut self.text, last);
        self.rest.start += read;
        self.ready = 0..written;
        match result {
            DecoderResult::Malformed(..) => self.ended = Some(Err(Malformed(self.encoding.name()))),
            DecoderResult::InputEmpty if last => self.ended = Some(Ok(())),
            DecoderResult::InputEmpty | DecoderResult::OutputFull => {}
        }
        Ok(())
    }
}

/// What text that is not UTF-8 looks like.
pub(super) fn likely(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Deny)
}

/// What to say of text that is not UTF-8.
pub(super) fn not_utf8(bytes: &[u8]) -> String {
    let name = likely(bytes).name().to_lowercase();
    format!(
        "it is not UTF-8; it looks like {name}: pass encoding={name:?}, or save the file as UTF-8"
    )
}

/// What to say of a file that is no text in UTF-8, by how it begins.
pub(super) fn no_text(start: &[u8]) -> Option<&'static str> {
    if start.starts_with(b"PK\x03\x04") {
        return Some("it is a workbook or another archive; a workbook's name ends in .xlsx");
    }
    if start.starts_with(b"\xD0\xCF\x11\xE0") {
        return Some("it is a workbook of Excel's; its name must end in .xls");
    }
    if start.starts_with(b"\x1F\x8B") {
        return Some("it is compressed; its name must end in .gz, as in .csv.gz");
    }
    if start.starts_with(b"%PDF") {
        return Some("it is a PDF; export the table as CSV");
    }
    let nuls = |from: usize| start.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (nuls(0), nuls(1));
    if odd * 4 > start.len() && odd > even {
        return Some("it looks like UTF-16 without its mark: pass encoding=\"utf-16-le\"");
    }
    if even * 4 > start.len() && even > odd {
        return Some("it looks like UTF-16 without its mark: pass encoding=\"utf-16-be\"");
    }
    None
}
