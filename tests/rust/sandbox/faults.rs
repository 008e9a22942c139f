//! Faults on order and the webhooks' schedule: pure, so the same each time.

use proptest::prelude::*;
use revrag_sandbox::fault::{Act, Endpoint, Fault, Kind};
use revrag_sandbox::plan::{Exchange, Plan};
use serde_json::json;

const ENDPOINTS: [Endpoint; 8] = [
    Endpoint::Any,
    Endpoint::Push,
    Endpoint::Records,
    Endpoint::Record,
    Endpoint::Status,
    Endpoint::Call,
    Endpoint::Recording,
    Endpoint::Webhook,
];

fn ask(plan: &mut Plan, endpoint: Endpoint, records: u64, now: f64) -> Option<Act> {
    plan.decide(&Exchange { endpoint, records: &|| records, now }).map(|struck| struck.act)
}

fn plan(faults: impl IntoIterator<Item = serde_json::Value>) -> Plan {
    let mut plan = Plan::default();
    for fault in faults {
        plan.order(serde_json::from_value(fault).unwrap()).unwrap();
    }
    plan
}

#[test]
fn faults_strike_one_after_another() {
    let mut plan = plan([
        json!({"endpoint": "push", "kind": "dropped", "times": 2}),
        json!({"endpoint": "push", "kind": "truncated", "after": 1}),
        json!({"kind": "delay", "seconds": 2}),
    ]);
    let seen: Vec<_> = (0..6).map(|_| ask(&mut plan, Endpoint::Push, 1, 0.0)).collect();
    let drop = || Some(Act::Drop { applied: 0.0 });
    assert_eq!(seen, [drop(), drop(), Some(Act::Delay(2.0)), Some(Act::Truncate), None, None]);
    assert!(plan.ordered().is_empty());
}

#[test]
fn a_rate_limit_counts_in_its_window() {
    let mut plan = plan([json!({"kind": "rate_limit", "limit": 2, "seconds": 10})]);
    let mut status = |now| match ask(&mut plan, Endpoint::Status, 0, now) {
        Some(Act::Answer { status, headers, .. }) => {
            let retry = headers.iter().find(|(name, _)| name == "retry-after").unwrap();
            (status, retry.1.clone())
        }
        other => (u16::from(other.is_some()), String::new()),
    };
    let free = || (0, String::new());
    assert_eq!([status(0.0), status(1.0)], [free(), free()]);
    assert_eq!(status(2.5), (429, "8".to_owned()));
    assert_eq!(status(9.9), (429, "1".to_owned()));
    assert_eq!([status(10.0), status(10.0)], [free(), free()]);
    assert_eq!(status(10.0), (429, "10".to_owned()));
}

proptest! {
    #[test]
    fn a_plan_is_the_same_each_time(
        seed: u64,
        share in 0.0..1.0,
        after in 0..20_u64,
        times in proptest::option::of(1..20_u64),
        asked in proptest::collection::vec(0..ENDPOINTS.len(), 0..300),
    ) {
        let fault = Fault {
            times,
            after,
            seed,
            probability: Some(share),
            ..Fault::new(Endpoint::Push, Kind::Dropped)
        };
        let run = || {
            let mut plan = Plan::default();
            plan.order(fault.clone()).unwrap();
            let ask = |endpoint: &usize| ask(&mut plan, ENDPOINTS[*endpoint], 1, 0.0).is_some();
            asked.iter().map(ask).collect::<Vec<_>>()
        };
        let struck = run();
        prop_assert_eq!(&struck, &run());
        let pushes: Vec<_> =
            asked.iter().zip(&struck).filter(|(asked, _)| **asked == 1).map(|(_, it)| *it).collect();
        let count = struck.iter().filter(|it| **it).count();
        prop_assert_eq!(count, pushes.iter().filter(|it| **it).count());
        prop_assert!(times.is_none_or(|times| count as u64 <= times));
        prop_assert!(!pushes.iter().take(usize::try_from(after).unwrap()).any(|it| *it));
    }

    #[test]
    fn any_fault_is_ordered_or_refused(text in ".{0,200}", status: u16, seconds: f64, applied: f64) {
        let _ = serde_json::from_str::<Fault>(&text);
        for kind in [Kind::Status, Kind::Silent, Kind::Late, Kind::Refused] {
            let fault = Fault {
                status: Some(status),
                seconds: Some(seconds),
                applied: Some(applied),
                ..Fault::new(Endpoint::Any, kind)
            };
            // What is let through can be waited for and sent.
            if fault.check().is_ok() {
                prop_assert!(std::time::Duration::try_from_secs_f64(fault.lasts()).is_ok());
            }
        }
    }
}
