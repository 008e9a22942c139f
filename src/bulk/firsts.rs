//! The first row of each key, in 16 bytes a slot. Pure.

use std::hint::black_box;

use super::seal::Seal;

/// Bits of a slot that say which row it is, from 1; none in a free one.
const ROW: u32 = 40;
/// Bits of a slot that tell its key from others.
const PRINT: u32 = u128::BITS - ROW;

/// Which row came first with each key.
///
/// A table of open addressing whose slots stand in the order of what they hold, so that it grows in
/// one sweep.
#[derive(Debug)]
pub(super) struct Firsts {
    slots: Vec<u128>,
    count: usize,
}

impl Firsts {
    pub(super) fn new() -> Self {
        Self { slots: vec![0; 16], count: 0 }
    }

    /// Makes room for rows, and has their slots at hand when they are put: each is somewhere else in
    /// memory, and many are fetched in the time of one.
    pub(super) fn expect(&mut self, seals: &[Seal]) {
        while (self.count + seals.len()) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        let slots = seals.iter().map(|seal| self.slots[self.place(print(*seal))]);
        black_box(slots.fold(0, |all, slot| all ^ slot));
    }

    /// The first row with a key: this one, if none came before.
    pub(super) fn put(&mut self, seal: Seal, row: u64) -> u64 {
        if (self.count + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        let print = print(seal);
        let place = self.find(print);
        match self.slots[place] {
            0 => {
                self.slots[place] = print << ROW | u128::from(row + 1);
                self.count += 1;
                row
            }
            slot => u64::try_from(slot & ((1 << ROW) - 1)).unwrap_or(u64::MAX) - 1,
        }
    }

    /// The slot of a print, or the one that it is to take.
    fn find(&self, print: u128) -> usize {
        let mut place = self.place(print);
        while !matches!(self.slots[place], 0) && self.slots[place] >> ROW != print {
            place = (place + 1) & (self.slots.len() - 1);
        }
        place
    }

    /// Where the slot of a print is looked for first.
    fn place(&self, print: u128) -> usize {
        usize::try_from(print >> (PRINT - self.slots.len().trailing_zeros())).unwrap_or(0)
    }

    fn grow(&mut self) {
        let wider = vec![0; self.slots.len() * 2];
        for slot in std::mem::replace(&mut self.slots, wider) {
            if slot != 0 {
                let place = self.find(slot >> ROW);
                self.slots[place] = slot;
            }
        }
    }
}

/// A part of a digest is as good as all of it; keys that differ in case alone have one digest.
fn print(seal: Seal) -> u128 {
    let mut bytes = [0; 16];
    bytes[..12].copy_from_slice(&seal.folded);
    let digest = u128::from_le_bytes(bytes) & ((1 << PRINT) - 1);
    digest ^ u128::from(seal.exact)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_knows_what_a_map_knows(
            blocks in proptest::collection::vec(
                proptest::collection::vec("[a-cA-C]{0,4}", 0..200), 0..6,
            ),
            are_expected in any::<bool>(),
        ) {
            let (mut firsts, mut map, mut row) = (Firsts::new(), HashMap::new(), 0);
            for block in blocks {
                let seals: Vec<Seal> = block.iter().map(|key| Seal::of(key)).collect();
                if are_expected {
                    firsts.expect(&seals);
                }
                for (seal, key) in seals.into_iter().zip(block) {
                    prop_assert_eq!(firsts.put(seal, row), *map.entry(key).or_insert(row));
                    row += 1;
                }
            }
        }
    }
}
