//! Deliveries from outside: signed, changed, late, and made of noise.

use std::time::Duration;

use proptest::prelude::*;
use revrag::Secret;
use revrag::webhook::{CALL_ENDED, HeaderName, Headers, Reason, UnixTime, Verifier};

/// The example of the reference, shortened.
const BODY: &[u8] =
    br#"{"call_status":"completed","call_id":"123e4567-e89b-12d3-a456-426614174000"}"#;
const SENT: i64 = 1_716_778_872;
/// `printf '%s' "1716778872.$BODY" | openssl dgst -sha256 -hmac whsec_new`, then `whsec_old`; the same
/// from Python's `hmac.new(secret, signed, "sha256").hexdigest()`.
const NEW: &str = "515dd2d99f5211d7222b68a5420f6e6de3637ce34c86d72d78db77d589ccd4f9";
const OLD: &str = "c35d957f0c42139d4d386adb9b05046e830c57147021f02ffb635eea722a1ca6";

fn verifier_of(secrets: &[&str]) -> Verifier {
    let tolerance = Duration::from_mins(5);
    Verifier::new(secrets.iter().map(|s| Secret::new(*s)), tolerance, tolerance).unwrap()
}

fn now() -> UnixTime {
    UnixTime::from_secs(SENT)
}

fn with_signature(signature: &str) -> [(&'static str, String); 4] {
    [
        ("x-webhook-event", CALL_ENDED.to_owned()),
        ("x-webhook-timestamp", SENT.to_string()),
        ("x-webhook-signature", signature.to_owned()),
        ("x-webhook-id", "evt_1".to_owned()),
    ]
}

fn headers(pairs: &[(&'static str, String); 4]) -> Headers<'static> {
    Headers::pick(pairs.iter().map(|(n, v)| (n, v.clone().into_bytes())))
}

fn check(verifier: &Verifier, signature: &str) -> Option<Reason> {
    verifier
        .verify_signature(BODY, &headers(&with_signature(signature)), now())
        .err()
        .map(|e| e.reason)
}

#[test]
fn a_delivery_of_another_implementation_is_read() {
    let pairs = with_signature(&format!("t={SENT},v1={NEW}"));
    let verifier = verifier_of(&["whsec_new"]);
    let event = verifier.verify(BODY, &headers(&pairs), now()).unwrap();
    assert_eq!(
        (event.id.as_str(), event.event_type.as_str(), event.timestamp),
        ("evt_1", CALL_ENDED, SENT)
    );
    assert_eq!(event.call.unwrap().call_status.as_deref(), Some("completed"));
    let signed = verifier.sign(BODY, "evt_1", CALL_ENDED, SENT).unwrap();
    for ((name, value), (canonical, signed)) in pairs.iter().zip(&signed) {
        assert!(name.eq_ignore_ascii_case(canonical));
        assert_eq!(value, signed);
    }
}

#[test]
fn secrets_rotate_on_either_side() {
    let (new, old, both) = (
        verifier_of(&["whsec_new"]),
        verifier_of(&["whsec_old"]),
        verifier_of(&["whsec_new", "whsec_old"]),
    );
    let by_new = format!("t={SENT},v1={NEW}");
    let by_old = format!("t={SENT},v1={OLD}");
    let by_both = format!("v1={OLD},t={SENT},v1={},v1={NEW}", "0".repeat(64));
    let mismatch = Some(Reason::SignatureMismatch);
    assert_eq!(check(&new, &by_new), None);
    assert_eq!(check(&new, &by_old), mismatch);
    assert_eq!(check(&new, &by_both), None);
    assert_eq!(check(&old, &by_new), mismatch);
    assert_eq!(check(&old, &by_old), None);
    assert_eq!(check(&old, &by_both), None);
    assert_eq!(check(&both, &by_new), None);
    assert_eq!(check(&both, &by_old), None);
    assert_eq!(check(&both, &by_both), None);
    assert_eq!(check(&verifier_of(&["else"]), &by_both), mismatch);
}

#[test]
fn exactly_the_tolerance_is_inside() {
    const SECOND: i128 = 1_000_000_000;
    let headers = headers(&with_signature(&format!("t={SENT},v1={NEW}")));
    for (past, future) in [(300, 300), (300, 0), (0, 300), (0, 0), (1, 86400)] {
        let verifier = Verifier::new(
            [Secret::new("whsec_new")],
            Duration::from_secs(past),
            Duration::from_secs(future),
        )
        .unwrap();
        let at = |offset: i128| {
            let now = UnixTime::from_nanos(i128::from(SENT) * SECOND + offset);
            verifier.verify_signature(BODY, &headers, now).err().map(|e| e.reason)
        };
        let (past, future) = (i128::from(past) * SECOND, i128::from(future) * SECOND);
        let outside = Some(Reason::TimestampOutOfTolerance);
        assert_eq!(at(0), None);
        assert_eq!(at(past), None);
        assert_eq!(at(past + 1), outside);
        assert_eq!(at(-future), None);
        assert_eq!(at(-future - 1), outside);
    }
}

#[test]
fn absurd_timestamps_are_no_overflow() {
    let verifier = verifier_of(&["whsec_new"]);
    for timestamp in [0, 1, i64::MAX - 1, i64::MAX] {
        let pairs = verifier.sign(BODY, "evt_1", CALL_ENDED, timestamp).unwrap();
        let error = verifier.verify(BODY, &headers(&pairs), now()).unwrap_err();
        assert_eq!(error.reason, Reason::TimestampOutOfTolerance);
        let then = UnixTime::from_secs(timestamp);
        assert!(verifier.verify(BODY, &headers(&pairs), then).is_ok());
    }
}

#[test]
fn wsgi_names_serve_too() {
    let signature = format!("t={SENT},v1={NEW}");
    let sent = SENT.to_string();
    let environ = [
        ("REQUEST_METHOD", "POST"),
        ("HTTP_X_WEBHOOK_ID", "evt_1"),
        ("HTTP_X_WEBHOOK_EVENT", CALL_ENDED),
        ("HTTP_X_WEBHOOK_SIGNATURE", &signature),
        ("HTTP_X_WEBHOOK_TIMESTAMP", &sent),
    ];
    let headers = Headers::pick(environ.map(|(n, v)| (n, v.as_bytes())));
    assert!(verifier_of(&["whsec_new"]).verify(BODY, &headers, now()).is_ok());
}

#[test]
fn no_error_repeats_what_came() {
    let verifier = verifier_of(&["whsec_new"]);
    let body = br#"{"call_status": "MARKER", "call": ["MARKER"], "MARKER": 1}"#;
    let good = verifier.sign(body, "evt_1", CALL_ENDED, SENT).unwrap();
    let mut errors = vec![verifier.verify(body, &headers(&good), now()).unwrap_err()];
    for at in 0..4 {
        for value in ["MARKER", "MARKER\n", "t=MARKER,v1=MARKER", "9999999999999"] {
            let mut pairs = good.clone();
            value.clone_into(&mut pairs[at].1);
            errors.extend(verifier.verify(body, &headers(&pairs), now()).err());
        }
    }
    assert!(errors.len() > 10);
    for error in errors {
        let text = format!("{error} {error:?}");
        assert!(
            !text.contains("MARKER") && !text.contains("whsec") && !text.contains("99999"),
            "{text}"
        );
    }
}

/// Values that come close to a good header, and noise.
fn header_value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<Vec<u8>>(),
        "[ \\t]*[0-9+.-]{0,25}[ \\t]*".prop_map(String::into_bytes),
        "([ \\t]?(t|v1|v0)[ =]{0,2}([0-9]{1,12}|[0-9a-fA-F]{63,65})?,?){0,5}"
            .prop_map(String::into_bytes),
        Just(format!("t={SENT},v1={NEW}").into_bytes()),
        Just(SENT.to_string().into_bytes()),
        Just(CALL_ENDED.as_bytes().to_vec()),
    ]
}

proptest! {
    #[test]
    fn noise_is_never_more_than_an_error(
        body in any::<Vec<u8>>(),
        values in proptest::collection::vec((0..4usize, header_value()), 0..7),
        nanos in any::<i128>(),
    ) {
        let pairs = values.iter().map(|(at, v)| (HeaderName::ALL[*at].as_str(), &v[..]));
        let headers = Headers::pick(pairs);
        let verifier = verifier_of(&["whsec_new", "whsec_old"]);
        for now in [now(), UnixTime::from_nanos(nanos)] {
            prop_assert!(verifier.verify(&body, &headers, now).is_err());
        }
    }

    /// Everything up to the payload is good here, so that the noise gets that far.
    #[test]
    fn signed_noise_is_an_invalid_payload_or_an_object(
        body in prop_oneof![
            any::<Vec<u8>>(),
            "[\\[\\]{}:,\"\\\\a-e0-9. ]{0,40}".prop_map(String::into_bytes),
            "\\{\"call_(id|status)\": ?(\"x\"|[0-9.e]{1,5}|null), ?\"call_(id|status)\": ?\"x\"\\}"
                .prop_map(String::into_bytes),
        ],
        event_type in "call\\.ended|[a-z]{1,9}",
    ) {
        let verifier = verifier_of(&["whsec_new"]);
        let pairs = verifier.sign(&body, "evt_1", &event_type, SENT).unwrap();
        match verifier.verify(&body, &headers(&pairs), now()) {
            Ok(event) => {
                prop_assert_eq!(event.json()[0], b'{');
                prop_assert!(event.call.is_some() || event_type != CALL_ENDED);
                prop_assert_eq!(event.json(), body.trim_ascii());
            }
            Err(error) => prop_assert_eq!(error.reason, Reason::InvalidPayload),
        }
    }

    #[test]
    fn what_is_signed_verifies(
        secret in "\\PC{0,80}[a-z]",
        body in any::<Vec<u8>>(),
        id in "[!-~é]([ -~é]{0,30}[!-~é])?",
        event_type in "[!-~]([ -~]{0,30}[!-~])?",
        timestamp in 0..i64::MAX,
        offset in -300..=300i64,
    ) {
        let verifier = verifier_of(&[&secret]);
        let pairs = verifier.sign(&body, &id, &event_type, timestamp).unwrap();
        let now = UnixTime::from_secs(timestamp.saturating_add(offset));
        let delivery = verifier.verify_signature(&body, &headers(&pairs), now);
        let delivery = delivery.unwrap();
        prop_assert_eq!(delivery.id, id);
        prop_assert_eq!(delivery.event_type, event_type);
        prop_assert_eq!(delivery.timestamp, timestamp);
    }

    #[test]
    fn one_bit_of_the_body_is_enough(body in proptest::collection::vec(any::<u8>(), 1..200), bit in any::<proptest::sample::Index>()) {
        let verifier = verifier_of(&["whsec_new", "whsec_old"]);
        let pairs = verifier.sign(&body, "evt_1", CALL_ENDED, SENT).unwrap();
        let mut changed = body.clone();
        let bit = bit.index(8 * body.len());
        changed[bit / 8] ^= 1 << (bit % 8);
        let error = verifier.verify_signature(&changed, &headers(&pairs), now()).unwrap_err();
        prop_assert_eq!(error.reason, Reason::SignatureMismatch);
    }
}

#[test]
fn one_bit_of_timestamp_or_signature_is_enough() {
    let verifier = verifier_of(&["whsec_new"]);
    let pairs = verifier.sign(BODY, "evt_1", CALL_ENDED, SENT).unwrap();
    let mut flipped = 0;
    for at in [1, 2] {
        let good = pairs[at].1.as_bytes();
        for bit in 0..8 * good.len() {
            let mut bad = good.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            if at == 2 && bad.eq_ignore_ascii_case(good) && bad[0] == b't' {
                // The same hex in the other case.
                continue;
            }
            let mut headers = Headers::new();
            for (i, (name, value)) in pairs.iter().enumerate() {
                let value = if i == at { &bad } else { value.as_bytes() };
                headers.offer(HeaderName::of(name.as_bytes()).unwrap(), value);
            }
            // No tolerance in the way: the change itself must be seen.
            let far = Duration::MAX;
            let open = Verifier::new([Secret::new("whsec_new")], far, far).unwrap();
            for verifier in [&verifier, &open] {
                let answer = verifier.verify_signature(BODY, &headers, now());
                assert!(answer.is_err(), "header {at}, bit {bit}");
            }
            flipped += 1;
        }
    }
    assert!(flipped > 600);
}

#[test]
fn the_timestamp_is_under_the_signature() {
    let pairs = with_signature(&format!("t={},v1={NEW}", SENT + 1));
    let mut pairs = pairs;
    pairs[1].1 = (SENT + 1).to_string();
    let error =
        verifier_of(&["whsec_new"]).verify_signature(BODY, &headers(&pairs), now()).unwrap_err();
    assert_eq!(error.reason, Reason::SignatureMismatch);
}
