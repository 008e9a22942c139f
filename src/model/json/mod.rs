//! JSON as Python's `json.loads` takes it, which is more than the standard allows.
//!
//! | module | holds |
//! | --- | --- |
//! | `encoding` | any Unicode encoding as UTF-8, half surrogates let through |
//! | `scanner` | [`Scanner`]: the grammar, token by token |
//! | `walk` | [`Walk`]: a value with all that is in it, as events |
//! | `fields` | [`Fields`]: those of objects that come one after another |
//! | `text` | [`Raw`]: a string as it stands, and what it says |
//! | `digest` | one digest for all texts that say the same |
//! | `value` | a value as serde's, and what it can't hold |

mod digest;
mod encoding;
mod fields;
mod scanner;
mod text;
mod value;
mod walk;

pub use digest::digest;
pub use encoding::to_utf8;
pub use fields::{Fields, place_of};
pub use scanner::{DEEPEST, Digits, Fault, FaultKind, MOST_DIGITS, Scanner, Token};
pub use text::{Raw, lossy, plain_at};
pub use value::{Lost, value};
pub use walk::{Step, Walk};
