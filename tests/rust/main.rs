//! The crate from outside, one module per part.

mod webhook;
