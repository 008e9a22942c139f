//! The client of a command: its flags, the environment, the settings.

use std::path::PathBuf;
use std::time::Duration;

use uuid::Uuid;

use super::failure::Failure;
use super::settings::{Chosen, variable};
use revrag::http::{Client, Config, Options, parse_id};
use revrag::{Error, Secret};

/// Which service, and how it is reached.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(super) struct Connection {
    /// A profile of the settings file; it goes before the environment, and that of REVRAG_PROFILE after it
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The service [env: REVRAG_BASE_URL]
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Seconds that each try of a request may take [default: 30]
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<f64>,
    /// Tries after the first, where a request may be sent again
    #[arg(long, value_name = "N", default_value_t = 2)]
    max_retries: u32,
    /// A proxy, or "none" whatever the environment says [env: HTTPS_PROXY, …]
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// A PEM file of certificates to trust beside the platform's
    #[arg(long, value_name = "FILE")]
    ca_bundle: Option<PathBuf>,
}

/// Which campaign.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct CampaignChoice {
    /// The campaign [env: REVRAG_CAMPAIGN_ID]
    #[arg(long, alias = "campaign", short = 'c', value_name = "UUID", help_heading = "Connection")]
    campaign_id: Option<String>,
}

/// What is connected to.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) client: Client,
    pub(super) settings: Chosen,
}

impl Connection {
    /// The client. Nothing is opened until its first request.
    pub(super) fn client(&self) -> Result<Connected, Failure> {
        self.client_with(|_| {})
    }

    /// The same, of options that were changed once all was said.
    pub(super) fn client_with(
        &self,
        change: impl FnOnce(&mut Options),
    ) -> Result<Connected, Failure> {
        let settings = Chosen::load(self.profile.as_deref())?;
        let profile = &settings.profile;
        // A profile that was named goes before the environment, any other after it.
        let is_first = settings.is_asked_for;
        let given = |own: Option<String>, name: &str| match (own, variable(name)) {
            (Some(own), _) if is_first => Some(own),
            (own, found) => found.or(own),
        };
        let key = profile.api_key.as_ref().map(|key| key.expose().to_owned());
        let mut options = Options {
            api_key: given(key, "REVRAG_API_KEY").map(Secret::new),
            base_url: self
                .base_url
                .clone()
                .or_else(|| given(profile.base_url.clone(), "REVRAG_BASE_URL")),
            max_retries: self.max_retries,
            ca_bundle: self.ca_bundle.clone().or_else(|| profile.ca_bundle.clone()),
            user_agent: Some("cli".to_owned()),
            ..Options::default()
        };
        if let Some(timeout) = self.timeout.or(profile.timeout) {
            options.timeout = seconds("timeout", timeout)?;
        }
        match (self.proxy.as_deref(), &profile.proxy) {
            (Some("none"), _) => options.direct = true,
            (Some(url), _) => options.proxy = Some(Secret::new(url)),
            (None, Some(url)) if url.expose() == "none" => options.direct = true,
            (None, own) => options.proxy.clone_from(own),
        }
        change(&mut options);
        // What the environment says was taken in above, but for proxies and certificates.
        let config = Config::resolve(&options, variable)?;
        Ok(Connected { client: Client::new(config), settings })
    }
}

impl CampaignChoice {
    /// The campaign: of the flag, the environment, the folder or the profile.
    pub(super) fn of(&self, settings: &Chosen) -> Result<Uuid, Failure> {
        self.found(settings)?.ok_or_else(|| {
            let problem = "there is none; pass one (it is on the campaign's Settings tab in the dashboard), \
                           set REVRAG_CAMPAIGN_ID, or write it into a profile";
            Failure::Asked(Error::invalid("campaign_id", problem))
        })
    }

    /// The same; none where none is named anywhere.
    pub(super) fn found(&self, settings: &Chosen) -> Result<Option<Uuid>, Failure> {
        let own = settings.profile.campaign_id.clone();
        let first = own.clone().filter(|_| settings.is_asked_for);
        let places = [
            (self.campaign_id.clone(), "campaign_id"),
            (first, "the profile's campaign_id"),
            (variable("REVRAG_CAMPAIGN_ID"), "REVRAG_CAMPAIGN_ID"),
            (settings.folder_campaign.clone(), "revrag.toml: campaign_id"),
            (own, "the profile's campaign_id"),
        ];
        let found = places.into_iter().find_map(|(id, place)| Some((id?, place)));
        found.map(|(id, place)| parse_id(place, &id)).transpose().map_err(Failure::from)
    }
}

/// A number of seconds that a flag says.
pub(super) fn seconds(flag: &str, value: f64) -> Result<Duration, Failure> {
    Duration::try_from_secs_f64(value)
        .map_err(|_| Failure::flag(flag, "it must be a number of seconds, 0 or more"))
}
