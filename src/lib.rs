//! The RevRag Campaign Records API: a client that never sends a record twice by accident, the
//! verification of the webhooks that come back, and the service itself in miniature.
//!
//! | module | holds |
//! | --- | --- |
//! | [`error`] | every way to fail |
//! | [`model`] | the wire types, a file per noun |
//! | [`world`] | the clock, chance and new ids, given to whoever decides by them |
//! | [`http`] | configuration, the retry policy, the transport, the client |
//! | [`frame`] | records and calls as Arrow columns |
//! | [`phone`] | phone numbers: repair, validation, E.164 |
//! | [`key`] | the token of a row that is known by a key |
//! | [`bulk`] | bulk upload: any table, each row exactly once |
//! | [`webhook`] | signatures and events |
//! | `sandbox` | the service in miniature (feature `sandbox`) |
//! | `cli` | the `revrag` command (feature `cli`) |
//!
//! Dependencies point one way: `cli` stands on [`bulk`] and `sandbox`, those on [`http`] and
//! [`webhook`], and those on [`model`], [`phone`], [`key`]
//! and [`error`]. Only the extension module (feature `python`) knows of Python.

pub mod bulk;
#[cfg(feature = "cli")]
pub mod cli;
pub mod error;
pub mod frame;
pub mod http;
pub mod key;
mod masked;
pub mod model;
pub mod phone;
#[cfg(feature = "python")]
mod python;
mod refused;
#[cfg(feature = "sandbox")]
pub mod sandbox;
mod secret;
pub mod webhook;
pub mod world;

pub use error::{Error, Result};
pub use secret::Secret;
