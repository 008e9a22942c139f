//! What became of rows whose outcome is unknown: what was sent, held against what a listing shows.
//! A pure state machine.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Number, Value};

use super::answer::{RunId, Status};
use crate::model::Record;
use crate::phone::Rules;

/// A row of an upload: its chunk and its index there.
pub(super) type Place = (u64, usize);

/// What is certain of a row after a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is in the campaign.
    Found { run: RunId, status: Status },
    /// It is not.
    Absent,
    /// Neither is certain.
    Open,
}

/// Rows that are looked for.
#[derive(Debug)]
pub(super) struct Search {
    rules: Option<Rules>,
    /// No record from before this moment is of this upload; none where the service's clock is not
    /// known.
    since: Option<Timestamp>,
    tokens: HashMap<String, Place>,
    found: BTreeMap<Place, (RunId, Status)>,
    own: HashMap<Identity, Wanted>,
    candidates: HashMap<Identity, BTreeMap<RunId, Status>>,
    /// Numbers and session ids of rows that are looked for.
    pairs: HashSet<Pair>,
    /// Runs that may be of such a row without looking like it, and their variables' names: what the
    /// service made of the values, or its clock, is not for certain.
    alike: HashMap<Pair, BTreeMap<RunId, Names>>,
    /// Pairs of which a record does not tell when it was created.
    undated: HashSet<Pair>,
}

/// A number and a session id.
type Pair = (String, String);

type Names = BTreeSet<String>;

/// Rows alike that are looked for.
#[derive(Debug, Default)]
struct Wanted {
    places: Vec<Place>,
    names: Names,
}

/// A record that was created by this much before the upload began may still be of it: not every
/// clock of a service is the same.
const DRIFT: SignedDuration = SignedDuration::from_mins(10);

/// What a record with a session id of the caller's own is known by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Identity {
    phone_number: String,
    user: Option<String>,
    session: String,
    variables: String,
}

impl Identity {
    fn pair(&self) -> Pair {
        (self.phone_number.clone(), self.session.clone())
    }
}

/// A row as it was sent.
#[derive(Debug, Deserialize)]
struct Sent {
    phone_number: String,
    #[serde(default)]
    variables: Option<Map<String, Value>>,
    #[serde(default)]
    app_user_id: Option<String>,
    #[serde(default)]
    app_session_id: Option<String>,
}

impl Search {
    /// A search for nothing yet.
    pub(super) fn new(rules: Option<Rules>, since: Option<Timestamp>) -> Self {
        Self {
            rules,
            since,
            tokens: HashMap::new(),
            found: BTreeMap::new(),
            own: HashMap::new(),
            candidates: HashMap::new(),
            pairs: HashSet::new(),
            alike: HashMap::new(),
            undated: HashSet::new(),
        }
    }

    /// Looks for a row, given its JSON as it was sent.
    pub(super) fn want(&mut self, place: Place, json: &[u8], own_session: bool) {
        // What was written here can be read here.
        let Ok(sent) = serde_json::from_slice::<Sent>(json) else { return };
        let session = sent.app_session_id.unwrap_or_default();
        if own_session {
            let identity = self.identity(
                &sent.phone_number,
                sent.app_user_id.as_deref(),
                session,
                sent.variables.as_ref(),
            );
            self.pairs.insert(identity.pair());
            let wanted = self.own.entry(identity).or_default();
            wanted.places.push(place);
            wanted.names = names(sent.variables.as_ref());
        } else {
            self.tokens.insert(session, place);
        }
    }

    /// Looks at a record of the listing.
    pub(super) fn see(&mut self, record: &Record) {
        let Some(session) = &record.app_session_id else { return };
        let run = RunId::of(&record.id);
        let status = Status::of(Some(&record.status));
        if let Some(place) = self.tokens.get(session) {
            self.found.entry(*place).or_insert((run, status));
            return;
        }
        if self.own.is_empty() {
            return;
        }
        let identity = self.identity(
            &record.phone_number,
            record.app_user_id.as_deref(),
            session.clone(),
            record.variables.as_ref(),
        );
        let pair = identity.pair();
        if !self.pairs.contains(&pair) {
            return;
        }
        match (&record.created_at, self.since) {
            (Some(created), Some(since)) if created.0 >= since => {
                if self.own.contains_key(&identity) {
                    self.candidates.entry(identity).or_default().insert(run, status);
                } else {
                    let names = names(record.variables.as_ref());
                    self.alike.entry(pair).or_default().insert(run, names);
                }
            }
            (Some(created), Some(since)) => {
                if since.duration_since(created.0) <= DRIFT {
                    let names = names(record.variables.as_ref());
                    self.alike.entry(pair).or_default().insert(run, names);
                }
            }
            _ => {
                self.undated.insert(pair);
            }
        }
    }

    /// Whether nothing is left to be found.
    pub(super) fn is_satisfied(&self) -> bool {
        self.own.is_empty() && self.found.len() == self.tokens.len()
    }

    /// The run ids that may be of rows with session ids of the caller's own, where one is to be
    /// told apart from those already accounted for.
    pub(super) fn candidates(&self) -> impl Iterator<Item = &RunId> {
        let alike = self.alike.values().flat_map(BTreeMap::keys);
        self.candidates.values().flat_map(BTreeMap::keys).chain(alike)
    }

    /// What is certain. `complete` says that the listing showed every record there is; `accounted`
    /// holds the candidates that belong to other rows.
    pub(super) fn verdicts(
        &self,
        complete: bool,
        accounted: &HashSet<RunId>,
    ) -> Vec<(Place, Verdict)> {
        let token = |place: &Place| match self.found.get(place) {
            Some((run, status)) => Verdict::Found { run: run.clone(), status: status.clone() },
            None if complete => Verdict::Absent,
            None => Verdict::Open,
        };
        let mut verdicts: Vec<_> =
            self.tokens.values().map(|place| (*place, token(place))).collect();
        for (identity, Wanted { places, names }) in &self.own {
            let mut free = self
                .candidates
                .get(identity)
                .into_iter()
                .flatten()
                .filter(|(run, _)| !accounted.contains(*run));
            let pair = identity.pair();
            let alike = self.alike.get(&pair).into_iter().flatten();
            let certain = complete
                && self.since.is_some()
                && !self.undated.contains(&pair)
                && !alike
                    .into_iter()
                    .any(|(run, others)| others.is_superset(names) && !accounted.contains(run));
            for place in places {
                let verdict = match free.next() {
                    Some((run, status)) => {
                        Verdict::Found { run: run.clone(), status: status.clone() }
                    }
                    None if certain => Verdict::Absent,
                    None => Verdict::Open,
                };
                verdicts.push((*place, verdict));
            }
        }
        verdicts.sort_by_key(|(place, _)| *place);
        verdicts
    }

    fn identity(
        &self,
        number: &str,
        user: Option<&str>,
        session: String,
        variables: Option<&Map<String, Value>>,
    ) -> Identity {
        let parsed = self.rules.and_then(|rules| rules.e164(number).ok());
        let mut text = String::new();
        if let Some(variables) = variables {
            write_object(variables, &mut text);
        }
        Identity {
            phone_number: parsed.unwrap_or_else(|| number.trim().to_owned()),
            user: user.filter(|user| !user.is_empty()).map(str::to_owned),
            session,
            variables: if text == "{}" { String::new() } else { text },
        }
    }
}

fn names(variables: Option<&Map<String, Value>>) -> Names {
    let fields = variables.into_iter().flatten();
    fields.filter(|(_, value)| !value.is_null()).map(|(name, _)| name.clone()).collect()
}

/// One text for all JSON that says the same: keys in order, nulls left out, whole numbers alike.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => write_object(fields, out),
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write_canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Number(number) => match whole(number) {
            Some(whole) => out.push_str(&whole.to_string()),
            None => out.push_str(&number.to_string()),
        },
        other => out.push_str(&other.to_string()),
    }
}

fn write_object(fields: &Map<String, Value>, out: &mut String) {
    let mut fields: Vec<_> = fields.iter().filter(|(_, value)| !value.is_null()).collect();
    fields.sort_by_key(|(name, _)| *name);
    out.push('{');
    for (name, value) in fields {
        out.push_str(&Value::from(name.as_str()).to_string());
        out.push(':');
        write_canonical(value, out);
        out.push(',');
    }
    out.push('}');
}

/// `3.0` is `3` to a service that reads it as a number.
fn whole(number: &Number) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = number.as_f64().filter(|f| number.is_f64() && f.fract() == 0.0)?;
    #[allow(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
    (float.abs() < EXACT).then_some(float as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::Document;

    const SINCE: i64 = 100_000;
    const YESTERDAY: i64 = SINCE - 86_400;

    fn search() -> Search {
        Search::new(Rules::of("IN").ok(), Timestamp::from_second(SINCE).ok())
    }

    fn record(id: u128, json: &Value, created: i64) -> Document<Record> {
        let created = Timestamp::from_second(created).unwrap().to_string();
        let mut record =
            json!({"id": uuid::Uuid::from_u128(id), "status": "queued", "created_at": created});
        for (key, value) in json.as_object().unwrap() {
            record[key] = value.clone();
        }
        Document::parse(record.to_string().as_bytes()).unwrap()
    }

    fn token(row: usize) -> Value {
        json!({"phone_number": "+919876543210", "app_session_id": format!("u-{row}")})
    }

    fn own(kind: u8) -> Value {
        json!({"phone_number": "+919876543210", "app_session_id": "mine",
               "variables": {"n": f64::from(kind), "nothing": null}})
    }

    fn run(id: u128) -> RunId {
        RunId::Uuid(uuid::Uuid::from_u128(id))
    }

    fn is_found(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Found { .. })
    }

    proptest! {
        /// Whatever was applied and whatever part of it a listing shows: a token row that was shown
        /// is found with its own run, and none is called absent unless the listing was complete.
        #[test]
        fn tokens(applied in proptest::collection::vec(any::<bool>(), 1..40),
                  shown in proptest::collection::vec(any::<bool>(), 40), complete in any::<bool>()) {
            let mut search = search();
            for row in 0..applied.len() {
                search.want((0, row), token(row).to_string().as_bytes(), false);
            }
            for (row, _) in applied.iter().enumerate().filter(|(row, is)| **is && (complete || shown[*row])) {
                search.see(&record(row as u128, &token(row), SINCE));
            }
            for ((_, row), verdict) in search.verdicts(complete, &HashSet::new()) {
                match verdict {
                    Verdict::Found { run: found, .. } => {
                        prop_assert!(applied[row]);
                        prop_assert_eq!(found, run(row as u128));
                    }
                    Verdict::Absent => prop_assert!(complete && !applied[row]),
                    Verdict::Open => prop_assert!(!complete),
                }
            }
        }

        /// Of rows alike, as many are found as there are records of this upload not accounted for:
        /// never one for a record of before, and never two for one record.
        #[test]
        fn own_ids_are_a_multiset(
            wanted in proptest::collection::vec(0..3_u8, 1..20),
            listed in proptest::collection::vec((0..3_u8, any::<bool>(), any::<bool>()), 0..20),
            complete in any::<bool>(),
        ) {
            let mut search = search();
            for (row, kind) in wanted.iter().enumerate() {
                search.want((0, row), own(*kind).to_string().as_bytes(), true);
            }
            let mut accounted = HashSet::new();
            for (id, (kind, old, known)) in listed.iter().enumerate() {
                let created = if *old { YESTERDAY } else { SINCE };
                search.see(&record(id as u128, &own(*kind), created));
                if *known {
                    accounted.insert(run(id as u128));
                }
            }
            // A record that no row looks like may be one all the same.
            let is_stray = listed.iter().any(|l| !l.1 && !l.2 && !wanted.contains(&l.0));
            let verdicts = search.verdicts(complete, &accounted);
            let mut runs = HashSet::new();
            for kind in 0..3_u8 {
                let rows = (0..wanted.len()).filter(|row| wanted[*row] == kind).count();
                let there = listed.iter().filter(|l| l.0 == kind && !l.1 && !l.2).count();
                let mine = verdicts.iter().filter(|((_, row), _)| wanted[*row] == kind);
                let found = mine.clone().filter(|(_, verdict)| is_found(verdict)).count();
                prop_assert_eq!(found, rows.min(there));
                for (_, verdict) in mine {
                    match verdict {
                        Verdict::Found { run, .. } => {
                            prop_assert!(runs.insert(run.clone()) && !accounted.contains(run));
                        }
                        Verdict::Absent => prop_assert!(complete && !is_stray),
                        Verdict::Open => prop_assert!(!complete || is_stray),
                    }
                }
            }
        }
    }

    #[test]
    fn a_row_is_absent_only_where_nothing_else_could_be_it() {
        let changed = json!({"phone_number": "+919876543210", "app_session_id": "mine",
                             "variables": {"n": 1, "added": "by the service"}});
        for (listed, created) in [(&changed, SINCE), (&own(1), SINCE - 3), (&changed, SINCE - 3)] {
            let mut search = search();
            search.want((0, 0), own(1).to_string().as_bytes(), true);
            search.see(&record(1, listed, created));
            assert_eq!(search.verdicts(true, &HashSet::new())[0].1, Verdict::Open);
            // It is another row's.
            assert_eq!(search.verdicts(true, &HashSet::from([run(1)]))[0].1, Verdict::Absent);
        }
    }

    #[test]
    fn without_a_clock_own_ids_stay_open_and_tokens_do_not() {
        let mut search = Search::new(None, None);
        search.want((0, 0), own(1).to_string().as_bytes(), true);
        search.want((0, 1), token(1).to_string().as_bytes(), false);
        search.see(&record(1, &own(1), SINCE));
        let verdicts = search.verdicts(true, &HashSet::new());
        assert_eq!(verdicts, [((0, 0), Verdict::Open), ((0, 1), Verdict::Absent)]);
    }

    #[test]
    fn a_number_is_known_in_any_notation_and_variables_in_any_order() {
        let mut search = search();
        let sent = json!({"phone_number": "+919876543210", "app_session_id": "s",
                          "variables": {"a": 1.0, "b": [1, "x"], "c": {"d": null, "e": 2}}});
        search.want((0, 0), sent.to_string().as_bytes(), true);
        let listed = json!({"phone_number": "098765 43210", "app_session_id": "s",
                            "variables": {"c": {"e": 2}, "b": [1, "x"], "a": 1}});
        search.see(&record(7, &listed, SINCE));
        assert!(is_found(&search.verdicts(false, &HashSet::new())[0].1));
    }
}
