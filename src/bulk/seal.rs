//! What a token comes to: enough to tell it from every other, in little memory.

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hash128, SipHasher13};
use uuid::Uuid;

/// A digest, whatever the case of the text, and what tells apart texts that differ in case alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Seal {
    /// A digest of the text in lower case.
    pub folded: [u8; 12],
    /// Which of its letters are capitals.
    pub exact: u32,
    /// How many bytes it has; 255 are many.
    pub length: u8,
}

/// A seal as bytes.
pub(super) const SEAL: usize = 17;

impl Hash for Seal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // A part of a digest is as good as all of it.
        let part = self.folded.first_chunk().copied().unwrap_or_default();
        state.write_u64(u64::from_le_bytes(part));
    }
}

impl Seal {
    pub(super) fn to_bytes(self) -> [u8; SEAL] {
        let mut bytes = [0; SEAL];
        bytes[..12].copy_from_slice(&self.folded);
        bytes[12..16].copy_from_slice(&self.exact.to_le_bytes());
        bytes[16] = self.length;
        bytes
    }

    pub(super) fn of_bytes(bytes: [u8; SEAL]) -> Self {
        let [folded @ .., e0, e1, e2, e3, length] = bytes;
        Self { folded, exact: u32::from_le_bytes([e0, e1, e2, e3]), length }
    }
}

/// What makes seals of texts: by what is drawn for each upload, so that nobody can think of keys whose
/// digests come to one before there is an upload.
#[derive(Debug, Clone, Copy)]
pub struct Sealer(SipHasher13);

/// The longest text whose capitals are told by their places.
const PLACES: usize = u128::BITS as usize;

impl Sealer {
    /// Of an upload: its id is drawn at random, and stays that of its journal.
    pub fn of(upload: Uuid) -> Self {
        Self(SipHasher13::new_with_key(upload.as_bytes()))
    }

    /// What a text comes to.
    #[inline]
    pub fn seal(&self, text: &str) -> Seal {
        let text = text.as_bytes();
        let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
        // Told many bytes at a time.
        let has_capitals = text.iter().fold(false, |any, byte| any | byte.is_ascii_uppercase());
        let (digest, exact) =
            if has_capitals { (self.digest(text), capitals(text)) } else { (self.0.hash(text), 0) };
        Seal { folded: folded(digest), exact, length }
    }

    /// The digest of a text, whatever its case.
    pub(super) fn fold(&self, text: &[u8]) -> [u8; 12] {
        folded(self.digest(text))
    }

    /// The same, all of it.
    fn digest(&self, text: &[u8]) -> Hash128 {
        let mut short = [0; PLACES];
        match short.get_mut(..text.len()) {
            Some(lower) => {
                lower.copy_from_slice(text);
                lower.make_ascii_lowercase();
                self.0.hash(lower)
            }
            None => self.0.hash(&text.to_ascii_lowercase()),
        }
    }
}

/// As much of a digest as is kept.
#[inline]
fn folded(digest: Hash128) -> [u8; 12] {
    let mut folded = [0; 12];
    folded[..8].copy_from_slice(&digest.h1.to_le_bytes());
    folded[8..].copy_from_slice(&digest.h2.to_le_bytes()[..4]);
    folded
}

/// Which letters are capitals: 0 where none is. Texts that differ in nothing else, and that within 32
/// characters (4, where they are longer than most), never come to one.
fn capitals(text: &[u8]) -> u32 {
    if text.len() > PLACES {
        return crc32fast::hash(text) ^ crc32fast::hash(&text.to_ascii_lowercase());
    }
    let capitals = text.iter().enumerate().filter(|(_, byte)| byte.is_ascii_uppercase());
    let places = capitals.fold(0_u128, |places, (at, _)| places | 1 << at);
    crc32fast::hash(&places.to_le_bytes()) ^ crc32fast::hash(&[0; size_of::<u128>()])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_tells_texts_apart_and_knows_their_cases(
            one in "[a-dA-D:]{0,40}|[a-z]{120,300}", flips in proptest::collection::vec(any::<bool>(), 32),
            upload in any::<u128>(), start in 0..300_usize, other in "[a-dA-D:]{0,40}",
        ) {
            let sealer = Sealer::of(Uuid::from_u128(upload));
            let flipped: String = one
                .chars()
                .enumerate()
                .map(|(at, letter)| match at.checked_sub(start).and_then(|at| flips.get(at)) {
                    Some(true) if letter.is_ascii_uppercase() => letter.to_ascii_lowercase(),
                    Some(true) => letter.to_ascii_uppercase(),
                    _ => letter,
                })
                .collect();
            let seal = sealer.seal(&one);
            prop_assert_eq!(Seal::of_bytes(seal.to_bytes()), seal);
            for text in [&flipped, &other] {
                let another = sealer.seal(text);
                prop_assert_eq!(another == seal, *text == one);
                prop_assert_eq!(another.folded == seal.folded, text.eq_ignore_ascii_case(&one));
            }
            prop_assert_eq!(sealer.fold(flipped.as_bytes()), seal.folded);
            if !one.is_empty() {
                let another = Sealer::of(Uuid::from_u128(!upload));
                prop_assert_ne!(another.seal(&one).folded, seal.folded);
            }
        }
    }
}
