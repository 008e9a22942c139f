//! A set of small numbers that knows its n-th: any page of a listing without a scan of what is before.

const WORDS: usize = 64;
/// Numbers per block.
const BLOCK: usize = WORDS * 64;

/// A bit for each number, and a count for each block of them: a million numbers are 244 counts.
#[derive(Debug, Clone, Default)]
pub struct Ranked {
    words: Vec<u64>,
    counts: Vec<u32>,
    len: usize,
}

impl Ranked {
    /// How many it holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a number that it does not hold.
    pub fn insert(&mut self, number: usize) {
        let block = number / BLOCK;
        if block >= self.counts.len() {
            self.counts.resize(block + 1, 0);
            self.words.resize((block + 1) * WORDS, 0);
        }
        debug_assert_eq!(self.words[number / 64] >> (number % 64) & 1, 0);
        self.words[number / 64] |= 1 << (number % 64);
        self.counts[block] += 1;
        self.len += 1;
    }

    /// Takes out a number that it holds.
    pub fn remove(&mut self, number: usize) {
        debug_assert_eq!(self.words[number / 64] >> (number % 64) & 1, 1);
        self.words[number / 64] &= !(1 << (number % 64));
        self.counts[number / BLOCK] -= 1;
        self.len -= 1;
    }

    /// Its numbers from the largest down, without the first `skipped`.
    pub fn descending(&self, skipped: usize) -> impl Iterator<Item = usize> {
        let mut skipped = skipped;
        let mut word = self.words.len();
        for count in self.counts.iter().rev().map(|count| *count as usize) {
            if skipped < count {
                break;
            }
            skipped -= count;
            word -= WORDS;
        }
        while word > 0 {
            let count = self.words[word - 1].count_ones() as usize;
            if skipped < count {
                break;
            }
            skipped -= count;
            word -= 1;
        }
        let words = self.words[..word].iter().enumerate().rev();
        words.flat_map(|(word, bits)| Bits(*bits).map(move |bit| word * 64 + bit)).skip(skipped)
    }
}

/// The set bits of a word, from the highest down.
struct Bits(u64);

impl Iterator for Bits {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let bit = self.0.checked_ilog2()?;
        self.0 &= !(1 << bit);
        Some(bit as usize)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_sorted_set(
            turns in proptest::collection::vec(0..3 * BLOCK, 0..300),
            skipped in 0..400_usize,
        ) {
            let (mut ranked, mut plain) = (Ranked::default(), BTreeSet::new());
            for number in turns {
                if plain.insert(number) {
                    ranked.insert(number);
                } else {
                    plain.remove(&number);
                    ranked.remove(number);
                }
            }
            prop_assert_eq!(ranked.len(), plain.len());
            let expected: Vec<_> = plain.into_iter().rev().skip(skipped).collect();
            prop_assert_eq!(ranked.descending(skipped).collect::<Vec<_>>(), expected);
        }
    }
}
