//! The wire types of the Campaign Records API, a file per noun.
//!
//! A response is read as a [`Document`]: a typed view of the documented fields over the JSON it came
//! as, so that unknown fields are kept and the JSON can be given back to the letter. Statuses are an
//! open set: an unknown one is passed through. What is of another type than documented is converted
//! where nothing is lost; else it is not there, and whatever stands beside it is.

mod call;
mod campaign;
mod document;
mod field;
pub mod json;
mod push;
mod record;
#[cfg(feature = "schema")]
mod schema;
mod timestamp;
mod value;
mod view;

pub use call::{Call, CustomVariable, Message, Transcription};
pub use campaign::{CampaignStats, CampaignStatus};
pub use document::{Document, DocumentError, Model, Shape};
pub(crate) use document::{same_json, unreadable};
pub use field::{Field, Reader};
pub use json::Fault;
pub use push::{NewRecord, PushOutcome, PushResult};
pub use record::{CallAttempt, Record, RecordPage};
pub use timestamp::Timestamp;
pub use value::{Count, Json, List, Number, Object, Whole};
