//! A campaign: its settings, its records, and the lines they wait in.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::calendar::Calendar;
use super::history::History;
use super::outcome::{hash, number_key};
use super::ranked::Ranked;
use super::record::{Entry, Line, Status};
use super::rows::Rows;
use super::runner::Event;
use super::settings::Settings;
use super::time::Time;
use revrag::Result;

/// A campaign. Everything but its settings, records and status follows from them, and is kept for
/// speed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Campaign {
    /// Its id.
    pub id: Uuid,
    /// The workspace it belongs to, as an index.
    pub workspace: usize,
    status: String,
    settings: Settings,
    records: Rows<Entry>,
    history: History,
    #[serde(skip)]
    pub(super) kept: Option<Kept>,
}

/// What follows from a campaign.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) calendar: Calendar,
    /// By status: the records.
    statuses: [Ranked; 8],
    /// By line: the records, by when they are due.
    pub(super) first: BTreeSet<(Time, u32)>,
    pub(super) again: BTreeSet<(Time, u32)>,
    pub(super) barred: BTreeSet<(Time, u32)>,
    /// The live calls, by when they end.
    pub(super) live: BTreeSet<(Time, u32)>,
    /// The last record of each number. In parts: one that grows is moved as a whole.
    numbers: Vec<HashMap<u64, u32>>,
    /// For eager attempts and others: a stretch in which the gates are known to be open.
    pub(super) open: [Option<(Time, Time)>; 2],
    /// What happens next, as long as nothing changes.
    #[allow(clippy::option_option, reason = "what is not known, and that there is nothing")]
    pub(super) next: Option<Option<Event>>,
}

impl Campaign {
    pub(super) fn new(
        id: Uuid,
        workspace: usize,
        status: String,
        settings: Settings,
    ) -> Result<Self> {
        let mut campaign = Self {
            id,
            workspace,
            status,
            settings,
            records: Rows::default(),
            history: History::default(),
            kept: None,
        };
        campaign.keep()?;
        Ok(campaign)
    }

    /// Makes what follows from the records anew. Live calls are the world's to add.
    pub(super) fn keep(&mut self) -> Result<()> {
        let mut kept = Kept {
            calendar: Calendar::of(&self.settings)?,
            statuses: std::array::from_fn(|_| Ranked::default()),
            first: BTreeSet::new(),
            again: BTreeSet::new(),
            barred: BTreeSet::new(),
            live: BTreeSet::new(),
            numbers: vec![HashMap::new(); PARTS],
            open: [None; 2],
            next: None,
        };
        for (index, entry) in self.records.iter().enumerate() {
            kept.statuses[entry.status as usize].insert(index);
            let index = short(index);
            kept.set_last(number_key(&entry.phone_number), index);
            if let Some(line) = kept.line(entry.line) {
                line.insert((entry.due, index));
            }
        }
        self.kept = Some(kept);
        Ok(())
    }

    #[allow(clippy::expect_used, reason = "`new` and `keep` fill it before anyone sees a campaign")]
    pub(super) fn kept(&self) -> &Kept {
        self.kept.as_ref().expect("kept")
    }

    /// To change something, after which what happens next is no longer known.
    #[allow(clippy::expect_used, reason = "as in `kept`")]
    pub(super) fn touch(&mut self) -> (&mut Rows<Entry>, &mut Kept) {
        let kept = self.kept.as_mut().expect("kept");
        kept.next = None;
        (&mut self.records, kept)
    }

    /// Its lifecycle status.
    pub fn status(&self) -> &str {
        &self.status
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// When its gates stand open.
    pub fn calendar(&self) -> &Calendar {
        &self.kept().calendar
    }

    /// Its records, in the order pushed.
    pub fn records(&self) -> &Rows<Entry> {
        &self.records
    }

    /// Its counts over time.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Whether it places calls and accepts pushes.
    pub fn is_running(&self) -> bool {
        self.status == "running"
    }

    /// Whether it places no call any more.
    pub fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "completed" | "cancelled")
    }

    /// Calls at this moment.
    pub fn live(&self) -> usize {
        self.kept().live.len()
    }

    /// When the first of its live calls ends.
    pub fn next_end(&self) -> Option<Time> {
        self.kept().live.first().map(|(end, _)| *end)
    }

    /// How many records have this status: kept, not counted.
    pub fn count(&self, status: Status) -> usize {
        self.kept().statuses[status as usize].len()
    }

    /// Its live calls, the one that ends first before the others.
    pub fn live_calls(&self) -> impl Iterator<Item = usize> {
        self.kept().live.iter().map(|(_, call)| *call as usize)
    }

    /// When the first of the records that wait is due.
    pub fn next_due(&self) -> Option<Time> {
        let kept = self.kept();
        let fronts = [&kept.first, &kept.again, &kept.barred].map(|line| line.first());
        fronts.into_iter().flatten().map(|(due, _)| *due).min()
    }

    /// How many records wait for a call.
    pub fn waiting(&self) -> usize {
        let kept = self.kept();
        kept.first.len() + kept.again.len() + kept.barred.len()
    }

    /// Records of this status, or all, newest first, without the first `skipped`.
    pub fn listed(
        &self,
        status: Option<Status>,
        skipped: usize,
    ) -> Box<dyn Iterator<Item = usize> + '_> {
        match status {
            None => Box::new((0..self.records.len()).rev().skip(skipped)),
            Some(status) => Box::new(self.kept().statuses[status as usize].descending(skipped)),
        }
    }

    /// The records of a number, newest first.
    pub fn of_number(&self, number: u64) -> impl Iterator<Item = usize> {
        let last = self.kept().numbers[part(number)].get(&number).copied();
        std::iter::successors(last, |index| self.records[*index as usize].same_number)
            .map(|index| index as usize)
    }

    pub(super) fn set_status(&mut self, status: String) {
        self.touch();
        self.status = status;
    }

    pub(super) fn set_settings(&mut self, settings: Settings) -> Result<()> {
        let calendar = Calendar::of(&settings)?;
        self.settings = settings;
        let (_, kept) = self.touch();
        kept.calendar = calendar;
        kept.open = [None; 2];
        Ok(())
    }

    /// Adds a record that waits in `line`; its index.
    pub(super) fn add(&mut self, mut entry: Entry) -> usize {
        let index = self.records.len();
        let number = number_key(&entry.phone_number);
        let (_, kept) = self.touch();
        kept.statuses[entry.status as usize].insert(index);
        entry.same_number = kept.set_last(number, short(index));
        if let Some(line) = kept.line(entry.line) {
            line.insert((entry.due, short(index)));
        }
        let (now, counts) = (entry.created_at, kept.counts());
        self.history.note(now, counts);
        self.records.push(entry)
    }

    /// Moves a record to another status and line.
    pub(super) fn turn(&mut self, index: usize, status: Status, line: Line, due: Time, now: Time) {
        let (records, kept) = self.touch();
        let entry = &mut records[index];
        if entry.status != status {
            kept.statuses[entry.status as usize].remove(index);
            kept.statuses[status as usize].insert(index);
        }
        if let Some(old) = kept.line(entry.line) {
            old.remove(&(entry.due, short(index)));
        }
        if let Some(new) = kept.line(line) {
            new.insert((due, short(index)));
        }
        (entry.status, entry.line, entry.due, entry.updated_at) = (status, line, due, now);
        let counts = kept.counts();
        self.history.note(now, counts);
    }
}

/// Parts of the table of numbers.
const PARTS: usize = 256;

fn part(number: u64) -> usize {
    usize::try_from(hash([number, 0, 0, 0]) % PARTS as u64).unwrap_or_default()
}

impl Kept {
    fn counts(&self) -> [u32; 8] {
        std::array::from_fn(|status| short(self.statuses[status].len()))
    }

    /// Makes a record the last of its number; the one that was.
    fn set_last(&mut self, number: u64, index: u32) -> Option<u32> {
        self.numbers[part(number)].insert(number, index)
    }

    fn line(&mut self, line: Line) -> Option<&mut BTreeSet<(Time, u32)>> {
        match line {
            Line::No => None,
            Line::First => Some(&mut self.first),
            Line::Again => Some(&mut self.again),
            Line::Barred => Some(&mut self.barred),
        }
    }
}

/// An index, as it is kept.
pub(super) fn short(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
