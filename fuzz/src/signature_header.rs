//! Any header: up to four lines that stand for the signature, the timestamp, the id and the event.
//! `{mac}` in them stands for the right digest, which no fuzzer would find.

use std::sync::LazyLock;

use super::{SENT, now, verifier};
use revrag::webhook::{CALL_ENDED, Headers, Verifier};

const BODY: &[u8] = br#"{"call_status":"completed","call_id":"x"}"#;

static VERIFIER: LazyLock<Verifier> = LazyLock::new(verifier);
static MAC: LazyLock<String> = LazyLock::new(|| {
    let signed = VERIFIER.sign(BODY, "evt_1", CALL_ENDED, SENT).expect("signed");
    let (_, signature) = signed.iter().find(|(name, _)| name.contains("Signature")).expect("one");
    signature.rsplit("v1=").next().expect("a digest").to_owned()
});

/// One input.
pub fn run(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n').map(with_mac);
    let mut line = |or: &str| lines.next().unwrap_or_else(|| or.as_bytes().to_vec());
    let signature = line("");
    let timestamp = line(&SENT.to_string());
    let (id, event) = (line("evt_1"), line(CALL_ENDED));
    let headers = Headers::pick([
        ("x-webhook-signature", signature.clone()),
        ("HTTP_X_WEBHOOK_TIMESTAMP", timestamp),
        ("X-Webhook-ID", id),
        ("X-WEBHOOK-EVENT", event),
    ]);
    let accepted = VERIFIER.verify_signature(BODY, &headers, now()).is_ok();
    assert!(!accepted || is_signed(&signature), "accepted without the right digest");
    assert_eq!(VERIFIER.verify(BODY, &headers, now()).is_ok(), accepted);
}

fn with_mac(line: &[u8]) -> Vec<u8> {
    const PLACE: &[u8] = b"{mac}";
    match line.windows(PLACE.len()).position(|at| at == PLACE) {
        Some(at) => [&line[..at], MAC.as_bytes(), &with_mac(&line[at + PLACE.len()..])].concat(),
        None => line.to_vec(),
    }
}

/// A second reading of the header, by the letter of the reference.
fn is_signed(header: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(header) else { return false };
    let pairs: Vec<_> = text
        .split(',')
        .filter_map(|part| part.split_once('='))
        .map(|(key, value)| (key.trim(), value.trim()))
        .collect();
    let times: Vec<_> = pairs.iter().filter(|(key, _)| *key == "t").collect();
    times.len() == 1 && pairs.iter().any(|(key, v)| *key == "v1" && v.eq_ignore_ascii_case(&MAC))
}
