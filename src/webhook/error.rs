//! Every way a delivery can be bad.

/// Which check a delivery failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// One of the four headers is absent.
    MissingHeader,
    /// A header is there and can't be read, or two of them contradict each other.
    MalformedHeader,
    /// The timestamp is too old or too far in the future.
    TimestampOutOfTolerance,
    /// No signature fits any secret.
    SignatureMismatch,
    /// The signature fits, and the body is not an event.
    InvalidPayload,
}

/// A delivery that can't be trusted or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct VerificationError {
    /// Which check failed.
    pub reason: Reason,
    /// What was wrong and what to check next, without a byte of the delivery or of a secret.
    pub message: String,
}

impl VerificationError {
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}
