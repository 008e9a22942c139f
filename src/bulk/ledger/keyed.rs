//! Rows that are known by keys: what is asked before any of them is sent, and how those in doubt are
//! looked for.
//!
//! The campaign's listing is read as a whole, and rows whose tokens it shows stay home. That it would
//! show the others, too, must be *proven*: by an empty campaign; by a token of any upload that it
//! shows; or by one row whose number it does not show, which goes first and must come back under its token.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use fixedbitset::FixedBitSet;

use super::super::chunk::Chunk;
use super::super::options::Existing;
use super::super::seal::{Seal, Sealer};
use super::super::source::room;
use super::belief::{Belief, believe, prove};
use super::book::Book;
use super::ending::Stage;
use super::event::{Cause, Effect};
use super::index::{Place, State};
use super::known::Known;
use super::look::{Look, Over, Show};
use super::own::Reader;
use super::proof::{Circumstances, Proof, Unproven, Verdict};
use super::roster::{Roster, Sought, Standing};
use super::scan::Scan;
use super::settling::{Judged, LOOKS, unread};
use super::{Keyed, Ledger, own};

/// The least pause between two looks before anything is sent.
const PAUSE: Duration = Duration::from_millis(200);

/// What is known of rows by their keys.
#[derive(Debug)]
pub(super) struct Keys {
    existing: Existing,
    sealer: Sealer,
    /// What all tokens begin with.
    prefix: Option<Box<str>>,
    known: Arc<Known>,
    /// Whether requests of before may be on their way still.
    was_cut_off: bool,
    /// What each row's token comes to, in the order of the source.
    seals: Vec<Seal>,
    /// The tokens of rows in doubt, and their numbers.
    tokens: HashMap<u64, (Box<str>, u64)>,
    /// Those of them that another upload sent: it may have been with another number.
    inherited: HashSet<u64>,
    /// The longest token.
    longest: u8,
    belief: Belief,
    not_before: Duration,
    fruitless: u32,
}

impl Keys {
    pub(super) fn new(keyed: Keyed) -> Self {
        let Keyed { existing, sealer, prefix, known, was_cut_off } = keyed;
        Self {
            existing,
            sealer,
            prefix: prefix.map(Into::into),
            known,
            was_cut_off,
            seals: Vec::new(),
            tokens: HashMap::new(),
            inherited: HashSet::new(),
            longest: 0,
            belief: Belief::None,
            not_before: Duration::ZERO,
            fruitless: 0,
        }
    }

    /// Makes room for so many rows.
    pub(super) fn make_room(&mut self, rows: u64) {
        let _ = self.seals.try_reserve(room(rows));
    }

    /// Takes in what rows are known by.
    pub(super) fn take(&mut self, chunk: &Chunk) {
        let before = self.seals.len();
        self.seals.extend_from_slice(chunk.seals());
        let longest = self.seals[before..].iter().map(|seal| seal.length).max();
        self.longest = self.longest.max(longest.unwrap_or_default());
    }

    /// A row may be there: its token is needed to look for it.
    pub(super) fn doubts(&mut self, row: u64, json: &[u8], number: u64) {
        self.tokens.extend(own::session(json).map(|token| (row, (token.into(), number))));
    }

    /// Another upload sent a row.
    pub(super) fn inherits(&mut self, row: u64) {
        self.inherited.insert(row);
    }

    /// Why it is not known whether a row is there, by the journal alone.
    pub(super) fn doubt(&self, seal: Option<Seal>) -> Option<&str> {
        if self.existing == Existing::Campaign { None } else { self.known.doubt(seal?) }
    }

    /// What the campaign shows, as far as it was read: nothing, yet.
    fn roster(&self, reader: Reader) -> Roster {
        Roster::new(reader, self.sealer, self.prefix.clone())
    }

    fn seal(&self, row: u64) -> Option<Seal> {
        self.seals.get(usize::try_from(row).ok()?).copied()
    }
}

impl Ledger {
    /// Whether it reads the campaign before anything else.
    pub(super) fn is_surveying(&self) -> bool {
        self.phase.stage == Stage::Surveying
    }

    /// The campaign and the source were checked: rows are read, once it is known which are there.
    pub(super) fn begin_rows(&mut self, now: Duration) {
        let Some(keys) = &mut self.keys else {
            self.phase.stage = Stage::Running;
            return;
        };
        if keys.existing == Existing::Campaign {
            // What was on its way when another upload was cut off, the service may finish yet.
            let is_open = keys.was_cut_off || keys.known.doubts() > 0;
            let wait = if is_open { self.setting.settle_after } else { Duration::ZERO };
            keys.not_before = now.saturating_add(wait);
            self.phase.stage = Stage::Surveying;
            return;
        }
        keys.belief = Belief::Proven;
        self.know(None);
    }

    /// Tells what is known of rows, and reads them.
    fn know(&mut self, roster: Option<Roster>) {
        let Some(keys) = &self.keys else { return };
        let book = Book { reader: self.setting.reader(), roster, known: keys.known.clone() };
        self.out.push(Effect::Know(Arc::new(book)));
        self.phase.stage = Stage::Running;
    }

    /// When the campaign is read before anything else.
    pub(super) fn survey_at(&self) -> Option<Duration> {
        let keys = self.keys.as_ref()?;
        if self.is_surveying() {
            return Some(keys.not_before);
        }
        // The row that went first is in the campaign, as the service says.
        let is_asked = self.is_probing()
            && self.flights.is_empty()
            && self.index.count(State::Accepted) > 0
            && !self.setting.is_dry_run;
        is_asked.then_some(self.settling.not_before)
    }

    fn is_probing(&self) -> bool {
        self.keys.as_ref().is_some_and(|keys| keys.belief == Belief::Probing)
    }

    /// The most rows that may be sent at once, where one is to go first: one, or none.
    pub(super) fn probe(&self) -> Option<usize> {
        let in_doubt = || self.works.values().chain(self.aside.values());
        let is_out = || {
            !self.flights.is_empty()
                || self.index.count(State::Accepted) > 0
                || in_doubt().any(|work| !work.doubts.is_empty())
        };
        self.is_probing().then(|| usize::from(!is_out()))
    }

    /// Takes what the listing shows before anything is sent.
    pub(super) fn surveyed(&mut self, look: Look, now: &Circumstances, at: Duration) {
        let over = look.over().cloned();
        let Show::Keys(scan) = look.show else { return };
        let mut roster = scan.roster;
        let Some(keys) = &mut self.keys else { return };
        let is_final = matches!(over, Some(Over::Failed { is_final: true, .. }));
        let judged = match over {
            Some(Over::Read) => {
                believe(&mut roster, &keys.known, now).map_err(|why| why.to_string())
            }
            over => Err(over.map(unread).unwrap_or_default()),
        };
        match judged {
            Ok(belief) => {
                keys.belief = belief;
                (keys.fruitless, keys.not_before) = (0, at);
                roster.settle();
                self.know(Some(roster));
            }
            Err(why) => {
                keys.fruitless += 1;
                if is_final || keys.fruitless >= LOOKS {
                    return self.refuse(Cause::Unproven(why.into()), at);
                }
                let pause = PAUSE.max(self.setting.settle_after);
                let doubling = 2_u32.pow((keys.fruitless - 1).min(8));
                keys.not_before = at.saturating_add(pause.saturating_mul(doubling));
            }
        }
    }

    /// What a look is for where rows are known by keys: all of the listing before anything is sent, the
    /// row that went first, or rows in doubt.
    pub(super) fn scan(&self, accepted: &FixedBitSet) -> Option<Show> {
        let keys = self.keys.as_ref()?;
        let roster = keys.roster(self.setting.reader());
        let scan = if self.is_surveying() {
            Scan::new(roster, std::iter::empty(), Some(0), FixedBitSet::new())
        } else if self.is_probing() && accepted.count_ones(..) > 0 {
            // That it is there is all that is asked.
            let wanted = accepted.ones().filter_map(|row| keys.seals.get(row).copied());
            Scan::new(roster, wanted, None, accepted.clone())
        } else {
            let rows = self.sought().into_iter();
            let wanted = rows.filter_map(|(place, _)| keys.seal(self.index.row(place)));
            Scan::new(roster, wanted, Some(keys.longest), accepted.clone())
        };
        Some(Show::Keys(Box::new(scan)))
    }

    /// Rows in doubt, with their numbers, and rows that were lost and are to be sent again.
    fn sought(&self) -> Vec<(Place, Option<u64>)> {
        let mut sought = Vec::new();
        for (seq, work) in self.works.iter().chain(&self.aside) {
            for doubt in &work.doubts {
                let rows = doubt.part.rows.iter().zip(&doubt.prints);
                sought.extend(rows.map(|(row, print)| ((*seq, *row), Some(print.number))));
            }
            for part in work.parts.iter().filter(|part| part.losses > 0) {
                sought.extend(part.rows.iter().map(|row| ((*seq, *row), None)));
            }
        }
        sought
    }

    /// What a look shows of rows in doubt, and whether it proves that the others are not there.
    pub(super) fn scanned(
        &mut self,
        scan: &mut Scan,
        over: Option<Over>,
        now: &Circumstances,
    ) -> (Judged, Vec<(Place, Verdict)>) {
        scan.roster.sort();
        if let (Some(Over::Found), true, Some(keys)) = (&over, self.is_probing(), &mut self.keys) {
            keys.belief = Belief::Proven;
            return (Ok(Proof::shown()), Vec::new());
        }
        let sought = self.sought();
        let Some(keys) = &mut self.keys else { return (Err((String::new(), None)), Vec::new()) };
        let open: BTreeMap<&str, u64> =
            keys.tokens.values().map(|(token, number)| (&**token, *number)).collect();
        // Whether a longer token that may be there begins with this one, of a row with its number if
        // that is shown.
        let is_beginning = |token: &str, number: Option<u64>| {
            let after = open.range::<str, _>((Bound::Excluded(token), Bound::Unbounded));
            let mut longer = after.take_while(|(next, _)| next.starts_with(token));
            longer.any(|(_, other)| number.is_none_or(|number| number == *other))
        };
        let (mut missing, mut known, mut twice) = (0, 0, 0_u64);
        for row in scan.accepted.ones() {
            let Some(seal) = keys.seals.get(row) else { continue };
            known += 1;
            missing += u64::from(!scan.roster.shows(*seal));
            twice += u64::from(scan.roster.shows_twice(*seal));
        }
        // What another upload sent came before this one counted: more has to be shown.
        let inherits = !keys.inherited.is_empty();
        if inherits {
            for seal in keys.known.accepted() {
                known += 1;
                missing += u64::from(!scan.roster.shows(seal));
            }
        }
        let mut standings = Vec::new();
        for (place, number) in sought {
            let row = self.index.row(place);
            let Some(seal) = keys.seal(row) else { continue };
            let token = keys.tokens.get(&row).map(|(token, _)| &**token);
            // What another upload sent may have had another number.
            let is_inherited = keys.inherited.contains(&row);
            let number = number.filter(|_| !is_inherited);
            let standing = scan.roster.standing(Sought { seal, token, number, rest: None });
            // What could be a longer id of ours, cut short, is nobody's; which there are is known once
            // all rows are, and until then the number alone can tell.
            let shown = number.filter(|_| scan.roster.shows_number(seal));
            let is_longest = seal.length >= keys.longest
                || (missing == 0
                    && token.is_some_and(|token| !now.was_sending && !is_beginning(token, shown)));
            let is_sure = seal.length < scan.roster.longest()
                || (is_longest && (self.source.has_ended || !is_inherited));
            let is_found = matches!(&standing, Standing::There(one) if !one.is_changed) && is_sure;
            standings.push((place, standing, is_found));
        }
        let is_doubled =
            |standing: &Standing| matches!(standing, Standing::There(one) if one.is_doubled);
        twice += standings.iter().filter(|(_, standing, _)| is_doubled(standing)).count() as u64;
        let finds = standings.iter().any(|(_, _, is_found)| *is_found);
        let proof = match over {
            Some(Over::Read) => prove(&scan.roster, now, (missing, known), (finds, inherits))
                .map_err(|why| (why.to_string(), Some(why))),
            over => Err((over.map(unread).unwrap_or_default(), None)),
        };
        // That nothing changed tells of the rows that were lost, and of no others.
        if proof.is_ok() && (known > 0 || finds) && keys.belief == Belief::Probing {
            keys.belief = Belief::Proven;
        }
        let verdict = |(place, standing, is_found): (Place, Standing, bool)| {
            let verdict = match (standing, &proof) {
                (Standing::There(one), _) if is_found => {
                    Verdict::Found { run: one.run, status: one.status }
                }
                (Standing::Absent, Ok(proof)) => Verdict::Absent(*proof),
                _ => Verdict::Open,
            };
            (place, verdict)
        };
        let verdicts = standings.into_iter().map(verdict).collect();
        self.index.doubled_again(twice);
        (proof, verdicts)
    }

    /// After looks that proved nothing: whether the upload ends, as no row can go first.
    pub(super) fn cannot_probe(&mut self, why: &str, now: Duration) -> bool {
        if !self.is_probing() {
            return false;
        }
        self.stop(Cause::Unproven(why.into()), now);
        true
    }

    /// At the end: where no row could go first, nothing is known of those that may be there.
    pub(super) fn none_went_first(&mut self, now: Duration) {
        let (doubts, accepted) =
            (self.index.count(State::Doubt), self.index.count(State::Accepted));
        if doubts > 0 && accepted == 0 && !self.setting.is_dry_run {
            self.cannot_probe(&Unproven::NoneFirst.to_string(), now);
        }
    }

    /// Forgets the tokens of rows that are in doubt no more.
    pub(super) fn forget_tokens(&mut self) {
        let Some(keys) = &mut self.keys else { return };
        let index = &self.index;
        let is_open = |row: u64| {
            let state = index.place(row).and_then(|place| index.state(place));
            matches!(state, Some(State::Doubt | State::Waiting | State::Out))
        };
        keys.tokens.retain(|row, _| is_open(*row));
    }

    /// Rows with a key that are in doubt by the journal alone, and the others that may be sent.
    pub(super) fn doubtful(
        &self,
        chunk: &Chunk,
        rows: Vec<u32>,
    ) -> (Vec<u32>, Vec<u32>, Option<Arc<str>>) {
        let keys = self.keys.as_ref().filter(|keys| keys.known.doubts() > 0);
        let Some(keys) = keys else { return (Vec::new(), rows, None) };
        let mut why = None;
        let (doubt, fresh): (Vec<u32>, Vec<u32>) = rows.into_iter().partition(|row| {
            let told = keys.doubt(chunk.seals().get(*row as usize).copied());
            why = why.take().or_else(|| told.map(Into::into));
            told.is_some()
        });
        (doubt, fresh, why)
    }
}
