//! The checks of a delivery, in their order; and their opposite, the signing of one.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::error::{Reason, VerificationError};
use super::event::WebhookEvent;
use super::header::{HeaderName, Headers, MAX_HEADER_BYTES, trim};
use super::signature::{Key, header_text};
use super::time::{Near, UnixTime};
use crate::{Error, Secret};

/// Tells the service's deliveries from all others. Cheap to clone; shows no secret.
#[derive(Clone)]
pub struct Verifier {
    /// Never empty; the first one signs.
    keys: Arc<[Key]>,
    tolerance: Duration,
    future_tolerance: Duration,
}

/// What the headers of a verified delivery say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The event's id. It is not under the signature.
    pub id: String,
    /// The event's type. It is not under the signature.
    pub event_type: String,
    /// When the delivery was sent, in Unix seconds.
    pub timestamp: i64,
}

impl Verifier {
    /// A verifier that accepts a signature of any of `secrets`, sent at most `tolerance` ago by the
    /// clock that is passed in, and at most `future_tolerance` ahead of it.
    pub fn new(
        secrets: impl IntoIterator<Item = Secret>,
        tolerance: Duration,
        future_tolerance: Duration,
    ) -> Result<Self, Error> {
        let keys = secrets.into_iter().map(Key::new).collect::<Result<Arc<[Key]>, Error>>()?;
        if keys.is_empty() {
            return Err(Error::invalid("secret", "there is none; pass at least one"));
        }
        Ok(Self { keys, tolerance, future_tolerance })
    }

    /// The secrets, in the order given.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.keys.iter().map(Key::secret)
    }

    /// How old a delivery may be.
    pub fn tolerance(&self) -> Duration {
        self.tolerance
    }

    /// How far ahead of the clock a delivery may be.
    pub fn future_tolerance(&self) -> Duration {
        self.future_tolerance
    }

    /// Checks headers, timestamp and signature, not the payload.
    pub fn verify_signature(
        &self,
        body: &[u8],
        headers: &Headers<'_>,
        now: UnixTime,
    ) -> Result<Verified, VerificationError> {
        // The cheap checks first. They tell an attacker what his own headers say, nothing of the
        // secret, and spare the hashing of a body that is refused anyway.
        let fields = headers.read()?;
        let sent = UnixTime::from_secs(fields.timestamp);
        match now.near(sent, self.tolerance, self.future_tolerance) {
            Near::Inside => {}
            Near::TooOld => return Err(out_of_tolerance("old", self.tolerance)),
            Near::TooNew => {
                return Err(out_of_tolerance("far in the future", self.future_tolerance));
            }
        }
        let digests = self.keys.iter().map(|key| key.sign(fields.timestamp_text, body));
        if fields.signature.fits(digests) {
            Ok(Verified {
                id: fields.id.to_owned(),
                event_type: fields.event_type.to_owned(),
                timestamp: fields.timestamp,
            })
        } else {
            Err(VerificationError::new(
                Reason::SignatureMismatch,
                "no signature fits: check that the secret is this endpoint's, and that the raw body \
                 is passed, before any parsing",
            ))
        }
    }

    /// Checks everything, and reads the payload.
    pub fn verify(
        &self,
        body: &[u8],
        headers: &Headers<'_>,
        now: UnixTime,
    ) -> Result<WebhookEvent, VerificationError> {
        let Verified { id, event_type, timestamp, .. } =
            self.verify_signature(body, headers, now)?;
        WebhookEvent::read(id, event_type, timestamp, body)
    }

    /// The four headers of a delivery, signed with the first secret.
    pub fn sign(
        &self,
        body: &[u8],
        event_id: &str,
        event_type: &str,
        timestamp: i64,
    ) -> Result<[(&'static str, String); 4], Error> {
        header_value("event_id", event_id)?;
        header_value("event_type", event_type)?;
        if timestamp < 0 {
            return Err(Error::invalid("timestamp", "it is before 1970"));
        }
        let key = (self.keys.first()).ok_or_else(|| Error::invalid("secret", "there is none"))?;
        let timestamp = timestamp.to_string();
        let signature = header_text(&timestamp, &key.sign(&timestamp, body));
        Ok([
            (HeaderName::Event.as_str(), event_type.to_owned()),
            (HeaderName::Timestamp.as_str(), timestamp),
            (HeaderName::Signature.as_str(), signature),
            (HeaderName::Id.as_str(), event_id.to_owned()),
        ])
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("secrets", &self.keys.len())
            .field("tolerance", &self.tolerance)
            .field("future_tolerance", &self.future_tolerance)
            .finish()
    }
}

fn out_of_tolerance(how: &str, tolerance: Duration) -> VerificationError {
    VerificationError::new(
        Reason::TimestampOutOfTolerance,
        format!(
            "the timestamp is too {how} (more than {} s): check this machine's clock, and verify a \
             delivery when it arrives, not after a queue",
            tolerance.as_secs_f64()
        ),
    )
}

/// What is signed here is verified there: nothing is let out that would come back malformed.
fn header_value(argument: &str, value: &str) -> Result<(), Error> {
    let problem = if trim(value).is_empty() {
        "it is empty"
    } else if value.len() > MAX_HEADER_BYTES {
        "it is longer than 8 KiB"
    } else if value.chars().any(char::is_control) {
        "it has control characters in it, so it can't be a header"
    } else if trim(value) != value {
        "it has spaces around it, which a header does not keep"
    } else {
        return Ok(());
    };
    Err(Error::invalid(argument, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_needs_secrets_and_shows_none() {
        let none = Verifier::new([], Duration::ZERO, Duration::ZERO).unwrap_err();
        let empty = Verifier::new(
            [Secret::new("whsec_new"), Secret::new("")],
            Duration::ZERO,
            Duration::ZERO,
        )
        .unwrap_err();
        for error in [none, empty] {
            assert!(
                matches!(error, Error::InvalidArgument { argument, .. } if argument == "secret")
            );
        }
        let verifier =
            Verifier::new([Secret::new("whsec_new")], Duration::from_mins(5), Duration::ZERO)
                .unwrap();
        assert_eq!(
            format!("{verifier:?}"),
            "Verifier { secrets: 1, tolerance: 300s, future_tolerance: 0ns }"
        );
        let exposed: Vec<_> = verifier.secrets().map(Secret::expose).collect();
        assert_eq!(exposed, ["whsec_new"]);
    }

    #[test]
    fn what_could_not_be_verified_is_not_signed() {
        let verifier = Verifier::new([Secret::new("s")], Duration::ZERO, Duration::ZERO).unwrap();
        let long = "x".repeat(MAX_HEADER_BYTES + 1);
        for bad in ["", " ", "a\nb", "a\0", "\u{7f}", "\u{85}", " a", "a\t", &long] {
            for (id, kind, argument) in [(bad, "e", "event_id"), ("i", bad, "event_type")] {
                let error = verifier.sign(b"", id, kind, 0).unwrap_err();
                assert!(
                    matches!(error, Error::InvalidArgument { argument: a, .. } if a == argument)
                );
            }
        }
        assert!(verifier.sign(b"", "i", "e", -1).is_err());
        assert!(verifier.sign(b"", "i", "e", i64::MAX).is_ok());
    }
}
