//! The first row of each key, in 16 bytes a row and 4 to 8 of a table. Pure.

use std::cmp::Ordering;
use std::hint::black_box;

use super::seal::Seal;
use super::source::room;

/// Bits of an entry, and of a bucket, that name a row, from 1; 0 is none. The entries of more rows would take
/// 256 GiB.
const ROW: u32 = 34;
/// Bits of an entry that tell its key from others.
const PRINT: u32 = u128::BITS - ROW;
/// Keys to a bucket, at most and on average.
const KEYS: usize = 2;
/// Parts of a bucket in each of which a key leaves a mark, and the bits of each.
const PARTS: usize = 5;
const PART: u32 = 6;
/// Keys whose buckets are fetched together: as many as the nearest cache has room for.
const AT_HAND: usize = 256;

/// Which row came first with each key.
///
/// A table of chains: each bucket names the last row whose key belongs to it, and each row's entry the one
/// before. Most keys are new, which the marks in their buckets tell without a look at any entry; so the
/// buckets are all that is read here and there in memory, and they are few enough for a cache. As long as
/// keys come in their order, as those of many tables do, none can come twice, and there are no buckets.
#[derive(Debug)]
pub(super) struct Firsts {
    order: Option<Order>,
    /// One for each row, 0 where it has no key: the print of its key, and a row.
    entries: Vec<u128>,
    /// Marks, and a row.
    buckets: Vec<u64>,
    /// How many rows there will be, as far as that is known.
    expected: usize,
}

/// The order in which keys came.
#[derive(Debug, Default)]
struct Order {
    last: Option<String>,
    /// How each compares to the one before; none while there is one at most.
    way: Option<Ordering>,
}

impl Order {
    /// Whether a key goes on in the order of those before.
    fn takes(&mut self, key: &str) -> bool {
        let Some(last) = &mut self.last else {
            self.last = Some(key.to_owned());
            return true;
        };
        let way = key.len().cmp(&last.len()).then_with(|| key.cmp(last));
        if way == Ordering::Equal || self.way.is_some_and(|before| before != way) {
            return false;
        }
        self.way = Some(way);
        last.clear();
        last.push_str(key);
        true
    }
}

impl Firsts {
    pub(super) fn new() -> Self {
        Self {
            order: Some(Order::default()),
            entries: Vec::new(),
            buckets: Vec::new(),
            expected: 0,
        }
    }

    /// There will be so many rows.
    pub(super) fn make_room(&mut self, rows: u64) {
        self.expected = room(rows);
        let _ = self.entries.try_reserve(self.expected);
    }

    /// The first row with the key of each row from `start` on: the row itself, if none came before or it has
    /// none. There is a seal for each row, that of its key if it has one.
    pub(super) fn put_all<'a>(
        &mut self,
        mut keys: impl Iterator<Item = Option<&'a str>>,
        seals: &[Seal],
        start: u64,
    ) -> Vec<u64> {
        let (mut rows, mut firsts) = (start.., Vec::with_capacity(seals.len()));
        for seals in seals.chunks(AT_HAND) {
            if self.order.is_none() {
                // Many are fetched in the time of one.
                let buckets = seals.iter().map(|seal| self.buckets[self.bucket(print(seal))]);
                black_box(buckets.fold(0, |all, bucket| all ^ bucket));
            }
            let rows = seals.iter().zip(keys.by_ref()).zip(rows.by_ref());
            firsts.extend(
                rows.map(|((seal, key), row)| key.map_or(row, |key| self.put(key, seal, row))),
            );
        }
        firsts
    }

    /// The first row with a key: this one, if none came before. `seal` is that of `key`; each row is after
    /// those that were put before.
    fn put(&mut self, key: &str, seal: &Seal, row: u64) -> u64 {
        let print = print(seal);
        let at = usize::try_from(row).unwrap_or(usize::MAX);
        if let Some(order) = &mut self.order {
            if order.takes(key) {
                self.entries.resize(at, 0);
                self.entries.push(print << ROW);
                return row;
            }
            self.scatter(at + 1);
        } else if at >= self.buckets.len() * KEYS {
            self.scatter(at + 1);
        }
        let place = self.bucket(print);
        let (bucket, marks) = (self.buckets[place], marks(print));
        if bucket & marks == marks {
            let mut before = named(bucket.into());
            while let Some(row) = before {
                let entry = self.entries[row];
                if entry >> ROW == print {
                    return row as u64;
                }
                before = named(entry);
            }
        }
        if self.entries.len() < at {
            self.entries.resize(at, 0);
        }
        self.entries.push(print << ROW | head(bucket));
        self.buckets[place] = bucket >> ROW << ROW | marks | (row + 1);
        row
    }

    /// Has buckets for so many rows, and in them those that were put.
    fn scatter(&mut self, rows: usize) {
        self.order = None;
        let buckets = rows.max(self.expected).div_ceil(KEYS).next_power_of_two().max(16);
        self.buckets = vec![0; buckets];
        for row in 0..self.entries.len() {
            if self.entries[row] != 0 {
                self.link(row);
            }
        }
    }

    /// Puts a row at the head of its chain.
    fn link(&mut self, row: usize) {
        let print = self.entries[row] >> ROW;
        let place = self.bucket(print);
        let bucket = self.buckets[place];
        self.entries[row] = print << ROW | head(bucket);
        self.buckets[place] = bucket >> ROW << ROW | marks(print) | (row as u64 + 1);
    }

    /// The place of the bucket to which a key belongs.
    fn bucket(&self, print: u128) -> usize {
        usize::try_from(print >> (PRINT - self.buckets.len().trailing_zeros())).unwrap_or(0)
    }
}

/// The row that a bucket or an entry names.
fn named(slot: u128) -> Option<usize> {
    usize::try_from(slot & ((1 << ROW) - 1)).ok()?.checked_sub(1)
}

/// What an entry says of the row before, where that is the one that a bucket names.
fn head(bucket: u64) -> u128 {
    u128::from(bucket) & ((1 << ROW) - 1)
}

/// The marks that a key leaves in its bucket, by bits that do not decide which bucket that is.
fn marks(print: u128) -> u64 {
    let bytes: [u8; PARTS] = print.to_le_bytes().first_chunk().copied().unwrap_or_default();
    let bits = bytes.map(|byte| (u64::from(byte) * u64::from(PART)) >> u8::BITS);
    (ROW..).step_by(PART as usize).zip(bits).fold(0, |marks, (part, bit)| marks | 1 << bit << part)
}

/// A part of a digest is as good as all of it. Keys that differ in case alone have one digest: what tells
/// them apart decides on their bucket, too.
fn print(seal: &Seal) -> u128 {
    let mut bytes = [0; 16];
    bytes[..12].copy_from_slice(&seal.folded);
    let digest = u128::from_le_bytes(bytes) & ((1 << PRINT) - 1);
    let exact = u128::from(seal.exact);
    digest ^ exact ^ exact << (PRINT - u32::BITS)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::super::seal::Sealer;
    use super::*;

    #[test]
    fn keys_that_differ_in_case_alone_are_not_all_in_one_chain() {
        let sealer = Sealer::of(uuid::Uuid::nil());
        let word = |capitals: usize| -> String {
            let letter =
                |at: u8| char::from(if capitals >> at & 1 == 1 { b'A' } else { b'a' } + at);
            (0..12).map(letter).collect()
        };
        let keys: Vec<String> = (0..1 << 12).map(word).collect();
        let mut firsts = Firsts::new();
        let seals: Vec<Seal> = keys.iter().map(|key| sealer.seal(key)).collect();
        firsts.put_all(keys.iter().map(|key| Some(&**key)), &seals, 0);
        firsts.scatter(keys.len());
        let chain = |bucket: &u64| {
            let entry = |row: &usize| named(firsts.entries[*row]);
            std::iter::successors(named(u128::from(*bucket)), entry).count()
        };
        let longest = firsts.buckets.iter().map(chain).max();
        assert!(longest <= Some(16), "{longest:?}");
    }

    proptest! {
        #[test]
        fn it_knows_what_a_map_knows(
            blocks in proptest::collection::vec(
                proptest::collection::vec(proptest::option::weighted(0.9, "[a-cA-C]{0,4}"), 0..700), 0..6,
            ),
            told in proptest::option::of(0..2000_u64),
            sorted in 0..3_usize,
        ) {
            let sealer = Sealer::of(uuid::Uuid::nil());
            let (mut firsts, mut map, mut row) = (Firsts::new(), HashMap::new(), 0);
            if let Some(told) = told {
                firsts.make_room(told);
            }
            for mut block in blocks {
                block.sort_by_key(|key| key.as_ref().map(|key| (key.len(), key.clone())));
                match sorted {
                    0 => block.dedup(),
                    1 => block.reverse(),
                    _ => block.sort_by_key(|key| key.as_ref().map(|key| sealer.seal(key))),
                }
                let keys = block.iter().map(|key| key.as_deref());
                let seals: Vec<Seal> =
                    keys.clone().map(|key| sealer.seal(key.unwrap_or_default())).collect();
                let known: Vec<u64> = keys
                    .clone()
                    .zip(row..)
                    .map(|(key, row)| key.map_or(row, |key| *map.entry(key.to_owned()).or_insert(row)))
                    .collect();
                prop_assert_eq!(firsts.put_all(keys, &seals, row), known);
                row += block.len() as u64;
            }
        }
    }
}
