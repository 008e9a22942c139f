//! Any body, rightly signed: it is an event or an invalid payload, and nothing else.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use revrag::webhook::{CALL_ENDED, Headers, Reason, Verifier};
use revrag_fuzz::{SENT, now, verifier};
use serde::de::IgnoredAny;

static VERIFIER: LazyLock<Verifier> = LazyLock::new(verifier);

fuzz_target!(|body: &[u8]| {
    for event_type in [CALL_ENDED, "call.of.tomorrow"] {
        let signed =
            VERIFIER.sign(body, "evt_1", event_type, SENT).expect("anything can be signed");
        let headers = Headers::pick(signed.map(|(name, value)| (name, value.into_bytes())));
        VERIFIER.verify_signature(body, &headers, now()).expect("what it signs it verifies");
        match VERIFIER.verify(body, &headers, now()) {
            Ok(event) => {
                assert_eq!(event.event_type, event_type);
                assert!(event.call.is_some() || event_type != CALL_ENDED);
                assert!(event.json().starts_with('{'));
                serde_json::from_str::<IgnoredAny>(event.json()).expect("JSON");
                let _ = format!("{event:?}");
            }
            Err(error) => {
                assert_eq!(error.reason, Reason::InvalidPayload);
                assert!(error.to_string().len() < 300, "{error}");
            }
        }
        let other = [body, b" "].concat();
        let error = VERIFIER.verify(&other, &headers, now()).expect_err("another body");
        assert_eq!(error.reason, Reason::SignatureMismatch);
    }
});
