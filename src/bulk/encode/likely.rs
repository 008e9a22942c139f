//! Which column seems to hold the phone numbers, where the one that is asked for is not there.

use arrow_array::RecordBatch;

use super::super::layout::holds_identifiers;
use super::super::options::Content;
use super::super::source::Item;
use super::cells::Cells;
use super::object::cell;
use crate::phone::{Cell, Checker, Rules};

/// Cells that are looked at in a column.
const SAMPLE: usize = 200;

/// Words in the names of such columns; the better ones first.
const WORDS: [&[&str]; 3] = [
    &["mobile", "whatsapp", "msisdn", "cell"],
    &["phone", "telefon", "teléfono", "telefone", "tel"],
    &["contact", "number", "no", "num"],
];

/// The likeliest column of a table.
pub(super) fn column(batch: &RecordBatch, content: &Content) -> Option<String> {
    let checker = checker(content)?;
    let schema = batch.schema();
    let fields = schema.fields().iter().zip(batch.columns());
    let fitting = fields.filter(|(field, _)| holds_identifiers(field));
    let columns = fitting.filter_map(|(field, array)| {
        let sample = array.slice(0, array.len().min(SAMPLE));
        let cells = Cells::of(field, &sample).ok()?;
        let cells = (0..sample.len()).map(|row| cells.at(row));
        Some((field.name().clone(), score(field.name(), cells, &checker)?))
    });
    best(columns)
}

/// The likeliest key of objects.
pub(super) fn column_of_objects<'a>(rows: &'a [Item], content: &Content) -> Option<&'a str> {
    let checker = checker(content)?;
    let columns = rows.iter().find(|row| row.is_none().is_none())?.keys().filter_map(|name| {
        let cells = rows.iter().take(SAMPLE).map(|row| cell(row.get(name)));
        Some((name.as_str(), score(name, cells, &checker)?))
    });
    best(columns)
}

fn checker(content: &Content) -> Option<Checker> {
    let region = content.region.as_deref().unwrap_or("IN");
    Rules::of(region).ok().map(Checker::new)
}

/// The first of the best.
fn best<N>(columns: impl Iterator<Item = (N, (bool, usize))>) -> Option<N> {
    columns.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(name, _)| name)
}

/// Whether most of what a column holds are numbers, and how much its name says so; none where neither
/// does.
fn score<'a>(
    name: &str,
    cells: impl Iterator<Item = Cell<'a>>,
    checker: &Checker,
) -> Option<(bool, usize)> {
    let (mut there, mut valid) = (0, 0);
    for cell in cells.filter(|cell| !is_missing(cell)) {
        there += 1;
        let e164 = cell.written().ok().and_then(|written| checker.e164(&written).ok());
        valid += usize::from(e164.is_some());
    }
    let words: Vec<String> =
        name.to_lowercase().split(|c: char| !c.is_alphabetic()).map(str::to_owned).collect();
    let says = |known: &&[&str]| {
        known.iter().any(|known| {
            // A short one may be part of any word.
            words.iter().any(|word| word == known || known.len() > 3 && word.contains(known))
        })
    };
    let named = WORDS.iter().position(says).map_or(0, |at| WORDS.len() - at);
    let holds = valid * 2 > there;
    // `no` alone is the name of many a column.
    (holds || (valid > 0 || there == 0) && named > 1).then_some((holds, named))
}

fn is_missing(cell: &Cell<'_>) -> bool {
    match cell {
        Cell::Missing => true,
        Cell::Text(text) => text.trim().is_empty(),
        _ => false,
    }
}
