//! Rows that are known by keys: what a source has of them in each life of the process, and what must
//! hold of its report.

use std::collections::{HashSet, VecDeque};

use fastrand::Rng;
use revrag::bulk::ledger::{Book, Cause, Ledger, State};
use revrag::bulk::{Chunk, Cut, Cutter, Encoded, Fate, Key, Limits, Outcome, RowReport, Sealer};
use revrag::key::Tokens;
use uuid::Uuid;

use super::check::Violation;
use super::scenario::{Keyed, Scenario, Sessions};
use super::service::Record;
use super::source::{Manner, Row};
use super::store::Store;

/// What a row is sent under, whatever its place.
pub(super) fn token(row: usize) -> String {
    // Keys that differ in case alone, and some that are long.
    let key = match row % 5 {
        0 => format!("K{}", row / 5),
        1 => format!("k{}", row / 5),
        2 if row.is_multiple_of(3) => "x".repeat(90) + &row.to_string(),
        _ => row.to_string(),
    };
    Tokens::of(Some("Round")).expect("a name").token([key.as_str()])
}

/// Which rows the source has in a life of the process, in its order.
pub(super) fn order(scenario: &Scenario, keyed: &Keyed, life: usize) -> Vec<usize> {
    let mut rng = Rng::with_seed(scenario.seed ^ 0x0bed ^ ((life as u64) << 32));
    let grown = scenario
        .rows
        .saturating_sub(keyed.grows * (scenario.lives.len() - life) as u64)
        .max(1)
        .min(scenario.rows);
    let mut order: Vec<usize> =
        (0..usize::try_from(grown).unwrap_or(0)).filter(|_| rng.u8(..20) > 0).collect();
    if keyed.shuffles {
        rng.shuffle(&mut order);
    }
    if order.is_empty() && scenario.rows > 0 {
        order.push(0);
    }
    for _ in 0..order.len() / 25 {
        let again = order[rng.usize(..order.len())];
        order.insert(rng.usize(..=order.len()), again);
    }
    order
}

/// Rows are corrected, and others become wrong, between two lives.
pub(super) fn change(scenario: &Scenario, keyed: &Keyed, rows: &mut [Row], life: usize) {
    let mut rng = Rng::with_seed(scenario.seed ^ 0xc0de ^ ((life as u64) << 32));
    for row in rows.iter_mut() {
        if keyed.changes == 0 || rng.u64(..keyed.changes) > 0 {
            continue;
        }
        match rng.u8(..4) {
            0 => row.number = format!("+9195{:08}", rng.u32(..100_000_000)),
            1 => "{\"name\":\"another\",\"n\":0}".clone_into(&mut row.variables),
            2 => row.is_valid = !row.is_valid,
            _ if row.manner == Manner::Rejects => row.manner = Manner::Takes,
            _ => {}
        }
    }
}

/// What tells tokens apart, in every life.
pub(super) fn sealer() -> Sealer {
    Sealer::of(Uuid::from_u128(7))
}

/// The chunks of a source, as an upload cuts them.
pub(super) fn chunks(rows: &[Row], order: &[usize], book: &Book, most: usize) -> VecDeque<Chunk> {
    let mut cutter =
        Cutter::new(Cut::At(Limits { records: most, bytes: 1_000_000, rows: most * 4 }));
    let (mut chunks, mut seen, sealer) = (VecDeque::new(), HashSet::new(), sealer());
    for at in order {
        let (row, token) = (&rows[*at], token(*at));
        let json = if row.is_valid { row.json(&token) } else { String::new() };
        let key = Some(Key { shown: Some(&token), token: &token, seal: &sealer.seal(&token) });
        let fate = if row.is_valid {
            Fate::Send { own_session: false }
        } else {
            Fate::Invalid("it is not valid".into())
        };
        let check = crc32fast::hash(json.as_bytes()) ^ crc32fast::hash(row.number.as_bytes());
        let number = Some(row.number.as_str());
        let json = json.as_bytes();
        let mut row = Encoded { fate, repaired: false, check, number, came: None, key, json };
        if matches!(row.fate, Fate::Send { .. }) {
            if !seen.insert(*at) {
                row.stays(Fate::Duplicate(Some("another row has its key".into())));
            } else if let Some(fate) = book.fate(&row) {
                row.stays(fate);
            }
        }
        chunks.extend(cutter.put(&mut row));
    }
    chunks.extend(cutter.take());
    chunks
}

/// The report says what is true of each key.
pub(super) fn report(
    scenario: &Scenario,
    ledger: &Ledger,
    store: &Store,
    (rows, order): (&[Row], &[usize]),
    records: &[Record],
) -> Result<(), Violation> {
    let index = ledger.index();
    let is_proven = !matches!(ledger.cause(), Some(Cause::Unproven(_)));
    let mut seen = HashSet::new();
    if index.counts().total() != index.rows() {
        return Err(Violation::new("counts do not add up".to_owned()));
    }
    for seq in 0..index.chunks() {
        let (first_row, count) = index.span(seq).unwrap_or_default();
        let reports = store.rows(seq).unwrap_or_default();
        for at in 0..count {
            let place = usize::try_from(first_row).unwrap_or(0) + at as usize;
            let key = order[place];
            let state = index.state((seq, at)).unwrap_or(State::Doubt);
            let say = |what: &str| {
                let row = &rows[key];
                Err(Violation::new(format!("key {key} ({}) is {state:?} and {what}", row.number)))
            };
            let Some(report) = reports.get(at as usize) else { return say("is in no report") };
            if report.outcome != state.outcome() {
                return say(&format!("is reported as {:?}", report.outcome));
            }
            if report.outcome == Outcome::Duplicate {
                if !seen.contains(&key) {
                    return say("is the first of its key");
                }
                continue;
            }
            if rows[key].is_valid {
                seen.insert(key);
            }
            if let Err(what) = one(scenario, key, &rows[key], (report, is_proven), records) {
                return say(&what);
            }
        }
    }
    Ok(())
}

fn one(
    scenario: &Scenario,
    key: usize,
    row: &Row,
    (report, is_proven): (&RowReport, bool),
    records: &[Record],
) -> Result<(), String> {
    let there = || records.iter().filter(|record| record.row == Some(key));
    let run = report.run.as_ref().map(ToString::to_string);
    let is_mixed = scenario.service.pushes.wrong_order > 0;
    if row.is_valid == (report.outcome == Outcome::Invalid) {
        return Err("is taken for the other".to_owned());
    }
    match report.outcome {
        Outcome::Accepted | Outcome::Existing => {
            // Results in another order may give rows of one number each other's.
            let is_right = there().any(|record| Some(&record.run) == run.as_ref());
            let of_another =
                |record: &Record| Some(&record.run) == run.as_ref() && record.number == row.number;
            // An id that was cut short to just this row's is nobody's, where all else that tells is alike.
            let length = token(key).len();
            let is_cut =
                matches!(scenario.service.view.sessions, Sessions::CutAt(at) if at == length);
            let alike = |record: &Record| {
                Some(&record.run) == run.as_ref() && record.variables == row.variables
            };
            let is_anothers = (is_mixed && records.iter().any(of_another))
                || (is_cut && records.iter().any(|one| of_another(one) || alike(one)));
            if !is_right && !is_anothers {
                return Err(format!("its run {run:?} is not there"));
            }
            let view = &scenario.service.view;
            let record = there().find(|record| Some(&record.run) == run.as_ref());
            let is_plain = *view
                == super::scenario::View {
                    page_size: view.page_size,
                    ..super::scenario::View::plain()
                };
            if let Some(record) = record.filter(|_| is_plain && report.outcome == Outcome::Existing)
            {
                let is_same = (&record.number, &record.variables) == (&row.number, &row.variables);
                let asks = scenario.keyed.as_ref().is_some_and(|keyed| !keyed.asks_journal);
                if asks && report.is_changed == is_same {
                    return Err("does not say whether it has changed".to_owned());
                }
            }
            Ok(())
        }
        Outcome::Unknown if report.error.is_none() => Err("does not say why".to_owned()),
        // Of rows that were not proven to be absent, none is said to be.
        Outcome::NotSent if !is_proven => Ok(()),
        Outcome::NotSent | Outcome::Rejected => match there().find(|record| !record.is_too_late) {
            // Nothing could tell a record by another number, under no token.
            Some(record) if record.number != row.number && is_hidden(scenario) => Ok(()),
            Some(record) if !(is_mixed && report.outcome == Outcome::Rejected) => {
                Err(format!("is there, applied at {:?}", record.at))
            }
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// No key is applied twice, but for what nothing could tell: of a row whose number was corrected, and
/// whose record the listing does not show under its token.
pub(super) fn applied(
    scenario: &Scenario,
    records: &[Record],
    row: usize,
) -> Result<(), Violation> {
    let of: Vec<&Record> = records.iter().filter(|record| record.row == Some(row)).collect();
    let late = of.iter().filter(|record| record.is_too_late).count();
    let numbers: HashSet<&String> = of.iter().map(|record| &record.number).collect();
    let may_be = if is_hidden(scenario) { numbers.len() } else { 1 };
    if of.len() > may_be + late {
        return Err(Violation::new(format!("key {row} was applied {} times", of.len())));
    }
    Ok(())
}

/// Whether the listing shows tokens otherwise than they were sent.
fn is_hidden(scenario: &Scenario) -> bool {
    !matches!(scenario.service.view.sessions, Sessions::AsSent | Sessions::Upper)
}

/// At a kind service, an upload that ended without a reason to stop knows every row.
pub(super) fn kind(
    scenario: &Scenario,
    ledger: &Ledger,
    (rows, order): (&[Row], &[usize]),
    records: &[Record],
) -> Result<(), Violation> {
    let is_clear = scenario.is_kind
        && scenario.service.same_leads == 0
        && scenario.service.pushes.wrong_order == 0
        && !records.iter().any(|record| record.is_too_late);
    let counts = ledger.counts();
    // A row that shares nothing with its record but an id that may be cut short is anybody's, and so
    // is a record with its number under what its own may have been cut to.
    let is_odd = |key: usize| {
        let (row, token) = (&rows[key], token(key).to_ascii_lowercase());
        let is_beginning = |record: &Record| {
            record.number == row.number
                && !record.session.is_empty()
                && record.session.len() < token.len()
                && token.starts_with(&record.session.to_ascii_lowercase())
        };
        if records.iter().any(is_beginning) {
            return true;
        }
        let of = records.iter().filter(|record| record.row == Some(key));
        let mut of = of.filter(|one| one.number != row.number && one.variables != row.variables);
        of.next().is_some()
    };
    let mut unknown = 0;
    ledger.index().each(State::Doubt, |row, _| {
        let key = usize::try_from(row).ok().and_then(|row| order.get(row).copied());
        unknown += u64::from(!key.is_some_and(is_odd));
    });
    if is_clear && ledger.cause().is_none() && counts.of(Outcome::Accepted) > 0 && unknown > 0 {
        return Err(Violation::new(format!("{unknown} rows are unknown, and nothing hid them")));
    }
    if is_clear
        && matches!(ledger.cause(), Some(Cause::Unproven(_)))
        && scenario.service.writes_every.is_none()
    {
        return Err(Violation::new("it stopped, and the campaign hid nothing".to_owned()));
    }
    Ok(())
}
