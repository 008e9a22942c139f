//! Webhooks: their signatures and their events.

mod signature;

pub use signature::{Reason, VerificationError};
