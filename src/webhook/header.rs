//! The four headers of a delivery: picked out of a request, then read.

use std::borrow::Cow;

use super::error::{Reason, VerificationError};
use super::signature::SignatureHeader;

/// The longest value of a header that is read. It bounds the number of signatures in one, too: some
/// 120.
pub const MAX_HEADER_BYTES: usize = 8 * 1024;

/// A header that every delivery carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeaderName {
    /// `X-Webhook-Event`: the event's type.
    Event,
    /// `X-Webhook-Timestamp`: Unix seconds at which the delivery was sent.
    Timestamp,
    /// `X-Webhook-Signature`: `t=<timestamp>,v1=<hex>`.
    Signature,
    /// `X-Webhook-ID`: the event's id.
    Id,
}

impl HeaderName {
    /// All of them, in the order of the reference.
    pub const ALL: [Self; 4] = [Self::Event, Self::Timestamp, Self::Signature, Self::Id];

    /// The name as the reference writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "X-Webhook-Event",
            Self::Timestamp => "X-Webhook-Timestamp",
            Self::Signature => "X-Webhook-Signature",
            Self::Id => "X-Webhook-ID",
        }
    }

    /// The header that `name` names, in any case, as HTTP or as a WSGI environ writes it
    /// (`HTTP_X_WEBHOOK_ID`). [`None`] for any other header, at the cost of a comparison or two.
    pub fn of(name: &[u8]) -> Option<Self> {
        const WSGI: usize = "HTTP_".len();
        match name.split_at_checked(WSGI) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case(b"HTTP_") => {
                Self::find(rest, |c| if c == b'_' { b'-' } else { c })
            }
            _ => Self::find(name, |c| c),
        }
    }

    fn find(name: &[u8], canonical: impl Fn(u8) -> u8) -> Option<Self> {
        Self::ALL.into_iter().find(|known| {
            let known = known.as_str().as_bytes();
            known.len() == name.len()
                && known.iter().zip(name).all(|(a, b)| a.eq_ignore_ascii_case(&canonical(*b)))
        })
    }
}

/// The headers of a delivery, picked out of all the headers of a request.
#[derive(Debug, Clone, Default)]
pub struct Headers<'a> {
    values: [Offered<'a>; 4],
}

#[derive(Debug, Clone, Default)]
enum Offered<'a> {
    #[default]
    Never,
    Once(Cow<'a, [u8]>),
    /// Twice, with different values: which one a proxy has checked can't be known.
    Differently,
}

impl<'a> Headers<'a> {
    /// No header yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Picks the headers out of `(name, value)` pairs.
    pub fn pick<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: AsRef<[u8]>,
        V: Into<Cow<'a, [u8]>>,
    {
        let mut headers = Self::new();
        for (name, value) in pairs {
            if let Some(name) = HeaderName::of(name.as_ref()) {
                headers.offer(name, value);
            }
        }
        headers
    }

    /// Takes the value of one header. A second value of the same header must be the same.
    pub fn offer(&mut self, name: HeaderName, value: impl Into<Cow<'a, [u8]>>) {
        let value = value.into();
        let slot = &mut self.values[name as usize];
        match slot {
            Offered::Never => *slot = Offered::Once(value),
            Offered::Once(first) if *first == value => {}
            Offered::Once(_) | Offered::Differently => *slot = Offered::Differently,
        }
    }

    /// When the delivery was sent, in Unix seconds, as far as its header can be read. Nothing says
    /// that it is true.
    pub fn timestamp(&self) -> Option<i64> {
        self.text(HeaderName::Timestamp).ok().and_then(seconds)
    }

    /// Reads all four. An absent header is told before a malformed one.
    pub(super) fn read(&self) -> Result<Fields<'_>, VerificationError> {
        for name in HeaderName::ALL {
            if self.is_missing(name) {
                return Err(missing(name));
            }
        }
        let timestamp_text = self.text(HeaderName::Timestamp)?;
        let timestamp = seconds(timestamp_text).ok_or_else(|| {
            malformed(HeaderName::Timestamp, "is not a Unix time in whole seconds")
        })?;
        let signature = SignatureHeader::parse(self.text(HeaderName::Signature)?)
            .map_err(|problem| malformed(HeaderName::Signature, problem))?;
        if signature.timestamp != timestamp_text {
            return Err(malformed(
                HeaderName::Signature,
                "has another timestamp in its t= than X-Webhook-Timestamp",
            ));
        }
        Ok(Fields {
            event_type: self.text(HeaderName::Event)?,
            id: self.text(HeaderName::Id)?,
            timestamp,
            timestamp_text,
            signature,
        })
    }

    fn is_missing(&self, name: HeaderName) -> bool {
        match &self.values[name as usize] {
            Offered::Never => true,
            Offered::Once(value) => value.iter().all(|c| matches!(c, b' ' | b'\t')),
            Offered::Differently => false,
        }
    }

    /// The value as text without control characters, since an id ends up in logs.
    fn text(&self, name: HeaderName) -> Result<&str, VerificationError> {
        let value = match &self.values[name as usize] {
            Offered::Once(value) => value,
            Offered::Never => return Err(missing(name)),
            Offered::Differently => {
                return Err(malformed(name, "was sent twice, with different values"));
            }
        };
        if value.len() > MAX_HEADER_BYTES {
            return Err(malformed(name, "is longer than 8 KiB"));
        }
        let text = std::str::from_utf8(value).map_err(|_| malformed(name, "is not text"))?;
        let text = trim(text);
        if text.chars().any(|c| c.is_control() && c != '\t') {
            return Err(malformed(name, "has control characters in it"));
        }
        Ok(text)
    }
}

/// The four headers, read.
#[derive(Debug)]
pub(super) struct Fields<'h> {
    pub(super) id: &'h str,
    pub(super) event_type: &'h str,
    pub(super) timestamp: i64,
    /// The timestamp to the letter: it is part of what was signed.
    pub(super) timestamp_text: &'h str,
    pub(super) signature: SignatureHeader<'h>,
}

/// `text` without the whitespace that HTTP allows around a value.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Digits and nothing else: no sign, no fraction, and no more than fit.
fn seconds(text: &str) -> Option<i64> {
    if !text.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn missing(name: HeaderName) -> VerificationError {
    VerificationError::new(
        Reason::MissingHeader,
        format!(
            "the header {} is missing or empty: pass all headers of the request, and check that no \
             proxy drops it",
            name.as_str()
        ),
    )
}

fn malformed(name: HeaderName, problem: &str) -> VerificationError {
    VerificationError::new(
        Reason::MalformedHeader,
        format!(
            "the header {} {problem}: check that the request is RevRag's, and that no proxy or \
             framework changes its headers",
            name.as_str()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: &str =
        "t=17,v1=515dd2d99f5211d7222b68a5420f6e6de3637ce34c86d72d78db77d589ccd4f9";

    fn good() -> [(&'static str, &'static [u8]); 4] {
        [
            ("X-Webhook-Event", b"call.ended"),
            ("X-Webhook-Timestamp", b"17"),
            ("X-Webhook-Signature", SIGNATURE.as_bytes()),
            ("X-Webhook-ID", b"evt_1"),
        ]
    }

    fn reason(name: HeaderName, value: &[u8]) -> Option<Reason> {
        let pairs = good().map(|(n, v)| (n, if n == name.as_str() { value } else { v }));
        Headers::pick(pairs).read().err().map(|e| e.reason)
    }

    #[test]
    fn names_are_known_in_every_spelling() {
        for name in HeaderName::ALL {
            let http = name.as_str();
            let wsgi = format!("HTTP_{}", http.to_uppercase().replace('-', "_"));
            for spelling in [
                http.to_owned(),
                http.to_lowercase(),
                http.to_uppercase(),
                wsgi.to_lowercase(),
                wsgi,
            ] {
                assert_eq!(HeaderName::of(spelling.as_bytes()), Some(name), "{spelling}");
            }
        }
        for other in [
            "",
            "HTTP_",
            "X_Webhook_ID",
            "X-Webhook-Ids",
            "X-Webhook-I",
            "HTTP_HTTP_X_WEBHOOK_ID",
            "Webhook-ID",
            "Content-Type",
        ] {
            assert_eq!(HeaderName::of(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn good_headers_are_read() {
        let headers = Headers::pick(good());
        let fields = headers.read().unwrap();
        assert_eq!((fields.id, fields.event_type, fields.timestamp), ("evt_1", "call.ended", 17));
        assert_eq!(reason(HeaderName::Timestamp, b" \t17 "), None);
    }

    #[test]
    fn an_absent_or_blank_header_is_named() {
        for name in HeaderName::ALL {
            let pairs = good().into_iter().filter(|(n, _)| *n != name.as_str());
            let error = Headers::pick(pairs).read().unwrap_err();
            assert_eq!(error.reason, Reason::MissingHeader);
            assert!(error.message.contains(name.as_str()));
            for blank in [&b""[..], b" ", b"\t \t"] {
                assert_eq!(reason(name, blank), Some(Reason::MissingHeader));
            }
        }
    }

    #[test]
    fn missing_is_told_before_malformed() {
        let error = Headers::pick([("X-Webhook-Timestamp", &b"\xff"[..])]).read().unwrap_err();
        assert_eq!(error.reason, Reason::MissingHeader);
    }

    #[test]
    fn a_header_sent_twice_must_be_the_same() {
        for name in HeaderName::ALL {
            let mut headers = Headers::pick(good());
            for (n, value) in good() {
                if n == name.as_str() {
                    headers.offer(name, value.to_vec());
                }
            }
            assert!(headers.read().is_ok());
            headers.offer(name, &b"other"[..]);
            let error = headers.read().unwrap_err();
            assert_eq!(error.reason, Reason::MalformedHeader);
            assert!(error.message.contains(name.as_str()));
        }
    }

    #[test]
    fn no_text_no_header() {
        for name in HeaderName::ALL {
            for value in [&b"\xff\xfe"[..], b"a\0b", b"a\nb", "a\u{85}b".as_bytes()] {
                assert_eq!(reason(name, value), Some(Reason::MalformedHeader));
            }
            let long = vec![b'1'; MAX_HEADER_BYTES + 1];
            assert_eq!(reason(name, &long), Some(Reason::MalformedHeader));
        }
        assert_eq!(reason(HeaderName::Id, &vec![b'1'; MAX_HEADER_BYTES]), None);
        assert_eq!(reason(HeaderName::Id, "évt".as_bytes()), None);
    }

    #[test]
    fn a_timestamp_is_digits_that_fit() {
        for text in [
            "+17",
            "-17",
            "17.0",
            "17 0",
            "1e3",
            "0x11",
            "١٧",
            "9223372036854775808",
            "99999999999999999999999999999999999999999",
        ] {
            assert_eq!(
                reason(HeaderName::Timestamp, text.as_bytes()),
                Some(Reason::MalformedHeader),
                "{text}"
            );
            assert_eq!(seconds(text), None);
        }
        assert_eq!(seconds("9223372036854775807"), Some(i64::MAX));
    }

    #[test]
    fn both_timestamps_must_agree() {
        for other in ["18", "017", "1"] {
            let error =
                Headers::pick(good().map(|(n, v)| {
                    (n, if n == "X-Webhook-Timestamp" { other.as_bytes() } else { v })
                }))
                .read()
                .unwrap_err();
            assert_eq!(error.reason, Reason::MalformedHeader);
            assert!(error.message.contains("t="));
        }
    }
}
