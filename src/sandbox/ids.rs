//! Ids that look drawn, and from which their number can be told: no table of a million of them.

use uuid::Uuid;

use super::outcome::hash;

const HALF: u64 = (1 << 24) - 1;
const ROUNDS: std::ops::Range<u64> = 0..4;

/// The id of the `number`-th thing of a kind, of at most 2^48.
pub(super) fn id(seed: u64, kind: u64, number: u64) -> Uuid {
    let (mut left, mut right) = (number >> 24 & HALF, number & HALF);
    for round in ROUNDS {
        (left, right) = (right, left ^ turn(seed, kind, round, right));
    }
    let hidden = u128::from(left << 24 | right);
    // The rest proves that the sandbox made it.
    let proof = u128::from(hash([seed, kind, number, 8])) << 16
        | u128::from(hash([seed, kind, number, 9]) & 0xFFFF);
    let bits = hidden << 80 | proof;
    uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
}

/// The number of an id, if it is one of this kind and seed.
pub(super) fn number(seed: u64, kind: u64, id_: Uuid) -> Option<u64> {
    let hidden = u64::try_from(id_.as_u128() >> 80).ok()?;
    let (mut left, mut right) = (hidden >> 24, hidden & HALF);
    for round in ROUNDS.rev() {
        (left, right) = (right ^ turn(seed, kind, round, left), left);
    }
    let number = left << 24 | right;
    (id(seed, kind, number) == id_).then_some(number)
}

fn turn(seed: u64, kind: u64, round: u64, half: u64) -> u64 {
    hash([seed, kind << 8 | round, half, 7]) & HALF
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_tells_its_number(seed: u64, kind in 0..9_u64, count in 0..1_u64 << 48) {
            let made = id(seed, kind, count);
            prop_assert_eq!(made.get_version_num(), 4);
            prop_assert_eq!(number(seed, kind, made), Some(count));
            prop_assert_eq!(number(seed, kind + 1, made), None);
            prop_assert_eq!(number(seed, kind, Uuid::from_u128(made.as_u128() ^ 1)), None);
        }
    }
}
