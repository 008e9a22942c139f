use std::collections::VecDeque;

use fixedbitset::FixedBitSet;
use proptest::prelude::*;

use super::super::listing::Wanted;
use super::super::own::Reader;
use super::*;

fn look() -> Look {
    let wanted = Wanted {
        prefix: "u-".to_owned(),
        reader: Reader::new(None),
        tokens: std::iter::once((0, ((0, 0), 0))).collect(),
        own: std::collections::HashMap::new(),
        numbers: HashSet::new(),
        accepted: FixedBitSet::new(),
        known: Vec::new(),
    };
    Look::new(Show::Rows(Box::new(Listing::new(wanted))), Duration::ZERO)
}

fn page(number: u64, size: u64, total: u64, says: Option<u64>) -> String {
    let (first, last) = ((number - 1) * size, (number * size).min(total));
    let items: Vec<String> = (first..last).map(|id| format!("{{\"id\":\"r{id}\"}}")).collect();
    let says = says.map_or_else(String::new, |total| format!(",\"total\":{total}"));
    let more = number * size < total;
    format!("{{\"items\":[{}]{says},\"has_more\":{more},\"page_size\":{size}}}", items.join(","))
}

/// Plays a look at `total` records; the pages in the order in which they were fetched.
fn play(total: u64, size: u64, width: usize, says: Option<u64>, fails: u64) -> (Vec<u64>, Look) {
    let (mut look, index) = (look(), Index::default());
    let (mut fetched, mut out) = (Vec::new(), VecDeque::new());
    let mut now = Duration::ZERO;
    while look.over().is_none() {
        while let Some(number) = look.next(now, width) {
            out.push_back(number);
            fetched.push(number);
        }
        match out.pop_front() {
            Some(number) if fails > 0 && (fetched.len() as u64).is_multiple_of(fails) => {
                let error = Error::Connection { sent: true, cause: "reset".to_owned() };
                look.failed(number, error, now);
            }
            Some(number) => {
                look.take(number, page(number, size, total, says).as_bytes(), now, &index);
            }
            None => now = look.wake().expect("something to wait for"),
        }
    }
    (fetched, look)
}

proptest! {
    #[test]
    fn every_page_is_read_once_from_both_ends(
        total in 0..700_u64, size in 1..60_u64, width in 1..5_usize, says in any::<bool>(),
    ) {
        let (mut fetched, mut look) = play(total, size, width, says.then_some(total), 0);
        let is_read = matches!(look.over(), Some(Over::Read));
        prop_assert!(is_read);
        if says && fetched.len() > 3 && width == 1 {
            prop_assert_eq!(fetched[1] + fetched[2], total.div_ceil(size) + 2);
        }
        fetched.sort_unstable();
        let pages: Vec<u64> = (1..=total.div_ceil(size).max(1)).collect();
        prop_assert_eq!(fetched, pages);
        let extent = look.extent();
        prop_assert_eq!((extent.records, extent.total), (total, says.then_some(total)));
    }

    #[test]
    fn a_page_that_failed_is_read_again_alone(
        total in 100..700_u64, width in 1..5_usize, fails in 4..9_u64,
    ) {
        let (fetched, mut look) = play(total, 20, width, Some(total), fails);
        if matches!(look.over(), Some(Over::Read)) {
            prop_assert_eq!(look.extent().records, total);
            let pages = total.div_ceil(20);
            prop_assert!((fetched.len() as u64) < pages * 2);
        }
    }
}

#[test]
fn a_listing_that_shuffles_itself_without_an_end_ends() {
    let (mut look, index) = (look(), Index::default());
    let mut asked = 0_u64;
    while let Some(number) = look.next(Duration::ZERO, 1) {
        asked += 1;
        assert!(asked < 1_000, "{:?}", look.over());
        let ids = (0..5).map(|at| (asked * asked + at * (asked % 90 + 1)) % 97);
        let items: Vec<String> = ids.map(|id| format!("{{\"id\":\"r{id}\"}}")).collect();
        let total = 10_000_000 + asked;
        let shown =
            format!("{{\"items\":[{}],\"total\":{total},\"has_more\":true}}", items.join(","));
        look.take(number, shown.as_bytes(), Duration::ZERO, &index);
    }
    assert!(matches!(look.over(), Some(Over::Repeats)));
    assert!(asked >= FEW);
}

#[test]
fn a_listing_without_an_end_ends() {
    let (mut look, index) = (look(), Index::default());
    let same = page(1, 5, 500, Some(500));
    for _ in 0..3 {
        while let Some(number) = look.next(Duration::ZERO, 1) {
            look.take(number, same.as_bytes(), Duration::ZERO, &index);
        }
    }
    assert!(matches!(look.over(), Some(Over::Repeats)));
}
