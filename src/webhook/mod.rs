//! Webhooks: their signatures and their events. No I/O, and the clock is passed in.
//!
//! | module | holds |
//! | --- | --- |
//! | `error` | [`VerificationError`]: every bad delivery |
//! | `time` | [`UnixTime`]: the clock that is passed in |
//! | `header` | [`Headers`]: the four headers of a delivery, and their reading |
//! | `signature` | the signed bytes, the signing keys, the `X-Webhook-Signature` header |
//! | `verifier` | [`Verifier`]: the checks in their order |
//! | `event` | [`WebhookEvent`]: what a delivery says |
//! | `once` | [`Names`]: what a delivery is known by, so that it is handled once |

mod error;
mod event;
mod header;
mod once;
mod signature;
mod time;
mod verifier;

pub use error::{Reason, VerificationError};
pub use event::{CALL_ENDED, WebhookEvent};
pub use header::{HeaderName, Headers, MAX_HEADER_BYTES};
pub use once::Names;
pub use time::UnixTime;
pub use verifier::{Verified, Verifier};
