//! What is to be told of ended calls, and when: part of the world, and as pure as that.

use serde::{Deserialize, Serialize};

use super::campaign::short;
use super::time::{Seconds, Time};
use super::world::World;
use revrag::{Error, Result};

/// Attempts to deliver an event, at most.
pub const MOST_ATTEMPTS: u16 = 12;
/// Milliseconds from the first attempt to the second; each later wait is four times as long.
const FIRST_WAIT: u64 = 250;
const LONGEST_WAIT: u64 = 60 * 60 * 1000;

/// An ended call that is still to be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// The call, as an index.
    pub call: u32,
    /// Attempts made.
    pub attempts: u16,
    /// When the next one is due.
    pub due: Time,
}

/// How long after so many failed attempts the next one is made: 250 ms, 1 s, 4 s, and so on up to an
/// hour; none after the last.
pub fn wait(attempts: u16) -> Option<Seconds> {
    if attempts >= MOST_ATTEMPTS {
        return None;
    }
    let factor = 4_u64.saturating_pow(u32::from(attempts.max(1)) - 1);
    let wait = FIRST_WAIT.saturating_mul(factor).min(LONGEST_WAIT);
    Some(std::time::Duration::from_millis(wait).into())
}

impl World {
    /// An event's letter, until it is delivered or given up.
    pub fn letter(&self, event: u64) -> Option<&Letter> {
        self.outbox.get(&event)
    }

    /// How many events are still to be told.
    pub fn untold(&self) -> usize {
        self.outbox.len()
    }

    /// Whether a call's end is still to be told.
    pub fn is_untold(&self, call: usize) -> bool {
        self.outbox.values().any(|letter| letter.call as usize == call)
    }

    /// The events that are still to be told, by when they are due.
    pub fn posts(&self) -> impl Iterator<Item = (Time, u64)> {
        self.posts.iter().copied()
    }

    /// Has a call's end told; the event's number.
    pub(super) fn post(&mut self, call: usize) -> u64 {
        self.events += 1;
        let letter = Letter { call: short(call), attempts: 0, due: self.now };
        self.outbox.insert(self.events, letter);
        self.posts.insert((letter.due, self.events));
        self.events
    }

    /// An event is told, or given up.
    pub(super) fn told(&mut self, event: u64) {
        if let Some(letter) = self.outbox.remove(&event) {
            self.posts.remove(&(letter.due, event));
        }
    }

    /// An attempt to tell of an event failed: it is made again, or it was the last.
    pub(super) fn untold_yet(&mut self, event: u64) {
        let Some(letter) = self.outbox.get_mut(&event) else { return };
        self.posts.remove(&(letter.due, event));
        letter.attempts += 1;
        match wait(letter.attempts) {
            Some(wait) => {
                letter.due = self.now.after(wait);
                self.posts.insert((letter.due, event));
            }
            None => drop(self.outbox.remove(&event)),
        }
    }

    /// Makes what follows from the outbox anew.
    pub(super) fn sort_posts(&mut self) {
        self.posts = self.outbox.iter().map(|(event, letter)| (letter.due, *event)).collect();
    }
}

/// Refuses a URL that no webhook can have: of another machine, unless that is allowed.
pub(super) fn check_url(text: &str, allow_remote: bool) -> Result<()> {
    let refuse = |problem: &str| Err(Error::invalid("webhook_url", problem));
    let Some(url) = url::Url::parse(text).ok().filter(url::Url::has_host) else {
        return refuse("it is not an http:// or https:// URL");
    };
    if !["http", "https"].contains(&url.scheme()) {
        return refuse("it is not an http:// or https:// URL");
    }
    let local = match url.host() {
        Some(url::Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|it| it.is_loopback())
        }
        None => false,
    };
    if local || allow_remote {
        return Ok(());
    }
    refuse("it is of another machine; allow that with allow_remote_webhooks")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_an_hour_and_end() {
        let waits: Vec<_> = (1..MOST_ATTEMPTS).filter_map(wait).map(Seconds::as_f64).collect();
        let hours = [3600.0; 4];
        assert_eq!(waits, [&[0.25, 1.0, 4.0, 16.0, 64.0, 256.0, 1024.0][..], &hours].concat());
        assert_eq!(wait(MOST_ATTEMPTS), None);
    }

    #[test]
    fn a_webhook_stays_on_this_machine() {
        for url in [
            "http://127.0.0.1:1/x",
            "http://127.9.9.9",
            "https://localhost/x",
            "http://[::1]:80",
            "http://a.localhost.",
        ] {
            assert_eq!(check_url(url, false).map_err(|error| error.to_string()), Ok(()), "{url}");
        }
        for url in [
            "http://example.com",
            "http://localhost.example.com",
            "http://10.0.0.1",
            "http://0.0.0.0",
            "http://127.0.0.1@example.com",
            "http://169.254.169.254/latest",
        ] {
            assert!(check_url(url, false).is_err(), "{url}");
            assert!(check_url(url, true).is_ok(), "{url}");
        }
        for url in ["ftp://localhost", "localhost:80", "", "http://"] {
            assert!(check_url(url, true).is_err(), "{url}");
        }
    }
}
