//! What must hold at every step, and at the end.

use std::fmt;
use std::time::Duration;

use revrag::bulk::ledger::{Batch, Cause, Ledger, Place, State};
use revrag::bulk::{Fate, Outcome, RowReport};

use super::scenario::Scenario;
use super::service::Record;
use super::source::{Manner, Row};
use super::store::Store;

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation(String);

impl Violation {
    pub(super) fn new(what: String) -> Self {
        Self(what)
    }

    /// The same of other rows is the same.
    pub(super) fn kind(&self) -> String {
        self.0.chars().filter(|c| !c.is_ascii_digit()).collect()
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

type Check = Result<(), Violation>;

fn must(holds: bool, otherwise: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(Violation(otherwise())) }
}

/// Nothing leaves before it is durable, and nothing that stays home leaves.
pub(super) fn departs(batch: &Batch, store: &Store, is_journaled: bool) -> Check {
    let chunk = &batch.chunk;
    let mut last = None;
    for row in &batch.rows {
        let fate = &chunk.rows[*row as usize].fate;
        must(matches!(fate, Fate::Send { .. }), || format!("row {row} stays home and was sent"))?;
        must(last < Some(*row), || "rows out of order in a request".to_owned())?;
        last = Some(*row);
    }
    if !is_journaled {
        return Ok(());
    }
    let stored = store.durable(chunk.seq);
    let Some(stored) = stored else {
        return Err(Violation(format!("chunk {} left before it was durable", chunk.seq)));
    };
    for row in &batch.rows {
        let outcome = stored.rows.get(*row as usize).map(|report| report.outcome);
        must(outcome == Some(Outcome::Unknown), || {
            format!("row {row} of chunk {} left and is durable as {outcome:?}", chunk.seq)
        })?;
    }
    Ok(())
}

/// No more rows leave in a life than may.
pub(super) fn limited(left: usize, limit: Option<u64>) -> Check {
    must(limit.is_none_or(|limit| left as u64 <= limit), || {
        format!("{left} rows left, and {limit:?} may")
    })
}

/// No row is applied twice, but for one that the service applied later than any upload waits for. Of
/// rows alike, no more are applied than there are.
pub(super) fn applied(rows: &[Row], records: &[Record], row: usize) -> Check {
    let alike = rows[row].session.as_ref().map(|_| twins(rows, row));
    let is_one = |at: usize| alike.as_ref().map_or(at == row, |alike| alike.contains(&at));
    let of: Vec<&Record> = records.iter().filter(|one| one.row.is_some_and(is_one)).collect();
    let count = alike.as_ref().map_or(1, Vec::len);
    let in_time = of.iter().filter(|record| !record.is_too_late).count();
    let late = of.len() - in_time;
    must(of.len() <= count || (late > 0 && in_time <= count + late), || {
        format!("row {row} was applied {} times", of.len())
    })
}

/// The rows that nothing tells from a row with a session id of the caller's own, with itself.
fn twins(rows: &[Row], row: usize) -> Vec<usize> {
    // A null says no more than nothing does.
    let said = |row: &Row| row.variables.replace(",\"more\":null", "");
    let one = &rows[row];
    let mine = said(one);
    let is_alike = |other: &Row| {
        other.number == one.number && other.session == one.session && said(other) == mine
    };
    (0..rows.len()).filter(|other| is_alike(&rows[*other])).collect()
}

/// The report says what is true, row by row.
pub(super) fn report(
    scenario: &Scenario,
    ledger: &Ledger,
    store: &Store,
    rows: &[Row],
    records: &[Record],
    now: Duration,
) -> Check {
    let index = ledger.index();
    let counts = ledger.counts();
    must(counts.total() == index.rows(), || "counts do not add up".to_owned())?;
    let mut told = [0_u64; Outcome::ALL.len()];
    for seq in 0..index.chunks() {
        let (first_row, count) = index.span(seq).unwrap_or_default();
        let reports = store.rows(seq);
        for at in 0..count {
            let place: Place = (seq, at);
            let row = usize::try_from(first_row).unwrap_or(0) + at as usize;
            let state = index.state(place).unwrap_or(State::Doubt);
            told[state.outcome() as usize] += 1;
            let report = reports.as_ref().and_then(|reports| reports.get(at as usize));
            let Some(report) = report else {
                return Err(Violation(format!("row {row} is in no report")));
            };
            must(report.outcome == state.outcome(), || {
                format!("row {row} is {:?} and is reported as {:?}", state, report.outcome)
            })?;
            one(scenario, row, rows, report, records, now)?;
        }
    }
    for outcome in Outcome::ALL {
        must(told[outcome as usize] == counts.of(outcome), || {
            format!(
                "{} rows are {outcome:?}, counted as {}",
                told[outcome as usize],
                counts.of(outcome)
            )
        })?;
    }
    Ok(())
}

fn one(
    scenario: &Scenario,
    row: usize,
    rows: &[Row],
    report: &RowReport,
    records: &[Record],
    now: Duration,
) -> Check {
    let what = &rows[row];
    let there: Vec<&Record> = records.iter().filter(|record| record.row == Some(row)).collect();
    let say = |what: &str| format!("row {row} is {:?} and {what}", report.outcome);
    // What the service will apply after all is over, nobody can know.
    let in_time: Vec<&&Record> = there.iter().filter(|record| !record.is_too_late).collect();
    let number = report.number.as_deref();
    must(number == Some(&what.number), || say("has another number"))?;
    must(what.is_valid == (report.outcome != Outcome::Invalid), || say("is taken for the other"))?;
    let may_be_mixed = may_be_mixed(scenario, rows, 1, &what.number);
    match report.outcome {
        Outcome::Accepted => {
            let run = report.run.as_ref().map(ToString::to_string);
            let is_own = what.session.is_some();
            let is_right = there.iter().any(|record| Some(&record.run) == run.as_ref());
            // Rows alike are told apart by nothing: any of their runs is right for any of them.
            let is_alike = || {
                records.iter().any(|record| {
                    Some(&record.run) == run.as_ref()
                        && record.number == what.number
                        && (may_be_mixed || Some(&record.session) == what.session.as_ref())
                        && record.row.is_some()
                })
            };
            let is_alike = (is_own || may_be_mixed) && is_alike();
            must(is_right || is_alike, || say("its run is not there"))
        }
        Outcome::Unknown => must(report.error.is_some(), || say("does not say why")),
        Outcome::NotSent | Outcome::Rejected | Outcome::Excluded => {
            let is_alike =
                what.session.is_some() || (may_be_mixed && report.outcome == Outcome::Rejected);
            must(in_time.is_empty() || is_alike, || {
                say(&format!("is there, applied at {:?} of {now:?}", in_time[0].at))
            })
        }
        _ => must(there.is_empty(), || say("is there")),
    }?;
    if report.outcome == Outcome::Rejected {
        let size = what.json("").len() + 60;
        let is_just = matches!(what.manner, Manner::Rejects | Manner::Names | Manner::Nameless)
            || size > scenario.service.most_bytes
            || scenario.service.most_rows == 0
            || scenario.service.pushes.wrong_order > 0;
        must(is_just, || say("was taken by the service"))?;
    }
    Ok(())
}

/// Results in another order may give rows of one number each other's: whether more than so many have
/// it.
fn may_be_mixed(scenario: &Scenario, rows: &[Row], rows_known: usize, number: &str) -> bool {
    scenario.service.pushes.wrong_order > 0
        && rows.iter().filter(|row| row.number == number).count() > rows_known
}

/// Rows with ids of the caller's own that are alike, as a whole: as many are accepted as there are.
pub(super) fn alike(
    scenario: &Scenario,
    rows: &[Row],
    outcomes: &[Option<Outcome>],
    records: &[Record],
) -> Check {
    for at in (0..rows.len()).filter(|at| rows[*at].session.is_some()) {
        let mine = twins(rows, at);
        if mine[0] != at || may_be_mixed(scenario, rows, mine.len(), &rows[at].number) {
            continue;
        }
        let of = |outcome| mine.iter().filter(|at| outcomes[**at] == Some(outcome)).count();
        let there =
            records.iter().filter(|record| record.row.is_some_and(|row| mine.contains(&row)));
        let (late, there): (Vec<_>, Vec<_>) = there.partition(|record| record.is_too_late);
        let (accepted, unknown) = (of(Outcome::Accepted), of(Outcome::Unknown));
        must(there.len() <= accepted + unknown && accepted <= there.len() + late.len(), || {
            format!(
                "rows {mine:?} are alike: {accepted} accepted, {unknown} unknown, and {} are there",
                there.len()
            )
        })?;
    }
    Ok(())
}

/// At a kind service, an upload that ended without a reason to stop knows every row.
pub(super) fn kind(scenario: &Scenario, ledger: &Ledger, records: &[Record]) -> Check {
    let is_honest = scenario.is_kind && ledger.cause().is_none();
    let is_late = records.iter().any(|record| record.is_too_late);
    let counts = ledger.counts();
    // Nothing accepted, and nothing new to try: then there may be no proof.
    let has_known = counts.of(Outcome::Accepted) > 0;
    let is_clear = scenario.own == 0 && scenario.service.same_leads == 0;
    // A row that is there under its token and was said to be refused makes a listing strange.
    let index = ledger.index();
    let state = |row: usize| index.place(row as u64).and_then(|place| index.state(place));
    let is_mixed = records
        .iter()
        .filter_map(|record| record.row)
        .any(|row| state(row) == Some(State::Rejected));
    must(
        !is_honest
            || is_late
            || is_mixed
            || !has_known
            || !is_clear
            || counts.of(Outcome::Unknown) == 0,
        || format!("{} rows are unknown, and nothing hid them", counts.of(Outcome::Unknown)),
    )
}

/// An upload that changed under way says so before it sends anything.
pub(super) fn cause(cause: Option<&Cause>) -> String {
    cause.map_or_else(|| "nothing".to_owned(), ToString::to_string)
}
