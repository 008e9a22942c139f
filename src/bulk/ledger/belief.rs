//! What a listing proves of rows that are known by keys. Pure.

use super::known::Known;
use super::proof::{Circumstances, Proof, Unproven};
use super::roster::Roster;

/// Whether it is known which rows are in the campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Belief {
    /// It is not.
    None,
    /// The listing shows no token that would tell: one row goes first.
    Probing,
    /// The listing shows what is there, or nobody asked it.
    Proven,
}

/// What a listing that was read before anything is sent proves, by itself.
pub(super) fn believe(
    roster: &mut Roster,
    known: &Known,
    now: &Circumstances,
) -> Result<Belief, Unproven> {
    let records = now.extent.records;
    if !now.extent.is_whole(now.previous) {
        return Err(Unproven::Shifting { shown: records, total: now.extent.most });
    }
    if let Some(count) = now.count.filter(|count| *count > records) {
        return Err(Unproven::Counted { shown: records, count });
    }
    roster.sort();
    let (shown, sessionless) = roster.sessions();
    let (mut missing, mut sent) = (0, 0);
    for seal in known.accepted() {
        sent += 1;
        missing += u64::from(!roster.shows(seal));
    }
    if missing > 0 {
        return Err(if sessionless > 0 && shown == 0 {
            Unproven::Sessions
        } else {
            Unproven::Missing { missing, known: sent }
        });
    }
    match (shown, sessionless) {
        (0, 0) => Ok(Belief::Proven),
        // No number is known not to be there.
        (0, _) if roster.hides() => Err(Unproven::Sessions),
        (0, _) => Ok(Belief::Probing),
        _ if roster.is_ours() || sent > 0 => Ok(Belief::Proven),
        _ => {
            // The memory of what was counted is that of what is made.
            roster.settle();
            roster.doubt_strangers();
            Ok(Belief::Probing)
        }
    }
}

/// What a listing proves of rows with keys that it does not show.
pub(super) fn prove(
    roster: &Roster,
    now: &Circumstances,
    (missing, known): (u64, u64),
    (finds, inherits): (bool, bool),
) -> Result<Proof, Unproven> {
    let records = now.extent.records;
    if !now.extent.is_whole(now.previous) {
        return Err(Unproven::Shifting { shown: records, total: now.extent.most });
    }
    let (_, sessionless) = roster.sessions();
    if missing > 0 {
        return Err(if sessionless >= missing {
            Unproven::Sessions
        } else {
            Unproven::Missing { missing, known }
        });
    }
    let counts_more = now.count.is_some_and(|count| count > records);
    if now.hides_some() || (inherits && counts_more) {
        return Err(Unproven::Counted { shown: records, count: now.count.unwrap_or(0) });
    }
    if known > 0 || finds {
        return Ok(Proof::shown());
    }
    if now.is_unchanged() && !inherits {
        return Ok(Proof::unchanged());
    }
    Err(if sessionless > 0 && sessionless == records {
        Unproven::Sessions
    } else {
        Unproven::Nothing
    })
}
