//! The service in miniature from outside, one module per part.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod campaigns;
mod faults;
mod handset;
mod service;
