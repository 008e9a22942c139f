//! What a sandbox is told.

use std::time::Duration;

use uuid::Uuid;

use super::runner::Rules;
use crate::{Error, Result, Secret};

/// The API key of a sandbox that is told none.
pub const DEFAULT_API_KEY: &str = "sandbox-key";
/// The campaign of a sandbox that is told none: the one of the reference's examples.
pub const DEFAULT_CAMPAIGN_ID: Uuid = Uuid::from_u128(0x1111_1111_1111_1111_1111_1111_1111_1111);

/// A sandbox's configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The loopback port; 0 takes a free one.
    pub port: u16,
    /// The one API key it accepts.
    pub api_key: Secret,
    /// The one campaign it runs.
    pub campaign_id: Uuid,
    /// The campaign's status: only a `running` one accepts pushes and places calls.
    pub campaign_status: String,
    /// Where to tell of ended calls.
    pub webhook_url: Option<String>,
    /// The secret that signs those deliveries.
    pub webhook_secret: Option<Secret>,
    /// How calls go.
    pub rules: Rules,
    /// What ids and outcomes are drawn from: the same seed and pushes give the same campaign.
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            port: 0,
            api_key: Secret::new(DEFAULT_API_KEY),
            campaign_id: DEFAULT_CAMPAIGN_ID,
            campaign_status: "running".to_owned(),
            webhook_url: None,
            webhook_secret: None,
            rules: Rules::default(),
            seed: 0,
        }
    }
}

impl Config {
    /// Refuses what can't work.
    pub fn check(&self) -> Result<()> {
        let refuse = |name: &str, problem: &str| Err(Error::invalid(name, problem));
        if self.api_key.expose().is_empty() {
            return refuse("api_key", "it is empty");
        }
        match (&self.webhook_url, &self.webhook_secret) {
            (Some(_), None) => {
                return refuse("webhook_secret", "a webhook_url needs one, to sign deliveries");
            }
            (Some(url), Some(_)) => {
                let url = url::Url::parse(url).ok().filter(url::Url::has_host);
                if !url.is_some_and(|url| ["http", "https"].contains(&url.scheme())) {
                    return refuse("webhook_url", "it is not an http:// or https:// URL");
                }
            }
            (None, _) => {}
        }
        if !(0.0..=1.0).contains(&self.rules.failure_rate) {
            return refuse("failure_rate", "it must be from 0 to 1");
        }
        if self.rules.max_concurrency == 0 {
            return refuse("max_concurrency", "it must be at least 1");
        }
        let year = Duration::from_hours(24 * 365);
        if self.rules.dispatch_after > year || self.rules.call_duration > year {
            return refuse("call_duration", "it and dispatch_after must be at most a year");
        }
        Ok(())
    }
}
