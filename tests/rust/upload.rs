//! An upload in which something fails inside: it says so, and the report tells what was sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use revrag::bulk::ledger::{Batch, Campaign, Reply};
use revrag::bulk::source::{Block, Input, Source, SourceError};
use revrag::bulk::{
    Asked, Cause, Failure, Options, Outcome, Report, Service, Target, Upload, understood,
};
use revrag::http::Departure;
use revrag::world::{System, World};
use revrag::{Error, Result};
use serde_json::{Value, json};
use uuid::Uuid;

const ROWS: u64 = 60;
const LIMIT: Duration = Duration::from_secs(20);

/// A world that fails once, when it is asked for the `fails_at`-th time.
#[derive(Debug)]
struct Brittle {
    asked: AtomicU64,
    fails_at: u64,
}

impl Brittle {
    fn ask(&self) {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        assert_ne!(asked, self.fails_at, "planted");
    }
}

impl World for Brittle {
    fn now(&self) -> Instant {
        self.ask();
        System.now()
    }

    fn wall(&self) -> SystemTime {
        System.wall()
    }

    fn draw(&self) -> f64 {
        System.draw()
    }

    fn id(&self) -> Uuid {
        System.id()
    }
}

fn ready<T: Send + 'static>(answer: T) -> Asked<'static, T> {
    Box::pin(std::future::ready(answer))
}

/// A campaign that takes everything, and panics on its way to the `fails_at`-th push.
#[derive(Debug, Clone)]
struct Taking {
    applied: Arc<Mutex<Vec<Value>>>,
    pushes: Arc<AtomicU64>,
    fails_at: u64,
}

impl Service for Taking {
    fn campaign(&self) -> Asked<'_, Result<Campaign>> {
        let records = Some(self.applied.lock().unwrap().len() as u64);
        ready(Ok(Campaign { status: "running".to_owned(), records, date: None }))
    }

    fn push(&self, batch: Batch, departure: Departure) -> Asked<'_, Reply> {
        if !departure.begin() {
            return ready(Reply::NotSent(Error::invalid("push", "it was given up")));
        }
        let push = self.pushes.fetch_add(1, Ordering::Relaxed) + 1;
        let body: Value = serde_json::from_slice(&batch.body()).unwrap();
        let results: Vec<Value> = body["records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|record| {
                let mut applied = self.applied.lock().unwrap();
                let id = Uuid::from_u128(applied.len() as u128);
                applied.push(json!({
                    "id": id,
                    "phone_number": record["phone_number"],
                    "app_session_id": record["app_session_id"],
                }));
                json!({
                    "phone_number": record["phone_number"], "accepted": true, "run_id": id,
                    "status": "queued", "error": null,
                })
            })
            .collect();
        assert_ne!(push, self.fails_at, "planted");
        let answer = json!({"accepted": results.len(), "rejected": 0, "results": results});
        ready(understood(&answer.to_string().into(), &batch, Some("IN")))
    }

    fn page(&self, _: u64) -> Asked<'_, Result<bytes::Bytes>> {
        let items = self.applied.lock().unwrap().clone();
        let page = json!({"total": items.len(), "items": items, "has_more": false, "page": 1});
        ready(Ok(page.to_string().into()))
    }
}

struct Leads(u64);

impl Source for Leads {
    fn total(&self) -> Option<u64> {
        Some(ROWS)
    }

    fn next(&mut self) -> std::result::Result<Option<Block>, SourceError> {
        let rows: Vec<_> = (self.0..ROWS.min(self.0 + 7))
            .filter_map(|row| {
                json!({"phone_number": format!("+9198{row:08}")})
                    .as_object()
                    .cloned()
                    .map(Into::into)
            })
            .collect();
        self.0 += rows.len() as u64;
        Ok((!rows.is_empty()).then_some(Block::Objects(rows)))
    }
}

async fn upload(world: Brittle, service: Taking) -> std::result::Result<Report, Failure> {
    let target = Target {
        campaign: Uuid::nil(),
        base_url: "http://127.0.0.1:9".to_owned(),
        timeout: Duration::from_secs(5),
        max_retries: 2,
    };
    let input = Input { open: Arc::new(|| Ok(Box::new(Leads(0)))), repeatable: true };
    let options = Options {
        max_records: 5,
        concurrency: 2,
        settle_after: Duration::ZERO,
        ..Options::default()
    };
    let (upload, _) = Upload::new(service, target, input, options, Arc::new(world));
    tokio::time::timeout(LIMIT, upload.run()).await.expect("it ends")
}

fn taking(fails_at: u64) -> Taking {
    Taking { applied: Arc::default(), pushes: Arc::default(), fails_at }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_inside_leaves_the_report() {
    let mut ends = [0; 3];
    for fails_at in 1..200 {
        let service = taking(0);
        let ended = upload(Brittle { asked: AtomicU64::new(0), fails_at }, service.clone()).await;
        let applied = service.applied.lock().unwrap().len() as u64;
        match ended {
            Ok(report) => {
                assert_eq!((report.counts().of(Outcome::Accepted), applied), (ROWS, ROWS));
                ends[0] += 1;
            }
            Err(Failure::Stopped(stopped)) => {
                assert!(matches!(stopped.cause, Cause::Bug), "{}", stopped.cause);
                let counts = stopped.report.counts();
                let told = counts.of(Outcome::Accepted) + counts.of(Outcome::Unknown);
                assert!(counts.of(Outcome::Accepted) <= applied && applied <= told, "{counts:?}");
                let rows: usize = stopped.report.table().map(|rows| rows.unwrap().num_rows()).sum();
                assert_eq!(rows as u64, counts.total());
                ends[1] += 1;
            }
            Err(Failure::Refused(error)) => {
                assert_eq!(applied, 0, "{error}");
                ends[2] += 1;
            }
        }
    }
    // Each of the three has been tried.
    assert!(ends[1] > 20 && ends[2] > 0, "{ends:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_fails_inside_is_looked_for() {
    for fails_at in [1, 2, 7, 12] {
        let service = taking(fails_at);
        let world = Brittle { asked: AtomicU64::new(0), fails_at: 0 };
        let report = upload(world, service.clone()).await.map_err(|failure| format!("{failure:?}"));
        assert_eq!(report.unwrap().counts().of(Outcome::Accepted), ROWS);
        assert_eq!(service.applied.lock().unwrap().len() as u64, ROWS);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_is_not_asked_is_an_error() {
    struct Failing;
    impl Service for Failing {
        fn campaign(&self) -> Asked<'_, Result<Campaign>> {
            panic!("planted")
        }

        fn push(&self, _: Batch, _: Departure) -> Asked<'_, Reply> {
            unreachable!("nothing is pushed")
        }

        fn page(&self, _: u64) -> Asked<'_, Result<bytes::Bytes>> {
            ready(Err(Error::invalid("page", "there is none")))
        }
    }
    let target =
        Target { campaign: Uuid::nil(), base_url: String::new(), timeout: LIMIT, max_retries: 0 };
    let input = Input { open: Arc::new(|| Ok(Box::new(Leads(0)))), repeatable: true };
    let (upload, _) = Upload::new(Failing, target, input, Options::default(), System::shared());
    let ended = tokio::time::timeout(LIMIT, upload.run()).await.expect("it ends");
    assert!(matches!(ended, Err(Failure::Refused(_))), "nothing was sent");
}
