//! Records and calls as Arrow columns, without a view of each in between.
//!
//! | module | holds |
//! | --- | --- |
//! | `columns` | one field of many documents as an array |
//! | `variables` | JSON objects as text, as a map, or as a struct |
//! | `records`, `calls` | the tables |

mod calls;
mod columns;
mod records;
mod variables;

pub use calls::{calls, messages};
pub use records::records;
pub use variables::Variables;
