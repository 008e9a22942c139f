//! Everything there is: workspaces, campaigns, records, calls. No I/O, no clock, no randomness.
//!
//! A world changes in two ways: time passes ([`super::runner::step`]), and a [`super::Command`] is
//! applied. The same commands at the same moments make the same world, whatever the steps between.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::call::Call;
use super::campaign::{Campaign, short};
use super::ids;
use super::outcome::{Line, hash, number_key};
use super::plan::Plan;
use super::post::Letter;
use super::record::{Entry, Line as Queue, Pushed, Status};
use super::rows::Rows;
use super::settings::Settings;
use super::time::Time;
use revrag::{Error, Result, Secret};

/// Those who share a key, campaigns and a Do-Not-Call list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Workspace {
    /// Its id.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// Its API key.
    #[serde(with = "plain")]
    pub api_key: Secret,
    /// Where to tell of ended calls.
    pub webhook: Option<Webhook>,
    /// Its Do-Not-Call list, by the numbers' last ten digits.
    pub dnc: BTreeMap<u64, Barred>,
}

/// Where to tell of ended calls.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Webhook {
    /// The URL.
    pub url: String,
    /// What signs the deliveries.
    #[serde(with = "plain")]
    pub secret: Secret,
    /// The secret before that, which signs too until then.
    #[serde(with = "plain_until")]
    pub previous: Option<(Secret, Time)>,
}

/// A number on a Do-Not-Call list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Barred {
    /// The number, as it came.
    pub number: String,
    /// Since when.
    pub at: Time,
    /// Why.
    pub reason: String,
}

/// Everything there is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct World {
    pub(super) seed: u64,
    pub(super) now: Time,
    pub(super) workspaces: Vec<Workspace>,
    pub(super) campaigns: Vec<Campaign>,
    pub(super) calls: Rows<Call>,
    /// By its number among all that was pushed: a record's campaign and index.
    pushed: Rows<(u32, u32)>,
    pub(super) scripts: BTreeMap<u64, Vec<Line>>,
    /// Calls whose end is to be told, in the order they ended, until that is done with.
    pub(super) outbox: BTreeMap<u64, Letter>,
    /// The same by when they are due.
    #[serde(skip)]
    pub(super) posts: BTreeSet<(Time, u64)>,
    pub(super) events: u64,
    pub(super) handset: BTreeMap<u64, String>,
    /// The faults on order.
    pub(super) plan: Plan,
}

/// What ids are made for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Run = 2,
    Call = 3,
    Workspace = 4,
    Campaign = 5,
}

impl World {
    /// A world without workspaces.
    pub fn new(seed: u64, now: Time) -> Self {
        Self {
            seed,
            now,
            workspaces: Vec::new(),
            campaigns: Vec::new(),
            calls: Rows::default(),
            pushed: Rows::default(),
            scripts: BTreeMap::new(),
            outbox: BTreeMap::new(),
            posts: BTreeSet::new(),
            events: 0,
            handset: BTreeMap::new(),
            plan: Plan::default(),
        }
    }

    /// How far it has been run.
    pub fn now(&self) -> Time {
        self.now
    }

    /// What is drawn from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Its workspaces. The first is the one a sandbox starts with.
    pub fn workspaces(&self) -> &[Workspace] {
        &self.workspaces
    }

    /// Its campaigns. The first is the one a sandbox starts with.
    pub fn campaigns(&self) -> &[Campaign] {
        &self.campaigns
    }

    /// Its calls, in the order placed.
    pub fn calls(&self) -> &Rows<Call> {
        &self.calls
    }

    /// The live calls, campaign by campaign.
    pub fn live_calls(&self) -> impl Iterator<Item = usize> {
        self.campaigns.iter().flat_map(Campaign::live_calls)
    }

    /// The scripts, by the numbers' last ten digits.
    pub fn scripts(&self) -> &BTreeMap<u64, Vec<Line>> {
        &self.scripts
    }

    /// The numbers that a person plays, by their last ten digits.
    pub fn handset(&self) -> &BTreeMap<u64, String> {
        &self.handset
    }

    /// The faults on order.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// A campaign of this workspace; one of another is not there.
    pub fn campaign(&self, workspace: usize, id: Uuid) -> Option<usize> {
        self.campaigns.iter().position(|it| it.id == id && it.workspace == workspace)
    }

    /// A campaign's record.
    pub fn record(&self, campaign: usize, id: Uuid) -> Option<usize> {
        let number = ids::number(self.seed, Kind::Run as u64, id)?;
        let (of, record) = *self.pushed.get(usize::try_from(number).ok()?)?;
        (of == short(campaign)).then_some(record as usize)
    }

    /// A workspace's call.
    pub fn call(&self, workspace: usize, id: Uuid) -> Option<usize> {
        let index = self.any_call(id)?;
        let campaign = self.calls[index].campaign as usize;
        (self.campaigns[campaign].workspace == workspace).then_some(index)
    }

    /// Any call, whoever's it is.
    pub fn any_call(&self, id: Uuid) -> Option<usize> {
        let number = ids::number(self.seed, Kind::Call as u64, id)?;
        usize::try_from(number).ok().filter(|index| *index < self.calls.len())
    }

    /// A record's calls, in the order placed.
    pub fn calls_of(&self, record: &Entry) -> Vec<usize> {
        let back =
            std::iter::successors(record.last_call, |call| self.calls[*call as usize].previous);
        let mut calls: Vec<_> = back.map(|call| call as usize).collect();
        calls.reverse();
        calls
    }

    /// The entry of a workspace's Do-Not-Call list for a number.
    pub fn barred(&self, workspace: usize, phone_number: &str) -> Option<&Barred> {
        self.workspaces[workspace].dnc.get(&number_key(phone_number))
    }

    /// The id of the event that tells of a call's end.
    pub fn event_id(&self, call: usize) -> String {
        const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let call = call as u64;
        let bits = [hash([self.seed, call, 0, 4]), hash([self.seed, call, 0, 5])];
        let digit = |place: usize| {
            let five = (bits[place % 2] >> (place / 2 * 4)).to_le_bytes()[0] % 32;
            char::from(DIGITS[usize::from(five)])
        };
        "evt_".chars().chain((0..26).map(digit)).collect()
    }

    pub(super) fn push(&mut self, campaign: usize, records: Vec<Pushed>) -> Vec<Uuid> {
        let now = self.now;
        let place = short(campaign);
        let mut ids = Vec::with_capacity(records.len());
        for pushed in records {
            let number = self.pushed.len() as u64;
            let id = self.id(Kind::Run, number);
            let it = &mut self.campaigns[campaign];
            let barred =
                self.workspaces[it.workspace].dnc.contains_key(&number_key(&pushed.phone_number));
            let settings = it.settings();
            let index = it.add(Entry {
                id,
                number,
                phone_number: pushed.phone_number,
                variables: pushed.variables,
                app_user_id: pushed.app_user_id,
                app_session_id: pushed.app_session_id,
                status: Status::Queued,
                attempts: 0,
                max_attempts: settings.max_attempts,
                callbacks: 0,
                follow_ups: 0,
                last_call: None,
                due: now.after(settings.dispatch_after),
                created_at: now,
                updated_at: now,
                dnc: None,
                line: if barred { Queue::Barred } else { Queue::First },
                same_number: None,
            });
            self.pushed.push((place, short(index)));
            ids.push(id);
        }
        ids
    }

    pub(super) fn place(&mut self, call: Call) -> usize {
        self.calls.push(call)
    }

    pub(super) fn add_campaign(
        &mut self,
        workspace: usize,
        id: Uuid,
        status: String,
        settings: Settings,
    ) -> Result<()> {
        self.campaigns.push(Campaign::new(id, workspace, status, settings)?);
        Ok(())
    }

    /// The id of the `number`-th of its kind.
    pub(super) fn id(&self, kind: Kind, number: u64) -> Uuid {
        ids::id(self.seed, kind as u64, number)
    }

    /// The whole of it, as bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let broken = |error: postcard::Error| Error::invalid("snapshot", error.to_string());
        let mut bytes = MARK.to_vec();
        bytes = postcard::to_extend(self, bytes).map_err(broken)?;
        let sum = crc32fast::hash(&bytes);
        bytes.extend(sum.to_le_bytes());
        Ok(bytes)
    }

    /// One that was made to bytes.
    pub fn of_bytes(bytes: &[u8]) -> Result<Self> {
        let refuse = |problem: &str| Error::invalid("snapshot", problem);
        if !bytes.starts_with(MARK) {
            return Err(refuse(if bytes.starts_with(NAME) {
                "another version of revrag took it; take another with this one"
            } else {
                "it is no snapshot of a sandbox"
            }));
        }
        let broken = || refuse("it is damaged; take another");
        let (body, sum) = bytes.split_last_chunk::<4>().ok_or_else(broken)?;
        if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
            return Err(broken());
        }
        let body = body.get(MARK.len()..).ok_or_else(broken)?;
        let mut world: Self = postcard::from_bytes(body).map_err(|_| broken())?;
        for campaign in &mut world.campaigns {
            campaign.keep()?;
        }
        for (index, call) in world.calls.iter().enumerate().filter(|(_, call)| !call.ended) {
            let (_, kept) = world.campaigns[call.campaign as usize].touch();
            kept.live.insert((call.ends_at, short(index)));
        }
        world.sort_posts();
        Ok(world)
    }
}

/// What the snapshots of all versions begin with.
const NAME: &[u8] = b"revrag sandbox ";
/// What a snapshot begins with; its number changes with what a world is made of.
const MARK: &[u8] = b"revrag sandbox 3\n";

/// Secrets in a snapshot: it is as secret as they are.
pub(super) mod plain {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use revrag::Secret;

    pub(in super::super) fn serialize<S: Serializer>(
        it: &Secret,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        it.expose().serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Secret, D::Error> {
        String::deserialize(from).map(Secret::new)
    }
}

/// The same of a secret that is good until some moment.
mod plain_until {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Time;
    use revrag::Secret;

    #[allow(clippy::ref_option, reason = "the signature that serde asks for")]
    pub(super) fn serialize<S: Serializer>(
        it: &Option<(Secret, Time)>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        it.as_ref().map(|(secret, until)| (secret.expose(), until)).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<(Secret, Time)>, D::Error> {
        let it = Option::<(String, Time)>::deserialize(from)?;
        Ok(it.map(|(secret, until)| (Secret::new(secret), until)))
    }
}
