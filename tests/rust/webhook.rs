//! Deliveries, as others sign them and as attackers bend them.

use std::time::Duration;

use proptest::prelude::*;
use revrag::Secret;
use revrag::webhook::{Headers, Reason, VerificationError, Verifier};

const SECRET: &str = "whsec_test_1";
const TIMESTAMP: i64 = 1_779_850_000;
const NOW: f64 = 1_779_850_000.0;
const BODY: &[u8] = br#"{"call_status":"completed","call_id":"123e4567-e89b-12d3-a456-426614174000"}"#;

/// Made with:
/// `printf '%s.%s' 1779850000 "$BODY" | openssl dgst -sha256 -hmac whsec_test_1`
const OPENSSL: &str = "52abb8ac5df322b92c0002da1a7884314ca482d8b6c7422d6425cb5b3d17f9c4";

fn verifier(secrets: &[&str]) -> Verifier {
    let bound = Duration::from_secs(300);
    Verifier::new(secrets.iter().map(|s| Secret::new(*s)), bound, bound).unwrap()
}

fn headers(signature: &str) -> Vec<(String, String)> {
    [
        ("X-Webhook-Event", "call.ended"),
        ("X-Webhook-Timestamp", "1779850000"),
        ("X-Webhook-Signature", signature),
        ("X-Webhook-ID", "evt_1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

fn check(pairs: Vec<(String, String)>, now: f64) -> Result<(), VerificationError> {
    verifier(&[SECRET]).verify(BODY, &Headers::pick(pairs), now).map(drop)
}

#[test]
fn a_signature_by_openssl_verifies() {
    let pairs = headers(&format!("t={TIMESTAMP},v1={OPENSSL}"));
    let event = verifier(&[SECRET]).verify(BODY, &Headers::pick(pairs), NOW).unwrap();
    assert_eq!((event.id.as_str(), event.event_type.as_str()), ("evt_1", "call.ended"));
    assert_eq!(event.call.unwrap().call_id, "123e4567-e89b-12d3-a456-426614174000");
}

#[test]
fn every_secret_verifies_and_the_first_signs() {
    let rotating = verifier(&["new", "old"]);
    for secret in ["new", "old"] {
        let signed = verifier(&[secret]).sign(BODY, "evt_1", "call.ended", TIMESTAMP).unwrap();
        assert!(rotating.verify(BODY, &Headers::pick(signed), NOW).is_ok(), "{secret}");
    }
    let signed = rotating.sign(BODY, "evt_1", "call.ended", TIMESTAMP).unwrap();
    assert!(verifier(&["new"]).verify(BODY, &Headers::pick(signed.clone()), NOW).is_ok());
    let refused = verifier(&["old"]).verify(BODY, &Headers::pick(signed), NOW).unwrap_err();
    assert_eq!(refused.reason, Reason::SignatureMismatch);
}

#[test]
fn the_tolerance_itself_is_inside() {
    let signature = format!("t={TIMESTAMP},v1={OPENSSL}");
    for (offset, inside) in
        [(300.0, true), (300.001, false), (-300.0, true), (-300.001, false), (f64::NAN, false)]
    {
        let result = check(headers(&signature), NOW + offset);
        assert_eq!(result.is_ok(), inside, "{offset}");
        if let Err(error) = result {
            assert_eq!(error.reason, Reason::TimestampOutOfTolerance);
        }
    }
}

#[test]
fn each_header_is_needed() {
    for missing in 0..4 {
        for empty in [false, true] {
            let mut pairs = headers(&format!("t={TIMESTAMP},v1={OPENSSL}"));
            let name = pairs[missing].0.clone();
            if empty {
                pairs[missing].1 = "  ".to_owned();
            } else {
                pairs.remove(missing);
            }
            let error = check(pairs, NOW).unwrap_err();
            assert_eq!(error.reason, Reason::MissingHeader);
            assert!(error.message.contains(&name), "{error}");
        }
    }
}

#[test]
fn the_two_timestamps_must_agree() {
    for other in ["1779850001", "01779850000", "x", "-5"] {
        let mut pairs = headers(&format!("t={TIMESTAMP},v1={OPENSSL}"));
        pairs[1].1 = other.to_owned();
        assert_eq!(check(pairs, NOW).unwrap_err().reason, Reason::MalformedHeader, "{other}");
    }
}

#[test]
fn payloads_are_what_their_type_says() {
    let verifier = verifier(&[SECRET]);
    let event = |event_type: &str, body: &[u8]| {
        let signed = verifier.sign(body, "evt_1", event_type, TIMESTAMP).unwrap();
        verifier.verify(body, &Headers::pick(signed), NOW)
    };
    assert!(event("call.ended", BODY).unwrap().call.is_some());
    assert!(event("call.started", BODY).unwrap().call.is_some());
    let other = event("campaign.done", br#"{"campaign": 1}"#).unwrap();
    assert!(other.call.is_none());
    assert_eq!(other.json(), r#"{"campaign": 1}"#);
    let deep = "[".repeat(1_000_000);
    let deep_object = format!("{{\"a\":{deep}");
    for (event_type, body) in [
        ("call.ended", &b"{}"[..]),
        ("call.ended", b"null"),
        ("call.ended", b""),
        ("call.ended", b"\xff\xfe"),
        ("other", b"[1]"),
        ("other", b"\"text\""),
        ("other", deep.as_bytes()),
        ("call.ended", deep_object.as_bytes()),
        ("other", deep_object.as_bytes()),
    ] {
        assert_eq!(event(event_type, body).unwrap_err().reason, Reason::InvalidPayload);
    }
}

#[test]
fn no_secret_is_refused() {
    let bound = Duration::from_secs(1);
    assert!(Verifier::new([], bound, bound).is_err());
    assert!(Verifier::new([Secret::new("a"), Secret::new("")], bound, bound).is_err());
    assert!(!format!("{:?}", verifier(&[SECRET])).contains(SECRET));
}

proptest! {
    #[test]
    fn any_bytes_are_refused_without_a_panic(
        body in proptest::collection::vec(any::<u8>(), 0..200),
        values in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..120), 4),
        now in any::<f64>(),
    ) {
        let names = ["x-webhook-event", "x-webhook-timestamp", "x-webhook-signature", "x-webhook-id"];
        let headers = Headers::pick(names.into_iter().zip(&values));
        prop_assert!(verifier(&[SECRET]).verify(&body, &headers, now).is_err());
    }

    #[test]
    fn near_misses_are_refused_without_a_panic(
        signature in "(t=1779850000|t=|v1=)?[ ,]?(v1|t|v0)?=?[0-9a-fA-F]{0,66}(,v1=[0-9a-f]{64}){0,3}",
    ) {
        prop_assert!(check(headers(&signature), NOW).is_err());
    }

    #[test]
    fn what_is_signed_verifies_and_any_changed_bit_does_not(
        body in proptest::collection::vec(any::<u8>(), 1..300),
        timestamp in 0..4_000_000_000_i64,
        secret in ".{1,80}",
        at in any::<prop::sample::Index>(),
        bit in 0..8_u32,
    ) {
        let verifier = verifier(&[&secret]);
        let signed = verifier.sign(&body, "evt_1", "x", timestamp).unwrap();
        let headers = Headers::pick(signed);
        #[allow(clippy::cast_precision_loss)]
        let now = timestamp as f64;
        prop_assert!(verifier.verify_signature(&body, &headers, now).is_ok());
        let mut changed = body.clone();
        let at = at.index(changed.len());
        changed[at] ^= 1 << bit;
        let error = verifier.verify_signature(&changed, &headers, now).unwrap_err();
        prop_assert_eq!(error.reason, Reason::SignatureMismatch);
    }
}
