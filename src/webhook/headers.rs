//! The four headers of a delivery, picked from among all of a request's.

use super::error::{Reason, VerificationError};

/// Longer than any header the service sends; what is longer is refused unread.
const LONGEST: usize = 8 * 1024;

/// One of the four headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderName {
    /// `X-Webhook-Event`: the event's type.
    Event,
    /// `X-Webhook-Timestamp`: when it was sent, in Unix seconds.
    Timestamp,
    /// `X-Webhook-Signature`: `t=…,v1=…`.
    Signature,
    /// `X-Webhook-ID`: what deliveries of one event have in common.
    Id,
}

const NAMES: [(HeaderName, &str); 4] = [
    (HeaderName::Event, "X-Webhook-Event"),
    (HeaderName::Timestamp, "X-Webhook-Timestamp"),
    (HeaderName::Signature, "X-Webhook-Signature"),
    (HeaderName::Id, "X-Webhook-ID"),
];

impl HeaderName {
    /// The name as the reference spells it.
    pub fn as_str(self) -> &'static str {
        NAMES[self as usize].1
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Slot {
    #[default]
    Absent,
    Text(String),
    Unreadable(&'static str),
}

/// The webhook headers of one request.
#[derive(Debug, Clone, Default)]
pub struct Headers {
    slots: [Slot; 4],
}

impl Headers {
    /// The headers among `pairs`.
    pub fn pick<N: AsRef<[u8]>, V: AsRef<[u8]>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut headers = Self::default();
        for (name, value) in pairs {
            if let Some(name) = Self::name_of(name.as_ref()) {
                headers.offer(name, Some(value.as_ref()));
            }
        }
        headers
    }

    /// Which header `name` is, if one of the four: in any case, or as a WSGI environ spells it
    /// (`HTTP_X_WEBHOOK_ID`).
    pub fn name_of(name: &[u8]) -> Option<HeaderName> {
        const WSGI: &[u8] = b"HTTP_";
        let (rest, wsgi) = match name.split_at_checked(WSGI.len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case(WSGI) => (rest, true),
            _ => (name, false),
        };
        let same = |a: u8, b: u8| a.eq_ignore_ascii_case(&b) || (wsgi && a == b'_' && b == b'-');
        let found = NAMES.iter().find(|(_, known)| {
            known.len() == rest.len() && rest.iter().zip(known.bytes()).all(|(a, b)| same(*a, b))
        });
        found.map(|(name, _)| *name)
    }

    /// Adds a header; [`None`] stands for a value that is no text.
    pub fn offer(&mut self, name: HeaderName, value: Option<&[u8]>) {
        let slot = match value.map(std::str::from_utf8) {
            _ if value.is_some_and(|value| value.len() > LONGEST) => {
                Slot::Unreadable("is longer than any the service sends")
            }
            Some(Ok(text)) if text.bytes().any(|b| b.is_ascii_control() && b != b'\t') => {
                Slot::Unreadable("holds a control character")
            }
            Some(Ok(text)) => Slot::Text(text.trim_matches([' ', '\t']).to_owned()),
            Some(Err(_)) | None => Slot::Unreadable("is not text"),
        };
        let place = &mut self.slots[name as usize];
        if *place == Slot::Absent {
            *place = slot;
        } else if *place != slot {
            *place = Slot::Unreadable("comes twice, with different values");
        }
    }

    pub(super) fn get(&self, name: HeaderName) -> Result<&str, VerificationError> {
        match &self.slots[name as usize] {
            Slot::Text(text) if !text.is_empty() => Ok(text),
            Slot::Unreadable(problem) => {
                Err(VerificationError::malformed(format!("{} {problem}", name.as_str())))
            }
            Slot::Absent | Slot::Text(_) => Err(VerificationError::new(
                Reason::MissingHeader,
                format!(
                    "{} is missing; pass all headers of the request, as they came",
                    name.as_str()
                ),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_every_spelling() {
        for (name, known) in NAMES {
            assert_eq!(name.as_str(), known);
            let wsgi = format!("HTTP_{}", known.to_uppercase().replace('-', "_"));
            for spelling in [known.to_owned(), known.to_lowercase(), known.to_uppercase(), wsgi] {
                assert_eq!(Headers::name_of(spelling.as_bytes()), Some(name), "{spelling}");
            }
        }
        for other in ["", "X-Webhook", "X_Webhook_ID", "HTTP_", "X-Webhook-IDs", "héader"] {
            assert_eq!(Headers::name_of(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn a_header_that_comes_twice_must_agree() {
        let headers = Headers::pick([("x-webhook-id", "a"), ("X-Webhook-ID", "a ")]);
        assert_eq!(headers.get(HeaderName::Id).unwrap(), "a");
        let headers = Headers::pick([("x-webhook-id", "a"), ("X-Webhook-ID", "b")]);
        assert_eq!(headers.get(HeaderName::Id).unwrap_err().reason, Reason::MalformedHeader);
    }
}
