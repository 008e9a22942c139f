use proptest::prelude::*;

use super::super::chunk::{Cut, Cutter, Encoded, Key};
use super::super::seal::Sealer;
use super::*;

fn told() -> impl Strategy<Value = Told> {
    let run = prop_oneof![
        any::<u128>().prop_map(|id| RunId::Uuid(Uuid::from_u128(id))),
        "[a-z]{0,5}".prop_map(|text| RunId::Text(text.into())),
    ];
    let status = prop_oneof![
        Just(Status::Queued),
        proptest::option::of("[a-z]{0,5}").prop_map(|text| Status::of(text.as_deref())),
    ];
    prop_oneof![
        (run, status).prop_map(|(run, status)| Told::Accepted { run, status }),
        "[a-z]{0,5}".prop_map(|error| Told::Rejected { error: error.into() }),
        "[a-z]{0,5}".prop_map(|why| Told::Unknown { why: why.as_str().into() }),
        proptest::option::of("[a-z]{0,5}")
            .prop_map(|why| Told::NotSent { why: why.map(|why| why.as_str().into()) }),
        Just(Told::Sent),
        Just(Told::Excluded),
    ]
}

fn expected(told: &Told) -> (Outcome, Option<String>, Option<RunId>, Option<String>) {
    match told {
        Told::Accepted { run, status } => {
            let status = status.text().map(str::to_owned);
            (Outcome::Accepted, None, Some(run.clone()), status)
        }
        Told::Rejected { error } => (Outcome::Rejected, Some(error.to_string()), None, None),
        Told::Unknown { why } => (Outcome::Unknown, Some(why.to_string()), None, None),
        Told::NotSent { why } => (Outcome::NotSent, why.as_deref().map(str::to_owned), None, None),
        Told::Existing { run, status, why } => {
            let status = status.text().map(str::to_owned);
            (Outcome::Existing, why.map(str::to_owned), Some(run.clone()), status)
        }
        Told::Sent => (Outcome::Unknown, Some(INTERRUPTED.to_owned()), None, None),
        Told::Excluded => (Outcome::Excluded, None, None, None),
    }
}

fn chunk(rows: &[(String, bool, u8)]) -> Chunk {
    let mut cutter = Cutter::new(Cut::After(usize::MAX));
    for (number, repaired, fate) in rows {
        let fate = match fate {
            0 => Fate::Invalid("why".into()),
            1 => Fate::Duplicate(None),
            2 => Fate::Excluded { own_session: false },
            _ => Fate::Send { own_session: false },
        };
        let json: &[u8] = if matches!(fate, Fate::Send { .. }) { b"{}" } else { b"" };
        let (repaired, number) = (*repaired, Some(number.as_str()));
        cutter.put(&mut Encoded { fate, repaired, check: 0, number, came: None, key: None, json });
    }
    cutter.take().unwrap()
}

proptest! {
    #[test]
    fn what_is_packed_is_unpacked(
        rows in proptest::collection::vec((".{0,9}", any::<bool>(), 0..7_u8), 1..30),
        (from, more) in (0..40_u32, 0..20_u32),
        open in proptest::collection::btree_set(0..30_u32, 0..10),
        parts in proptest::collection::vec(
            proptest::collection::btree_map(0..30_u32, told(), 0..20), 0..4),
    ) {
        let chunk = chunk(&rows);
        let mut last: Vec<Option<Told>> = vec![None; rows.len()];
        let mut blobs = Vec::new();
        for part in parts {
            let part: Vec<(u32, Told)> =
                part.into_iter().filter(|(row, _)| rows.get(*row as usize).is_some_and(|row| row.2 > 1)).collect();
            for (row, told) in &part {
                last[*row as usize] = Some(told.clone());
            }
            blobs.push(pack(&part));
        }
        let open: Vec<u32> = open.into_iter().collect();
        let hold = Hold {
            from, beyond: from + more, why: "beyond".into(), open: (open.clone(), "may be there".into()),
        };
        let plan = pack_plan(&chunk, &hold, true);
        let reports = unpack(&plan, blobs.iter().map(Vec::as_slice), rows.len()).unwrap();
        for (row, ((report, told), (number, repaired, fate))) in (0_u32..).zip(reports.iter().zip(&last).zip(&rows)) {
            prop_assert_eq!(report.number.as_ref(), Some(number));
            prop_assert_eq!(report.is_repaired, *repaired);
            let known = (report.outcome, report.error.clone(), report.run.clone(), report.status.clone());
            prop_assert_eq!(known, match fate {
                0 => (Outcome::Invalid, Some("why".to_owned()), None, None),
                1 => (Outcome::Duplicate, None, None, None),
                2 if told.is_none() => (Outcome::Excluded, None, None, None),
                3.. if told.is_none() && open.contains(&row) => {
                    (Outcome::Unknown, Some("may be there".to_owned()), None, None)
                }
                3.. if told.is_none() && row >= from => {
                    let why = (row >= from + more).then(|| "beyond".to_owned());
                    (Outcome::NotSent, why, None, None)
                }
                _ => expected(told.as_ref().unwrap_or(&Told::Sent)),
            });
        }
    }

    #[test]
    fn keys_are_unpacked_and_their_seals_where_they_are_for_a_journal(
        keys in proptest::collection::vec(proptest::option::of("[a-cA-C]{0,5}"), 1..30),
        is_journaled in any::<bool>(),
    ) {
        let sealer = Sealer::of(Uuid::nil());
        let mut cutter = Cutter::new(Cut::After(usize::MAX));
        let mut sealed = Vec::new();
        for shown in &keys {
            let token = shown.as_ref().map(|key| format!("round:{key}")).unwrap_or_default();
            let key = Some(Key { shown: shown.as_deref(), token: &token, seal: &sealer.seal(&token) });
            sealed.push(sealer.seal(&token));
            let fate = Fate::Send { own_session: false };
            cutter.put(&mut Encoded { fate, repaired: false, check: 0, number: None, came: None, key, json: b"{}" });
        }
        let plan = pack_plan(&cutter.take().unwrap(), &Hold::none(), is_journaled);
        let reports = unpack(&plan, [], keys.len()).unwrap();
        let count = keys.len();
        let told: Vec<_> = reports.into_iter().map(|report| report.key).collect();
        prop_assert_eq!(told, keys);
        let expected = if is_journaled { sealed } else { Vec::new() };
        prop_assert_eq!(seals(&plan, count), Ok(expected));
    }

    #[test]
    fn any_bytes_are_unpacked_or_refused(
        plan in proptest::collection::vec(any::<u8>(), 0..200), part in proptest::collection::vec(any::<u8>(), 0..200),
        rows in 0..20_usize,
    ) {
        let _ = unpack(&plan, [&part[..]], rows);
        let known = chunk(&vec![("1".to_owned(), false, 2); rows + 1]);
        let _ = unpack(&pack_plan(&known, &Hold::none(), false), [&part[..]], rows + 1);
    }
}
