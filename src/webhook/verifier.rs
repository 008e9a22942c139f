//! The checks of a delivery, in order.

use std::fmt;
use std::time::Duration;

use super::error::{Reason, VerificationError};
use super::event::Event;
use super::headers::{HeaderName, Headers};
use super::signature::{Key, SignatureHeader, parse_timestamp};
use crate::{Error, Result, Secret};

/// Verifies and signs deliveries.
#[derive(Clone)]
pub struct Verifier {
    keys: Vec<Key>,
    tolerance: Duration,
    future_tolerance: Duration,
}

/// A delivery whose signature fits. The id and the type are not under the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What `X-Webhook-ID` says.
    pub id: String,
    /// What `X-Webhook-Event` says.
    pub event_type: String,
    /// When it was sent, in Unix seconds.
    pub timestamp: i64,
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

impl Verifier {
    /// A verifier that accepts every one of `secrets` and signs with the first.
    pub fn new(
        secrets: impl IntoIterator<Item = Secret>,
        tolerance: Duration,
        future_tolerance: Duration,
    ) -> Result<Self> {
        let mut keys = Vec::new();
        for secret in secrets {
            if secret.expose().is_empty() {
                return Err(Error::invalid("secret", "it is empty, so anyone could sign with it"));
            }
            keys.extend(Key::new(&secret));
        }
        if keys.is_empty() {
            return Err(Error::invalid("secret", "there is none"));
        }
        Ok(Self { keys, tolerance, future_tolerance })
    }

    /// Checks headers, timestamp and signature, as of `now` in Unix seconds.
    ///
    /// The timestamp comes before the signature: a stale delivery costs no hash, and its sender
    /// knows its age anyway.
    pub fn verify_signature(
        &self,
        body: &[u8],
        headers: &Headers,
        now: f64,
    ) -> Result<Delivery, VerificationError> {
        let id = headers.get(HeaderName::Id)?;
        let event_type = headers.get(HeaderName::Event)?;
        let signed_at = headers.get(HeaderName::Timestamp)?;
        let signature = SignatureHeader::parse(headers.get(HeaderName::Signature)?)?;
        let Some(timestamp) = parse_timestamp(signed_at) else {
            return Err(VerificationError::malformed(
                "X-Webhook-Timestamp is not a number of Unix seconds",
            ));
        };
        if signature.timestamp != signed_at {
            return Err(VerificationError::malformed(
                "X-Webhook-Timestamp and the t= of X-Webhook-Signature differ",
            ));
        }
        self.check_age(timestamp, now)?;
        if !signature.fits(&self.keys, signed_at, body) {
            return Err(VerificationError::new(
                Reason::SignatureMismatch,
                "no signature fits: check that the secret is this endpoint's, and that the body is \
                 passed raw, before any parsing",
            ));
        }
        Ok(Delivery { id: id.to_owned(), event_type: event_type.to_owned(), timestamp })
    }

    /// Checks a delivery and reads its event.
    pub fn verify(
        &self,
        body: &[u8],
        headers: &Headers,
        now: f64,
    ) -> Result<Event, VerificationError> {
        let delivery = self.verify_signature(body, headers, now)?;
        Event::new(delivery.id, delivery.event_type, delivery.timestamp, body)
    }

    /// The headers of a delivery sent at `timestamp`, signed with the first secret.
    pub fn sign(
        &self,
        body: &[u8],
        event_id: &str,
        event_type: &str,
        timestamp: i64,
    ) -> Result<[(&'static str, String); 4]> {
        let header = |argument: &str, text: &str| {
            let fits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
            if fits {
                Ok(text.to_owned())
            } else {
                Err(Error::invalid(argument, "it must be visible ASCII, to stand in a header"))
            }
        };
        if timestamp < 0 {
            return Err(Error::invalid("timestamp", "it lies before 1970"));
        }
        let signed_at = timestamp.to_string();
        let signature = self.keys.first().map(|key| key.sign(&signed_at, body)).unwrap_or_default();
        let signature = format!("t={signed_at},v1={}", hex::encode(signature));
        Ok([
            (HeaderName::Event.as_str(), header("event_type", event_type)?),
            (HeaderName::Timestamp.as_str(), signed_at),
            (HeaderName::Signature.as_str(), signature),
            (HeaderName::Id.as_str(), header("event_id", event_id)?),
        ])
    }

    #[allow(clippy::cast_precision_loss, reason = "exact until the year 285,428,681")]
    fn check_age(&self, timestamp: i64, now: f64) -> Result<(), VerificationError> {
        let age = now - timestamp as f64;
        let refuse = |message: String| {
            Err(VerificationError::new(Reason::TimestampOutOfTolerance, message))
        };
        // Said this way round, an age that is no number is refused.
        if !(age <= self.tolerance.as_secs_f64()) {
            return refuse(format!(
                "the delivery is {age:.0} s old, more than the tolerance of {} s",
                self.tolerance.as_secs_f64()
            ));
        }
        if !(-age <= self.future_tolerance.as_secs_f64()) {
            return refuse(format!(
                "the delivery is from {:.0} s in the future, more than the future_tolerance of {} s; \
                 check this machine's clock",
                -age,
                self.future_tolerance.as_secs_f64()
            ));
        }
        Ok(())
    }
}
