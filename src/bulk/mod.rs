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
//! | `pipeline` | runs these side by side, in the order of the source |
//! | `work` | what one chunk has left to do, and what its answers mean |
//! | `answer`, `refusal` | what the service said of a push |
//! | `settle` | what became of rows in doubt, given what a listing shows |
//! | `driver`, `intake`, `settling`, `scan` | send, listen, take in, and look for what is in doubt |
//! | `blob`, `store` | what is known of every row, compact and on disk |
//! | [`report`] | the same as a table |
//! | `ending` | how an upload goes, and how it ends |
//!
//! [`Upload`] drives them. `encode`, `chunk`, `work`, `refusal`, `settle` and `pace` are pure;
//! reading, sending and writing are at the edge.

mod answer;
mod blob;
mod chunk;
mod driver;
mod encode;
mod ending;
mod intake;
mod layout;
mod options;
mod outcome;
mod pace;
mod pipeline;
mod refusal;
pub mod report;
mod scan;
mod settle;
mod settling;
pub mod source;
mod store;
mod upload;
mod work;

pub use ending::{Cause, Failure, Monitor, Snapshot, Stopped};
pub use options::{Content, OnDuplicate, OnInvalid, OnUnknown, Options, Variables};
pub use outcome::{Counts, Outcome};
pub use report::Report;
pub use upload::Upload;
