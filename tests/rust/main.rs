//! The crate from outside.

mod webhook;
