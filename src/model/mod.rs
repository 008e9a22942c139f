//! The wire types of the Campaign Records API, a file per noun.
//!
//! A response is read as a [`Document`]: a typed view of the documented fields over the JSON it came
//! as, so that unknown fields are kept and the JSON can be given back to the letter. Statuses are an
//! open set: an unknown one is passed through.

mod call;
mod campaign;
mod document;
mod push;
mod record;
mod timestamp;

pub use call::{Call, CustomVariable, Message, Transcription};
pub use campaign::{CampaignStats, CampaignStatus};
pub(crate) use document::same_json;
pub use document::{Document, DocumentError, Fields};
pub use push::{NewRecord, PushOutcome, PushResult};
pub use record::{CallAttempt, Record, RecordPage};
pub use timestamp::Timestamp;
