//! Ids as the service makes them: `evt_` and 26 digits of Crockford's base 32.

use sha2::{Digest, Sha256};

const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The id that these bits spell.
pub(crate) fn of_bits(bits: u128) -> String {
    let digit = |place: u32| char::from(DIGITS[(bits >> (5 * place) & 31) as usize]);
    "evt_".chars().chain((0..26).rev().map(digit)).collect()
}

/// The id of what is told of this call: always the same one, so that an endpoint that has handled
/// it knows it again.
pub(crate) fn of_call(call: &str) -> String {
    let digest = Sha256::new().chain_update(b"call.ended\0").chain_update(call).finalize();
    let bits = digest.iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte));
    of_bits(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_spelled_in_26_digits() {
        assert_eq!(of_bits(0), format!("evt_{}", "0".repeat(26)));
        assert_eq!(of_bits(u128::MAX), format!("evt_7{}", "Z".repeat(25)));
        assert_eq!(of_bits(33), format!("evt_{}11", "0".repeat(24)));
    }

    #[test]
    fn a_call_has_one_id() {
        let id = of_call("123e4567-e89b-12d3-a456-426614174000");
        assert_eq!(id, of_call("123e4567-e89b-12d3-a456-426614174000"));
        assert_ne!(id, of_call("123e4567-e89b-12d3-a456-426614174001"));
        assert_eq!(id.len(), 30);
    }
}
