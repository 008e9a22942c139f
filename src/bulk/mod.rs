//! Bulk upload: any table into a campaign, each row exactly once.
//!
//! A row passes through these, in order:
//!
//! | module | does |
//! | --- | --- |
//! | [`source`] | reads blocks of rows, one after the other |
//! | `layout` | finds the role of each column |
//! | `encode` | makes of a row what is sent, or the reason why it stays home |
//! | `chunk` | cuts rows into requests |
//! | `rails` | tells a mistake from a source with some bad rows |
//! | `seal` | what a row's token comes to, in little memory |
//! | `cutting` | keeps rows home because of others, and cuts the rest |
//! | `firsts` | which row came first with each key |
//! | `pipeline` | runs these side by side, in the order of the source |
//! | [`ledger`] | decides everything else: what is written down, sent, looked for, and known; pure |
//! | `reading` | the source, piece by piece, as the ledger asks for it |
//! | `requests` | what is asked of the service, beside each other |
//! | `run` | the loop around it, which decides nothing |
//! | `desk` | the ledger, its copy, and the report that is left however an upload ends |
//! | `service` | the service, as far as an upload knows it |
//! | `answer`, `refusal` | what the service said of a push |
//! | `claim` | one upload of a name at a time on one machine |
//! | `blob`, `store` | the copy: what is known of every row, compact and in a file |
//! | [`report`] | the same as a table |
//! | `rejects` | the rows of a source that were left out |
//! | `write` | tables as files |
//! | `find` | looks for records in a listing, beside all uploads |
//!
//! What an upload does is in [`ledger`] alone. `encode`, `chunk`, `answer`, `refusal` and `ledger` are
//! pure; reading, sending and writing are at the edge.

mod answer;
mod blob;
mod chunk;
mod claim;
mod cutting;
mod desk;
mod encode;
mod find;
mod firsts;
mod layout;
pub mod ledger;
mod options;
mod outcome;
mod pipeline;
mod rails;
mod reading;
mod refusal;
mod rejects;
pub mod report;
mod requests;
mod run;
mod seal;
mod service;
pub mod source;
mod store;
mod write;

pub use answer::{Answer, RunId, Status};
pub use blob::RowReport;
pub use chunk::{Chunk, Cut, Cutter, Encoded, Existing, Fate, Key, Limits, Row};
pub use desk::{Failure, Monitor, Stopped};
pub use encode::{excluded_numbers, has_nul};
pub use find::{Wanted, find};
pub use ledger::{Cause, Snapshot, State};
pub use options::{
    Content, Existing as Ask, OnDuplicate, OnInvalid, OnUnknown, Options, Rails, Variables,
};
pub use outcome::{Counts, Outcome};
pub use rails::MaxInvalid;
pub use rejects::{Reader as RejectReader, Rejects};
pub use report::Report;
pub use run::{Target, Upload};
pub use seal::{Seal, Sealer};
pub use service::{Asked, Remote, Service, understood};
pub use write::{WriteError, can_write, is_same, separated, write};
