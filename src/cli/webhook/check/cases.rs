//! The kinds of deliveries, what each should be answered with, and what goes wrong if it is not.

use std::time::Duration;

use http::Method;
use uuid::Uuid;

use super::super::{endpoint::Delivery, id, sample};
use revrag::webhook::{CALL_ENDED, HeaderName, Verifier};
use revrag::{Error, Secret};

/// What there is to make deliveries of.
#[derive(Debug)]
pub(super) struct Ground {
    /// The first one signs; the second one is on its way out.
    pub(super) secrets: Vec<Secret>,
    /// Bytes of a body that is too large.
    pub(super) huge: usize,
    /// What ids are made of.
    pub(super) seed: u128,
}

/// What an endpoint should do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Accept each delivery, and handle the call once.
    Accepted,
    /// Accept at least one, and say of the others no more than that they come too soon.
    OneAccepted,
    /// Handle the call once, whatever is answered to what comes after the first.
    Once,
    /// Accept it: there is nothing to handle.
    PassedOver,
    /// Refuse the last delivery with a 4xx, and handle nothing of it.
    Refused,
    /// The same; or hang up.
    RefusedOrCut,
}

/// A kind of delivery.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) wanted: Wanted,
    /// What is delivered, in words.
    pub(super) what: &'static str,
    /// What goes wrong in production where it is not done.
    pub(super) otherwise: &'static str,
}

/// The deliveries of a case.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) deliveries: Vec<Delivery>,
    /// Whether they go at the same time.
    pub(super) is_at_once: bool,
    /// The call they tell of.
    pub(super) call: String,
    /// Texts that no answer may hold.
    pub(super) leaks: Vec<Secret>,
}

/// One hour is older than anybody takes a delivery.
const HOUR: i64 = 3600;

/// The cases, in the order in which they are tried.
pub(super) fn all() -> &'static [Case] {
    CASES
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { name: "valid", wanted: Wanted::Accepted, what: "a call that went well",
        otherwise: "every call is lost: the service gives up after some tries" },
    Case { name: "oddly-spelled", wanted: Wanted::Accepted, what: "valid JSON in an unusual spelling",
        otherwise: "deliveries are refused at random: the signature is checked over a body that was parsed and written anew, not over the raw bytes" },
    Case { name: "bare", wanted: Wanted::Accepted, what: "a failed call in which all is null that may be null",
        otherwise: "calls that nobody answered, and those outside campaigns, fail in the handler and come again and again: read transcription, summary, times and campaign_id as what may be null" },
    Case { name: "again", wanted: Wanted::Accepted, what: "a delivery, then its redelivery: the same id, signed anew",
        otherwise: "the service redelivers what it has no answer for: a lead is handled twice, or, where the duplicate is refused, it comes again until the service gives up. Keep the ids that were handled, and answer a known one with 200" },
    Case { name: "at-once", wanted: Wanted::OneAccepted, what: "the same event twice at the same time",
        otherwise: "two workers handle one call: claim the id in the same step in which you look it up" },
    Case { name: "replayed", wanted: Wanted::Once, what: "a delivery, then the same bytes and signature under a new id",
        otherwise: "the id is not signed: whoever saw one delivery can have it handled again and again within the tolerance. Remember what was signed, or the call_id, too" },
    Case { name: "tampered", wanted: Wanted::Refused, what: "a body of which one letter was changed after signing",
        otherwise: "anybody who knows the URL can make up calls: no signature is checked" },
    Case { name: "forged", wanted: Wanted::Refused, what: "a delivery signed with another secret",
        otherwise: "anybody who knows the URL can make up calls: the signature is not checked against your secret" },
    Case { name: "stale", wanted: Wanted::Refused, what: "a delivery that was signed an hour ago",
        otherwise: "a delivery that somebody recorded can be played back forever: refuse timestamps that are older than 300 seconds" },
    Case { name: "restamped", wanted: Wanted::Refused, what: "the same with a fresh X-Webhook-Timestamp, which is not what was signed",
        otherwise: "a delivery that somebody recorded can be played back forever: the time that is checked is not the time that is signed. Both must be the same" },
    Case { name: "future", wanted: Wanted::Refused, what: "a delivery that is signed for in an hour",
        otherwise: "what a sender with a wrong clock signed stays valid until then, and can be played back: check both sides of the tolerance" },
    Case { name: "unsigned", wanted: Wanted::Refused, what: "a delivery without X-Webhook-Signature",
        otherwise: "anybody who knows the URL can make up calls, or fill your error log: answer 400" },
    Case { name: "malformed", wanted: Wanted::Refused, what: "a signature header that can't be read",
        otherwise: "scanners on the internet raise exceptions in your application, and your alarms with them: answer 400" },
    Case { name: "two-signatures", wanted: Wanted::Accepted, what: "two v1=, of which the second one fits",
        otherwise: "every call is lost for as long as the service signs with two secrets: try each v1=" },
    Case { name: "other-secret", wanted: Wanted::Accepted, what: "a delivery signed with the second secret of the file",
        otherwise: "every call is lost while the secret is rotated: accept both secrets for that time" },
    Case { name: "not-json", wanted: Wanted::Refused, what: "a signed body that is no JSON",
        otherwise: "one bad body raises in your application; the service takes a 5xx for an outage and delivers again: answer 400" },
    Case { name: "unknown-type", wanted: Wanted::PassedOver, what: "a signed event of a type that does not exist yet",
        otherwise: "on the day on which the service adds a type, its events are redelivered again and again, and endpoints that fail may be switched off: answer 200 to what you do not handle" },
    Case { name: "chunked", wanted: Wanted::Accepted, what: "a valid body in chunks, without Content-Length",
        otherwise: "deliveries fail as soon as a proxy in between sends in chunks: read the body to its end, not to Content-Length" },
    Case { name: "get", wanted: Wanted::Refused, what: "the same as a GET",
        otherwise: "crawlers and link previews reach your handler: answer 405 to all but POST" },
    Case { name: "huge", wanted: Wanted::RefusedOrCut, what: "a signed body of several megabytes",
        otherwise: "anybody who knows the URL can fill your memory: a body has to be read before it can be verified. Refuse more than 1 MB with 413" },
];

impl Case {
    /// Whether it is the first one, by which the others are measured.
    pub(super) fn is_first(&self) -> bool {
        self.name == "valid"
    }

    /// What should be answered, in words.
    pub(super) const fn expected(&self) -> &'static str {
        match self.wanted {
            Wanted::Accepted => "2xx, handled once",
            Wanted::OneAccepted => "2xx, or 409 to one of them; handled once",
            Wanted::Once => "2xx, then anything below 500; handled once",
            Wanted::PassedOver => "2xx",
            Wanted::Refused => "4xx, not handled",
            Wanted::RefusedOrCut => "413, not handled",
        }
    }

    /// The deliveries; none where the ground has not what they need.
    pub(super) fn make(&self, ground: &Ground, now: i64) -> Result<Option<Trial>, Error> {
        let number = CASES.iter().position(|case| case.name == self.name).unwrap_or_default();
        let uuid = uuid::Builder::from_random_bytes(
            ground.seed.wrapping_add((number as u128) << 8).to_be_bytes(),
        )
        .into_uuid();
        let maker = Maker::new(ground, uuid, now)?;
        let mut is_at_once = false;
        let valid = sample::call(uuid).to_string();
        let deliveries = match self.name {
            "valid" => vec![maker.at(&valid, now)?],
            "oddly-spelled" => vec![maker.at(&sample::spelled_oddly(uuid), now)?],
            "bare" => vec![maker.at(&sample::bare_call(uuid).to_string(), now)?],
            // A second later: by another signature.
            "again" => vec![maker.at(&valid, now - 1)?, maker.at(&valid, now)?],
            "at-once" => {
                is_at_once = true;
                vec![maker.at(&valid, now)?, maker.at(&valid, now)?]
            }
            "replayed" => {
                let first = maker.at(&valid, now)?;
                let mut second = first.clone();
                set(&mut second, HeaderName::Id, Some(id::of_bits(maker.bits ^ 1)));
                vec![first, second]
            }
            "tampered" => {
                let mut changed = maker.at(&valid, now)?;
                changed.body = valid.replacen("Friday", "Monday", 1).into();
                vec![changed]
            }
            "forged" => vec![maker.forged(&valid)?],
            "stale" => vec![maker.at(&valid, now - HOUR)?],
            "restamped" => {
                let mut stamped = maker.at(&valid, now - HOUR)?;
                set(&mut stamped, HeaderName::Timestamp, Some(now.to_string()));
                vec![stamped]
            }
            "future" => vec![maker.at(&valid, now + HOUR)?],
            "unsigned" => {
                let mut bare = maker.at(&valid, now)?;
                set(&mut bare, HeaderName::Signature, None);
                vec![bare]
            }
            "malformed" => {
                let mut bad = maker.at(&valid, now)?;
                set(&mut bad, HeaderName::Signature, Some("sha256;;=t,v1".to_owned()));
                vec![bad]
            }
            "two-signatures" => {
                let mut both = maker.at(&valid, now)?;
                let own = get(&both, HeaderName::Signature).replacen("v1=", "", 1);
                let own = own.split(',').nth(1).unwrap_or_default().to_owned();
                let text = format!("t={now},v1={},v1={own}", "0".repeat(64));
                set(&mut both, HeaderName::Signature, Some(text));
                vec![both]
            }
            "other-secret" => match ground.secrets.get(1) {
                Some(secret) => vec![maker.signed(secret, &valid)?],
                None => return Ok(None),
            },
            "not-json" => vec![maker.at(&format!("{{\"call_id\": \"{uuid}\", "), now)?],
            "unknown-type" => vec![maker.event(&valid, "call.unheard_of", now)?],
            "chunked" => vec![Delivery { is_chunked: true, ..maker.at(&valid, now)? }],
            "get" => vec![Delivery { method: Method::GET, ..maker.at(&valid, now)? }],
            _ => {
                let mut call = sample::call(uuid);
                call["summary"] = "x".repeat(ground.huge).into();
                vec![maker.at(&call.to_string(), now)?]
            }
        };
        let leaks = maker.leaks(&deliveries)?;
        Ok(Some(Trial { deliveries, is_at_once, call: uuid.to_string(), leaks }))
    }
}

/// Makes the deliveries of one case.
struct Maker<'g> {
    ground: &'g Ground,
    verifier: Verifier,
    bits: u128,
    now: i64,
}

impl<'g> Maker<'g> {
    fn new(ground: &'g Ground, call: Uuid, now: i64) -> Result<Self, Error> {
        let verifier = verifier(ground.secrets.iter().take(1).cloned())?;
        Ok(Self { ground, verifier, bits: call.as_u128().rotate_left(64), now })
    }

    fn event(&self, body: &str, kind: &str, now: i64) -> Result<Delivery, Error> {
        let headers = self.verifier.sign(body.as_bytes(), &id::of_bits(self.bits), kind, now)?;
        Ok(Delivery::of(headers, body.to_owned()))
    }

    fn at(&self, body: &str, now: i64) -> Result<Delivery, Error> {
        self.event(body, CALL_ENDED, now)
    }

    fn signed(&self, secret: &Secret, body: &str) -> Result<Delivery, Error> {
        let verifier = verifier([secret.clone()])?;
        let id = id::of_bits(self.bits);
        let headers = verifier.sign(body.as_bytes(), &id, CALL_ENDED, self.now)?;
        Ok(Delivery::of(headers, body.to_owned()))
    }

    fn forged(&self, body: &str) -> Result<Delivery, Error> {
        self.signed(&Secret::new(format!("whsec_{:032x}", self.bits)), body)
    }

    /// The secrets, and the signatures that would have been right.
    fn leaks(&self, deliveries: &[Delivery]) -> Result<Vec<Secret>, Error> {
        let mut leaks = self.ground.secrets.clone();
        for delivery in deliveries {
            let time = get(delivery, HeaderName::Timestamp).parse().unwrap_or(self.now);
            let headers = self.verifier.sign(&delivery.body, "evt", CALL_ENDED, time)?;
            let digits = headers[2].1.rsplit("v1=").next().unwrap_or_default().to_owned();
            leaks.push(Secret::new(digits));
        }
        Ok(leaks)
    }
}

fn verifier(secrets: impl IntoIterator<Item = Secret>) -> Result<Verifier, Error> {
    Verifier::new(secrets, Duration::ZERO, Duration::ZERO)
}

fn get(delivery: &Delivery, name: HeaderName) -> String {
    let found = delivery.headers.iter().find(|(known, _)| *known == name.as_str());
    found.map(|(_, value)| value.clone()).unwrap_or_default()
}

fn set(delivery: &mut Delivery, name: HeaderName, value: Option<String>) {
    delivery.headers.retain(|(known, _)| *known != name.as_str());
    delivery.headers.extend(value.map(|value| (name.as_str(), value)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use revrag::webhook::{Headers, Reason, UnixTime, VerificationError};

    const NOW: i64 = 1_780_000_000;

    fn ground(secrets: &[&str]) -> Ground {
        let secrets = secrets.iter().copied().map(Secret::new).collect();
        Ground { secrets, huge: 2_000_000, seed: 7 }
    }

    /// What the crate's own verifier says of the last delivery.
    fn verified(case: &Case) -> Result<(), VerificationError> {
        let trial = case.make(&ground(&["new", "old"]), NOW).unwrap().unwrap();
        let delivery = trial.deliveries.last().unwrap();
        let tolerance = Duration::from_mins(5);
        let secrets = ["new", "old"].map(Secret::new);
        let verifier = Verifier::new(secrets, tolerance, tolerance).unwrap();
        let headers = delivery.headers.iter().map(|(name, value)| (name, value.as_bytes()));
        let headers = Headers::pick(headers);
        verifier.verify(&delivery.body, &headers, UnixTime::from_secs(NOW)).map(|_| ())
    }

    #[test]
    fn each_delivery_is_what_it_is_said_to_be() {
        for case in all() {
            let reason = verified(case).err().map(|error| error.reason);
            let expected = match case.name {
                "tampered" | "forged" => Some(Reason::SignatureMismatch),
                "stale" | "future" => Some(Reason::TimestampOutOfTolerance),
                "restamped" | "malformed" => Some(Reason::MalformedHeader),
                "unsigned" => Some(Reason::MissingHeader),
                "not-json" => Some(Reason::InvalidPayload),
                _ => None,
            };
            assert_eq!(reason, expected, "{}", case.name);
        }
    }

    #[test]
    fn no_two_cases_tell_of_one_call() {
        let ground = ground(&["new", "old"]);
        let calls = all().iter().map(|case| case.make(&ground, NOW).unwrap().unwrap().call);
        let calls: std::collections::HashSet<_> = calls.collect();
        assert_eq!(calls.len(), all().len());
    }

    #[test]
    fn without_a_second_secret_there_is_no_rotation() {
        let skipped =
            all().iter().filter(|case| case.make(&ground(&["new"]), NOW).unwrap().is_none());
        assert_eq!(skipped.map(|case| case.name).collect::<Vec<_>>(), ["other-secret"]);
    }
}
