use proptest::prelude::*;

use super::*;

fn encoded<'a>(json: &'a [u8], number: &'a str) -> Encoded<'a> {
    let fate =
        if json.is_empty() { Fate::Duplicate(None) } else { Fate::Send { own_session: false } };
    Encoded { fate, repaired: false, check: 0, number: Some(number), came: None, key: None, json }
}

fn cut(rows: &[Vec<u8>], cut: Cut) -> Vec<Chunk> {
    let mut cutter = Cutter::new(cut);
    let mut chunks = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        chunks.extend(cutter.put(&mut encoded(row, &at.to_string())));
    }
    chunks.extend(cutter.take());
    chunks
}

fn any_rows() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let row = prop_oneof![Just(0_usize), 2..40_usize].prop_map(|size| match size {
        0 => Vec::new(),
        size => format!("{{{}}}", "x".repeat(size - 2)).into_bytes(),
    });
    proptest::collection::vec(row, 0..80)
}

proptest! {
    #[test]
    fn every_row_is_in_one_chunk_within_the_limits(
        rows in any_rows(), records in 1..10_usize, bytes in 1..120_usize, most in 1..30_usize,
    ) {
        let limits = Limits { records, bytes, rows: most };
        let chunks = cut(&rows, Cut::At(limits));
        let mut at = 0;
        for (seq, chunk) in chunks.iter().enumerate() {
            prop_assert_eq!(chunk.seq, seq as u64);
            prop_assert_eq!(chunk.first_row, at as u64);
            let sent: Vec<u32> = chunk.sendable().map(|at| u32::try_from(at).unwrap()).collect();
            prop_assert!(sent.len() <= records && chunk.rows.len() <= most);
            let body = chunk.body(&sent);
            prop_assert!(body.len() <= bytes || sent.len() <= 1);
            for index in 0..chunk.rows.len() {
                prop_assert_eq!(chunk.json(index), &rows[at][..]);
                prop_assert_eq!(chunk.number(index), at.to_string());
                at += 1;
            }
            let expected: Vec<&[u8]> = sent.iter().map(|index| chunk.json(*index as usize)).collect();
            let expected = [HEAD, &expected.join(&b','), TAIL].concat();
            prop_assert_eq!(&body[..], &expected[..]);
        }
        prop_assert_eq!(at, rows.len());
    }

    #[test]
    fn a_chunk_is_as_full_as_it_may_be(rows in any_rows(), records in 1..10_usize) {
        let limits = Limits { records, bytes: usize::MAX / 2, rows: usize::MAX };
        for pair in cut(&rows, Cut::At(limits)).windows(2) {
            prop_assert_eq!(pair[0].sendable().count(), records);
        }
    }

    #[test]
    fn a_part_of_a_chunk_has_its_rows_only(rows in any_rows(), every in 2..4_usize) {
        for chunk in cut(&rows, Cut::After(20)) {
            let part: Vec<u32> = chunk.sendable().map(|at| u32::try_from(at).unwrap()).step_by(every).collect();
            let expected: Vec<&[u8]> = part.iter().map(|index| chunk.json(*index as usize)).collect();
            let expected = [HEAD, &expected.join(&b','), TAIL].concat();
            prop_assert_eq!(&chunk.body(&part)[..], &expected[..]);
        }
    }

    #[test]
    fn a_cut_made_before_is_made_again(rows in any_rows(), size in 1..20_usize) {
        for (seq, chunk) in cut(&rows, Cut::After(size)).iter().enumerate() {
            let left = rows.len() - seq * size;
            prop_assert_eq!(chunk.rows.len(), left.min(size));
        }
    }
}
