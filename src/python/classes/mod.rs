//! The classes that a user sees, a file each.

pub(super) mod calls;
pub(super) mod campaign;
pub(super) mod client;
pub(super) mod cluster;
pub(super) mod event;
pub(super) mod find;
pub(super) mod frames;
pub(super) mod key;
pub(super) mod listing;
pub(super) mod model;
pub(super) mod models;
pub(super) mod origin;
pub(super) mod progress;
pub(super) mod rejects;
pub(super) mod report;
pub(super) mod rows;
pub(super) mod sandbox;
mod tables;
pub(super) mod upload;
pub(super) mod verifier;
pub(super) mod watch;
