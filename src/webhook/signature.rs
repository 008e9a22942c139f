//! The signature: what is signed, with what, and how the header writes it.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use super::header::trim;
use crate::{Error, Secret};

/// An HMAC-SHA256.
pub(super) type Digest = [u8; 32];

/// A secret made ready: its key schedule is computed once.
#[derive(Clone)]
pub(super) struct Key {
    secret: Secret,
    keyed: Hmac<Sha256>,
}

impl Key {
    pub(super) fn new(secret: Secret) -> Result<Self, Error> {
        if secret.expose().trim().is_empty() {
            return Err(Error::invalid(
                "secret",
                "it is empty; pass the signing secret that RevRag gave you for this endpoint",
            ));
        }
        let keyed = Hmac::new_from_slice(secret.expose().as_bytes())
            .map_err(|_| Error::invalid("secret", "it can't be used as a key"))?;
        Ok(Self { secret, keyed })
    }

    pub(super) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The HMAC over `{timestamp}.{body}`.
    pub(super) fn sign(&self, timestamp: &str, body: &[u8]) -> Digest {
        let mut mac = self.keyed.clone();
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

/// The header `X-Webhook-Signature`, read.
#[derive(Debug)]
pub(super) struct SignatureHeader<'h> {
    /// The text of its one `t=`.
    pub(super) timestamp: &'h str,
    /// Each `v1=` that is well-formed; at least one.
    signatures: Vec<Digest>,
}

impl<'h> SignatureHeader<'h> {
    /// Reads a comma-separated list of `key=value`. Unknown keys, empty entries and a `v1=` of
    /// another length are passed over: a future scheme may stand beside this one.
    pub(super) fn parse(text: &'h str) -> Result<Self, &'static str> {
        let mut timestamp = None;
        let mut signatures = Vec::new();
        for entry in text.split(',').map(trim).filter(|e| !e.is_empty()) {
            let (key, value) =
                entry.split_once('=').ok_or("is not a comma-separated list of key=value")?;
            let value = trim(value);
            match trim(key) {
                "t" if timestamp.replace(value).is_some() => return Err("has more than one t="),
                "v1" => signatures.extend(decode(value)),
                _ => {}
            }
        }
        let timestamp = timestamp.ok_or("has no t=")?;
        if signatures.is_empty() {
            return Err("has no v1= of 64 hexadecimal digits");
        }
        Ok(Self { timestamp, signatures })
    }

    /// Whether one of the signatures is one of `digests`. Every pair is compared, in constant time:
    /// how long it takes tells only how many there are.
    pub(super) fn fits(&self, digests: impl IntoIterator<Item = Digest>) -> bool {
        let mut fits = Choice::from(0);
        for digest in digests {
            for signature in &self.signatures {
                fits |= digest.ct_eq(signature);
            }
        }
        fits.into()
    }
}

/// The value of `X-Webhook-Signature`.
pub(super) fn header_text(timestamp: &str, digest: &Digest) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity("t=,v1=".len() + timestamp.len() + 2 * digest.len());
    text.push_str("t=");
    text.push_str(timestamp);
    text.push_str(",v1=");
    for byte in digest {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// 64 hexadecimal digits of either case.
fn decode(hex: &str) -> Option<Digest> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let mut digest = Digest::default();
    if pairs.len() != digest.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(digest)
}

fn nibble(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "515dd2d99f5211d7222b68a5420f6e6de3637ce34c86d72d78db77d589ccd4f9";

    fn parse(text: &str) -> Result<(&str, usize), &'static str> {
        SignatureHeader::parse(text).map(|h| (h.timestamp, h.signatures.len()))
    }

    /// Each made with `printf '%s' '<timestamp>.<body>' | openssl dgst -sha256 -hmac '<secret>'`, and
    /// the same from `hmac.new(secret, signed, "sha256").hexdigest()` in Python.
    #[test]
    fn vectors_of_openssl_and_python() {
        let long = "k".repeat(100);
        let body =
            br#"{"call_status":"completed","call_id":"123e4567-e89b-12d3-a456-426614174000"}"#;
        let vectors: [(&str, &str, &[u8], &str); 5] = [
            ("whsec_new", "1716778872", body, HEX),
            (
                "whsec_old",
                "1716778872",
                body,
                "c35d957f0c42139d4d386adb9b05046e830c57147021f02ffb635eea722a1ca6",
            ),
            (&long, "0", b"", "243c2f8200e1d4ee892e7a7ded377a65e2beb1c64b997c54b8b0f516216d4b0f"),
            (
                "whsec_new",
                "1716778872",
                b"\xff\x00",
                "74b3db1245d1cd435e4a761aea1eefd654eeffa3edde42985f492ea54f2ff7f6",
            ),
            (
                "gehéim",
                "1716778872",
                b"{}",
                "1214c6550fbe3c32d83f145d9ff03d92bc8a40a3e0cc434c53b6c726120900dd",
            ),
        ];
        for (secret, timestamp, body, hex) in vectors {
            let digest = Key::new(Secret::new(secret)).unwrap().sign(timestamp, body);
            assert_eq!(decode(hex), Some(digest));
            assert_eq!(header_text(timestamp, &digest), format!("t={timestamp},v1={hex}"));
        }
    }

    #[test]
    fn a_secret_is_neither_empty_nor_shown() {
        for empty in ["", " ", "\n"] {
            assert!(Key::new(Secret::new(empty)).is_err());
        }
        let key = Key::new(Secret::new("whsec_new")).unwrap();
        assert_eq!(format!("{key:?}"), "Key(***)");
    }

    #[test]
    fn a_signature_header_is_read_in_any_form() {
        let upper = HEX.to_uppercase();
        for (text, count) in [
            (format!("t=17,v1={HEX}"), 1),
            (format!("v1={HEX},t=17"), 1),
            (format!(" t = 17 ,\tv1\t=\t{HEX} "), 1),
            (format!("t=17,v1={upper}"), 1),
            (format!("t=17,v1={HEX},v1={HEX}"), 2),
            (format!("t=17,v1=short,v1={HEX},v1={HEX}0"), 1),
            (format!("t=17,v0=x,v2=,=,T=18,v1={HEX},n=a=b"), 1),
            (format!("t=17,,v1={HEX},"), 1),
        ] {
            assert_eq!(parse(&text), Ok(("17", count)), "{text}");
        }
    }

    #[test]
    fn a_malformed_signature_header_is_refused() {
        for text in [
            "",
            ",",
            "t",
            "t=17",
            "t=17,v1=",
            "t=17,v1=00",
            &format!("v1={HEX}"),
            &format!("t=17,t=17,v1={HEX}"),
            &format!("t=17,t=18,v1={HEX}"),
            &format!("t=17;v1={HEX}"),
            &format!("t=17,{HEX}"),
            &format!("t=17,v1={HEX},{HEX}"),
            &format!("t=17,V1={HEX}"),
            &format!("t=17,v1=0x{HEX}"),
            &format!("t=17,v1={}g", HEX.split_at(1).1),
            &format!("t=17,v1={}é", HEX.split_at(2).1),
            &format!("t=17,v1=\"{HEX}\""),
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn any_signature_may_fit_any_digest() {
        let text = format!("t=17,v1={},v1={HEX}", "0".repeat(64));
        let header = SignatureHeader::parse(&text).unwrap();
        let digest = decode(HEX).unwrap();
        assert!(header.fits([digest]));
        assert!(header.fits([digest, [1; 32]]));
        assert!(header.fits([[1; 32], digest]));
        assert!(!header.fits([[1; 32]]));
        assert!(!header.fits([]));
    }
}
