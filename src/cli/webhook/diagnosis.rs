//! What was done to a delivery that can't be verified: the usual suspects, tried one by one.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::verify::ANY_TIME;
use revrag::Secret;
use revrag::webhook::{Headers, Reason, UnixTime, VerificationError, Verifier};

/// What more there is to say of a delivery that failed with `error`.
pub(super) fn of(
    error: &VerificationError,
    body: &[u8],
    headers: &Headers<'_>,
    secrets: &[Secret],
    now: UnixTime,
) -> Vec<String> {
    let fits = |secrets: &[Secret], body: &[u8]| fit(secrets, body, headers);
    match error.reason {
        Reason::TimestampOutOfTolerance => {
            let mut hints = Vec::new();
            hints.extend(age(headers, now));
            hints.push(if fits(secrets, body) {
                "but for the time it is valid: one of the secrets signed these very bytes. To check a \
                 delivery that was kept, say when it arrived with --at".to_owned()
            } else {
                "the signature does not fit either; pass --at with the time of its \
                 X-Webhook-Timestamp to learn why".to_owned()
            });
            hints
        }
        Reason::SignatureMismatch => {
            // The first one that fits says it; the next ones are the same by other words.
            let altered = bodies(body).into_iter().find(|(_, body)| fits(secrets, body));
            let altered = altered.map(|(what, _)| what);
            let respelled = || {
                let mut others = respelled(secrets).into_iter();
                others
                    .find(|(_, secret)| fits(std::slice::from_ref(secret), body))
                    .map(|(what, _)| what)
            };
            altered.or_else(respelled).into_iter().map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// A moment, in words.
pub(super) fn moment(seconds: i64) -> String {
    let moment = jiff::Timestamp::from_second(seconds);
    moment.map_or_else(|_| format!("at {seconds}"), |moment| format!("at {moment}"))
}

fn fit(secrets: &[Secret], body: &[u8], headers: &Headers<'_>) -> bool {
    let verifier = Verifier::new(secrets.iter().cloned(), ANY_TIME, ANY_TIME);
    let now = UnixTime::from_secs(0);
    verifier.is_ok_and(|verifier| verifier.verify_signature(body, headers, now).is_ok())
}

fn age(headers: &Headers<'_>, now: UnixTime) -> Option<String> {
    let sent = headers.timestamp()?;
    let (now, sent_at) = (now.as_secs(), moment(sent));
    let apart = now.abs_diff(sent);
    let side = if sent < now { "before" } else { "ahead of" };
    Some(format!("it was sent {sent_at}, {apart} s {side} the time it is checked against"))
}

/// Bodies that may have been signed where this one is left, and what was done to each.
fn bodies(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut bodies = Vec::new();
    if let Some(shorter) = body.strip_suffix(b"\r\n").or_else(|| body.strip_suffix(b"\n")) {
        bodies.push((
            "it fits without the line break at the end of the body, which an editor or `echo` has \
             added: keep the raw bytes",
            shorter.to_vec(),
        ));
    }
    bodies.push((
        "it fits with a line break at the end of the body, which was cut off: keep the raw bytes",
        [body, b"\n"].concat(),
    ));
    if let Some(rest) = body.strip_prefix(b"\xef\xbb\xbf") {
        bodies.push(("it fits without the byte order mark before the body", rest.to_vec()));
    }
    let text = String::from_utf8_lossy(body);
    if text.contains("\r\n") {
        let changed = text.replace("\r\n", "\n").into_bytes();
        bodies
            .push(("it fits with \\n in the place of \\r\\n: line breaks were converted", changed));
    } else if text.contains('\n') {
        let changed = text.replace('\n', "\r\n").into_bytes();
        bodies
            .push(("it fits with \\r\\n in the place of \\n: line breaks were converted", changed));
    }
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        const ANEW: &str = "it fits once the JSON is spelled in another way: the body was parsed and \
                            written anew, by a framework or a logger. Verify the raw bytes, before any \
                            parsing";
        let compact = value.to_string();
        bodies.push((ANEW, ascii(&compact).into_bytes()));
        bodies.push((ANEW, compact.into_bytes()));
        if let Ok(spaced) = spaced(&value) {
            bodies.push((ANEW, ascii(&spaced).into_bytes()));
            bodies.push((ANEW, spaced.into_bytes()));
        }
        if let Ok(pretty) = serde_json::to_string_pretty(&value) {
            bodies.push((ANEW, pretty.into_bytes()));
        }
    }
    bodies.retain(|(_, other)| other != body);
    bodies
}

/// JSON as Python's `json.dumps` writes it.
fn spaced(value: &Value) -> serde_json::Result<String> {
    struct Spaced;
    impl serde_json::ser::Formatter for Spaced {
        fn begin_object_key<W: ?Sized + std::io::Write>(
            &mut self,
            writer: &mut W,
            first: bool,
        ) -> std::io::Result<()> {
            if first { Ok(()) } else { writer.write_all(b", ") }
        }

        fn begin_object_value<W: ?Sized + std::io::Write>(
            &mut self,
            writer: &mut W,
        ) -> std::io::Result<()> {
            writer.write_all(b": ")
        }

        fn begin_array_value<W: ?Sized + std::io::Write>(
            &mut self,
            writer: &mut W,
            first: bool,
        ) -> std::io::Result<()> {
            if first { Ok(()) } else { writer.write_all(b", ") }
        }
    }
    let mut text = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut text, Spaced))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The same JSON text with nothing but ASCII in it.
fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

/// What the secrets may have been before somebody copied them.
fn respelled(secrets: &[Secret]) -> Vec<(&'static str, Secret)> {
    let mut found = Vec::new();
    for secret in secrets {
        let bare = secret.bare();
        let unquoted = bare.trim_matches(['"', '\'']);
        found.push((
            "it fits with the secret without the blanks around it: strip them where it is set",
            Secret::new(bare),
        ));
        found.push((
            "it fits with the secret without the quotes around it: remove them where it is set",
            Secret::new(unquoted),
        ));
        found.push((
            "it fits with a line break after the secret: whoever signed it read a file and did not \
             strip it",
            Secret::new(format!("{bare}\n")),
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The hints for `kept` where `signed` was signed with `secret`.
    fn hints(signed: &[u8], kept: &[u8], secret: &str, now: i64) -> Vec<String> {
        let minute = Duration::from_mins(1);
        let other = Verifier::new([Secret::new(secret)], minute, minute).unwrap();
        let headers = other.sign(signed, "evt_1", "call.ended", 1_000).unwrap();
        let headers = Headers::pick(headers.iter().map(|(name, value)| (name, value.as_bytes())));
        let secrets = [Secret::new("whsec")];
        let verifier = Verifier::new(secrets.iter().cloned(), minute, minute).unwrap();
        let now = UnixTime::from_secs(now);
        let error = verifier.verify(kept, &headers, now).unwrap_err();
        of(&error, kept, &headers, &secrets, now)
    }

    #[test]
    fn what_was_done_to_a_body_is_named() {
        for (signed, kept, said) in [
            ("{}", "{}\n", "without the line break"),
            ("{}\n", "{}", "with a line break at the end"),
            ("{\n}", "{\r\n}", "\\n in the place of"),
            ("{\r\n}", "{\n}", "\\r\\n in the place of"),
            ("{}", "\u{feff}{}", "byte order mark"),
            (r#"{"a":[1,2],"b":"é"}"#, r#"{"a": [1, 2], "b": "é"}"#, "written anew"),
            (r#"{"a": [1, 2], "b": "\u00e9"}"#, r#"{"a":[1,2],"b":"é"}"#, "written anew"),
        ] {
            let hints = hints(signed.as_bytes(), kept.as_bytes(), "whsec", 1_000);
            assert!(hints.len() == 1 && hints[0].contains(said), "{signed:?} {kept:?} {hints:?}");
        }
        assert!(hints(b"{}", b"{\"a\": 1}", "whsec", 1_000).is_empty());
    }

    #[test]
    fn what_was_done_to_a_secret_is_named() {
        let hints = hints(b"{}", b"{}", "whsec\n", 1_000);
        assert!(hints.len() == 1 && hints[0].contains("line break after the secret"), "{hints:?}");
    }

    #[test]
    fn a_stale_delivery_is_told_apart_from_a_forged_one() {
        let stale = hints(b"{}", b"{}", "whsec", 5_000);
        assert!(stale[0].contains("4000 s before") && stale[1].contains("but for the time"));
        let forged = hints(b"{}", b"{}", "another", 5_000);
        assert!(forged[1].contains("does not fit either"), "{forged:?}");
    }
}
