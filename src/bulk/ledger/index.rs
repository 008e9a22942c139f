//! What every row has come to: the one place that counts.

use super::super::blob::RowReport;
use super::super::outcome::{Counts, Outcome};

/// A row: its chunk and its index there.
pub type Place = (u64, u32);

/// How far a row has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It stays home: it is not valid.
    Invalid,
    /// It stays home: its number is not to be called.
    Excluded,
    /// It stays home: an earlier row has its number.
    Duplicate,
    /// It is beyond what may be sent this time; nothing of it is in the campaign.
    Held,
    /// Nothing of it is in the campaign, and nothing on its way.
    Waiting,
    /// It is on its way.
    Out,
    /// It was sent, and may have arrived.
    Doubt,
    /// It is in the campaign.
    Accepted,
    /// The service refused it.
    Rejected,
    /// It stays home: the campaign has it already.
    Existing,
}

impl State {
    const ALL: [Self; 10] = [
        Self::Invalid,
        Self::Excluded,
        Self::Duplicate,
        Self::Held,
        Self::Waiting,
        Self::Out,
        Self::Doubt,
        Self::Accepted,
        Self::Rejected,
        Self::Existing,
    ];

    /// What it is called in a report. A row on its way has no outcome yet: nothing is known of it.
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Invalid => Outcome::Invalid,
            Self::Excluded => Outcome::Excluded,
            Self::Duplicate => Outcome::Duplicate,
            Self::Held | Self::Waiting | Self::Out => Outcome::NotSent,
            Self::Doubt => Outcome::Unknown,
            Self::Accepted => Outcome::Accepted,
            Self::Rejected => Outcome::Rejected,
            Self::Existing => Outcome::Existing,
        }
    }

    /// The state of a row of which an outcome is known, at rest.
    pub const fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Accepted => Self::Accepted,
            Outcome::Existing => Self::Existing,
            Outcome::Rejected => Self::Rejected,
            Outcome::Invalid => Self::Invalid,
            Outcome::Excluded => Self::Excluded,
            Outcome::Duplicate => Self::Duplicate,
            Outcome::Unknown => Self::Doubt,
            Outcome::NotSent => Self::Waiting,
        }
    }
}

/// A row's state, and whether its session id is the caller's own: one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(u8);

const OWN: u8 = 1 << 7;

impl Mark {
    /// A mark.
    pub const fn new(state: State, own_session: bool) -> Self {
        Self(state as u8 | if own_session { OWN } else { 0 })
    }

    /// How far the row has come.
    pub const fn state(self) -> State {
        State::ALL[(self.0 & !OWN) as usize]
    }

    /// Whether its session id is the caller's own.
    pub const fn is_own(self) -> bool {
        self.0 & OWN != 0
    }
}

/// The marks of a chunk's rows; one, where all are alike.
#[derive(Debug, Clone)]
enum Marks {
    All(Mark),
    Each(Box<[Mark]>),
}

#[derive(Debug, Clone)]
struct Span {
    first_row: u64,
    rows: u32,
    marks: Marks,
}

/// Every row that was read, in the order of the source.
#[derive(Debug, Clone, Default)]
pub struct Index {
    spans: Vec<Span>,
    tally: [u64; State::ALL.len()],
    also: Also,
    /// Rows that were sent and that the last look showed under several records.
    twice: u64,
}

/// Rows counted by something else than what they came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Also {
    /// Those whose numbers were repaired.
    pub repaired: u64,
    /// Those that the campaign has as they were before they changed.
    pub changed: u64,
    /// Those of which the campaign has several records.
    pub doubled: u64,
}

impl Index {
    /// Takes in the next chunk: a mark for each row, and what else is counted of them.
    pub fn push(&mut self, first_row: u64, marks: Vec<Mark>, also: Also) {
        for mark in &marks {
            self.tally[mark.state() as usize] += 1;
        }
        self.also.repaired += also.repaired;
        self.also.changed += also.changed;
        self.also.doubled += also.doubled;
        let rows = u32::try_from(marks.len()).unwrap_or(u32::MAX);
        self.spans.push(Span { first_row, rows, marks: Marks::Each(marks.into()) });
    }

    /// Takes in a chunk as it was written down.
    pub fn take_in(&mut self, rows: &[RowReport]) {
        let marks = rows.iter().map(|row| Mark::new(State::of(row.outcome), false)).collect();
        let count = |is: fn(&RowReport) -> bool| rows.iter().filter(|row| is(row)).count() as u64;
        let also = Also {
            repaired: count(|row| row.is_repaired),
            changed: count(|row| row.is_changed),
            doubled: count(|row| row.is_doubled),
        };
        let seq = self.chunks();
        self.push(self.rows(), marks, also);
        self.settle(seq);
    }

    /// How many rows that were sent another look shows under several records.
    pub fn doubled_again(&mut self, rows: u64) {
        self.twice = rows;
    }

    /// How many chunks there are.
    pub fn chunks(&self) -> u64 {
        self.spans.len() as u64
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.spans.last().map_or(0, |span| span.first_row + u64::from(span.rows))
    }

    /// A chunk's first row and how many it has.
    pub fn span(&self, seq: u64) -> Option<(u64, u32)> {
        self.at(seq).map(|span| (span.first_row, span.rows))
    }

    /// A row's mark.
    pub fn mark(&self, (seq, row): Place) -> Option<Mark> {
        match &self.at(seq)?.marks {
            Marks::All(mark) => Some(*mark),
            Marks::Each(marks) => marks.get(row as usize).copied(),
        }
    }

    /// A row's state.
    pub fn state(&self, place: Place) -> Option<State> {
        self.mark(place).map(Mark::state)
    }

    /// A row has come to `state`.
    pub fn set(&mut self, (seq, row): Place, state: State) {
        self.set_each(seq, [(row, state)]);
    }

    /// Rows of a chunk have come to `state`.
    pub fn set_all<'a>(&mut self, seq: u64, rows: impl IntoIterator<Item = &'a u32>, state: State) {
        self.set_each(seq, rows.into_iter().map(|row| (*row, state)));
    }

    /// Rows of a chunk have each come to a state.
    pub fn set_each(&mut self, seq: u64, rows: impl IntoIterator<Item = (u32, State)>) {
        let mut rows = rows.into_iter().peekable();
        let span = usize::try_from(seq).ok().and_then(|at| self.spans.get_mut(at));
        let (Some(span), Some(_)) = (span, rows.peek()) else { return };
        if let Marks::All(mark) = span.marks {
            span.marks = Marks::Each(vec![mark; span.rows as usize].into());
        }
        let Marks::Each(marks) = &mut span.marks else { return };
        for (row, state) in rows {
            let Some(mark) = marks.get_mut(row as usize) else { continue };
            self.tally[mark.state() as usize] -= 1;
            self.tally[state as usize] += 1;
            *mark = Mark::new(state, mark.is_own());
        }
    }

    /// Nothing more will become of a chunk: it takes as little memory as it can.
    pub fn settle(&mut self, seq: u64) {
        let Some(span) = usize::try_from(seq).ok().and_then(|at| self.spans.get_mut(at)) else {
            return;
        };
        if let Marks::Each(marks) = &span.marks
            && let Some(first) = marks.first().copied()
            && marks.iter().all(|mark| *mark == first)
        {
            span.marks = Marks::All(first);
        }
    }

    /// The place of the `row`-th row of the source.
    pub fn place(&self, row: u64) -> Option<Place> {
        let at = self.spans.partition_point(|span| span.first_row <= row).checked_sub(1)?;
        let span = &self.spans[at];
        let offset = u32::try_from(row - span.first_row).ok()?;
        (offset < span.rows).then_some((at as u64, offset))
    }

    /// The `row`-th row of the source whose place is known.
    pub fn row(&self, (seq, row): Place) -> u64 {
        self.at(seq).map_or(0, |span| span.first_row + u64::from(row))
    }

    /// Shows each row whose state is `state`.
    pub fn each(&self, state: State, mut show: impl FnMut(u64, Mark)) {
        for span in &self.spans {
            match &span.marks {
                Marks::All(mark) if mark.state() == state => {
                    (span.first_row..).take(span.rows as usize).for_each(|row| show(row, *mark));
                }
                Marks::All(_) => {}
                Marks::Each(marks) => {
                    let rows = (span.first_row..).zip(marks);
                    let found = rows.filter(|(_, mark)| mark.state() == state);
                    found.for_each(|(row, mark)| show(row, *mark));
                }
            }
        }
    }

    /// How many rows are in a state.
    pub const fn count(&self, state: State) -> u64 {
        self.tally[state as usize]
    }

    /// The rows by outcome.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        counts.repaired = self.also.repaired;
        counts.changed = self.also.changed;
        counts.doubled = self.also.doubled + self.twice;
        for state in State::ALL {
            counts.add(state.outcome(), self.count(state));
        }
        counts
    }

    fn at(&self, seq: u64) -> Option<&Span> {
        self.spans.get(usize::try_from(seq).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_counted_is_what_there_is(
            sizes in proptest::collection::vec(1..6_usize, 1..6),
            moves in proptest::collection::vec((0..6_u64, 0..6_u32, 0..State::ALL.len()), 0..40),
        ) {
            let mut index = Index::default();
            for size in &sizes {
                index.push(index.rows(), vec![Mark::new(State::Waiting, size % 2 == 0); *size], Also { repaired: 1, ..Also::default() });
            }
            for (seq, row, state) in moves {
                index.set((seq, row), State::ALL[state]);
                index.settle(seq % 3);
            }
            for state in State::ALL {
                let mut seen = 0;
                index.each(state, |row, mark| {
                    seen += 1;
                    let place = index.place(row).unwrap();
                    assert_eq!((index.row(place), index.mark(place)), (row, Some(mark)));
                    assert_eq!(mark.is_own(), sizes[usize::try_from(place.0).unwrap()] % 2 == 0);
                });
                prop_assert_eq!(seen, index.count(state));
            }
            prop_assert_eq!(index.counts().total(), index.rows());
            prop_assert_eq!(index.counts().repaired, sizes.len() as u64);
            prop_assert_eq!(index.place(index.rows()), None);
        }
    }
}
