//! Which request a fault on order happens to: pure.

use serde::Serialize;
use serde_json::Value;

use super::fault::{Act, Endpoint, Fault, Kind, Struck};
use super::outcome::hash;
use crate::{Error, Result};

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

impl Plan {
    /// Adds a fault; its number.
    pub fn order(&mut self, fault: Fault) -> Result<u64> {
        fault.check()?;
        if self.ordered.len() >= MOST {
            let problem = format!("there are {MOST} already; clear them first");
            return Err(Error::invalid("fault", problem));
        }
        self.count += 1;
        let window = (f64::NEG_INFINITY, 0);
        self.ordered.push(Ordered { id: self.count, fault, seen: 0, struck: 0, window });
        Ok(self.count)
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
