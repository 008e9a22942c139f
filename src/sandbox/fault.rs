//! What may go wrong with a request on order: pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use revrag::{Error, Result};

/// Which requests a fault is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// Every request to the service.
    #[default]
    Any,
    /// Pushes.
    Push,
    /// Pages of records.
    Records,
    /// Single records.
    Record,
    /// A campaign's status.
    Status,
    /// Calls.
    Call,
    /// Recordings.
    Recording,
    /// The sandbox's own requests: webhook deliveries.
    Webhook,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Another status and body than the right ones.
    Status,
    /// A 200 whose body is not JSON.
    Malformed,
    /// The connection is reset, without an answer.
    Dropped,
    /// No answer at all, until the client hangs up.
    Silent,
    /// The connection is reset at once, and the request is applied later.
    Late,
    /// The right answer, later.
    Delay,
    /// The right answer, its body in pieces over a while.
    Slow,
    /// The right answer, broken off in the middle of its body.
    Truncated,
    /// No connection is accepted for a while; those that wait for a request are closed.
    Refused,
    /// A 429 with `Retry-After` for all beyond so many requests in a while.
    RateLimit,
    /// A 413 for pushes of more records than that.
    LargestBatch,
    /// A page of records that others were added to, or taken from, since the page before.
    Shifting,
    /// A delivery that is made twice.
    Duplicate,
    /// A delivery that later ones overtake.
    Reordered,
}

/// A fault on order: what goes wrong, with which requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which requests it is for.
    #[serde(default)]
    pub endpoint: Endpoint,
    /// What goes wrong.
    pub kind: Kind,
    /// How many requests it strikes: one, unless a share, a limit or a batch is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// How many it lets pass before.
    #[serde(default)]
    pub after: u64,
    /// The share of requests that it strikes, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// What that is drawn from.
    #[serde(default)]
    pub seed: u64,
    /// The status to answer with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The body to answer with: a text as it is, all else as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Headers to answer with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Seconds outside: how long, or how much later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The share of the request that is applied all the same: 0 nothing, 1 all of it; in between,
    /// the first of a push's records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<f64>,
    /// Requests, or records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// By how many records a page is off: above 0 that many are missed, below 0 shown again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<i64>,
}

/// What a fault does to the request it strikes.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Answers with this.
    Answer {
        /// The status.
        status: u16,
        /// The body.
        body: Vec<u8>,
        /// Its content type, and more headers.
        headers: Vec<(String, String)>,
        /// The share that is applied.
        applied: f64,
    },
    /// Resets the connection.
    Drop {
        /// The share that is applied before.
        applied: f64,
    },
    /// Says nothing, for so long at most.
    Silence {
        /// Seconds, after which the connection is reset.
        seconds: Option<f64>,
        /// The share that is applied.
        applied: f64,
    },
    /// Resets the connection, and applies the request so many seconds later.
    Late(f64),
    /// Answers so many seconds later.
    Delay(f64),
    /// Takes so many seconds for the body.
    Slow(f64),
    /// Breaks the body off.
    Truncate,
    /// Accepts no connection for so many seconds, after the answer.
    Refuse(f64),
    /// Shows records so far from where they are.
    Shift(i64),
    /// Delivers twice.
    Duplicate,
    /// Delivers after others.
    Reorder,
}

/// A fault that strikes.
#[derive(Debug, Clone, PartialEq)]
pub struct Struck {
    /// The fault's number.
    pub id: u64,
    /// Its kind.
    pub kind: Kind,
    /// What it does.
    pub act: Act,
}

impl Kind {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Malformed => "malformed",
            Self::Dropped => "dropped",
            Self::Silent => "silent",
            Self::Late => "late",
            Self::Delay => "delay",
            Self::Slow => "slow",
            Self::Truncated => "truncated",
            Self::Refused => "refused",
            Self::RateLimit => "rate_limit",
            Self::LargestBatch => "largest_batch",
            Self::Shifting => "shifting",
            Self::Duplicate => "duplicate",
            Self::Reordered => "reordered",
        }
    }

    /// What can be said of such a fault, beyond which requests it strikes.
    fn takes(self) -> &'static [&'static str] {
        match self {
            Self::Status => &["status", "body", "headers", "applied"],
            Self::Malformed => &["body", "applied"],
            Self::Dropped => &["applied"],
            Self::Silent => &["seconds", "applied"],
            Self::Late | Self::Delay | Self::Slow | Self::Refused => &["seconds"],
            Self::Truncated | Self::Duplicate | Self::Reordered => &[],
            Self::RateLimit => &["limit", "seconds"],
            Self::LargestBatch => &["limit"],
            Self::Shifting => &["shift"],
        }
    }

    fn fits(self, endpoint: Endpoint) -> bool {
        match self {
            Self::Duplicate | Self::Reordered => endpoint == Endpoint::Webhook,
            Self::Dropped | Self::Delay => true,
            Self::LargestBatch => matches!(endpoint, Endpoint::Any | Endpoint::Push),
            Self::Shifting => matches!(endpoint, Endpoint::Any | Endpoint::Records),
            _ => endpoint != Endpoint::Webhook,
        }
    }

    /// What it may strike of all the requests to its fault's endpoint.
    pub(super) fn concerns(self, endpoint: Endpoint) -> bool {
        match self {
            Self::LargestBatch => endpoint == Endpoint::Push,
            Self::Shifting => endpoint == Endpoint::Records,
            _ => true,
        }
    }
}

impl Fault {
    /// A fault that strikes the next request.
    pub fn new(endpoint: Endpoint, kind: Kind) -> Self {
        Self {
            endpoint,
            kind,
            times: None,
            after: 0,
            probability: None,
            seed: 0,
            status: None,
            body: None,
            headers: BTreeMap::new(),
            seconds: None,
            applied: None,
            limit: None,
            shift: None,
        }
    }

    /// Refuses what can't be ordered.
    pub fn check(&self) -> Result<()> {
        let refuse = |name: &str, problem: &str| Err(Error::invalid(name, problem));
        let kind = self.kind;
        let told = [
            ("status", self.status.is_some()),
            ("body", self.body.is_some()),
            ("headers", !self.headers.is_empty()),
            ("seconds", self.seconds.is_some()),
            ("applied", self.applied.is_some()),
            ("limit", self.limit.is_some()),
            ("shift", self.shift.is_some()),
        ];
        for (name, is_told) in told {
            if is_told && !kind.takes().contains(&name) {
                return refuse(name, &format!("a fault of kind {} has no such", kind.as_str()));
            }
        }
        if !kind.fits(self.endpoint) {
            let problem = format!("a fault of kind {} is for others", kind.as_str());
            return refuse("endpoint", &problem);
        }
        let share = |share: Option<f64>| share.is_none_or(|share| (0.0..=1.0).contains(&share));
        if !share(self.probability) {
            return refuse("probability", "it must be from 0 to 1");
        }
        if !share(self.applied) {
            return refuse("applied", "it must be a share, from 0 to 1");
        }
        if self.seconds.is_some_and(|seconds| !(0.0..=3600.0).contains(&seconds)) {
            return refuse("seconds", "it must be from 0 to 3600");
        }
        // A 1xx is no answer, and 204 and 304 have no body.
        if self.status.is_some_and(|status| !(200..=599).contains(&status)) {
            return refuse("status", "it must be from 200 to 599");
        }
        if self.times == Some(0) {
            return refuse("times", "it must be at least 1");
        }
        if self.limit == Some(0) && kind == Kind::LargestBatch {
            return refuse("limit", "it must be at least 1");
        }
        for (name, value) in &self.headers {
            let named = http::HeaderName::try_from(name).is_ok_and(|name| {
                !["connection", "content-length", "transfer-encoding"].contains(&name.as_str())
            });
            if !named || http::HeaderValue::try_from(value).is_err() {
                return refuse("headers", &format!("{name:?} can't be sent"));
            }
        }
        Ok(())
    }

    /// How many requests it strikes; none is all that come.
    pub(super) fn most(&self) -> Option<u64> {
        let unbounded =
            self.probability.is_some() || matches!(self.kind, Kind::RateLimit | Kind::LargestBatch);
        self.times.or((!unbounded).then_some(1))
    }

    /// Whether it strikes as soon as it is ordered, without a request.
    pub fn is_at_once(&self) -> bool {
        self.kind == Kind::Refused && self.after == 0 && self.probability.is_none()
    }

    /// How long, in seconds.
    pub fn lasts(&self) -> f64 {
        self.seconds.unwrap_or(1.0)
    }

    pub(super) fn answer(&self, status: u16, detail: &str, more: Option<(&str, String)>) -> Act {
        let (kind, body) = match &self.body {
            Some(Value::String(text)) => ("text/plain; charset=utf-8", text.clone().into_bytes()),
            Some(other) => ("application/json", other.to_string().into_bytes()),
            None => {
                let body = serde_json::json!({ "detail": detail });
                ("application/json", body.to_string().into_bytes())
            }
        };
        let told = |name: &str| self.headers.keys().any(|told| told.eq_ignore_ascii_case(name));
        let mut headers: Vec<_> = self.headers.clone().into_iter().collect();
        if !told("content-type") {
            headers.push(("content-type".to_owned(), kind.to_owned()));
        }
        headers.extend(more.map(|(name, value)| (name.to_owned(), value)));
        Act::Answer { status, body, headers, applied: self.applied.unwrap_or(0.0) }
    }
}

/// A fault as its JSON: formats that do not describe themselves have no place for any body.
pub(super) mod as_json {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Fault;

    #[allow(clippy::borrowed_box, reason = "the signature that serde asks for")]
    pub(in super::super) fn serialize<S: Serializer>(
        fault: &Box<Fault>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serde_json::to_string(fault).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Box<Fault>, D::Error> {
        let text = String::deserialize(from)?;
        serde_json::from_str(&text).map_err(serde::de::Error::custom)
    }
}
