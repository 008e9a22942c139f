//! What can be asked of a world. Every one is a value, so that it can be written down and done again.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::fault::Fault;
use super::outcome::{Line, Outcome, Turn, number_key};
use super::plan::Counts;
use super::record::Pushed;
use super::runner::Effect;
use super::settings::Settings;
use super::time::Time;
use super::world::{Barred, Webhook, Workspace, World};
use super::{handset, hangup};
use revrag::{Error, Result, Secret};

/// What can be asked of a world.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Command {
    /// Queue records.
    Push {
        /// The campaign, as an index.
        campaign: usize,
        /// The records, all valid.
        records: Vec<Pushed>,
    },
    /// Set a campaign's status: start, pause, resume, cancel.
    SetStatus {
        /// The campaign, as an index.
        campaign: usize,
        /// `running`, `paused`, `completed`, `cancelled`, or another.
        status: String,
    },
    /// Set a campaign's settings.
    SetSettings {
        /// The campaign, as an index.
        campaign: usize,
        /// All of them.
        settings: Box<Settings>,
    },
    /// Add a workspace.
    AddWorkspace(Workspace),
    /// Set where a workspace's calls are told of, or that nobody is.
    SetWebhook {
        /// The workspace, as an index.
        workspace: usize,
        /// Where.
        webhook: Option<Webhook>,
    },
    /// Add a campaign.
    AddCampaign {
        /// The workspace, as an index.
        workspace: usize,
        /// Its id.
        id: Uuid,
        /// Its status.
        status: String,
        /// Its settings.
        settings: Box<Settings>,
    },
    /// Say how calls to a number go: the n-th attempt of a record by the n-th line, later ones by
    /// the last. No line takes the script away.
    Script {
        /// The number, in any notation.
        number: String,
        /// The lines.
        lines: Vec<Line>,
    },
    /// Put a number on a workspace's Do-Not-Call list.
    Bar {
        /// The workspace, as an index.
        workspace: usize,
        /// The number, in any notation.
        number: String,
        /// Why.
        reason: String,
    },
    /// Take a number off it.
    Unbar {
        /// The workspace, as an index.
        workspace: usize,
        /// The number, in any notation.
        number: String,
    },
    /// Say something in a live call.
    Say {
        /// The call, as an index.
        call: usize,
        /// What is said, and by whom.
        turn: Turn,
    },
    /// End a live call now, with this outcome.
    HangUp {
        /// The call, as an index.
        call: usize,
        /// How it ends.
        outcome: Outcome,
    },
    /// An ended call was told of.
    Told {
        /// The event's number.
        event: u64,
    },
    /// Have a person play a number, or no longer: calls to it ring until they are answered.
    Handset {
        /// The number, in any notation.
        number: String,
        /// Whether a person does.
        on: bool,
    },
    /// Answer a call that rings at the handset.
    Answer {
        /// The call, as an index.
        call: usize,
    },
    /// An attempt to tell of an ended call failed.
    Untold {
        /// The event's number.
        event: u64,
    },
    /// Tell of an ended call once more.
    Resend {
        /// The call, as an index.
        call: usize,
    },
    /// Sign with another secret from now on, and with the one so far too for a while.
    RotateSecret {
        /// The workspace, as an index.
        workspace: usize,
        /// The new secret.
        #[serde(with = "super::world::plain")]
        secret: Secret,
        /// Until when the old one signs too.
        until: Time,
    },
    /// Have something go wrong.
    Fault(#[serde(with = "super::fault::as_json")] Box<Fault>),
    /// Take away one fault, or all.
    ClearFaults {
        /// Its number.
        id: Option<u64>,
    },
    /// Faults had their chance with a request.
    Struck {
        /// How often they have struck by now.
        counts: Counts,
    },
}

/// What came of a command.
#[derive(Debug, Default)]
pub struct Applied {
    /// The run ids of what was pushed.
    pub run_ids: Vec<Uuid>,
    /// What happened at once.
    pub effects: Vec<Effect>,
    /// The number of the fault that was ordered, else 0.
    pub fault: u64,
}

impl Command {
    /// Refuses what can't be done; after this, nothing of [`Command::apply`] fails.
    pub fn check(&self, world: &World) -> Result<()> {
        let known = |there: bool, name: &str, problem: &str| {
            if there { Ok(()) } else { Err(Error::invalid(name, problem)) }
        };
        let campaign = |index: usize| {
            known(index < world.campaigns.len(), "campaign", "there is no such campaign")
        };
        let workspace = |index: usize| {
            known(index < world.workspaces.len(), "workspace", "there is no such workspace")
        };
        let live = |index: usize| {
            let live = world.calls.get(index).is_some_and(|call| !call.ended);
            known(live, "call", "it has ended, or there is no such call")
        };
        let number = |number: &str| {
            let problem = "it holds no ten digits, so it is no phone number";
            let digits = number.chars().filter(char::is_ascii_digit).count();
            known(digits >= 10, "number", problem)
        };
        match self {
            Self::Push { campaign: index, .. } | Self::SetStatus { campaign: index, .. } => {
                campaign(*index)
            }
            Self::SetSettings { campaign: index, settings } => {
                campaign(*index)?;
                settings.check()
            }
            Self::AddWorkspace(added) => {
                let key = added.api_key.expose();
                known(!key.is_empty(), "api_key", "it is empty")?;
                let taken = world.workspaces.iter().any(|it| it.api_key.expose() == key);
                known(!taken, "api_key", "another workspace has it")
            }
            Self::AddCampaign { workspace: index, id, settings, .. } => {
                workspace(*index)?;
                let taken = world.campaigns.iter().any(|it| it.id == *id);
                known(!taken, "campaign_id", "there is a campaign with this id")?;
                settings.check()
            }
            Self::Script { number: text, .. } | Self::Handset { number: text, .. } => number(text),
            Self::Bar { workspace: index, number: text, .. }
            | Self::Unbar { workspace: index, number: text } => {
                workspace(*index)?;
                number(text)
            }
            Self::SetWebhook { workspace: index, .. } => workspace(*index),
            Self::Say { call, .. } | Self::HangUp { call, .. } => live(*call),
            Self::Answer { call } => {
                live(*call)?;
                let rings = world.calls[*call].person == super::call::Person::Called;
                known(rings, "call", "it does not ring at the handset")
            }
            Self::Told { .. }
            | Self::Untold { .. }
            | Self::ClearFaults { .. }
            | Self::Struck { .. } => Ok(()),
            Self::Fault(fault) => world.plan.check(fault),
            Self::Resend { call } => {
                let ended = world.calls.get(*call).is_some_and(|call| call.ended);
                known(ended, "call", "it has not ended, or there is no such call")?;
                let campaign = &world.campaigns[world.calls[*call].campaign as usize];
                let told = world.workspaces[campaign.workspace].webhook.is_some();
                known(told, "call", "its workspace has no webhook; set one first")
            }
            Self::RotateSecret { workspace: index, secret, .. } => {
                workspace(*index)?;
                let told = world.workspaces[*index].webhook.is_some();
                known(told, "workspace", "it has no webhook; set one first")?;
                known(!secret.expose().is_empty(), "webhook_secret", "it is empty")
            }
        }
    }

    /// Does it to a world that was run up to `at`, and for which it was checked.
    pub fn apply(self, world: &mut World, at: Time) -> Result<Applied> {
        let effects = super::runner::run(world, at);
        let mut applied = Applied { effects, ..Applied::default() };
        let now = world.now;
        match self {
            Self::Push { campaign, records } => applied.run_ids = world.push(campaign, records),
            Self::SetStatus { campaign, status } => world.campaigns[campaign].set_status(status),
            Self::SetSettings { campaign, settings } => {
                world.campaigns[campaign].set_settings(*settings)?;
            }
            Self::AddWorkspace(workspace) => world.workspaces.push(workspace),
            Self::SetWebhook { workspace, webhook } => {
                world.workspaces[workspace].webhook = webhook;
            }
            Self::AddCampaign { workspace, id, status, settings } => {
                world.add_campaign(workspace, id, status, *settings)?;
            }
            Self::Script { number, lines } => {
                let number = number_key(&number);
                if lines.is_empty() {
                    world.scripts.remove(&number);
                } else {
                    world.scripts.insert(number, lines);
                }
            }
            Self::Bar { workspace, number, reason } => {
                let barred = Barred { number, at: now, reason };
                hangup::list(world, workspace, barred, &mut applied.effects);
            }
            Self::Unbar { workspace, number } => {
                world.workspaces[workspace].dnc.remove(&number_key(&number));
            }
            // A call may have ended on the way to `at`.
            Self::Say { call, turn } => handset::say(world, call, turn),
            Self::HangUp { call, outcome } if !world.calls[call].ended => {
                handset::farewell(world, call, outcome);
                hangup::cut(world, call, outcome, now);
                applied.effects.extend(super::runner::run(world, now));
            }
            Self::HangUp { .. } => {}
            Self::Handset { number, on: true } => {
                world.handset.insert(number_key(&number), number);
            }
            Self::Handset { number, on: false } => {
                world.handset.remove(&number_key(&number));
            }
            Self::Answer { call } => handset::answer(world, call),
            Self::Told { event } => world.told(event),
            Self::Untold { event } => world.untold_yet(event),
            Self::Resend { call } => {
                world.post(call);
            }
            Self::RotateSecret { workspace, secret, until } => {
                if let Some(webhook) = &mut world.workspaces[workspace].webhook {
                    let old = std::mem::replace(&mut webhook.secret, secret);
                    webhook.previous = Some((old, until));
                }
            }
            Self::Fault(fault) => applied.fault = world.plan.add(*fault),
            Self::ClearFaults { id } => world.plan.clear(id),
            Self::Struck { counts } => world.plan.set_counts(&counts),
        }
        Ok(applied)
    }
}
