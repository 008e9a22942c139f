//! Which records a person looks for.

use crate::outcome::number_key;
use crate::record::{Entry, Status};
use crate::world::World;
use revrag::http::parse_id;

/// Records that a search for a part of something looks at: a page must not keep the calls waiting.
pub(super) const LOOKED_AT: usize = 50_000;

/// A page of what was found.
pub(super) struct Found {
    pub(super) records: Vec<usize>,
    /// How many there are, where that is known.
    pub(super) total: Option<usize>,
    pub(super) has_more: bool,
    /// Whether there were more records than were looked at.
    pub(super) was_cut: bool,
}

/// The records of a status that match a text, newest first: a run id, a call's id, a whole number, or
/// a part of a number, of an id of the caller's, or of the variables.
pub(super) fn find(
    world: &World,
    campaign: usize,
    status: Option<Status>,
    text: &str,
    (skip, most): (usize, usize),
) -> Found {
    let it = &world.campaigns()[campaign];
    let text = text.trim();
    if text.is_empty() {
        let total = status.map_or(it.records().len(), |status| it.count(status));
        let records: Vec<_> = it.listed(status, skip).take(most).collect();
        let has_more = skip.saturating_add(most) < total;
        return Found { records, total: Some(total), has_more, was_cut: false };
    }
    let of_status = |index: &usize| status.is_none_or(|it_is| it.records()[*index].status == it_is);
    if let Ok(id) = parse_id("id", text) {
        let by_call = || {
            let call = &world.calls()[world.any_call(id)?];
            (call.campaign as usize == campaign).then_some(call.record as usize)
        };
        let found = world.record(campaign, id).or_else(by_call).filter(of_status);
        return page(found.into_iter(), skip, most);
    }
    let is_number = text.chars().all(|c| c.is_ascii_digit() || "+- ()".contains(c));
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if is_number && digits >= 10 {
        return page(it.of_number(number_key(text)).filter(of_status), skip, most);
    }
    let wanted = text.to_lowercase();
    let matching = it.listed(status, 0).take(LOOKED_AT);
    let matching = matching.filter(|index| matches(&it.records()[*index], &wanted));
    let mut found = page(matching, skip, most);
    found.was_cut = status.map_or(it.records().len(), |status| it.count(status)) > LOOKED_AT;
    found
}

fn page(found: impl Iterator<Item = usize>, skip: usize, most: usize) -> Found {
    let mut records: Vec<_> = found.skip(skip).take(most.saturating_add(1)).collect();
    let has_more = records.len() > most;
    records.truncate(most);
    let total = (!has_more).then_some(skip.saturating_add(records.len()));
    Found { records, total, has_more, was_cut: false }
}

fn matches(entry: &Entry, wanted: &str) -> bool {
    let may_be_id = wanted.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let given = [entry.app_user_id.as_deref(), entry.app_session_id.as_deref()];
    has(&entry.phone_number, wanted)
        || given.into_iter().flatten().any(|text| has(text, wanted))
        || has(&entry.variables, wanted)
        || (may_be_id && entry.id.to_string().contains(wanted))
}

/// Whether a text has another, in small letters, in it, whatever its own letters are.
fn has(text: &str, wanted: &str) -> bool {
    if !text.is_ascii() {
        return text.to_lowercase().contains(wanted);
    }
    let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
    text.windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_match_whatever_their_case() {
        assert!(has("USER-1", "user-"));
        assert!(has("Ünal", "ünal"));
        assert!(has("{\"city\":\"Pune\"}", "pune"));
        assert!(!has("us", "user"));
        assert!(!has("", "x"));
        assert!(!has("ascii", "ü"));
    }
}
