//! What whoever runs the sandbox asks of it: workspaces, campaigns, webhooks and snapshots.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::begin::first_world;
use super::command::Command;
use super::engine::Engine;
use super::post;
use super::settings::Settings;
use super::time::Seconds;
use super::world::{Kind, Webhook, Workspace, World};
use revrag::{Error, Result, Secret};

impl Engine {
    /// Adds a workspace; its id.
    pub fn add_workspace(&self, name: String, api_key: Secret) -> Result<Uuid> {
        self.turn(|held| {
            let id = held.world().id(Kind::Workspace, held.world().workspaces().len() as u64);
            let dnc = BTreeMap::new();
            let workspace = Workspace { id, name, api_key, webhook: None, dnc };
            held.apply(Command::AddWorkspace(workspace)).map(|_| id)
        })
    }

    /// Adds a campaign; its id.
    pub fn add_campaign(
        &self,
        workspace: usize,
        id: Option<Uuid>,
        status: String,
        settings: Settings,
    ) -> Result<Uuid> {
        self.turn(|held| {
            let fresh = || held.world().id(Kind::Campaign, held.world().campaigns().len() as u64);
            let id = id.unwrap_or_else(fresh);
            let settings = Box::new(settings);
            held.apply(Command::AddCampaign { workspace, id, status, settings }).map(|_| id)
        })
    }

    /// Sets where a workspace's calls are told of, or that nobody is.
    pub fn set_webhook(&self, workspace: usize, to: Option<(String, Secret)>) -> Result<()> {
        let webhook = to.map(|(url, secret)| {
            post::check_url(&url, self.config.allow_remote_webhooks)?;
            Ok::<_, Error>(Webhook { url, secret, previous: None })
        });
        self.order(Command::SetWebhook { workspace, webhook: webhook.transpose()? }).map(drop)
    }

    /// Signs a workspace's deliveries with another secret, and with the one so far too for a while.
    pub fn rotate_secret(&self, workspace: usize, secret: Secret, overlap: Seconds) -> Result<()> {
        self.turn(|held| {
            held.catch_up();
            let until = held.now().after(overlap);
            held.apply(Command::RotateSecret { workspace, secret, until }).map(drop)
        })
    }

    /// Tells of an ended call once more, under the same id.
    pub fn resend(&self, call: usize) -> Result<()> {
        self.order(Command::Resend { call }).map(drop)
    }

    /// The whole of it, as bytes. It holds the API keys and secrets.
    pub fn snapshot(&self) -> Result<Vec<u8>> {
        self.turn(|held| {
            held.catch_up();
            held.world().to_bytes()
        })
    }

    /// Takes back a snapshot. Time by hand is then the snapshot's.
    pub fn restore(&self, snapshot: &[u8]) -> Result<()> {
        let world = World::of_bytes(snapshot)?;
        self.replace(world)
    }

    /// Begins anew: as it was started, with nothing pushed.
    pub fn reset(&self) -> Result<()> {
        self.replace(first_world(&self.config)?)
    }
}
