//! Webhooks: their signatures and their events.
//!
//! A delivery is signed with HMAC-SHA256 over `{timestamp}.{raw body}`; the reference's "Security &
//! Headers" names the four headers. Everything here is a pure function of the delivery and the time.

mod error;
mod event;
mod headers;
mod signature;
mod verifier;

pub use error::{Reason, VerificationError};
pub use event::{CALL_ENDED, Event};
pub use headers::{HeaderName, Headers};
pub use verifier::{Delivery, Verifier};
