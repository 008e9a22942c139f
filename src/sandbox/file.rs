//! The settings file: all that a sandbox begins with, as TOML.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::config::{self, Barred, Config, DEFAULT_API_KEY};
use super::fault::Fault;
use super::outcome::Line;
use super::places::{Places, Step};
use super::post::check_url;
use super::settings::Settings;
use super::time::Seconds;
use revrag::http::parse_id;
use revrag::model::Timestamp;
use revrag::{Error, Result, Secret};

/// The largest file, in bytes.
const MOST: u64 = 10 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    port: Option<u16>,
    seed: Option<u64>,
    time: Option<Passes>,
    speed: Option<f64>,
    now: Option<String>,
    state: Option<PathBuf>,
    #[serde(default)]
    allow_remote_webhooks: bool,
    request_timeout: Option<Seconds>,
    #[serde(default)]
    workspaces: Vec<WrittenWorkspace>,
    #[serde(default)]
    scripts: Map<String, Value>,
    #[serde(default)]
    handset: Vec<String>,
    #[serde(default)]
    faults: Vec<Fault>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Passes {
    Real,
    Manual,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct WrittenWorkspace {
    workspace_id: Option<String>,
    name: Option<String>,
    api_key: Option<Value>,
    webhook: Option<WrittenWebhook>,
    #[serde(default)]
    dnc: Vec<Value>,
    #[serde(default)]
    campaigns: Vec<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenWebhook {
    url: String,
    secret: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenBarred {
    number: String,
    reason: Option<String>,
}

impl Config {
    /// What a settings file says.
    pub fn from_file(path: &Path) -> Result<Self> {
        let refuse =
            |problem: String| Error::invalid("settings", format!("{}: {problem}", path.display()));
        let length = std::fs::metadata(path).map_err(|error| refuse(error.to_string()))?.len();
        if length > MOST {
            return Err(refuse("it is larger than 10 MiB".to_owned()));
        }
        let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
        Self::from_toml(path, &text)
    }

    /// The same of a text; errors call it by `path`, in whose folder a `state` without one is.
    pub fn from_toml(path: &Path, text: &str) -> Result<Self> {
        let places = Places::of(path, text)?;
        let written: Written = places.read(places.value()?, &[])?;
        let mut reader = Reader { places, ids: HashSet::new(), keys: HashSet::new() };
        reader.config(written, path.parent().unwrap_or(Path::new("")))
    }
}

struct Reader<'a> {
    places: Places<'a>,
    ids: HashSet<Uuid>,
    keys: HashSet<String>,
}

impl Reader<'_> {
    fn config(&mut self, written: Written, folder: &Path) -> Result<Config> {
        let mut config = Config {
            allow_remote_webhooks: written.allow_remote_webhooks,
            state: written.state.map(|state| folder.join(state)),
            ..Config::default()
        };
        config.port = written.port.unwrap_or(config.port);
        config.seed = written.seed.unwrap_or(config.seed);
        if let Some(patience) = written.request_timeout {
            config.patience = std::time::Duration::from_secs_f64(patience.as_f64());
        }
        let now = written.now.map(|now| {
            let problem = "now: write the moment as in 2026-06-01T09:00:00+05:30";
            let now: Timestamp =
                now.parse().map_err(|_| self.places.problem(&["now".into()], problem))?;
            Ok::<_, Error>(now.0.into())
        });
        let manual = written.time.map(|time| time == Passes::Manual);
        config.passes(manual, written.speed, now.transpose()?);
        for (index, workspace) in written.workspaces.into_iter().enumerate() {
            let place = ["workspaces".into(), Step::Index(index)];
            let allow = config.allow_remote_webhooks;
            let workspace = self.workspace(workspace, &place, index == 0, allow)?;
            if index == 0 {
                config.begin_with(workspace);
            } else {
                config.beside.workspaces.push(workspace);
            }
        }
        for (number, lines) in written.scripts {
            let place = ["scripts".into(), Step::Key(number.clone())];
            self.number(&number, &place)?;
            let Value::Array(lines) = lines else {
                let problem = "how calls to a number go is a list: of the first, the second, …";
                return Err(self.places.problem(&place, problem));
            };
            let lines = lines.into_iter().enumerate().map(|(index, line)| {
                let place = [place[0].clone(), place[1].clone(), Step::Index(index)];
                Line::read(line).map_err(|problem| self.places.problem(&place, &problem))
            });
            let lines = lines.collect::<Result<_>>()?;
            config.beside.scripts.push((number, lines));
        }
        for (index, number) in written.handset.iter().enumerate() {
            self.number(number, &["handset".into(), Step::Index(index)])?;
        }
        config.beside.handset = written.handset;
        for (index, fault) in written.faults.iter().enumerate() {
            let place = ["faults".into(), Step::Index(index)];
            fault.check().map_err(|error| self.places.refuse(&place, &error))?;
        }
        config.beside.faults = written.faults;
        config.check().map_err(|error| self.places.refuse(&[], &error))?;
        Ok(config)
    }

    fn workspace(
        &mut self,
        written: WrittenWorkspace,
        place: &[Step],
        is_first: bool,
        allow_remote: bool,
    ) -> Result<config::Workspace> {
        let at = |key: &str| [place, &[key.into()]].concat();
        let api_key = match written.api_key {
            Some(key) => self.secret(key, &at("api_key"))?,
            None if is_first => Secret::new(DEFAULT_API_KEY),
            None => {
                let problem = "missing field `api_key`: a second workspace needs its own";
                return Err(self.places.problem(place, problem));
            }
        };
        if !self.keys.insert(api_key.expose().to_owned()) {
            let problem = "api_key: another workspace has it";
            return Err(self.places.problem(&at("api_key"), problem));
        }
        let webhook = written.webhook.map(|webhook| {
            let secret =
                self.secret(webhook.secret, &[at("webhook"), vec!["secret".into()]].concat())?;
            if let Err(Error::InvalidArgument { problem, .. }) =
                check_url(&webhook.url, allow_remote)
            {
                let place = [at("webhook"), vec!["url".into()]].concat();
                return Err(self.places.problem(&place, &format!("url: {problem}")));
            }
            Ok((webhook.url, secret))
        });
        let mut dnc = Vec::new();
        for (index, barred) in written.dnc.into_iter().enumerate() {
            let place = [at("dnc"), vec![Step::Index(index)]].concat();
            let WrittenBarred { number, reason } = match barred {
                Value::String(number) => WrittenBarred { number, reason: None },
                other => self.places.read(other, &place)?,
            };
            self.number(&number, &place)?;
            let reason = reason.unwrap_or_else(|| "Added by the settings".to_owned());
            dnc.push(Barred { number, reason });
        }
        let mut campaigns = Vec::new();
        for (index, campaign) in written.campaigns.into_iter().enumerate() {
            let place = [at("campaigns"), vec![Step::Index(index)]].concat();
            campaigns.push(self.campaign(campaign, &place)?);
        }
        Ok(config::Workspace {
            id: self.id(written.workspace_id, "workspace_id", place)?,
            name: written.name.unwrap_or_default(),
            api_key,
            webhook: webhook.transpose()?,
            dnc,
            campaigns,
        })
    }

    /// A campaign's id and status stand among its settings.
    fn campaign(
        &mut self,
        mut written: Map<String, Value>,
        place: &[Step],
    ) -> Result<config::Campaign> {
        let id = self.text(&mut written, "campaign_id", place)?;
        let id = self.id(id, "campaign_id", place)?;
        let status = self.text(&mut written, "status", place)?;
        let settings: Settings = self.places.read(Value::Object(written), place)?;
        settings.check().map_err(|error| self.places.refuse(place, &error))?;
        let status = status.unwrap_or_else(|| "running".to_owned());
        Ok(config::Campaign { id, status, settings })
    }

    fn text(
        &self,
        written: &mut Map<String, Value>,
        key: &str,
        place: &[Step],
    ) -> Result<Option<String>> {
        let place = [place, &[key.into()]].concat();
        written.remove(key).map(|value| self.places.read(value, &place)).transpose()
    }

    fn id(&mut self, id: Option<String>, key: &str, place: &[Step]) -> Result<Option<Uuid>> {
        let Some(id) = id else { return Ok(None) };
        let place = [place, &[key.into()]].concat();
        let Ok(id) = parse_id(key, &id) else {
            return Err(self.places.problem(&place, &format!("{key}: it is no UUID")));
        };
        if !self.ids.insert(id) {
            return Err(self.places.problem(&place, &format!("{key}: another one has it")));
        }
        Ok(Some(id))
    }

    /// A secret, about which nothing is repeated.
    fn secret(&self, value: Value, place: &[Step]) -> Result<Secret> {
        match value {
            Value::String(text) if !text.is_empty() => Ok(Secret::new(text)),
            Value::String(_) => Err(self.places.problem(place, "it is empty")),
            _ => Err(self.places.problem(place, "it must be text in quotes")),
        }
    }

    fn number(&self, number: &str, place: &[Step]) -> Result<()> {
        if number.chars().filter(char::is_ascii_digit).count() >= 10 {
            return Ok(());
        }
        let problem = "it holds no ten digits, so it is no phone number";
        Err(self.places.problem(place, problem))
    }
}
