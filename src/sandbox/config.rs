//! What a sandbox is told.

use std::path::PathBuf;
use std::time::Duration;

use uuid::Uuid;

use super::post::check_url;
use super::settings::Settings;
use super::time::Time;
use crate::{Error, Result, Secret};

/// The API key of a sandbox that is told none.
pub const DEFAULT_API_KEY: &str = "sandbox-key";
/// The campaign of a sandbox that is told none: the one of the reference's examples.
pub const DEFAULT_CAMPAIGN_ID: Uuid = Uuid::from_u128(0x1111_1111_1111_1111_1111_1111_1111_1111);
/// The id of a sandbox's first workspace.
pub(super) const WORKSPACE_ID: Uuid = Uuid::from_u128(0x2222_2222_2222_2222_2222_2222_2222_2222);
/// When time by hand begins unless told: 2026-06-01, a Monday, 10:00 in India.
pub(super) const MANUAL_START: Time = Time(1_780_288_200_000_000);

/// How a sandbox's time passes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Pace {
    /// As outside.
    #[default]
    Real,
    /// So many times as fast as outside.
    Times(f64),
    /// When it is told to.
    ByHand,
}

/// A sandbox's configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The loopback port; 0 takes a free one.
    pub port: u16,
    /// The API key of its first workspace.
    pub api_key: Secret,
    /// Its first campaign.
    pub campaign_id: Uuid,
    /// That campaign's status: only a `running` one accepts pushes and places calls.
    pub campaign_status: String,
    /// That campaign's settings.
    pub settings: Settings,
    /// Where to tell of ended calls.
    pub webhook_url: Option<String>,
    /// The secret that signs those deliveries.
    pub webhook_secret: Option<Secret>,
    /// Whether webhooks may go to other machines.
    pub allow_remote_webhooks: bool,
    /// How long a request may take to arrive.
    pub patience: Duration,
    /// What ids and outcomes are drawn from: the same seed and pushes give the same campaign.
    pub seed: u64,
    /// How time passes.
    pub pace: Pace,
    /// When it begins; real time begins now.
    pub start: Option<Time>,
    /// The file that keeps its state. What it holds goes before everything here but the port, the
    /// pace, and a webhook that is given.
    pub state: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            port: 0,
            api_key: Secret::new(DEFAULT_API_KEY),
            campaign_id: DEFAULT_CAMPAIGN_ID,
            campaign_status: "running".to_owned(),
            settings: Settings::default(),
            webhook_url: None,
            webhook_secret: None,
            allow_remote_webhooks: false,
            patience: Duration::from_secs(30),
            seed: 0,
            pace: Pace::Real,
            start: None,
            state: None,
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
            (Some(url), Some(_)) => check_url(url, self.allow_remote_webhooks)?,
            (None, _) => {}
        }
        if self.patience.is_zero() {
            return refuse("request_timeout", "it must be more than 0");
        }
        match self.pace {
            Pace::Real if self.start.is_some() => {
                return refuse(
                    "now",
                    "real time is what it is; pass it with time=\"manual\" or a speed",
                );
            }
            Pace::Times(speed) if !(0.001..=1e6).contains(&speed) => {
                return refuse("speed", "it must be from 0.001 to 1000000");
            }
            _ => {}
        }
        self.settings.check()
    }
}
