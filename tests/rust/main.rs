//! The core from outside, one module per part.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod seeds;
mod simulation;
mod upload;
mod webhook;
