//! What a listing proves of the rows that it does not show. Pure.
//!
//! A row in doubt is *open* until something settles it. It is *found* where a record is recognised as
//! it. It is *absent* only by a [`Proof`], and a proof is given out only by a listing that was read as
//! a whole and showed our own records as we know them: whatever a service makes of what it was sent,
//! a listing in which the accepted cannot be recognised says nothing of the missing.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::answer::{RunId, Status};
use super::event::Beginning;
use super::extent::Extent;
use super::index::{Index, Place};
use super::listing::{Alike, Candidate, Found, Listing, MOST_CANDIDATES, digits};
use super::own::Beginning as Session;

/// A record created this much before the upload began may still be of it: not every clock of a
/// service is the same.
const DRIFT: SignedDuration = SignedDuration::from_mins(10);

/// What else is known when a look is judged.
pub(super) struct Circumstances {
    pub(super) extent: Extent,
    /// What the look before showed.
    pub(super) previous: Option<Extent>,
    /// How many records there were before anything was sent.
    pub(super) before: Option<u64>,
    /// How many there are, asked for after the look.
    pub(super) count: Option<u64>,
    /// How many rows of this upload are known to be accepted.
    pub(super) accepted: u64,
    pub(super) beginning: Beginning,
    /// How much of our own time has passed since then.
    pub(super) elapsed: Duration,
    /// Whether a request was on its way while the listing was read.
    pub(super) was_sending: bool,
}

impl Circumstances {
    /// Whether records were counted that are not listed, and of which nothing is known: what has
    /// left the listing, say. A counter that counts less than we know of counts for nothing.
    pub(super) fn hides_some(&self) -> bool {
        let (Some(before), Some(count)) = (self.before, self.count) else { return false };
        let came = count.saturating_sub(before);
        came > self.accepted && count > self.extent.records
    }

    /// Whether two looks show as many records as there were before anything was sent.
    pub(super) fn is_unchanged(&self) -> bool {
        let Extent { records, total, most, .. } = self.extent;
        let again = self.previous == Some(self.extent) && records >= most;
        let before = self.before == Some(records);
        before && total == self.before && self.count == self.before && again
    }
}

/// That a listing shows our records as we know them. Only a [`Listing`] gives one out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proof {
    kind: Kind,
    since: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// All that is known to be accepted was shown as it was sent.
    Canary,
    /// The campaign has as many records as before anything was sent.
    Unchanged,
}

/// Why a listing proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unproven {
    /// It was not shown whole.
    Shifting { shown: u64, total: u64 },
    /// It does not show session ids as they were sent.
    Sessions,
    /// It shows no session ids, and the numbers of all rows.
    NoneFirst,
    /// Records that are known to be accepted are not in it.
    Missing { missing: u64, known: u64 },
    /// Records are in it in another form than they were sent.
    Rewritten { missing: u64, known: u64 },
    /// The campaign counts more records.
    Counted { shown: u64, count: u64 },
    /// It shows tokens under several records, or that were never sent.
    Strange,
    /// Nothing is known to be accepted, so nothing shows what it would look like.
    Nothing,
}

impl std::fmt::Display for Unproven {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Shifting { shown, total } => write!(
                f,
                "the service's listing could not be read as a whole: it showed {shown} records and \
                 counts {total}"
            ),
            Self::Sessions => {
                f.write_str("the service's listing does not show the session ids it was sent")
            }
            Self::NoneFirst => f.write_str(
                "the records in the service's listing that have the rows' numbers show no session ids, \
                 so each may be the row with its number, and no row with another number could go first",
            ),
            Self::Missing { missing, known } => write!(
                f,
                "the service's listing does not show {missing} of {known} records that it accepted"
            ),
            Self::Rewritten { missing, known } => write!(
                f,
                "the service's listing does not show {missing} of {known} accepted records as they \
                 were sent: their session ids, numbers or variables differ"
            ),
            Self::Counted { shown, count } => write!(
                f,
                "the campaign counts {count} records, and the service's listing shows {shown}"
            ),
            Self::Strange => f.write_str(
                "the service's listing shows a session id of this upload with several records, or \
                 with one that it was not sent with",
            ),
            Self::Nothing => f.write_str(
                "nothing of this upload is known to be accepted, so nothing tells whether the \
                 service's listing would show it",
            ),
        }
    }
}

impl Proof {
    /// Records of ours are shown as they were sent.
    pub(super) const fn shown() -> Self {
        Self { kind: Kind::Canary, since: None }
    }

    /// The campaign has as many records as before anything was sent.
    pub(super) const fn unchanged() -> Self {
        Self { kind: Kind::Unchanged, since: None }
    }
}

impl Listing {
    /// What this listing proves of the rows that it does not show.
    pub(super) fn prove(&mut self, now: &Circumstances) -> Result<Proof, Unproven> {
        let Extent { records, total, most, .. } = now.extent;
        if !now.extent.is_whole(now.previous) {
            return Err(Unproven::Shifting { shown: records, total: most });
        }
        if self.is_doubled() || self.odd.strange || self.odd.misnumbered {
            return Err(Unproven::Strange);
        }
        let (missing, known) = self.missing();
        if missing > 0 {
            return Err(self.blame(missing, known));
        }
        if now.hides_some() {
            return Err(Unproven::Counted { shown: records, count: now.count.unwrap_or(0) });
        }
        let since = self.since(now).filter(|since| !self.is_overtaken(*since, now));
        if known > 0 || self.found.values().any(|found| found.is_verified) || self.finds_own(now) {
            return Ok(Proof { kind: Kind::Canary, since });
        }
        let before = now.before == Some(records);
        let unchanged = before && total == now.before && now.count == now.before;
        if unchanged && now.extent.is_again(now.previous) && self.found.is_empty() {
            return Ok(Proof { kind: Kind::Unchanged, since });
        }
        Err(if self.odd.sessionless > 0 && self.odd.sessionless == records {
            Unproven::Sessions
        } else {
            Unproven::Nothing
        })
    }

    /// How many of the records known to be accepted are not recognised, of how many.
    fn missing(&self) -> (u64, u64) {
        let tokens = self.missing.count_ones(..) as u64;
        let own = self.wanted.known.len() - self.known_seen.count_ones(..);
        let known = self.wanted.accepted.count_ones(..) + self.wanted.known.len();
        (tokens + own as u64, known as u64)
    }

    /// Why accepted records are not recognised.
    fn blame(&self, missing: u64, known: u64) -> Unproven {
        let tokens = self.missing.count_ones(..) as u64;
        let shows_none = tokens > 0 && self.ours.is_empty();
        if tokens > 0 && self.odd.sessionless > 0 && (shows_none || self.odd.sessionless >= tokens)
        {
            return Unproven::Sessions;
        }
        if missing > tokens && self.ids.len() as u64 >= known {
            return Unproven::Rewritten { missing, known };
        }
        Unproven::Missing { missing, known }
    }

    /// Whether a token is shown with more than one record.
    fn is_doubled(&mut self) -> bool {
        self.ours.sort_unstable();
        self.ours.dedup();
        let accepted = self.wanted.accepted.count_ones(..) - self.missing.count_ones(..);
        self.ours.len() > accepted + self.found.len()
    }

    /// From when on a record may be of this upload, by the service's clock as our own records show
    /// it: none where none of them does.
    fn since(&self, now: &Circumstances) -> Option<Timestamp> {
        let (oldest, youngest) = self.span.ends().or_else(|| {
            // The rows in doubt that are there, told by the clock alone.
            let found = self.candidates.iter().filter(|one| self.is_found(one, None, now));
            let created = found.filter_map(|one| one.created);
            created.fold(None, |span, at| {
                let (oldest, youngest) = span.unwrap_or((at, at));
                Some((oldest.min(at), youngest.max(at)))
            })
        })?;
        let signed = |length: Duration| {
            SignedDuration::try_from(length).unwrap_or(SignedDuration::from_hours(24 * 365))
        };
        // Rows that were lost before the first of ours was known are older than it.
        let before = signed(now.beginning.first_known_after.unwrap_or(now.elapsed));
        // Clocks that are further apart than our time allows are no measure.
        let excess = youngest.duration_since(oldest) - signed(now.elapsed);
        let back = before.saturating_add(excess.max(SignedDuration::ZERO));
        oldest.checked_sub(back).ok()
    }

    /// Whether more records are older than that than there were before anything was sent: then the
    /// service's clock was set, and tells nothing.
    fn is_overtaken(&self, since: Timestamp, now: &Circumstances) -> bool {
        let is_old = |created: &&u32| since.as_second() - i64::from(**created) > DRIFT.as_secs();
        let old = self.created.iter().filter(is_old).count() as u64;
        // A count of more than the listing shows is no witness of how many were there.
        now.before.is_some_and(|before| old > before || (old > 0 && now.extent.records < before))
    }

    fn finds_own(&self, now: &Circumstances) -> bool {
        self.candidates.iter().any(|one| self.is_found(one, None, now))
    }

    /// Whether a record is a row in doubt, beyond doubt.
    fn is_found(&self, one: &Candidate, since: Option<Timestamp>, now: &Circumstances) -> bool {
        let Some(created) = one.created else { return false };
        let is_known = one.identity.is_some_and(|is| self.wanted.own.contains_key(&is));
        // Our own records are a better clock than the `Date` of one answer.
        is_known && since.or(now.beginning.service).is_some_and(|bound| created >= bound)
    }

    /// What is certain of the rows with session ids of the caller's own, given what is proven.
    pub(super) fn own(&self, proof: Option<&Proof>, now: &Circumstances) -> Vec<(Place, Verdict)> {
        let since = proof.and_then(|proof| proof.since);
        let mut found: HashMap<u64, Vec<&Candidate>> = HashMap::new();
        let is_found = |one: &Candidate| self.is_found(one, since, now);
        for one in self.candidates.iter().filter(|one| is_found(one)) {
            found.entry(one.identity.unwrap_or_default()).or_default().push(one);
        }
        let since = since.or_else(|| Self::began(proof, now));
        let strays = self.strays(since, |one| !is_found(one));
        let is_unchanged = proof.is_some_and(|proof| proof.kind == Kind::Unchanged);
        let mut verdicts = Vec::new();
        for (identity, Alike { print, places }) in &self.wanted.own {
            let mut free = found.remove(identity).unwrap_or_default();
            free.sort_by(|one, other| one.id.cmp(&other.id));
            free.dedup_by(|one, other| one.id == other.id);
            let is_certain = (is_unchanged || since.is_some())
                && !strays.may_be(print.number, Some(print.session));
            let mut free = free.into_iter();
            for place in places {
                let verdict = match (free.next(), proof) {
                    (Some(one), _) => {
                        Verdict::Found { run: one.id.clone(), status: one.status.clone() }
                    }
                    (None, Some(proof)) if is_certain => Verdict::Absent(*proof),
                    _ => Verdict::Open,
                };
                verdicts.push((*place, verdict));
            }
        }
        verdicts
    }

    /// When the upload began by the service's clock, where nothing of it is known that would tell
    /// better: a count that did not change may be one that never does.
    fn began(proof: Option<&Proof>, now: &Circumstances) -> Option<Timestamp> {
        now.beginning.service.filter(|_| proof.is_some_and(|proof| proof.kind == Kind::Unchanged))
    }

    /// The numbers of records that may be of this upload, and are none that we know.
    fn strays(&self, since: Option<Timestamp>, counts: impl Fn(&Candidate) -> bool) -> Strays {
        let mut strays =
            Strays { any: self.candidates.len() >= MOST_CANDIDATES, ..Strays::default() };
        for one in self.candidates.iter().filter(|one| counts(one)) {
            match (one.created, since, one.number) {
                (Some(created), Some(since), _) if since.duration_since(created) > DRIFT => {}
                (_, _, Some(number)) if number.is_valid => {
                    strays.numbers.entry(number.print).or_default().push(one.session);
                }
                _ => strays.any = true,
            }
        }
        strays
    }

    /// What is certain of the rows with tokens, given what is proven.
    pub(super) fn tokens(
        &self,
        proof: Option<&Proof>,
        now: &Circumstances,
        index: &Index,
    ) -> Vec<(Place, Verdict)> {
        let all_verified = self.found.values().all(|found| found.is_verified);
        let since = proof.and_then(|proof| proof.since).or_else(|| Self::began(proof, now));
        let is_unchanged = proof.is_some_and(|proof| proof.kind == Kind::Unchanged);
        // Where nothing of ours is known, the service may give records session ids of its own.
        let strays = self.strays(since, |one| is_unchanged || one.session.is_none());
        let missed = |row: u64, number: u64| match proof {
            // A record without a session id may be this row.
            Some(_) if strays.may_be(number, None) => Verdict::Open,
            Some(proof) if is_unchanged => Verdict::Absent(*proof),
            // A token longer than any that was shown may have been cut short to another one.
            Some(proof)
                if digits(row) <= self.longest
                    || (self.longest > 0 && all_verified && !now.was_sending) =>
            {
                Verdict::Absent(*proof)
            }
            _ => Verdict::Open,
        };
        let found = self.found.iter().filter(|(place, _)| self.is_sure(**place, index));
        let found = found.map(|(place, found)| {
            let Found { run, status, .. } = found;
            (*place, Verdict::Found { run: run.clone(), status: status.clone() })
        });
        let rest = self.wanted.tokens.iter();
        let rest = rest.filter(|(_, (place, _))| !self.found.contains_key(place));
        found.chain(rest.map(|(row, (place, number))| (*place, missed(*row, *number)))).collect()
    }
}

/// Numbers of records that may be of an upload.
#[derive(Debug, Default)]
struct Strays {
    numbers: HashMap<u64, Vec<Option<Session>>>,
    /// Some show no number, or one that can't be read.
    any: bool,
}

impl Strays {
    /// Whether one of them may be a row with this number and this session id.
    fn may_be(&self, number: u64, session: Option<Session>) -> bool {
        let may_be = |shown: &Option<Session>| match (shown, session) {
            (Some(shown), Some(sent)) => shown.may_be(sent),
            _ => true,
        };
        self.any || self.numbers.get(&number).is_some_and(|shown| shown.iter().any(may_be))
    }
}

/// What is certain of a row after a look.
#[derive(Debug, Clone)]
pub(super) enum Verdict {
    /// It is in the campaign.
    Found { run: RunId, status: Status },
    /// It is not.
    Absent(Proof),
    /// Neither is certain.
    Open,
}
