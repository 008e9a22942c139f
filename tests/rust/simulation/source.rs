//! The rows of an upload, and the chunks they are cut into.

use std::collections::VecDeque;

use fastrand::Rng;
use revrag::bulk::{Chunk, Cut, Cutter, Encoded, Fate, Limits};

use super::scenario::Scenario;

/// A row of the source.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) number: String,
    /// Its own session id; a token otherwise.
    pub(super) session: Option<String>,
    /// What it is sent under, where it is known by a key.
    pub(super) token: Option<String>,
    pub(super) variables: String,
    pub(super) is_valid: bool,
    pub(super) manner: Manner,
}

/// What the service makes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Takes,
    Rejects,
    /// It says 422 and names it.
    Names,
    /// It says 422 and does not.
    Nameless,
    /// It fails at it, and applies nothing of the request.
    Poison,
}

/// All rows of a scenario.
pub(super) fn rows(scenario: &Scenario) -> Vec<Row> {
    let mut rng = Rng::with_seed(scenario.seed ^ 0x05ee_d0f0_05ee_d0f0);
    let one_in = |rng: &mut Rng, n: u64| n > 0 && rng.u64(..n) == 0;
    let mut rows: Vec<Row> = (0..scenario.rows)
        .map(|row| {
            let service = &scenario.service;
            let manner = if one_in(&mut rng, service.rejects) {
                Manner::Rejects
            } else if one_in(&mut rng, service.names) {
                Manner::Names
            } else if one_in(&mut rng, service.nameless) {
                Manner::Nameless
            } else if one_in(&mut rng, service.poison) {
                Manner::Poison
            } else {
                Manner::Takes
            };
            let is_own = rng.u64(..100) < scenario.own;
            let session = is_own.then(|| format!("visit-{}", rng.u64(..scenario.sessions)));
            // Few people, so that some have several rows.
            let number = format!("+9198{:08}", rng.u64(..scenario.rows.max(2) * 2));
            let name = ["", " Riya ", "Zoë", "Pankaj", "\\\"x\\\""][rng.usize(..5)];
            let extra = if rng.bool() { ",\"more\":null" } else { "" };
            let id = if rng.u8(..3) > 0 { row } else { row % 7 };
            let variables = format!("{{\"name\":\"{name}\",\"n\":{id}{extra}}}");
            Row {
                number,
                session,
                token: scenario
                    .keyed
                    .map(|_| super::keyed::token(usize::try_from(row).unwrap_or(0))),
                variables,
                is_valid: !one_in(&mut rng, scenario.invalid),
                manner,
            }
        })
        .collect();
    // The same lead again, with the very same session id: nothing tells the two apart.
    for at in 1..rows.len() {
        let is_twin = rows[at - 1].session.is_some() && rows[at].session.is_some();
        if is_twin && one_in(&mut rng, 12) {
            let Row { number, session, variables, .. } = rows[at - 1].clone();
            rows[at] = Row { number, session, variables, ..rows[at].clone() };
        }
    }
    rows
}

impl Row {
    pub(super) fn json(&self, session: &str) -> String {
        format!(
            "{{\"phone_number\":\"{}\",\"variables\":{},\"app_session_id\":\"{session}\"}}",
            self.number, self.variables
        )
    }
}

/// Cuts rows as an upload does.
pub(super) fn chunks(
    rows: &[Row],
    upload: &str,
    cuts: &[usize],
    most: usize,
    is_excluded: impl Fn(&str) -> bool,
) -> VecDeque<Chunk> {
    let limits = Limits { records: most, bytes: 1_000_000, rows: most * 4 };
    let mut cuts: VecDeque<usize> = cuts.iter().copied().collect();
    let cut = |cuts: &mut VecDeque<usize>| cuts.pop_front().map_or(Cut::At(limits), Cut::After);
    let mut cutter = Cutter::new(cut(&mut cuts));
    let mut chunks = VecDeque::new();
    for (at, row) in rows.iter().enumerate() {
        let session = row.session.clone().unwrap_or_else(|| format!("{upload}-{at}"));
        let json = if row.is_valid { row.json(&session) } else { String::new() };
        let own_session = row.session.is_some();
        let fate = if row.is_valid {
            Fate::Send { own_session }
        } else {
            Fate::Invalid("it is not valid".into())
        };
        let check = crc(json.as_bytes()) ^ crc(row.number.as_bytes());
        let mut encoded = Encoded {
            fate,
            repaired: at % 9 == 0,
            check,
            number: Some(&row.number),
            came: None,
            key: None,
            json: json.as_bytes(),
        };
        let is_excluded = is_excluded(&row.number);
        if is_excluded {
            encoded.excluded();
        }
        chunks.extend(cutter.put(&mut encoded));
        if cutter.is_complete() {
            chunks.extend(cutter.take());
            cutter.cut_at(cut(&mut cuts));
        }
    }
    chunks.extend(cutter.take());
    chunks
}

fn crc(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}
