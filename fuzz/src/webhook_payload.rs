//! Any body, rightly signed: it is an event or an invalid payload, and nothing else.

use std::sync::LazyLock;

use super::{SENT, now, verifier};
use revrag::webhook::{CALL_ENDED, Headers, Reason, Verifier, WebhookEvent};
use serde_json::{Map, Value};

static VERIFIER: LazyLock<Verifier> = LazyLock::new(verifier);

/// One input.
pub fn run(body: &[u8]) {
    for event_type in [CALL_ENDED, "call.of.tomorrow"] {
        let signed =
            VERIFIER.sign(body, "evt_1", event_type, SENT).expect("anything can be signed");
        let headers = Headers::pick(signed.map(|(name, value)| (name, value.into_bytes())));
        VERIFIER.verify_signature(body, &headers, now()).expect("what it signs it verifies");
        match VERIFIER.verify(body, &headers, now()) {
            Ok(event) => {
                assert_eq!(event.event_type, event_type);
                assert!(event.call.is_some() || event_type != CALL_ENDED);
                assert!(event.json().starts_with(b"{"));
                WebhookEvent::read("i".into(), "t".into(), 0, event.json()).expect("its own JSON");
                let _ = format!("{event:?}");
            }
            Err(error) => {
                let json = serde_json::from_slice::<Map<String, Value>>(body);
                assert!(!json.is_ok_and(|map| map.contains_key("call_id")), "{error}");
                assert_eq!(error.reason, Reason::InvalidPayload);
                assert!(error.to_string().len() < 300, "{error}");
            }
        }
        let other = [body, b" "].concat();
        let error = VERIFIER.verify(&other, &headers, now()).expect_err("another body");
        assert_eq!(error.reason, Reason::SignatureMismatch);
    }
}
