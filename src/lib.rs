//! The RevRag Campaign Records API: a client that never sends a record twice by accident, and the
//! verification of the webhooks that come back.
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
//!
//! | package on it, in a folder of its own | is |
//! | --- | --- |
//! | `revrag-sandbox` | the service in miniature |
//! | `revrag-cli` | the `revrag` command |
//! | `revrag-python` | the classes, which alone know of Python |
//! | `revrag-extension` | the extension module, which links them |
//!
//! Dependencies point one way: the command stands on the sandbox and [`bulk`], those on [`http`] and
//! [`webhook`], and those on [`model`], [`phone`], [`key`] and [`error`].

pub mod bulk;
pub mod error;
pub mod frame;
pub mod http;
pub mod key;
mod masked;
pub mod model;
pub mod phone;
mod refused;
mod secret;
pub mod webhook;
pub mod world;

pub use error::{Error, Result};
pub use secret::Secret;
