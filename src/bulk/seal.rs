//! What a token comes to: enough to tell it from every other, in little memory.

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A digest, whatever the case of the text, and what tells apart texts that differ in case alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Seal {
    /// A digest of the text in lower case.
    pub folded: [u8; 12],
    /// A check of the text as it is.
    pub exact: u32,
    /// How many bytes it has; 255 are many.
    pub length: u8,
}

impl Hash for Seal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // A part of a digest is as good as all of it.
        let part = self.folded.first_chunk().copied().unwrap_or_default();
        state.write_u64(u64::from_le_bytes(part));
    }
}

impl Seal {
    /// What a text comes to.
    pub fn of(text: &str) -> Self {
        let folded = if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            fold(text.to_ascii_lowercase().as_bytes())
        } else {
            fold(text.as_bytes())
        };
        let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
        Self { folded, exact: crc32fast::hash(text.as_bytes()), length }
    }
}

pub(super) fn fold(text: &[u8]) -> [u8; 12] {
    let digest = Sha256::digest(text);
    let mut folded = [0; 12];
    folded.copy_from_slice(&digest[..12]);
    folded
}
