//! What a sandbox is told.

use std::path::PathBuf;
use std::time::Duration;

use uuid::Uuid;

use super::fault::Fault;
use super::outcome::Line;
use super::post::check_url;
use super::settings::Settings;
use super::time::Time;
use revrag::{Error, Result, Secret};

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
    /// What else it begins with.
    pub beside: Beside,
}

/// What a sandbox begins with beside its first campaign.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// The first workspace's id, unless it is the usual one.
    pub workspace_id: Option<Uuid>,
    /// The first workspace's name, unless it is the usual one.
    pub name: Option<String>,
    /// The first workspace's Do-Not-Call list.
    pub dnc: Vec<Barred>,
    /// More campaigns of the first workspace.
    pub campaigns: Vec<Campaign>,
    /// More workspaces.
    pub workspaces: Vec<Workspace>,
    /// How calls to numbers go.
    pub scripts: Vec<(String, Vec<Line>)>,
    /// Numbers that a person plays.
    pub handset: Vec<String>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
}

/// A workspace that a sandbox begins with.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// Its id, unless one is made.
    pub id: Option<Uuid>,
    /// What people call it.
    pub name: String,
    /// Its API key.
    pub api_key: Secret,
    /// Where to tell of ended calls, and the secret that signs.
    pub webhook: Option<(String, Secret)>,
    /// Its Do-Not-Call list.
    pub dnc: Vec<Barred>,
    /// Its campaigns.
    pub campaigns: Vec<Campaign>,
}

/// A campaign that a sandbox begins with.
#[derive(Debug, Clone)]
pub struct Campaign {
    /// Its id, unless one is made.
    pub id: Option<Uuid>,
    /// Its status.
    pub status: String,
    /// Its settings.
    pub settings: Settings,
}

/// A number on a Do-Not-Call list from the beginning.
#[derive(Debug, Clone)]
pub struct Barred {
    /// The number, in any notation.
    pub number: String,
    /// Why.
    pub reason: String,
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
            beside: Beside::default(),
        }
    }
}

impl Config {
    /// Says how time passes: by hand or not, how fast, from when; what is not said stays.
    pub fn passes(&mut self, manual: Option<bool>, speed: Option<f64>, start: Option<Time>) {
        let manual = manual.unwrap_or(self.pace == Pace::ByHand);
        let speed = speed.unwrap_or(match self.pace {
            Pace::Times(speed) => speed,
            Pace::Real | Pace::ByHand => 1.0,
        });
        self.start = start.or(self.start);
        #[allow(clippy::float_cmp, reason = "it is the default, as it stands")]
        let is_real = speed == 1.0 && self.start.is_none();
        self.pace = match (manual, is_real) {
            (true, _) => Pace::ByHand,
            (false, true) => Pace::Real,
            (false, false) => Pace::Times(speed),
        };
    }

    /// Makes this the first workspace. It keeps the usual campaign where it has none of its own.
    pub(super) fn begin_with(&mut self, workspace: Workspace) {
        let Workspace { id, name, api_key, webhook, dnc, campaigns } = workspace;
        self.api_key = api_key;
        (self.webhook_url, self.webhook_secret) = webhook.unzip();
        let mut campaigns = campaigns.into_iter();
        if let Some(first) = campaigns.next() {
            self.campaign_id = first.id.unwrap_or(DEFAULT_CAMPAIGN_ID);
            self.campaign_status = first.status;
            self.settings = first.settings;
        }
        self.beside.workspace_id = id;
        self.beside.name = Some(name).filter(|name| !name.is_empty());
        self.beside.dnc = dnc;
        self.beside.campaigns = campaigns.collect();
    }

    /// Refuses what can't work.
    pub fn check(&self) -> Result<()> {
        let refuse = |name: &str, problem: &str| Err(Error::invalid(name, problem));
        if self.api_key.expose().is_empty() {
            return refuse("api_key", "it is empty");
        }
        if !self.api_key.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            return refuse("api_key", "no header takes it: only visible ASCII can be sent");
        }
        if self.campaign_status.trim().is_empty() {
            return refuse("campaign_status", "it is empty");
        }
        if let Some(secret) = &self.webhook_secret {
            if secret.bare().is_empty() {
                return refuse("webhook_secret", "it is empty");
            }
            if secret.is_padded() {
                let problem =
                    "there are blanks or line ends around it: no verifier would take it so";
                return refuse("webhook_secret", problem);
            }
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
