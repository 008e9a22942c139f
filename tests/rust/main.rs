//! The crate from outside, one module per part.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

#[cfg(feature = "sandbox")]
mod campaigns;
#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "sandbox")]
mod faults;
#[cfg(feature = "sandbox")]
mod handset;
#[cfg(feature = "sandbox")]
mod sandbox;
mod seeds;
mod simulation;
mod upload;
mod webhook;
