//! The world that a sandbox begins with, and begins anew with.

use std::collections::BTreeMap;

use super::command::Command;
use super::config::{self, Config, MANUAL_START, Pace, WORKSPACE_ID};
use super::time::Time;
use super::world::{Kind, Webhook, Workspace, World};
use revrag::{Result, Secret};

/// The webhook of a configuration's first workspace.
pub(super) fn webhook(config: &Config) -> Option<Webhook> {
    let (url, secret) = (config.webhook_url.clone()?, config.webhook_secret.clone()?);
    Some(Webhook { url, secret, previous: None })
}

/// All that a configuration says, at the moment at which its time begins.
pub(super) fn first_world(config: &Config) -> Result<World> {
    let now = match (config.pace, config.start) {
        (_, Some(start)) => start,
        (Pace::ByHand, None) => MANUAL_START,
        _ => Time::of_the_machine(),
    };
    let mut world = World::new(config.seed, now);
    let it = &config.beside;
    let first = config::Campaign {
        id: Some(config.campaign_id),
        status: config.campaign_status.clone(),
        settings: config.settings.clone(),
    };
    let first = config::Workspace {
        id: Some(it.workspace_id.unwrap_or(WORKSPACE_ID)),
        name: it.name.clone().unwrap_or_else(|| "Sandbox".to_owned()),
        api_key: config.api_key.clone(),
        webhook: config.webhook_url.clone().zip(config.webhook_secret.clone()),
        dnc: it.dnc.clone(),
        campaigns: std::iter::once(first).chain(it.campaigns.iter().cloned()).collect(),
    };
    for workspace in std::iter::once(&first).chain(&it.workspaces) {
        add(&mut world, workspace)?;
    }
    for (number, lines) in &it.scripts {
        let script = Command::Script { number: number.clone(), lines: lines.clone() };
        order(&mut world, script)?;
    }
    for number in &it.handset {
        order(&mut world, Command::Handset { number: number.clone(), on: true })?;
    }
    for fault in it.faults.iter().filter(|fault| !fault.is_at_once()) {
        order(&mut world, Command::Fault(Box::new(fault.clone())))?;
    }
    Ok(world)
}

fn add(world: &mut World, it: &config::Workspace) -> Result<()> {
    let workspace = world.workspaces().len();
    let to_webhook = |(url, secret): (String, Secret)| Webhook { url, secret, previous: None };
    let added = Workspace {
        id: it.id.unwrap_or_else(|| world.id(Kind::Workspace, workspace as u64)),
        name: it.name.clone(),
        api_key: it.api_key.clone(),
        webhook: it.webhook.clone().map(to_webhook),
        dnc: BTreeMap::new(),
    };
    order(world, Command::AddWorkspace(added))?;
    for campaign in &it.campaigns {
        let number = world.campaigns().len() as u64;
        let id = campaign.id.unwrap_or_else(|| world.id(Kind::Campaign, number));
        let (status, settings) = (campaign.status.clone(), Box::new(campaign.settings.clone()));
        order(world, Command::AddCampaign { workspace, id, status, settings })?;
    }
    for barred in &it.dnc {
        let (number, reason) = (barred.number.clone(), barred.reason.clone());
        order(world, Command::Bar { workspace, number, reason })?;
    }
    Ok(())
}

fn order(world: &mut World, command: Command) -> Result<()> {
    command.check(world)?;
    let at = world.now();
    command.apply(world, at).map(drop)
}
