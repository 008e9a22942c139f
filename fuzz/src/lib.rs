//! The targets, a module each, and what they have in common. libFuzzer calls them from `bin/`, and the
//! tests of the crate call them with every seed.

pub mod csv_input;
pub mod journal_file;
pub mod response;
pub mod signature_header;
pub mod webhook_payload;

use std::time::Duration;

use revrag::Secret;
use revrag::webhook::{UnixTime, Verifier};

/// When the deliveries are sent, and when they are checked.
pub const SENT: i64 = 1_780_000_000;

/// A verifier with a known secret.
///
/// # Panics
/// Never: the secret is not empty.
pub fn verifier() -> Verifier {
    let tolerance = Duration::from_mins(5);
    Verifier::new([Secret::new("whsec_fuzz")], tolerance, tolerance).expect("a secret")
}

/// The moment of every check.
pub fn now() -> UnixTime {
    UnixTime::from_secs(SENT)
}
