//! Which request a fault on order happens to: pure.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::fault::{Act, Endpoint, Fault, Kind, Struck};
use super::outcome::hash;
use revrag::{Error, Result};

/// Faults at a time, at most.
const MOST: usize = 1_000;

/// A request, as a plan sees it.
pub struct Exchange<'a> {
    /// Which endpoint it is for.
    pub endpoint: Endpoint,
    /// How many records it pushes, counted where that is asked for.
    pub records: &'a dyn Fn() -> u64,
    /// Seconds since some moment.
    pub now: f64,
}

/// A fault that was ordered, and what it has done.
#[derive(Debug, Clone, Serialize)]
pub struct Ordered {
    /// Its number.
    pub id: u64,
    /// The fault.
    #[serde(flatten)]
    pub fault: Fault,
    /// Requests that it could have struck.
    pub seen: u64,
    /// Those that it did.
    pub struck: u64,
    /// Of a rate limit: since when how many were let in.
    #[serde(skip)]
    window: (f64, u64),
}

/// How often a fault could have struck, and did: its number, `seen` and `struck`.
pub type Counts = Vec<(u64, u64, u64)>;

/// The faults on order.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    ordered: Vec<Ordered>,
    count: u64,
}

impl Ordered {
    /// What it does to the request that it was just asked about, if it strikes.
    fn strike(&mut self, exchange: &Exchange<'_>) -> Option<Act> {
        let fault = &self.fault;
        let here = match fault.endpoint {
            Endpoint::Any => exchange.endpoint != Endpoint::Webhook,
            endpoint => endpoint == exchange.endpoint,
        };
        if !here || !fault.kind.concerns(exchange.endpoint) {
            return None;
        }
        let number = self.seen;
        self.seen += 1;
        if number < fault.after {
            return None;
        }
        #[allow(clippy::cast_precision_loss, reason = "53 bits are a float's")]
        let drawn = (hash([fault.seed, number, 0, 10]) >> 11) as f64 / (1_u64 << 53) as f64;
        if fault.probability.is_some_and(|share| drawn >= share) {
            return None;
        }
        let applied = |usual| fault.applied.unwrap_or(usual);
        let act = match fault.kind {
            Kind::Status => {
                let status = fault.status.unwrap_or(503);
                fault.answer(status, &format!("A fault on order: {status}"), None)
            }
            Kind::Malformed => {
                let body = match &fault.body {
                    Some(Value::String(text)) => text.clone(),
                    Some(other) => other.to_string(),
                    None => "<html>Bad gateway</html>".to_owned(),
                };
                let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
                let body = body.into_bytes();
                Act::Answer { status: 200, body, headers, applied: applied(1.0) }
            }
            Kind::Dropped => Act::Drop { applied: applied(0.0) },
            Kind::Silent => Act::Silence { seconds: fault.seconds, applied: applied(1.0) },
            Kind::Late => Act::Late(fault.lasts()),
            Kind::Delay => Act::Delay(fault.lasts()),
            Kind::Slow => Act::Slow(fault.lasts()),
            Kind::Truncated => Act::Truncate,
            Kind::Refused => Act::Refuse(fault.lasts()),
            Kind::RateLimit => {
                let (since, let_in) = &mut self.window;
                let left = *since + fault.lasts() - exchange.now;
                if left <= 0.0 || *let_in == 0 {
                    (*since, *let_in) = (exchange.now, 0);
                }
                if *let_in < fault.limit.unwrap_or(10) {
                    *let_in += 1;
                    return None;
                }
                // Whole seconds, and never too early.
                let wait = left.max(0.0).ceil();
                let more = ("retry-after", format!("{wait}"));
                fault.answer(429, "Too many requests", Some(more))
            }
            Kind::LargestBatch => {
                let limit = fault.limit.unwrap_or(100);
                if (exchange.records)() <= limit {
                    return None;
                }
                fault.answer(413, &format!("At most {limit} records per push"), None)
            }
            Kind::Shifting => Act::Shift(fault.shift.unwrap_or(-1)),
            Kind::Duplicate => Act::Duplicate,
            Kind::Reordered => Act::Reorder,
        };
        self.struck += 1;
        Some(act)
    }
}

/// When no request was let in yet.
const NO_WINDOW: (f64, u64) = (f64::NEG_INFINITY, 0);

impl Plan {
    /// Refuses a fault that can't be ordered.
    pub fn check(&self, fault: &Fault) -> Result<()> {
        fault.check()?;
        if self.ordered.len() >= MOST {
            let problem = format!("there are {MOST} already; clear them first");
            return Err(Error::invalid("fault", problem));
        }
        Ok(())
    }

    /// Adds a fault; its number.
    pub fn order(&mut self, fault: Fault) -> Result<u64> {
        self.check(&fault)?;
        Ok(self.add(fault))
    }

    pub(super) fn add(&mut self, fault: Fault) -> u64 {
        self.count += 1;
        let (id, window) = (self.count, NO_WINDOW);
        self.ordered.push(Ordered { id, fault, seen: 0, struck: 0, window });
        id
    }

    /// How often each has struck.
    pub fn counts(&self) -> Counts {
        self.ordered.iter().map(|it| (it.id, it.seen, it.struck)).collect()
    }

    /// Makes these the counts. Who is not among them has struck for the last time.
    pub(super) fn set_counts(&mut self, counts: &[(u64, u64, u64)]) {
        self.ordered.retain_mut(|it| {
            let known = counts.iter().find(|(id, ..)| *id == it.id);
            if let Some((_, seen, struck)) = known {
                (it.seen, it.struck) = (*seen, *struck);
            }
            known.is_some()
        });
    }

    /// Takes away one fault, or all.
    pub fn clear(&mut self, id: Option<u64>) {
        self.ordered.retain(|it| id.is_some_and(|id| it.id != id));
    }

    /// Those that may still strike, in the order of their orders.
    pub fn ordered(&self) -> &[Ordered] {
        &self.ordered
    }

    /// What goes wrong with a request: the first fault that strikes it, before all others.
    pub fn decide(&mut self, exchange: &Exchange<'_>) -> Option<Struck> {
        let (at, act) = (self.ordered.iter_mut().enumerate())
            .find_map(|(at, it)| it.strike(exchange).map(|act| (at, act)))?;
        let it = &self.ordered[at];
        let struck = Struck { id: it.id, kind: it.fault.kind, act };
        if it.fault.most().is_some_and(|most| it.struck >= most) {
            self.ordered.remove(at);
        }
        Some(struck)
    }
}

/// As it is kept: each fault as its JSON. Of a rate limit, the requests let in lately are forgotten:
/// they are counted by the machine's time.
#[derive(Serialize, Deserialize)]
struct Kept {
    ordered: Vec<(u64, String, u64, u64)>,
    count: u64,
}

impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let kept = |it: &Ordered| {
            serde_json::to_string(&it.fault).map(|fault| (it.id, fault, it.seen, it.struck))
        };
        let ordered = self.ordered.iter().map(kept).collect::<std::result::Result<_, _>>();
        let ordered = ordered.map_err(serde::ser::Error::custom)?;
        Kept { ordered, count: self.count }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Plan {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        let Kept { ordered, count } = Kept::deserialize(from)?;
        let read = |(id, fault, seen, struck): (u64, String, u64, u64)| {
            let fault = serde_json::from_str(&fault).map_err(serde::de::Error::custom)?;
            Ok(Ordered { id, fault, seen, struck, window: NO_WINDOW })
        };
        Ok(Self {
            ordered: ordered.into_iter().map(read).collect::<std::result::Result<_, D::Error>>()?,
            count,
        })
    }
}
