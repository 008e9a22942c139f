//! The first row of each key, in 16 bytes a slot. Pure.

use std::cmp::Ordering;
use std::hint::black_box;

use super::seal::Seal;

/// Bits of a slot that say which row it is, from 1; none in a free one.
const ROW: u32 = 40;
/// Bits of a slot that tell its key from others.
const PRINT: u32 = u128::BITS - ROW;

/// Which row came first with each key.
///
/// A table of open addressing whose slots stand in the order of what they hold, so that it grows in
/// one sweep. As long as keys come in their order, as those of most tables do, none can come twice:
/// then there is no table, and what it would hold is kept in a row.
#[derive(Debug)]
pub(super) struct Firsts {
    run: Option<Run>,
    slots: Vec<u128>,
    count: usize,
}

/// Keys that came in one order.
#[derive(Debug, Default)]
struct Run {
    last: String,
    /// How each compares to the one before; none while there is one at most.
    way: Option<Ordering>,
    slots: Vec<u128>,
}

impl Run {
    /// Whether a key goes on in the order of those before.
    fn takes(&mut self, key: &str) -> bool {
        let way = key.len().cmp(&self.last.len()).then_with(|| key.cmp(&self.last));
        if !self.slots.is_empty() {
            if way == Ordering::Equal || self.way.is_some_and(|before| before != way) {
                return false;
            }
            self.way = Some(way);
        }
        self.last.clear();
        self.last.push_str(key);
        true
    }
}

impl Firsts {
    pub(super) fn new() -> Self {
        Self { run: Some(Run::default()), slots: vec![0; 16], count: 0 }
    }

    /// Whether keys came in more than one order.
    pub(super) fn is_scattered(&self) -> bool {
        self.run.is_none()
    }

    /// Makes room for rows, and has their slots at hand when they are put: each is somewhere else in
    /// memory, and many are fetched in the time of one.
    pub(super) fn expect(&mut self, seals: &[Seal]) {
        if !self.is_scattered() {
            return;
        }
        while (self.count + seals.len()) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        let slots = seals.iter().map(|seal| self.slots[self.place(print(*seal))]);
        black_box(slots.fold(0, |all, slot| all ^ slot));
    }

    /// The first row with a key: this one, if none came before. `seal` is that of `key`.
    pub(super) fn put(&mut self, key: &str, seal: Seal, row: u64) -> u64 {
        if let Some(run) = &mut self.run {
            if run.takes(key) {
                run.slots.push(slot(print(seal), row));
                return row;
            }
            self.scatter();
        }
        if (self.count + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        let print = print(seal);
        let place = self.find(print);
        match self.slots[place] {
            0 => {
                self.slots[place] = slot(print, row);
                self.count += 1;
                row
            }
            slot => u64::try_from(slot & ((1 << ROW) - 1)).unwrap_or(u64::MAX) - 1,
        }
    }

    /// Puts what came in one order into the table.
    fn scatter(&mut self) {
        let Some(run) = self.run.take() else { return };
        self.count = run.slots.len();
        self.slots = vec![0; (self.count * 2).next_power_of_two().max(16)];
        for slot in run.slots {
            let place = self.find(slot >> ROW);
            self.slots[place] = slot;
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

fn slot(print: u128, row: u64) -> u128 {
    print << ROW | u128::from(row + 1)
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

    use super::super::seal::Sealer;
    use super::*;

    proptest! {
        #[test]
        fn it_knows_what_a_map_knows(
            blocks in proptest::collection::vec(
                proptest::collection::vec("[a-cA-C]{0,4}", 0..200), 0..6,
            ),
            are_expected in any::<bool>(),
            sorted in 0..3_usize,
        ) {
            let sealer = Sealer::of(uuid::Uuid::nil());
            let (mut firsts, mut map, mut row) = (Firsts::new(), HashMap::new(), 0);
            for mut block in blocks {
                block.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
                match sorted {
                    0 => block.dedup(),
                    1 => block.reverse(),
                    _ => block.sort_by_key(|key| sealer.seal(key)),
                }
                let seals: Vec<Seal> = block.iter().map(|key| sealer.seal(key)).collect();
                if are_expected {
                    firsts.expect(&seals);
                }
                for (seal, key) in seals.into_iter().zip(block) {
                    prop_assert_eq!(firsts.put(&key, seal, row), *map.entry(key.clone()).or_insert(row));
                    row += 1;
                }
            }
        }
    }
}
