//! The signature itself, and the header that carries it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use super::error::VerificationError;
use crate::Secret;

/// More than a rotation needs, few enough to compare.
const MOST_SIGNATURES: usize = 16;

/// A secret, keyed once.
#[derive(Clone)]
pub(super) struct Key(Hmac<Sha256>);

impl Key {
    pub(super) fn new(secret: &Secret) -> Option<Self> {
        Hmac::new_from_slice(secret.expose().as_bytes()).ok().map(Self)
    }

    /// The signature of `body` as sent at `timestamp`.
    pub(super) fn sign(&self, timestamp: &str, body: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac.finalize().into_bytes().into()
    }
}

/// What `X-Webhook-Signature` says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SignatureHeader<'a> {
    pub(super) timestamp: &'a str,
    signatures: [[u8; 32]; MOST_SIGNATURES],
    count: usize,
}

impl<'a> SignatureHeader<'a> {
    /// Reads `key=value` pairs in any order: one `t`, at least one `v1`, others passed over.
    pub(super) fn parse(text: &'a str) -> Result<Self, VerificationError> {
        let refuse = |problem: &str| {
            Err(VerificationError::malformed(format!("X-Webhook-Signature {problem}")))
        };
        let mut timestamp = None;
        let mut signatures = [[0; 32]; MOST_SIGNATURES];
        let mut count = 0;
        let mut candidates = 0;
        for part in text.split(',') {
            let Some((key, value)) = part.split_once('=') else {
                return refuse("is not a list of key=value");
            };
            let (key, value) = (trim(key), trim(value));
            match key {
                "t" if timestamp.is_some() => return refuse("has more than one t="),
                "t" => timestamp = Some(value),
                "v1" => {
                    candidates += 1;
                    if candidates > MOST_SIGNATURES {
                        return refuse("has too many v1=");
                    }
                    // A v1 that is no SHA-256 in hex fits no secret.
                    if hex::decode_to_slice(value, &mut signatures[count]).is_ok() {
                        count += 1;
                    }
                }
                _ => {}
            }
        }
        match timestamp {
            None => refuse("has no t="),
            Some(_) if candidates == 0 => refuse("has no v1="),
            Some(_) if count == 0 => refuse("has a v1= that is no SHA-256 in hex"),
            Some(timestamp) => Ok(Self { timestamp, signatures, count }),
        }
    }

    /// Whether any signature fits any key, in a time that does not depend on which.
    pub(super) fn fits(&self, keys: &[Key], timestamp: &str, body: &[u8]) -> bool {
        let mut fits = Choice::from(0);
        for key in keys {
            let expected = key.sign(timestamp, body);
            for signature in &self.signatures[..self.count] {
                fits |= expected.ct_eq(signature);
            }
        }
        fits.into()
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// A timestamp as the service writes it: decimal digits, nothing else.
pub(super) fn parse_timestamp(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    #[test]
    fn the_list_is_read_in_any_order_and_case() {
        for text in [
            format!("t=1,v1={A}"),
            format!(" v1 = {} ,\tt = 1 ", A.to_uppercase()),
            format!("v0=x,v1=short,v1={A},t=1,scheme="),
        ] {
            let header = SignatureHeader::parse(&text).unwrap();
            assert_eq!((header.timestamp, header.count), ("1", 1), "{text}");
            assert_eq!(header.signatures[0], [0xaa; 32]);
        }
    }

    #[test]
    fn what_is_no_such_list_is_refused() {
        for text in [
            String::new(),
            "t=1".to_owned(),
            format!("v1={A}"),
            format!("t=1,t=1,v1={A}"),
            format!("t=1,v1={A},"),
            format!("t=1;v1={A}"),
            "t=1,v1=".to_owned(),
            format!("t=1,v1={A}0"),
            format!("t=1,v1={}", "é".repeat(32)),
            format!("t=1{}", format!(",v1={A}").repeat(17)),
        ] {
            assert!(SignatureHeader::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn timestamps_are_digits() {
        assert_eq!(parse_timestamp("1700000000"), Some(1_700_000_000));
        for bad in ["", "-1", "+1", "1.0", " 1", "1e3", "١", "99999999999999999999"] {
            assert_eq!(parse_timestamp(bad), None, "{bad}");
        }
    }
}
